//! One array in numpy's `.npy` format, versions 1 to 3.
//!
//! Format: `numpy.lib.format` in numpy's documentation.

use std::io::{self, Read};

use super::header::{Header, dictionary};
use super::number::Number;
use super::{Array, ArrayError, count, most_values};

const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read; numpy itself refuses more than 10 000 bytes by default.
const MAX_HEADER: usize = 1 << 14;

/// Values are read in pieces of this many bytes. A multiple of every element's size.
const PIECE: usize = 1 << 16;

/// Reads a `.npy` file: its one array, row-major whichever order the file has.
///
/// # Errors
/// What is wrong with the bytes; they never cause a panic.
pub fn read_npy(bytes: &[u8]) -> Result<Array, ArrayError> {
    read(bytes, "the .npy file", bytes.len() as u64, bytes.len())
}

/// Reads a `.npy` to its end, which is `length` bytes long by what holds it: a file of `held` bytes. `array` is what
/// an error calls it.
pub(super) fn read(
    mut from: impl Read,
    array: &str,
    length: u64,
    held: usize,
) -> Result<Array, ArrayError> {
    let (header, begun) = header(&mut from, array)?;
    if header.dtype == "|O" {
        return Err(ArrayError::Objects {
            array: array.to_owned(),
        });
    }
    let number = Number::of_numpy(&header.dtype).ok_or_else(|| ArrayError::Dtype {
        array: array.to_owned(),
        dtype: shown(&header.dtype),
    })?;
    let count = count(array, &header.shape)?;
    let (needed, found) = (count * number.kind.size(), length.saturating_sub(begun));
    if found != needed as u64 {
        return Err(ArrayError::Length {
            array: array.to_owned(),
            needed: needed as u64,
            found: found.to_string(),
        });
    }
    if count > most_values(held) {
        return Err(ArrayError::Grows {
            array: array.to_owned(),
            shape: header.shape,
            held,
        });
    }
    let values = values(&mut from, array, number, count)?;
    let values = if header.fortran {
        row_major(&header.shape, &values)
    } else {
        values
    };
    Array::finite(array, &header.shape, values)
}

/// The beginning of a text out of a file, fit for a message.
fn shown(text: &str) -> String {
    text.chars()
        .filter(|mark| !mark.is_control())
        .take(80)
        .collect()
}

/// The header, and how many bytes it takes.
fn header(from: &mut impl Read, array: &str) -> Result<(Header, u64), ArrayError> {
    let wrong = |problem: &str| ArrayError::Header {
        array: array.to_owned(),
        problem: problem.to_owned(),
    };
    let cut = || wrong("the bytes end inside it");
    let start = up_to(from, array, MAGIC.len() + 2)?;
    if !start.starts_with(MAGIC) {
        return Err(wrong("the bytes do not begin with `\\x93NUMPY`"));
    }
    let width = match start[MAGIC.len()..] {
        [1, _] => 2,
        [2 | 3, _] => 4,
        [version, _] => {
            return Err(wrong(&format!(
                "its version is {version}, and 1, 2 and 3 are known"
            )));
        }
        _ => return Err(cut()),
    };
    let length = up_to(from, array, width)?;
    if length.len() < width {
        return Err(cut());
    }
    let length = length
        .iter()
        .rev()
        .fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
    if length > MAX_HEADER {
        return Err(wrong(&format!(
            "it says it is {length} bytes long, and at most {MAX_HEADER} are read"
        )));
    }
    let text = up_to(from, array, length)?;
    if text.len() < length {
        return Err(cut());
    }
    let text = std::str::from_utf8(&text).map_err(|_| wrong("it is not text"))?;
    let begun = MAGIC.len() + 2 + width + length;
    Ok((dictionary(text).map_err(wrong)?, begun as u64))
}

/// As many of the next `most` bytes as there are.
fn up_to(from: &mut impl Read, array: &str, most: usize) -> Result<Vec<u8>, ArrayError> {
    let mut bytes = Vec::new();
    from.take(most as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(array, &error))?;
    Ok(bytes)
}

fn unreadable(array: &str, error: &io::Error) -> ArrayError {
    ArrayError::Entry {
        array: array.to_owned(),
        problem: error.to_string(),
    }
}

fn values(
    from: &mut impl Read,
    array: &str,
    number: Number,
    count: usize,
) -> Result<Vec<f64>, ArrayError> {
    let needed = count * number.kind.size();
    let wrong_length = |found: String| ArrayError::Length {
        array: array.to_owned(),
        needed: needed as u64,
        found,
    };
    // Not more than `most_values`.
    let mut values = Vec::with_capacity(count);
    let mut read = 0;
    while read < needed {
        let piece = up_to(from, array, PIECE.min(needed - read))?;
        if piece.is_empty() {
            return Err(wrong_length(read.to_string()));
        }
        read += piece.len();
        number.append(&piece, &mut values);
    }
    // Reading on to the end also makes an archive compare its checksum.
    if !up_to(from, array, 1)?.is_empty() {
        return Err(wrong_length("more".to_owned()));
    }
    Ok(values)
}

/// Values stored with the first index fastest, put in the order in which the last one is.
fn row_major(shape: &[u64], stored: &[f64]) -> Vec<f64> {
    let mut index = vec![0_u64; shape.len()];
    let mut values = Vec::with_capacity(stored.len());
    for _ in stored {
        let at = index
            .iter()
            .zip(shape)
            .rev()
            .fold(0, |at, (&place, &length)| at * length + place);
        values.push(stored[at as usize]);
        for (place, &length) in index.iter_mut().zip(shape).rev() {
            *place += 1;
            if *place < length {
                break;
            }
            *place = 0;
        }
    }
    values
}

/// The bytes of a `.npy` of `f64`: version 1, its values at a multiple of 64 bytes as numpy has them.
pub(super) fn write(shape: &[u64], values: &[f64]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let lengths = match shape {
        [_] => lengths.trim_end(),
        _ => lengths.trim_end_matches(", "),
    };
    let mut text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({lengths}), }}");
    let begun = MAGIC.len() + 4;
    while !(begun + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = Vec::with_capacity(begun + text.len() + 8 * values.len());
    bytes.extend(MAGIC);
    bytes.extend([1, 0]);
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn npy(dtype: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(data);
        bytes
    }

    /// A .npy of `f32` in the given order of storage.
    fn stored(order: &str, shape: &[u64], values: &[f32]) -> Vec<u8> {
        let lengths: String = shape.iter().map(|length| format!("{length},")).collect();
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        npy("'<f4'", order, &format!("({lengths})"), &data)
    }

    #[test]
    fn both_orders_of_one_array_read_the_same() {
        let c = stored("False", &[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let f = stored("True", &[2, 3], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        let array = read_npy(&c).unwrap();
        assert_eq!(array.shape, [2, 3]);
        assert_eq!(array.values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(read_npy(&f).unwrap(), array);
    }

    #[test]
    fn fortran_order_puts_the_first_index_fastest_in_three_dimensions() {
        let (rows, columns, depth) = (2, 3, 4);
        let values: Vec<f32> = (0..24).map(|at| at as f32).collect();
        let array = read_npy(&stored("True", &[2, 3, 4], &values)).unwrap();
        for i in 0..rows {
            for j in 0..columns {
                for k in 0..depth {
                    let at = (i * columns + j) * depth + k;
                    assert_eq!(array.values[at], (i + rows * (j + columns * k)) as f64);
                }
            }
        }
    }

    #[test]
    fn a_shape_of_no_dimensions_is_one_number() {
        let array = read_npy(&npy("'<f8'", "False", "()", &2.5_f64.to_le_bytes())).unwrap();
        assert_eq!((array.shape, array.values), (vec![], vec![2.5]));
    }

    #[test]
    fn a_long_header_of_version_2_is_read() {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        let text = "{\"shape\": (2L,), 'fortran_order': True, 'descr': '|b1'}    \n";
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend([1, 0]);
        assert_eq!(read_npy(&bytes).unwrap().values, [1.0, 0.0]);
    }

    #[test]
    fn what_is_refused_is_named() {
        let huge = npy("'<f4'", "False", "(1000000, 1000000)", &[0; 16]);
        let wraps = npy("'<f4'", "False", "(4294967296, 4294967296)", &[0; 16]);
        let longer = npy("'<f4'", "False", "(99999999999999999999,)", &[0; 16]);
        let deep = npy(
            "'<f4'",
            "False",
            &format!("{}{}", "(".repeat(7000), ")".repeat(7000)),
            &[],
        );
        let record = npy("[('a', '<f4'), ('b', '<f4')]", "False", "(2,)", &[0; 16]);
        for (bytes, word) in [
            (huge, "at most 2^28"),
            (wraps, "2^28"),
            (longer, "`shape`"),
            (deep, "`shape`"),
            (record, "[('a"),
            (npy("'<c8'", "False", "(2,)", &[0; 16]), "`<c8`"),
            (npy("'<V2'", "False", "(2,)", &[0; 4]), "bfloat16"),
            (npy("'|O'", "False", "(2,)", &[0; 16]), "Python objects"),
            (npy("'<f4'", "False", "(2, 0)", &[]), "dimension 1"),
            (npy("'<f4'", "False", "(-1,)", &[]), "`shape`"),
            (npy("'<f4'", "Maybe", "(1,)", &[0; 4]), "`fortran_order`"),
            (npy("'<f4'", "False", "(2,)", &[0; 7]), "holds 7"),
            (npy("'<f4'", "False", "(2,)", &[0; 9]), "holds 9"),
            (
                npy("'<f4'", "False", "(1,)", &f32::NAN.to_le_bytes()),
                "NaN at index [0]",
            ),
            (b"\x93NUMPY\x07\x00".to_vec(), "version is 7"),
            (b"\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF".to_vec(), "4294967295"),
            (b"PK\x03\x04".to_vec(), "begin with"),
        ] {
            let message = read_npy(&bytes).unwrap_err().to_string();
            assert!(message.starts_with("the .npy file"), "{message}");
            assert!(message.contains(word), "{message} lacks {word}");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = stored("True", &[3, 2], &[1.0; 6]);
        for end in 0..bytes.len() {
            assert!(read_npy(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn no_corrupted_byte_panics() {
        let good = stored("True", &[3, 2], &[1.0; 6]);
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bytes = good.clone();
                bytes[at] = byte;
                let _ = read_npy(&bytes);
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            magic in any::<bool>(),
            bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let start: &[u8] = if magic { b"\x93NUMPY\x01\x00\x20\x00" } else { b"" };
            let _ = read_npy(&[start, &bytes].concat());
        }

        #[test]
        fn every_shape_and_order_reads_back(
            shape in prop::collection::vec(1_u64..5, 0..4),
            seed in any::<u16>(),
        ) {
            let count = shape.iter().product::<u64>() as usize;
            let values: Vec<f32> = (0..count).map(|at| (at as f32) + f32::from(seed)).collect();
            let array = read_npy(&stored("False", &shape, &values)).unwrap();
            prop_assert_eq!(array.values, values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
            prop_assert_eq!(array.shape, shape.iter().map(|&l| l as usize).collect::<Vec<_>>());
        }
    }
}
