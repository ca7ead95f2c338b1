//! Training one way with one seed: steps, a log, checkpoints to resume from, and the finished weights.
//!
//! In the folder of a training file, for a way and a seed: `<way>-seed<seed>.csv` the log,
//! `.state.safetensors` what an unfinished training goes on from, `.safetensors` the finished weights with
//! everything that is known of them. A finished file is what says that a training is done.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::checkpoint::STATE;
use crate::base::hex::hex;
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::shell::config::{FileMistakes, Start, TrainingPlan, WayParams};
use crate::shell::journal::{JournalError, write_whole};
use crate::study::train::{
    Attend, Crew, Diverged, Gradient, Loss, Metadata, Model, State, Task, Trainer, Units, accuracy,
    first_weights, read_weights, rounded, write_weights,
};

/// All threads there are.
#[derive(Clone, Copy, Debug)]
pub struct Pool;

impl Crew for Pool {
    fn each<T: Send>(&self, items: &mut [T], job: impl Fn(usize, &mut T) + Send + Sync) {
        items
            .par_iter_mut()
            .enumerate()
            .for_each(|(at, item)| job(at, item));
    }
}

/// Why a training ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// A file that is read is wrong.
    #[error(transparent)]
    Files(#[from] FileMistakes),
    /// A file cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The loss is no number any more.
    #[error("{what}: {diverged}")]
    Diverged {
        /// Way and seed.
        what: String,
        /// Where.
        diverged: Diverged,
    },
}

/// One way with one seed.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The training file.
    pub plan: &'a TrainingPlan,
    /// Which way of it.
    pub way: usize,
    /// Seed.
    pub seed: u64,
    /// Where everything is written.
    pub folder: &'a Path,
}

/// How far a training is.
#[derive(Clone, Copy, Debug)]
pub struct Stand {
    /// Steps done.
    pub step: usize,
    /// Mean loss of an image since the last row of the log.
    pub loss: f64,
}

/// What there is of a training in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Nothing.
    Nothing,
    /// Its finished weights.
    Finished,
    /// A state to go on from.
    Unfinished,
    /// Weights or a state of the same name that another file, other images or another version made.
    Other,
}

/// What the names of a training's files end in: its log, its weights, its state.
pub const ENDINGS: [&str; 3] = ["csv", "safetensors", STATE];

/// Key of the hash of everything that a training depends on.
pub(super) const RUN: &str = "run";
pub(super) const ACCURACY: &str = "accuracy";
/// First line of a log.
const HEADER: &str = "step,rate,loss,train_accuracy,test_accuracy\n";

impl Run<'_> {
    /// What its files are called.
    #[must_use]
    pub fn name(&self) -> String {
        let way = &self.plan.params.way[self.way].name;
        format!("{way}-seed{}", self.seed)
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name()))
    }

    /// The file it starts from.
    fn start(&self) -> Option<PathBuf> {
        let start = self.plan.params.way[self.way].start.as_ref()?;
        Some(match start {
            Start::File(path) => path.clone(),
            Start::Way(way) => self
                .folder
                .join(format!("{way}-seed{}.safetensors", self.seed)),
        })
    }

    /// First weights, and the hash of everything that the result depends on.
    fn origin(&self) -> Result<(Vec<f32>, String), TrainingError> {
        let params = &self.plan.params;
        // What it starts from counts by its content, below, and not by its place.
        let way = WayParams {
            start: None,
            seeds: Vec::new(),
            ..params.way[self.way].clone()
        };
        let mut hash = Sha256::new();
        let about = json!([
            env!("CARGO_PKG_VERSION"),
            self.seed,
            params.net,
            params.data.classes,
            params.log,
            params.accuracy,
            way,
        ]);
        hash.update(about.to_string());
        for images in [&self.plan.train, &self.plan.test] {
            hash.update(&images.pixels);
            hash.update(&images.labels);
        }
        let weights = match self.start() {
            None => first_weights(&self.plan.net, Seed(self.seed)),
            Some(path) => {
                let file = path.display().to_string();
                if !path.exists() {
                    let mut mistakes = Mistakes::none();
                    mistakes.add(
                        &format!("way[{}].start", self.way),
                        "",
                        "the weights it starts from are not there",
                        "train the way that makes them first",
                    );
                    return Err(FileMistakes::of(&file, mistakes).into());
                }
                let (bytes, sha256) = TrainingPlan::checkpoint(&path)?;
                hash.update(sha256);
                let read = read_weights(&self.plan.net, &bytes);
                read.map_err(|mistakes| FileMistakes::of(&file, mistakes))?
                    .0
            }
        };
        Ok((weights, hex(&hash.finalize())))
    }

    /// Metadata of the finished weights, if this very training is done.
    ///
    /// # Errors
    /// A checkpoint that it starts from, or its own, is wrong.
    pub fn finished(&self) -> Result<Option<Metadata>, TrainingError> {
        if self.start().is_some_and(|path| !path.exists()) {
            return Ok(None);
        }
        let path = self.path("safetensors");
        if !path.exists() {
            return Ok(None);
        }
        let (bytes, _) = TrainingPlan::checkpoint(&path)?;
        let (_, metadata) = read_weights(&self.plan.net, &bytes)
            .map_err(|mistakes| FileMistakes::of(&path.display().to_string(), mistakes))?;
        let (_, run) = self.origin()?;
        Ok((metadata.get(RUN) == Some(&run)).then_some(metadata))
    }

    /// What there is of it in its folder.
    ///
    /// # Errors
    /// A file of its name that cannot be read.
    pub fn stands(&self) -> Result<Stands, TrainingError> {
        let state = self.path(STATE);
        let (is_begun, is_done) = (state.exists(), self.path("safetensors").exists());
        // Without the weights that it starts from it cannot be told whose it is.
        let has_start = self.start().is_none_or(|path| path.exists());
        if is_done && has_start && self.finished()?.is_none() {
            return Ok(Stands::Other);
        }
        if is_begun && has_start {
            let (_, run) = self.origin()?;
            match self.resumed(&state, &run) {
                Err(TrainingError::Journal(JournalError::Other { .. })) => {
                    return Ok(Stands::Other);
                }
                state => state?,
            };
        }
        // One that was stopped between its last two files has both.
        Ok(match (is_begun, is_done) {
            (_, true) => Stands::Finished,
            (true, false) => Stands::Unfinished,
            (false, false) => Stands::Nothing,
        })
    }

    /// Trains, from the last checkpoint with `resume`; `ticked` is told of every step.
    ///
    /// # Errors
    /// Files that are wrong or cannot be written, a checkpoint of another training, a loss that is
    /// no number.
    pub fn train(
        &self,
        resume: bool,
        ticked: &mut dyn FnMut(Stand),
    ) -> Result<Metadata, TrainingError> {
        let (weights, run) = self.origin()?;
        let params = &self.plan.params;
        let way = &params.way[self.way];
        let task = Task {
            net: &self.plan.net,
            attend: &self.plan.attends[self.way],
            schedule: &way.schedule,
            images: &self.plan.train,
            seed: Seed(self.seed),
        };
        let state_path = self.path(STATE);
        let (mut trainer, mut log) = if resume && state_path.exists() {
            let (state, log) = self.resumed(&state_path, &run)?;
            (Trainer::go_on(task, state), log)
        } else {
            (Trainer::begin(task, weights, &Pool), HEADER.to_owned())
        };
        let mut since = (Loss::default(), 0);
        while !trainer.is_done() {
            let rate = way.schedule.rate_at(trainer.state.step);
            let loss = trainer
                .step(&Pool)
                .map_err(|diverged| TrainingError::Diverged {
                    what: self.name(),
                    diverged,
                })?;
            since.0.sum += loss.sum;
            since.0.right += loss.right;
            since.1 += way.schedule.batch;
            let step = trainer.state.step;
            let mean = since.0.sum / since.1 as f64;
            ticked(Stand { step, loss: mean });
            let last = trainer.is_done();
            let keeps = step.is_multiple_of(params.log.checkpoint);
            if step.is_multiple_of(params.log.every) || last {
                let right = since.0.right as f64 / since.1 as f64;
                let test = if keeps || last {
                    let found = self.accuracy(&trainer.state, task.attend);
                    format!("{found:.4}")
                } else {
                    String::new()
                };
                log.push_str(&format!("{step},{rate:.3e},{mean:.5},{right:.4},{test}\n"));
                write_whole(&self.path("csv"), log.as_bytes())?;
                since = (Loss::default(), 0);
            }
            if keeps && !last {
                self.keep(&state_path, &trainer.state, &log, &run)?;
            }
        }
        let metadata = self.finish(&trainer.state, run)?;
        self.leave_no_state()?;
        Ok(metadata)
    }

    /// Removes what a finished training would go on from.
    ///
    /// # Errors
    /// A state that cannot be removed.
    pub fn leave_no_state(&self) -> Result<(), TrainingError> {
        let path = self.path(STATE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(JournalError::Io { path, error }.into())
            }
            _ => Ok(()),
        }
    }

    fn accuracy(&self, state: &State, attend: &Attend) -> f64 {
        let model = Model {
            net: &self.plan.net,
            weights: &state.weights,
            attend,
            units: &state.units,
        };
        accuracy(&model, &self.plan.test, &Pool)
    }

    /// Tries the finished weights, as they are stored, and writes them.
    fn finish(&self, state: &State, run: String) -> Result<Metadata, TrainingError> {
        let way = &self.plan.params.way[self.way];
        let stored = State {
            weights: rounded(&state.weights),
            ..state.clone()
        };
        let exact = State {
            units: Units::default(),
            ..stored.clone()
        };
        let mut found = serde_json::Map::new();
        for trial in &self.plan.trials {
            let share = self.accuracy(&exact, &trial.attend);
            found.insert(trial.name.clone(), json!(format!("{share:.4}")));
        }
        let own = self.accuracy(&stored, &self.plan.attends[self.way]);
        found.insert("own".to_owned(), json!(format!("{own:.4}")));
        let attention = &way.attention;
        let top = attention.top.as_ref();
        let start = self.start().map_or_else(String::new, |path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        });
        let gradient = match (top, attention.gradient) {
            (None, _) => "",
            (_, Some(Gradient::Complete {})) => "complete",
            _ => "kept",
        };
        let text = |value: serde_json::Result<String>| value.unwrap_or_default();
        let metadata: Metadata = [
            ("format", "pt".to_owned()),
            ("way", way.name.clone()),
            ("seed", self.seed.to_string()),
            ("steps", way.schedule.steps.to_string()),
            ("batch", way.schedule.batch.to_string()),
            ("start", start),
            (
                "k",
                top.map_or_else(|| "all".to_owned(), |top| top.k.to_string()),
            ),
            (
                "split",
                top.map_or_else(String::new, |top| {
                    let sizes: Vec<String> = top.tiles.iter().map(ToString::to_string).collect();
                    if sizes.is_empty() {
                        String::new()
                    } else {
                        format!("{} of {}", top.shown(), sizes.join("+"))
                    }
                }),
            ),
            ("gradient", gradient.to_owned()),
            (
                "quantise",
                attention
                    .quantise
                    .map_or_else(String::new, |qat| text(serde_json::to_string(&qat))),
            ),
            ("units", text(serde_json::to_string(&state.units.0))),
            (ACCURACY, text(serde_json::to_string(&found))),
            (RUN, run),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty() && value != "[]")
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        let bytes = write_weights(&self.plan.net, &state.weights, &metadata);
        write_whole(&self.path("safetensors"), &bytes)?;
        Ok(metadata)
    }
}
