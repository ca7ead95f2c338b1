//! Named arrays in numpy's `.npz` format: a zip archive of `.npy` entries.

use std::collections::{BTreeMap, BTreeSet};

use super::zip::{Writer, Zip};
use super::{Array, ArrayError, called, count, npy};

/// The longest name a zip entry can carry, less the `.npy` behind it.
const MAX_NAME: usize = (1 << 16) - 1 - ".npy".len();

/// Reads the `wanted` arrays of an `.npz` file; one that the file does not hold is not in the map. An array takes at
/// most [`MAX_GROWTH`](super::MAX_GROWTH) times the memory of the archive, or
/// [`SMALL_BYTES`](super::SMALL_BYTES), which is known before its first value is unpacked.
///
/// # Errors
/// What is wrong with the archive or with a wanted array; other arrays are not looked at. The
/// bytes never cause a panic.
pub fn read_npz(bytes: &[u8], wanted: &[&str]) -> Result<BTreeMap<String, Array>, ArrayError> {
    let zip = open(bytes)?;
    let mut arrays = BTreeMap::new();
    for &name in wanted {
        let file = format!("{name}.npy");
        let Some(entry) = zip.entry(&file) else {
            continue;
        };
        let from = zip
            .unpack(&file, entry)
            .map_err(|problem| ArrayError::Entry {
                array: called(name),
                problem,
            })?;
        let array = npy::read(from, &called(name), entry.size, bytes.len())?;
        arrays.insert(name.to_owned(), array);
    }
    Ok(arrays)
}

/// Names of the arrays of an `.npz` file, in order; of an entry that is no array, its whole name.
///
/// # Errors
/// What is wrong with the archive.
pub fn npz_names(bytes: &[u8]) -> Result<Vec<String>, ArrayError> {
    let zip = open(bytes)?;
    let name = |file: &str| file.strip_suffix(".npy").unwrap_or(file).to_owned();
    Ok(zip.names().map(name).collect())
}

fn open(bytes: &[u8]) -> Result<Zip<'_>, ArrayError> {
    Zip::open(bytes).map_err(|problem| ArrayError::NotNpz { problem })
}

/// Writes arrays, each a name, a shape and its row-major values, as an `.npz` file of `f64` that
/// `numpy.load` reads. Values need not be finite. The same arrays give the same bytes.
///
/// # Errors
/// A shape that does not fit its values, holds none or too many; a name that is given twice or
/// too long for an archive; more than 4 GiB in all.
pub fn write_npz(arrays: &[(&str, &[usize], &[f64])]) -> Result<Vec<u8>, ArrayError> {
    let mut names = BTreeSet::new();
    let mut writer = Writer::default();
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
        let added = writer.add(&format!("{name}.npy"), &npy::write(&shape, values));
        added.map_err(|problem| ArrayError::Entry {
            array: called(name),
            problem: problem.to_owned(),
        })?;
    }
    writer.finish().map_err(|problem| ArrayError::NotNpz {
        problem: problem.to_owned(),
    })
}

#[cfg(test)]
mod tests;
