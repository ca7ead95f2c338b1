//! Energy of a macro from component prices: one set of constants, made of the calibration group.
//!
//! ```text
//! cells       n C_cell V^2                     C_cell from Jia's column at 0.85 V
//! SAR ADC     s (100 fF b + 1 aF 4^b) V^2      s from Jia's 8 b conversion at 0.85 V
//! flash ADC   levels x 67 fJ
//! input DAC   0.291 pJ for 8 b
//! ```
//!
//! Cells hold one bit each; a cell's charge includes its share of input drive and column. Neither
//! charge is scaled with the node: both are set by matching and noise. `n`, `b` and `V` are all a
//! held-out macro can say about itself ([`Geometry`] has no room for a factor), and every price is
//! the same for all of them.
//!
//! Sources: shape of the SAR's charge, ZigZag-IMC (commit df34a6f, BSD-3-Clause); comparator, 65 nm
//! post-layout worst case, doi 10.1007/s00034-023-02375-6; input DAC, BRAHMS 40 nm in
//! `hwcomponents-library` (commit 8b56f7e, MIT).

use crate::base::energy::range::{OutOfRange, Range};
use crate::base::energy::scaling::{self, Process};
use crate::base::units::{Joules, Volts};

use super::silicon::{
    JIA, JIA_ADC_BITS, JIA_POINTS, JIA_ROWS, JiaPoint, NEURRAM_SETTING, NeurramPoint,
    SINANGIL_POINTS, SinangilPoint,
};

/// Energies by component; the total is computed, never stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breakdown(pub Vec<(&'static str, Joules)>);

impl Breakdown {
    /// Sum of the parts.
    #[must_use]
    pub fn total(&self) -> Joules {
        Joules::from_si(self.0.iter().map(|(_, part)| part.si()).sum())
    }

    /// One component alone.
    #[must_use]
    pub fn only(&self, component: &str) -> Self {
        let mut parts = self.0.clone();
        parts.retain(|(name, _)| *name == component);
        Self(parts)
    }
}

/// What turns a column's charge into a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Converter {
    /// `count` conversions of a SAR of `bits`.
    Sar {
        /// Bits of the code, 4 .. 10.
        bits: u32,
        /// Conversions.
        count: u32,
    },
    /// One conversion of a flash converter, one comparator a level.
    Flash {
        /// Levels compared.
        levels: u32,
    },
}

/// All a held-out macro may say about itself: counts and a supply, no factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// One-bit cells that evaluate.
    pub cells: u32,
    /// How the result is converted.
    pub converter: Converter,
    /// 8 b input conversions.
    pub input_conversions: u32,
    /// Supply of the macro.
    pub supply: Volts,
}

/// Range of [`sar_farads`]: Jia sets it at 8 b, the shape's source covers this much.
pub const SAR_BITS: Range = Range {
    formula: "SAR charge",
    quantity: "resolution",
    low: 4.0,
    high: 10.0,
    unit: "bits",
    fix: "price a flash converter by its comparators",
};

/// Energy of one comparison: 65 nm, 1.2 V, worst case of a post-layout simulation.
pub const COMPARATOR: Joules = Joules::from_si(67e-15);
/// Energy of one 8 b input conversion: BRAHMS, 40 nm.
pub const INPUT_DAC: Joules = Joules::from_si(0.291e-12);

/// Wordline of NeuRRAM: 48 fF of driver, 1.5 fF of gate and 0.6 fF of coupling a cell, 256 cells.
const NEURRAM_WORDLINE_FARADS: f64 = 48e-15 + 256.0 * 2.1e-15;
/// Its swing: from 0.9 V up to 2.2 V, charged from the upper supply.
const NEURRAM_SWING: (f64, f64) = (0.9, 2.2);
/// Lines and neurons of a NeuRRAM core.
const NEURRAM_LINES: f64 = 256.0;
/// Neuron of NeuRRAM at 1.8 V in pJ, `hwcomponents-library` (MIT): a converter step, an integration
/// step, a sample, a shift-and-add. That source fitted them to this macro's whole sweep.
const NEURRAM_NEURON: (f64, f64, f64, f64) = (0.3, 0.25, 1.2, 0.1);

/// Charge of a SAR conversion before calibration: `100 fF b + 1 aF 4^b`, as a capacitance.
///
/// # Errors
/// [`OutOfRange`] outside [`SAR_BITS`].
pub fn sar_farads(bits: u32) -> Result<f64, OutOfRange> {
    SAR_BITS.admit(f64::from(bits))?;
    Ok(sar_shape(bits))
}

fn sar_shape(bits: u32) -> f64 {
    let bits = f64::from(bits);
    100e-15 * bits + 1e-18 * 4_f64.powf(bits)
}

/// Every fitted constant, each from one number of the calibration group.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    cell_farads: f64,
    sar_scale: f64,
    datapath: (Joules, Process),
    input_plane: Joules,
    idle_farads: f64,
    code_farads: f64,
}

impl Calibration {
    /// The constants of this crate.
    #[must_use]
    pub fn shipped() -> Self {
        let [idle, full, ..] = SINANGIL_POINTS;
        Self::set(&JIA_POINTS[0], &NEURRAM_SETTING, &idle, &full)
    }

    /// Constants from one point of each calibrated macro; a held-out macro has no type to enter by.
    #[must_use]
    pub fn set(
        jia: &JiaPoint,
        neurram: &NeurramPoint,
        idle: &SinangilPoint,
        full: &SinangilPoint,
    ) -> Self {
        let square = |supply: Volts| supply.si() * supply.si();
        let farads = |point: &SinangilPoint| point.total.energy.si() / square(point.supply);
        let input = neurram.input.map_or(0.0, |input| input.energy.si());
        Self {
            cell_farads: jia.column.energy.si() / (f64::from(JIA_ROWS) * square(jia.supply)),
            sar_scale: jia.adc.energy.si() / (sar_shape(JIA_ADC_BITS) * square(jia.supply)),
            datapath: (
                jia.datapath.energy,
                Process {
                    node_nm: f64::from(JIA.node_nm),
                    supply: jia.supply,
                },
            ),
            input_plane: Joules::from_si(input / magnitude_bits(neurram.in_bits)),
            idle_farads: farads(idle),
            code_farads: (farads(full) - farads(idle))
                / (f64::from(full.output) - f64::from(idle.output)),
        }
    }

    /// Charge of one cell evaluation as a capacitance at the supply.
    #[must_use]
    pub fn cell_farads(&self) -> f64 {
        self.cell_farads
    }

    /// What the shape of the SAR's charge is multiplied with.
    #[must_use]
    pub fn sar_scale(&self) -> f64 {
        self.sar_scale
    }

    /// Energy of a macro known by its geometry alone.
    ///
    /// # Errors
    /// [`OutOfRange`] if its converter lies outside [`SAR_BITS`].
    pub fn price(&self, geometry: &Geometry) -> Result<Breakdown, OutOfRange> {
        let square = geometry.supply.si() * geometry.supply.si();
        let converter = match geometry.converter {
            Converter::Sar { bits, count } => {
                f64::from(count) * self.sar_scale * sar_farads(bits)? * square
            }
            Converter::Flash { levels } => f64::from(levels) * COMPARATOR.si(),
        };
        let cells = f64::from(geometry.cells) * self.cell_farads * square;
        let input = f64::from(geometry.input_conversions) * INPUT_DAC.si();
        Ok(Breakdown(vec![
            ("array", Joules::from_si(cells)),
            ("ADC", Joules::from_si(converter)),
            ("input DAC", Joules::from_si(input)),
        ]))
    }

    /// Jia's digital datapath at another supply, by the scaling of digital energy.
    ///
    /// # Errors
    /// [`OutOfRange`] if the supply lies outside that scaling's range.
    pub fn datapath(&self, supply: Volts) -> Result<Breakdown, OutOfRange> {
        let (energy, at) = self.datapath;
        let energy = scaling::digital_energy(energy, at, Process { supply, ..at })?;
        Ok(Breakdown(vec![("datapath", energy)]))
    }

    /// A pass of a NeuRRAM core: wordline charge, neurons by their steps, a plane of pulses a bit.
    #[must_use]
    pub fn neurram(&self, out_bits: u32, in_bits: u32) -> Breakdown {
        let planes = magnitude_bits(in_bits);
        let (first, second) = phases(in_bits.saturating_sub(1).max(1));
        let integrations = f64::from((1_u32 << first) - 1 + (1_u32 << second) - 1);
        let again = if second > 0 {
            out_bits.saturating_sub(first)
        } else {
            0
        };
        let steps = f64::from(out_bits + again);
        let (step, integration, sample, add) = NEURRAM_NEURON;
        let neuron = (step + add) * steps + integration * integrations + sample * planes;
        let (low, high) = NEURRAM_SWING;
        let wordlines = NEURRAM_LINES * NEURRAM_WORDLINE_FARADS * high * (high - low) * planes;
        Breakdown(vec![
            ("wordlines", Joules::from_si(wordlines)),
            ("neurons", Joules::from_si(NEURRAM_LINES * neuron * 1e-12)),
            (
                "input pulses",
                Joules::from_si(self.input_plane.si() * planes),
            ),
        ])
    }

    /// A pass of Sinangil's macro: a charge when idle and one that grows with the output code.
    #[must_use]
    pub fn sinangil(&self, supply: Volts, output: u32) -> Breakdown {
        let square = supply.si() * supply.si();
        let grown = f64::from(output) * self.code_farads;
        Breakdown(vec![
            ("idle", Joules::from_si(self.idle_farads * square)),
            ("output", Joules::from_si(grown * square)),
        ])
    }
}

/// Bit planes of a signed NeuRRAM input: one less than its bits, and 1 b takes a plane too.
fn magnitude_bits(in_bits: u32) -> f64 {
    f64::from(in_bits.saturating_sub(1).max(1))
}

/// Planes of the first and second phase: up to three go in one, more in two halves.
fn phases(planes: u32) -> (u32, u32) {
    if planes <= 3 {
        (planes, 0)
    } else {
        (planes.div_ceil(2), planes / 2)
    }
}
