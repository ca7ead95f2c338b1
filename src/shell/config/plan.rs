//! From an experiment file to a plan whose every point has been checked before the first one runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::{
    ExperimentParams, FileMistakes, Input, MAX_POINTS, MAX_TRIALS, Store, find_home, tree,
};
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::hardware::attention::{Attention, Datapath};
use crate::study::workload::Workload;

/// What a command line sets over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Paths and values.
    pub set: Vec<(String, Value)>,
    /// Seed.
    pub seed: Option<u64>,
    /// Trials.
    pub trials: Option<u64>,
}

/// What two cases have in common if it is equal.
pub type Key = [u8; 16];

/// One design at one point, ready to run.
#[derive(Clone, Debug)]
pub struct Case {
    /// Heads and their calibration rows.
    pub workload: Arc<Workload>,
    /// The hardware.
    pub attention: Attention,
    /// The design.
    pub datapath: Datapath,
    /// Cases of the same front share everything up to the trips.
    pub front: Key,
    /// Cases of the same front and back are the same.
    pub back: Key,
}

/// A checked experiment.
#[derive(Debug)]
pub struct Plan {
    /// The experiment's name: its file's.
    pub name: String,
    /// Everything filled in.
    pub params: ExperimentParams,
    /// Swept paths, in the order of the file.
    pub swept: Vec<String>,
    /// Index of the design that deltas are taken against.
    pub reference: Option<usize>,
    /// What a reader should know.
    pub warnings: Vec<String>,
    file: String,
    folder: PathBuf,
    devices: PathBuf,
    tree: Table,
    values: Vec<Vec<Value>>,
    keys: Vec<(Key, Key)>,
    store: Store,
}

fn key(parts: &impl Serialize) -> Key {
    let text = serde_json::to_vec(parts).unwrap_or_default();
    let digest = Sha256::digest(&text);
    std::array::from_fn(|at| digest[at])
}

impl Plan {
    /// Reads an experiment file and checks every point of it.
    ///
    /// # Errors
    /// Every mistake in the file, its device files and its arrays.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Self, FileMistakes> {
        let file = path.display().to_string();
        let mut store = Store::default();
        let mut raw = store.text(path)?;
        let mut mistakes = Mistakes::none();
        for (at, value) in &overrides.set {
            if let Err(part) = tree::set(&mut raw, at, value.clone()) {
                mistakes.add(
                    at,
                    tree::show(value),
                    format!("`{part}` is not a table"),
                    "check the path of --set",
                );
            }
        }
        for (at, number) in [("seed", overrides.seed), ("trials", overrides.trials)] {
            if let Some(number) = number {
                match i64::try_from(number) {
                    Ok(number) => {
                        raw.insert(at.to_owned(), Value::Integer(number));
                    }
                    Err(_) => mistakes.add(at, number, "is too large", "write a number below 2^63"),
                }
            }
        }
        let params = match tree::read::<ExperimentParams>(&raw) {
            Ok(params) => Some(params),
            Err((params, found)) => {
                mistakes.0.extend(found.0);
                params
            }
        };
        let Some(mut params) = params else {
            return Err(FileMistakes::of(&file, mistakes));
        };
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."))
            .to_owned();
        let devices = match &params.device_folder {
            Some(own) => folder.join(own),
            None => find_home(&folder).join("device_params"),
        };
        let (swept, values) = sweep(&params, &mut mistakes);
        let reference = check_head(&params, &mut mistakes);
        make_absolute(&mut params, &folder, &devices);
        let name = path.file_stem().map_or_else(
            || "experiment".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        let mut plan = Self {
            name,
            params,
            swept,
            reference,
            warnings: Vec::new(),
            file,
            folder,
            devices,
            tree: raw,
            values,
            keys: Vec::new(),
            store,
        };
        let mut found = FileMistakes::of(&plan.file, mistakes);
        let sweep_fits = plan.values.iter().all(|values| !values.is_empty())
            && plan.points() as u64 <= MAX_POINTS;
        let points = if sweep_fits { plan.points() } else { 1 };
        plan.check_points(points, &mut found);
        if found.0.is_empty() {
            Ok(plan)
        } else {
            Err(found)
        }
    }

    fn check_points(&mut self, points: usize, found: &mut FileMistakes) {
        const ENOUGH: usize = 100;
        let mut warnings = BTreeSet::new();
        let mut keys = Vec::with_capacity(points * self.params.design.len());
        for point in 0..points {
            for design in 0..self.params.design.len() {
                match self.case(point, design) {
                    Ok(case) => {
                        keys.push((case.front, case.back));
                        warnings.extend(case.attention.warnings);
                    }
                    Err(mistakes) => found.join(mistakes),
                }
                if found.0.len() > ENOUGH {
                    return;
                }
            }
        }
        self.keys = keys;
        self.warnings = warnings.into_iter().collect();
    }

    /// Number of points.
    #[must_use]
    pub fn points(&self) -> usize {
        self.values
            .iter()
            .map(Vec::len)
            .fold(1, usize::saturating_mul)
    }

    /// Number of designs.
    #[must_use]
    pub fn designs(&self) -> usize {
        self.params.design.len()
    }

    /// The swept values of a point, the last key running fastest.
    #[must_use]
    pub fn values(&self, point: usize) -> Vec<&Value> {
        let mut rest = point;
        let mut chosen: Vec<&Value> = self
            .values
            .iter()
            .rev()
            .map(|values| {
                let value = &values[rest % values.len()];
                rest /= values.len();
                value
            })
            .collect();
        chosen.reverse();
        chosen
    }

    /// What a case shares with others, known since the check.
    #[must_use]
    pub fn keys(&self, point: usize, design: usize) -> (Key, Key) {
        self.keys[point * self.designs() + design]
    }

    /// Every file that was read.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        self.store.inputs()
    }

    /// One design at one point.
    ///
    /// # Errors
    /// Every mistake of it; none after the plan has been loaded and its files stay as they are.
    pub fn case(&mut self, point: usize, design: usize) -> Result<Case, FileMistakes> {
        let mut tree = self.tree.clone();
        let mut mistakes = Mistakes::none();
        let chosen: Vec<(String, Value)> = if self.values.iter().any(Vec::is_empty) {
            Vec::new()
        } else {
            self.swept
                .iter()
                .cloned()
                .zip(self.values(point).into_iter().cloned())
                .collect()
        };
        let own = &self.params.design[design];
        let set: Vec<(String, Value)> = own
            .set
            .iter()
            .map(|(at, value)| (at.clone(), value.clone()))
            .collect();
        for (place, (at, value)) in chosen
            .iter()
            .map(|pair| ("sweep", pair))
            .chain(set.iter().map(|pair| ("design.set", pair)))
        {
            if let Err(part) = tree::set(&mut tree, at, value.clone()) {
                mistakes.add(
                    &format!("{place}.\"{at}\""),
                    "",
                    format!("`{part}` is not a table: the path does not exist"),
                    "a path is a key of this file such as topk.k",
                );
            }
        }
        let params = match tree::read::<ExperimentParams>(&tree) {
            Ok(params) => params,
            Err((_, found)) => {
                // A key that only a sweep or a design wrote is a path that does not exist.
                for mut mistake in found.0 {
                    let written = |(at, _): &&(String, Value)| {
                        mistake.key == *at
                            || at.starts_with(&format!("{}.", mistake.key))
                            || mistake.key.starts_with(&format!("{at}."))
                    };
                    if let Some((at, _)) = chosen.iter().find(written) {
                        mistake.key = format!("sweep.\"{at}\"");
                    } else if let Some((at, _)) = set.iter().find(written) {
                        mistake.key = format!("design.{design}.set.\"{at}\"");
                    }
                    mistakes.0.push(mistake);
                }
                return Err(FileMistakes::of(&self.file, mistakes));
            }
        };
        let mut all = FileMistakes::of(&self.file, mistakes);
        let workload = self
            .store
            .workload(
                &self.file,
                &self.folder,
                &params.workload,
                Seed(params.seed),
            )
            .map_err(|found| all.join(found))
            .ok();
        let device = self
            .store
            .device(&self.file, &self.folder, &self.devices, &params.device)
            .map_err(|found| all.join(found))
            .ok();
        let (Some(workload), Some(device)) = (workload, device) else {
            return Err(all);
        };
        let attention = params.attention();
        match attention.check(workload.shape(), &device) {
            Err(found) => {
                all.join(FileMistakes::of(&self.file, found));
                Err(all)
            }
            Ok(checked) if all.0.is_empty() => {
                let datapath = self.params.design[design].datapath;
                // A conventional design keeps every column, so k says nothing about it.
                let topk = (datapath != Datapath::Conventional {}).then_some(&attention.topk);
                Ok(Case {
                    workload,
                    attention: checked,
                    datapath,
                    front: key(&(
                        &params.workload,
                        &params.device,
                        &attention.quantise,
                        &attention.crossbar,
                        &attention.ramp,
                        &attention.av,
                    )),
                    back: key(&(topk, &attention.softmax, &attention.timing, datapath)),
                })
            }
            Ok(_) => Err(all),
        }
    }
}

/// The swept paths and their values.
fn sweep(params: &ExperimentParams, mistakes: &mut Mistakes) -> (Vec<String>, Vec<Vec<Value>>) {
    let mut swept = Vec::new();
    let mut values = Vec::new();
    let mut points = 1_u64;
    for (path, value) in &params.sweep {
        let at = format!("sweep.\"{path}\"");
        match value {
            Value::Array(list) if !list.is_empty() => {
                points = points.saturating_mul(list.len() as u64);
                swept.push(path.clone());
                values.push(list.clone());
            }
            Value::Array(_) => mistakes.add(
                &at,
                "[]",
                "an empty list sweeps nothing",
                "give it values, or take the key out",
            ),
            other => mistakes.add(
                &at,
                tree::show(other),
                "a swept key holds a list of values",
                format!("write [{}]", tree::show(other)),
            ),
        }
        let top = path.split('.').next().unwrap_or_default();
        if [
            "seed",
            "trials",
            "question",
            "reference",
            "design",
            "sweep",
            "device_folder",
        ]
        .contains(&top)
        {
            mistakes.add(
                &at,
                "",
                format!("`{top}` cannot be swept"),
                "sweep a key of the workload, the device or a room of the hardware",
            );
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

/// Checks what belongs to the experiment as a whole; the index of the reference design.
fn check_head(params: &ExperimentParams, mistakes: &mut Mistakes) -> Option<usize> {
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
    let mut names = BTreeSet::new();
    for design in &params.design {
        mistakes.require(
            !design.name.trim().is_empty() && names.insert(&design.name),
            "design.name",
            format!("\"{}\"", design.name),
            "every design needs a name of its own",
            "give it another name",
        );
    }
    let reference = params.reference.as_ref()?;
    let found = params
        .design
        .iter()
        .position(|design| design.name == *reference);
    mistakes.require(
        found.is_some(),
        "reference",
        format!("\"{reference}\""),
        "is not the name of a design in this file",
        format!(
            "the designs are {}",
            params
                .design
                .iter()
                .map(|design| design.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    );
    found
}

/// Makes the paths of a resolved experiment independent of where it lies.
fn make_absolute(params: &mut ExperimentParams, folder: &Path, devices: &Path) {
    let absolute = |path: &Path| {
        let joined = folder.join(path);
        std::fs::canonicalize(&joined).unwrap_or(joined)
    };
    params.device_folder =
        Some(std::fs::canonicalize(devices).unwrap_or_else(|_| devices.to_owned()));
    if let Some(path) = &mut params.device.path {
        *path = absolute(path);
    }
    if let Some(file) = &mut params.workload.file {
        file.path = absolute(&file.path);
        if let crate::study::workload::CalibrationSource::Path(path) = &mut file.calibration {
            *path = absolute(path);
        }
    }
}
