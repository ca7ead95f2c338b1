//! What the heads of an encoder cost and how they were read.

use super::Trace;
use crate::hardware::attention::{Attention, HeadCost};

/// What heads cost and how they were read, counted; joules only at the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spending {
    /// Counts and times; those of no head where a converter has no steps to pay for.
    pub cost: HeadCost,
    /// Steps executed by driven tiles.
    pub steps: u64,
    /// Driven tiles of all queries.
    pub tiles: u64,
    /// Sum over live columns of the squared deviation at the comparator, in LSB squared.
    pub noise_square: f64,
    /// Live columns.
    pub live: u64,
}

impl Trace for Spending {
    fn join(&mut self, later: Self) {
        self.cost.join(&later.cost);
        self.steps += later.steps;
        self.tiles += later.tiles;
        self.noise_square += later.noise_square;
        self.live += later.live;
    }
}

impl Spending {
    /// Root mean square deviation at the comparator, in LSB.
    #[must_use]
    pub fn noise_lsb(&self) -> Option<f64> {
        (self.live > 0).then(|| (self.noise_square / self.live as f64).sqrt())
    }

    /// Steps executed over steps of a full ramp.
    #[must_use]
    pub fn alpha(&self, attention: &Attention) -> Option<f64> {
        let full = self.tiles as f64 * f64::from(attention.ramp.steps());
        (self.tiles > 0 && !attention.ramp.is_exact()).then(|| self.steps as f64 / full)
    }
}
