//! Does everything that is shipped read, check and run?

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use topkima::hardware::attention::Datapath;
use topkima::shell::config::{
    DeviceChoice, Overrides, Plan, Store, TrainingPlan, is_only_not_fetched, is_training,
    load_device,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The TOML files of a folder, in order.
fn toml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    files
}

/// The experiments: what `topkima train` takes is told apart.
fn experiments() -> Vec<PathBuf> {
    let mut files = toml_files("experiments");
    files.retain(|file| !is_training(&Store::default().text(file).unwrap()));
    files
}

fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

#[test]
fn every_device_reads_and_checks_in_every_grade() {
    let files = toml_files("device_params");
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let table = Store::default().text(&file).unwrap();
        let grades = table.get("grades").and_then(toml::Value::as_table);
        let grades = grades
            .into_iter()
            .flat_map(toml::Table::keys)
            .cloned()
            .map(Some);
        for grade in std::iter::once(None).chain(grades) {
            for age in [0.0, 3600.0] {
                let choice = DeviceChoice {
                    grade: grade.clone(),
                    age: topkima::base::units::Seconds::from_si(age),
                    ..DeviceChoice::default()
                };
                let device = load_device(&file, &choice)
                    .unwrap_or_else(|mistakes| panic!("{grade:?}: {mistakes}"));
                assert_eq!(device.name, name(&file));
            }
        }
    }
}

/// Whether an experiment needs the pairs of STS-B and they have not been fetched: their text has many
/// sources and is not in the repository.
fn lacks_sts(file: &Path) -> bool {
    let needs = fs::read_to_string(file)
        .unwrap()
        .contains("data/fetched/sts-b");
    needs && !root().join("data/fetched/sts-b").is_dir()
}

#[test]
fn every_experiment_reads_and_checks() {
    let files = experiments();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        if lacks_sts(&file) {
            let said = Plan::load(&file, &Overrides::default())
                .unwrap_err()
                .to_string();
            assert!(said.contains("python3 scripts/fetch.py sts-b"), "{said}");
            continue;
        }
        let plan = Plan::load(&file, &Overrides::default())
            .unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(plan.params.question.ends_with('?') || plan.params.question.contains('?'));
        assert!(plan.points() >= 1 && plan.designs() >= 1);
    }
}

#[test]
fn every_training_reads_and_checks_with_its_images_or_asks_for_them() {
    let mut files = toml_files("experiments");
    files.retain(|file| is_training(&Store::default().text(file).unwrap()));
    assert!(!files.is_empty());
    for file in files {
        match TrainingPlan::load(&file, &[]) {
            Ok(plan) => assert!(plan.params.question.contains('?')),
            Err(mistakes) => assert!(is_only_not_fetched(&mistakes), "{mistakes}"),
        }
    }
}

#[test]
fn check_finds_nothing_wrong_with_any_shipped_file() {
    let mut files = [toml_files("experiments"), toml_files("device_params")].concat();
    files.retain(|file| !lacks_sts(file));
    let output = Command::new(env!("CARGO_BIN_EXE_topkima"))
        .arg("check")
        .args(&files)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| {
            ![": warning: ", ": note: "]
                .iter()
                .any(|word| line.contains(word))
        })
        .collect();
    assert_eq!(lines.len(), files.len(), "{said}");
}

/// One trial, and of the real heads one, so that it takes seconds; every point and design runs.
#[test]
fn every_experiment_runs() {
    let folder = tempfile::tempdir().unwrap();
    for file in experiments() {
        let mut overrides = Overrides {
            trials: Some(1),
            ..Overrides::default()
        };
        let mut small = Vec::new();
        let text = fs::read_to_string(&file).unwrap();
        if text.contains("[model]") {
            // One sample, or our own pairs of sentences in the place of STS-B.
            small.push((
                "task.calibration_samples".to_owned(),
                toml::Value::Integer(2),
            ));
            overrides.samples = Some(1);
        }
        if text.contains("[task.mails]") {
            small.push(("task.mails.training".to_owned(), toml::Value::Integer(2)));
        }
        if text.contains("[task.sts]") {
            overrides.samples = Some(5);
            for (key, table) in [("path", "pairs"), ("calibration", "calibration")] {
                let table = root().join(format!("tests/encoder/reference/{table}.csv"));
                let table = toml::Value::String(table.display().to_string());
                small.push((format!("task.sts.{key}"), table));
            }
        }
        overrides.set.clone_from(&small);
        let mut plan = Plan::load(&file, &overrides).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_topkima"));
        let out = folder.path().join(name(&file));
        command
            .arg("run")
            .arg(&file)
            .args(["--quiet", "--trials", "1", "--out"])
            .arg(&out);
        for (key, value) in &small {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        if let Some(samples) = overrides.samples {
            command.args(["--samples", &samples.to_string()]);
        }
        if plan.params.workload.file.is_some() {
            command.args(["--set", "workload.file.heads=[5]"]);
            let heads = toml::Value::Array(vec![5.into()]);
            overrides
                .set
                .push(("workload.file.heads".to_owned(), heads));
            plan = Plan::load(&file, &overrides).unwrap();
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}: {output:?}", file.display());
        assert!(
            output.stdout.is_empty() && output.stderr.is_empty(),
            "{output:?}"
        );
        let mut reader = csv::Reader::from_path(out.join("rows.csv")).unwrap();
        let header = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(
            rows.len(),
            plan.points() * plan.designs(),
            "{}",
            file.display()
        );
        let designs = plan.params.design.iter().cycle();
        for (row, design) in rows.iter().zip(designs) {
            for (column, cell) in header.iter().zip(row) {
                assert!(
                    !cell.contains("NaN") && !cell.contains("inf"),
                    "{column}: {cell}"
                );
                // One trial has a mean and no interval.
                assert!(
                    !column.ends_with("ci95") || cell.is_empty(),
                    "{column}: {cell}"
                );
            }
            let positive = if plan.params.model.is_some() {
                ["latency_us", "energy_nj", "tokens_mean"]
            } else {
                ["latency_ns_mean", "energy_pj_mean", "tops_mean"]
            };
            for wanted in positive {
                let at = header.iter().position(|column| column == wanted).unwrap();
                if design.datapath == (Datapath::Float {}) && wanted != "tokens_mean" {
                    assert_eq!(&row[at], "", "what is no hardware takes no time");
                    continue;
                }
                assert!(
                    row[at].parse::<f64>().unwrap() > 0.0,
                    "{}: {wanted}",
                    file.display()
                );
            }
        }
        for written in ["resolved.toml", "run.json"] {
            assert!(out.join(written).is_file(), "{}: {written}", file.display());
        }
        assert!(!out.join("journal.jsonl").exists());
    }
}

/// The header of a safetensors file.
fn header(path: &Path) -> serde_json::Value {
    let bytes = fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    serde_json::from_slice(&bytes[8..8 + length]).unwrap()
}

#[test]
fn the_real_heads_are_what_their_readme_says() {
    let folder = root().join("data/attention");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut total = 0;
    let mut layers = Vec::new();
    for (file, text) in [("calibration", "Melville"), ("test", "Lincoln")] {
        let path = folder.join(format!("{file}.safetensors"));
        let bytes = fs::read(&path).unwrap();
        total += bytes.len();
        let hash: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let line = format!("| `{file}.safetensors` | {} | `{hash}` |", bytes.len());
        assert!(readme.contains(&line), "the README should hold {line}");
        let header = header(&path);
        for part in ["q", "k", "v"] {
            assert_eq!(
                header[part]["shape"],
                serde_json::json!([12, 384, 32]),
                "{file} {part}"
            );
            assert_eq!(header[part]["dtype"], "F16", "{file} {part}");
        }
        let about = &header["__metadata__"];
        assert_eq!(about["scaled"], "false");
        assert!(about["model"].as_str().unwrap().contains("MiniLM-L6-v2"));
        assert!(about["text"].as_str().unwrap().contains(text) || readme.contains(text));
        layers.push(about["layers_heads"].as_str().unwrap().to_owned());
    }
    assert!(total <= 2_500_000, "{total} bytes");
    assert!(readme.contains("(12, 384, 32)") && readme.contains("Apache-2.0"));
    // Two heads of each layer, the same in both files, as the tables of the README name them.
    assert_eq!(layers[0], layers[1]);
    let pairs: Vec<(usize, usize)> = layers[0]
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().unwrap())
        .collect::<Vec<usize>>()
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    assert_eq!(pairs.len(), 12, "{}", layers[0]);
    for (index, (layer, head)) in pairs.iter().enumerate() {
        assert_eq!(*layer, index / 2);
        assert!(readme.contains(&format!("| {index} | {layer}.{head} |")));
    }
}

#[test]
fn the_real_heads_are_read_with_their_shape_and_are_finite() {
    let file = root().join("experiments/k_sweep.toml");
    let mut plan = Plan::load(&file, &Overrides::default()).unwrap();
    let case = plan.case(0, 0).unwrap();
    let workload = &case.heads().unwrap().workload;
    assert_eq!((workload.heads.len(), workload.calibration.len()), (12, 12));
    for head in workload.heads.iter().chain(&workload.calibration) {
        assert_eq!(head.q.shape(), (32, 384));
        assert_eq!(head.k.shape(), (384, 32));
        assert_eq!(head.v.shape(), (32, 384));
        assert!(head.mask.is_open());
        for part in [&head.q, &head.k, &head.v] {
            assert!(part.iter().all(|x| x.is_finite()) && part.norm() > 1.0);
        }
    }
    // The README's largest q of test head 0, divided by sqrt(32).
    let largest = workload.heads[0].q.amax() * 32_f64.sqrt();
    assert!((largest - 12.52).abs() < 0.005, "{largest}");
    assert_ne!(workload.heads[0].q, workload.calibration[0].q);
}
