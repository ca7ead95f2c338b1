//! From an experiment file to a plan whose every point has been checked before the first one runs.

mod blame;
mod calibrated;
mod case;
mod encoder;
mod head;
mod overrides;
mod swept;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

pub(super) use self::blame::{Origin, blame};
pub use self::case::{Case, EncoderWork, HeadsWork, Key, Work};
use self::head::{check_head, make_absolute, sweep, unreached};
pub use self::overrides::Overrides;
pub use self::swept::Swept;
use self::told::Told;
use super::{
    DesignParams, ExperimentParams, FileMistakes, Input, MAX_POINTS, Store, device_folder,
    files::within, is_training, list_toml, shipped, tree,
};
use crate::base::mistake::Mistakes;
use crate::base::notice::{Notices, Weight};
use crate::hardware::attention::Datapath;

/// A checked experiment.
#[derive(Debug)]
pub struct Plan {
    /// The experiment's name: its file's.
    pub name: String,
    /// Everything filled in.
    pub params: ExperimentParams,
    /// Swept keys, in the order of the file.
    pub swept: Vec<Swept>,
    /// Index of the design that deltas are taken against.
    pub reference: Option<usize>,
    /// What a reader should know.
    pub notices: Notices,
    file: String,
    folder: PathBuf,
    devices: PathBuf,
    /// The file's tree with what the command line sets, without what is wrong in it.
    tree: Table,
    /// Keys whose value was wrong.
    lost: Vec<String>,
    /// What the command line sets.
    origins: Vec<Origin>,
    values: Vec<Vec<Value>>,
    keys: Vec<(Key, Key)>,
    told: Told,
    store: Store,
}

impl Plan {
    /// Reads an experiment file and checks every point of it.
    ///
    /// # Errors
    /// Every mistake in the file, its device files and its arrays.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Self, FileMistakes> {
        let mut store = Store::default();
        let raw = store.text(path)?;
        Self::check(path, raw, store, overrides)
    }

    /// Checks an experiment that stands in memory. It is spoken of as `path`, from whose folder the paths in it are read;
    /// no file need lie there.
    ///
    /// ```
    /// use topkima::shell::config::{Overrides, Plan};
    /// use topkima::shell::experiment::{Part, Silent, run};
    ///
    /// let table = toml::toml! {
    ///     question = "How much of the true top 3 of a Gaussian head is kept?"
    ///     seed = 1
    ///     trials = 2
    ///     device = { name = "sram-65nm" }
    ///     topk = { k = 3 }
    ///     workload = { synthetic = { tokens = 64, d_head = 16 } }
    ///     design = [{ name = "topkima", datapath = { topkima = {} } }]
    /// };
    /// let mut plan = Plan::of_table("here.toml".as_ref(), table, &Overrides::default()).unwrap();
    /// let found = run(&mut plan, &mut Silent).unwrap().table;
    /// let recall = found.number(&found.rows[0], "recall", Part::Mean).unwrap();
    /// assert!((0.5..1.0).contains(&recall));
    /// ```
    ///
    /// # Errors
    /// Every mistake in the table, its device files and its arrays.
    pub fn of_table(
        path: &Path,
        table: Table,
        overrides: &Overrides,
    ) -> Result<Self, FileMistakes> {
        Self::check(path, table, Store::default(), overrides)
    }

    fn check(
        path: &Path,
        mut raw: Table,
        store: Store,
        overrides: &Overrides,
    ) -> Result<Self, FileMistakes> {
        let file = path.display().to_string();
        if is_training(&raw) {
            let mut mistakes = Mistakes::none();
            mistakes.add(
                "way",
                "",
                "this is a training file, not an experiment",
                "run it with `topkima train`",
            );
            return Err(FileMistakes::of(&file, mistakes));
        }
        let (origins, mistakes) = overrides.write(&mut raw);
        let mut reading = tree::read::<ExperimentParams>(&raw);
        let mut found = FileMistakes::of(&file, mistakes);
        let wrong = std::mem::take(&mut reading.mistakes);
        found.join(blame(FileMistakes::of(&file, wrong), &file, &origins));
        let Some(mut params) = reading.value.take() else {
            return Err(found);
        };
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."))
            .to_owned();
        let devices = match &params.device_folder {
            Some(own) => within(&folder, own),
            None => device_folder(&folder),
        };
        let mut mistakes = Mistakes::none();
        if let Some(own) = &params.device_folder {
            mistakes.require(
                devices.is_dir()
                    || (shipped::name(&devices).is_some() && !list_toml(&devices).is_empty()),
                "device_folder",
                format!("\"{}\"", own.display()),
                "is not a folder",
                "name the folder of the device files, or leave the key out",
            );
        }
        let (swept, values) = sweep(&params, &mut mistakes);
        let reference = check_head(&params, &mut mistakes);
        let mistakes = reading.believed(mistakes);
        found.join(blame(FileMistakes::of(&file, mistakes), &file, &origins));
        if params.design.is_empty() {
            // Nothing runs, but the rest of the file can be judged.
            params.design.push(DesignParams {
                name: String::new(),
                datapath: Datapath::Topkima {},
                set: Table::new(),
            });
        }
        make_absolute(&mut params, &folder, &devices);
        let name = path.file_stem().map_or_else(
            || "experiment".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        // A point is the file without its sweep.
        let mut tree = reading.mended;
        tree.remove("sweep");
        let mut plan = Self {
            name,
            params,
            swept,
            reference,
            notices: Notices::none(),
            file,
            folder,
            devices,
            tree,
            lost: reading.lost,
            origins,
            values,
            keys: Vec::new(),
            told: Told::default(),
            store,
        };
        if plan.points() as u64 <= MAX_POINTS {
            plan.check_points(&mut found);
        } else {
            plan.check_case(0, &mut found);
        }
        if found.0.is_empty() {
            Ok(plan)
        } else {
            Err(found)
        }
    }

    fn check_case(&mut self, point: usize, found: &mut FileMistakes) -> Notices {
        let mut notices = Notices::none();
        for design in 0..self.params.design.len() {
            match self.case(point, design) {
                Ok(case) => {
                    self.keys.push((case.front, case.back));
                    notices.join(&case.attention.notices);
                    self.told.hear(&case);
                }
                Err(mistakes) => found.join(mistakes),
            }
        }
        notices
    }

    fn check_points(&mut self, found: &mut FileMistakes) {
        const IDLE: &str = "so the key does nothing";
        const ENOUGH: usize = 100;
        // Points that are looked at after the first mistake.
        const PATIENCE: usize = 1000;
        let mut looked = 0;
        let mut go_on = |found: &FileMistakes| {
            looked += usize::from(!found.0.is_empty());
            looked <= PATIENCE && found.0.len() <= ENOUGH
        };
        // Each value once before all combinations: what is wrong with one shows at once.
        let mut stride = self.points();
        for axis in 0..self.values.len() {
            stride /= self.values[axis].len();
            for value in 0..self.values[axis].len() {
                if go_on(found) {
                    self.check_case(value * stride, found);
                }
            }
        }
        self.keys.clear();
        self.told = Told::default();
        if !found.0.is_empty() && !self.values.is_empty() {
            return;
        }
        self.keys.reserve(self.points() * self.designs());
        let mut notices = unreached(&self.params, &self.swept);
        let mut points: BTreeMap<String, usize> = BTreeMap::new();
        for point in 0..self.points() {
            if !go_on(found) {
                return;
            }
            let said = self.check_case(point, found);
            let idle = said
                .of(Weight::Note)
                .into_iter()
                .filter(|said| said.ends_with(IDLE));
            for note in idle {
                *points.entry(note.to_owned()).or_default() += 1;
            }
            notices.join(&said);
        }
        // What does nothing at one point may do something at another.
        let all = self.points();
        notices.reword(|said| {
            let some = points.get(said).filter(|some| **some < all)?;
            Some(format!("{said} at {some} of {all} points"))
        });
        std::mem::take(&mut self.told).say(&self.params, &self.tree, &mut notices);
        self.notices = notices;
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

    /// Where the values of a point stand in their lists, the last key running fastest.
    #[must_use]
    pub fn places(&self, point: usize) -> Vec<usize> {
        let mut rest = point;
        let place = |values: &Vec<Value>| {
            let at = rest % values.len();
            rest /= values.len();
            at
        };
        let mut places: Vec<usize> = self.values.iter().rev().map(place).collect();
        places.reverse();
        places
    }

    /// The swept values of a point, as the experiment writes them.
    #[must_use]
    pub fn cells(&self, point: usize) -> Vec<&str> {
        let places = self.places(point);
        let swept = self.swept.iter().zip(places);
        swept.map(|(key, at)| key.cells[at].as_str()).collect()
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

    /// Mistakes of the experiment's own file.
    #[must_use]
    pub fn blame(&self, mistakes: Mistakes) -> FileMistakes {
        FileMistakes::of(&self.file, mistakes)
    }
}
