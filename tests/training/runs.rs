//! The same file and seed give the same bytes, whoever computes and however often it is interrupted.

use std::fs;

use topkima::study::train::{NetParams, read_weights};

use crate::setup::{Case, FILE};

const WRITTEN: [&str; 10] = [
    "plain-seed1.csv",
    "plain-seed1.safetensors",
    "plain-seed2.csv",
    "plain-seed2.safetensors",
    "resolved.toml",
    "rows.csv",
    "tuned-seed1.csv",
    "tuned-seed1.safetensors",
    "tuned-seed2.csv",
    "tuned-seed2.safetensors",
];

#[test]
fn weights_are_the_same_bytes_for_any_threads_after_any_interruption() {
    let case = Case::new(FILE);
    case.trains("whole", &["--threads", "1"]);
    let whole = case.files("whole");
    let names: Vec<&str> = whole.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, WRITTEN, "nothing else is left");
    case.trains("three", &["--threads", "3"]);
    assert!(case.files("three") == whole, "three threads");

    for way in ["plain", "tuned"] {
        case.cut("cut", &format!("{way}-seed1"), &["--resume"]);
    }
    case.trains("cut", &["--resume", "--threads", "2"]);
    assert!(case.files("cut") == whole, "interrupted");

    // What is finished is left as it is, and parts of the file may be trained one after the other.
    let path = case.path("cut").join("tuned-seed2.safetensors");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    case.trains("cut", &["--resume"]);
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    case.trains("parts", &["--way", "plain", "--seed", "2"]);
    case.trains("parts", &["--way", "tuned", "--seed", "2"]);
    let parts = case.files("parts");
    assert!(
        parts
            .iter()
            .filter(|file| file.0 != "rows.csv")
            .all(|file| whole.contains(file))
    );
    let rows = fs::read_to_string(case.path("parts").join("rows.csv")).unwrap();
    assert_eq!(rows.lines().count(), 3, "{rows}");
}

#[test]
fn another_seed_gives_other_weights_and_tuning_moves_those_it_starts_from() {
    let case = Case::new(FILE);
    case.trains("out", &[]);
    let net = NetParams {
        patch: 4,
        width: 8,
        layers: 2,
        heads: 2,
        hidden: 12,
    };
    let net = net.check(8, 3).unwrap();
    let read = |name: &str| {
        let bytes = fs::read(case.path("out").join(format!("{name}.safetensors"))).unwrap();
        read_weights(&net, &bytes).unwrap()
    };
    let (plain, about) = read("plain-seed1");
    assert_eq!(
        (&*about["k"], &*about["way"], &*about["steps"]),
        ("all", "plain", "10")
    );
    let (other, _) = read("plain-seed2");
    let (tuned, about) = read("tuned-seed1");
    let far = |a: &[f32], b: &[f32]| {
        let square: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        square.sqrt()
    };
    assert!(far(&plain, &other) > 3.0 * far(&plain, &tuned));
    assert!(far(&plain, &tuned) > 0.01);
    let said = |key: &str| about[key].as_str();
    assert_eq!(
        (said("k"), said("split"), said("gradient")),
        ("3", "2+1 of 3+2", "complete")
    );
    assert_eq!(
        (said("seed"), said("start")),
        ("1", "plain-seed1.safetensors")
    );
    // 2 layers, 2 heads, 3 operands.
    let units: Vec<f32> = serde_json::from_str(said("units")).unwrap();
    assert!(units.len() == 12 && units.iter().all(|unit| *unit > 0.0));
}

#[test]
fn it_learns_to_tell_three_kinds_of_images_apart() {
    let case = Case::new(FILE);
    // Mirrored, two of the kinds are one.
    let steps = [
        "--set",
        "way[0].schedule.steps=120",
        "--set",
        "way[0].schedule.flip=false",
        "--set",
        "way[1].schedule.steps=30",
    ];
    case.trains("out", &[&steps[..], &["--seed", "1"]].concat());
    let mut rows = csv::Reader::from_path(case.path("out").join("rows.csv")).unwrap();
    let header = rows.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let share = |row: usize, name: &str| -> f64 {
        let at = header.iter().position(|known| known == name).unwrap();
        rows[row][at].parse().unwrap()
    };
    assert_eq!(rows.len(), 2);
    assert!(share(0, "accuracy all") > 0.9, "{rows:?}");
    assert_eq!(share(0, "accuracy all"), share(0, "accuracy own"));
    assert!(share(1, "accuracy own") > 0.9, "{rows:?}");
    for name in ["accuracy k=1", "accuracy k=3", "accuracy k=2+1"] {
        assert!((0.0..=1.0).contains(&share(1, name)));
    }
    let log = fs::read_to_string(case.path("out").join("plain-seed1.csv")).unwrap();
    let losses: Vec<f64> = log
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(2).unwrap().parse().unwrap())
        .collect();
    assert_eq!(losses.len(), 60);
    assert!(losses[59] < 0.3 * losses[0], "{losses:?}");
}
