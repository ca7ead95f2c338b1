//! Archives as numpy writes them, and broken ones.

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
