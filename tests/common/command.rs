//! Runs of the command.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// `topkima run` into `out`.
pub fn topkima(experiment: &Path, out: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_topkima"))
        .arg("run")
        .arg(experiment)
        .args(["--quiet", "--out"])
        .arg(out)
        .args(more)
        .output()
        .unwrap()
}

/// The same, where it has to succeed: the bytes of `rows.csv`.
pub fn rows(experiment: &Path, out: &Path, more: &[&str]) -> String {
    let output = topkima(experiment, out, more);
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(out.join("rows.csv")).unwrap()
}
