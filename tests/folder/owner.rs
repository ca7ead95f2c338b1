//! Does a folder hold one run's files and no older ones, and those of a person untouched?

use std::fs;

use crate::setup::{Case, experiment};

#[test]
fn a_run_replaces_its_own_files_whole_and_leaves_those_of_a_person() {
    let case = Case::new();
    case.runs(&["--quiet", "--breakdown"]);
    let all = [
        "breakdown.csv",
        "figure.svg",
        "resolved.toml",
        "rows.csv",
        "run.json",
    ];
    assert_eq!(case.names("o"), all);
    let rows = case.read("o/rows.csv");
    for (name, text) in [
        ("notes.txt", "mine"),
        ("figure-mine.svg", "mine"),
        ("rows.csv.part", "mine"),
    ] {
        case.write(&format!("o/{name}"), text);
    }
    // The same run without a breakdown: the one of before does not stay beside it.
    case.runs(&["--quiet"]);
    assert!(case.read("o/rows.csv") == rows);
    let left = [
        "figure-mine.svg",
        "figure.svg",
        "notes.txt",
        "resolved.toml",
        "rows.csv",
        "rows.csv.part",
        "run.json",
    ];
    assert_eq!(case.names("o"), left);
    // Another run, without a sweep, so without a figure: the old figure goes, and the run says so.
    let (plain, _) = experiment()
        .split_once("[sweep]")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    case.write("e.toml", &plain);
    let said = case.runs(&[]);
    said.is(
        0,
        &[
            "note: o held another run (it differs in sweep",
            "which this one replaces",
        ],
    );
    assert_eq!(
        case.names("o"),
        [
            "figure-mine.svg",
            "notes.txt",
            "resolved.toml",
            "rows.csv",
            "rows.csv.part",
            "run.json"
        ]
    );
    assert_eq!(case.read("o/rows.csv.part"), "mine");
    let files = case.about("o")["files"].clone();
    assert_eq!(files, serde_json::json!(["rows.csv", "resolved.toml"]));
    // Once more, and nothing is said.
    assert_eq!(
        case.runs(&[])
            .stderr
            .lines()
            .filter(|line| line.contains("held"))
            .count(),
        0
    );
}

#[test]
fn a_file_that_no_run_wrote_is_not_replaced() {
    for name in ["rows.csv", "resolved.toml", "run.json", "figure.svg"] {
        let case = Case::new();
        fs::create_dir(case.path("o")).unwrap();
        case.write(&format!("o/{name}"), "mine");
        for more in [&[][..], &["--force"], &["--resume"]] {
            let said = case.run(&[&["--out", "o"], more].concat());
            said.is(2, &[&format!("o/{name} is there"), "move it away", "--out"]);
        }
        assert_eq!(
            (
                case.read(&format!("o/{name}")).as_str(),
                case.names("o").len()
            ),
            ("mine", 1)
        );
    }
    // Another program's run.json may have a version and inputs, too.
    let case = Case::new();
    fs::create_dir(case.path("o")).unwrap();
    let foreign = "{\"version\": \"1\", \"inputs\": []}";
    case.write("o/run.json", foreign);
    case.write("o/rows.csv", "mine");
    case.run(&["--out", "o", "--force"]).is(
        2,
        &["o/run.json is there, and was not written by this program"],
    );
    assert_eq!(
        (
            case.read("o/run.json").as_str(),
            case.read("o/rows.csv").as_str()
        ),
        (foreign, "mine")
    );
    // A list of files that was tampered with names nothing outside the folder, and no file of a person.
    let case = Case::new();
    case.runs(&["--quiet"]);
    case.write("o/notes.txt", "mine");
    let mut about = case.about("o");
    about["files"] = serde_json::json!([
        "rows.csv",
        "resolved.toml",
        "figure.svg",
        "../e.toml",
        "notes.txt",
        "figure-/../../e.toml.svg"
    ]);
    case.write("o/run.json", about.to_string());
    case.runs(&["--quiet", "--trials", "1"]);
    assert!(case.path("e.toml").exists() && case.path("o/notes.txt").exists());
}

#[test]
fn results_may_lie_beside_their_inputs_but_never_over_them() {
    let case = Case::new();
    case.run(&["--out", ".", "--quiet"]).is(0, &[]);
    assert_eq!(case.read("e.toml"), experiment());
    // resolved.toml run again into its own folder would be read and written.
    let resolved = case.read("resolved.toml");
    let said = case.call(&["run", "resolved.toml", "--out", "."]);
    said.is(2, &["resolved.toml is an input of this run"]);
    fs::create_dir(case.path("o")).unwrap();
    fs::hard_link(case.path("e.toml"), case.path("o/rows.csv")).unwrap();
    case.run(&["--out", "o"])
        .is(2, &["o/rows.csv is an input of this run"]);
    assert_eq!(
        (case.read("e.toml"), case.read("resolved.toml")),
        (experiment(), resolved)
    );
}

#[test]
fn two_runs_at_once_never_write_to_one_folder() {
    let case = Case::new();
    fs::create_dir(case.path("o")).unwrap();
    let journal = fs::File::create(case.path("o/journal.jsonl")).unwrap();
    journal.try_lock().unwrap();
    for more in [&[][..], &["--force"], &["--resume"]] {
        case.run(&[&["--out", "o"], more].concat())
            .is(1, &["another run is writing here"]);
    }
    drop(journal);
    case.runs(&["--quiet"]);
}
