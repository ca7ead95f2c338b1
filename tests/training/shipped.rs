//! The shipped weights are what their README says, and are as good as they say themselves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use topkima::base::arrays::{ByteArray, read_idx};
use topkima::shell::training::Pool;
use topkima::study::train::{
    AttentionParams, Images, Model, Net, NetParams, QatParams, Units, accuracy, read_weights,
};

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn checkpoints() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(home().join("data/vit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| ending == "safetensors")
        })
        .collect();
    files.sort();
    files
}

fn net() -> Net {
    NetParams::default().check(28, 10).unwrap()
}

#[test]
fn every_checkpoint_is_in_the_readme_with_its_hash_and_its_accuracies() {
    let readme = fs::read_to_string(home().join("data/vit/README.md")).unwrap();
    let files = checkpoints();
    assert!((4..=6).contains(&files.len()), "{files:?}");
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&path).unwrap();
        let hash: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let line = format!("| `{name}` | {} | `{hash}` |", bytes.len());
        assert!(readme.contains(&line), "the README should hold {line}");
        let (_, about) = read_weights(&net(), &bytes).unwrap();
        let shares: BTreeMap<String, String> = serde_json::from_str(&about["accuracy"]).unwrap();
        let cells = ["k=1", "k=2", "k=3", "k=5", "k=3+2", "k=8", "all", "own"]
            .map(|key| format!("{:.2}", 100.0 * shares[key].parse::<f64>().unwrap()));
        let row = format!(
            "| {} | {} | {} |",
            about["way"],
            about["seed"],
            cells.join(" | ")
        );
        assert!(readme.contains(&row), "the README should hold {row}");
    }
}

/// 1000 of the 10 000 images: the share found there lies within four standard errors of that of all.
#[test]
fn every_checkpoint_finds_as_many_classes_as_it_says() {
    const SAMPLE: usize = 1000;
    let read = |part: &str| {
        let path = home().join(format!("data/fashion-mnist/t10k-{part}-ubyte.gz"));
        read_idx(&fs::read(path).unwrap()).unwrap()
    };
    let (pixels, labels) = (read("images-idx3"), read("labels-idx1"));
    assert_eq!(
        (&pixels.shape[..], &labels.shape[..]),
        (&[10_000, 28, 28][..], &[10_000][..])
    );
    // Each tenth one, from the whole file.
    let values: Vec<u8> = pixels
        .values
        .chunks(784)
        .step_by(10)
        .flatten()
        .copied()
        .collect();
    let pixels = ByteArray {
        shape: vec![SAMPLE, 28, 28],
        values,
    };
    let values = labels.values.iter().step_by(10).copied().collect();
    let labels = ByteArray {
        shape: vec![SAMPLE],
        values,
    };
    let images = Images::new(pixels, labels, 10).unwrap();
    let net = net();
    for path in checkpoints() {
        let (weights, about) = read_weights(&net, &fs::read(&path).unwrap()).unwrap();
        let mut params = AttentionParams::default();
        if about["k"] != "all" && !about.contains_key("split") {
            let k = about["k"].parse().unwrap();
            params.top = Some(topkima::study::train::TopParams::global(k));
        }
        let key = if about.contains_key("split") {
            "all"
        } else {
            "own"
        };
        if let Some(text) = about.get("quantise") {
            params.quantise = Some(serde_json::from_str::<QatParams>(text).unwrap());
        }
        let units = about
            .get("units")
            .map_or_else(Vec::new, |text| serde_json::from_str(text).unwrap());
        let attend = params.check(net.tokens()).unwrap();
        let model = Model {
            net: &net,
            weights: &weights,
            attend: &attend,
            units: &Units(units),
        };
        let found = accuracy(&model, &images, &Pool);
        let shares: BTreeMap<String, String> = serde_json::from_str(&about["accuracy"]).unwrap();
        let said: f64 = shares[key].parse().unwrap();
        let error = (said * (1.0 - said) / SAMPLE as f64).sqrt();
        assert!(
            (found - said).abs() < 4.0 * error,
            "{}: {found}, said {said}",
            path.display()
        );
    }
}
