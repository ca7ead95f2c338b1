//! Opening what an experiment names: device files and arrays, each read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::{DeviceChoice, FileMistakes, MAX_ARRAY_BYTES, MAX_TEXT_BYTES, tree};
use crate::base::mistake::{Mistake, Mistakes};
use crate::base::rng::Seed;
use crate::hardware::device::{Device, DeviceParams};
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
    workloads: BTreeMap<String, Arc<Workload>>,
}

/// One mistake about a file as a whole.
fn about(file: &Path, problem: impl Into<String>, fix: impl Into<String>) -> FileMistakes {
    FileMistakes::of(
        &file.display().to_string(),
        Mistakes(vec![Mistake {
            key: String::new(),
            value: String::new(),
            problem: problem.into(),
            fix: fix.into(),
        }]),
    )
}

/// The folder that holds `device_params`: `start` or the nearest folder above it, else the folder the
/// program was built in.
#[must_use]
pub fn find_home(start: &Path) -> PathBuf {
    let start = fs::canonicalize(start).unwrap_or_else(|_| start.to_owned());
    let near = start
        .ancestors()
        .find(|folder| folder.join("device_params").is_dir());
    near.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), Path::to_owned)
}

/// Reads and checks one device file on its own, with a grade if one is named.
///
/// # Errors
/// Every mistake in it.
pub fn load_device(path: &Path, choice: &DeviceChoice) -> Result<Device, FileMistakes> {
    Store::default().device_at(path, choice)
}

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
        let metadata = fs::metadata(path).map_err(|error| {
            about(
                path,
                format!("cannot be opened ({error})"),
                "check the path; it is relative to the file that names it",
            )
        })?;
        if !metadata.is_file() {
            return Err(about(path, "is not a file", "name a file"));
        }
        if metadata.len() > most {
            return Err(about(
                path,
                format!("holds {} bytes; at most {most} are read", metadata.len()),
                "this does not look like the file that is meant",
            ));
        }
        let bytes = fs::read(path).map_err(|error| {
            about(
                path,
                format!("cannot be read ({error})"),
                "check its permissions",
            )
        })?;
        let hash = Sha256::digest(&bytes);
        let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.inputs.insert(
            fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            hex,
        );
        Ok(bytes)
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
        let text = String::from_utf8(bytes)
            .map_err(|_| about(path, "is not UTF-8 text", "save it as UTF-8"))?;
        let table: Table = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].lines().count().max(1)
            });
            let message = error.message().replace('\n', " ");
            about(path, format!("line {line}: {message}"), "mend the TOML")
        })?;
        self.texts.insert(path.to_owned(), table.clone());
        Ok(table)
    }

    /// A device file with what it includes, as one tree.
    fn device_tree(&mut self, path: &Path, depth: usize) -> Result<Table, FileMistakes> {
        const DEEPEST: usize = 8;
        let mut own = self.text(path)?;
        let Some(include) = own.remove("include") else {
            return Ok(own);
        };
        let names: Option<Vec<String>> = include.as_array().map(|list| {
            list.iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect()
        });
        let Some(names) = names.filter(|names| {
            Some(names.len()) == include.as_array().map(Vec::len) && depth < DEEPEST
        }) else {
            return Err(about(
                path,
                "`include` must be a list of files, at most 8 deep",
                "write include = [\"shared/periphery-65nm.toml\"]",
            ));
        };
        let mut merged = Table::new();
        for name in names {
            let folder = path.parent().unwrap_or(Path::new("."));
            tree::merge(
                &mut merged,
                &self.device_tree(&folder.join(name), depth + 1)?,
            );
        }
        tree::merge(&mut merged, &own);
        Ok(merged)
    }

    /// A device file as it is written, with the grade and the keys that a choice sets. Mistakes in
    /// it come with what could be read all the same.
    ///
    /// # Errors
    /// Every mistake in it, and a grade that it does not hold.
    pub fn device_params(
        &mut self,
        path: &Path,
        choice: &DeviceChoice,
    ) -> Result<DeviceParams, (Option<Box<DeviceParams>>, FileMistakes)> {
        let file = path.display().to_string();
        let mut tree = self.device_tree(path, 0).map_err(|found| (None, found))?;
        let grades = match tree.remove("grades") {
            Some(Value::Table(grades)) => grades,
            Some(_) => {
                return Err((
                    None,
                    about(
                        path,
                        "`grades` must be a table of tables",
                        "write [grades.good]",
                    ),
                ));
            }
            None => Table::new(),
        };
        let mut mistakes = Mistakes::none();
        if let Some(grade) = &choice.grade {
            match grades.get(grade) {
                Some(Value::Table(over)) => tree::merge(&mut tree, over),
                _ => {
                    let known: Vec<&str> = grades.keys().map(String::as_str).collect();
                    let known = if known.is_empty() {
                        "it has no grades".to_owned()
                    } else {
                        format!("its grades are {}", known.join(", "))
                    };
                    mistakes.add(
                        "grade",
                        format!("\"{grade}\""),
                        format!("is not a grade of this device; {known}"),
                        "name one of them, or leave `device.grade` out",
                    );
                }
            }
        }
        tree::merge(&mut tree, &choice.with);
        match tree::read::<DeviceParams>(&tree) {
            Ok(params) if mistakes.0.is_empty() => Ok(params),
            Ok(params) => Err((Some(Box::new(params)), FileMistakes::of(&file, mistakes))),
            Err((params, found)) => {
                mistakes.0.extend(found.0);
                Err((params.map(Box::new), FileMistakes::of(&file, mistakes)))
            }
        }
    }

    /// Reads and checks a device file.
    ///
    /// # Errors
    /// Every mistake in it, and a grade that it does not hold.
    pub fn device_at(
        &mut self,
        path: &Path,
        choice: &DeviceChoice,
    ) -> Result<Device, FileMistakes> {
        let (params, mut mistakes) = match self.device_params(path, choice) {
            Ok(params) => (Some(Box::new(params)), FileMistakes::default()),
            Err(found) => found,
        };
        match params.map(|params| params.check(choice.age, &choice.selection())) {
            Some(Ok(device)) if mistakes.0.is_empty() => Ok(device),
            Some(Err(found)) => {
                mistakes.join(FileMistakes::of(&path.display().to_string(), found));
                Err(mistakes)
            }
            _ => Err(mistakes),
        }
    }

    /// The device an experiment chooses; `folder` holds the experiment, `devices` the shipped ones.
    ///
    /// # Errors
    /// No or two devices named, a name that is not there, every mistake of its file.
    pub fn device(
        &mut self,
        file: &str,
        folder: &Path,
        devices: &Path,
        choice: &DeviceChoice,
    ) -> Result<Device, FileMistakes> {
        let mut mistakes = Mistakes::none();
        let path = match (&choice.name, &choice.path) {
            (Some(name), None) => {
                let path = devices.join(format!("{name}.toml"));
                if !path.is_file() {
                    let known = list_toml(devices).join(", ");
                    mistakes.add(
                        "device.name",
                        format!("\"{name}\""),
                        format!("no such device in {}", devices.display()),
                        format!("there are: {known}; a file of your own goes in `device.path`"),
                    );
                    return Err(FileMistakes::of(file, mistakes));
                }
                path
            }
            (None, Some(path)) => folder.join(path),
            _ => {
                mistakes.add(
                    "device",
                    "",
                    "needs either `name` (a shipped device) or `path` (a file of your own)",
                    "write for instance name = \"sram-65nm\"",
                );
                return Err(FileMistakes::of(file, mistakes));
            }
        };
        self.device_at(&path, choice)
    }

    fn arrays(&mut self, path: &Path) -> Result<Arc<Arrays>, FileMistakes> {
        if let Some(known) = self.arrays.get(path) {
            return Ok(Arc::clone(known));
        }
        let fault = |error: arrays::ArrayError| about(path, error.to_string(), "");
        let read = if path.is_dir() {
            let mut found = Arrays::new();
            for name in WANTED {
                let part = path.join(format!("{name}.npy"));
                if part.exists() {
                    let bytes = self.bytes(&part, MAX_ARRAY_BYTES)?;
                    let array = arrays::read_npy(&bytes)
                        .map_err(|error| about(&part, error.to_string(), ""))?;
                    found.insert(name.to_owned(), array);
                }
            }
            found
        } else {
            let bytes = self.bytes(path, MAX_ARRAY_BYTES)?;
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("npz") => arrays::read_npz(&bytes, &WANTED).map_err(fault)?,
                Some("safetensors") => arrays::read_safetensors(&bytes, &WANTED).map_err(fault)?,
                _ => {
                    return Err(about(
                        path,
                        "is neither .npz nor .safetensors nor a folder of .npy",
                        "convert it; see the README on bringing your own data",
                    ));
                }
            }
        };
        let read = Arc::new(read);
        self.arrays.insert(path.to_owned(), Arc::clone(&read));
        Ok(read)
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
            return Ok(Arc::clone(known));
        }
        let fault = |mistakes: Mistakes| FileMistakes::of(file, mistakes.within("workload"));
        let workload = match (&params.file, &params.synthetic, &params.shape) {
            (Some(own), None, None) => {
                let arrays = self.arrays(&folder.join(&own.path));
                let calibration = match &own.calibration {
                    CalibrationSource::Path(path) => Some(self.arrays(&folder.join(path))),
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
                .map_err(|mistakes| fault(mistakes.within("file")))?
            }
            _ => params.synthesise(seed).map_err(fault)?,
        };
        let workload = Arc::new(workload);
        self.workloads.insert(key, Arc::clone(&workload));
        Ok(workload)
    }
}

/// Names of the TOML files in a folder, in order.
#[must_use]
pub fn list_toml(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(".toml")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}
