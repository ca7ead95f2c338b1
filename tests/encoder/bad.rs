//! Weights that are not what the config says, told by the name of the tensor; experiments that make no sense.

use std::fs;

use topkima::study::model::{Encoder, EncoderShape, Pooling};

use crate::own::Folder;
use crate::setup::reference;

fn said(config: &str, bytes: &[u8]) -> Vec<String> {
    let shape = EncoderShape::read(config.as_bytes()).unwrap();
    let mistakes = Encoder::assemble(&shape, Pooling::Class {}, bytes).unwrap_err();
    mistakes.0.iter().map(ToString::to_string).collect()
}

fn files() -> (String, Vec<u8>) {
    let folder = reference("vit");
    (
        fs::read_to_string(folder.join("config.json")).unwrap(),
        fs::read(folder.join("model.safetensors")).unwrap(),
    )
}

/// The file with a word of its directory changed, of the same length.
fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let at = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn a_missing_tensor_is_named() {
    let (config, bytes) = files();
    let bytes = renamed(
        &bytes,
        "layer.1.intermediate.dense.bias",
        "layer.1.intermediate.dense.tier",
    );
    let said = said(&config, &bytes);
    // And the one that stands there instead.
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said.iter().any(|line| line.contains("dense.tier")),
        "{said:?}"
    );
    assert!(
        said[0].starts_with(
            "vit.encoder.layer.1.intermediate.dense.bias: the file holds no tensor of this name"
        ),
        "{said:?}"
    );
}

#[test]
fn a_wrong_shape_is_named_with_both_shapes() {
    let (config, bytes) = files();
    let said = said(
        &config.replace("\"patch_size\": 4", "\"patch_size\": 6"),
        &bytes,
    );
    assert!(
        said[0].starts_with(
            "vit.embeddings.patch_embeddings.projection.weight: has shape [16, 2, 4, 4] and must have [16, 2, 6, 6]"
        ),
        "{said:?}"
    );
    assert!(said.iter().any(|line| {
        line.contains("position_embeddings: has shape [1, 10, 16] and must have [1, 5, 16]")
    }));
}

#[test]
fn truncated_and_corrupt_weights_are_refused_without_a_panic() {
    let (config, bytes) = files();
    let shape = EncoderShape::read(config.as_bytes()).unwrap();
    for length in (0..bytes.len()).step_by(211) {
        assert!(Encoder::assemble(&shape, Pooling::Class {}, &bytes[..length]).is_err());
    }
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for at in 0..header {
        for bit in [1, 16, 128] {
            let mut bytes = bytes.clone();
            bytes[at] ^= bit;
            // Some changes leave a file that is whole; none may panic.
            let _ = Encoder::assemble(&shape, Pooling::Class {}, &bytes);
        }
    }
}

/// Every tensor but the first is cut off at some length: the one whose values end first is told.
#[test]
fn a_truncated_file_names_the_tensor_that_is_cut() {
    let (config, bytes) = files();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (mut told, values) = (Vec::new(), bytes.len() - header);
    for length in (0..values).step_by(values / 12) {
        let said = said(&config, &bytes[..header + length]);
        let name = said[0].split('`').nth(1).unwrap().to_owned();
        let end = format!("and the file has {length}");
        assert!(said.len() == 1 && said[0].contains(&end), "{said:?}");
        told.push(name);
    }
    told.dedup();
    assert!(
        told.len() > 4 && told.iter().all(|name| name.contains('.')),
        "{told:?}"
    );
}

#[test]
fn a_weight_that_is_no_number_is_named_with_its_place() {
    let (config, mut bytes) = files();
    let end = bytes.len();
    // F16: all ones is no number.
    bytes[end - 2..].copy_from_slice(&[0xff, 0xff]);
    let said = said(&config, &bytes);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("holds NaN at element"), "{said:?}");
}

#[test]
fn experiments_that_make_no_sense_are_refused() {
    let text = fs::read_to_string(Folder::new().path().join("own.toml")).unwrap();
    let folder = Folder::new();
    let said = |from: &str, to: &str, words: &[&str]| {
        assert!(text.contains(from), "{from}");
        folder.write("own.toml", &text.replace(from, to));
        folder.refuses(words);
    };
    said(
        "[model]\npath = \".\"\ntokens = 14\n",
        "",
        &["model: an encoder needs both [model] and [task]"],
    );
    said(
        "[device]",
        "[workload.synthetic]\n[device]",
        &["workload: an experiment runs single heads or an encoder"],
    );
    said(
        "tokens = 14",
        "tokens = 17",
        &["model.tokens = 17: must be from 2 to 16"],
    );
    said("[1, 4]", "[1, 15]", &["must be from 1 to 14"]);
    said(
        "calibration_samples = 4",
        "calibration_samples = 0",
        &["task.calibration_samples = 0"],
    );
    said(
        "[task.classify]",
        "[task.images]\npath = \"a\"\nlabels = \"b\"\ncalibration = \"c\"\n[task.classify]",
        &["needs one of [task.sts]"],
    );
    said(
        "[task.classify]\npath = \"test.csv\"\ncalibration = \"train.csv\"",
        "[task.sts]\npath = \"data/fetched/sts-b/sts-test.csv\"\ncalibration = \"train.csv\"",
        &[
            "task.sts.path",
            "has not been fetched",
            "python3 scripts/fetch.py sts-b",
        ],
    );
    said(
        "calibration = \"train.csv\"",
        "calibration = \"test.csv\"",
        &["task.classify.calibration = \"test.csv\": holds the rows that are measured"],
    );
    let (output, _) = folder.run(&["--dump", "x.npz"]);
    assert_eq!(output.status.code(), Some(2));
}

/// The file with all values of the tensors whose name holds `part` set to zero.
fn zeroed(bytes: &[u8], part: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let mut bytes = bytes.to_vec();
    for (name, about) in header.as_object().unwrap() {
        if name.contains(part) {
            let [from, to] = [0, 1].map(|at| about["data_offsets"][at].as_u64().unwrap() as usize);
            bytes[8 + length + from..8 + length + to].fill(0);
        }
    }
    bytes
}

/// Its codes would be zero whatever the scale; nothing says so later.
#[test]
fn a_head_whose_operand_is_zero_is_refused_before_anything_runs() {
    for (part, name, key) in [
        ("layer.0.attention.self.value", "V", "quantise.v"),
        ("layer.0.attention.self.key", "K", "quantise.k"),
        ("layer.0.attention.self.query", "Q", "quantise.q"),
    ] {
        let folder = Folder::new();
        let weights = folder.path().join("model.safetensors");
        fs::write(&weights, zeroed(&fs::read(&weights).unwrap(), part)).unwrap();
        folder.refuses(&[&format!(
            "own.toml: {key}: the calibration rows of head 0 hold no {name} but zero, so there is no scale"
        )]);
    }
}
