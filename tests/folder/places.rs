//! Is a place where no file can be written found before the first number is drawn?

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::setup::{Case, said};

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs into `o` and wants a refusal that names the file, with everything in `o` as it was.
fn refused(case: &Case, name: &str, kind: &str) {
    let before = case.names("o");
    let said = case.run(&["--out", "o", "--force"]);
    said.is(2, &[&format!("o/{name} is {kind}"), "another folder"]);
    assert_eq!(case.names("o"), before);
}

#[test]
fn what_is_no_file_is_refused_under_every_name_that_a_run_writes() {
    let all = [
        "rows.csv",
        "resolved.toml",
        "run.json",
        "breakdown.csv",
        "figure.svg",
        "figure-2.svg",
        "journal.jsonl",
    ];
    for name in all {
        let case = Case::new();
        let place = case.path("o").join(name);
        fs::create_dir_all(&place).unwrap();
        refused(&case, name, "a folder");
        fs::remove_dir(&place).unwrap();
        pipe(&place);
        refused(&case, name, "a device, a pipe or a socket");
        fs::remove_file(&place).unwrap();
        case.write("mine.txt", "mine");
        std::os::unix::fs::symlink("../mine.txt", &place).unwrap();
        refused(&case, name, "a symbolic link");
        assert_eq!(case.read("mine.txt"), "mine");
        fs::remove_file(&place).unwrap();
        // One that leads nowhere would be written through just as well.
        std::os::unix::fs::symlink("../none", &place).unwrap();
        refused(&case, name, "a symbolic link");
        assert!(!case.path("none").exists());
    }
}

#[test]
fn a_folder_that_is_none_is_refused_and_a_link_to_one_is_taken() {
    let case = Case::new();
    std::os::unix::fs::symlink("none", case.path("loose")).unwrap();
    std::os::unix::fs::symlink("real", case.path("link")).unwrap();
    fs::create_dir(case.path("real")).unwrap();
    pipe(&case.path("pipe"));
    for (place, why) in [
        ("e.toml", "is a file, not a folder"),
        ("e.toml/a/b", "e.toml is a file, not a folder"),
        ("pipe", "is a device, a pipe or a socket, not a folder"),
        (
            "/dev/null/x",
            "is a device, a pipe or a socket, not a folder",
        ),
        ("loose", "is a symbolic link that leads nowhere"),
        ("loose/x", "is a symbolic link that leads nowhere"),
    ] {
        case.run(&["--out", place])
            .is(2, &[why, "name another folder with --out"]);
    }
    case.run(&["--out", "link", "--quiet"]).is(0, &[]);
    assert!(case.path("real/rows.csv").is_file());
    case.run(&["--out", &"n".repeat(300)])
        .is(1, &["cannot be written"]);
    case.run(&["--out", "/proc/none"])
        .is(1, &["/proc/none: cannot be written"]);
}

#[test]
fn a_name_that_is_no_text_is_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    let case = Case::new();
    let odd = std::ffi::OsStr::from_bytes(b"o\xff");
    said(
        case.command(&["run", "e.toml", "--quiet", "--out"])
            .arg(odd),
    )
    .is(0, &[]);
    assert!(case.0.path().join(odd).join("run.json").is_file());
    let name = std::ffi::OsStr::from_bytes(b"e\xff.toml");
    fs::copy(case.path("e.toml"), case.0.path().join(name)).unwrap();
    said(case.command(&["run", "--quiet"]).arg(name)).is(0, &[]);
    assert_eq!(case.names("out").len(), 1);
}
