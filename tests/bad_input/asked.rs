//! The command line, the output folder, and what is printed.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use super::setup::{Case, DESIGN, SRAM, home, small, top};
use insta::assert_snapshot;

#[test]
fn numbers_of_the_command_line_say_what_is_allowed() {
    let case = Case::new(small(""));
    for (option, value, allowed) in [
        ("--trials", "0", "from 1 to 1000000000"),
        ("--trials", "-1", "from 1 to 1000000000"),
        ("--seed", "-1", "from 0 to 9223372036854775807"),
        (
            "--seed",
            "18446744073709551615",
            "from 0 to 9223372036854775807",
        ),
        ("--seed", "nan", "from 0 to 9223372036854775807"),
        ("--threads", "0", "from 1 to 1024"),
        ("--threads", "1000000000", "from 1 to 1024"),
    ] {
        let said = case.refused(&[option, value]);
        assert!(said.contains(option) && said.contains(allowed), "{said}");
    }
    // A key that is set twice would be set once.
    for (twice, first, second) in [
        (
            ["--set", "topk.k=3", "--set", "topk.k=4"],
            "--set topk.k",
            "--set topk.k",
        ),
        (["--set", "seed=4", "--seed", "5"], "--set seed", "--seed"),
        (
            ["--set", "trials=4", "--trials", "5"],
            "--set trials",
            "--trials",
        ),
    ] {
        let said = case.refused(&twice);
        let words = format!("{second}: this key was set before, by {first}; set it once");
        assert!(said.contains(&words), "{said}");
    }
    // The largest number of a file is that of TOML.
    let said = case.refused(&["--set", "seed=18446744073709551615"]);
    assert!(
        said.contains("must be at most 9223372036854775807"),
        "{said}"
    );
    let said = case.refused(&["--set", "seed=\"7\""]);
    assert!(
        said.contains("must be a whole number, zero or above; write it without"),
        "{said}"
    );
    let said = case.refused(&["--dump", "d.npz", "--queries=-1"]);
    assert!(said.contains("from 0 to 65535"), "{said}");
}

#[test]
fn queries_and_a_dump_are_checked_before_anything_is_written() {
    let case = Case::new(small(""));
    let said = case.refused(&["--dump", "d.npz", "--queries", "3,64,70"]);
    assert_snapshot!(said, @r"
    command line: --queries = 64: the workload has queries 0 to 63; name one of them
    command line: --queries = 70: the workload has queries 0 to 63; name one of them
    2 mistakes; nothing was run
    ");
    let said = case.refused(&["--dump", "d.npz", "--queries", "0,1,0"]);
    assert!(
        said.contains("--queries = 0: this one is named twice"),
        "{said}"
    );
    assert!(!case.folder.path().join("d.npz").exists());
    for place in ["e.toml/d.npz", "/proc/none/d.npz", "."] {
        assert!(case.refused(&["--dump", place]).contains("--dump = "));
    }
    let sizes = Case::new(format!("{}[workload.shape]\n{SRAM}{DESIGN}", top("")));
    assert!(
        sizes
            .refused(&["--dump", "d.npz"])
            .contains("has no scores")
    );
    assert!(case.refused(&["--queries", "1"]).contains("--dump"));
}

#[test]
fn an_output_folder_that_cannot_be_written_is_told() {
    let case = Case::new(small(""));
    let out = |place: &str| case.call(&["run", "e.toml", "--quiet", "--out", place]);
    let below = out("e.toml/x");
    assert_eq!((below.code, below.stdout.as_str()), (2, ""));
    assert_snapshot!(below.stderr, @"command line: --out = e.toml/x: e.toml is a file, not a folder; name another folder with --out");
    assert_eq!(out("e.toml").code, 2);
    let system = out("/proc/none");
    assert_eq!(system.code, 1);
    assert!(
        system.stderr.starts_with("/proc/none: cannot be written"),
        "{}",
        system.stderr
    );
    fs::create_dir_all(case.out().join("rows.csv")).unwrap();
    let taken = out("out");
    assert_eq!(taken.code, 2);
    assert!(
        taken.stderr.contains("out/rows.csv is a folder"),
        "{}",
        taken.stderr
    );
    assert_eq!(fs::read_dir(case.out()).unwrap().count(), 1);
}

/// Whether every line is a warning or a note.
fn only_notices(text: &str) -> bool {
    text.lines()
        .all(|line| line.starts_with("warning: ") || line.starts_with("note: "))
}

#[test]
fn a_quiet_run_prints_nothing_and_a_loud_one_its_rows() {
    let case = Case::new(small(""));
    case.runs(&[]);
    let said = case.call(&["run", "e.toml", "--out", "out"]);
    assert_eq!(said.code, 0);
    assert!(
        said.stdout.contains("1 rows in out/rows.csv"),
        "{}",
        said.stdout
    );
    assert!(only_notices(&said.stderr), "{}", said.stderr);
    let parts: Vec<_> = fs::read_dir(case.out())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".part") || name.starts_with("journal"))
        .collect();
    assert!(parts.is_empty(), "{parts:?}");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let case = Case::new(small(""));
    let experiment = case.folder.path().join("e.toml");
    let experiment = experiment.to_str().unwrap();
    let out = case.out();
    let out = out.to_str().unwrap();
    for arguments in [
        vec!["list", "devices"],
        vec!["list", "designs"],
        vec!["check", experiment, experiment],
        vec!["run", experiment, "--out", out],
        vec!["macro"],
        vec!["reproduce", "macros"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_topkima"))
            .args(&arguments)
            .current_dir(home())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{arguments:?} {stderr}"
        );
        assert!(only_notices(&stderr), "{arguments:?} {stderr}");
    }
}

#[test]
fn an_unknown_command_or_list_is_refused() {
    let case = Case::new("");
    for arguments in [&["lists"][..], &["list", "devicez"], &["run"], &["check"]] {
        assert_eq!(case.call(arguments).code, 2, "{arguments:?}");
    }
}

/// One point is what the macro shows, of one device.
#[test]
fn a_macro_of_several_points_or_devices_is_refused() {
    let case = Case::new("");
    let said = case.call(&["macro", "--set", "sweep.\"topk.k\"=[1, 2]"]);
    assert_eq!(said.code, 2, "{}", said.stdout);
    assert!(
        said.stderr
            .contains("has 2 points, and the macro shows one"),
        "{}",
        said.stderr
    );
    let said = case.call(&[
        "macro",
        "--device",
        "ideal",
        "--set",
        "device.name=\"sonos\"",
    ]);
    assert_eq!(said.code, 2, "{}", said.stdout);
    assert!(
        said.stderr
            .contains("--device = ideal: --set device.name names a device, too"),
        "{}",
        said.stderr
    );
}
