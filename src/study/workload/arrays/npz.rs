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
mod tests;
