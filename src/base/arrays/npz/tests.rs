//! Archives as numpy writes them, and broken ones.

use super::*;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use std::io::Write;

/// What numpy 2 wrote with savez and savez_compressed: q = arange(6) as float32, k the same as big-endian
/// int16 in Fortran order, both 2 x 3, and mask = [True, False].
const BY_NUMPY: [&[u8]; 2] = [include_bytes!("stored.npz"), include_bytes!("deflated.npz")];

fn small() -> Vec<u8> {
    write_npz(&[
        ("q", &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        ("mask", &[2], &[1.0, 0.0]),
    ])
    .unwrap()
}

/// An archive of one stored entry.
fn entry_of(file: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.add(file, content).unwrap();
    writer.finish().unwrap()
}

/// The same, deflated.
fn deflated(file: &str, content: &[u8]) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content).unwrap();
    let packed = packed.finish().unwrap();
    let mut bytes = entry_of(file, &packed);
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let list = bytes.windows(4).position(|m| m == b"PK\x01\x02").unwrap();
    for (at, method) in [(0, 8), (list, 10)] {
        bytes[at + method] = 8;
        bytes[at + method + 6..][..4].copy_from_slice(&crc.sum().to_le_bytes());
        bytes[at + method + 14..][..4].copy_from_slice(&(content.len() as u32).to_le_bytes());
    }
    bytes
}

/// A .npy of zeros of this shape, and its values apart.
fn zeros(shape: &[u64]) -> (Vec<u8>, usize) {
    let count = shape.iter().product::<u64>() as usize;
    let mut bytes = npy::write(shape, &[]);
    bytes.resize(bytes.len() + 8 * count, 0);
    (bytes, count)
}

#[test]
fn what_numpy_writes_is_read() {
    for bytes in BY_NUMPY {
        assert_eq!(npz_names(bytes).unwrap(), ["k", "mask", "q"]);
        let arrays = read_npz(bytes, &["q", "k", "mask", "v"]).unwrap();
        assert_eq!(arrays.len(), 3);
        for name in ["q", "k"] {
            assert_eq!(arrays[name].shape, [2, 3]);
            assert_eq!(arrays[name].values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        }
        assert_eq!(arrays["mask"].values, [1.0, 0.0]);
    }
}

/// 60 000 entries take a few hundredths of a second; with a look at all of them for each it was minutes.
#[test]
fn time_to_open_goes_with_the_number_of_entries() {
    let mut writer = Writer::default();
    for number in 0..60_000 {
        writer.add(&format!("{number}.npy"), b"").unwrap();
    }
    writer.add("q.npy", &zeros(&[1, 1]).0).unwrap();
    let bytes = writer.finish().unwrap();
    let started = std::time::Instant::now();
    assert_eq!(npz_names(&bytes).unwrap().len(), 60_001);
    assert_eq!(read_npz(&bytes, &["q"]).unwrap()["q"].values, [0.0]);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

/// 2^24 + 1 zeros, one more than fit 128 MiB, pack into 131 kB.
#[test]
fn what_unpacks_to_too_much_is_refused_by_its_stated_size() {
    let (bytes, _) = zeros(&[1, (1 << 24) + 1]);
    let packed = deflated("q.npy", &bytes);
    assert!(packed.len() < 200_000);
    let refused = read_npz(&packed, &["q"]).unwrap_err();
    assert!(matches!(refused, ArrayError::Grows { .. }), "{refused}");
    let message = refused.to_string();
    assert!(
        message.contains("[1, 16777217]") && message.contains("64 times"),
        "{message}"
    );
    // Within the bound it is read.
    let (bytes, count) = zeros(&[1, 1 << 20]);
    let read = read_npz(&deflated("q.npy", &bytes), &["q"]).unwrap();
    assert_eq!(read["q"].values.len(), count);
}

/// Sizes of the directory, of the header and of what is there: where they differ nothing is taken.
#[test]
fn a_size_that_lies_is_an_error() {
    let (content, _) = zeros(&[1, 100]);
    let good = deflated("q.npy", &content);
    assert!(read_npz(&good, &["q"]).is_ok());
    let list = good.windows(4).position(|m| m == b"PK\x01\x02").unwrap();
    for said in [0, 1, 927, 929, u32::MAX - 1] {
        let mut bytes = good.clone();
        bytes[list + 24..][..4].copy_from_slice(&said.to_le_bytes());
        let message = read_npz(&bytes, &["q"]).unwrap_err().to_string();
        assert!(message.starts_with("array `q`"), "{message}");
    }
    // A header that agrees with the directory, and more behind it.
    let mut longer = content.clone();
    longer.extend([0; 8]);
    let mut bytes = deflated("q.npy", &longer);
    let list = bytes.windows(4).position(|m| m == b"PK\x01\x02").unwrap();
    bytes[list + 24..][..4].copy_from_slice(&(content.len() as u32).to_le_bytes());
    let message = read_npz(&bytes, &["q"]).unwrap_err().to_string();
    assert!(message.contains("not as long as"), "{message}");
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
fn a_fault_of_an_array_that_is_not_wanted_does_not_matter() {
    let bytes = entry_of("v.npy", b"no array");
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
    let error = read_npz(&entry_of("q.npy", &data), &["q"]);
    assert!(matches!(error, Err(ArrayError::TooLarge { .. })));
}

#[test]
fn encryption_and_rare_compression_are_refused() {
    let good = small();
    let list = good.windows(4).position(|m| m == b"PK\x01\x02").unwrap();
    // Flag, bzip2, zstd, AES.
    for (at, value, word) in [
        (8, 1, "encrypted"),
        (10, 12, "method 12"),
        (10, 93, "method 93"),
        (10, 99, "method 99"),
    ] {
        let mut bytes = good.clone();
        bytes[list + at] = value;
        let message = read_npz(&bytes, &["mask", "q"]).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
}

/// Python's zipfile writes sizes and places of 64 bits where 32 do not hold them.
#[test]
fn sizes_of_64_bits_are_read() {
    let (content, _) = zeros(&[1, 1]);
    let mut bytes = entry_of("q.npy", &content);
    let end = bytes.len() - 22;
    let list = bytes.windows(4).position(|m| m == b"PK\x01\x02").unwrap();
    let mut entry = bytes[list..end].to_vec();
    entry[20..28].fill(0xFF);
    entry[42..46].fill(0xFF);
    entry[30] = 28;
    entry.extend([1, 0, 24, 0]);
    for number in [content.len() as u64, content.len() as u64, 0] {
        entry.extend(number.to_le_bytes());
    }
    bytes.truncate(list);
    bytes.extend(&entry);
    let record = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend([0; 20]);
    for number in [1, 1, entry.len() as u64, list as u64] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(record.to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([0xFF; 12]);
    bytes.extend([0; 2]);
    assert_eq!(read_npz(&bytes, &["q"]).unwrap()["q"].values, [0.0]);
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

/// numpy takes the last; which was meant is not known.
#[test]
fn a_name_that_is_there_twice_is_refused() {
    let mut writer = Writer::default();
    writer.add("q.npy", &zeros(&[1, 1]).0).unwrap();
    writer.add("q.npy", &zeros(&[2, 1]).0).unwrap();
    let bytes = writer.finish().unwrap();
    let said = read_npz(&bytes, &["q"]).unwrap_err().to_string();
    assert!(
        said.contains("it holds two entries named `q.npy`"),
        "{said}"
    );
}
