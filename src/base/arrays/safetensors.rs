//! Named arrays in the `.safetensors` format: a header in JSON, then the values.
//!
//! Format: <https://github.com/huggingface/safetensors#format>.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::number::{Kind, Number};
use super::{Array, ArrayError, called, count};

/// Reads the `wanted` tensors of a `.safetensors` file; one that the file does not hold is not in
/// the map.
///
/// # Errors
/// What is wrong with the header or with a wanted tensor; the values of others are not looked at.
/// The bytes never cause a panic.
pub fn read_safetensors(
    bytes: &[u8],
    wanted: &[&str],
) -> Result<BTreeMap<String, Array>, ArrayError> {
    let file = open_safetensors(bytes)?;
    let mut arrays = BTreeMap::new();
    for &name in wanted {
        if let Ok(tensor) = file.tensor(name) {
            let array = called(name);
            let number = number(tensor.dtype()).ok_or_else(|| ArrayError::Dtype {
                array: array.clone(),
                dtype: tensor.dtype().to_string(),
            })?;
            let shape: Vec<u64> = tensor.shape().iter().map(|&length| length as u64).collect();
            let mut values = Vec::with_capacity(count(&array, &shape)?);
            // The header's reader has compared shape and bytes, so as many values are appended.
            number.append(tensor.data(), &mut values);
            arrays.insert(name.to_owned(), Array::finite(&array, &shape, values)?);
        }
    }
    Ok(arrays)
}

/// Names of the tensors of a `.safetensors` file, in order.
///
/// # Errors
/// What is wrong with the header.
pub fn safetensors_names(bytes: &[u8]) -> Result<Vec<String>, ArrayError> {
    let file = open_safetensors(bytes)?;
    let mut names: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// The directory of a `.safetensors` file, whose lengths agree with its bytes.
///
/// # Errors
/// What is wrong with the header. The bytes never cause a panic.
pub fn open_safetensors(bytes: &[u8]) -> Result<SafeTensors<'_>, ArrayError> {
    let wrong = |problem: String| ArrayError::NotSafetensors { problem };
    if let Some(problem) = misplaced(bytes) {
        return Err(wrong(problem));
    }
    if let Some(number) = number_beyond_file(bytes) {
        return Err(wrong(format!(
            "its header speaks of {number}, and the file has {} bytes",
            bytes.len()
        )));
    }
    SafeTensors::deserialize(bytes).map_err(|error| wrong(error.to_string()))
}

const fn number(dtype: Dtype) -> Option<Number> {
    let kind = match dtype {
        Dtype::BOOL => Kind::Bool,
        Dtype::I8 => Kind::I8,
        Dtype::I16 => Kind::I16,
        Dtype::I32 => Kind::I32,
        Dtype::I64 => Kind::I64,
        Dtype::U8 => Kind::U8,
        Dtype::U16 => Kind::U16,
        Dtype::U32 => Kind::U32,
        Dtype::U64 => Kind::U64,
        Dtype::F16 => Kind::F16,
        Dtype::F32 => Kind::F32,
        Dtype::F64 => Kind::F64,
        _ => return None,
    };
    Some(Number {
        kind,
        big_endian: false,
    })
}

/// The first tensor whose place does not hold it: the library's reader says that there is one, not which.
fn misplaced(bytes: &[u8]) -> Option<String> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let start = 8_usize.checked_add(length)?;
    let header: Value = serde_json::from_slice(bytes.get(8..start)?).ok()?;
    let held = (bytes.len() - start) as u64;
    let tensors = header.as_object()?.iter();
    let mut placed: Vec<(u64, u64, &str, &Value)> = tensors
        .filter_map(|(name, about)| {
            let place = about.get("data_offsets")?;
            Some((
                place.get(0)?.as_u64()?,
                place.get(1)?.as_u64()?,
                name.as_str(),
                about,
            ))
        })
        .collect();
    placed.sort_by_key(|(from, to, ..)| (*from, *to));
    placed.into_iter().find_map(|(from, to, name, about)| {
        if to > held {
            return Some(format!(
                "tensor `{name}` ends at byte {to} of the values, and the file has {held}"
            ));
        }
        let dtype: Dtype = serde_json::from_value(about.get("dtype")?.clone()).ok()?;
        let shape: Vec<u64> = serde_json::from_value(about.get("shape")?.clone()).ok()?;
        let bits = shape
            .iter()
            .try_fold(dtype.bitsize() as u64, |bits, n| bits.checked_mul(*n));
        let there = to.checked_sub(from)?;
        (bits != there.checked_mul(8)).then(|| {
            format!(
                "tensor `{name}` of {dtype} and shape {shape:?} does not fill its {there} bytes"
            )
        })
    })
}

/// A number in the header that no tensor of this file can have. The header's reader adds the last
/// offset to two lengths without a look at overflow, which panics in a build that checks sums.
/// Elements of 4 bits are two to a byte.
fn number_beyond_file(bytes: &[u8]) -> Option<u64> {
    fn largest(value: &Value) -> u64 {
        match value {
            Value::Number(number) => number.as_u64().unwrap_or(0),
            Value::Array(values) => values.iter().map(largest).max().unwrap_or(0),
            Value::Object(values) => values.values().map(largest).max().unwrap_or(0),
            Value::Null | Value::Bool(_) | Value::String(_) => 0,
        }
    }
    let length = u64::from_le_bytes(*bytes.first_chunk()?);
    let header = bytes.get(8..8_usize.checked_add(usize::try_from(length).ok()?)?)?;
    // What is not JSON is left to the reader, which says why.
    let header: Value = serde_json::from_slice(header).ok()?;
    Some(largest(&header)).filter(|&number| number > 2 * bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};
    use proptest::prelude::*;
    use safetensors::tensor::TensorView;

    fn file(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
        let views = tensors.iter().map(|&(name, dtype, shape, data)| {
            (name, TensorView::new(dtype, shape.to_vec(), data).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    fn raw(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn small() -> Vec<u8> {
        let q: Vec<u8> = (0..6_u8).flat_map(|v| f32::from(v).to_le_bytes()).collect();
        file(&[
            ("q", Dtype::F32, &[2, 3], &q),
            ("mask", Dtype::BOOL, &[2], &[1, 0]),
        ])
    }

    #[test]
    fn only_what_is_wanted_and_there_is_read() {
        let arrays = read_safetensors(&small(), &["mask", "q", "v"]).unwrap();
        assert_eq!(arrays.keys().collect::<Vec<_>>(), ["mask", "q"]);
        assert_eq!(arrays["q"].shape, [2, 3]);
        assert_eq!(arrays["q"].values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(arrays["mask"].values, [1.0, 0.0]);
    }

    #[test]
    fn whole_numbers_of_every_width_are_read() {
        let bytes = file(&[
            ("i8", Dtype::I8, &[1], &(-3_i8).to_le_bytes()),
            ("i16", Dtype::I16, &[1], &(-300_i16).to_le_bytes()),
            ("i32", Dtype::I32, &[1], &(-70_000_i32).to_le_bytes()),
            ("i64", Dtype::I64, &[1], &(-5_000_000_000_i64).to_le_bytes()),
            ("u8", Dtype::U8, &[1], &200_u8.to_le_bytes()),
            ("u16", Dtype::U16, &[1], &60_000_u16.to_le_bytes()),
            ("u32", Dtype::U32, &[1], &4_000_000_000_u32.to_le_bytes()),
            ("u64", Dtype::U64, &[1], &5_000_000_000_u64.to_le_bytes()),
        ]);
        for (name, value) in [
            ("i8", -3.0),
            ("i16", -300.0),
            ("i32", -70_000.0),
            ("i64", -5e9),
            ("u8", 200.0),
            ("u16", 60_000.0),
            ("u32", 4e9),
            ("u64", 5e9),
        ] {
            let arrays = read_safetensors(&bytes, &[name]).unwrap();
            assert_eq!(arrays[name].values, [value], "{name}");
        }
    }

    #[test]
    fn half_precision_is_exact_and_bfloat16_is_refused() {
        let half = f16::from_f64(-0.125).to_le_bytes();
        let brain = bf16::from_f64(1.0).to_le_bytes();
        let bytes = file(&[
            ("k", Dtype::F16, &[1], &half),
            ("v", Dtype::BF16, &[1], &brain),
        ]);
        let arrays = read_safetensors(&bytes, &["k"]).unwrap();
        assert_eq!(arrays["k"].values, [-0.125]);
        let message = read_safetensors(&bytes, &["v"]).unwrap_err().to_string();
        assert!(message.contains("array `v`"), "{message}");
        assert!(message.contains("`BF16`"), "{message}");
    }

    #[test]
    fn what_is_refused_is_named() {
        let nan = file(&[("q", Dtype::F64, &[1, 1], &f64::NAN.to_le_bytes())]);
        let empty = file(&[("q", Dtype::F64, &[3, 0], &[])]);
        let bomb = raw(
            r#"{"q":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}"#,
            &[0; 16],
        );
        for (bytes, word) in [
            (nan, "array `q` holds NaN at index [0, 0]"),
            (empty, "dimension 1"),
            (bomb, "tensor `q` ends at byte 4000000000000"),
            (
                raw(
                    r#"{"q":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
                    &[0; 8],
                ),
                "tensor `q` of F32 and shape [3] does not fill its 8 bytes",
            ),
            (b"PK\x03\x04".to_vec(), "header too small"),
            (raw("{", &[]), "JSON"),
        ] {
            let message = read_safetensors(&bytes, &["q"]).unwrap_err().to_string();
            assert!(message.contains(word), "{message} lacks {word}");
        }
    }

    /// Written as the map it should be, and as the list a struct may also be given as.
    #[test]
    fn an_offset_that_overflows_is_refused() {
        let most = u64::MAX;
        for header in [
            format!(r#"{{"q":{{"dtype":"U8","shape":[{most}],"data_offsets":[0,{most}]}}}}"#),
            format!(r#"{{"q":["U8",[{most}],[0,{most}]]}}"#),
        ] {
            let error = read_safetensors(&raw(&header, &[0; 3]), &["q"]).unwrap_err();
            assert!(error.to_string().contains(&most.to_string()), "{error}");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = small();
        for end in 0..bytes.len() {
            assert!(read_safetensors(&bytes[..end], &["q"]).is_err(), "{end}");
        }
    }

    #[test]
    fn no_corrupted_byte_panics() {
        let good = small();
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bytes = good.clone();
                bytes[at] = byte;
                let _ = read_safetensors(&bytes, &["q", "mask"]);
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_safetensors(&bytes, &["q"]);
        }

        #[test]
        fn no_header_panics(
            dtype in "F4|F6_E2M3|F64|U8|BOOL|C64|x",
            shape in prop::collection::vec(any::<u64>().prop_map(|n| n >> (n % 64)), 0..4),
            from in any::<u64>().prop_map(|n| n >> (n % 64)),
            to in any::<u64>().prop_map(|n| n >> (n % 64)),
            data in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let header = format!(
                r#"{{"q":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{from},{to}]}}}}"#
            );
            let _ = read_safetensors(&raw(&header, &data), &["q"]);
        }
    }
}
