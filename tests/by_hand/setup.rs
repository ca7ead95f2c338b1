//! Heads of whole codes, devices with one price or one effect, and a run by either mode.

use crate::common::*;
use topkima::base::rng::Seed;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Joules, Picos, Watts};
use topkima::hardware::attention::{
    Attention, AttentionParams, Calibration, Datapath, Fast, FastRoom, Finish, Head, Mask, Outcome,
    Place, Prepared, Shape, Sort,
};
use topkima::hardware::converter::{FullScale, RampParams};
use topkima::hardware::crossbar::CrossbarParams;
use topkima::hardware::device::{Device, DeviceParams, Selection};
use topkima::hardware::events::Action;
use topkima::hardware::quantise::{Clip, Matrix, QuantiseParams, Quantiser};
use topkima::hardware::topk::{K, Split, TopkParams};
use topkima::study::metrics::{HeadTally, Values, fold};

pub const SEED: Seed = Seed(20_261_126);

pub const TOPKIMA: Datapath = Datapath::Topkima {};
pub const CONVENTIONAL: Datapath = Datapath::Conventional {};
pub const PER_TILE: Datapath = Datapath::DigitalTopk {
    sort: Sort::PerTile {},
};
pub const GLOBAL: Datapath = Datapath::DigitalTopk {
    sort: Sort::Global {},
};
pub const DESIGNS: [Datapath; 4] = [CONVENTIONAL, PER_TILE, GLOBAL, TOPKIMA];

/// The ideal device after `change`.
pub fn ideal(change: impl FnOnce(&mut DeviceParams)) -> Device {
    let mut params = device_params("ideal");
    change(&mut params);
    checked(&params, 0.0, &Selection::default())
}

/// Nothing costs anything and nothing leaks, but for what is set afterwards.
pub fn free(params: &mut DeviceParams) {
    for action in Action::ALL {
        set_price(params, action, 0.0);
    }
    set_leakage(params, 0.0);
}

pub fn set_price(params: &mut DeviceParams, action: Action, picojoules: f64) {
    let price = params.energy.entry(action).as_mut().unwrap();
    let energy = Joules::from_si(picojoules * 1e-12);
    (price.energy, price.low, price.high) = (energy, energy, energy);
}

pub fn set_leakage(params: &mut DeviceParams, microwatts: f64) {
    let leakage = params.energy.leakage.as_mut().unwrap();
    let power = Watts::from_si(microwatts * 1e-6);
    (leakage.power, leakage.low, leakage.high) = (power, power, power);
}

pub fn picos(value: u64) -> Sourced<Picos> {
    Sourced::bare(Picos::new(value))
}

/// Codes whose largest is met by the head itself, so that a number is its own code.
fn codes(max_code: u32) -> Quantiser {
    Quantiser::Uniform {
        max_code,
        clip: Clip::AbsMax {},
    }
}

/// Numbers that are codes, on tiles of so many columns; the full scale is in products of codes.
pub fn hardware(bitlines: usize, full_scale: f64, k: usize, split: Split) -> AttentionParams {
    AttentionParams {
        quantise: QuantiseParams {
            q: codes(31),
            k: codes(7),
            v: codes(15),
        },
        crossbar: CrossbarParams {
            bitlines,
            ..CrossbarParams::default()
        },
        ramp: RampParams {
            full_scale: FullScale::Scores(full_scale),
            ..RampParams::default()
        },
        topk: TopkParams {
            k: K::All(k),
            split,
            ..TopkParams::default()
        },
        ..AttentionParams::default()
    }
}

/// A head of these codes: queries by d, tokens by d, tokens by values.
pub fn head<const Q: usize, const D: usize, const T: usize, const V: usize>(
    q: [[i32; D]; Q],
    k: [[i32; D]; T],
    v: [[i32; V]; T],
) -> Head {
    Head {
        q: Matrix::from_fn(D, Q, |d, query| f64::from(q[query][d])),
        k: Matrix::from_fn(T, D, |token, d| f64::from(k[token][d])),
        v: Matrix::from_fn(V, T, |value, token| f64::from(v[token][value])),
        mask: Mask::default(),
        place: Place::default(),
    }
}

/// Calibration rows that hold the largest code of each operand, as long as `head`; a code of Q is worth `unit`.
fn largest(params: &AttentionParams, head: &Head, unit: f64) -> Head {
    let full = |matrix: &Matrix, quantiser: Quantiser| {
        let code = quantiser.max_code().map_or(1.0, f64::from);
        Matrix::from_element(matrix.nrows(), matrix.ncols(), code)
    };
    Head {
        q: full(&head.q, params.quantise.q) * unit,
        k: full(&head.k, params.quantise.k),
        v: full(&head.v, params.quantise.v),
        mask: Mask::default(),
        place: Place::default(),
    }
}

/// What a mode makes of a head.
pub struct Answer {
    pub tally: HeadTally,
    pub values: Values,
    /// Joules.
    pub energy: f64,
    pub makespan: Picos,
    /// How often a ramp stopped at each step.
    pub stops: Vec<u64>,
}

/// Both: exact, fast.
pub fn both(
    params: &AttentionParams,
    device: &Device,
    head: &Head,
    datapath: Datapath,
) -> [Answer; 2] {
    let bench = Bench::at(1.0, params, device, head);
    [bench.exact(datapath).0, bench.fast(datapath)]
}

/// The exact path alone, with every query's outcome.
pub fn exact(
    params: &AttentionParams,
    device: &Device,
    head: &Head,
    datapath: Datapath,
) -> (Answer, Vec<Outcome>) {
    Bench::at(1.0, params, device, head).exact(datapath)
}

/// Hardware and a head on it, calibrated on the largest codes.
pub struct Bench {
    attention: Attention,
    prepared: Prepared,
    rows: Prepared,
}

impl Bench {
    /// A code of Q is worth `unit`.
    pub fn at(unit: f64, params: &AttentionParams, device: &Device, head: &Head) -> Self {
        let shape = Shape {
            heads: 1,
            queries: head.q.ncols(),
            tokens: head.k.nrows(),
            d_head: head.k.ncols(),
            d_value: head.v.nrows(),
        };
        let attention = params
            .check(shape, device)
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let rows = largest(params, head, unit);
        let mut head = head.clone();
        head.q *= unit;
        let calibration = Calibration::of(&attention, &rows, 0);
        let prepared = Prepared::of(&attention, &head, calibration, shape.tokens);
        let rows = Prepared::of(&attention, &rows, calibration, 1);
        Self {
            attention,
            prepared,
            rows,
        }
    }

    /// The same with other calibration rows for what is taken from their scores.
    pub fn on_rows(mut self, rows: &Head) -> Self {
        self.rows = Prepared::of(&self.attention, rows, self.prepared.calibration, 1);
        self
    }

    /// The first trial by the exact path, with every query's outcome.
    pub fn exact(&self, datapath: Datapath) -> (Answer, Vec<Outcome>) {
        let (attention, prepared) = (&self.attention, &self.prepared);
        let finish = Finish::load(attention, datapath, 0, &self.rows);
        let mut tally = HeadTally::of(prepared);
        let mut outcomes = Vec::new();
        let trial = attention.trial(SEED, 0);
        let spent = trial.write(prepared).head(&finish, |query, outcome| {
            let k = finish.topk.k;
            tally.add(attention, datapath, k, prepared, query, &outcome);
            outcomes.push(outcome);
        });
        let spent = spent.expect("the ramp has steps");
        let price = spent.price(&attention.device.prices);
        tally.cost = Some(price);
        let energy = price.energy[0].si();
        (Answer::of(tally, energy, spent.makespan), outcomes)
    }

    /// The first trial by the fast path.
    pub fn fast(&self, datapath: Datapath) -> Answer {
        let finishes = [Finish::load(&self.attention, datapath, 0, &self.rows)];
        let fast = Fast::plan(&self.attention, &finishes, &self.prepared, true).unwrap();
        let done = fast.run(SEED, 0, &mut FastRoom::default());
        let spent = fast.spent(0, &done[0])[0];
        let tally = HeadTally::of_fast(&finishes[0], &self.prepared, &done[0], 0, spent);
        Answer::of(tally, spent.energy[0].si(), spent.latency)
    }
}

impl Answer {
    fn of(tally: HeadTally, energy: f64, makespan: Picos) -> Self {
        Self {
            values: fold(std::slice::from_ref(&tally)),
            stops: tally.stop_steps.clone(),
            tally,
            energy,
            makespan,
        }
    }
}
