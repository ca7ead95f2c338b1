//! Configuration: the only room that opens input files. It gathers every mistake of every file.

mod files;
mod plan;
pub mod shipped;
mod training;
pub mod tree;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use toml::Table;

pub use files::{
    Fitted, Given, Input, Store, Study, device_folder, find_above, list_toml, load_device,
};
pub use plan::{Case, EncoderWork, HeadsWork, Key, Overrides, Plan, Swept, Work};
pub use training::{
    AccuracyParams, DataParams, LogParams, Start, TrainingParams, TrainingPlan, Trial, WayParams,
    is_only_not_fetched, is_training,
};

use crate::base::mistake::{Mistake, Mistakes};
use crate::base::units::Seconds;
use crate::hardware::attention::{AttentionParams, AvParams, Datapath};
use crate::hardware::converter::RampParams;
use crate::hardware::crossbar::CrossbarParams;
use crate::hardware::device::{Effect, Selection};
use crate::hardware::quantise::QuantiseParams;
use crate::hardware::softmax::SoftmaxParams;
use crate::hardware::timing::Switches;
use crate::hardware::topk::TopkParams;
use crate::study::model::ModelParams;
use crate::study::task::TaskParams;
use crate::study::workload::WorkloadParams;

/// Largest experiment or device file that is read, in bytes.
pub const MAX_TEXT_BYTES: u64 = 1 << 20;
/// Largest array file that is read, in bytes.
pub const MAX_ARRAY_BYTES: u64 = 4 << 30;
/// Most points of a sweep.
pub const MAX_POINTS: u64 = 1_000_000;
/// Most trials of a point.
pub const MAX_TRIALS: u64 = 1_000_000_000;

/// A mistake and the file it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMistake {
    /// The file, as a person named it.
    pub file: String,
    /// The mistake.
    pub mistake: Mistake,
}

impl fmt::Display for FileMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.mistake)
    }
}

/// Every mistake found in a set of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct FileMistakes(pub Vec<FileMistake>);

impl FileMistakes {
    /// The mistakes of one file.
    #[must_use]
    pub fn of(file: &str, mistakes: Mistakes) -> Self {
        let file = file.to_owned();
        Self(
            mistakes
                .0
                .into_iter()
                .map(|mistake| FileMistake {
                    file: file.clone(),
                    mistake,
                })
                .collect(),
        )
    }

    /// Adds mistakes that are not known yet.
    pub fn join(&mut self, others: Self) {
        for other in others.0 {
            if !self.0.contains(&other) {
                self.0.push(other);
            }
        }
    }
}

/// Which imperfections are left: all, or only those named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only(pub Option<Vec<Effect>>);

impl Serialize for Only {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_str("all"),
            Some(effects) => effects.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Only {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllOrList;
        impl<'de> de::Visitor<'de> for AllOrList {
            type Value = Only;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", or a list of effects such as [\"cell-mismatch\"]")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Only, E> {
                if text == "all" {
                    Ok(Only(None))
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Only, A::Error> {
                let mut effects = Vec::new();
                while let Some(effect) = list.next_element()? {
                    effects.push(effect);
                }
                Ok(Only(Some(effects)))
            }
        }
        deserializer.deserialize_any(AllOrList)
    }
}

/// `[device]`: which device, how old its cells are, and which of its imperfections are left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceChoice {
    /// Name of a device: of a file in `device_params`, or of a built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A user's own device file, relative to the experiment file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// A grade of the device file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// Time between write and read.
    pub age: Seconds,
    /// Only these imperfections.
    pub only: Only,
    /// All but these.
    pub without: Vec<Effect>,
    /// Multiplies every standard deviation, stuck-at rate and the pulse loss.
    pub noise_scale: f64,
    /// Keys of the device file that this experiment sets otherwise.
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub with: Table,
}

impl Default for DeviceChoice {
    fn default() -> Self {
        Self {
            name: None,
            path: None,
            grade: None,
            age: Seconds::from_si(0.0),
            only: Only(None),
            without: Vec::new(),
            noise_scale: 1.0,
            with: Table::new(),
        }
    }
}

impl DeviceChoice {
    /// What is left of the imperfections.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection {
            only: self.only.0.clone(),
            without: self.without.clone(),
            noise_scale: self.noise_scale,
        }
    }
}

/// `[[design]]`: one of the datapaths under comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesignParams {
    /// Its name in the results.
    pub name: String,
    /// Which datapath.
    pub datapath: Datapath,
    /// Keys that this design sets otherwise, by path: `"ramp.bits" = 6`.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub set: Table,
}

/// `mode`: how trials are run. Both answer from the same laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mode {
    /// 32 trials at once; what has no fast path is run exactly, and `run.json` says why.
    Fast {},
    /// Every cell and every column is drawn.
    Exact {},
}

impl Default for Mode {
    fn default() -> Self {
        Self::Fast {}
    }
}

/// An experiment file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentParams {
    /// What the experiment asks.
    pub question: String,
    /// Seed of every draw.
    pub seed: u64,
    /// Chips.
    pub trials: u64,
    /// How trials are run.
    #[serde(default)]
    pub mode: Mode,
    /// The design that deltas are taken against; none for no deltas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Folder of the device files, found beside the experiment or above it if not given; devices that it does not hold
    /// are the built-in ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_folder: Option<PathBuf>,
    /// Queries, keys and values of single heads.
    #[serde(default, skip_serializing_if = "WorkloadParams::is_empty")]
    pub workload: WorkloadParams,
    /// A whole encoder in place of single heads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelParams>,
    /// What the encoder is measured on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskParams>,
    /// Device of all tiles.
    pub device: DeviceChoice,
    /// Operands.
    #[serde(default)]
    pub quantise: QuantiseParams,
    /// Key tiles.
    #[serde(default)]
    pub crossbar: CrossbarParams,
    /// Ramp ADC.
    #[serde(default)]
    pub ramp: RampParams,
    /// Selection.
    #[serde(default)]
    pub topk: TopkParams,
    /// Softmax macro.
    #[serde(default)]
    pub softmax: SoftmaxParams,
    /// A x V.
    #[serde(default)]
    pub av: AvParams,
    /// Switches of time.
    #[serde(default)]
    pub timing: Switches,
    /// The designs under comparison.
    pub design: Vec<DesignParams>,
    /// Keys by path, each with the list of its values.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub sweep: Table,
}

impl ExperimentParams {
    /// The rooms of a head.
    #[must_use]
    pub fn attention(&self) -> AttentionParams {
        AttentionParams {
            quantise: self.quantise,
            crossbar: self.crossbar.clone(),
            ramp: self.ramp.clone(),
            topk: self.topk.clone(),
            softmax: self.softmax,
            av: self.av,
            timing: self.timing.clone(),
        }
    }
}
