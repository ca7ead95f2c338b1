//! Workloads: the arrays of a user's files, and what calibration rows say of a head.

use std::path::Path;
use std::sync::Arc;

use super::{Counted, Fitted, Store, about, list, there, within};
use crate::base::arrays::{self, ArrayError};
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::hardware::attention::{Attention, Calibration, Head, Shape};
use crate::shell::config::{FileMistakes, MAX_ARRAY_BYTES, tree};
use crate::study::workload::{
    Arrays, CalibrationSource, Nominal, WANTED, Workload, WorkloadKind, WorkloadParams,
};

/// What the section of a workload comes to.
#[derive(Clone, Debug)]
pub enum Given {
    /// Heads with their numbers.
    Heads(Arc<Workload>),
    /// Sizes alone.
    Shape(Nominal),
}

impl Given {
    /// Sizes.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Heads(workload) => workload.shape(),
            Self::Shape(nominal) => nominal.shape,
        }
    }
}

impl Store {
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
    ) -> Result<Given, FileMistakes> {
        let key = format!("{} {} {params:?}", seed.0, folder.display());
        if let Some(known) = self.workloads.get(&key) {
            return known.clone();
        }
        let workload = self.new_workload(file, folder, params, seed);
        self.workloads.insert(key, workload.clone());
        workload
    }

    /// Calibrations of the heads of a workload of this store, each with its head's number.
    pub fn calibrations(&mut self, workload: &Arc<Workload>, attention: &Attention) -> Fitted {
        let of = (
            &attention.quantise,
            attention.ramp.full_scale(),
            attention.ramp.lsb(1.0),
            &attention.crossbar.places,
            attention.crossbar.offset,
        );
        let key = (Arc::as_ptr(workload) as usize, format!("{of:?}"));
        let fit = || {
            let heads = workload.calibration.iter().enumerate();
            let of = |(head, rows): (usize, &Head)| {
                (rows.place.head, Calibration::of(attention, rows, head))
            };
            Arc::new(heads.map(of).collect())
        };
        Arc::clone(self.calibrations.entry(key).or_insert_with(fit))
    }

    /// Positive and live scores of the calibration rows of a workload of this store, head by head.
    pub fn positives(&mut self, workload: &Arc<Workload>) -> Counted {
        let address = Arc::as_ptr(workload) as usize;
        let count = || Arc::new(workload.positives());
        Arc::clone(self.positives.entry(address).or_insert_with(count))
    }

    fn new_workload(
        &mut self,
        file: &str,
        folder: &Path,
        params: &WorkloadParams,
        seed: Seed,
    ) -> Result<Given, FileMistakes> {
        let fault = |mistakes: Mistakes| FileMistakes::of(file, mistakes.within("workload"));
        let workload = match params.kind().map_err(fault)? {
            WorkloadKind::Shape(own) => {
                return params.sizes(own).map(Given::Shape).map_err(fault);
            }
            WorkloadKind::Synthetic(own) => {
                let drawn = own.draw(seed, params.causal);
                drawn.map_err(|mistakes| fault(mistakes.within("synthetic")))?
            }
            WorkloadKind::File(own) => {
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
                .map_err(|mistakes| fault(mistakes.within("file")))?
            }
        };
        Ok(Given::Heads(Arc::new(workload)))
    }
}

/// Arrays that no workload has: a slip in a name would otherwise go unnoticed.
fn strangers(path: &Path, names: &[String]) -> FileMistakes {
    const SHOWN: usize = 5;
    let strange: Vec<&String> = names
        .iter()
        .filter(|name| !WANTED.contains(&name.as_str()))
        .collect();
    let mut mistakes = FileMistakes::default();
    for (at, name) in strange.iter().take(SHOWN).enumerate() {
        let more = match strange.len().saturating_sub(SHOWN) {
            more if more > 0 && at + 1 == SHOWN => format!(" (and {more} more)"),
            _ => String::new(),
        };
        mistakes.join(about(
            path,
            format!("holds an array `{}`{more}, which no workload has", tree::short(name)),
            "the arrays are named `q`, `k`, `v` and, where keys are masked, `mask`: rename it, or leave it out",
        ));
    }
    mistakes
}
