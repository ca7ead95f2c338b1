//! The system around the macro: one attention module of BERT-base, and what its two numbers fix.
//!
//! The paper takes the system from NeuroSim and prints a throughput and an efficiency. This model is
//! small enough to count. With n = 384 tokens, D = 768, h = 12 heads of d = 64, clock T = 5 ns:
//!
//! ```text
//! operations  2 . 3 n D D  +  2 . h . 2 n n d            Q, K, V projections; Q K^T and A V
//! time        n b m T  (X W)  +  topkima macro  +  n b m T  (A V)  +  n c T  (moving data)
//! energy      conversions . E_adc  (X W, A V)  +  h . macro  +  bits . e  (buffers, wires)
//! ```
//!
//! The heads work side by side: once in time, h times in energy. b = 5 input bits one after another
//! and m = 8 columns an ADC are assumed (defaults of the tool, not stated for this system); E_adc
//! is the ADC survey regression at 5 b and 32 nm. **c and e are fitted**, one to each number, so the
//! two numbers themselves are explained by nothing here; only what follows without them is a check.

use super::energy;
use super::schedule::{self, SELECTED};
use super::{How, Row, paper};
use crate::base::energy::Corner;
use crate::base::energy::survey::adc_energy;
use crate::base::mistake::Mistakes;
use crate::base::units::Picos;
use crate::hardware::device::DeviceParams;
use crate::hardware::events::Action;

/// Columns that share an ADC (assumed).
const COLUMNS_PER_ADC: u64 = 8;

/// Bits of a buffer word, as the actions count them.
const WORD_BITS: f64 = 64.0;

/// Range of the survey's price against silicon, from its own module.
const SURVEY_WORTH: [f64; 2] = [0.28, 3.6];

/// The module, with what was fitted. Seconds and joules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct System {
    /// Operations of one module, two a multiply-accumulate.
    pub operations: f64,
    /// X W of all three projections, side by side.
    pub projection: f64,
    /// Write, Q K^T, top-k and softmax in the topkima macro, heads side by side.
    pub macro_time: f64,
    /// The longest input pulses among `macro_time`.
    pub pulses: f64,
    /// A V, heads side by side.
    pub values: f64,
    /// Energy of all conversions of X W.
    pub projection_adc: f64,
    /// Energy of all conversions of A V.
    pub values_adc: f64,
    /// Energy of the macros of all heads.
    pub macros: f64,
    /// Bits through the buffers.
    pub bits: f64,
    /// Bits through the buffers for X W alone.
    pub projection_bits: f64,
    /// Energy of a bit read from or written to a buffer in the device's list, mean of the two.
    pub listed_bit: f64,
    /// Fitted: clocks a token in which data move.
    pub move_clocks: f64,
    /// Fitted: energy of one bit through buffer and wires.
    pub bit_energy: f64,
}

impl System {
    /// Time of moving data.
    pub fn moving(&self) -> f64 {
        paper::ROWS as f64 * self.move_clocks * seconds(paper::SYSTEM_CLOCK)
    }

    /// Time without moving data.
    pub fn computing(&self) -> f64 {
        self.projection + self.macro_time + self.values
    }

    /// Time of the module.
    pub fn time(&self) -> f64 {
        self.computing() + self.moving()
    }

    /// Energy of buffers and wires.
    pub fn buffers(&self) -> f64 {
        self.bits * self.bit_energy
    }

    /// Energy without buffers and wires.
    pub fn arrays(&self) -> f64 {
        self.projection_adc + self.values_adc + self.macros
    }

    /// Energy of the module.
    pub fn energy(&self) -> f64 {
        self.arrays() + self.buffers()
    }

    /// Share of the buffers if the survey's price were `factor` times as high and e fitted again.
    fn buffer_share(&self, factor: f64) -> f64 {
        let arrays = (self.projection_adc + self.values_adc) * factor + self.macros;
        1.0 - arrays / self.energy()
    }
}

fn seconds(time: Picos) -> f64 {
    time.seconds().si()
}

/// The model, its two constants fitted to the two published numbers.
///
/// # Errors
/// A device that does not check.
pub(super) fn system(device: &DeviceParams) -> Result<System, Mistakes> {
    let heads = schedule::heads(&device.timing, SELECTED, &schedule::mean_stops())?;
    let designs = energy::designs(device, Corner::Nominal)?;
    let prices = device.energy.clone().check()?;
    let listed = |action| prices.price(action, Corner::Nominal).si();
    let word = listed(Action::BufferRead) + listed(Action::BufferWrite);
    let price = adc_energy(
        paper::BITS as f64,
        1.0 / seconds(paper::SYSTEM_CLOCK),
        paper::SYSTEM_NODE_NM,
    )
    .map_err(|refusal| {
        let mut mistakes = Mistakes::none();
        mistakes.add("", "", refusal.to_string(), "");
        mistakes
    })?
    .si();
    let (n, d, h, width) = (paper::ROWS, paper::D_HEAD, paper::HEADS, paper::D_MODEL);
    let bits = paper::BITS;
    let read = seconds(paper::SYSTEM_CLOCK.times(n * bits * COLUMNS_PER_ADC));
    // Row tiles x columns x input bits, of every token.
    let projections = 3 * n * width.div_ceil(paper::ARRAY) * width * paper::CELLS_PER_WEIGHT * bits;
    let values = h * n * n.div_ceil(paper::ARRAY) * d * bits * bits;
    // X read; Q, K and V written and read again; winners (code and address) written and read; out.
    let operand = n * width * bits;
    let address = u64::from(n.next_power_of_two().ilog2());
    let winners = 2 * h * n * paper::K * (bits + address);
    let mut system = System {
        operations: (2 * 3 * n * width * width + 2 * h * 2 * n * n * d) as f64,
        projection: read,
        macro_time: seconds(heads.topkima.makespan),
        pulses: seconds(
            heads
                .topkima
                .busy
                .get(crate::hardware::events::Stage::Input),
        ),
        values: read,
        projection_adc: projections as f64 * price,
        values_adc: values as f64 * price,
        macros: h as f64 * designs.topkima.total(),
        bits: (operand + 2 * 3 * operand + winners + operand) as f64,
        projection_bits: (operand + 3 * operand) as f64,
        listed_bit: word / 2.0 / WORD_BITS,
        move_clocks: 0.0,
        bit_energy: 0.0,
    };
    let time = system.operations / (paper::TOPS * 1e12);
    let energy = system.operations / (paper::TOPS_PER_WATT * 1e12);
    system.move_clocks = (time - system.computing()) / (n as f64 * seconds(paper::SYSTEM_CLOCK));
    system.bit_energy = (energy - system.arrays()) / system.bits;
    Ok(system)
}

/// The system's rows.
pub(super) fn rows(device: &DeviceParams) -> Vec<Row> {
    match system(device) {
        Ok(system) => made(&system),
        Err(mistakes) => vec![Row::refused(How::System, "one attention module", &mistakes)],
    }
}

const FITTED: &str = "2 constants fitted (clocks that data move for, energy of a bit through buffers), 2 numbers explained \
                      (TOPS, TOPS/W): explains nothing by itself. What it is worth stands in the checks below.";

const CHECK: &str = "A check: neither fitted constant enters. Assumed: 5 input bits one after another, 8 columns an ADC, \
                     the same for X W and A V, so the model has no reason for A V to be the faster of the two. Q K^T is the \
                     replayed macro with its softmax.";

fn made(system: &System) -> Vec<Row> {
    let row = |quantity: &str, published: &str, model: String| {
        Row::new(How::System, quantity, published, model)
    };
    let tera = |operations: f64, of: f64| operations / of * 1e-12;
    let micro = |value: f64, unit: &str| format!("{:.1} u{unit}", value * 1e6);
    let token_bits = system.bits / paper::ROWS as f64;
    let identity = "Operations over the published number: an identity, not a result. It agrees with the ends of the \
                    figure's axes (300 us, 120 uJ), which speaks for this count of operations: projections, Q K^T and \
                    A V, two a multiply-accumulate, no output projection.";
    let mut rows = vec![
        row(
            "operations of one module",
            "not stated",
            format!("{:.3} GOP", system.operations * 1e-9),
        )
        .note(identity),
        row(
            "throughput",
            &format!("{:.2} TOPS", paper::TOPS),
            format!("{:.2} (fitted)", tera(system.operations, system.time())),
        )
        .note(FITTED),
        row(
            "efficiency",
            &format!("{:.2} TOPS/W", paper::TOPS_PER_WATT),
            format!("{:.2} (fitted)", tera(system.operations, system.energy())),
        )
        .note(FITTED),
        row(
            "fitted 1: clocks a token in which data move",
            "not stated",
            format!("{:.1}", system.move_clocks),
        )
        .note(format!(
            "Would be a bus of {:.0} bits a clock for the {:.0} kbit a token that pass the buffers: a possible \
             number, no evidence.",
            token_bits / system.move_clocks,
            token_bits * 1e-3
        )),
        row(
            "fitted 2: energy of a bit through buffers",
            "not stated",
            format!("{:.2} pJ", system.bit_energy * 1e12),
        )
        .note(format!(
            "The device's list (65 nm) has {:.2} pJ for a bit read or written: the fit is {:.0} times that and takes up \
             whatever the model leaves out (re-reads, interconnect, accumulation, cell currents).",
            system.listed_bit * 1e12,
            system.bit_energy / system.listed_bit
        )),
        row(
            "throughput without fitted 1",
            &format!("{:.2} TOPS", paper::TOPS),
            format!("{:.2} TOPS", tera(system.operations, system.computing())),
        )
        .against(paper::TOPS, tera(system.operations, system.computing()))
        .note("Arrays and macros alone, nothing fitted."),
        row(
            "efficiency without fitted 2",
            &format!("{:.2} TOPS/W", paper::TOPS_PER_WATT),
            format!("{:.2} TOPS/W", tera(system.operations, system.arrays())),
        )
        .against(paper::TOPS_PER_WATT, tera(system.operations, system.arrays()))
        .note("Arrays and macros alone, nothing fitted."),
        row(
            "latency of one module",
            "below 300 us (axis)",
            micro(system.operations / (paper::TOPS * 1e12), "s"),
        )
        .note(identity),
        row(
            "energy of one module",
            "below 120 uJ (axis)",
            micro(system.operations / (paper::TOPS_PER_WATT * 1e12), "J"),
        )
        .note(identity),
    ];
    rows.extend(checks(system));
    rows
}

/// What the fitted constants had no part in, or little.
fn checks(system: &System) -> Vec<Row> {
    let slower = |quantity: &str, of: f64| {
        let model = system.projection / of;
        Row::new(How::System, quantity, "about 2x", format!("{model:.2}x"))
            .against(paper::PROJECTION_SLOWER, model)
            .note(CHECK)
    };
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let row = |quantity: &str, published: &str, model: String| {
        Row::new(How::System, quantity, published, model)
    };
    let conversions = system.projection_adc + system.values_adc;
    let share = |factor: f64| match system.buffer_share(factor) {
        share if share < 0.0 => "no room at all".to_owned(),
        share => format!("{:.0} %", 100.0 * share),
    };
    let [low, high] = SURVEY_WORTH;
    let met = |share: f64, holds: bool| {
        let word = if holds { "met" } else { "not met" };
        format!("{}, {word}", percent(share))
    };
    let projection = system.projection_adc + system.projection_bits * system.bit_energy;
    let attention = 1.0 - projection / system.energy();
    let arrays = (system.projection + system.values + system.pulses) / system.time();
    vec![
        slower("check: X W slower than Q K^T", system.macro_time),
        slower("check: X W slower than A V", system.values),
        row(
            "check: share of the topkima macro in latency",
            "not printed",
            percent(system.macro_time / system.time()),
        )
        .note("The replayed head over the published throughput; no other part of this model enters."),
        row(
            "check: arrays dominate latency",
            "dominate",
            met(arrays, arrays > 0.5),
        )
        .note("X W, A V and the input pulses of Q K^T over the whole; the rest is what was fitted, ramp and softmax."),
        row(
            "check: buffers dominate energy",
            "dominate",
            met(
                system.buffers() / system.energy(),
                system.buffers() > conversions.max(system.macros),
            ),
        )
        .note(format!(
            "The conversions take {}. Over the range in which the survey's ADC price holds (x{low} to x{high}) the share \
             of the buffers goes from {} to {}: the check cannot decide.",
            percent(conversions / system.energy()),
            share(low),
            share(high)
        )),
        row(
            "check: Q K^T and A V dominate energy",
            "dominate",
            met(attention, attention > 0.5),
        )
        .note("Twelve heads of Q K^T and A V with their share of the buffers, over the whole."),
    ]
}
