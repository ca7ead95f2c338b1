//! Opening what an experiment names: device files and arrays, each read once.

mod device;
mod encoder;
mod fits;
mod idle;
mod include;
mod labelled;
mod probe;
mod study;
mod weights;
mod workload;

pub use device::load_device;
pub use study::Study;
pub use workload::Given;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::Table;

use super::{FileMistakes, MAX_ARRAY_BYTES, MAX_TEXT_BYTES, shipped, tree};
use crate::base::arrays;
use crate::base::hex::hex;
use crate::base::mistake::{Mistake, Mistakes};
use crate::hardware::attention::Calibration;
use crate::hardware::device::Device;
use crate::study::train::Images;
use crate::study::workload::Arrays;

/// A file that was read, and the hash of what it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// The calibration of each head, with its head's number.
pub type Fitted = Arc<Vec<(u64, Calibration)>>;
/// Positive and live scores of each calibration query, head by head.
type Counted = Arc<Vec<Vec<[usize; 2]>>>;

/// What was read so far.
#[derive(Debug, Default)]
pub struct Store {
    inputs: BTreeMap<PathBuf, String>,
    texts: BTreeMap<PathBuf, Table>,
    arrays: BTreeMap<PathBuf, Arc<Arrays>>,
    workloads: BTreeMap<String, Result<Given, FileMistakes>>,
    /// Calibrations of each workload, known by where it lies, by what they depend on.
    calibrations: BTreeMap<(usize, String), Fitted>,
    /// Positive and live scores of calibration rows, by workload.
    positives: BTreeMap<usize, Counted>,
    devices: BTreeMap<String, Result<Arc<Device>, FileMistakes>>,
    studies: BTreeMap<String, Result<Arc<Study>, FileMistakes>>,
}

/// A path as a person would name it.
fn named(path: &Path) -> String {
    // Parts that lead nowhere, `.` and doubled `/`, are left out.
    let short: PathBuf = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    if short.as_os_str().is_empty() {
        path.display().to_string()
    } else {
        short.display().to_string()
    }
}

/// One mistake about a file as a whole.
fn about(file: &Path, problem: impl Into<String>, fix: impl Into<String>) -> FileMistakes {
    FileMistakes::of(
        &named(file),
        Mistakes(vec![Mistake {
            key: String::new(),
            value: String::new(),
            problem: problem.into(),
            fix: fix.into(),
        }]),
    )
}

/// A mistake of the key that names a file, if there is nothing at its path.
fn there(file: &str, key: &str, path: &Path, whole: &Path) -> Result<(), FileMistakes> {
    let Err((problem, fix)) = look(whole) else {
        return Ok(());
    };
    let mut mistakes = Mistakes::none();
    mistakes.add(key, format!("\"{}\"", path.display()), problem, fix);
    Err(FileMistakes::of(file, mistakes))
}

/// What is there; or the problem and what to do about it.
fn look(path: &Path) -> Result<Option<fs::Metadata>, (String, String)> {
    if shipped::name(path).is_some() {
        return match shipped::bytes(path) {
            Some(_) => Ok(None),
            None => Err((
                "is not built into the program".to_owned(),
                "take the file itself from the repository, or run this in a copy of it".to_owned(),
            )),
        };
    }
    fs::metadata(path).map(Some).map_err(|error| {
        let mut fix = "check the path; it is relative to the file that names it".to_owned();
        if let Some(shipped) = shipped::called(path).filter(|_| error.kind() == ErrorKind::NotFound)
        {
            fix = format!("{fix}; the shipped one is `{}`", shipped.display());
        }
        (format!("cannot be opened ({error})"), fix)
    })
}

/// A path from a folder; a built-in one is whole.
pub(super) fn within(folder: &Path, path: &Path) -> PathBuf {
    match shipped::name(path) {
        Some(_) => path.to_owned(),
        None => folder.join(path),
    }
}

/// A path without steps back and links, as far as there is something at it.
pub(super) fn canonical(path: &Path) -> PathBuf {
    match shipped::name(path) {
        Some(name) => shipped::path(&name),
        None => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// The folder of this name in `start` or in the nearest folder above it; above the current folder, where `start` is
/// built in.
#[must_use]
pub fn find_above(start: &Path, name: &str) -> Option<PathBuf> {
    let start = match shipped::name(start) {
        Some(_) => Path::new("."),
        None => start,
    };
    let start = canonical(start);
    let mut folders = start.ancestors().map(|folder| folder.join(name));
    folders.find(|folder| folder.is_dir())
}

/// Where the devices of a file in `start` are looked for before the built-in ones: the nearest `device_params`.
#[must_use]
pub fn device_folder(start: &Path) -> PathBuf {
    find_above(start, DEVICES).unwrap_or_else(|| shipped::path(DEVICES))
}

/// What the folder of device files is called.
const DEVICES: &str = "device_params";

impl Store {
    /// Every file read so far, in order of their paths.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        let input = |(path, sha256): (&PathBuf, &String)| Input {
            path: path.clone(),
            sha256: sha256.clone(),
        };
        self.inputs.iter().map(input).collect()
    }

    fn bytes(&mut self, path: &Path, most: u64) -> Result<Vec<u8>, FileMistakes> {
        let Some(metadata) = look(path).map_err(|(problem, fix)| about(path, problem, fix))? else {
            let bytes = shipped::bytes(path).unwrap_or_default().to_vec();
            self.note(path, &bytes);
            return Ok(bytes);
        };
        if !metadata.is_file() {
            return Err(about(
                path,
                "is a folder or a device, not a file",
                "name a file",
            ));
        }
        if metadata.len() > most {
            return Err(about(
                path,
                format!("holds {} bytes; at most {most} are read", metadata.len()),
                "check that it is the file that is meant, or make it smaller",
            ));
        }
        let bytes = fs::read(path).map_err(|error| {
            about(
                path,
                format!("cannot be read ({error})"),
                "check its permissions",
            )
        })?;
        if bytes.starts_with(b"version https://git-lfs") {
            return Err(about(
                path,
                "is a pointer of git-lfs, not the file itself",
                "run `git lfs pull` where it was cloned, or fetch the file",
            ));
        }
        self.note(path, &bytes);
        Ok(bytes)
    }

    /// Keeps the hash of a file that was read.
    fn note(&mut self, path: &Path, bytes: &[u8]) {
        self.inputs
            .insert(canonical(path), hex(&Sha256::digest(bytes)));
    }

    /// A TOML file as a tree.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, is no UTF-8 or no TOML.
    pub fn text(&mut self, path: &Path) -> Result<Table, FileMistakes> {
        if let Some(known) = self.texts.get(path) {
            return Ok(known.clone());
        }
        let bytes = self.bytes(path, MAX_TEXT_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            about(
                path,
                "is not text: a TOML file is UTF-8",
                "check that it is the file that is meant, or save it as UTF-8",
            )
        })?;
        let table: Table = toml::from_str(&text).map_err(|error| {
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or("");
            let line = before.matches('\n').count();
            let held = tree::short(text.lines().nth(line).unwrap_or("").trim());
            let message = error.message().replace('\n', " ");
            about(
                path,
                format!("line {}: `{held}` is not TOML: {message}", line + 1),
                "mend that line; text stands in quotes, and a key once in its table",
            )
        })?;
        self.texts.insert(path.to_owned(), table.clone());
        Ok(table)
    }

    /// A whole file, and its hash.
    ///
    /// # Errors
    /// A file that cannot be read or is too large.
    pub fn whole(&mut self, path: &Path) -> Result<(Vec<u8>, String), FileMistakes> {
        let bytes = self.bytes(path, MAX_ARRAY_BYTES)?;
        let hash = Sha256::digest(&bytes);
        Ok((
            bytes,
            hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// Labelled images of the MNIST family in `folder`, which `key` of the file names; `fix` says
    /// where they come from.
    ///
    /// # Errors
    /// Files that are missing, damaged or do not belong together.
    pub fn images(
        &mut self,
        file: &str,
        key: &str,
        folder: &Path,
        prefix: &str,
        fix: &str,
        classes: usize,
    ) -> Result<Images, FileMistakes> {
        let paths = ["images-idx3", "labels-idx1"]
            .map(|part| folder.join(format!("{prefix}-{part}-ubyte.gz")));
        let mut mistakes = Mistakes::none();
        for path in paths.iter().filter(|path| !path.exists()) {
            mistakes.add(key, "", format!("{} is not there", path.display()), fix);
        }
        if !mistakes.0.is_empty() {
            return Err(FileMistakes::of(file, mistakes));
        }
        let mut wrong = FileMistakes::default();
        let [images, labels] = paths.map(|path| {
            let read = self.bytes(&path, MAX_ARRAY_BYTES).and_then(|bytes| {
                arrays::read_idx(&bytes).map_err(|error| about(&path, error.to_string(), ""))
            });
            read.map_err(|found| wrong.join(found)).ok()
        });
        let (Some(images), Some(labels)) = (images, labels) else {
            return Err(wrong);
        };
        Images::new(images, labels, classes)
            .map_err(|mistakes| FileMistakes::of(&named(folder), mistakes))
    }
}

/// Names of the TOML files in a folder, in order.
#[must_use]
pub fn list_toml(folder: &Path) -> Vec<String> {
    list(folder, ".toml")
}

/// Names of the files in a folder with this ending, without it, in order.
fn list(folder: &Path, ending: &str) -> Vec<String> {
    if shipped::name(folder).is_some() {
        return shipped::list(folder, ending);
    }
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(ending)
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}
