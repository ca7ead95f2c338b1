//! Is a dump written only where nothing is, or where a dump lies?

use std::fs;
use std::process::Command;

use crate::setup::Case;
use topkima::base::arrays::{npz_names, write_npz};

fn refused(case: &Case, place: &str, why: &str) {
    let said = case.run(&["--out", "o", "--dump", place, "--force"]);
    said.is(2, &[&format!("--dump = {place}: {why}")]);
    assert!(!case.path("o").exists());
}

#[test]
fn a_dump_replaces_a_dump_and_nothing_else() {
    let case = Case::new();
    case.runs(&["--quiet", "--dump", "d.npz"]);
    let first = fs::read(case.path("d.npz")).unwrap();
    case.runs(&["--quiet", "--dump", "d.npz"]);
    assert!(fs::read(case.path("d.npz")).unwrap() == first);
    case.runs(&["--quiet", "--dump", "d.npz", "--queries", "0,1"]);
    assert!(fs::read(case.path("d.npz")).unwrap() != first);
    assert!(npz_names(&first).unwrap().contains(&"scores".to_owned()));
    // An empty file holds nothing that could be lost: `mktemp` makes one.
    case.write("empty", "");
    case.runs(&["--quiet", "--dump", "empty"]);
    fs::remove_dir_all(case.path("o")).unwrap();

    let numbers = [0.5; 4];
    case.write(
        "mine.npz",
        write_npz(&[("q", &[2, 2], &numbers), ("scores", &[2, 2], &numbers)]).unwrap(),
    );
    case.write("mine.txt", "mine");
    for name in ["mine.npz", "mine.txt"] {
        let before = fs::read(case.path(name)).unwrap();
        refused(&case, name, "is there, and is no dump of this program");
        assert!(fs::read(case.path(name)).unwrap() == before);
    }
}

#[test]
fn a_dump_is_never_written_over_an_input_or_a_result() {
    let case = Case::new();
    let text = case.read("e.toml");
    fs::hard_link(case.path("e.toml"), case.path("hard.npz")).unwrap();
    std::os::unix::fs::symlink("e.toml", case.path("soft.npz")).unwrap();
    fs::create_dir(case.path("sub")).unwrap();
    refused(&case, "e.toml", "is an input of this run");
    refused(&case, "sub/../e.toml", "is an input of this run");
    refused(&case, "hard.npz", "is an input of this run");
    refused(&case, "soft.npz", "is a symbolic link");
    assert!(case.path("soft.npz").is_symlink() && case.read("e.toml") == text);
    fs::create_dir(case.path("o")).unwrap();
    for name in [
        "rows.csv",
        "run.json",
        "journal.jsonl",
        "figure.svg",
        "figure-2.svg",
        ".topkima-1-a.part",
    ] {
        let said = case.run(&["--out", "o", "--dump", &format!("o/{name}")]);
        said.is(2, &["is a file of the run itself"]);
    }
    case.runs(&["--quiet", "--dump", "o/d.npz"]);
    assert!(case.path("o/d.npz").is_file());
}

#[test]
fn a_dump_goes_to_a_file_in_a_folder_that_is_there() {
    let case = Case::new();
    assert!(
        Command::new("mkfifo")
            .arg(case.path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let socket = std::os::unix::net::UnixListener::bind(case.path("socket")).unwrap();
    std::os::unix::fs::symlink("none", case.path("loose")).unwrap();
    refused(&case, "pipe", "is a device, a pipe or a socket");
    refused(&case, "socket", "is a device, a pipe or a socket");
    refused(&case, "/dev/null", "is a device, a pipe or a socket");
    refused(&case, "loose", "is a symbolic link");
    refused(&case, ".", "is a folder");
    refused(&case, "new/", "is a folder");
    refused(&case, "o", "is where the folder of this run is made");
    std::os::unix::fs::symlink(".", case.path("here")).unwrap();
    refused(&case, "here/o", "is where the folder of this run is made");
    let said = case.run(&["--out", "a/b", "--dump", "a"]);
    said.is(2, &["is where the folder of this run is made"]);
    assert!(!case.path("a").exists());
    refused(
        &case,
        "none/d.npz",
        "there is no folder none; make it first",
    );
    refused(&case, "e.toml/d.npz", "there is no folder e.toml");
    drop(socket);
    case.run(&["--out", "o", "--dump", "/proc/d.npz"])
        .is(1, &["/proc: cannot be written"]);
    assert!(!case.path("o").exists());
    // Names as long as a file system takes, and something of a person beside it.
    case.write("d.npz.part", "mine");
    case.runs(&["--quiet", "--dump", "d.npz"]);
    assert_eq!(case.read("d.npz.part"), "mine");
    case.runs(&["--quiet", "--dump", &"n".repeat(255)]);
}
