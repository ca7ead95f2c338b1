//! A cell and its noise: what a device file says, checked into what the crossbar needs.
//!
//! A cell goes through fixed stages and none replaces another:
//! write (programming error, stuck-at) -> drift(t) -> per-read noise. What happens on the lines and
//! at the comparator is kept here as numbers and applied by `crossbar` and `converter`.

mod cell;
mod check;
mod effect;
mod formula;
mod params;
mod range;
mod spread;
mod told;

pub(crate) use cell::CellDraws;
pub use cell::{Cell, Mapping, Stored};
pub use effect::Effect;
pub use formula::{Aged, DriftParams, ProgrammingParams, ReadParams, ShiftAge};
pub use params::{CellParams, ColumnParams, DeviceParams, Grades, LineParams, StuckAtParams};
pub use spread::{Drift, Spread};

use std::sync::Arc;

use crate::base::notice::Notices;
use crate::base::units::{Siemens, Volts};
use crate::hardware::events::Prices;
use crate::hardware::timing::TimeConstants;

/// What is left of a device's imperfections in a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Only these, if given.
    pub only: Option<Vec<Effect>>,
    /// All but these.
    pub without: Vec<Effect>,
    /// Multiplies every standard deviation and stuck-at rate.
    pub noise_scale: f64,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            only: None,
            without: Vec::new(),
            noise_scale: 1.0,
        }
    }
}

impl Selection {
    /// Whether an effect is left.
    #[must_use]
    pub fn keeps(&self, effect: Effect) -> bool {
        !self.without.contains(&effect)
            && self.only.as_ref().is_none_or(|only| only.contains(&effect))
    }

    /// The value of an effect, zero where it is left out.
    fn on(&self, effect: Effect, value: f64) -> f64 {
        if self.keeps(effect) { value } else { 0.0 }
    }

    /// The same for a standard deviation or a rate, which the study scales.
    fn noise(&self, effect: Effect, value: f64) -> f64 {
        self.on(effect, value) * self.noise_scale
    }

    /// Whether every effect is left as the device has it.
    fn is_whole(&self) -> bool {
        self.only.is_none() && self.without.is_empty()
    }
}

/// The lines of a column, in unit charges (one cell, one unit pulse).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Discharge at which a line stops; infinite when headroom is switched off.
    pub headroom: f64,
    /// Discharge over the whole swing, against which compression is measured.
    pub swing: f64,
    /// Loss of slope at full swing, a ratio.
    pub compression: f64,
    /// Charge lost by each pulse.
    pub pulse_loss: f64,
    /// Relative standard deviation of the left-right capacitance difference.
    pub capacitance_mismatch: f64,
    /// Relative loss that one conducting cell causes in one wire segment.
    pub ir_segment: f64,
    /// Unit charges that one cell can take in one picosecond of pulse.
    pub charge_per_picosecond: f64,
    /// Volts of a unit charge.
    pub unit_discharge: Volts,
    /// Voltage of a line before it is discharged.
    pub precharge: Volts,
}

/// The comparator side of a column, in LSB of the ramp unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Standard deviation of the static offset.
    pub offset: f64,
    /// Standard deviation of the comparator noise.
    pub noise: f64,
    /// Relative standard deviation of one ramp replica cell.
    pub replica_mismatch: f64,
    /// Standard deviation of the plain ADC's noise, in its own LSB.
    pub adc_noise: f64,
    /// Bits of the ramp for which the offset is stated; none where the experiment states it.
    pub offset_for: Option<u32>,
    /// Bits of the ramp for which the noise is stated; none where the experiment states it.
    pub noise_for: Option<u32>,
}

/// A checked device at one age, with the effects of one study.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Name of the device.
    pub name: String,
    /// The technology.
    pub cell: Cell,
    /// Largest and smallest conductance that is written, where cells have one.
    pub conductances: Option<[Siemens; 2]>,
    /// Write.
    pub programming: Spread,
    /// Time.
    pub drift: Drift,
    /// Read.
    pub read: Spread,
    /// Share of halves stuck off.
    pub stuck_off: f64,
    /// Share of halves stuck on.
    pub stuck_on: f64,
    /// Lines and pulses.
    pub line: Line,
    /// Comparator, replicas, plain ADC.
    pub column: Column,
    /// Writes that a cell endures.
    pub endurance: Option<f64>,
    /// Durations of its steps.
    pub timing: TimeConstants,
    /// Prices of its actions.
    pub prices: Arc<Prices>,
    /// What a reader should know about the numbers.
    pub notices: Notices,
}
