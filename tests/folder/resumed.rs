//! Does an unfinished run go on to what an unbroken one writes, and is it never thrown away unasked?

use std::fs;

use crate::setup::{Case, ends, experiment};

#[test]
fn an_unfinished_run_is_not_thrown_away_unasked() {
    let case = Case::new();
    let journal = case.interrupted("o", &[]);
    let ends = ends(&journal);
    assert_eq!(ends.len(), 5, "a head and four groups");
    let journal = &journal[..=ends[2]];
    let put = || fs::write(case.path("o/journal.jsonl"), journal).unwrap();
    put();
    let said = case.run(&["--out", "o"]);
    said.is(
        2,
        &[
            "o holds this run, unfinished (2 of 4 groups are done)",
            "--resume",
            "--force",
        ],
    );
    // Another run in the same folder: what differs, and how to go on.
    for (more, differs) in [
        (&["--set", "ramp.bits=4"][..], "ramp.bits: 5, now 4"),
        (&["--seed", "7"], "seed: 1, now 7"),
        (&["--trials", "5"], "trials: 4, now 5"),
        (&["--breakdown"], "--breakdown: not given, now given"),
    ] {
        let said = case.run(&[&["--out", "o"], more].concat());
        said.is(
            2,
            &[
                "o holds another run, unfinished (2 of 4 groups are done",
                differs,
                "--out",
                "--force",
            ],
        );
        let said = case.run(&[&["--out", "o", "--resume"], more].concat());
        said.is(
            2,
            &[
                "o holds another run, unfinished",
                differs,
                "--force without --resume",
            ],
        );
    }
    assert_eq!(fs::read(case.path("o/journal.jsonl")).unwrap(), journal);
    let said = case.runs(&["--force", "--set", "ramp.bits=4"]);
    said.is(
        0,
        &["note: o held another run, unfinished (2 of 4 groups are done), which is thrown away"],
    );
    put();
    case.runs(&["--force"])
        .is(0, &["note: o held this run, unfinished (2 of 4"]);
    assert!(!case.path("o/journal.jsonl").exists());
    case.run(&["--force", "--resume"])
        .is(2, &["--force", "--resume"]);
}

#[test]
fn run_json_of_a_resumed_run_tells_of_all_groups() {
    let case = Case::new();
    case.run(&["--out", "whole", "--quiet"]).is(0, &[]);
    let journal = case.interrupted("o", &[]);
    let ends = ends(&journal);
    fs::write(case.path("o/journal.jsonl"), &journal[..=ends[2]]).unwrap();
    case.runs(&["--resume", "--quiet"]);
    assert!(case.read("o/rows.csv") == case.read("whole/rows.csv"));
    assert!(case.read("o/figure.svg") == case.read("whole/figure.svg"));
    let (whole, resumed) = (case.about("whole"), case.about("o"));
    for key in [
        "version",
        "experiment",
        "seed",
        "mode",
        "warnings",
        "notes",
        "inputs",
        "files",
    ] {
        assert_eq!(whole[key], resumed[key], "{key}");
    }
    assert_eq!(whole["mode"]["groups"].as_array().unwrap().len(), 4);
    assert_eq!(
        whole["notes"].as_array().unwrap().len(),
        4,
        "a full scale for each"
    );
    assert_eq!(
        (&whole["resumed_groups"], &resumed["resumed_groups"]),
        (&0.into(), &2.into())
    );
}

#[test]
fn a_script_that_resumes_until_it_is_done_ends() {
    let case = Case::new();
    // Nothing is there yet: it begins, and says so.
    case.runs(&["--resume"])
        .is(0, &["note: o holds nothing of this run yet: it begins"]);
    let changed = |name: &str| fs::metadata(case.path(name)).unwrap().modified().unwrap();
    let (rows, before) = (case.read("o/rows.csv"), changed("o/rows.csv"));
    let said = case.runs(&["--resume"]);
    assert_eq!(
        said.stdout,
        "o holds this run, finished: nothing is left to do\n"
    );
    assert_eq!((said.stderr.as_str(), changed("o/rows.csv")), ("", before));
    // A result that is missing is made again, and so is a breakdown that was not asked for before.
    fs::remove_file(case.path("o/rows.csv")).unwrap();
    case.runs(&["--resume", "--quiet"]);
    assert!(case.read("o/rows.csv") == rows);
    case.runs(&["--resume", "--quiet", "--breakdown"]);
    assert!(case.path("o/breakdown.csv").exists());
    // What another run finished is not taken for it.
    let other = case.run(&["--out", "o", "--resume", "--trials", "2"]);
    other.is(
        2,
        &[
            "o holds another run (it differs in trials: 4, now 2)",
            "leave --resume out",
        ],
    );
    case.runs(&["--quiet", "--trials", "2"]);
}

#[test]
fn a_journal_that_holds_nothing_blocks_nothing() {
    let case = Case::new();
    let journal = case.interrupted("o", &[]);
    let head = ends(&journal)[0];
    case.run(&["--out", "whole", "--quiet"]).is(0, &[]);
    let rows = case.read("whole/rows.csv");
    // An empty one; a head cut off; a head alone; and the same of another run.
    for cut in [0, 1, 40, head, head + 1] {
        for more in [&["--resume"][..], &[], &["--trials", "2", "--resume"]] {
            let _ = fs::remove_dir_all(case.path("o"));
            fs::create_dir(case.path("o")).unwrap();
            fs::write(case.path("o/journal.jsonl"), &journal[..cut]).unwrap();
            case.runs(&[&["--quiet"], more].concat());
            assert_eq!(
                case.read("o/rows.csv") == rows,
                more.len() < 3,
                "{cut} {more:?}"
            );
        }
    }
    // What this program did not write is kept.
    for text in ["{\"mine\": 1}\n", "\u{fffd}\n garbage", "mine"] {
        let _ = fs::remove_dir_all(case.path("o"));
        fs::create_dir(case.path("o")).unwrap();
        case.write("o/journal.jsonl", text);
        for more in [&["--resume"][..], &[], &["--force"]] {
            let said = case.run(&[&["--out", "o"], more].concat());
            said.is(
                2,
                &[
                    "o holds a journal.jsonl that cannot be read",
                    "move it away",
                ],
            );
        }
        assert_eq!(case.read("o/journal.jsonl"), text);
    }
}

#[test]
fn inputs_that_changed_are_named() {
    let case = Case::new();
    let device =
        fs::read_to_string(crate::setup::home().join("device_params/sram-65nm.toml")).unwrap();
    let shared = format!("\"{}/device_params/shared/", crate::setup::home().display());
    case.write("d.toml", device.replace("\"shared/", &shared));
    case.write(
        "e.toml",
        experiment().replace("name = \"sram-65nm\"", "path = \"d.toml\""),
    );
    case.run(&["--quiet"]).is(0, &[]);
    case.write(
        "d.toml",
        format!("# measured again\n{}", case.read("d.toml")),
    );
    case.run(&[]).is(
        2,
        &[
            "out/e-seed1 holds another run",
            "d.toml: the file was changed since",
        ],
    );
}
