//! A folder with a training file and small images of three classes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

pub const SIDE: usize = 8;

/// A plain way, and one with everything that a way can have.
pub const FILE: &str = r#"question = "does it learn?"
seeds = [1, 2]
[data]
train = "."
test = "."
classes = 3
[net]
patch = 4
width = 8
layers = 2
heads = 2
hidden = 12
[log]
every = 2
checkpoint = 4
[accuracy]
k = [1, 3]
top = [{ k = 3, tiles = [3, 2], split = { explicit = [2, 1] } }]
[[way]]
name = "plain"
schedule = { steps = 10, batch = 32, rate = 0.01, warm_up = 2, shift = 1, flip = true }
[[way]]
name = "tuned"
start = { way = "plain" }
attention = { top = { k = 3, tiles = [3, 2], split = { explicit = [2, 1] } }, gradient = { complete = {} }, quantise = {} }
schedule = { steps = 10, batch = 64, rate = 0.005, warm_up = 2, shift = 1 }
"#;

/// An IDX file of bytes, packed.
pub fn idx(shape: &[usize], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    for length in shape {
        bytes.extend((*length as u32).to_be_bytes());
    }
    bytes.extend(values);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap()
}

/// Images whose class is the place of a bright square, under a pattern that differs from image to image.
fn images(count: usize) -> (Vec<u8>, Vec<u8>) {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for at in 0..count {
        let class = at * 7 % 3;
        let (top, left) = [(1, 1), (1, 5), (5, 1)][class];
        for y in 0..SIDE {
            for x in 0..SIDE {
                let inside = (top..top + 2).contains(&y) && (left..left + 2).contains(&x);
                let pattern = (at * 31 + y * 17 + x * x * 5) % 90;
                pixels.push(if inside { 250 } else { pattern as u8 });
            }
        }
        labels.push(class as u8);
    }
    (pixels, labels)
}

pub struct Case {
    pub folder: TempDir,
}

/// What the tool said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Case {
    pub fn new(file: &str) -> Self {
        let case = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        case.write("t.toml", file.as_bytes());
        for (prefix, count) in [("train", 150), ("t10k", 61)] {
            let (pixels, labels) = images(count);
            let images = idx(&[count, SIDE, SIDE], &pixels);
            case.write(&format!("{prefix}-images-idx3-ubyte.gz"), &images);
            case.write(
                &format!("{prefix}-labels-idx1-ubyte.gz"),
                &idx(&[count], &labels),
            );
        }
        case
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn call(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_topkima"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.replace(&self.folder.path().display().to_string(), "FOLDER")
        };
        let said = Said {
            code: output.status.code().expect("no signal"),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        };
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        said
    }

    pub fn train(&self, out: &str, more: &[&str]) -> Said {
        let mut arguments = vec!["train", "t.toml", "--quiet", "--out", out];
        arguments.extend(more);
        self.call(&arguments)
    }

    pub fn trains(&self, out: &str, more: &[&str]) {
        let said = self.train(out, more);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    }

    /// What must be refused before anything is trained.
    pub fn refused(&self, more: &[&str]) -> String {
        let said = self.train("out", more);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert_eq!(said.stdout, "");
        said.stderr.trim_end().to_owned()
    }

    /// A training that did its work and could not write its weights: as soon as its first checkpoint is there, a
    /// folder is put in their place. What is left is its last checkpoint; where it was faster it is tried again.
    pub fn cut(&self, out: &str, training: &str, more: &[&str]) {
        let path = |ending: &str| self.path(out).join(format!("{training}.{ending}"));
        let (weights, state) = (path("safetensors"), path("state.safetensors"));
        for _ in 0..200 {
            let mut child = Command::new(env!("CARGO_BIN_EXE_topkima"))
                .args(["train", "t.toml", "--quiet", "--out", out])
                .args(more)
                .current_dir(self.folder.path())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            while !state.exists() && child.try_wait().unwrap().is_none() {
                sleep(Duration::from_micros(200));
            }
            let blocked = fs::create_dir(&weights).is_ok();
            let code = child.wait().unwrap().code();
            if blocked {
                fs::remove_dir(&weights).unwrap();
            }
            if blocked && code == Some(2) && state.exists() {
                return;
            }
            let _ = fs::remove_file(&weights);
        }
        panic!("the training was never interrupted");
    }

    /// Every file of a folder with its bytes.
    pub fn files(&self, out: &str) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(self.path(out))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (name(&path), fs::read(&path).unwrap()))
            .collect();
        files.sort();
        files
    }
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
