//! A run that did all its work and could not write its results: what is left is its journal.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Runs `command`, which writes to `out`, and puts a folder in the place of `rows.csv` as soon as its journal is
/// begun or gone on with: the journal that it leaves. Where the run was faster it is tried again.
pub fn interrupted(out: &Path, command: &mut dyn FnMut() -> Command) -> Vec<u8> {
    let journal = out.join("journal.jsonl");
    let before = fs::read(&journal).ok();
    let length = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    for _ in 0..200 {
        let mut child = command().spawn().unwrap();
        let first = before.as_ref().map_or(0, |bytes| bytes.len() as u64);
        while length(&journal) == first && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(200));
        }
        let blocked = fs::create_dir(out.join("rows.csv")).is_ok();
        let code = child.wait().unwrap().code();
        if blocked {
            fs::remove_dir(out.join("rows.csv")).unwrap();
        }
        if blocked && code == Some(2) && length(&journal) != first {
            return fs::read(&journal).unwrap();
        }
        match &before {
            Some(bytes) => {
                for entry in fs::read_dir(out).unwrap() {
                    fs::remove_file(entry.unwrap().path()).unwrap();
                }
                fs::write(&journal, bytes).unwrap();
            }
            None => drop(fs::remove_dir_all(out)),
        }
    }
    panic!("the run was never interrupted");
}
