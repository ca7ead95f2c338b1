//! `topkima list` and `topkima check`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use super::Failure;
use super::print::out;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::shell::config::{
    DeviceChoice, FileMistakes, Overrides, Plan, Store, TrainingPlan, find_above,
    is_only_not_fetched, is_training, list_toml, load_device, shipped,
};

/// What can be listed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum What {
    /// Device files in device_params, and the built-in ones
    Devices,
    /// Experiment files in experiments, and the built-in ones
    Experiments,
    /// Datapaths that a [[design]] can name
    Designs,
    /// Data sets in data, and the built-in one
    Datasets,
}

pub(super) fn list(what: What) -> Result<(), Failure> {
    let mut out = out();
    let mut all = FileMistakes::default();
    let mut lines: Vec<String> = Vec::new();
    match what {
        What::Devices => {
            for (name, place, tree) in texts("device_params", &["cell", "include"], &mut all) {
                let grades = match tree.get("grades") {
                    Some(toml::Value::Table(grades)) => format!(
                        " [grades: {}]",
                        grades.keys().cloned().collect::<Vec<_>>().join(", ")
                    ),
                    _ => String::new(),
                };
                let about = text(&tree, "description");
                lines.push(format!("{name:<16} {about}{grades} ({place})"));
            }
        }
        What::Experiments => {
            for (name, place, tree) in texts("experiments", &["question"], &mut all) {
                let question = text(&tree, "question");
                lines.push(format!("{name:<22} {question} ({place})"));
            }
        }
        What::Designs => lines.extend(
            [
                "conventional = {}                    full ramp, softmax over all columns",
                "digital-topk = { sort = ... }        full ramp, digital sort (per-tile or global), softmax over k",
                "topkima = {}                         the ramp stops at the k-th crossing of each tile, softmax over k",
                "float = {}                           of an encoder only: no hardware, the k largest float scores by tile",
            ]
            .map(str::to_owned),
        ),
        What::Datasets => lines.extend(datasets()),
    }
    for line in &lines {
        out.line(line)?;
    }
    if !all.0.is_empty() {
        return Err(all.into());
    }
    if lines.is_empty() {
        return Err(Failure::System(format!(
            "nothing was found to list as {what:?}"
        )));
    }
    Ok(())
}

/// Data sets in the nearest folder `data`, and those that are built in and not among them.
fn datasets() -> Vec<String> {
    let own = find_above(Path::new("."), "data");
    let entries = own.as_ref().and_then(|folder| fs::read_dir(folder).ok());
    let entries = entries.into_iter().flatten().flatten();
    let mut readmes: Vec<PathBuf> = entries
        .map(|entry| entry.path().join("README.md"))
        .filter(|path| path.is_file())
        .collect();
    readmes.sort();
    let set = |path: &Path| {
        path.parent()
            .and_then(Path::file_name)
            .map(ToOwned::to_owned)
    };
    let built_in = shipped::path("data/attention/README.md");
    if !readmes.iter().any(|path| set(path) == set(&built_in)) {
        readmes.push(built_in);
    }
    let line = |path: &PathBuf| {
        let bytes = match shipped::bytes(path) {
            Some(bytes) => bytes.to_vec(),
            None => fs::read(path).unwrap_or_default(),
        };
        let about = first_sentence(&String::from_utf8_lossy(&bytes));
        let name = set(path).unwrap_or_default();
        format!(
            "{:<14} {about} (see {})",
            name.to_string_lossy(),
            path.display()
        )
    };
    readmes.iter().map(line).collect()
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

/// The TOML files of the nearest folder of this name, and the built-in ones that it does not replace: name, place and
/// text. What holds none of these keys is another kind of file; the mistakes of files that cannot be read are kept.
fn texts(folder: &str, keys: &[&str], all: &mut FileMistakes) -> Vec<(String, String, Table)> {
    let mut found: BTreeMap<String, (String, Table)> = BTreeMap::new();
    for place in [
        find_above(Path::new("."), folder),
        Some(shipped::path(folder)),
    ]
    .into_iter()
    .flatten()
    {
        for name in list_toml(&place) {
            let path = place.join(format!("{name}.toml"));
            if found.contains_key(&name) {
                continue;
            }
            match Store::default().text(&path) {
                Ok(tree) if keys.iter().any(|key| tree.contains_key(*key)) => {
                    let here = std::env::current_dir().unwrap_or_default();
                    let shown = path.strip_prefix(here).unwrap_or(&path);
                    found.insert(name, (shown.display().to_string(), tree));
                }
                Ok(_) => {}
                Err(mistakes) => all.join(mistakes),
            }
        }
    }
    let whole = |(name, (place, tree))| (name, place, tree);
    found.into_iter().map(whole).collect()
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
    let (mut all, mut notices) = (FileMistakes::default(), Notices::none());
    for grade in std::iter::once(None).chain(grades) {
        let choice = DeviceChoice {
            grade,
            ..DeviceChoice::default()
        };
        match load_device(path, &choice) {
            Ok(device) => notices.join(&device.notices),
            Err(mistakes) => all.join(mistakes),
        }
    }
    if all.0.is_empty() {
        let told = notices.iter();
        let told = told.map(|(weight, text)| format!("{name}: {}: {text}", weight.name()));
        Ok(std::iter::once(format!("{name}: a device"))
            .chain(told)
            .collect())
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
                    out.line(&line)?;
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
