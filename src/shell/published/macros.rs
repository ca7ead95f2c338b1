//! `topkima reproduce macros`: silicon macros, published energy beside the model's.
//!
//! A number counts as predicted only if nothing was set on it. So rows come in four groups
//! ([`Group`]): the numbers that set a constant, other points of the same chips, whole macros on
//! which no constant in use was set, and the ADC survey regression with no constant of ours at all.
//! Every held-out macro is a [`prices::Geometry`]: counts and a supply. It cannot carry a factor of
//! its own.

mod calibrated;
mod held_out;
pub mod prices;
pub mod silicon;
mod table;

use crate::base::energy::range::OutOfRange;
use crate::base::units::{Joules, Volts};

use super::{Published, Tag};
use prices::{Breakdown, Calibration};
use silicon::Paper;
pub use table::render;

/// What the model knew of a row before it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Calibrated: the number sets a constant, its error is zero by construction.
    Sets,
    /// Calibrated: another point of a chip that set a constant.
    SameChip,
    /// Held out: a whole macro on which no constant of the row was set.
    HeldOut,
    /// Held out: the ADC survey regression, without any factor.
    Survey,
}

impl Group {
    /// All groups in the order of the table.
    pub const ALL: [Self; 4] = [Self::Sets, Self::SameChip, Self::HeldOut, Self::Survey];

    /// Whether no number of the row's macro entered any constant the row uses.
    #[must_use]
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::HeldOut | Self::Survey)
    }

    /// Heading in the table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sets => {
                "CALIBRATED - numbers that set a constant (no error by construction, not averaged)"
            }
            Self::SameChip => "CALIBRATED - other points of the same chips",
            Self::HeldOut => {
                "HELD OUT - no constant used here was set on the macro, and it has no factor of its own"
            }
            Self::Survey => "HELD OUT - ADC survey regression alone, no factor",
        }
    }
}

/// How much of a macro a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The whole analog macro.
    Whole,
    /// One component of it.
    Component,
}

/// One published energy beside the model's.
#[derive(Clone, Debug, PartialEq)]
pub struct MacroRow {
    /// Which macro, its citation and node.
    pub paper: Paper,
    /// What the energy is of.
    pub quantity: String,
    /// The whole macro or a component.
    pub scope: Scope,
    /// What the paper prints.
    pub published: Published,
    /// What the model says, by component, or why it does not answer.
    pub model: Result<Breakdown, OutOfRange>,
    /// What the model knew.
    pub group: Group,
    /// How the model's number was obtained.
    pub how: &'static str,
}

impl MacroRow {
    /// The model's energy, if it answers.
    #[must_use]
    pub fn model_energy(&self) -> Option<Joules> {
        self.model.as_ref().ok().map(Breakdown::total)
    }

    /// Model against published, signed, in percent.
    #[must_use]
    pub fn error_percent(&self) -> Option<f64> {
        let model = self.model_energy()?;
        Some((model.si() / self.published.energy.si() - 1.0) * 100.0)
    }

    /// How the published number reached this crate.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.published.tag
    }
}

/// All rows, group by group, always in the same order.
#[must_use]
pub fn macros() -> Vec<MacroRow> {
    let calibration = Calibration::shipped();
    let mut rows = calibrated::rows(&calibration);
    rows.extend(held_out::rows(&calibration));
    rows.extend(held_out::survey_alone());
    rows.sort_by_key(|row| row.group);
    rows
}

/// A supply as the papers write it: `0.85 V`, not `850 mV`.
fn at(supply: Volts) -> String {
    format!("{} V", supply.si())
}

#[cfg(test)]
mod tests;
