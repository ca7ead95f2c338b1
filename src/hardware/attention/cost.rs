//! What heads cost: counted, and priced.

use crate::base::energy::{Corner, Leaking};
use crate::base::units::{Joules, Picos};
use crate::hardware::events::{Bill, Ledger, Prices, StageTimes};

/// What one head cost, or several one after another on one macro: counts and whole picoseconds, no joule yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct HeadCost {
    /// Heads.
    pub heads: u64,
    /// Counts by stage.
    pub ledger: Ledger,
    /// How long each stage worked.
    pub busy: StageTimes,
    /// From the first write to the last output, head after head.
    pub makespan: Picos,
    /// Time between queries in the long run, head after head.
    pub interval: Picos,
    /// The makespan of each head on its own tiles.
    pub leaking: Leaking,
    /// Operations: two a multiply-accumulate of Q K^T and A x V, the same for every design.
    pub operations: u64,
}

impl HeadCost {
    /// Adds heads that come later.
    pub fn join(&mut self, later: &Self) {
        self.heads += later.heads;
        self.ledger.add(&later.ledger);
        self.busy = self.busy.then(&later.busy);
        self.makespan += later.makespan;
        self.interval += later.interval;
        self.leaking = self.leaking.and(later.leaking);
        self.operations = self.operations.saturating_add(later.operations);
    }

    /// What the counts and the leakage come to at one corner of the price list.
    pub fn bill(&self, prices: &Prices, corner: Corner) -> Bill {
        prices.bill(&self.ledger, self.leaking, corner)
    }

    /// The total of [`HeadCost::bill`].
    #[must_use]
    pub fn energy(&self, prices: &Prices, corner: Corner) -> Joules {
        self.bill(prices, corner).total()
    }

    /// Time and energy together.
    #[must_use]
    pub fn price(&self, prices: &Prices) -> HeadPrice {
        HeadPrice {
            latency: self.makespan,
            interval: self.interval,
            energy: Corner::ALL.map(|corner| self.energy(prices, corner)),
            operations: self.operations,
        }
    }
}

/// Time and energy of one head, priced after its counts are final.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadPrice {
    /// From the first write to the last output.
    pub latency: Picos,
    /// Time between queries in the long run.
    pub interval: Picos,
    /// One a corner, in the order of [`Corner::ALL`].
    pub energy: [Joules; Corner::ALL.len()],
    /// Operations of the head.
    pub operations: u64,
}

impl HeadPrice {
    /// Operations a second, in units of 1e12.
    #[must_use]
    pub fn tops(&self) -> f64 {
        self.operations as f64 / self.latency.get().max(1) as f64
    }

    /// Operations a joule, in units of 1e12.
    #[must_use]
    pub fn tops_per_watt(&self) -> f64 {
        self.operations as f64 / self.energy[0].si().max(f64::MIN_POSITIVE) * 1e-12
    }
}
