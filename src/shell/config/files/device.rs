//! A device file with what it includes, its grade and what the experiment sets otherwise.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::{Table, Value};

use super::{Store, about, list_toml, named, there};
use crate::base::mistake::{Mistake, Mistakes};
use crate::hardware::device::{Device, DeviceParams};
use crate::shell::config::{DeviceChoice, FileMistakes, tree};

/// Reads and checks one device file on its own, with a grade if one is named.
///
/// # Errors
/// Every mistake in it.
pub fn load_device(path: &Path, choice: &DeviceChoice) -> Result<Device, FileMistakes> {
    Store::default().device_at(&named(path), path, choice)
}

/// Checked devices that are kept at once; a sweep may go through any number of them.
const MOST_KEPT: usize = 256;

/// Keys of one place, and how that place is named in messages.
struct Layer {
    file: String,
    /// Before the key, `device.with.`.
    before: String,
    tree: Table,
}

/// A device as it is written, and whose every key is.
struct Written {
    reading: tree::Reading<DeviceParams>,
    layers: Vec<Layer>,
    found: FileMistakes,
}

/// The files on the way to the one that is read, and all that were read.
#[derive(Default)]
struct Reading {
    way: Vec<PathBuf>,
    layers: Vec<Layer>,
}

impl Store {
    /// A device file with what it includes, as one tree.
    fn device_tree(&mut self, path: &Path, reading: &mut Reading) -> Result<Table, FileMistakes> {
        const DEEPEST: usize = 8;
        const MOST: usize = 64;
        let own_path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let wrong = |value: String, problem: String, fix: &str| {
            let mut mistakes = Mistakes::none();
            mistakes.add("include", value, problem, fix);
            FileMistakes::of(&named(path), mistakes)
        };
        let mut own = self.text(path)?;
        let include = own.remove("include");
        let mut merged = Table::new();
        if let Some(include) = include {
            let list = include.as_array().and_then(|list| {
                list.iter()
                    .map(|name| name.as_str().map(str::to_owned))
                    .collect::<Option<Vec<String>>>()
            });
            let Some(list) = list else {
                return Err(wrong(
                    tree::show(&include),
                    "must be a list of files".to_owned(),
                    "write include = [\"shared/periphery-65nm.toml\"]",
                ));
            };
            reading.way.push(own_path);
            let mut mistakes = FileMistakes::default();
            for name in list {
                let shown = format!("\"{name}\"");
                let part = path.parent().unwrap_or(Path::new(".")).join(&name);
                let whole = std::fs::canonicalize(&part).unwrap_or_else(|_| part.clone());
                if reading.way.contains(&whole) {
                    mistakes.join(wrong(
                        shown,
                        "leads back to a file that includes this one".to_owned(),
                        "take one of the two includes out",
                    ));
                } else if reading.way.len() > DEEPEST || reading.layers.len() >= MOST {
                    return Err(wrong(
                        shown,
                        format!(
                            "is one file too many: at most {MOST} are included, {DEEPEST} deep"
                        ),
                        "put their keys into fewer files",
                    ));
                } else {
                    match there(&named(path), "include", Path::new(&name), &part)
                        .and_then(|()| self.device_tree(&part, reading))
                    {
                        Ok(inner) => tree::merge(&mut merged, &inner),
                        Err(found) => mistakes.join(found),
                    }
                }
            }
            reading.way.pop();
            if !mistakes.0.is_empty() {
                return Err(mistakes);
            }
        }
        tree::merge(&mut merged, &own);
        reading.layers.push(Layer {
            file: named(path),
            before: String::new(),
            tree: own,
        });
        Ok(merged)
    }

    /// A device file as it is written, with the grade and the keys that a choice sets.
    ///
    /// # Errors
    /// Every mistake in it, and a grade that it does not hold.
    pub fn device_params(
        &mut self,
        path: &Path,
        choice: &DeviceChoice,
    ) -> Result<DeviceParams, FileMistakes> {
        let mut written = self.written(&named(path), path, choice)?;
        match written.reading.value.take() {
            Some(params) if written.found.0.is_empty() => Ok(params),
            _ => Err(written.found),
        }
    }

    /// Reads and checks a device file for the experiment `file`.
    ///
    /// # Errors
    /// Every mistake in it, and a grade that it does not hold.
    fn device_at(
        &mut self,
        file: &str,
        path: &Path,
        choice: &DeviceChoice,
    ) -> Result<Device, FileMistakes> {
        let Written {
            mut reading,
            layers,
            mut found,
        } = self.written(file, path, choice)?;
        let params = reading.value.take();
        match params.map(|params| params.check(choice.age, &choice.selection())) {
            Some(Ok(mut device)) if found.0.is_empty() => {
                // What an experiment sets itself is stated for its own ramp.
                let column = &mut device.column;
                for (key, stated) in [
                    ("column.offset", &mut column.offset_for),
                    ("column.noise", &mut column.noise_for),
                ] {
                    let (there, steps) = tree::depth(&choice.with, key);
                    *stated = stated.filter(|_| there < steps);
                }
                return Ok(device);
            }
            Some(Err(wrong)) => {
                for mut mistake in reading.believed(wrong).0 {
                    // These two keys belong to the experiment, not to the device.
                    if ["age", "noise_scale"].contains(&mistake.key.as_str()) {
                        mistake.key = format!("device.{}", mistake.key);
                        found.join(FileMistakes::of(file, Mistakes(vec![mistake])));
                    } else {
                        found.join(blame(mistake, &layers, path));
                    }
                }
            }
            _ => {}
        }
        Err(found)
    }

    /// What a device file and the experiment `file` say of a device together.
    fn written(
        &mut self,
        file: &str,
        path: &Path,
        choice: &DeviceChoice,
    ) -> Result<Written, FileMistakes> {
        let mut read = Reading::default();
        let mut tree = self.device_tree(path, &mut read)?;
        let mut layers = read.layers;
        let grades = match tree.remove("grades") {
            Some(Value::Table(grades)) => grades,
            Some(_) => {
                return Err(about(
                    path,
                    "`grades` must be a table of tables",
                    "write [grades.good]",
                ));
            }
            None => Table::new(),
        };
        let mut found = FileMistakes::default();
        if let Some(grade) = &choice.grade {
            match grades.get(grade) {
                Some(Value::Table(over)) => {
                    tree::merge(&mut tree, over);
                    layers.push(Layer {
                        file: named(path),
                        before: format!("grades.{grade}."),
                        tree: over.clone(),
                    });
                }
                _ => found.join(FileMistakes::of(file, no_grade(path, grade, &grades))),
            }
        }
        tree::merge(&mut tree, &choice.with);
        layers.push(Layer {
            file: file.to_owned(),
            before: "device.with.".to_owned(),
            tree: choice.with.clone(),
        });
        let mut reading = tree::read::<DeviceParams>(&tree);
        let wrong = std::mem::take(&mut reading.mistakes);
        for mistake in wrong.0 {
            found.join(blame(mistake, &layers, path));
        }
        Ok(Written {
            reading,
            layers,
            found,
        })
    }

    /// The device an experiment chooses; `folder` holds the experiment, `devices` the shipped ones.
    /// Points of a sweep that choose alike share it.
    ///
    /// # Errors
    /// No or two devices named, a name that is not there, every mistake of its file.
    pub fn device(
        &mut self,
        file: &str,
        folder: &Path,
        devices: &Path,
        choice: &DeviceChoice,
    ) -> Result<Arc<Device>, FileMistakes> {
        let key = format!(
            "{file}|{}|{}|{choice:?}",
            folder.display(),
            devices.display()
        );
        if let Some(known) = self.devices.get(&key) {
            return known.clone();
        }
        let device = self
            .choose_device(file, folder, devices, choice)
            .map(Arc::new);
        if self.devices.len() >= MOST_KEPT {
            self.devices.clear();
        }
        self.devices.insert(key, device.clone());
        device
    }

    fn choose_device(
        &mut self,
        file: &str,
        folder: &Path,
        devices: &Path,
        choice: &DeviceChoice,
    ) -> Result<Device, FileMistakes> {
        let mut mistakes = Mistakes::none();
        match (&choice.name, &choice.path) {
            (Some(name), None) => {
                let known = list_toml(devices);
                if known.contains(name) {
                    return self.device_at(file, &devices.join(format!("{name}.toml")), choice);
                }
                let near = tree::words::nearest(name, known.iter().map(String::as_str));
                let near =
                    near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
                mistakes.add(
                    "device.name",
                    format!("\"{name}\""),
                    format!("there is no such device in {}", devices.display()),
                    format!(
                        "{near}there are: {}; a file of your own goes in `device.path`",
                        if known.is_empty() {
                            "none".to_owned()
                        } else {
                            known.join(", ")
                        }
                    ),
                );
            }
            (None, Some(path)) => {
                let whole = folder.join(path);
                there(file, "device.path", path, &whole)?;
                return self.device_at(file, &whole, choice);
            }
            (name, _) => mistakes.add(
                "device",
                if name.is_some() {
                    "{ name, path }"
                } else {
                    "{ }"
                },
                "needs either `name` (a shipped device) or `path` (a file of your own)",
                "write for instance name = \"sram-65nm\"",
            ),
        }
        Err(FileMistakes::of(file, mistakes))
    }
}

fn no_grade(path: &Path, grade: &str, grades: &Table) -> Mistakes {
    let known: Vec<&str> = grades.keys().map(String::as_str).collect();
    let fix = match (
        tree::words::nearest(grade, known.iter().copied()),
        &known[..],
    ) {
        (_, []) => "it has none: leave `device.grade` out".to_owned(),
        (Some(near), _) => format!("did you mean \"{near}\"? there are: {}", known.join(", ")),
        (None, _) => format!("there are: {}; or leave the key out", known.join(", ")),
    };
    let mut mistakes = Mistakes::none();
    mistakes.add(
        "device.grade",
        format!("\"{grade}\""),
        format!("{} has no such grade", named(path)),
        fix,
    );
    mistakes
}

/// The mistake under the place where its key was written: the last that reaches deepest, or the
/// device file itself where the key is nowhere.
fn blame(mut mistake: Mistake, layers: &[Layer], path: &Path) -> FileMistakes {
    let written = layers
        .iter()
        .rev()
        .find(|layer| {
            let (there, steps) = tree::depth(&layer.tree, &mistake.key);
            there == steps && steps > 0
        })
        .filter(|_| !mistake.key.is_empty());
    match written {
        Some(layer) => {
            mistake.key = format!("{}{}", layer.before, mistake.key);
            FileMistakes::of(&layer.file, Mistakes(vec![mistake]))
        }
        None => FileMistakes::of(&named(path), Mistakes(vec![mistake])),
    }
}
