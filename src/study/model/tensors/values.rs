//! Values of a tensor as its file stores them.
//!
//! A matrix is stored as Hugging Face writes it, out x in and row by row, in 16 or 32 bits, or
//! quantised to 4 bits a row: `NAME.int4` holds two codes a byte, the even column in the low half,
//! each 8 above its value in -7..7, and `NAME.scale` the value of one code for each row.

use half::{bf16, f16};
use safetensors::Dtype;

use super::{MISSING, Tensors};

/// What stands between a model and the values of its codes of 4 bits.
const INT4_OFFSET: i16 = 8;

impl Tensors<'_> {
    /// Takes a tensor of whole numbers, if the file holds it.
    pub fn counts(&mut self, name: &str) -> Option<Vec<i64>> {
        let tensor = self.tensor(name)?;
        let data = tensor.data();
        let counts = match tensor.dtype() {
            Dtype::I64 => words(data).map(i64::from_le_bytes).collect(),
            Dtype::I32 => words(data)
                .map(|word| i64::from(i32::from_le_bytes(word)))
                .collect(),
            _ => return None,
        };
        self.taken.insert(name.to_owned());
        Some(counts)
    }

    pub(super) fn values(&mut self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        match self.look(name, shape) {
            Ok(values) => {
                self.taken.insert(name.to_owned());
                Some(values)
            }
            Err((problem, fix)) => {
                // What is there and wrong has been told of once.
                self.taken.insert(name.to_owned());
                self.mistakes.add(&self.told(name), "", problem, fix);
                None
            }
        }
    }

    /// The values of a tensor, or what is wrong with it and what to do.
    fn look(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, (String, String)> {
        let belongs = "check that config.json belongs to these weights";
        let Some(tensor) = self.tensor(name) else {
            return Err((
                MISSING.to_owned(),
                format!("it must have shape {shape:?}; {belongs}"),
            ));
        };
        if tensor.shape() != shape {
            return Err((
                format!("has shape {:?} and must have {shape:?}", tensor.shape()),
                belongs.to_owned(),
            ));
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
                return Err((
                    format!("has dtype {other}"),
                    "weights are F32, F16 or BF16: convert the file".to_owned(),
                ));
            }
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err((
                format!("holds {} at element {at}", values[at]),
                "every weight must be a finite number: copy the file again".to_owned(),
            )),
            None => Ok(values),
        }
    }

    pub(super) fn int4(&mut self, name: &str, rows: usize, columns: usize) -> Option<Vec<f32>> {
        let scale = self.values(&format!("{name}.scale"), &[rows]);
        let packed_name = format!("{name}.int4");
        self.taken.insert(packed_name.clone());
        let packed = self.tensor(&packed_name)?;
        let wanted = [rows, columns.div_ceil(2)];
        if packed.dtype() != Dtype::U8 || packed.shape() != wanted {
            let problem = format!(
                "has shape {:?} of {} and must have {wanted:?} of U8",
                packed.shape(),
                packed.dtype()
            );
            let told = self.told(&packed_name);
            let fix = "write the file again with scripts/make_minilm.py";
            self.mistakes.add(&told, "", problem, fix);
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
