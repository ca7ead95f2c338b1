//! A folder of its own for each case, and what the tool said there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use topkima::base::arrays::write_npz;

/// A small head.
pub const SMALL: &str = "[workload.synthetic]
family = { gaussian = { sigma = 1.0 } }
tokens = 64
d_head = 16
heads = 1
";

/// Arrays of a.npz.
pub const FILE: &str = "[workload.file]
path = \"a.npz\"
calibration = 10
";

/// The default device.
pub const SRAM: &str = "[device]
name = \"sram-65nm\"
";

/// One design.
pub const DESIGN: &str = "[[design]]
name = \"topkima\"
datapath = { topkima = {} }
";

pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Heads of an experiment: everything before its tables.
pub fn top(more: &str) -> String {
    format!(
        "question = \"q\"\nseed = 1\ntrials = 1\ndevice_folder = {:?}\n{more}\n",
        home().join("device_params")
    )
}

/// An experiment on the small head and the default device, with more tables.
pub fn small(more: &str) -> String {
    format!("{}{SMALL}{SRAM}{DESIGN}{more}", top(""))
}

/// An experiment on a.npz, with more keys of [workload.file].
pub fn on_file(more: &str) -> String {
    format!("{}{FILE}{more}\n{SRAM}{DESIGN}", top(""))
}

/// An experiment on the device file d.toml.
pub fn on_device() -> String {
    format!("{}{SMALL}[device]\npath = \"d.toml\"\n{DESIGN}", top(""))
}

/// The template of a device file, its includes by their whole path.
pub fn template() -> String {
    let folder = home().join("device_params");
    let text = fs::read_to_string(folder.join("template.toml")).unwrap();
    text.replace("shared/", &format!("{}/shared/", folder.display()))
}

/// The template with one text replaced.
pub fn device(from: &str, to: &str) -> String {
    let text = template();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// Arrays as an .npz.
pub fn npz(arrays: &[(&str, &[usize], &[f64])]) -> Vec<u8> {
    write_npz(arrays).unwrap()
}

/// Numbers that differ.
pub fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|at| (at as f64 * 0.7).sin()).collect()
}

/// q, k and v of 40 tokens and d = 8, and a mask.
pub fn head(mask: Option<(&[usize], &[f64])>) -> Vec<u8> {
    let values = numbers(320);
    let mut arrays: Vec<(&str, &[usize], &[f64])> = ["q", "k", "v"]
        .map(|name| (name, &[40, 8][..], &values[..]))
        .into();
    if let Some((shape, mask)) = mask {
        arrays.push(("mask", shape, mask));
    }
    npz(&arrays)
}

/// A folder with an experiment e.toml and other files.
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
    pub fn new(experiment: impl AsRef<[u8]>) -> Self {
        let case = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        case.with("e.toml", experiment)
    }

    pub fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub fn call(&self, arguments: &[&str]) -> Said {
        let started = Instant::now();
        let output: Output = Command::new(env!("CARGO_BIN_EXE_topkima"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let hidden = |bytes: &[u8]| {
            let folder = self.folder.path().display().to_string();
            String::from_utf8_lossy(bytes)
                .replace(&folder, "FOLDER")
                .replace(&home().display().to_string(), "HOME")
        };
        let said = Said {
            code: output.status.code().expect("no signal"),
            stdout: hidden(&output.stdout),
            stderr: hidden(&output.stderr),
        };
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
        said
    }

    pub fn run(&self, more: &[&str]) -> Said {
        let mut arguments = vec!["run", "e.toml", "--out", "out", "--quiet"];
        arguments.extend(more);
        self.call(&arguments)
    }

    /// The mistakes of a run that must be refused, without a trace in the folder; `check` must find
    /// the same ones.
    pub fn refused(&self, more: &[&str]) -> String {
        let said = self.run(more);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert!(!self.out().exists());
        assert_eq!(said.stdout, "");
        if more.is_empty() {
            let checked = self.call(&["check", "e.toml"]);
            assert_eq!((checked.code, &checked.stderr), (2, &said.stderr));
        }
        said.stderr.trim_end().to_owned()
    }

    pub fn runs(&self, more: &[&str]) {
        let said = self.run(more);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
        assert!(self.out().join("rows.csv").is_file());
    }
}

/// The mistakes of an experiment text.
pub fn refused(experiment: impl AsRef<[u8]>) -> String {
    Case::new(experiment).refused(&[])
}
