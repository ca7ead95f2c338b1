//! One head on the hardware: the rooms of this floor wired together.
//!
//! `Head` (Q, K, V) -> [`Calibration`] from other rows -> [`Prepared`] codes and references ->
//! [`Conversion`] of a trial (K written, MAC, ramp trips: the same for every design and every k) ->
//! [`Finish`] of a design (selection, softmax macro, A x V) query by query -> [`Account`].
//!
//! Every stage returns its value with what it counted; [`Finish::count`] gives the same counts from the
//! trace of a query alone.

mod account;
mod av;
mod calibrate;
mod convert;
mod cost;
mod counts;
mod fast;
mod finish;
mod nominal;
mod priced;
mod product;
mod reference;
mod select;
mod told;
mod trial;
mod units;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use account::Account;
pub use av::AvParams;
pub use calibrate::Calibration;
pub use convert::{Conversion, Prepared};
pub use cost::{HeadCost, HeadPrice};
pub use fast::{BLOCK, Fast, FastRoom, FastTally, why_exact};
pub use finish::{Finish, Outcome};
pub use priced::Beyond;
pub use reference::Reference;
pub use told::{Few, Met, Stopped};
pub use trial::{Calibrated, Trial, Written};
pub use units::Units;

use super::converter::{FullScale, Ramp, RampParams};
use super::crossbar::{Crossbar, CrossbarParams, Layout, Values};
use super::device::Device;
use super::quantise::{Matrix, QuantiseParams};
use super::softmax::SoftmaxParams;
use super::topk::{Split, Topk, TopkParams};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::hardware::events::{RampShape, TileShape};
use crate::hardware::timing::{Switches, Timing};

/// Q, K and V of one head, Q already divided by sqrt(d).
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// d x queries.
    pub q: Matrix,
    /// tokens x d.
    pub k: Matrix,
    /// d_v x tokens.
    pub v: Matrix,
    /// Which keys a query may see.
    pub mask: Mask,
    /// Where it stands in its file.
    pub place: Place,
}

/// Where a head stands in its file: its draws are addressed by it, so they do not depend on which
/// other heads are run or which queries are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Index of the head.
    pub head: u64,
    /// Index of its first query.
    pub first_query: usize,
}

/// Which keys a query may see.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mask {
    /// Live tokens, the same for every query; none if all are.
    pub tokens: Option<Arc<[bool]>>,
    /// Live pairs, queries x tokens row by row; none if all are.
    pub pairs: Option<Arc<[bool]>>,
    /// Index of the first query's own token, if a query sees no later token.
    pub causal: Option<usize>,
}

impl Mask {
    /// Whether a query sees a token, of `tokens` in all.
    #[must_use]
    pub fn is_live(&self, query: usize, token: usize, tokens: usize) -> bool {
        self.tokens.as_ref().is_none_or(|live| live[token])
            && self
                .pairs
                .as_ref()
                .is_none_or(|live| live[query * tokens + token])
            && self.causal.is_none_or(|first| token <= query + first)
    }

    /// Whether every query sees every token.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.tokens.is_none() && self.pairs.is_none() && self.causal.is_none()
    }
}

/// Where the digital top-k sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Sort {
    /// Each tile's codes on their own, to its quota.
    PerTile {},
    /// All codes of a row together, to k.
    Global {},
}

/// The designs under comparison: they share every room and differ in this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Datapath {
    /// Full ramp, softmax over all columns.
    Conventional {},
    /// Full ramp, digital sort, softmax over k.
    DigitalTopk {
        /// Where it sorts.
        #[serde(default = "per_tile")]
        sort: Sort,
    },
    /// The ramp stops at the k-th crossing, softmax over k.
    Topkima {},
    /// No hardware: exact scores, the k largest by tile, their softmax. Only a whole encoder runs it, to tell what few keys
    /// cost from what hardware does.
    Float {},
}

const fn per_tile() -> Sort {
    Sort::PerTile {}
}

/// The parameters of a head's hardware, room by room.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionParams {
    /// Operands.
    pub quantise: QuantiseParams,
    /// Key tiles.
    pub crossbar: CrossbarParams,
    /// Ramp ADC.
    pub ramp: RampParams,
    /// Selection.
    pub topk: TopkParams,
    /// Softmax macro.
    pub softmax: SoftmaxParams,
    /// A x V.
    pub av: AvParams,
    /// Switches of time.
    pub timing: Switches,
}

/// The shape of a workload, which a check needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Heads.
    pub heads: usize,
    /// Queries of a head.
    pub queries: usize,
    /// Keys of a head.
    pub tokens: usize,
    /// Dimension of a query and a key.
    pub d_head: usize,
    /// Dimension of a value.
    pub d_value: usize,
}

/// A head's hardware, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Operands.
    pub quantise: QuantiseParams,
    /// Device of all tiles.
    pub device: Device,
    /// Key tiles.
    pub crossbar: Crossbar,
    /// Ramp ADC.
    pub ramp: Ramp,
    /// Dimension of a value.
    pub d_value: usize,
    /// Selection of each head.
    pub topk: Vec<Topk>,
    /// Softmax macro.
    pub softmax: SoftmaxParams,
    /// A x V.
    pub av: AvParams,
    /// Time.
    pub timing: Timing,
    /// Rows and columns of a full key tile, replicas included.
    pub tile: TileShape,
    /// What the ramp's counts depend on.
    pub replicas: RampShape,
    /// Value tiles, if A x V is on tiles.
    pub values: Option<Values>,
    /// What a reader should know.
    pub notices: Notices,
}

impl AttentionParams {
    /// What can be said without a workload or without a device, when they have mistakes of their own.
    #[must_use]
    pub fn judge(&self, shape: Option<Shape>, device: Option<&Device>) -> Mistakes {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        m.keep("quantise", self.quantise.check());
        let heads = match (shape, &self.ramp.full_scale) {
            (Some(shape), _) => shape.heads,
            (None, FullScale::PerHead(scores)) => scores.len(),
            (None, _) => 1,
        };
        m.keep("ramp", self.ramp.check(heads));
        if let Some(shape) = shape {
            self.check_k(shape, m);
        }
        m.keep("softmax", self.softmax.check());
        if let Some(device) = device {
            m.keep("timing", Timing::check(&device.timing, &self.timing));
        }
        self.av.check(m);
        mistakes
    }

    /// Checks k alone: how it is split says nothing without tiles.
    fn check_k(&self, shape: Shape, m: &mut Mistakes) {
        let whole = TopkParams {
            split: Split::Proportional {},
            ..self.topk.clone()
        };
        let one = 0..shape.tokens;
        m.keep("topk", whole.check(shape.heads, std::slice::from_ref(&one)));
    }

    /// The hardware for a workload of this shape.
    ///
    /// # Errors
    /// Every mistake of every room, with the path of its key.
    pub fn check(&self, shape: Shape, device: &Device) -> Result<Attention, Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        let quantise = m.keep("quantise", self.quantise.check());
        let crossbar = m.keep(
            "crossbar",
            self.crossbar.check(Layout {
                tokens: shape.tokens,
                d_head: shape.d_head,
                k_max: self.quantise.k.max_code(),
                cell: device.cell,
            }),
        );
        let ramp = m.keep("ramp", self.ramp.check(shape.heads));
        let topk = match &crossbar {
            Some(crossbar) => m.keep("topk", self.topk.check(shape.heads, crossbar.tiles())),
            None => {
                self.check_k(shape, m);
                None
            }
        };
        let softmax = m.keep("softmax", self.softmax.check());
        self.av.check(m);
        let device = &self.av.on(device);
        let timing = m.keep("timing", Timing::check(&device.timing, &self.timing));
        let (
            Some(quantise),
            Some(crossbar),
            Some(ramp),
            Some((topk, mut notices)),
            Some(softmax),
            Some(timing),
        ) = (quantise, crossbar, ramp, topk, softmax, timing)
        else {
            return Err(mistakes);
        };
        mistakes.or(|| {
            let values = match &self.av {
                AvParams::Ideal {} => None,
                AvParams::Tiles { wordlines, .. } => Some(Values::lay(
                    shape.tokens,
                    shape.d_value,
                    *wordlines,
                    quantise.v.max_code(),
                    self.crossbar.addressing,
                )),
            };
            notices.join(&device.notices);
            notices.join(&self.stated_elsewhere(device));
            if let Some(adc) = self.av.adc() {
                adc.tell(&mut notices);
            }
            let replicas = RampShape {
                calibration_rows: self.crossbar.calibration_rows as u32,
                ramp_rows: self.crossbar.ramp_rows as u32,
                steps: ramp.steps(),
                // LSB times steps, for a full scale of 32.
                swing: (ramp.lsb(32.0) * f64::from(ramp.steps())).round() as u32,
                code_bits: self.ramp.bits,
            };
            Attention {
                quantise,
                device: device.clone(),
                crossbar,
                ramp,
                d_value: shape.d_value,
                topk,
                softmax,
                av: self.av,
                timing,
                tile: TileShape {
                    wordlines: self.crossbar.wordlines as u32,
                    bitlines: self.crossbar.bitlines as u32,
                },
                replicas,
                values,
                notices,
            }
        })
    }
}
