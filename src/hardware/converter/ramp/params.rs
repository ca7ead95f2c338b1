//! What an experiment says of the ramp, as it is written there.

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;

/// Number of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StepCount {
    /// 2^bits, as the paper counts.
    PowerOfTwo {},
    /// 2^bits - 1, as the parent chip counts.
    OneLess {},
}

/// Where the ramp ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Range {
    /// +FS down to 0: ramp and calibration cells of opposite state.
    OneSided {},
    /// +FS down to -FS.
    Symmetric {},
    /// The level of each step as a fraction of FS, falling, below 1.
    Explicit(Vec<f64>),
}

/// What a column reads that has not tripped at the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Below {
    /// The last step: the baselines need a code for every column.
    LastCode {},
    /// Nothing: it cannot win.
    Absent {},
}

/// Which value a step stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decode {
    /// The middle of the step.
    Centre {},
    /// The level before the step.
    UpperEdge {},
}

/// What makes the ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Placement {
    /// Replicas in each column: a bend of the lines cancels at the crossing.
    InColumn {},
    /// One ramp for all columns: no replica mismatch, but the lines' bend shows in the code.
    External {},
}

/// How often comparator noise is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NoiseDraw {
    /// Once a conversion.
    PerConversion {},
    /// At each step: a first passage, which trips early.
    PerStep {},
}

/// Full scale of the ramp.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FullScale {
    /// This percentile of the positive calibration scores of each head, in percent.
    Percentile(f64),
    /// This score for every head.
    Scores(f64),
    /// A score for each head.
    PerHead(Vec<f64>),
}

/// Whether there are steps at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Resolution {
    /// A ramp of steps.
    Steps {},
    /// A converter without steps: the value itself, for comparison.
    Exact {},
}

/// `[ramp]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RampParams {
    /// Bits, 1 to 12.
    pub bits: u32,
    /// Number of steps.
    pub steps: StepCount,
    /// Where the ramp ends.
    pub range: Range,
    /// Full scale.
    pub full_scale: FullScale,
    /// Columns below the last step.
    pub below: Below,
    /// Value of a step.
    pub decode: Decode,
    /// What makes the ramp.
    pub placement: Placement,
    /// How often comparator noise is drawn.
    pub comparator_noise: NoiseDraw,
    /// Steps, or none.
    pub resolution: Resolution,
}

impl Default for RampParams {
    fn default() -> Self {
        Self {
            bits: 5,
            steps: StepCount::PowerOfTwo {},
            range: Range::OneSided {},
            full_scale: FullScale::Percentile(99.9),
            below: Below::LastCode {},
            decode: Decode::Centre {},
            placement: Placement::InColumn {},
            comparator_noise: NoiseDraw::PerConversion {},
            resolution: Resolution::Steps {},
        }
    }
}

impl FullScale {
    pub(super) fn check(&self, heads: usize, m: &mut Mistakes) {
        match self {
            Self::Percentile(percent) => m.require(
                *percent > 0.0 && *percent <= 100.0,
                "full_scale.percentile",
                percent,
                "must be above 0 and at most 100",
                "write for instance 99.9",
            ),
            Self::Scores(score) => m.require(
                *score > 0.0 && score.is_finite(),
                "full_scale.scores",
                score,
                "must be a finite score above zero",
                "write for instance 6.0",
            ),
            Self::PerHead(scores) => {
                m.require(
                    scores.len() == heads,
                    "full_scale.per-head",
                    format!("{} scores", scores.len()),
                    format!("needs one for each of the {heads} heads of the workload"),
                    "give as many as there are heads",
                );
                for score in scores
                    .iter()
                    .filter(|score| !(**score > 0.0 && score.is_finite()))
                {
                    m.add(
                        "full_scale.per-head",
                        score,
                        "must be a finite score above zero",
                        "write for instance 6.0",
                    );
                }
            }
        }
    }
}

impl Range {
    pub(super) fn is_one_sided(&self) -> bool {
        match self {
            Self::OneSided {} => true,
            Self::Symmetric {} => false,
            Self::Explicit(levels) => levels.last().is_none_or(|last| *last >= 0.0),
        }
    }

    /// The range over FS, and the depth of each of `count` steps in LSB, the start (0) first.
    pub(super) fn lay(&self, count: usize, m: &mut Mistakes) -> (f64, Vec<f64>) {
        match self {
            Self::OneSided {} => (1.0, (0..=count).map(|s| s as f64).collect()),
            Self::Symmetric {} => (2.0, (0..=count).map(|s| s as f64).collect()),
            Self::Explicit(levels) => {
                let fix = if count <= 8 {
                    let level = |step: usize| 1.0 - step as f64 / count as f64;
                    let levels: Vec<f64> = (1..=count).map(level).collect();
                    format!("write for instance {levels:?}")
                } else {
                    format!("write {count} levels, for instance 1 - s / {count} for step s")
                };
                m.require(
                    levels.len() == count,
                    "range.explicit",
                    format!("{} levels", levels.len()),
                    format!("needs one for each of the {count} steps"),
                    fix.clone(),
                );
                let falls = levels.iter().all(|level| level.is_finite())
                    && levels.first().is_some_and(|first| *first < 1.0)
                    && levels.windows(2).all(|pair| pair[1] < pair[0])
                    && levels.last().is_some_and(|last| *last >= -1.0);
                m.require(
                    falls,
                    "range.explicit",
                    format!("{levels:?}"),
                    "levels are fractions of FS that fall, from below 1 to -1 at the lowest",
                    fix,
                );
                let span = levels.last().map_or(1.0, |last| 1.0 - last);
                let depth = std::iter::once(0.0)
                    .chain(
                        levels
                            .iter()
                            .map(|level| (1.0 - level) / span * count as f64),
                    )
                    .collect();
                (span, depth)
            }
        }
    }
}
