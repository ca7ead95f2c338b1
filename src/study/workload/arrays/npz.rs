//! Named arrays in numpy's `.npz` format: a zip archive of `.npy` entries.
//!
//! The zip reader behind [`npyz`] trusts an archive in three places where it would panic or ask
//! for memory without bound: an entry that is marked as AES-encrypted in one place and plain in
//! another, an encrypted entry shorter than its salt, and a 64-bit count of entries. Each is
//! looked at here first.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use npyz::WriterBuilder;
use npyz::npz::{NpzArchive, NpzWriter, file_name_from_array_name};
use npyz::zip::write::FileOptions;
use npyz::zip::{CompressionMethod, DateTime, ZipArchive};

use super::{Array, ArrayError, called, count, npy};

/// The most entries an archive may have; beyond this a zip needs its 64-bit form to count them.
const MAX_ENTRIES: u64 = 1 << 16;

/// The longest name a zip entry can carry, less the `.npy` behind it.
const MAX_NAME: usize = (1 << 16) - 1 - ".npy".len();

/// Reads the `wanted` arrays of an `.npz` file; one that the file does not hold is not in the map.
///
/// # Errors
/// What is wrong with the archive or with a wanted array; other arrays are not looked at. The
/// bytes never cause a panic.
pub fn read_npz(bytes: &[u8], wanted: &[&str]) -> Result<BTreeMap<String, Array>, ArrayError> {
    let mut archive = open(bytes)?;
    let mut arrays = BTreeMap::new();
    for &name in wanted {
        if let Some(array) = entry(archive.zip_archive(), bytes, name)? {
            arrays.insert(name.to_owned(), array);
        }
    }
    Ok(arrays)
}

/// Names of the arrays of an `.npz` file, in order.
///
/// # Errors
/// What is wrong with the archive.
pub fn npz_names(bytes: &[u8]) -> Result<Vec<String>, ArrayError> {
    let mut archive = open(bytes)?;
    let files = archive.zip_archive().file_names();
    let mut names: Vec<String> = files
        .filter_map(|file| file.strip_suffix(".npy"))
        .map(str::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

fn open(bytes: &[u8]) -> Result<NpzArchive<Cursor<&[u8]>>, ArrayError> {
    let not_npz = |problem: String| ArrayError::NotNpz { problem };
    if !bytes.starts_with(b"PK") {
        return Err(not_npz("the bytes do not begin with `PK`".to_owned()));
    }
    if let Some(entries) = entries_in_64_bits(bytes).filter(|&entries| entries > MAX_ENTRIES) {
        return Err(not_npz(format!(
            "it says it has {entries} entries, and at most {MAX_ENTRIES} are read"
        )));
    }
    NpzArchive::new(Cursor::new(bytes)).map_err(|error| {
        not_npz(format!(
            "its list of arrays, at the end, is damaged or cut off ({error})"
        ))
    })
}

fn entry(
    zip: &mut ZipArchive<Cursor<&[u8]>>,
    bytes: &[u8],
    name: &str,
) -> Result<Option<Array>, ArrayError> {
    let wrong = |problem: String| ArrayError::Entry {
        array: called(name),
        problem,
    };
    let file = file_name_from_array_name(name);
    if !zip.file_names().any(|other| other == file) {
        return Ok(None);
    }
    // Of two entries with one name the last counts, as for numpy.
    let found = (0..zip.len()).rev().find_map(|index| {
        let raw = zip.by_index_raw(index).ok()?;
        (raw.name() == file).then(|| {
            let encrypted = is_encrypted(bytes, raw.central_header_start());
            (index, encrypted, raw.compression())
        })
    });
    let Some((index, encrypted, method)) = found else {
        return Err(wrong("its place in the archive is damaged".to_owned()));
    };
    if encrypted {
        return Err(wrong(
            "it is encrypted, and no password is ever asked for".to_owned(),
        ));
    }
    if ![CompressionMethod::Stored, CompressionMethod::Deflated].contains(&method) {
        return Err(wrong(format!(
            "it is compressed by {method}, and Stored and Deflated are taken"
        )));
    }
    // Plain `by_index` panics on an entry that is not encrypted but carries AES settings; with a
    // password, which is not used, it is an error instead.
    match zip.by_index_decrypt(index, &[]) {
        Ok(Ok(file)) => npy::read(file, &called(name)).map(Some),
        Ok(Err(_)) => Err(wrong(
            "it carries settings of an encrypted entry".to_owned(),
        )),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// The lowest bit of the flags, at byte 8 of an entry of the archive's directory.
fn is_encrypted(bytes: &[u8], central_header_start: u64) -> bool {
    usize::try_from(central_header_start)
        .ok()
        .and_then(|start| bytes.get(start.checked_add(8)?))
        .is_none_or(|flags| flags & 1 == 1)
}

/// How many entries a 64-bit end of the archive's directory counts, if there is one. It is looked
/// for where the zip reader will look.
fn entries_in_64_bits(bytes: &[u8]) -> Option<u64> {
    const RECORD: &[u8] = b"PK\x06\x06";
    const LOCATOR: &[u8; 4] = b"PK\x06\x07";
    const END: &[u8] = b"PK\x05\x06";
    let end = bytes
        .get(..bytes.len().checked_sub(18)?)?
        .windows(4)
        .rposition(|mark| mark == END)?;
    let comment = usize::from(u16::from_le_bytes(at(bytes, end + 20)?));
    let locator = bytes.len().checked_sub(20 + 22 + comment)?;
    if at(bytes, locator)? != *LOCATOR {
        return None;
    }
    let from = usize::try_from(u64::from_le_bytes(at(bytes, locator + 8)?)).ok()?;
    let record = bytes.get(from..)?.windows(4).position(|m| m == RECORD)?;
    at(bytes, from + record + 32).map(u64::from_le_bytes)
}

fn at<const N: usize>(bytes: &[u8], start: usize) -> Option<[u8; N]> {
    bytes.get(start..)?.first_chunk().copied()
}

/// Writes arrays, each a name, a shape and its row-major values, as an `.npz` file of `f64` that
/// `numpy.load` reads. Values need not be finite. The same arrays give the same bytes.
///
/// # Errors
/// A shape that does not fit its values, holds none or too many; a name that is given twice or
/// too long for an archive.
pub fn write_npz(arrays: &[(&str, &[usize], &[f64])]) -> Result<Vec<u8>, ArrayError> {
    let mut names = BTreeSet::new();
    let mut bytes = Vec::new();
    let mut writer = NpzWriter::new(Cursor::new(&mut bytes));
    for &(name, shape, values) in arrays {
        let wrong_name = |problem| ArrayError::Name {
            array: called(name),
            problem,
        };
        if name.len() > MAX_NAME {
            return Err(wrong_name("is longer than a zip archive can hold"));
        }
        if !names.insert(name) {
            return Err(wrong_name("is given twice"));
        }
        let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
        if count(&called(name), &shape)? != values.len() {
            return Err(ArrayError::Shape {
                array: called(name),
                shape,
                values: values.len(),
            });
        }
        write(&mut writer, name, &shape, values).map_err(|error| ArrayError::Entry {
            array: called(name),
            problem: error.to_string(),
        })?;
    }
    writer
        .zip_writer()
        .finish()
        .map_err(|error| ArrayError::NotNpz {
            problem: error.to_string(),
        })?;
    drop(writer);
    Ok(bytes)
}

fn write(
    writer: &mut NpzWriter<Cursor<&mut Vec<u8>>>,
    name: &str,
    shape: &[u64],
    values: &[f64],
) -> std::io::Result<()> {
    // The default stamp is the time of day, which would make the bytes differ from run to run.
    let options = FileOptions::default()
        .last_modified_time(DateTime::default())
        .compression_method(CompressionMethod::Stored);
    let mut array = writer
        .array(name, options)?
        .default_dtype()
        .shape(shape)
        .begin_nd()?;
    array.extend(values.iter().copied())?;
    array.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn small() -> Vec<u8> {
        write_npz(&[
            ("q", &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            ("mask", &[2], &[1.0, 0.0]),
        ])
        .unwrap()
    }

    fn entry_of(file: &str, options: FileOptions, data: &[u8]) -> Vec<u8> {
        let mut zip = npyz::zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(file, options).unwrap();
        zip.write_all(data).unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn what_is_written_reads_back_and_only_what_is_wanted() {
        let arrays = read_npz(&small(), &["q", "v"]).unwrap();
        assert_eq!(arrays.keys().collect::<Vec<_>>(), ["q"]);
        assert_eq!(arrays["q"].shape, [2, 3]);
        assert_eq!(arrays["q"].values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let mask = read_npz(&small(), &["mask"]).unwrap();
        assert_eq!(mask["mask"].values, [1.0, 0.0]);
    }

    #[test]
    fn the_same_arrays_give_the_same_bytes() {
        assert_eq!(small(), small());
    }

    #[test]
    fn an_archive_of_nothing_holds_nothing() {
        assert!(
            read_npz(&write_npz(&[]).unwrap(), &["q"])
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_compressed_archive_reads_like_a_plain_one() {
        let mut writer = NpzWriter::new(Cursor::new(Vec::new()));
        let mut array = writer
            .array("k", FileOptions::default())
            .unwrap()
            .default_dtype()
            .shape(&[1000])
            .begin_nd()
            .unwrap();
        array.extend((0..1000).map(|at| at as f32)).unwrap();
        array.finish().unwrap();
        let bytes = writer.zip_writer().finish().unwrap().into_inner();
        assert!(bytes.len() < 4000);
        assert_eq!(read_npz(&bytes, &["k"]).unwrap()["k"].values[999], 999.0);
    }

    #[test]
    fn a_fault_of_an_array_that_is_not_wanted_does_not_matter() {
        let bytes = entry_of("v.npy", FileOptions::default(), b"no array");
        assert!(read_npz(&bytes, &["q"]).unwrap().is_empty());
        let message = read_npz(&bytes, &["v"]).unwrap_err().to_string();
        assert!(message.starts_with("array `v`"), "{message}");
    }

    #[test]
    fn a_header_that_unpacks_to_a_bomb_is_refused_by_what_it_says() {
        let mut data = b"\x93NUMPY\x01\x00".to_vec();
        let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}";
        data.extend((text.len() as u16).to_le_bytes());
        data.extend(text.as_bytes());
        data.extend(vec![0; 1 << 20]);
        let error = read_npz(&entry_of("q.npy", FileOptions::default(), &data), &["q"]);
        assert!(matches!(error, Err(ArrayError::TooLarge { .. })));
    }

    #[test]
    fn encryption_and_rare_compression_are_refused() {
        for options in [
            FileOptions::default().compression_method(CompressionMethod::Bzip2),
            FileOptions::default().compression_method(CompressionMethod::Zstd),
        ] {
            let bytes = entry_of("q.npy", options, b"x");
            let message = read_npz(&bytes, &["q"]).unwrap_err().to_string();
            assert!(message.contains("Stored and Deflated"), "{message}");
        }
        let mut bytes = small();
        let directory = bytes.windows(4).position(|m| m == b"PK\x01\x02").unwrap();
        bytes[directory + 8] |= 1;
        let message = read_npz(&bytes, &["q"]).unwrap_err().to_string();
        assert!(message.contains("encrypted"), "{message}");
    }

    /// AES settings in the extra field of a directory entry, with the flag for encryption off and
    /// on, and a length below that of the salt.
    #[test]
    fn half_encrypted_entries_do_not_panic() {
        const FIELD: &[u8] = b"\x01\x99\x07\x00\x02\x00AE\x03\x00\x00";
        for (flag, length) in [(0, 4), (1, 4), (0, 1000)] {
            let mut bytes = entry_of("q.npy", FileOptions::default(), b"data");
            let directory = bytes.windows(4).position(|m| m == b"PK\x01\x02").unwrap();
            bytes[directory + 8] |= flag;
            bytes[directory + 20] = length as u8;
            bytes[directory + 30] = FIELD.len() as u8;
            bytes.splice(directory + 51..directory + 51, FIELD.iter().copied());
            let end = bytes.len() - 22;
            bytes[end + 12] += FIELD.len() as u8;
            let message = read_npz(&bytes, &["q"]).unwrap_err().to_string();
            assert!(message.contains("encrypted"), "{message}");
        }
    }

    #[test]
    fn a_64_bit_count_of_entries_is_bounded() {
        let mut record = b"PK\x06\x06".to_vec();
        record.extend([0; 20]);
        record.extend([0xFF; 16]);
        record.extend([0; 16]);
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend(&record);
        bytes.extend(b"PK\x06\x07\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0");
        bytes.extend(b"PK\x05\x06");
        bytes.extend([0; 18]);
        let message = read_npz(&bytes, &["q"]).unwrap_err().to_string();
        assert!(
            message.contains("18446744073709551615 entries"),
            "{message}"
        );
    }

    #[test]
    fn what_can_not_be_written_is_named() {
        let long = "n".repeat(1 << 16);
        type Given<'a> = (&'a str, &'a [usize], &'a [f64]);
        let cases: [(&[Given<'_>], &str); 4] = [
            (&[("q", &[2], &[1.0])], "has 1 values"),
            (&[("q", &[0], &[])], "dimension 0"),
            (&[("q", &[1], &[1.0]), ("q", &[1], &[1.0])], "given twice"),
            (&[(&long, &[1], &[1.0])], "longer than"),
        ];
        for (arrays, word) in cases {
            let message = write_npz(arrays).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = small();
        for end in 0..bytes.len() {
            assert!(read_npz(&bytes[..end], &["q", "mask"]).is_err(), "{end}");
        }
    }

    /// A checksum guards the values; a byte of the archive's own may also make an array unfindable.
    #[test]
    fn no_corrupted_byte_panics_or_changes_a_value() {
        let good = small();
        let whole = read_npz(&good, &["q", "mask"]).unwrap();
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bytes = good.clone();
                bytes[at] = byte;
                for (name, array) in read_npz(&bytes, &["q", "mask"]).unwrap_or_default() {
                    assert_eq!(array, whole[&name], "byte {at} as {byte}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = read_npz(&bytes, &["q"]);
            let _ = read_npz(&[b"PK\x03\x04", &bytes[..]].concat(), &["q"]);
        }

        #[test]
        fn no_mangled_archive_panics(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in any::<prop::sample::Index>(),
            insert in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let mut bytes = small();
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let cut = cut.index(bytes.len());
            bytes.splice(cut..cut, insert);
            let _ = read_npz(&bytes, &["q", "mask"]);
        }

        #[test]
        fn any_name_and_value_reads_back(name in "\\PC{0,12}", value in prop::num::f64::NORMAL) {
            let bytes = write_npz(&[(&name, &[1, 1], &[value])]).unwrap();
            let arrays = read_npz(&bytes, &[&name]).unwrap();
            prop_assert_eq!(arrays[&name].values[0].to_bits(), value.to_bits());
        }
    }
}
