//! Rows are the same bytes for any number of threads, again, after an interruption, and from
//! `resolved.toml`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{rows, topkima};
use crate::{EXPERIMENT, write};

/// The journal of a run that did all its work and could not write its results.
fn interrupted(experiment: &Path, out: &Path, more: &[&str]) -> Vec<u8> {
    crate::interrupted::interrupted(out, &mut || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topkima"));
        command
            .arg("run")
            .arg(experiment)
            .args(["--quiet", "--out"]);
        command.arg(out).args(more).stderr(Stdio::null());
        command
    })
}

#[test]
fn rows_are_equal_to_the_byte_for_any_threads_and_any_run() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), EXPERIMENT);
    let run = |name: &str, threads: &str| {
        let out = folder.path().join(name);
        let rows = rows(&experiment, &out, &["--threads", threads, "--breakdown"]);
        let breakdown = fs::read_to_string(out.join("breakdown.csv")).unwrap();
        (rows, breakdown)
    };
    let first = run("1", "1");
    for (name, threads) in [("again", "1"), ("2", "2"), ("8", "8")] {
        assert!(first == run(name, threads), "{threads} threads");
    }
    // Energy and time are among the columns, and there are numbers in them.
    let mut lines = first
        .0
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let wanted = [
        "energy_pj_mean",
        "energy_pj_ci95",
        "energy_pj_high_mean",
        "latency_ns_p95",
    ];
    let columns = wanted.map(|name| header.iter().position(|known| *known == name).unwrap());
    let mut count = 0;
    for line in lines {
        for at in columns {
            assert!(line[at].parse::<f64>().unwrap() >= 0.0, "{line:?}");
        }
        count += 1;
    }
    assert_eq!(count, 12);
}

#[test]
fn a_resumed_run_writes_what_an_unbroken_one_writes() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), EXPERIMENT);
    let whole = rows(&experiment, &folder.path().join("whole"), &[]);
    let out = folder.path().join("cut");
    let journal = interrupted(&experiment, &out, &[]);
    let lines: Vec<usize> = (0..journal.len())
        .filter(|at| journal[*at] == b'\n')
        .collect();
    assert_eq!(lines.len(), 3, "a title and two groups");
    // Whole; behind the first group; inside the second; a newline short; the title alone.
    let cuts = [
        journal.len(),
        lines[1] + 1,
        lines[1] + 100,
        lines[1],
        lines[0] + 1,
    ];
    for cut in cuts {
        fs::write(out.join("journal.jsonl"), &journal[..cut]).unwrap();
        let _ = fs::remove_file(out.join("rows.csv"));
        assert!(
            rows(&experiment, &out, &["--resume"]) == whole,
            "cut at {cut}"
        );
        assert!(!out.join("journal.jsonl").exists());
    }
}

#[test]
fn a_run_may_be_interrupted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), EXPERIMENT);
    let out = folder.path().join("out");
    let small = ["--set", "workload.file.heads=[7]", "--trials", "1"];
    let journal = interrupted(&experiment, &out, &small);
    let lines: Vec<usize> = (0..journal.len())
        .filter(|at| journal[*at] == b'\n')
        .collect();
    // The newline of the first group is the one byte of it that is missing, or all of it but a byte, or half.
    for cut in [lines[1], lines[0] + 2, lines[1] - 100] {
        fs::write(out.join("journal.jsonl"), &journal[..cut]).unwrap();
        let resumed = [&small[..], &["--resume"]].concat();
        let again = interrupted(&experiment, &out, &resumed);
        assert!(again == journal, "cut at {cut}");
    }
}

#[test]
fn a_breakdown_is_whole_after_a_resume_or_the_resume_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), EXPERIMENT);
    let small = ["--set", "workload.file.heads=[7]", "--trials", "1"];
    let with = |extra: &[&'static str]| [&small[..], extra].concat();
    let whole = folder.path().join("whole");
    rows(&experiment, &whole, &with(&["--breakdown"]));
    let wanted = fs::read_to_string(whole.join("breakdown.csv")).unwrap();
    let out = folder.path().join("out");
    interrupted(&experiment, &out, &small);
    let output = topkima(&experiment, &out, &with(&["--breakdown", "--resume"]));
    if output.status.success() {
        assert!(fs::read_to_string(out.join("breakdown.csv")).unwrap() == wanted);
    } else {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("--breakdown: not given, now given")
        );
    }
}

#[test]
fn a_journal_without_a_whole_title_holds_nothing_and_the_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), EXPERIMENT);
    let out = folder.path().join("out");
    let small = ["--set", "workload.file.heads=[7]", "--trials", "1"];
    let journal = interrupted(&experiment, &out, &small);
    let title = journal.iter().position(|byte| *byte == b'\n').unwrap();
    let whole = rows(&experiment, &folder.path().join("whole"), &small);
    for cut in [0, 5, title] {
        fs::remove_dir_all(&out).unwrap();
        fs::create_dir(&out).unwrap();
        fs::write(out.join("journal.jsonl"), &journal[..cut]).unwrap();
        let resumed = rows(&experiment, &out, &[&small[..], &["--resume"]].concat());
        assert!(resumed == whole, "cut at {cut}");
    }
}

#[test]
fn a_resume_of_another_experiment_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), EXPERIMENT);
    let out = folder.path().join("out");
    let small = ["--set", "workload.file.heads=[7]", "--trials", "1"];
    interrupted(&experiment, &out, &small);
    for (other, differs) in [
        (["--trials", "1", "--seed", "78"], "seed: 77, now 78"),
        (["--trials", "2", "--seed", "77"], "trials: 1, now 2"),
        (
            ["--trials", "1", "--set", "timing.softmax_lanes=2"],
            "timing.softmax_lanes: 1, now 2",
        ),
    ] {
        let output = topkima(
            &experiment,
            &out,
            &[&small[..2], &other, &["--resume"]].concat(),
        );
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(differs));
    }
}

#[test]
fn resolved_toml_run_again_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), EXPERIMENT);
    let first = folder.path().join("first");
    let set = [
        "--set",
        "device.with.column.noise=0.4 LSB",
        "--set",
        "softmax.weights={unit={max_code=31}}",
    ];
    let wanted = rows(
        &experiment,
        &first,
        &[&set[..], &["--seed", "5", "--trials", "1"]].concat(),
    );
    let resolved = fs::read_to_string(first.join("resolved.toml")).unwrap();
    // From another folder, so that no path is relative to the first one.
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(first.join("resolved.toml"), elsewhere.join("copy.toml")).unwrap();
    let second = folder.path().join("second");
    assert!(rows(&elsewhere.join("copy.toml"), &second, &[]) == wanted);
    assert_eq!(
        fs::read_to_string(second.join("resolved.toml")).unwrap(),
        resolved
    );
}
