//! From a training file to a plan: ways, seeds, the transformer and the images, all checked.

mod params;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Value;

pub use self::params::{AccuracyParams, DataParams, LogParams, Start, TrainingParams, WayParams};
use super::plan::{Origin, blame};
use super::{FileMistakes, Input, Store, tree};
use crate::base::mistake::Mistakes;
use crate::study::train::{Attend, GRAIN, Images, Net, TopParams};

/// A selection to try, and its name in the results.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its name: `k=5`, `k=3+2`, `all`.
    pub name: String,
    /// How attention works then.
    pub attend: Attend,
}

/// A checked training file.
#[derive(Debug)]
pub struct TrainingPlan {
    /// Its name: the file's.
    pub name: String,
    /// Everything filled in, paths absolute.
    pub params: TrainingParams,
    /// The transformer.
    pub net: Net,
    /// Each way's attention.
    pub attends: Vec<Attend>,
    /// What every finished way is tried with.
    pub trials: Vec<Trial>,
    /// Training images.
    pub train: Images,
    /// Test images.
    pub test: Images,
    store: Store,
}

/// Said of training images that are not there.
const FETCH: &str = "run `python3 scripts/fetch_fashion_mnist.py`, which fetches the training images; they are not shipped";

/// Whether a tree is meant as a training file.
#[must_use]
pub fn is_training(tree: &toml::Table) -> bool {
    ["way", "seeds"].iter().any(|key| tree.contains_key(*key))
}

/// Whether nothing is wrong but that training images have to be fetched first.
#[must_use]
pub fn is_only_not_fetched(mistakes: &FileMistakes) -> bool {
    mistakes.0.iter().all(|one| one.mistake.fix == FETCH)
}

impl TrainingPlan {
    /// Reads a training file and its images; `set` is what the command line sets.
    ///
    /// # Errors
    /// Every mistake in the file and its images.
    pub fn load(path: &Path, set: &[(String, Value)]) -> Result<Self, FileMistakes> {
        let file = path.display().to_string();
        let mut store = Store::default();
        let mut raw = store.text(path)?;
        let mut mistakes = Mistakes::none();
        if !is_training(&raw) && raw.contains_key("design") {
            mistakes.add(
                "design",
                "",
                "this is an experiment, not a training file",
                "run it with `topkima run`",
            );
            return Err(FileMistakes::of(&file, mistakes));
        }
        let mut origins = Vec::new();
        for (at, value) in set {
            match tree::set(&mut raw, at, value.clone()) {
                Ok(()) => origins.push(Origin::command_line(at, format!("--set {at}"))),
                Err(part) => mistakes.add(
                    &format!("--set {at}"),
                    tree::show(value),
                    format!("the path does not exist: `{part}` is not a table"),
                    "a path is keys of the file joined by points, such as way[0].schedule.steps",
                ),
            }
        }
        let mut reading = tree::read::<TrainingParams>(&raw);
        mistakes.0.extend(std::mem::take(&mut reading.mistakes).0);
        let told = |mistakes| blame(FileMistakes::of(&file, mistakes), &file, &origins);
        let mut found = told(mistakes);
        let Some(mut params) = reading.value.take() else {
            return Err(found);
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let absolute = |own: &mut PathBuf| {
            let whole = folder.join(&*own);
            *own = std::path::absolute(&whole).unwrap_or(whole);
        };
        absolute(&mut params.data.train);
        absolute(&mut params.data.test);
        for way in &mut params.way {
            if let Some(Start::File(own)) = &mut way.start {
                absolute(own);
            }
        }
        let mut mistakes = check_names(&params);
        let classes = params.data.classes;
        let few = (1..=256).contains(&classes);
        mistakes.require(
            few,
            "data.classes",
            classes,
            "must be from 1 to 256: a label is a byte",
            "leave it out for 10",
        );
        let mut images = |key: &str, folder: &Path, prefix: &str, fix: &str| {
            let read = store.images(
                &file,
                key,
                folder,
                prefix,
                fix,
                if few { classes } else { 256 },
            );
            read.map_err(|wrong| found.join(wrong)).ok()
        };
        let train = images("data.train", &params.data.train, "train", FETCH);
        let test = images(
            "data.test",
            &params.data.test,
            "t10k",
            "check the path; it is relative to the training file",
        );
        if let (Some(train), Some(test)) = (&train, &test) {
            mistakes.require(
                train.side == test.side && train.side > 0 && !train.is_empty() && !test.is_empty(),
                "data",
                "",
                format!(
                    "{} training images of side {} and {} test images of side {} do not belong together",
                    train.len(), train.side, test.len(), test.side
                ),
                "name two sets of images of one size",
            );
        }
        // Without images the rest can be judged for the usual ones.
        let side = train
            .as_ref()
            .or(test.as_ref())
            .map_or(28, |images| images.side);
        let checked = check_ways(&params, side, &mut mistakes);
        found.join(told(reading.believed(mistakes)));
        let (Some((net, attends, trials)), Some(train), Some(test)) = (checked, train, test) else {
            return Err(found);
        };
        if !found.0.is_empty() {
            return Err(found);
        }
        let name = path.file_stem().map_or_else(
            || "training".to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        Ok(Self {
            name,
            params,
            net,
            attends,
            trials,
            train,
            test,
            store,
        })
    }

    /// Every file that was read.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        self.store.inputs()
    }

    /// Bytes of a checkpoint, and their hash.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn checkpoint(path: &Path) -> Result<(Vec<u8>, String), FileMistakes> {
        Store::default().whole(path)
    }
}

/// What can be said without a transformer or images.
fn check_names(params: &TrainingParams) -> Mistakes {
    let mut mistakes = Mistakes::none();
    let mut known = BTreeSet::new();
    let seeds: BTreeSet<u64> = params.seeds.iter().copied().collect();
    mistakes.require(
        !seeds.is_empty() && seeds.len() == params.seeds.len(),
        "seeds",
        format!("{:?}", params.seeds),
        "must be at least one, none twice",
        "write for instance [1, 2, 3]",
    );
    mistakes.require(
        !params.way.is_empty(),
        "way",
        "",
        "there is no way to train",
        "add a [[way]]",
    );
    for (at, way) in params.way.iter().enumerate() {
        let key = |part: &str| format!("way[{at}].{part}");
        let letters = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        mistakes.require(
            !way.name.is_empty() && way.name.chars().all(letters) && !way.name.starts_with('.'),
            &key("name"),
            format!("{:?}", way.name),
            "names files, so it must be of letters, digits, `-`, `_`, `+` and `.`",
            "write for instance \"k5-kept\"",
        );
        mistakes.require(
            way.seeds.iter().all(|seed| seeds.contains(seed)),
            &key("seeds"),
            format!("{:?}", way.seeds),
            format!("must be seeds of the file, {:?}", params.seeds),
            "add them there, or leave the key out for all of them",
        );
        if let Some(Start::Way(start)) = &way.start {
            let earlier = params.way[..at].iter().find(|way| way.name == *start);
            let trained = |first: &WayParams| {
                let own = params.seeds_of(way);
                own.iter().all(|seed| params.seeds_of(first).contains(seed))
            };
            mistakes.require(
                earlier.is_some_and(trained),
                &key("start.way"),
                format!("{start:?}"),
                "is not the name of an earlier way that is trained with the same seeds",
                "put the way that it starts from before it",
            );
        }
        mistakes.require(
            known.insert(way.name.clone()),
            &key("name"),
            format!("{:?}", way.name),
            "is the name of an earlier way, too",
            "give every way a name of its own",
        );
    }
    let LogParams { every, checkpoint } = params.log;
    mistakes.require(
        every > 0,
        "log.every",
        every,
        "must be above 0",
        "write for instance 50",
    );
    mistakes.require(
        checkpoint > 0 && (every == 0 || checkpoint.is_multiple_of(every)),
        "log.checkpoint",
        checkpoint,
        format!("must be a multiple of log.every, {every}"),
        "write for instance ten times log.every",
    );
    mistakes
}

type Checked = (Net, Vec<Attend>, Vec<Trial>);

fn check_ways(params: &TrainingParams, side: usize, mistakes: &mut Mistakes) -> Option<Checked> {
    let net = mistakes.keep("net", params.net.check(side, params.data.classes))?;
    let tokens = net.tokens();
    let mut attends = Vec::new();
    for (at, way) in params.way.iter().enumerate() {
        let key = |part: &str| format!("way[{at}].{part}");
        mistakes.keep(&key("schedule"), way.schedule.check(GRAIN, side));
        attends.extend(mistakes.keep(&key("attention"), way.attention.check(tokens)));
    }
    let mut trials = Vec::new();
    let global = params.accuracy.k.iter().map(|k| TopParams::global(*k));
    let keys = (0..params.accuracy.k.len()).map(|at| format!("accuracy.k[{at}]"));
    let others = (0..params.accuracy.top.len()).map(|at| format!("accuracy.top[{at}]"));
    let tops = global.chain(params.accuracy.top.iter().cloned());
    for (top, key) in tops.zip(keys.chain(others)) {
        let keep = mistakes.keep(&key, top.check(tokens));
        trials.extend(keep.map(|keep| Trial {
            name: format!("k={}", top.shown()),
            attend: Attend::keeping(keep),
        }));
    }
    trials.push(Trial {
        name: "all".to_owned(),
        attend: Attend::default(),
    });
    Some((net, attends, trials))
}
