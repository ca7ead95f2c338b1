//! A user's own encoder in a folder, and runs of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::setup::{reference, root};

/// A folder as the hub lays it out: a small encoder, and as many words as it knows.
pub fn own_encoder(folder: &Path, family: &str, words: usize) {
    for name in ["config.json", "model.safetensors"] {
        fs::copy(reference(family).join(name), folder.join(name)).unwrap();
    }
    fs::write(folder.join("vocab.txt"), vocabulary(words)).unwrap();
}

pub fn vocabulary(count: usize) -> String {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
    let words = (0..count - special.len()).map(|at| format!("w{at}"));
    special
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Texts of two to eleven words, no two of them alike, and labels in turn.
pub fn texts(first: usize, count: usize) -> Vec<(String, usize)> {
    (first..first + count)
        .map(|at| {
            let word = |place: usize| match place {
                // The first two words are the number of the text.
                1 => format!("w{}", at / 45),
                _ => format!("w{}", (at * 17 + place * place * 5) % 45),
            };
            let text: Vec<String> = (0..2 + at % 10).map(word).collect();
            (text.join(" "), at % 3)
        })
        .collect()
}

pub fn table(rows: &[(String, usize)]) -> String {
    let lines = rows.iter().map(|(text, label)| format!("{text},{label}\n"));
    "text,label\n".to_owned() + &lines.collect::<String>()
}

pub const EXPERIMENT: &str = r#"
question = "A model of our own?"
seed = 3
trials = 2
reference = "all"
device_folder = "DEVICES"

[model]
path = "."
tokens = 14

[task]
calibration_samples = 4

[task.classify]
path = "test.csv"
calibration = "train.csv"

[device]
name = "sram-65nm"

[[design]]
name = "all"
datapath = { conventional = {} }

[[design]]
name = "topkima"
datapath = { topkima = {} }

[sweep]
"topk.k" = [1, 4]
"#;

/// The experiment in a folder of its own, with an encoder, tables and its results.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        own_encoder(folder.path(), "bert", 50);
        folder.write("test.csv", &table(&texts(0, 40)));
        folder.write("train.csv", &table(&texts(250, 9)));
        let devices = root().join("device_params").display().to_string();
        folder.write("own.toml", &EXPERIMENT.replace("DEVICES", &devices));
        folder
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub fn run(&self, more: &[&str]) -> (Output, PathBuf) {
        let out = self.path().join(format!("out{}", more.join("")));
        let output = Command::new(env!("CARGO_BIN_EXE_topkima"))
            .args(["run", "--quiet", "--out"])
            .arg(&out)
            .arg(self.path().join("own.toml"))
            .args(more)
            .output()
            .unwrap();
        (output, out)
    }

    /// Runs, and expects exit 2 with these words in the answer.
    pub fn refuses(&self, words: &[&str]) {
        let (output, _) = self.run(&[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for word in words {
            assert!(said.contains(word), "no {word:?} in: {said}");
        }
    }
}

pub fn column(out: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(out.join("rows.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let at = header.iter().position(|column| column == name).unwrap();
    let rows = reader.records().map(|row| row.unwrap()[at].to_owned());
    rows.collect()
}

/// The shipped ViT on the shipped images at k = 5, with more tables of hardware.
pub fn on_vit(hardware: &str) -> String {
    let text = fs::read_to_string(root().join("experiments/accuracy_vs_k_vit.toml")).unwrap();
    let (head, _) = text.split_once("[[design]]").unwrap();
    let data = format!("\"{}", root().join("data").display());
    let devices = root().join("device_params").display().to_string();
    format!(
        "device_folder = \"{devices}\"\n{}\n[topk]\nk = 5\n{hardware}[[design]]\nname = \"t\"\ndatapath = {{ topkima = {{}} }}\n",
        head.replace("\"../data", &data)
    )
}

/// Pairs from number `first` on. The sign of a pair's words and its score grow apart, so that both ends of the scale are
/// there.
pub fn pairs(first: usize, count: usize) -> String {
    let line = |at: usize| format!("w{at} w{} w3,w{} w3,{}\n", at + 1, (at * 7) % 45, at % 6);
    "sentence1,sentence2,score\n".to_owned() + &(first..first + count).map(line).collect::<String>()
}

/// The experiment on pairs. Short pairs leave heads without a positive score, of which no percentile is a full scale: it
/// is given.
pub fn on_pairs() -> String {
    let scores = "[ramp]\nfull_scale = { scores = 4.0 }\n\n[sweep]";
    let text = EXPERIMENT.replace("[task.classify]", "[task.sts]");
    let devices = root().join("device_params").display().to_string();
    text.replace("DEVICES", &devices).replace("[sweep]", scores)
}
