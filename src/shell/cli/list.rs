//! `topkima list` and `topkima check`.

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use super::Failure;
use crate::shell::config::{
    DeviceChoice, FileMistakes, Overrides, Plan, Store, find_home, list_toml, load_device,
};

/// What can be listed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum What {
    /// Device files in device_params
    Devices,
    /// Experiment files in experiments
    Experiments,
    /// Datapaths that a [[design]] can name
    Designs,
    /// Data sets in data
    Datasets,
}

pub(super) fn list(what: What) -> Result<(), Failure> {
    let home = find_home(Path::new("."));
    match what {
        What::Devices => {
            let folder = home.join("device_params");
            for name in list_toml(&folder) {
                let tree = Store::default().text(&folder.join(format!("{name}.toml")))?;
                let grades = match tree.get("grades") {
                    Some(toml::Value::Table(grades)) => format!(
                        " [grades: {}]",
                        grades.keys().cloned().collect::<Vec<_>>().join(", ")
                    ),
                    _ => String::new(),
                };
                println!("{name:<16} {}{grades}", text(&tree, "description"));
            }
        }
        What::Experiments => {
            let folder = home.join("experiments");
            for name in list_toml(&folder) {
                let tree = Store::default().text(&folder.join(format!("{name}.toml")))?;
                println!("{name:<20} {}", text(&tree, "question"));
            }
        }
        What::Designs => {
            println!("conventional = {{}}                    full ramp, softmax over all columns");
            println!(
                "digital-topk = {{ sort = ... }}        full ramp, digital sort (per-tile or global), softmax over k"
            );
            println!(
                "topkima = {{}}                         the ramp stops at the k-th crossing of each tile, softmax over k"
            );
        }
        What::Datasets => {
            let folder = home.join("data");
            let mut names: Vec<PathBuf> = fs::read_dir(&folder)?
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.is_dir())
                .collect();
            names.sort();
            for path in names {
                let readme = fs::read_to_string(path.join("README.md")).unwrap_or_default();
                let about = readme
                    .lines()
                    .find(|line| !line.is_empty() && !line.starts_with('#'))
                    .unwrap_or("");
                println!(
                    "{:<12} {about} (see {})",
                    path.file_name().unwrap_or_default().to_string_lossy(),
                    path.join("README.md").display()
                );
            }
        }
    }
    Ok(())
}

fn text(tree: &Table, key: &str) -> String {
    tree.get(key)
        .and_then(toml::Value::as_str)
        .unwrap_or("")
        .to_owned()
}

pub(super) fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut all = FileMistakes::default();
    for path in files {
        let checked = Store::default().text(path).and_then(|tree| {
            if tree.contains_key("design") || tree.contains_key("workload") {
                let plan = Plan::load(path, &Overrides::default())?;
                println!(
                    "{}: {} points x {} designs x {} trials",
                    path.display(),
                    plan.points(),
                    plan.designs(),
                    plan.params.trials
                );
                for warning in &plan.warnings {
                    println!("{}: warning: {warning}", path.display());
                }
                return Ok(());
            }
            let grades = match tree.get("grades") {
                Some(toml::Value::Table(grades)) => grades.keys().cloned().map(Some).collect(),
                _ => Vec::new(),
            };
            for grade in std::iter::once(None).chain(grades) {
                let choice = DeviceChoice {
                    grade,
                    ..DeviceChoice::default()
                };
                load_device(path, &choice)?;
            }
            println!("{}: a device", path.display());
            Ok(())
        });
        if let Err(mistakes) = checked {
            all.join(mistakes);
        }
    }
    if all.0.is_empty() {
        Ok(())
    } else {
        Err(all.into())
    }
}
