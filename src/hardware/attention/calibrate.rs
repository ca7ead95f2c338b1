//! What is fixed from calibration rows before a run: scales and full scale.

use super::{Attention, Head, Reference};
use crate::hardware::converter::FullScale;
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
        Self {
            q: attention.quantise.q.fit(rows.q.as_slice(), NOMINAL_Q),
            k: attention.quantise.k.fit(rows.k.as_slice(), NOMINAL_K),
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

impl Reference {
    /// The scores of a head, tokens x queries.
    #[must_use]
    pub fn scores(head: &Head) -> crate::hardware::quantise::Matrix {
        &head.k * &head.q
    }
}
