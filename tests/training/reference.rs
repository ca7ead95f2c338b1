//! The forward pass agrees with `scripts/make_vit_reference.py`, numpy in double precision.

use std::fs;
use std::path::Path;

use topkima::base::arrays::{read_idx, read_npz};
use topkima::hardware::topk::Split;
use topkima::study::train::{
    AttentionParams, Model, NetParams, Tape, TopParams, Units, read_weights,
};

const IMAGES: usize = 6;

fn bytes(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn class_scores_and_the_last_block_agree_with_the_reference_to_1e_4() {
    let net = NetParams::default().check(28, 10).unwrap();
    let images = read_idx(&bytes("data/fashion-mnist/t10k-images-idx3-ubyte.gz")).unwrap();
    let pixels: Vec<f32> = images.values[..IMAGES * 784]
        .iter()
        .map(|pixel| (f32::from(*pixel) / 255.0 - 0.5) / 0.5)
        .collect();
    let top = |tiles: &[usize], split| AttentionParams {
        top: Some(TopParams {
            k: 5,
            tiles: tiles.to_vec(),
            split,
        }),
        ..AttentionParams::default()
    };
    let five = top(&[], Split::Proportional {});
    let tiled = top(&[34, 16], Split::Explicit(vec![3, 2]));
    let weights = bytes("data/vit/plain-seed1.safetensors");
    let (weights, _) = read_weights(&net, &weights).unwrap();
    for (name, params) in [
        ("all", AttentionParams::default()),
        ("k5", five),
        ("k3_2", tiled),
    ] {
        let attend = params.check(net.tokens()).unwrap();
        let model = Model {
            net: &net,
            weights: &weights,
            attend: &attend,
            units: &Units::default(),
        };
        let mut tape = Tape::new(&net, &attend, IMAGES);
        model.forward(&pixels, &mut tape);
        let (scores, stream) = (format!("{name}.scores"), format!("{name}.stream"));
        let wanted = read_npz(&bytes("tests/training/reference.npz"), &[&scores, &stream]).unwrap();
        let far = |found: &[f32], wanted: &[f64]| {
            assert!(found.len() >= wanted.len());
            let differences = found
                .iter()
                .zip(wanted)
                .map(|(a, b)| (f64::from(*a) - b).abs());
            differences.fold(0.0, f64::max)
        };
        let by_scores = far(&tape.logits, &wanted[&scores].values);
        let by_stream = far(tape.stream(), &wanted[&stream].values);
        assert!(
            by_scores < 1e-4 && by_stream < 1e-4,
            "{name}: {by_scores:.1e} {by_stream:.1e}"
        );
    }
}
