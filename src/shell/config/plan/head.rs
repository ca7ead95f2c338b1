//! What belongs to an experiment as a whole: its sweep, its designs, its reference, its paths.

use std::path::Path;

use toml::Value;

use super::super::files::{canonical, within};
use super::super::{ExperimentParams, MAX_POINTS, MAX_TRIALS, tree};
use super::Swept;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::study::workload::CalibrationSource;

/// Keys of the experiment as a whole, which neither a sweep nor a design can set.
const WHOLE: [&str; 8] = [
    "mode",
    "seed",
    "trials",
    "question",
    "reference",
    "design",
    "sweep",
    "device_folder",
];

/// The first part of a path, if it is a key of the experiment as a whole.
pub(super) fn whole(path: &str) -> Option<&str> {
    let top = path.split(['.', '[']).next().unwrap_or_default();
    WHOLE.contains(&top).then_some(top)
}

/// The swept keys and their values.
pub(super) fn sweep(
    params: &ExperimentParams,
    mistakes: &mut Mistakes,
) -> (Vec<Swept>, Vec<Vec<Value>>) {
    let mut swept: Vec<Swept> = Vec::new();
    let mut values = Vec::new();
    let mut points = 1_u64;
    for (path, value) in &params.sweep {
        let at = format!("sweep.\"{path}\"");
        if let Some(top) = whole(path) {
            mistakes.add(
                &at,
                "",
                format!("`{top}` cannot be swept"),
                "sweep a key of the workload, the device or a room of the hardware",
            );
            continue;
        }
        if path.split('.').any(str::is_empty) {
            mistakes.add(
                &at,
                "",
                "is not a path",
                "a path is keys joined by points, such as \"topk.k\"",
            );
            continue;
        }
        match value {
            Value::Array(list) if !list.is_empty() => {
                points = points.saturating_mul(list.len() as u64);
                let own = tree::normal(path);
                let key = Swept::of(&own, list);
                let other = swept.iter().find(|other| {
                    let other = tree::normal(&other.path);
                    tree::is_within(&own, &other) || tree::is_within(&other, &own)
                });
                if let Some(other) = other {
                    mistakes.add(
                        &at,
                        "",
                        format!("writes where sweep.\"{}\" writes, so that one value would replace the other", other.path),
                        "sweep one of the two, with whole values",
                    );
                    continue;
                }
                if let Some((first, second)) = key.repeated(list) {
                    mistakes.add(
                        &format!("{at}[{second}]"),
                        tree::show(&list[second]),
                        format!("stands in the list already, at [{first}]: its rows would be there twice"),
                        "take one of them out",
                    );
                }
                swept.push(key);
                values.push(list.clone());
            }
            Value::Array(_) => mistakes.add(
                &at,
                "[]",
                "an empty list sweeps nothing",
                "give it values, or take the key out",
            ),
            Value::Table(inner) => {
                let key = inner.keys().next().map_or("...", String::as_str);
                mistakes.add(
                    &at,
                    tree::show(value),
                    "a swept key holds a list of values",
                    format!("write the whole path in quotes: \"{path}.{key}\" = [...]"),
                );
            }
            other => mistakes.add(
                &at,
                tree::show(other),
                "a swept key holds a list of values",
                format!("write [{}]", tree::show(other)),
            ),
        }
    }
    mistakes.require(
        points <= MAX_POINTS,
        "sweep",
        format!("{points} points"),
        format!("at most {MAX_POINTS} points are run"),
        "sweep fewer values, or split the experiment",
    );
    (swept, values)
}

/// Swept keys that a design sets itself: the sweep does not reach it.
pub(super) fn unreached(params: &ExperimentParams, swept: &[Swept]) -> Notices {
    let mut notices = Notices::none();
    for design in &params.design {
        for key in swept {
            let own = tree::normal(&key.path);
            let sets = |path: &&String| tree::is_within(&own, &tree::normal(path));
            if let Some(path) = design.set.keys().find(sets) {
                notices.note(format!(
                    "design \"{}\" sets `{path}` itself, so its rows are the same for every value of sweep.\"{}\"",
                    design.name, key.path
                ));
                continue;
            }
            let part = |path: &&String| tree::is_within(&tree::normal(path), &own);
            if let Some(path) = design.set.keys().find(part) {
                notices.note(format!(
                    "design \"{}\" sets `{path}` itself, so that part of sweep.\"{}\" does not reach its rows",
                    design.name, key.path
                ));
            }
        }
    }
    notices
}

/// Checks what belongs to the experiment as a whole; the index of the reference design.
pub(super) fn check_head(params: &ExperimentParams, mistakes: &mut Mistakes) -> Option<usize> {
    mistakes.require(
        (1..=MAX_TRIALS).contains(&params.trials),
        "trials",
        params.trials,
        format!("must be from 1 to {MAX_TRIALS}"),
        "write for instance 32",
    );
    mistakes.require(
        !params.design.is_empty(),
        "design",
        "[]",
        "an experiment compares at least one design",
        "write [[design]] with a name and a datapath",
    );
    for (at, design) in params.design.iter().enumerate() {
        let before = params.design[..at]
            .iter()
            .position(|other| other.name == design.name);
        if let Some(before) = before {
            mistakes.add(
                &format!("design[{at}].name"),
                format!("\"{}\"", design.name),
                format!("design[{before}] has that name already"),
                "give each design a name of its own",
            );
        }
        mistakes.require(
            !design.name.trim().is_empty() && !design.name.contains(char::is_control),
            &format!("design[{at}].name"),
            format!("{:?}", design.name),
            "must be a word that can stand in a table",
            "write for instance \"topkima\"",
        );
        for path in design.set.keys() {
            if let Some(top) = whole(path) {
                mistakes.add(
                    &format!("design[{at}].set.\"{path}\""),
                    "",
                    format!("`{top}` belongs to the whole experiment; a design cannot set it"),
                    "set it at the top of the file, or take it out",
                );
            }
        }
    }
    let reference = params.reference.as_ref()?;
    let found = params
        .design
        .iter()
        .position(|design| design.name == *reference);
    if found.is_none() {
        let names: Vec<&str> = params
            .design
            .iter()
            .map(|design| design.name.as_str())
            .collect();
        let listed = format!("the designs are {}", names.join(", "));
        mistakes.add(
            "reference",
            format!("\"{reference}\""),
            "is not the name of a design in this file",
            match tree::words::nearest(reference, names) {
                Some(near) => format!("did you mean \"{near}\"? {listed}"),
                None => listed,
            },
        );
    }
    found
}

/// Makes the paths of a resolved experiment independent of where it lies.
pub(super) fn make_absolute(params: &mut ExperimentParams, folder: &Path, devices: &Path) {
    let absolute = |path: &Path| canonical(&within(folder, path));
    params.device_folder = Some(canonical(devices));
    if let Some(path) = &mut params.device.path {
        *path = absolute(path);
    }
    if let Some(model) = &mut params.model {
        model.path = absolute(&model.path);
    }
    if let Some(task) = &mut params.task {
        let sts = task.sts.iter_mut();
        let texts = task.classify.iter_mut();
        let mails = task.mails.iter_mut();
        let images = task.images.iter_mut();
        for path in sts
            .flat_map(|one| [&mut one.path, &mut one.calibration])
            .chain(texts.flat_map(|one| [&mut one.path, &mut one.calibration]))
            .chain(mails.map(|one| &mut one.path))
            .chain(images.flat_map(|one| [&mut one.path, &mut one.labels, &mut one.calibration]))
        {
            *path = absolute(path);
        }
    }
    if let Some(file) = &mut params.workload.file {
        file.path = absolute(&file.path);
        if let CalibrationSource::Path(path) = &mut file.calibration {
            *path = absolute(path);
        }
    }
}
