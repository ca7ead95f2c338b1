//! Tensors of small files.

use safetensors::Dtype;

use super::*;

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
        tensors.count_layers("e", layers, "n_layers");
        tensors.count_layers("f", layers, "n_layers");
        tensors.finish().0
    };
    assert!(said(11).is_empty());
    let said = said(2);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0]
            .to_string()
            .starts_with("e.layer.2.a: the file holds 4 layers, and config.json has n_layers = 2"),
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
