//! What a device file says, as it is written there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cell::Mapping;
use super::formula::{DriftParams, ProgrammingParams, ReadParams};
use crate::base::sourced::Sourced;
use crate::base::units::{Fraction, Lsb, Ohms, Picos, Siemens, Volts};
use crate::hardware::events::PriceList;
use crate::hardware::timing::TimeConstants;

/// `[cell]`: the technology.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum CellParams {
    /// A multiplier without any spread; takes exact weights too.
    Ideal {},
    /// Current-domain SRAM: a dual cell stores -1, 0 or +1.
    Sram {
        /// Relative spread of a dual cell's current, one draw a dual cell and chip.
        mismatch: Sourced<Fraction>,
        /// Current of a conducting cell over the line voltage, for the voltage loss along the line.
        conductance: Sourced<Siemens>,
    },
    /// A programmable conductance.
    Resistive {
        /// Largest conductance that is written.
        g_max: Sourced<Siemens>,
        /// Smallest conductance that is written.
        g_min: Sourced<Siemens>,
        /// A cell holds `2^bits_per_cell` levels; wider weights take several cells.
        bits_per_cell: Sourced<u32>,
        /// How a signed weight is made of conductances that have no sign.
        mapping: Mapping,
    },
}

/// `[stuck_at]`: share of cell halves that no longer switch, fabricated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StuckAtParams {
    /// Stuck at the smallest conductance.
    pub off: Sourced<Fraction>,
    /// Stuck at the largest conductance.
    pub on: Sourced<Fraction>,
}

/// `[line]`: the two bitlines of a column and the input pulses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineParams {
    /// Voltage that one cell takes from its line in one unit pulse.
    pub unit_discharge: Sourced<Volts>,
    /// Voltage of a line before it is discharged.
    pub precharge: Sourced<Volts>,
    /// Voltage below which a line cannot be discharged further.
    pub headroom: Sourced<Volts>,
    /// Read wordline voltage; only its range of validity is used, to warn.
    pub read_wordline: Sourced<Volts>,
    /// Loss of slope of a line at full swing.
    pub compression: Sourced<Fraction>,
    /// Width that each input pulse loses at its edges.
    pub pulse_loss: Sourced<Picos>,
    /// Relative spread of the difference between a column's two line capacitances.
    pub capacitance_mismatch: Sourced<Fraction>,
    /// Resistance of a wire from one cell to the next.
    pub wire: Sourced<Ohms>,
}

/// `[column]`: comparator, replicas and the plain ADC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnParams {
    /// Bits of the ramp for which offset and noise are stated in LSB: a run with another ramp warns.
    #[serde(default = "five")]
    pub bits: Sourced<u32>,
    /// Residual static offset after calibration, standard deviation.
    pub offset: Sourced<Lsb>,
    /// Comparator noise, standard deviation.
    pub noise: Sourced<Lsb>,
    /// Relative spread of one ramp replica cell.
    pub replica_mismatch: Sourced<Fraction>,
    /// Noise of a conversion by the plain ADC behind A x V, in its own LSB.
    pub adc_noise: Sourced<Lsb>,
}

fn five() -> Sourced<u32> {
    Sourced::bare(5)
}

/// A device file: one technology.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceParams {
    /// Name, as in the file's name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Publication the numbers come from.
    pub reference: String,
    /// The technology.
    pub cell: CellParams,
    /// Write.
    pub programming: ProgrammingParams,
    /// Time.
    pub drift: DriftParams,
    /// Read.
    pub read: ReadParams,
    /// Cells that no longer switch.
    pub stuck_at: StuckAtParams,
    /// Lines and pulses.
    pub line: LineParams,
    /// Comparator, replicas, plain ADC.
    pub column: ColumnParams,
    /// Writes that a cell endures; none where that is no concern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endurance: Option<Sourced<f64>>,
    /// Durations of the device's steps.
    pub timing: TimeConstants,
    /// Energy of every action, and leakage.
    pub energy: PriceList,
}

/// Names of the grades a device file holds, each a table of keys that replace the file's own.
pub type Grades = BTreeMap<String, toml::Table>;
