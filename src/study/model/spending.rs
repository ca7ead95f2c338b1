//! What the heads of an encoder cost and how they were read.

use super::Trace;
use crate::base::energy::Corner;
use crate::base::units::Picos;
use crate::hardware::attention::Attention;
use crate::hardware::device::Device;
use crate::hardware::events::Ledger;
use crate::hardware::events::StageTimes;

/// What heads cost and how they were read, counted; joules only at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Spending {
    /// Counts by stage.
    pub ledger: Ledger,
    /// Busy time by stage.
    pub busy: StageTimes,
    /// Heads.
    pub heads: u64,
    /// Picoseconds of all makespans: heads run one after another on one macro.
    pub makespans: u128,
    /// Picoseconds times tiles, for leakage.
    pub leaking: u128,
    /// Steps executed by driven tiles.
    pub steps: u64,
    /// Driven tiles of all queries.
    pub tiles: u64,
    /// Sum over live columns of the squared deviation at the comparator, in LSB squared.
    pub noise_square: f64,
    /// Live columns.
    pub live: u64,
}

impl Default for Spending {
    fn default() -> Self {
        Self {
            ledger: Ledger::ZERO,
            busy: StageTimes::ZERO,
            heads: 0,
            makespans: 0,
            leaking: 0,
            steps: 0,
            tiles: 0,
            noise_square: 0.0,
            live: 0,
        }
    }
}

impl Trace for Spending {
    fn join(&mut self, later: Self) {
        self.ledger.add(&later.ledger);
        self.busy = self.busy.then(&later.busy);
        self.heads += later.heads;
        self.makespans += later.makespans;
        self.leaking += later.leaking;
        self.steps += later.steps;
        self.tiles += later.tiles;
        self.noise_square += later.noise_square;
        self.live += later.live;
    }
}

impl Spending {
    /// Energy of all heads in picojoules.
    #[must_use]
    pub fn energy_pj(&self, device: &Device, corner: Corner) -> f64 {
        let prices = &device.prices;
        let dynamic = prices.energy(&self.ledger, Picos::ZERO, 0, corner).si() * 1e12;
        // Watts times picoseconds are picojoules.
        dynamic + prices.leak(corner).si() * self.leaking as f64
    }

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
