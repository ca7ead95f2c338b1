//! `topkima list` and `topkima check`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use toml::Table;

use super::Failure;
use super::print::out;
use crate::base::mistake::Mistakes;
use crate::shell::config::{
    DeviceChoice, FileMistakes, Overrides, Plan, Store, TrainingPlan, find_home,
    is_only_not_fetched, is_training, list_toml, load_device,
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
    let mut out = out();
    let mut all = FileMistakes::default();
    match what {
        What::Devices => {
            let folder = home.join("device_params");
            for (name, tree) in readable(&folder, &mut all) {
                let grades = match tree.get("grades") {
                    Some(toml::Value::Table(grades)) => format!(
                        " [grades: {}]",
                        grades.keys().cloned().collect::<Vec<_>>().join(", ")
                    ),
                    _ => String::new(),
                };
                writeln!(out, "{name:<16} {}{grades}", text(&tree, "description"))?;
            }
        }
        What::Experiments => {
            let folder = home.join("experiments");
            for (name, tree) in readable(&folder, &mut all) {
                writeln!(out, "{name:<20} {}", text(&tree, "question"))?;
            }
        }
        What::Designs => {
            writeln!(
                out,
                "conventional = {{}}                    full ramp, softmax over all columns"
            )?;
            writeln!(
                out,
                "digital-topk = {{ sort = ... }}        full ramp, digital sort (per-tile or global), softmax over k"
            )?;
            writeln!(
                out,
                "topkima = {{}}                         the ramp stops at the k-th crossing of each tile, softmax over k"
            )?;
            writeln!(
                out,
                "float = {{}}                           of an encoder only: no hardware, the k largest float scores by tile"
            )?;
        }
        What::Datasets => {
            let folder = home.join("data");
            let mut names: Vec<PathBuf> = fs::read_dir(&folder)
                .map_err(|error| Failure::System(format!("{}: {error}", folder.display())))?
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.join("README.md").is_file())
                .collect();
            names.sort();
            for path in names {
                let readme = fs::read_to_string(path.join("README.md")).unwrap_or_default();
                let about = first_sentence(&readme);
                writeln!(
                    out,
                    "{:<14} {about} (see {})",
                    path.file_name().unwrap_or_default().to_string_lossy(),
                    path.join("README.md").display()
                )?;
            }
        }
    }
    if all.0.is_empty() {
        Ok(())
    } else {
        Err(all.into())
    }
}

/// The first sentence below the heading of a text, on one line; the paragraph if it is not longer.
fn first_sentence(text: &str) -> String {
    let lines = text
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with('#'));
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => paragraph,
    }
}

/// The TOML files of a folder that can be read, by name; the mistakes of the others are kept.
fn readable(folder: &Path, all: &mut FileMistakes) -> Vec<(String, Table)> {
    let read = |name: String| match Store::default().text(&folder.join(format!("{name}.toml"))) {
        Ok(tree) => Some((name, tree)),
        Err(mistakes) => {
            all.join(mistakes);
            None
        }
    };
    list_toml(folder).into_iter().filter_map(read).collect()
}

fn text(tree: &Table, key: &str) -> String {
    tree.get(key)
        .and_then(toml::Value::as_str)
        .unwrap_or("")
        .to_owned()
}

/// What a file holds, or every mistake in it.
fn judge(path: &Path) -> Result<Vec<String>, FileMistakes> {
    let name = path.display();
    let tree = Store::default().text(path)?;
    if is_training(&tree) {
        let plan = match TrainingPlan::load(path, &[]) {
            // A file is not wrong because what it trains on was not fetched yet.
            Err(mistakes) if is_only_not_fetched(&mistakes) => {
                return Ok(vec![
                    format!("{name}: a training"),
                    format!("{name}: warning: {}", mistakes.0[0].mistake),
                ]);
            }
            loaded => loaded?,
        };
        return Ok(vec![format!(
            "{name}: a training of {} ways with {} seeds",
            plan.params.way.len(),
            plan.params.seeds.len()
        )]);
    }
    let has = |keys: &[&str]| keys.iter().any(|key| tree.contains_key(*key));
    if has(&["design", "workload", "question", "trials", "sweep"]) {
        let plan = Plan::load(path, &Overrides::default())?;
        let mut lines = vec![format!(
            "{name}: {} points x {} designs x {} trials",
            plan.points(),
            plan.designs(),
            plan.params.trials
        )];
        for (weight, text) in plan.notices.iter() {
            lines.push(format!("{name}: {}: {text}", weight.name()));
        }
        return Ok(lines);
    }
    if !has(&["cell", "include"]) {
        let mut mistakes = Mistakes::none();
        mistakes.add(
            "",
            "",
            "is neither an experiment (it has no [workload] and no [[design]]) nor a device (it has no [cell])",
            "begin with a copy of a file in experiments or device_params; a part that device files include is checked with them",
        );
        return Err(FileMistakes::of(&name.to_string(), mistakes));
    }
    let grades = match tree.get("grades") {
        Some(toml::Value::Table(grades)) => grades.keys().cloned().map(Some).collect(),
        _ => Vec::new(),
    };
    let mut all = FileMistakes::default();
    for grade in std::iter::once(None).chain(grades) {
        let choice = DeviceChoice {
            grade,
            ..DeviceChoice::default()
        };
        if let Err(mistakes) = load_device(path, &choice) {
            all.join(mistakes);
        }
    }
    if all.0.is_empty() {
        Ok(vec![format!("{name}: a device")])
    } else {
        Err(all)
    }
}

pub(super) fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut out = out();
    let mut all = FileMistakes::default();
    for path in files {
        match judge(path) {
            Ok(lines) => {
                for line in lines {
                    writeln!(out, "{line}")?;
                }
            }
            Err(mistakes) => all.join(mistakes),
        }
    }
    if all.0.is_empty() {
        Ok(())
    } else {
        Err(all.into())
    }
}
