//! Is a result the same to the byte, whatever the threads, the run, an interruption or the number of trials?

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/interrupted.rs"]
mod interrupted;

mod draws;
mod runs;
mod trials;

use std::fs;
use std::path::{Path, PathBuf};

/// Two real heads, three designs, two ramps (so two groups) and two k.
pub const EXPERIMENT: &str = r#"
question = "Is it the same again?"
seed = 77
trials = 2
reference = "conventional"

[workload.file]
path = "DATA/test.safetensors"
calibration = "DATA/calibration.safetensors"
heads = [4, 7]

[device]
name = "sram-65nm"

[[design]]
name = "conventional"
datapath = { conventional = {} }

[[design]]
name = "digital-topk"
datapath = { digital-topk = { sort = { global = {} } } }

[[design]]
name = "topkima"
datapath = { topkima = {} }

[sweep]
"ramp.bits" = [4, 5]
"topk.k" = [2, 5]
"#;

/// An experiment file in a folder of its own.
pub fn write(folder: &Path, text: &str) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/attention");
    let path = folder.join("experiment.toml");
    fs::write(&path, text.replace("DATA", data.to_str().unwrap())).unwrap();
    path
}
