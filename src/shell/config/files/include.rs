//! A device file with what it includes, as one tree.

use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use super::{DEVICES, Store, canonical, look, named, within};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::base::sourced::{KINDS, kind};
use crate::shell::config::{FileMistakes, MAX_TEXT_BYTES, shipped, tree};

/// Keys of one place, and how that place is named in messages.
pub(super) struct Layer {
    pub(super) file: String,
    /// Before the key, `device.with.`.
    pub(super) before: String,
    pub(super) tree: Table,
}

impl Layer {
    /// Says which sources of this place begin with no kind.
    pub(super) fn tell_sources(&self, notices: &mut Notices) {
        const MOST: usize = 3;
        let mut found = Vec::new();
        unkind(&self.tree, &self.before, &mut found);
        let more = match found.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        found.truncate(MOST);
        if !found.is_empty() {
            notices.warn(format!(
                "{}: {}{more}: a source begins with {}, which tells how far a number can be trusted",
                self.file,
                found.join(", "),
                KINDS.join(", ")
            ));
        }
    }
}

/// The keys `source` below a table that begin with no kind, with what they say.
fn unkind(table: &Table, before: &str, found: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            Value::String(source) if key == "source" && kind(source).is_none() => {
                let short: String = source.chars().take(40).collect();
                found.push(format!("{before}{key} = {short:?}"));
            }
            Value::Table(inner) => unkind(inner, &format!("{before}{key}."), found),
            _ => {}
        }
    }
}

/// The files on the way to the one that is read, and all that were read.
#[derive(Default)]
pub(super) struct Reading {
    way: Vec<PathBuf>,
    pub(super) layers: Vec<Layer>,
    /// Files of one's own that a built-in one includes in the place of what is built in, where they differ.
    pub(super) replacing: Vec<PathBuf>,
}

impl Store {
    /// A device file with what it includes, as one tree; `devices` is where its includes lie that do not lie beside it.
    pub(super) fn device_tree(
        &mut self,
        (path, devices): (&Path, &Path),
        reading: &mut Reading,
    ) -> Result<Table, FileMistakes> {
        const DEEPEST: usize = 8;
        const MOST: usize = 64;
        let own_path = canonical(path);
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
                let part = match included(path, devices, &name) {
                    Ok(part) => part,
                    Err((problem, fix)) => {
                        mistakes.join(wrong(shown, problem, &fix));
                        continue;
                    }
                };
                let whole = canonical(&part);
                let own = shipped::name(path).is_some() && shipped::name(&part).is_none();
                if own && self.bytes(&part, MAX_TEXT_BYTES).ok().as_deref() != built_in(&name) {
                    reading.replacing.push(part.clone());
                }
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
                    match self.device_tree((&part, devices), reading) {
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
}

/// What is built in by the name of an include.
fn built_in(name: &str) -> Option<&'static [u8]> {
    shipped::bytes(&within(&shipped::path(DEVICES), Path::new(name)))
}

/// The file that an include means: beside the one that names it, else by its name in the folder of devices, else the
/// built-in one. What is built in is included by name alone, so that a file of one's own replaces it there too.
fn included(path: &Path, devices: &Path, name: &str) -> Result<PathBuf, (String, String)> {
    let beside = within(path.parent().unwrap_or(Path::new(".")), Path::new(name));
    let built_in = shipped::path(DEVICES);
    let is_name = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let mut places = Vec::new();
    if is_name {
        places.extend([devices.join(name), built_in.join(name)]);
    }
    let first = if shipped::name(path).is_some() {
        places.len()
    } else {
        0
    };
    places.insert(first, beside.clone());
    if let Some(found) = places.into_iter().find(|place| look(place).is_ok()) {
        return Ok(found);
    }
    let shared: Vec<String> = shipped::list(&built_in.join("shared"), ".toml")
        .into_iter()
        .map(|name| format!("shared/{name}.toml"))
        .collect();
    let near = tree::words::nearest(name, shared.iter().map(String::as_str));
    let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
    let (problem, _) = look(&beside).err().unwrap_or_default();
    Err((
        problem,
        format!(
            "{near}a path is relative to the file that names it; of the shipped files any can include {}",
            shared.join(" and ")
        ),
    ))
}
