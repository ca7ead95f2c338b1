//! A folder belongs to one run: what lies there, and what another run may do with it.
//!
//! The same run replaces what it wrote before. Another finished run is replaced only in a folder that
//! `--out` names, or with `--force`; an unfinished one only with `--force`. Files that no run of this
//! program wrote are never touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Failure;
use crate::base::notice::Notices;
use crate::shell::config::Input;
use crate::shell::journal::{
    Found, Head, Lies, Title, foreign, is_part, no_file, no_folder, same_file, shortened,
    write_whole,
};

/// Files of a run in the order they are written, but for further figures.
pub(super) const FILES: [&str; 5] = [
    "rows.csv",
    "resolved.toml",
    "breakdown.csv",
    "figure.svg",
    ABOUT,
];
const ABOUT: &str = "run.json";

fn is_own_name(name: &str) -> bool {
    FILES.contains(&name)
        || name.starts_with("figure-") && name.ends_with(".svg") && !name.contains('/')
}

/// Whether a file in the folder of a run may be written, replaced or removed by that run or the next.
pub(super) fn is_kept(name: &str) -> bool {
    is_own_name(name) || name == "journal.jsonl" || is_part(name)
}

/// Where a run is to write, and how it was asked to.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// Whether nobody named it.
    pub is_default: bool,
    /// Whether to go on with what is unfinished.
    pub resume: bool,
    /// Whether to replace another run, or start again.
    pub force: bool,
}

/// What a run is to do.
#[derive(Debug)]
pub(super) enum Start {
    /// Nothing: it is finished.
    Done,
    /// All of it; what was found of another journal is thrown away.
    Begin(Option<Found>),
    /// What is left.
    GoOn(Found),
}

/// A run that has ended in a folder.
struct Finished {
    /// What was run, if that can be told.
    title: Option<Title>,
    /// What it wrote.
    files: Vec<String>,
}

/// What stands where files are to be written in a folder, seen before the first number is drawn.
pub(super) fn unfit(folder: &Path, names: &[String], inputs: &[Input]) -> Vec<String> {
    let at = format!("command line: --out = {}", folder.display());
    if let Some((above, is)) = no_folder(folder) {
        let above = above.display();
        return vec![format!(
            "{at}: {above} {is}; name another folder with --out"
        )];
    }
    let mut wrong = Vec::new();
    for path in names.iter().map(|name| folder.join(name)) {
        let shown = path.display();
        if let Some(kind) = no_file(&path) {
            wrong.push(format!(
                "{at}: {shown} is {kind} where a file is to be written; move it away, or name another folder"
            ));
        } else if inputs.iter().any(|input| same_file(&input.path, &path)) {
            wrong.push(format!(
                "{at}: {shown} is an input of this run; name another folder"
            ));
        }
    }
    wrong
}

/// Every name that a run may write in a folder: its own, and figures that are there already.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = FILES.map(str::to_owned).into();
    names.push("journal.jsonl".to_owned());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if let Ok(name) = entry.file_name().into_string()
            && is_own_name(&name)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn finished(folder: &Path) -> Option<Finished> {
    const MOST: u64 = 1 << 28;
    let read = |name: &str| {
        let path = folder.join(name);
        let is_small = fs::metadata(&path).is_ok_and(|found| found.len() <= MOST);
        (no_file(&path).is_none() && is_small).then(|| fs::read_to_string(&path).ok())?
    };
    let about: Value = serde_json::from_str(&read(ABOUT)?).ok()?;
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    // Other programs have a file of this name, too.
    ["command", "seed", "wall_seconds"]
        .iter()
        .all(|key| about.get(key).is_some())
        .then_some(())?;
    let version = text(&about, "version")?;
    let inputs = about.get("inputs")?.as_array()?;
    let experiment = text(&about, "experiment");
    let inputs: Option<BTreeMap<String, String>> = inputs
        .iter()
        .map(|input| Some((text(input, "path")?, text(input, "sha256")?)))
        .filter(|input| {
            input
                .as_ref()
                .is_none_or(|(path, _)| Some(path) != experiment.as_ref())
        })
        .collect();
    let mut files: Vec<String> = match about.get("files").and_then(Value::as_array) {
        Some(list) => {
            let named = list.iter().filter_map(Value::as_str);
            named
                .filter(|name| is_own_name(name))
                .map(str::to_owned)
                .collect()
        }
        None => FILES.map(str::to_owned).into(),
    };
    files.push(ABOUT.to_owned());
    let title = match (experiment, inputs, read("resolved.toml")) {
        (Some(_), Some(inputs), Some(resolved)) => Some(Title {
            version,
            breakdown: files.iter().any(|name| name == "breakdown.csv"),
            inputs,
            resolved,
        }),
        _ => None,
    };
    Some(Finished { title, files })
}

/// Files in a folder that a run which ended there wrote.
fn own_files(folder: &Path) -> Vec<String> {
    finished(folder).map_or_else(Vec::new, |finished| finished.files)
}

impl Place {
    /// What to do, and what to say of it. `names` are the files that will be written.
    pub fn start(
        &self,
        head: &Head,
        names: &[String],
        said: &mut Notices,
    ) -> Result<Start, Failure> {
        let shown = self.folder.display();
        let refused = |text: String| Err(Failure::Asked(vec![format!("{shown} {text}")]));
        let found = Found::in_folder(&self.folder)?;
        let lies = found
            .as_ref()
            .map_or(Lies::Nothing, |found| found.lies(head));
        let done = |head: &Head| {
            let done = found
                .as_ref()
                .map_or(0, |found| found.finished(&head.title));
            format!("{done} of {} groups are done", head.groups)
        };
        let thrown = |of: &str, done: &str| {
            format!("{shown} held {of}, unfinished ({done}), which is thrown away")
        };
        match &lies {
            Lies::Own if self.resume => {}
            Lies::Own if self.force => said.note(thrown("this run", &done(head))),
            Lies::Own => {
                return refused(format!(
                    "holds this run, unfinished ({}): go on with --resume, or say --force to start again",
                    done(head)
                ));
            }
            Lies::Other(Some(other)) if self.force => {
                said.note(thrown("another run", &done(other)))
            }
            Lies::Other(Some(other)) => {
                let without = if self.resume { " without --resume" } else { "" };
                return refused(format!(
                    "holds another run, unfinished ({}; it differs in {}): go on with that one by what it was given, name another folder with --out, or say --force{without} to throw it away",
                    done(other),
                    shortened(&other.title.differences(&head.title)),
                ));
            }
            Lies::Other(None) => {
                return refused(
                    "holds a journal.jsonl that cannot be read, or that this program did not write: move it away, or name another folder with --out".to_owned(),
                );
            }
            Lies::Nothing => {}
        }
        let old = finished(&self.folder);
        if lies == Lies::Nothing
            && let Some(old) = &old
        {
            let changes = old.title.as_ref().map(|title| title.changes(&head.title));
            let has_all = |title: &Title| {
                let mut files = old.files.iter();
                (title.breakdown || !head.title.breakdown)
                    && files.all(|name| self.folder.join(name).is_file())
            };
            match (changes, &old.title) {
                (Some(none), Some(title)) if none.is_empty() => {
                    if self.resume && has_all(title) {
                        return Ok(Start::Done);
                    }
                }
                (changes, _) => {
                    let differs = changes.map_or_else(
                        || "what it was cannot be told".to_owned(),
                        |changes| format!("it differs in {}", shortened(&changes)),
                    );
                    let replace = match (self.is_default, self.resume) {
                        (true, false) => "say --force to replace it",
                        (true, true) => "say --force without --resume to replace it",
                        (false, _) => "leave --resume out to replace it",
                    };
                    if self.resume || self.is_default && !self.force {
                        return refused(format!(
                            "holds another run ({differs}): name another folder with --out, or {replace}"
                        ));
                    }
                    said.note(format!(
                        "{shown} held another run ({differs}), which this one replaces"
                    ));
                }
            }
        }
        let known = old.map_or_else(Vec::new, |old| old.files);
        if lies == Lies::Nothing {
            self.foreign(names, &known)?;
            if self.resume {
                said.note(format!("{shown} holds nothing of this run yet: it begins"));
            }
        }
        Ok(match (lies, found) {
            (Lies::Own, Some(found)) if self.resume => Start::GoOn(found),
            (_, found) => Start::Begin(found),
        })
    }

    /// Files that would be written over though no run of this program wrote them.
    fn foreign(&self, names: &[String], known: &[String]) -> Result<(), Failure> {
        let new = names.iter().filter(|name| !known.contains(name));
        let foreign = foreign(&self.folder, new, |name| match name == ABOUT {
            true => "was not written by this program",
            false => "no run.json beside it says that a run wrote it",
        });
        if foreign.is_empty() {
            Ok(())
        } else {
            Err(Failure::Asked(foreign))
        }
    }

    /// Writes the files of a finished run, the one that says what it is last; what an older run left
    /// there is removed first. `expected` are the names that were looked at before the run.
    pub fn write(
        &self,
        files: &[(String, Vec<u8>)],
        expected: &[String],
        about: &[u8],
    ) -> Result<(), Failure> {
        let old = own_files(&self.folder);
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        self.foreign(&names, &[&old[..], expected].concat())?;
        let stale = old
            .iter()
            .filter(|name| !names.contains(name) && *name != ABOUT);
        for name in stale.map(String::as_str).chain([ABOUT]) {
            let path = self.folder.join(name);
            if no_file(&path).is_none() {
                let _ = fs::remove_file(path);
            }
        }
        for (name, bytes) in files {
            write_whole(&self.folder.join(name), bytes)?;
        }
        Ok(write_whole(&self.folder.join(ABOUT), about)?)
    }
}
