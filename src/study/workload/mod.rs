//! Q, K and V: from a user's arrays or from a synthetic family, never from a file itself.
//!
//! Calibration rows never appear in results: a file names another file or gives up its first
//! queries, a synthetic family draws a separate stream.

mod file;
mod layout;
mod overlap;
mod padding;
mod rows;
mod synthetic;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, de};

pub use self::layout::Axes;
pub use self::synthetic::{Family, SyntheticParams};
use crate::base::arrays::Array;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::hardware::attention::{Few, Head, Shape};

/// Where calibration rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CalibrationSource {
    /// Another file of the same layout, with other rows.
    Path(PathBuf),
    /// The first queries and keys of each head, padding apart; those queries are left out of the results. The keys and
    /// values stay among those of the other queries, as they do when a sentence goes on.
    First(usize),
}

impl<'de> Deserialize<'de> for CalibrationSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrCount;
        impl de::Visitor<'_> for PathOrCount {
            type Value = CalibrationSource;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the path of a file of the same layout, or the number of first queries to calibrate on")
            }
            fn visit_str<E: de::Error>(self, path: &str) -> Result<CalibrationSource, E> {
                Ok(CalibrationSource::Path(path.into()))
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<CalibrationSource, E> {
                usize::try_from(count)
                    .map(CalibrationSource::First)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))
            }
        }
        deserializer.deserialize_any(PathOrCount)
    }
}

/// `[workload.file]`: a user's own arrays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileParams {
    /// An .npz, a folder of .npy, or a .safetensors with `q`, `k`, `v` and perhaps `mask`;
    /// relative to the experiment file.
    pub path: PathBuf,
    /// Which heads; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<Vec<usize>>,
    /// Order of the dimensions of `q`, `k` and `v`.
    #[serde(default)]
    pub axes: Axes,
    /// Whether Q is already divided by sqrt(d).
    #[serde(default)]
    pub scaled: bool,
    /// Where calibration rows come from.
    pub calibration: CalibrationSource,
}

/// `[workload]`: a file or a synthetic family.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadParams {
    /// A user's own arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileParams>,
    /// A synthetic family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<SyntheticParams>,
    /// Sizes only, for time and energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<ShapeParams>,
    /// A query sees no later token.
    #[serde(default)]
    pub causal: bool,
}

/// `[workload.shape]`: a head without numbers. Every tile stops at `alpha` of its ramp.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShapeParams {
    /// Keys.
    pub tokens: usize,
    /// Queries.
    pub queries: usize,
    /// Dimension of a query and a key.
    pub d_head: usize,
    /// Dimension of a value.
    pub d_value: usize,
    /// Steps executed over steps of a full ramp, rounded up to a whole step. It depends on scores
    /// and full scale, so without numbers it has to be given; 0.31 is the paper's.
    pub alpha: f64,
}

impl Default for ShapeParams {
    fn default() -> Self {
        Self {
            tokens: 384,
            queries: 384,
            d_head: 64,
            d_value: 64,
            alpha: 0.31,
        }
    }
}

impl ShapeParams {
    fn check(&self) -> Result<Nominal, Mistakes> {
        let mut mistakes = Mistakes::none();
        for (key, value, high) in [
            ("tokens", self.tokens, MAX_TOKENS),
            ("queries", self.queries, MAX_TOKENS),
            ("d_head", self.d_head, 4096),
            ("d_value", self.d_value, 4096),
        ] {
            mistakes.require(
                (1..=high).contains(&value),
                key,
                value,
                format!("must be from 1 to {high}"),
                "the paper's head has 384 tokens and d 64",
            );
        }
        mistakes.require(
            self.alpha > 0.0 && self.alpha <= 1.0,
            "alpha",
            self.alpha,
            "must be above 0 and at most 1",
            "the paper's average is 0.31",
        );
        mistakes.or(|| Nominal {
            shape: Shape {
                heads: 1,
                queries: self.queries,
                tokens: self.tokens,
                d_head: self.d_head,
                d_value: self.d_value,
            },
            alpha: self.alpha,
        })
    }
}

/// A head of which only the sizes are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nominal {
    /// Sizes.
    pub shape: Shape,
    /// Steps executed over steps of a full ramp.
    pub alpha: f64,
}

/// The kind of workload that an experiment gives.
#[derive(Clone, Copy, Debug)]
pub enum WorkloadKind<'a> {
    /// A user's own arrays.
    File(&'a FileParams),
    /// A synthetic family.
    Synthetic(&'a SyntheticParams),
    /// Sizes alone.
    Shape(&'a ShapeParams),
}

/// Heads to run and heads to calibrate on, Q divided by sqrt(d) in both.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Heads that are measured.
    pub heads: Vec<Head>,
    /// Calibration rows of each.
    pub calibration: Vec<Head>,
    /// Most keys that any query sees.
    pub most_seen: usize,
    /// What a reader should know of it.
    pub notices: Notices,
}

impl Workload {
    /// Of each head's calibration queries, the positive live scores and the live ones.
    #[must_use]
    pub fn positives(&self) -> Vec<Vec<[usize; 2]>> {
        self.calibration.iter().map(Few::count).collect()
    }

    /// Sizes; all heads are alike.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let first = &self.heads[0];
        Shape {
            heads: self.heads.len(),
            queries: first.q.ncols(),
            tokens: first.k.nrows(),
            d_head: first.k.ncols(),
            d_value: first.v.nrows(),
        }
    }
}

/// Largest number of tokens or queries that is taken.
pub const MAX_TOKENS: usize = 65_536;

/// Arrays of a file by name.
pub type Arrays = BTreeMap<String, Array>;

/// Names that a file is asked for.
pub const WANTED: [&str; 4] = ["q", "k", "v", "mask"];

impl WorkloadParams {
    /// Whether nothing is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Which of the kinds of workload is given.
    ///
    /// # Errors
    /// None of them, or more than one.
    pub fn kind(&self) -> Result<WorkloadKind<'_>, Mistakes> {
        match (&self.file, &self.synthetic, &self.shape) {
            (Some(file), None, None) => Ok(WorkloadKind::File(file)),
            (None, Some(synthetic), None) => Ok(WorkloadKind::Synthetic(synthetic)),
            (None, None, Some(shape)) => Ok(WorkloadKind::Shape(shape)),
            _ => {
                let mut mistakes = Mistakes::none();
                mistakes.add(
                    "",
                    "",
                    "needs one of [workload.file], [workload.synthetic] and [workload.shape]",
                    "see experiments/k_sweep.toml for a file, throughput.toml for a synthetic head and cost_vs_length.toml for a shape; a whole encoder has [model] and [task] instead",
                );
                Err(mistakes)
            }
        }
    }

    /// The sizes of a shape.
    ///
    /// # Errors
    /// Sizes outside their range; a mask, for which it has no scores.
    pub fn sizes(&self, shape: &ShapeParams) -> Result<Nominal, Mistakes> {
        let mut mistakes = Mistakes::none();
        mistakes.require(
            !self.causal,
            "causal",
            self.causal,
            "a shape has no scores that could be masked",
            "take it out, or name a file or a synthetic family",
        );
        match mistakes.keep("shape", shape.check()) {
            Some(nominal) if mistakes.0.is_empty() => Ok(nominal),
            _ => Err(mistakes),
        }
    }
}

#[cfg(test)]
mod tests;
