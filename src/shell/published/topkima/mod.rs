//! `topkima reproduce topkima`: the numbers of Topkima-Former (arXiv 2411.13050) beside the model's.
//!
//! A number is called reproduced only when nothing was fitted to it, so every row says how it was
//! obtained ([`How`]). Replays run the device's time constants through the serial schedule of
//! [`timing`](crate::hardware::timing) and have to hold to 1 %; [`misses`] names those that do not.

mod borne;
mod energy;
mod fitted;
mod open;
mod paper;
mod render;
mod replay;
mod rivals;
mod schedule;
mod sensitivity;
mod simulated;
mod system;
mod trained;

use crate::base::mistake::Mistakes;
use crate::hardware::device::DeviceParams;
use crate::shell::training::Pool;
use crate::study::workload::Workload;

pub use borne::Borne;
pub use render::render;
pub use trained::{Checkpoint, Trained};

/// How a number of the model was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The paper's constants through the simulator's own schedule; nothing fitted.
    Replay,
    /// Needs a constant that the paper does not state.
    Fitted,
    /// Simulated on real heads; nothing fitted, and nothing promised.
    Simulated,
    /// A trend of the paper's, on another model that was trained here.
    OtherModel,
    /// A published number over a quantity that the paper leaves open or fixes to its advantage.
    Sensitivity,
    /// The system of NeuroSim, rebuilt with constants that are counted; and the table of rivals.
    System,
    /// Not reproduced, and why.
    NotReproducible,
}

impl How {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::Replay,
        Self::Fitted,
        Self::Simulated,
        Self::OtherModel,
        Self::Sensitivity,
        Self::System,
        Self::NotReproducible,
    ];
}

/// One published number beside the model's.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the number is of.
    pub quantity: String,
    /// What the paper says.
    pub published: String,
    /// What the model says, computed.
    pub model: String,
    /// Model against published, signed, in percent; none where one of the two is no number.
    pub error_percent: Option<f64>,
    /// How the model's number was obtained.
    pub how: How,
    /// What a reader should know; empty where there is nothing.
    pub note: String,
}

impl Row {
    fn new(
        how: How,
        quantity: impl Into<String>,
        published: impl Into<String>,
        model: impl Into<String>,
    ) -> Self {
        Self {
            quantity: quantity.into(),
            published: published.into(),
            model: model.into(),
            error_percent: None,
            how,
            note: String::new(),
        }
    }

    /// With the error of `model` against `published`.
    fn against(mut self, published: f64, model: f64) -> Self {
        self.error_percent = Some((model / published - 1.0) * 100.0);
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// A part that the inputs do not allow.
    fn refused(how: How, quantity: &str, mistakes: &Mistakes) -> Self {
        let reasons: Vec<String> = mistakes.0.iter().map(ToString::to_string).collect();
        Self::new(how, quantity, "-", "refused").note(reasons.join(". "))
    }
}

/// What the table is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Heads of a real model, with calibration rows from another text.
    pub workload: Workload,
    /// The paper's device: its time constants are replayed and its prices are used.
    pub device: DeviceParams,
    /// A transformer trained for few keys, where its weights and images are at hand.
    pub trained: Option<Trained>,
    /// A sweep of noise, the first point without any.
    pub borne: Vec<Borne>,
}

/// Percent by which a replay may miss.
pub const TOLERANCE_PERCENT: f64 = 1.0;

/// All rows, group by group, always in the same order.
#[must_use]
pub fn topkima(inputs: &Inputs) -> Vec<Row> {
    let constants = &inputs.device.timing;
    let mut rows = replay::rows(constants);
    rows.extend(fitted::rows(constants));
    rows.extend(simulated::rows(inputs));
    rows.extend(trained::rows(inputs.trained.as_ref(), &Pool));
    rows.extend(borne::rows(&inputs.borne));
    rows.extend(sensitivity::rows(&inputs.device));
    rows.extend(system::rows(&inputs.device));
    rows.extend(rivals::rows());
    rows.extend(open::rows());
    rows
}

/// Replays off by more than [`TOLERANCE_PERCENT`]; a replay without a number is off too.
#[must_use]
pub fn misses(rows: &[Row]) -> Vec<&Row> {
    let holds = |row: &Row| {
        row.error_percent
            .is_some_and(|error| error.abs() <= TOLERANCE_PERCENT)
    };
    rows.iter()
        .filter(|row| row.how == How::Replay && !holds(row))
        .collect()
}

#[cfg(test)]
mod tests;
