//! A cell and its noise: what a device file says, checked into what the crossbar needs.
//!
//! A cell goes through fixed stages and none replaces another:
//! write (programming error, stuck-at) -> drift(t) -> per-read noise. What happens on the lines and
//! at the comparator is kept here as numbers and applied by `crossbar` and `converter`.

mod cell;
mod effect;
mod formula;
mod spread;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use cell::CellDraws;
pub use cell::{Cell, Mapping, Stored};
pub use effect::Effect;
pub use formula::{Aged, DriftParams, ProgrammingParams, ReadParams, ShiftAge};
pub use spread::{Drift, Spread};

use crate::base::energy::{PriceList, Prices};
use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::base::timing::{Switches, TimeConstants, Timing};
use crate::base::units::{Fraction, Lsb, Ohms, Picos, Seconds, Siemens, Volts};

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
    /// Residual static offset after calibration, standard deviation.
    pub offset: Sourced<Lsb>,
    /// Comparator noise, standard deviation.
    pub noise: Sourced<Lsb>,
    /// Relative spread of one ramp replica cell.
    pub replica_mismatch: Sourced<Fraction>,
    /// Noise of a conversion by the plain ADC behind A x V, in its own LSB.
    pub adc_noise: Sourced<Lsb>,
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
    pub unit_volts: f64,
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
}

/// A checked device at one age, with the effects of one study.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Name of the device.
    pub name: String,
    /// The technology.
    pub cell: Cell,
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
    pub prices: Prices,
    /// What a reader should know about the numbers.
    pub warnings: Vec<String>,
}

impl DeviceParams {
    /// The device `age` after its cells were written, with the selected effects.
    ///
    /// # Errors
    /// Every value outside its range, every formula that does not hold at that age.
    pub fn check(&self, age: Seconds, selection: &Selection) -> Result<Device, Mistakes> {
        let mut mistakes = Mistakes::none();
        let keeps = |effect| selection.keeps(effect);
        let on = |effect, value: f64| if keeps(effect) { value } else { 0.0 };
        let noise = |effect, value: f64| on(effect, value) * selection.noise_scale;
        let m = &mut mistakes;

        m.require(
            age.si() >= 0.0,
            "age",
            age,
            "time since the write must not be negative",
            "write for instance \"0 s\"",
        );
        m.require(
            (0.0..=1e3).contains(&selection.noise_scale),
            "noise_scale",
            selection.noise_scale,
            "must be from 0 to 1000",
            "1 leaves the device as its file says",
        );
        let (cell, conductance) = self
            .cell
            .check(m, |sigma| noise(Effect::CellMismatch, sigma));
        let programming = m
            .keep("", self.programming.check(age))
            .unwrap_or(Spread::None);
        let drift = m.keep("", self.drift.check(age)).unwrap_or(Drift::None);
        let read = m.keep("", self.read.check(age)).unwrap_or(Spread::None);
        if matches!(programming, Spread::Additive(_)) && !matches!(cell, Cell::Ideal) {
            m.add(
                "programming.additive",
                "",
                "an error per weight needs `cell = { ideal = {} }`: a cell that is one of several has errors of its own",
                "use `proportional` or `polynomial`, or an ideal cell",
            );
        }

        let (line, warnings) =
            self.line
                .check(m, conductance, self.timing.pulse_unit.value, selection);
        let prices = m.keep("energy", self.energy.clone().check());
        // Constants are checked on their own here, so that a device file can be judged alone.
        m.keep("timing", Timing::check(&self.timing, &Switches::default()));
        if let Some(endurance) = &self.endurance {
            endurance.check("endurance", m);
            m.require(
                endurance.value >= 1.0,
                "endurance",
                endurance.value,
                "must be at least one write",
                "write for instance 1e6, or leave the key out",
            );
        }
        let column = Column {
            offset: noise(
                Effect::ColumnOffset,
                fraction_free(&self.column.offset, "column.offset", Lsb::si, m),
            ),
            noise: noise(
                Effect::ComparatorNoise,
                fraction_free(&self.column.noise, "column.noise", Lsb::si, m),
            ),
            replica_mismatch: noise(
                Effect::ReplicaMismatch,
                fraction_free(
                    &self.column.replica_mismatch,
                    "column.replica_mismatch",
                    Fraction::si,
                    m,
                ),
            ),
            adc_noise: noise(
                Effect::AdcNoise,
                fraction_free(&self.column.adc_noise, "column.adc_noise", Lsb::si, m),
            ),
        };
        let rates = [
            ("stuck_at.off", &self.stuck_at.off),
            ("stuck_at.on", &self.stuck_at.on),
        ]
        .map(|(key, rate)| {
            let rate = fraction_free(rate, key, Fraction::si, m);
            (noise(Effect::StuckAt, rate)).min(0.5)
        });
        let programming_factor = noise(Effect::Programming, 1.0);
        let read_factor = noise(Effect::DeviceRead, 1.0);
        let Some(prices) = prices else {
            return Err(mistakes);
        };
        mistakes.or(|| Device {
            name: self.name.clone(),
            cell,
            programming: programming.scaled(programming_factor),
            drift: if keeps(Effect::Drift) {
                drift
            } else {
                Drift::None
            },
            read: read.scaled(read_factor),
            stuck_off: rates[0],
            stuck_on: rates[1],
            line,
            column,
            endurance: self.endurance.as_ref().map(|endurance| endurance.value),
            timing: self.timing.clone(),
            prices,
            warnings,
        })
    }
}

/// A value that must not be negative, checked against its own range.
fn fraction_free<T: Copy + PartialOrd + std::fmt::Display>(
    sourced: &Sourced<T>,
    key: &str,
    number: impl Fn(T) -> f64,
    mistakes: &mut Mistakes,
) -> f64 {
    sourced.check(key, mistakes);
    let value = sourced.value;
    let number = number(value);
    mistakes.require(
        number >= 0.0 && number.is_finite(),
        key,
        value,
        "must be zero or above",
        "write 0 to switch it off, or name it in `device.without`",
    );
    number
}

impl CellParams {
    /// The technology and the conductance of a fully conducting cell in siemens.
    fn check(&self, m: &mut Mistakes, mismatch_left: impl Fn(f64) -> f64) -> (Cell, f64) {
        match self {
            Self::Ideal {} => (Cell::Ideal, 0.0),
            Self::Sram {
                mismatch,
                conductance,
            } => {
                let sigma = fraction_free(mismatch, "cell.sram.mismatch", Fraction::si, m);
                let g = fraction_free(conductance, "cell.sram.conductance", Siemens::si, m);
                (
                    Cell::Sram {
                        mismatch: mismatch_left(sigma),
                    },
                    g,
                )
            }
            Self::Resistive {
                g_max,
                g_min,
                bits_per_cell,
                mapping,
            } => {
                let max = fraction_free(g_max, "cell.resistive.g_max", Siemens::si, m);
                let min = fraction_free(g_min, "cell.resistive.g_min", Siemens::si, m);
                bits_per_cell.check("cell.resistive.bits_per_cell", m);
                let bits = bits_per_cell.value;
                m.require(
                    max > min,
                    "cell.resistive.g_max",
                    g_max.value,
                    format!("must be above g_min = {}", g_min.value),
                    "widen the window",
                );
                m.require(
                    (1..=8).contains(&bits),
                    "cell.resistive.bits_per_cell",
                    bits,
                    "must be from 1 to 8",
                    "write for instance 3",
                );
                let floor = if max > 0.0 { min / max } else { 0.0 };
                (
                    Cell::Resistive {
                        floor,
                        bits_per_cell: bits,
                        mapping: *mapping,
                    },
                    max,
                )
            }
        }
    }
}

impl LineParams {
    fn check(
        &self,
        m: &mut Mistakes,
        conductance: f64,
        pulse: Picos,
        selection: &Selection,
    ) -> (Line, Vec<String>) {
        let at_least_zero = |sourced: &Sourced<Volts>, key: &str, m: &mut Mistakes| {
            fraction_free(sourced, key, Volts::si, m)
        };
        let unit = at_least_zero(&self.unit_discharge, "line.unit_discharge", m);
        let precharge = at_least_zero(&self.precharge, "line.precharge", m);
        let headroom = at_least_zero(&self.headroom, "line.headroom", m);
        let compression = fraction_free(&self.compression, "line.compression", Fraction::si, m);
        let mismatch = fraction_free(
            &self.capacitance_mismatch,
            "line.capacitance_mismatch",
            Fraction::si,
            m,
        );
        let wire = fraction_free(&self.wire, "line.wire", Ohms::si, m);
        self.pulse_loss.check("line.pulse_loss", m);
        let loss = self.pulse_loss.value;
        m.require(
            unit > 0.0,
            "line.unit_discharge",
            self.unit_discharge.value,
            "must be above zero",
            "write for instance \"200 uV\"",
        );
        m.require(
            precharge > headroom,
            "line.precharge",
            self.precharge.value,
            format!("must be above line.headroom = {}", self.headroom.value),
            "raise the precharge or lower the headroom",
        );
        m.require(
            compression < 1.0,
            "line.compression",
            self.compression.value,
            "must be below 100 %",
            "write for instance \"5 %\"",
        );
        let mut warnings = Vec::new();
        let wordline = &self.read_wordline;
        if !(wordline.low <= wordline.value && wordline.value <= wordline.high) {
            warnings.push(format!(
                "line.read_wordline = {} lies outside the range for which the in-column ramp cancels the bend of its lines: the codes of this run may be off by more than the model says",
                wordline.value
            ));
        }
        let keeps = |effect| selection.keeps(effect);
        let swing = (precharge - headroom) / unit;
        let pulse_ps = pulse.get().max(1) as f64;
        let line = Line {
            headroom: if keeps(Effect::Headroom) {
                swing
            } else {
                f64::INFINITY
            },
            swing,
            compression: if keeps(Effect::Compression) {
                compression
            } else {
                0.0
            },
            pulse_loss: if keeps(Effect::PulseLoss) {
                loss.get() as f64 / pulse_ps * selection.noise_scale
            } else {
                0.0
            },
            capacitance_mismatch: if keeps(Effect::LineMismatch) {
                mismatch * selection.noise_scale
            } else {
                0.0
            },
            ir_segment: if keeps(Effect::IrDrop) {
                wire * conductance
            } else {
                0.0
            },
            charge_per_picosecond: 1.0 / pulse_ps,
            unit_volts: unit,
        };
        (line, warnings)
    }
}

/// Names of the grades a device file holds, each a table of keys that replace the file's own.
pub type Grades = BTreeMap<String, toml::Table>;
