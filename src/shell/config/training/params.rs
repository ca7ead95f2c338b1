//! A training file as it is written.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::study::train::{AttentionParams, NetParams, ScheduleParams, TopParams};

/// Where the images lie: folders with the four files of the MNIST family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataParams {
    /// Folder of the training images, relative to the training file.
    pub train: PathBuf,
    /// Folder of the test images.
    pub test: PathBuf,
    /// Classes.
    #[serde(default = "classes")]
    pub classes: usize,
}

const fn classes() -> usize {
    10
}

/// `[log]`: what is written while a way is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogParams {
    /// Steps of a row of the loss.
    pub every: usize,
    /// Steps between checkpoints to resume from, at which the test set is tried; a multiple of `every`.
    pub checkpoint: usize,
}

impl Default for LogParams {
    fn default() -> Self {
        Self {
            every: 50,
            checkpoint: 500,
        }
    }
}

/// `[accuracy]`: what a finished way is tried with, beside all keys and its own attention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccuracyParams {
    /// Keys kept of all.
    pub k: Vec<usize>,
    /// Other selections.
    pub top: Vec<TopParams>,
}

/// What a way starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Start {
    /// The finished weights of an earlier way of the file, of the same seed.
    Way(String),
    /// A checkpoint, relative to the training file.
    File(PathBuf),
}

/// `[[way]]`: one way to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WayParams {
    /// Its name in the results.
    pub name: String,
    /// Seeds it is trained with; those of the file if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// What it starts from; random weights if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// How attention works.
    #[serde(default)]
    pub attention: AttentionParams,
    /// How long and how.
    pub schedule: ScheduleParams,
}

/// A training file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingParams {
    /// What the training asks.
    pub question: String,
    /// Each way is trained once with each.
    pub seeds: Vec<u64>,
    /// Images.
    pub data: DataParams,
    /// Sizes of the transformer.
    #[serde(default)]
    pub net: NetParams,
    /// What is written on the way.
    #[serde(default)]
    pub log: LogParams,
    /// What is tried at the end.
    #[serde(default)]
    pub accuracy: AccuracyParams,
    /// Ways, each after those it starts from.
    pub way: Vec<WayParams>,
}

impl TrainingParams {
    /// Seeds a way of the file is trained with.
    #[must_use]
    pub fn seeds_of<'a>(&'a self, way: &'a WayParams) -> &'a [u64] {
        if way.seeds.is_empty() {
            &self.seeds
        } else {
            &way.seeds
        }
    }
}
