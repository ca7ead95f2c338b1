//! Does a run whose disk fills up lose nothing, and say how to go on?

use std::process::Command;

use crate::setup::{Case, said};

/// A run that may write files of so many blocks of 512 bytes; more is an error, as on a full disk.
fn limited(case: &Case, blocks: usize, more: &str) -> Command {
    let own = env!("CARGO_BIN_EXE_topkima");
    let script =
        format!("trap '' XFSZ; ulimit -f {blocks}; exec {own} run e.toml --out o --quiet {more}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(case.0.path());
    command
}

#[test]
fn a_run_goes_on_after_any_place_where_there_was_no_room() {
    let case = Case::new();
    case.run(&["--out", "whole", "--quiet"]).is(0, &[]);
    let mut codes = Vec::new();
    for blocks in [0, 1, 2, 5, 6, 7, 8, 9, 10, 12, 16, 24, 60] {
        let _ = std::fs::remove_dir_all(case.path("o"));
        let said = said(&mut limited(&case, blocks, ""));
        codes.push(said.code);
        if said.code != 0 {
            said.is(1, &["there is no room", "the same command with --resume"]);
            assert!(!case.path("o/run.json").exists());
        }
        case.runs(&["--resume", "--quiet"]);
        assert!(
            case.read("o/rows.csv") == case.read("whole/rows.csv"),
            "{blocks}"
        );
        let names = case.names("o");
        assert_eq!(names, case.names("whole"), "{blocks}");
    }
    assert!(
        codes.starts_with(&[1, 1]) && codes.ends_with(&[0]),
        "{codes:?}"
    );
}
