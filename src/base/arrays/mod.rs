//! Named arrays out of the bytes of a file, and back into one.
//!
//! Four formats are read: `.npy` and `.npz` as numpy writes them, `.safetensors`, and IDX, whose bytes
//! stay bytes. Every other number becomes an `f64`; 64-bit integers beyond 2^53 are rounded to the nearest one. A file is
//! never trusted: what it says of its sizes is held against [`MAX_VALUES`], against the bytes that are there and, where
//! it is packed, against [`MAX_GROWTH`] before memory is asked for, and a value that is not finite is an error that
//! names its place.
//!
//! ```
//! use topkima::base::arrays::{read_npz, write_npz};
//! let bytes = write_npz(&[("q", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]).unwrap();
//! let arrays = read_npz(&bytes, &["q", "mask"]).unwrap();
//! assert_eq!(arrays["q"].shape, [2, 3]);
//! assert!(!arrays.contains_key("mask"));
//! ```

mod header;
mod idx;
mod npy;
mod npz;
mod number;
mod safetensors;
mod zip;

pub use idx::{ByteArray, read_idx};
pub use npy::read_npy;
pub use npz::{npz_names, read_npz, write_npz};
pub use safetensors::{open_safetensors, read_safetensors, safetensors_names};

/// The most values one array may hold, 2^28: 2 GiB as `f64`.
pub const MAX_VALUES: usize = 1 << 28;

/// The most memory an array may take, as so many times the bytes of the file it is packed in.
pub const MAX_GROWTH: usize = 64;

/// What any array may take, however small its file: 128 MiB. Masks pack a thousandfold.
pub const SMALL_BYTES: usize = 1 << 27;

/// The most values, 8 bytes each, of an array out of a file of so many bytes.
fn most_values(held: usize) -> usize {
    held.saturating_mul(MAX_GROWTH).max(SMALL_BYTES) / size_of::<f64>()
}

/// A rectangular array in row-major order: the last index runs fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each dimension, slowest first; empty for a single number.
    pub shape: Vec<usize>,
    /// The values, as many as the product of `shape`.
    pub values: Vec<f64>,
}

/// Why bytes are not the arrays they should be. `array` says which one, in words that begin a
/// sentence: ``array `q` ``, or `the .npy file` for the one array that has no name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// The bytes are no zip archive that numpy could have written.
    #[error("not a whole .npz file: {problem}; copy it again, or write it with numpy.savez")]
    NotNpz {
        /// What the archive's directory is not.
        problem: String,
    },
    /// The bytes are no safetensors file.
    #[error(
        "not a whole .safetensors file: {problem}; copy it again, or write it with safetensors.numpy.save_file"
    )]
    NotSafetensors {
        /// What its header is not.
        problem: String,
    },
    /// The bytes are no IDX file.
    #[error("not a whole IDX file: {problem}; fetch or copy it again")]
    NotIdx {
        /// What its packing or header is not.
        problem: String,
    },
    /// An entry of an archive can not be unpacked.
    #[error("{array} can not be unpacked: {problem}; write the file again with numpy.savez")]
    Entry {
        /// Which array.
        array: String,
        /// What went wrong.
        problem: String,
    },
    /// The header of a `.npy` is not what numpy writes.
    #[error("{array} has no readable .npy header: {problem}; write it with numpy.save")]
    Header {
        /// Which array.
        array: String,
        /// What the header is not.
        problem: String,
    },
    /// Values are cut off, or more bytes follow than the shape accounts for.
    #[error(
        "{array} should hold {needed} bytes of values by its shape, but holds {found}; \
         the file is damaged or cut short: copy or write it again"
    )]
    Length {
        /// Which array.
        array: String,
        /// Bytes its shape and dtype ask for.
        needed: u64,
        /// What stands there.
        found: String,
    },
    /// Elements of a type that is not taken.
    #[error(
        "{array} has dtype `{dtype}`, but float16, float32, float64, bool and integers of 8 to 64 \
         bits are taken (bfloat16 and complex are not); convert it, for instance with \
         .astype(numpy.float32)"
    )]
    Dtype {
        /// Which array.
        array: String,
        /// The type as the file writes it.
        dtype: String,
    },
    /// Pickled Python objects.
    #[error(
        "{array} holds Python objects, which are never unpickled because a pickle can run code; \
         convert it to numbers of one shape with .astype(numpy.float32)"
    )]
    Objects {
        /// Which array.
        array: String,
    },
    /// NaN or an infinity.
    #[error(
        "{array} holds {value} at index {index:?}, but every value must be finite; mend it before \
         saving (a mask is written as 0 and 1, not as 0 and -inf)"
    )]
    NotFinite {
        /// Which array.
        array: String,
        /// The first such place, an index for each dimension.
        index: Vec<usize>,
        /// What stands there.
        value: f64,
    },
    /// More values than [`MAX_VALUES`], or than can be counted.
    #[error(
        "{array} has shape {shape:?}, but an array may hold at most 2^28 = {MAX_VALUES} values; \
         cut it into smaller arrays"
    )]
    TooLarge {
        /// Which array.
        array: String,
        /// Its shape by the file.
        shape: Vec<u64>,
    },
    /// More values than a packed file of this length may unpack to.
    #[error(
        "{array} has shape {shape:?}, which is more than {MAX_GROWTH} times the {held} bytes of its file; \
         check how it was written, or write it unpacked with numpy.savez"
    )]
    Grows {
        /// Which array.
        array: String,
        /// Its shape by the file.
        shape: Vec<u64>,
        /// Bytes of the file.
        held: usize,
    },
    /// A dimension of length zero.
    #[error(
        "{array} has shape {shape:?} and so holds no value: dimension {dimension} must be at \
         least 1; leave the array out or fill it"
    )]
    Empty {
        /// Which array.
        array: String,
        /// Its shape by the file.
        shape: Vec<u64>,
        /// The first dimension of length zero, counted from 0.
        dimension: usize,
    },
    /// An array to be written has more or fewer values than its shape.
    #[error(
        "{array} is to be written with shape {shape:?} but has {values} values; \
         give as many values as the product of the shape"
    )]
    Shape {
        /// Which array.
        array: String,
        /// The shape given.
        shape: Vec<u64>,
        /// The number of values given.
        values: usize,
    },
    /// A name no archive can hold, or one that is given twice.
    #[error("{array} can not be written: its name {problem}; give each array a name of its own")]
    Name {
        /// Which array.
        array: String,
        /// What the name is not.
        problem: &'static str,
    },
}

/// How an array that has a name is called in an error.
fn called(name: &str) -> String {
    format!("array `{name}`")
}

/// The number of values of a shape, if it is allowed.
fn count(array: &str, shape: &[u64]) -> Result<usize, ArrayError> {
    if let Some(dimension) = shape.iter().position(|&length| length == 0) {
        return Err(ArrayError::Empty {
            array: array.to_owned(),
            shape: shape.to_vec(),
            dimension,
        });
    }
    shape
        .iter()
        .try_fold(1_usize, |product, &length| {
            product
                .checked_mul(usize::try_from(length).ok()?)
                .filter(|&product| product <= MAX_VALUES)
        })
        .ok_or_else(|| ArrayError::TooLarge {
            array: array.to_owned(),
            shape: shape.to_vec(),
        })
}

impl Array {
    /// Joins a shape that [`count`] allowed with its values, if all of them are finite.
    fn finite(array: &str, shape: &[u64], values: Vec<f64>) -> Result<Self, ArrayError> {
        // A length fits because the product of all of them did.
        let shape: Vec<usize> = shape.iter().map(|&length| length as usize).collect();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let mut index = vec![0; shape.len()];
            let mut rest = at;
            for (place, &length) in index.iter_mut().zip(&shape).rev() {
                *place = rest % length;
                rest /= length;
            }
            return Err(ArrayError::NotFinite {
                array: array.to_owned(),
                index,
                value: values[at],
            });
        }
        Ok(Self { shape, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_beyond_the_limit_is_refused_even_when_its_product_wraps() {
        assert_eq!(count("a", &[1 << 14, 1 << 14]), Ok(MAX_VALUES));
        assert_eq!(count("a", &[]), Ok(1));
        for shape in [
            vec![(1 << 28) + 1],
            vec![1_000_000, 1_000_000],
            vec![1 << 32, 1 << 32],
            vec![u64::MAX, u64::MAX],
        ] {
            let error = count("a", &shape).unwrap_err();
            assert_eq!(
                error,
                ArrayError::TooLarge {
                    array: "a".to_owned(),
                    shape
                }
            );
        }
    }

    #[test]
    fn a_shape_without_values_is_refused_by_the_dimension() {
        let error = count("array `k`", &[u64::MAX, 0]).unwrap_err().to_string();
        assert!(error.contains("array `k`"), "{error}");
        assert!(error.contains("dimension 1"), "{error}");
    }

    #[test]
    fn a_value_that_is_not_finite_is_named_by_all_its_indices() {
        let mut values = vec![0.0; 24];
        values[23] = f64::NAN;
        values[17] = f64::NEG_INFINITY;
        let error = Array::finite("array `q`", &[2, 3, 4], values).unwrap_err();
        assert_eq!(
            error,
            ArrayError::NotFinite {
                array: "array `q`".to_owned(),
                index: vec![1, 1, 1],
                value: f64::NEG_INFINITY
            }
        );
    }
}
