//! Random heads with masks, hardware without imperfection, and a head run from end to end.

use std::sync::Arc;

use crate::common::*;
use topkima::base::rng::{Purpose, Seed, Site};
use topkima::hardware::attention::{
    Attention, AttentionParams, Calibration, Conversion, Datapath, Finish, Head, Mask, Outcome,
    Place, Prepared, Shape, Sort,
};
use topkima::hardware::converter::{FullScale, RampParams, Range};
use topkima::hardware::crossbar::Chip;
use topkima::hardware::device::{Device, Effect, Selection};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::topk::{K, Split, TopkParams};

pub const SEED: Seed = Seed(20_260_202);

pub const CONVENTIONAL: Datapath = Datapath::Conventional {};
pub const TOPKIMA: Datapath = Datapath::Topkima {};
pub const GLOBAL: Datapath = Datapath::DigitalTopk {
    sort: Sort::Global {},
};
pub const PER_TILE: Datapath = Datapath::DigitalTopk {
    sort: Sort::PerTile {},
};
pub const DESIGNS: [Datapath; 4] = [CONVENTIONAL, GLOBAL, PER_TILE, TOPKIMA];

/// A head of independent normal numbers whose scores have standard deviation one.
pub fn head(seed: u64, queries: usize, tokens: usize, d: usize, mask: Mask) -> Head {
    let normals = |purpose, rows, columns| {
        let mut stream = Seed(seed).stream(purpose, 0, Site(0, 0));
        Matrix::from_fn(rows, columns, |_, _| stream.normal())
    };
    Head {
        q: normals(Purpose::SyntheticQuery, d, queries) / (d as f64).sqrt(),
        k: normals(Purpose::SyntheticKey, tokens, d),
        v: normals(Purpose::SyntheticValue, d, tokens),
        mask,
        place: Place::default(),
    }
}

/// No mask, padding, live pairs, causal rows, and all of them together; every query sees a key.
pub fn masks(queries: usize, tokens: usize) -> Vec<Mask> {
    let padding: Arc<[bool]> = (0..tokens).map(|t| t < tokens - tokens / 4).collect();
    let pairs: Arc<[bool]> = (0..queries * tokens)
        .map(|at| at % tokens == 0 || (at * 7 + at / tokens) % 3 != 1)
        .collect();
    let causal = Some(tokens - queries);
    vec![
        Mask::default(),
        Mask {
            tokens: Some(padding.clone()),
            ..Mask::default()
        },
        Mask {
            pairs: Some(pairs.clone()),
            ..Mask::default()
        },
        Mask {
            causal,
            ..Mask::default()
        },
        Mask {
            tokens: Some(padding),
            pairs: Some(pairs),
            causal,
        },
    ]
}

/// Every quantiser, table, ramp and converter exact; tiles of 16 bitlines.
pub fn exact() -> AttentionParams {
    exact_on(16, 24, top(5, Split::Proportional {}))
}

/// The default quantisers, table and ramp on tiles of 16 bitlines.
pub fn coarse() -> AttentionParams {
    AttentionParams {
        crossbar: exact().crossbar,
        ..AttentionParams::default()
    }
}

pub fn top(k: usize, split: Split) -> TopkParams {
    TopkParams {
        k: K::All(k),
        split,
        ..TopkParams::default()
    }
}

/// A ramp that reaches every score of a random head, with a full scale in scores.
pub fn wide_ramp(bits: u32) -> RampParams {
    RampParams {
        bits,
        range: Range::Symmetric {},
        full_scale: FullScale::Scores(6.0),
        ..RampParams::default()
    }
}

/// A shipped device with only these effects left.
pub fn device(name: &str, effects: &[Effect]) -> Device {
    checked(&device_params(name), 1.0, &only(effects))
}

/// A shipped device with every effect of its own.
pub fn noisy(name: &str) -> Device {
    checked(&device_params(name), 1.0, &Selection::default())
}

/// Hardware, a head on it, and a chip.
pub struct Bench {
    pub attention: Attention,
    pub prepared: Prepared,
    pub chip: Chip,
}

impl Bench {
    /// A head calibrated on itself, on the chip of trial 0.
    pub fn new(params: &AttentionParams, device: &Device, head: &Head) -> Self {
        Self::calibrated(params, device, head, head)
    }

    pub fn calibrated(params: &AttentionParams, device: &Device, head: &Head, rows: &Head) -> Self {
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
        let calibration = Calibration::of(&attention, rows, 0);
        let prepared = Prepared::of(&attention, head, calibration, shape.tokens);
        let chip = Chip::fabricate(
            SEED,
            0,
            device,
            &attention.crossbar,
            attention.values.as_ref(),
        );
        Self {
            attention,
            prepared,
            chip,
        }
    }

    pub fn convert(&self) -> Conversion {
        let ladders = self.attention.ladders(&self.chip);
        self.attention
            .convert(SEED, &self.chip, &ladders, 0, &self.prepared)
    }

    pub fn trips(&self) -> Matrix {
        self.convert().trips
    }

    /// Every query of one design, calibrated on the head itself.
    pub fn run(&self, datapath: Datapath) -> Vec<Outcome> {
        let finish = Finish::load(&self.attention, datapath, 0, &self.prepared);
        let trial = self.attention.trial(SEED, 0);
        let mut all = Vec::new();
        let written = trial.write(&self.prepared);
        written.head(&finish, |_, outcome| all.push(outcome));
        all
    }

    /// Norm of the difference to the float head over its norm.
    pub fn error(&self, datapath: Datapath) -> f64 {
        let float = &self.prepared.reference.output;
        let mut difference = 0.0;
        for (query, outcome) in self.run(datapath).iter().enumerate() {
            for (got, wanted) in outcome.output.iter().zip(float.column(query).iter()) {
                difference += (got - wanted).powi(2);
            }
        }
        difference.sqrt() / float.norm()
    }
}

/// Tokens that a query keeps.
pub fn kept(outcome: &Outcome) -> Vec<usize> {
    outcome.survivors.iter().map(|w| w.token).collect()
}
