//! What is fixed from calibration rows before a run: scales and full scale.

use super::{Attention, Head, Reference};
use crate::hardware::converter::FullScale;
use crate::hardware::crossbar::COARSE_LOSS;
use crate::hardware::quantise::{NOMINAL_K, NOMINAL_Q, NOMINAL_V, Scale, percentile};

/// Calibration of one head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Scale of Q.
    pub q: Scale,
    /// Scale of K.
    pub k: Scale,
    /// Scale of V.
    pub v: Scale,
    /// Full scale of the ramp in scores.
    pub full_scale: f64,
    /// One LSB of the ramp in scores.
    pub lsb: f64,
    /// Mean current of the cells that hold the calibration rows' K, relative to a full one.
    pub key_current: f64,
}

/// What one clock of the ramp can discharge, against what a step needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockReach {
    /// Unit charges of one step.
    pub needed: f64,
    /// Unit charges that the replicas of one step can take in one clock.
    pub available: f64,
}

impl Calibration {
    /// Calibrates a head from its calibration rows: scales from their magnitudes, full scale from
    /// the positive scores of calibration queries and keys, live pairs only. `head` counts heads.
    #[must_use]
    pub fn of(attention: &Attention, rows: &Head, head: usize) -> Self {
        let scores = Reference::scores(rows);
        let tokens = rows.k.nrows();
        let live = |at: &usize| rows.mask.is_live(at / tokens, at % tokens, tokens);
        let full_scale = match attention.ramp.full_scale() {
            FullScale::Scores(score) => *score,
            FullScale::PerHead(scores) => scores.get(head).copied().unwrap_or(1.0),
            FullScale::Percentile(percent) => {
                let positive = scores
                    .iter()
                    .enumerate()
                    .filter(|(at, score)| **score > 0.0 && live(at));
                percentile(positive.map(|(_, score)| *score).collect(), *percent).unwrap_or(1.0)
            }
        };
        let k = attention.quantise.k.fit(rows.k.as_slice(), NOMINAL_K);
        Self {
            key_current: attention.key_current(k, rows.k.as_slice()),
            q: attention.quantise.q.fit(rows.q.as_slice(), NOMINAL_Q),
            k,
            v: attention.quantise.v.fit(rows.v.as_slice(), NOMINAL_V),
            full_scale,
            lsb: attention.ramp.lsb(full_scale),
        }
    }

    /// Score of one unit charge.
    #[must_use]
    pub fn score_per_charge(&self) -> f64 {
        self.q.unit * self.k.unit
    }

    /// Full scale in unit charges.
    #[must_use]
    pub fn full_scale_charges(&self) -> f64 {
        self.full_scale / self.score_per_charge()
    }

    /// One LSB in unit charges.
    #[must_use]
    pub fn lsb_charges(&self) -> f64 {
        self.lsb / self.score_per_charge()
    }
}

impl Attention {
    /// Mean current of the cells that hold these values of K, relative to a full one.
    #[must_use]
    pub fn key_current(&self, scale: Scale, values: &[f64]) -> f64 {
        let codes: Vec<f64> = values.iter().map(|value| scale.code(*value)).collect();
        self.crossbar.mean_current(codes.iter())
    }

    /// What to say of the wires where a cell of these heads loses more of its voltage than the first order is good
    /// for.
    #[must_use]
    pub fn coarse_wires(&self, heads: &[Calibration]) -> Option<String> {
        let mean = heads
            .iter()
            .map(|head| head.key_current)
            .fold(0.0, f64::max);
        let [wordline, bitline] = self.crossbar.largest_losses(&self.device, mean);
        (wordline.max(bitline) > COARSE_LOSS).then(|| {
            let percent = |loss: f64| format!("{:.0} %", 100.0 * loss);
            format!(
                "line.wire: the farthest cell of a tile loses {} of its voltage along its wordline and {} along its bitline; the loss is first-order and coarse above {}, and what loses 100 % counts as nothing: a smaller device.with.line.wire, g_max or tile keeps it below",
                percent(wordline),
                percent(bitline),
                percent(COARSE_LOSS)
            )
        })
    }
}

impl Reference {
    /// The scores of a head, tokens x queries.
    #[must_use]
    pub fn scores(head: &Head) -> crate::hardware::quantise::Matrix {
        &head.k * &head.q
    }
}
