//! Weights by name: shapes that must be as the model says, and errors that name the tensor.
//!
//! A matrix is stored as Hugging Face writes it, out x in and row by row, in 16 or 32 bits, or
//! quantised to 4 bits a row: `NAME.int4` holds two codes a byte, the even column in the low half,
//! each 8 above its value in -7..7, and `NAME.scale` the value of one code for each row.

use std::collections::BTreeSet;

use half::{bf16, f16};
use nalgebra::{DMatrix, DVector};
use safetensors::{Dtype, SafeTensors};

use crate::base::mistake::Mistakes;
use crate::study::workload::arrays::open_safetensors;

/// What stands between a model and the values of its codes of 4 bits.
const INT4_OFFSET: i16 = 8;

/// The tensors of one `.safetensors` file while a model is assembled from them. Mistakes are
/// gathered, so that all missing and misshapen tensors are told at once.
#[derive(Debug)]
pub struct Tensors<'a> {
    file: SafeTensors<'a>,
    prefix: String,
    mistakes: Mistakes,
}

impl<'a> Tensors<'a> {
    /// Opens the directory of the file.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Mistakes> {
        match open_safetensors(bytes) {
            Ok(file) => Ok(Self {
                file,
                prefix: String::new(),
                mistakes: Mistakes::none(),
            }),
            Err(error) => {
                let mut mistakes = Mistakes::none();
                mistakes.add("", "", error.to_string(), "");
                Err(mistakes)
            }
        }
    }

    /// Whether the file holds a tensor of this whole name, in 4 bits or more.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.file.tensor(name).is_ok() || self.file.tensor(&format!("{name}.int4")).is_ok()
    }

    /// What the file of these `bytes` says of itself under a key.
    #[must_use]
    pub fn about(&self, bytes: &[u8], key: &str) -> Option<String> {
        let (_, about) = SafeTensors::read_metadata(bytes).ok()?;
        about.metadata().as_ref()?.get(key).cloned()
    }

    /// Dimensions of the tensor of this whole name, if the file holds it in 16 bits or more.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        Some(self.file.tensor(name).ok()?.shape().to_vec())
    }

    /// Rows of the tensor of this whole name, if the file holds it.
    #[must_use]
    pub fn rows(&self, name: &str) -> Option<usize> {
        self.file.tensor(name).ok()?.shape().first().copied()
    }

    /// From here on every name has `prefix` before it, if the tensor `sign` has.
    pub fn prefix_if(&mut self, prefix: &str, sign: &str) {
        self.prefix.clear();
        if self.holds(&format!("{prefix}{sign}")) {
            prefix.clone_into(&mut self.prefix);
        }
    }

    /// From here on names are whole.
    pub fn no_prefix(&mut self) {
        self.prefix.clear();
    }

    /// Says so if the file holds more blocks `FOLDER.layer.N` than the `layers` that `key` of
    /// config.json counts: without them the rest is another encoder.
    pub fn no_more_layers(&mut self, folder: &str, layers: usize, key: &str) {
        let before = format!("{}{folder}.layer.", self.prefix);
        let mut beyond: Vec<(usize, &str)> = Vec::new();
        let mut held = BTreeSet::new();
        for name in self.file.names() {
            let layer = name.strip_prefix(&before).and_then(|rest| {
                let (number, _) = rest.split_once('.')?;
                number.parse::<usize>().ok()
            });
            let Some(layer) = layer else { continue };
            held.insert(layer);
            if layer >= layers {
                beyond.push((layer, name));
            }
        }
        if let Some((_, first)) = beyond.into_iter().min() {
            self.mistakes.add(
                first,
                "",
                format!(
                    "the file holds {} layers, and config.json has {key} = {layers}",
                    held.len()
                ),
                format!("set {key} in config.json to the layers of the file, or take weights of {layers} layers"),
            );
        }
    }

    /// Takes a matrix of `rows` x `columns` (out x in). What is wrong with it is remembered and an
    /// empty one returned.
    pub fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> DMatrix<f32> {
        let name = format!("{}{name}", self.prefix);
        let values = if self.file.tensor(&format!("{name}.int4")).is_ok() {
            self.int4(&name, rows, columns)
        } else {
            self.values(&name, &[rows, columns])
        };
        values.map_or_else(
            || DMatrix::zeros(0, 0),
            |values| DMatrix::from_row_slice(rows, columns, &values),
        )
    }

    /// Takes a tensor of any rank whose first dimension counts `rows`, as a matrix of that many rows.
    pub fn flattened(&mut self, name: &str, shape: &[usize]) -> DMatrix<f32> {
        let name = format!("{}{name}", self.prefix);
        let columns = shape[1..].iter().product();
        self.values(&name, shape).map_or_else(
            || DMatrix::zeros(0, 0),
            |values| DMatrix::from_row_slice(shape[0], columns, &values),
        )
    }

    /// Takes a vector.
    pub fn vector(&mut self, name: &str, length: usize) -> DVector<f32> {
        let name = format!("{}{name}", self.prefix);
        self.values(&name, &[length])
            .map_or_else(|| DVector::zeros(0), DVector::from_vec)
    }

    /// Everything that was wrong so far.
    #[must_use]
    pub fn finish(self) -> Mistakes {
        self.mistakes
    }

    fn values(&mut self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let Ok(tensor) = self.file.tensor(name) else {
            self.mistakes.add(
                name,
                "",
                "the file holds no tensor of this name",
                format!(
                    "it must have shape {shape:?}; check that config.json belongs to these weights"
                ),
            );
            return None;
        };
        if tensor.shape() != shape {
            self.mistakes.add(
                name,
                "",
                format!("has shape {:?} and must have {shape:?}", tensor.shape()),
                "check that config.json belongs to these weights",
            );
            return None;
        }
        let data = tensor.data();
        let values: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => words(data).map(f32::from_le_bytes).collect(),
            Dtype::F16 => words(data)
                .map(|word| f16::from_le_bytes(word).to_f32())
                .collect(),
            Dtype::BF16 => words(data)
                .map(|word| bf16::from_le_bytes(word).to_f32())
                .collect(),
            other => {
                self.mistakes.add(
                    name,
                    "",
                    format!("has dtype {other}"),
                    "weights are F32, F16 or BF16: convert the file",
                );
                return None;
            }
        };
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            self.mistakes.add(
                name,
                "",
                format!("holds {} at element {at}", values[at]),
                "every weight must be a finite number: copy the file again",
            );
            return None;
        }
        Some(values)
    }

    fn int4(&mut self, name: &str, rows: usize, columns: usize) -> Option<Vec<f32>> {
        let scale = self.values(&format!("{name}.scale"), &[rows]);
        let packed_name = format!("{name}.int4");
        let packed = self.file.tensor(&packed_name).ok()?;
        let wanted = [rows, columns.div_ceil(2)];
        if packed.dtype() != Dtype::U8 || packed.shape() != wanted {
            self.mistakes.add(
                &packed_name,
                "",
                format!(
                    "has shape {:?} of {} and must have {wanted:?} of U8",
                    packed.shape(),
                    packed.dtype()
                ),
                "write the file again with scripts/make_minilm.py",
            );
            return None;
        }
        let scale = scale?;
        let mut values = Vec::with_capacity(rows * columns);
        for (row, scale) in packed.data().chunks_exact(wanted[1].max(1)).zip(scale) {
            let codes = row.iter().flat_map(|byte| [byte & 15, byte >> 4]);
            let code = |code: u8| f32::from(i16::from(code) - INT4_OFFSET) * scale;
            values.extend(codes.take(columns).map(code));
        }
        Some(values)
    }
}

fn words<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    data.chunks_exact(N)
        .map(|word| std::array::from_fn(|at| word[at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::TensorView;

    fn file(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
        let views = tensors.iter().map(|&(name, dtype, shape, data)| {
            (name, TensorView::new(dtype, shape.to_vec(), data).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    #[test]
    fn four_bits_a_row_come_back_as_codes_times_the_rows_scale() {
        // Codes -7, 7, 1 and 0, -1, 3.
        let packed = [0xF1, 0x09, 0x78, 0x0B];
        let scale = floats(&[0.5, 2.0]);
        let bytes = file(&[
            ("w.int4", Dtype::U8, &[2, 2], &packed),
            ("w.scale", Dtype::F32, &[2], &scale),
        ]);
        let mut tensors = Tensors::open(&bytes).unwrap();
        assert!(tensors.holds("w"));
        let w = tensors.matrix("w", 2, 3);
        assert_eq!(
            w,
            DMatrix::from_row_slice(2, 3, &[-3.5, 3.5, 0.5, 0.0, -2.0, 6.0])
        );
        assert!(tensors.finish().0.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_tensor_names_it_and_all_are_told() {
        let (nan, two) = (floats(&[1.0, f32::NAN]), floats(&[1.0, 2.0]));
        let bytes = file(&[
            ("a", Dtype::F32, &[2], &nan),
            ("b", Dtype::F32, &[2], &two),
            ("c", Dtype::U8, &[2], &[1, 2]),
            ("d.int4", Dtype::U8, &[2, 1], &[1, 2]),
        ]);
        let mut tensors = Tensors::open(&bytes).unwrap();
        tensors.vector("a", 2);
        tensors.vector("b", 3);
        tensors.vector("c", 2);
        tensors.matrix("d", 2, 5);
        tensors.matrix("e", 2, 2);
        let said: Vec<String> = tensors.finish().0.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 6, "{said:#?}");
        for (mistake, words) in said.iter().zip([
            "a: holds NaN at element 1",
            "b: has shape [2] and must have [3]",
            "c: has dtype U8",
            "d.scale: the file holds no tensor",
            "d.int4: has shape [2, 1] of U8 and must have [2, 3]",
            "e: the file holds no tensor",
        ]) {
            assert!(mistake.starts_with(words), "{mistake}");
        }
    }

    #[test]
    fn layers_beyond_those_that_are_counted_are_told_once_by_the_first_tensor() {
        let one = floats(&[1.0]);
        let names = ["0.a", "1.b", "10.a", "2.b", "2.a", "x.a"].map(|end| format!("e.layer.{end}"));
        let tensors = names
            .each_ref()
            .map(|name| (name.as_str(), Dtype::F32, &[1][..], &one[..]));
        let bytes = file(&tensors);
        let said = |layers: usize| {
            let mut tensors = Tensors::open(&bytes).unwrap();
            tensors.no_more_layers("e", layers, "n_layers");
            tensors.no_more_layers("f", layers, "n_layers");
            tensors.finish().0
        };
        assert!(said(11).is_empty());
        let said = said(2);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].to_string().starts_with(
                "e.layer.2.a: the file holds 4 layers, and config.json has n_layers = 2"
            ),
            "{}",
            said[0]
        );
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let bytes = file(&[("a", Dtype::F32, &[2], &floats(&[1.0, 2.0]))]);
        for length in 0..bytes.len() {
            assert!(Tensors::open(&bytes[..length]).is_err(), "{length}");
        }
    }
}
