//! What the questions share: encoders from files, arrays of a reference.

use std::fs;
use std::path::{Path, PathBuf};

use topkima::base::arrays::{Array, read_safetensors};
use topkima::study::model::{Encoder, EncoderShape, Float, Input, Pooling, Sample, Words};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn reference(name: &str) -> PathBuf {
    root().join("tests/encoder/reference").join(name)
}

pub fn encoder(folder: &Path, pooling: Pooling) -> Encoder {
    let shape = EncoderShape::read(&fs::read(folder.join("config.json")).unwrap()).unwrap();
    let bytes = fs::read(folder.join("model.safetensors")).unwrap();
    Encoder::assemble(&shape, pooling, &bytes).unwrap()
}

pub fn minilm(pooling: Pooling) -> Encoder {
    encoder(&root().join("data/minilm"), pooling)
}

pub fn minilm_words() -> Words {
    let text = fs::read_to_string(root().join("data/minilm/vocab.txt")).unwrap();
    Words::uncased(&text).unwrap()
}

/// One array of a file of expected values.
pub fn array(file: &Path, name: &str) -> Option<Array> {
    let bytes = fs::read(file).unwrap();
    read_safetensors(&bytes, &[name]).unwrap().remove(name)
}

pub fn features(encoder: &Encoder, input: &Input) -> Vec<f32> {
    let sample = Sample { index: 0, input };
    let (features, ()) = encoder.forward(&[sample], &Float);
    features[0].as_slice().to_vec()
}

/// Largest distance between ours and the original's, over the largest of the original's numbers.
pub fn distance(ours: &[f32], original: &[f64]) -> f64 {
    assert_eq!(ours.len(), original.len());
    let largest = original.iter().fold(0.0_f64, |top, x| top.max(x.abs()));
    let pairs = ours.iter().zip(original);
    pairs.fold(0.0_f64, |top, (a, b)| top.max((f64::from(*a) - b).abs())) / largest
}
