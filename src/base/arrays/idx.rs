//! Bytes in the IDX format of the MNIST family, packed with gzip or not.
//!
//! Format: two zero bytes, the type (8 for unsigned bytes), the number of dimensions, each dimension
//! as a big-endian u32, then the values (<http://yann.lecun.com/exdb/mnist/>).

use std::io::{self, Read};

use flate2::read::GzDecoder;

use super::{ArrayError, MAX_GROWTH, SMALL_BYTES, count};

/// A rectangular array of bytes in row-major order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteArray {
    /// Length of each dimension, slowest first.
    pub shape: Vec<usize>,
    /// The values, as many as the product of `shape`.
    pub values: Vec<u8>,
}

/// How the one array of an IDX file is called in an error.
const ARRAY: &str = "the IDX file";

/// Reads an IDX file of unsigned bytes; one that begins like gzip is unpacked first.
///
/// # Errors
/// What is wrong with the packing, the header or the number of values. The bytes never cause a panic.
pub fn read_idx(bytes: &[u8]) -> Result<ByteArray, ArrayError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return unpacked(bytes);
    }
    let packed = |error: io::Error| ArrayError::NotIdx {
        problem: format!("it can not be unpacked ({error})"),
    };
    // The header alone says how much there is to unpack.
    let mut decoder = GzDecoder::new(bytes);
    let mut whole = Vec::new();
    let mut up_to = |most: usize, whole: &mut Vec<u8>| {
        let mut part = (&mut decoder).take(most as u64);
        part.read_to_end(whole).map_err(packed)
    };
    up_to(4, &mut whole)?;
    let dimensions = whole.get(3).copied().unwrap_or(0);
    up_to(4 * usize::from(dimensions), &mut whole)?;
    let (shape, _) = header(&whole)?;
    let needed = count(ARRAY, &shape)?;
    if needed > bytes.len().saturating_mul(MAX_GROWTH).max(SMALL_BYTES) {
        return Err(ArrayError::Grows {
            array: ARRAY.to_owned(),
            shape,
            held: bytes.len(),
        });
    }
    // One byte more shows whether there are too many, and the end brings the checksum.
    up_to(needed.saturating_add(1), &mut whole)?;
    unpacked(&whole)
}

/// The shape that a header gives, and the values behind it.
fn header(bytes: &[u8]) -> Result<(Vec<u64>, &[u8]), ArrayError> {
    let wrong = |problem: String| ArrayError::NotIdx { problem };
    let Some((&[a, b, kind, dimensions], rest)) = bytes.split_first_chunk() else {
        return Err(wrong(format!("it holds {} bytes", bytes.len())));
    };
    if (a, b) != (0, 0) || dimensions == 0 {
        return Err(wrong(format!(
            "it begins with {a} {b} {kind} {dimensions}, not with 0 0, the type and the number of dimensions"
        )));
    }
    if kind != 8 {
        return Err(wrong(format!(
            "its type is {kind}, and only 8, unsigned bytes, is taken"
        )));
    }
    let lengths = 4 * usize::from(dimensions);
    let Some((lengths, values)) = rest.split_at_checked(lengths) else {
        return Err(wrong("it ends within its header".to_owned()));
    };
    let shape: Vec<u64> = lengths
        .as_chunks()
        .0
        .iter()
        .map(|length| u64::from(u32::from_be_bytes(*length)))
        .collect();
    Ok((shape, values))
}

fn unpacked(bytes: &[u8]) -> Result<ByteArray, ArrayError> {
    let (shape, values) = header(bytes)?;
    let needed = count(ARRAY, &shape)?;
    if values.len() != needed {
        return Err(ArrayError::Length {
            array: ARRAY.to_owned(),
            needed: needed as u64,
            found: values.len().to_string(),
        });
    }
    Ok(ByteArray {
        shape: shape.iter().map(|length| *length as usize).collect(),
        values: values.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    fn plain() -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([1, 2, 3, 4, 5, 6]);
        bytes
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_and_unpacked_files_are_the_same_array() {
        let array = read_idx(&plain()).unwrap();
        assert_eq!(
            (&array.shape[..], &array.values[..]),
            (&[2, 3][..], &[1, 2, 3, 4, 5, 6][..])
        );
        assert_eq!(read_idx(&packed(&plain())).unwrap(), array);
    }

    #[test]
    fn every_truncation_is_an_error_packed_or_not() {
        for bytes in [plain(), packed(&plain())] {
            for end in 0..bytes.len() {
                assert!(read_idx(&bytes[..end]).is_err(), "{end}");
            }
        }
        let mut longer = plain();
        longer.push(0);
        assert!(read_idx(&longer).is_err());
    }

    #[test]
    fn what_is_refused_is_told() {
        let edited = |at: usize, byte: u8| {
            let mut bytes = plain();
            bytes[at] = byte;
            read_idx(&bytes).unwrap_err().to_string()
        };
        assert!(edited(2, 13).contains("its type is 13"));
        assert!(edited(0, 9).contains("begins with 9 0 8 2"));
        assert!(edited(7, 9).contains("should hold 27 bytes"));
        assert!(edited(4, 255).contains("at most 2^28"));
        let mut damaged = packed(&plain());
        let last = damaged.len() - 6;
        damaged[last] ^= 1;
        assert!(
            read_idx(&damaged)
                .unwrap_err()
                .to_string()
                .contains("unpacked")
        );
    }

    /// 200 MB of zeros pack into 200 kB: the header alone is unpacked.
    #[test]
    fn what_unpacks_to_too_much_is_refused_by_its_header() {
        let mut bytes = vec![0, 0, 8, 1, 12, 0, 0, 0];
        bytes.resize(bytes.len() + (12 << 24), 0);
        let error = read_idx(&packed(&bytes)).unwrap_err();
        assert!(matches!(error, ArrayError::Grows { .. }), "{error}");
        assert!(error.to_string().contains("[201326592]"), "{error}");
        // A header that says less than there is, however much that be.
        bytes[4..8].copy_from_slice(&[0, 0, 0, 2]);
        let error = read_idx(&packed(&bytes)).unwrap_err();
        assert!(error.to_string().contains("should hold 2 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_idx(&bytes);
            let _ = read_idx(&packed(&bytes));
        }
    }
}
