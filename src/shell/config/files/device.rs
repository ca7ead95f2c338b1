//! A device: its file with its grade and what the experiment sets otherwise.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::{Table, Value};

use super::idle::idle;
use super::include::{Layer, Reading};
use super::{DEVICES, Store, about, device_folder, list_toml, named, there, within};
use crate::base::mistake::{Mistake, Mistakes};
use crate::base::notice::Notices;
use crate::hardware::device::{Device, DeviceParams};
use crate::shell::config::{DeviceChoice, FileMistakes, MAX_TEXT_BYTES, shipped, tree};

/// Reads and checks one device file on its own, with a grade if one is named.
///
/// # Errors
/// Every mistake in it.
pub fn load_device(path: &Path, choice: &DeviceChoice) -> Result<Device, FileMistakes> {
    let devices = device_folder(path.parent().unwrap_or(Path::new(".")));
    Store::default().device_at(&named(path), (path, &devices), choice)
}

/// Checked devices that are kept at once; a sweep may go through any number of them.
const MOST_KEPT: usize = 256;

/// A device as it is written, and whose every key is.
struct Written {
    /// The file with its grade, before what the experiment sets.
    bare: Table,
    reading: tree::Reading<DeviceParams>,
    layers: Vec<Layer>,
    /// As of [`Reading`].
    replacing: Vec<PathBuf>,
    found: FileMistakes,
}

impl Store {
    /// A device file as it is written, with the grade and the keys that a choice sets.
    ///
    /// # Errors
    /// Every mistake in it, and a grade that it does not hold.
    pub fn device_params(
        &mut self,
        path: &Path,
        choice: &DeviceChoice,
    ) -> Result<DeviceParams, FileMistakes> {
        let devices = device_folder(path.parent().unwrap_or(Path::new(".")));
        let mut written = self.written(&named(path), (path, &devices), choice)?;
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
        (path, devices): (&Path, &Path),
        choice: &DeviceChoice,
    ) -> Result<Device, FileMistakes> {
        let Written {
            bare,
            mut reading,
            layers,
            replacing,
            mut found,
        } = self.written(file, (path, devices), choice)?;
        let params = reading.value.take();
        let idle = match &params {
            Some(params) if found.0.is_empty() => idle(&bare, params, choice),
            _ => Vec::new(),
        };
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
                for layer in &layers {
                    layer.tell_sources(&mut device.notices);
                }
                for own in &replacing {
                    device.notices.note(format!(
                        "{}: {} is included in the place of the built-in one, which differs",
                        named(path),
                        named(own)
                    ));
                }
                tell_name(&device.name, path, &mut device.notices);
                for key in idle {
                    // Of some it is said why.
                    if !device
                        .notices
                        .iter()
                        .any(|(_, said)| said.starts_with(&key))
                    {
                        device.notices.note(format!(
                            "device.with.{key}: nothing that is left of {} depends on it, so the key does nothing",
                            device.name
                        ));
                    }
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
        (path, devices): (&Path, &Path),
        choice: &DeviceChoice,
    ) -> Result<Written, FileMistakes> {
        let mut read = Reading::default();
        let mut tree = self.device_tree((path, devices), &mut read)?;
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
        let bare = tree.clone();
        tree::merge(&mut tree, &choice.with);
        layers.push(Layer {
            file: file.to_owned(),
            before: "device.with.".to_owned(),
            tree: choice.with.clone(),
        });
        let mut reading = tree::read::<DeviceParams>(&tree);
        let wrong = std::mem::take(&mut reading.mistakes);
        // What is missing of a built-in device is missing of the file that stands in for a part of it.
        let whole = read.replacing.last().map_or(path, PathBuf::as_path);
        for mistake in wrong.0 {
            found.join(blame(mistake, &layers, whole));
        }
        Ok(Written {
            bare,
            reading,
            layers,
            replacing: read.replacing,
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
                let built_in = shipped::path(DEVICES);
                let places = [devices, built_in.as_path()];
                if let Some(place) = places.iter().find(|place| list_toml(place).contains(name)) {
                    let path = place.join(format!("{name}.toml"));
                    let shipped = shipped::bytes(&built_in.join(format!("{name}.toml")));
                    let mut device = self.device_at(file, (&path, devices), choice)?;
                    let own = self.bytes(&path, MAX_TEXT_BYTES)?;
                    if shipped.is_some_and(|shipped| shipped != own) {
                        device.notices.note(format!(
                            "device.name = \"{name}\": {} is taken, and not the one in the program, which differs",
                            named(&path)
                        ));
                    }
                    return Ok(device);
                }
                let known: BTreeSet<String> = places.map(list_toml).into_iter().flatten().collect();
                let near = tree::words::nearest(name, known.iter().map(String::as_str));
                let near =
                    near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
                let place = match shipped::name(devices) {
                    Some(_) => "in the program".to_owned(),
                    None => format!("in {} or in the program", devices.display()),
                };
                let beside = format!("{}.toml", name.strip_suffix(".toml").unwrap_or(name));
                let own = match folder.join(&beside).is_file() {
                    true => format!("the file beside the experiment is path = \"{beside}\""),
                    false => "a file of your own goes in `device.path`".to_owned(),
                };
                let known: Vec<String> = known.into_iter().collect();
                mistakes.add(
                    "device.name",
                    format!("\"{name}\""),
                    format!("there is no such device {place}"),
                    format!("{near}there are: {}; {own}", known.join(", ")),
                );
            }
            (None, Some(path)) => {
                let whole = within(folder, path);
                there(file, "device.path", path, &whole)?;
                return self.device_at(file, (&whole, devices), choice);
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

/// Says where a device goes by another name than its file.
fn tell_name(name: &str, path: &Path, notices: &mut Notices) {
    let file = path.file_stem().unwrap_or_default().to_string_lossy();
    if file != name {
        notices.note(format!(
            "{}: the device calls itself \"{name}\", and that is what tables and messages say",
            named(path)
        ));
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

/// The mistake under the place where its key was written last; where it is nowhere, under the first place that holds
/// most of the way to it, or the device file itself.
fn blame(mut mistake: Mistake, layers: &[Layer], path: &Path) -> FileMistakes {
    let reach = |layer: &Layer| tree::depth(&layer.tree, &mistake.key);
    let is_there = |layer: &&Layer| matches!(reach(layer), (there, steps) if there == steps);
    let written = match layers.iter().rev().find(is_there) {
        _ if mistake.key.is_empty() => None,
        Some(layer) => Some(layer),
        // Of equals `max_by_key` takes the last. What no part of the way is written of belongs to the device file.
        None => layers
            .iter()
            .rev()
            .max_by_key(|layer| reach(layer).0)
            .filter(|layer| reach(layer).0 > 1),
    };
    match written {
        Some(layer) => {
            mistake.key = format!("{}{}", layer.before, mistake.key);
            FileMistakes::of(&layer.file, Mistakes(vec![mistake]))
        }
        None => FileMistakes::of(&named(path), Mistakes(vec![mistake])),
    }
}
