//! Opening what an experiment names: device files and arrays, each read once.

mod device;
mod encoder;
mod labelled;
mod probe;
mod study;

pub use device::load_device;
pub use study::Study;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::Table;

use super::{FileMistakes, MAX_ARRAY_BYTES, MAX_TEXT_BYTES, shipped, tree};
use crate::base::mistake::{Mistake, Mistakes};
use crate::base::rng::Seed;
use crate::hardware::device::Device;
use crate::study::train::Images;
use crate::study::workload::arrays::ArrayError;
use crate::study::workload::{Arrays, CalibrationSource, WANTED, Workload, WorkloadParams, arrays};

/// A file that was read, and the hash of what it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Store {
    inputs: BTreeMap<PathBuf, String>,
    texts: BTreeMap<PathBuf, Table>,
    arrays: BTreeMap<PathBuf, Arc<Arrays>>,
    workloads: BTreeMap<String, Result<Arc<Workload>, FileMistakes>>,
    /// Heads of each workload, known by where it lies, that give no full scale.
    silent: BTreeMap<usize, Vec<usize>>,
    devices: BTreeMap<String, Result<Arc<Device>, FileMistakes>>,
    studies: BTreeMap<String, Result<Arc<Study>, FileMistakes>>,
}

/// A path as a person would name it.
fn named(path: &Path) -> String {
    let short = path.strip_prefix(".").unwrap_or(path);
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
        self.note(path, &bytes);
        Ok(bytes)
    }

    /// Keeps the hash of a file that was read.
    fn note(&mut self, path: &Path, bytes: &[u8]) {
        let hash = Sha256::digest(bytes);
        let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.inputs.insert(canonical(path), hex);
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

    fn arrays(&mut self, path: &Path) -> Result<Arc<Arrays>, FileMistakes> {
        if let Some(known) = self.arrays.get(path) {
            return Ok(Arc::clone(known));
        }
        let read = if path.is_dir() {
            self.folder_of_arrays(path)?
        } else {
            let bytes = self.bytes(path, MAX_ARRAY_BYTES)?;
            type Read = fn(&[u8], &[&str]) -> Result<Arrays, ArrayError>;
            type Names = fn(&[u8]) -> Result<Vec<String>, ArrayError>;
            let (read, names): (Read, Names) = match path.extension().and_then(|end| end.to_str()) {
                Some("npz") => (arrays::read_npz, arrays::npz_names),
                Some("safetensors") => (arrays::read_safetensors, arrays::safetensors_names),
                _ => {
                    return Err(about(
                        path,
                        "is neither .npz nor .safetensors nor a folder of .npy",
                        "convert it; see the README on bringing your own data",
                    ));
                }
            };
            let mut found = Arrays::new();
            // A file whose list of arrays is damaged says so below.
            let mut mistakes = strangers(path, &names(&bytes).unwrap_or_default());
            for name in WANTED {
                match read(&bytes, &[name]) {
                    Ok(arrays) => found.extend(arrays),
                    Err(error) => mistakes.join(about(path, error.to_string(), "")),
                }
            }
            if !mistakes.0.is_empty() {
                return Err(mistakes);
            }
            found
        };
        let read = Arc::new(read);
        self.arrays.insert(path.to_owned(), Arc::clone(&read));
        Ok(read)
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

    fn folder_of_arrays(&mut self, path: &Path) -> Result<Arrays, FileMistakes> {
        let mut found = Arrays::new();
        let held = list(path, ".npy");
        let mut mistakes = strangers(path, &held);
        for name in WANTED {
            let part = path.join(format!("{name}.npy"));
            if !part.exists() {
                continue;
            }
            let read = self.bytes(&part, MAX_ARRAY_BYTES).and_then(|bytes| {
                arrays::read_npy(&bytes).map_err(|error| about(&part, error.to_string(), ""))
            });
            match read {
                Ok(array) => {
                    found.insert(name.to_owned(), array);
                }
                Err(wrong) => mistakes.join(wrong),
            }
        }
        if mistakes.0.is_empty() {
            Ok(found)
        } else {
            Err(mistakes)
        }
    }

    /// The arrays that a key of the experiment names.
    fn arrays_at(
        &mut self,
        file: &str,
        key: &str,
        folder: &Path,
        path: &Path,
    ) -> Result<Arc<Arrays>, FileMistakes> {
        let whole = within(folder, path);
        there(file, key, path, &whole)?;
        self.arrays(&whole)
    }

    /// The workload of an experiment in `folder`.
    ///
    /// # Errors
    /// Every mistake of the section and of its files.
    pub fn workload(
        &mut self,
        file: &str,
        folder: &Path,
        params: &WorkloadParams,
        seed: Seed,
    ) -> Result<Arc<Workload>, FileMistakes> {
        let key = format!("{} {} {params:?}", seed.0, folder.display());
        if let Some(known) = self.workloads.get(&key) {
            return known.clone();
        }
        let workload = self.new_workload(file, folder, params, seed).map(Arc::new);
        self.workloads.insert(key, workload.clone());
        workload
    }

    /// Heads of a workload of this store whose calibration rows hold no positive live score: no
    /// percentile of them is a full scale.
    pub fn silent_heads(&mut self, workload: &Arc<Workload>) -> &[usize] {
        let address = Arc::as_ptr(workload) as usize;
        self.silent
            .entry(address)
            .or_insert_with(|| workload.silent_heads())
    }

    fn new_workload(
        &mut self,
        file: &str,
        folder: &Path,
        params: &WorkloadParams,
        seed: Seed,
    ) -> Result<Workload, FileMistakes> {
        let fault = |mistakes: Mistakes| FileMistakes::of(file, mistakes.within("workload"));
        match (&params.file, &params.synthetic, &params.shape) {
            (Some(own), None, None) => {
                let arrays = self.arrays_at(file, "workload.file.path", folder, &own.path);
                let calibration = match &own.calibration {
                    CalibrationSource::Path(path) => {
                        Some(self.arrays_at(file, "workload.file.calibration", folder, path))
                    }
                    CalibrationSource::First(_) => None,
                };
                let mut mistakes = FileMistakes::default();
                let mut keep = |read: Result<Arc<Arrays>, FileMistakes>| {
                    read.map_err(|found| mistakes.join(found)).ok()
                };
                let (arrays, calibration) = (keep(arrays), calibration.map(&mut keep));
                match (arrays, calibration) {
                    (Some(arrays), None) => own.assemble(&arrays, None, params.causal),
                    (Some(arrays), Some(Some(calibration))) => {
                        own.assemble(&arrays, Some(&calibration), params.causal)
                    }
                    _ => return Err(mistakes),
                }
                .map_err(|mistakes| fault(mistakes.within("file")))
            }
            _ => params.synthesise(seed).map_err(fault),
        }
    }
}

/// Arrays that no workload has: a slip in a name would otherwise go unnoticed.
fn strangers(path: &Path, names: &[String]) -> FileMistakes {
    let mut mistakes = FileMistakes::default();
    for name in names.iter().filter(|name| !WANTED.contains(&name.as_str())) {
        mistakes.join(about(
            path,
            format!("holds an array `{name}`, which no workload has"),
            "the arrays are named `q`, `k`, `v` and, where keys are masked, `mask`: rename it, or leave it out",
        ));
    }
    mistakes
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
