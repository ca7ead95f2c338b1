//! A folder with an experiment of four groups, and what the tool said there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::interrupted::interrupted;

pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Four ramps, so four groups and a figure, in the mode that takes its time.
pub fn experiment() -> String {
    format!(
        "question = \"q\"\nseed = 1\ntrials = 4\nmode = {{ exact = {{}} }}\ndevice_folder = {:?}\n\
         [workload.synthetic]\nfamily = {{ gaussian = {{ sigma = 1.0 }} }}\ntokens = 64\nd_head = 16\nheads = 2\n\
         [device]\nname = \"sram-65nm\"\n[ramp]\nbits = 5\n\
         [[design]]\nname = \"topkima\"\ndatapath = {{ topkima = {{}} }}\n\
         [sweep]\n\"topk.k\" = [2]\n\"quantise.k.uniform.max_code\" = [4, 5, 6, 7]\n",
        home().join("device_params")
    )
}

pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    #[track_caller]
    pub fn is(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        for word in words {
            assert!(
                self.stderr.contains(word),
                "{:?} lacks {word:?}",
                self.stderr
            );
        }
    }
}

pub struct Case(pub TempDir);

impl Case {
    pub fn new() -> Self {
        Self::of(&experiment())
    }

    pub fn of(text: &str) -> Self {
        let case = Self(tempfile::tempdir().unwrap());
        case.write("e.toml", text);
        case
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topkima"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    pub fn call(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    pub fn run(&self, more: &[&str]) -> Said {
        self.call(&[&["run", "e.toml"], more].concat())
    }

    /// A run into `o` that has to succeed.
    #[track_caller]
    pub fn runs(&self, more: &[&str]) -> Said {
        let said = self.run(&[&["--out", "o"], more].concat());
        said.is(0, &[]);
        said
    }

    /// The journal of a run into a folder that could not write its results.
    pub fn interrupted(&self, out: &str, more: &[&str]) -> Vec<u8> {
        let arguments = [&["run", "e.toml", "--out", out, "--quiet"], more].concat();
        interrupted(&self.path(out), &mut || {
            let mut command = self.command(&arguments);
            command.stderr(Stdio::null());
            command
        })
    }

    pub fn about(&self, folder: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(&format!("{folder}/run.json"))).unwrap()
    }

    /// Names in a folder, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        code: output.status.code().expect("no signal"),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    };
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    said
}

/// The places of line ends.
pub fn ends(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|at| bytes[*at] == b'\n').collect()
}
