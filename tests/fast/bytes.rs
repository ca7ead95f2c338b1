//! Are the rows of a fast run the same to the byte for any threads and instructions, after a resume, and
//! is trial t the same in any company? Does a run say why it was exact?

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::rows;
use crate::modes::Set;
use crate::setup::*;
use topkima::base::rng::Seed;
use topkima::hardware::attention::{Calibration, Fast, FastRoom, Finish, Prepared};
use topkima::hardware::kernel::Level;
use topkima::shell::config::{Overrides, Plan};
use topkima::shell::experiment::{Path as Road, Shelf, groups, run_group};
use topkima::study::metrics::{HeadTally, Metric, Values, fold};

const EXPERIMENT: &str = r#"
question = "Is it the same again?"
seed = 77
trials = 100
reference = "digital-topk"

[workload.synthetic]
tokens = 96
d_head = 32
heads = 3

[device]
name = "sram-65nm"

[av.ideal]

[crossbar]
bitlines = 64

[[design]]
name = "digital-topk"
datapath = { digital-topk = { sort = { global = {} } } }

[[design]]
name = "topkima"
datapath = { topkima = {} }

[sweep]
"ramp.bits" = [4, 5]
"topk.k" = [2, 5]
"#;

fn write(folder: &Path) -> PathBuf {
    let path = folder.join("experiment.toml");
    fs::write(&path, EXPERIMENT).unwrap();
    path
}

fn mode(out: &Path) -> serde_json::Value {
    let text = fs::read_to_string(out.join("run.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap()["mode"].clone()
}

#[test]
fn rows_are_equal_to_the_byte_for_any_threads_and_after_a_resume() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path());
    let out = |name: &str| folder.path().join(name);
    let on_tiles = [1, 2, 3].map(|threads: u8| {
        let (name, threads) = (format!("tiles{threads}"), threads.to_string());
        let tiles = "av={tiles={wordlines=64}}";
        rows(
            &experiment,
            &out(&name),
            &["--set", tiles, "--threads", &threads],
        )
    });
    assert!(on_tiles[1..].iter().all(|rows| *rows == on_tiles[0]));
    let wanted = rows(&experiment, &out("1"), &["--threads", "1"]);
    assert_eq!(wanted.lines().count(), 9);
    let mode = mode(&out("1"));
    assert_eq!(
        (&mode["fast_groups"], &mode["exact_groups"]),
        (&2.into(), &0.into())
    );
    for threads in ["2", "3"] {
        assert!(rows(&experiment, &out(threads), &["--threads", threads]) == wanted);
    }
    // What a stopped run leaves.
    let cut = out("cut");
    let journal = crate::interrupted::interrupted(&cut, &mut || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topkima"));
        command
            .arg("run")
            .arg(&experiment)
            .args(["--quiet", "--out"]);
        command.arg(&cut).stderr(Stdio::null());
        command
    });
    let lines: Vec<usize> = (0..journal.len())
        .filter(|at| journal[*at] == b'\n')
        .collect();
    fs::write(cut.join("journal.jsonl"), &journal[..=lines[1]]).unwrap();
    assert!(rows(&experiment, &cut, &["--resume"]) == wanted);
    // The exact mode is another sample of the same law, and says so.
    let exact = rows(
        &experiment,
        &out("exact"),
        &["--set", "mode={exact={}}", "--trials", "2"],
    );
    assert!(exact != wanted);
    assert_eq!(
        self::mode(&out("exact"))["exact_because"],
        serde_json::json!(["asked for"])
    );
}

#[test]
fn the_rows_of_a_run_do_not_depend_on_its_instructions() {
    let mut scene = Scene::new(sram, vec![synthetic(1, 0.0, 0.0)]);
    scene.designs = vec![(TOPKIMA, 5), (GLOBAL, 3)];
    let scenes = [
        scene,
        Scene::new(
            |scale| additive(0.3, 0.5, scale),
            vec![synthetic(2, 5.0, 4.0)],
        )
        .masked(&causal()),
        Scene::new(sram, vec![synthetic(1, 0.0, 0.0)]).on_tiles(20),
    ];
    for scene in &scenes {
        for alone in [true, false] {
            let set = Set::new(scene, 1.0);
            let finishes = set.finishes(0);
            let of = |level| {
                let (front, prepared) = (&set.attentions[0], &set.prepared[0]);
                let fast = Fast::plan(front, &finishes, prepared, alone)
                    .unwrap()
                    .on(level);
                let mut room = FastRoom::default();
                let blocks = 0..6;
                let told = blocks.map(|block| format!("{:?}", fast.run(EXACT, block, &mut room)));
                told.collect::<Vec<_>>()
            };
            let plain = of(Level::PORTABLE);
            assert_ne!(plain[1], plain[2]);
            for level in Level::all() {
                assert!(of(level) == plain, "{}", level.name());
            }
        }
    }
}

/// One design and one k, for the candidates of a row are those of all designs that share its conversion.
fn write_one(folder: &Path) -> PathBuf {
    let path = write(folder);
    let text = EXPERIMENT
        .replace("reference = \"digital-topk\"\n", "")
        .replace("\"topk.k\" = [2, 5]\n", "");
    let (start, end) = (
        text.find("[[design]]").unwrap(),
        text.rfind("[[design]]").unwrap(),
    );
    fs::write(&path, format!("{}{}", &text[..start], &text[end..])).unwrap();
    path
}

/// Means of a run: every metric of every case.
fn means(trials: u64) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let overrides = Overrides {
        trials: Some(trials),
        ..Overrides::default()
    };
    let mut plan = Plan::load(&write_one(folder.path()), &overrides).unwrap();
    let mut all = Vec::new();
    for group in groups(&plan) {
        let (results, notes) =
            run_group(&mut plan, &group, &mut Shelf::default(), &mut |_| ()).unwrap();
        assert_eq!(notes.path, Some(Road::Fast));
        for result in &results {
            all.extend(
                Metric::ALL.map(|metric| result.summary().unwrap().values[metric as usize].mean),
            );
        }
    }
    all
}

/// What trials 0 to n - 1 sum to grows by trial n alone. A run of 40 trials ends inside a block and one of
/// 100 goes through it, so if the first 40 of 100 were others, or their number moved a draw, a trial that
/// two runs tell of would be two numbers.
#[test]
fn the_first_forty_of_a_hundred_trials_are_a_run_of_forty() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = Plan::load(&write_one(folder.path()), &Overrides::default()).unwrap();
    let runs = [1, 31, 40, 100].map(|trials| (trials as usize, means(trials)));
    let mut at = 0;
    for group in groups(&plan) {
        for (point, design) in group.cases {
            let values = one_by_one(&mut plan, point, design, 100);
            for metric in Metric::ALL {
                for (trials, means) in &runs {
                    let of = values[..*trials].iter().filter_map(|v| v[metric as usize]);
                    let of: Vec<f64> = of.collect();
                    let mean = of.iter().sum::<f64>() / of.len() as f64;
                    let close = (mean - means[at]).abs() <= 1e-11 * mean.abs();
                    let none = of.is_empty();
                    assert!(
                        none || close,
                        "{} of {trials}: {mean} {}",
                        metric.name(),
                        means[at]
                    );
                }
                at += 1;
            }
        }
    }
    assert_eq!(at, runs[0].1.len());
}

/// Trials of a case on its own, block by block and the last block first.
fn one_by_one(plan: &mut Plan, point: usize, design: usize, trials: usize) -> Vec<Values> {
    let case = plan.case(point, design).unwrap();
    let front = &case.attention;
    let mut tallies = vec![Vec::new(); trials.next_multiple_of(32)];
    let workload = &case.heads().unwrap().workload;
    let heads = workload.heads.iter().zip(&workload.calibration);
    for (number, (head, rows)) in heads.enumerate() {
        let calibration = Calibration::of(front, rows, number);
        let calibrated = Prepared::of(front, rows, calibration, 1);
        let prepared = Prepared::of(front, head, calibration, front.topk[number].k);
        let finishes = [Finish::load(front, case.datapath, number, &calibrated)];
        let fast = Fast::plan(front, &finishes, &prepared, false).unwrap();
        for block in (0..tallies.len() / 32).rev() {
            let mut room = FastRoom::default();
            let done = fast.run(Seed(77), block as u64, &mut room);
            for (lane, spent) in fast.spent(0, &done[0]).into_iter().enumerate() {
                let tally = HeadTally::of_fast(&finishes[0], &prepared, &done[0], lane, spent);
                tallies[32 * block + lane].push(tally);
            }
        }
    }
    tallies.truncate(trials);
    tallies.iter().map(|heads| fold(heads)).collect()
}

#[test]
fn a_run_says_why_it_was_exact() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path());
    let cases = [
        (
            "device.name=\"rram-wan2022\"",
            "cells are conductances, drawn half by half",
        ),
        ("ramp.bits=7", "the ramp has more than 32 steps"),
        (
            "timing.arbiter={queue={}}",
            "a queueing arbiter selects on its own",
        ),
    ];
    for (at, (set, why)) in cases.into_iter().enumerate() {
        let out = folder.path().join(at.to_string());
        let text = EXPERIMENT.split("[sweep]").next().unwrap();
        fs::write(&experiment, text).unwrap();
        rows(&experiment, &out, &["--trials", "1", "--set", set]);
        let mode = mode(&out);
        assert_eq!(mode["asked"], serde_json::json!({ "fast": {} }));
        assert_eq!(mode["exact_because"], serde_json::json!([why]), "{set}");
        let group = serde_json::json!({
            "points": [0],
            "designs": ["digital-topk", "topkima"],
            "path": "exact",
            "because": why,
        });
        assert_eq!(mode["groups"], serde_json::json!([group]));
        assert_eq!(
            (&mode["fast_groups"], &mode["exact_groups"]),
            (&0.into(), &1.into())
        );
    }
}
