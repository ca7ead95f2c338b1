//! Counts times prices, by stage and action.

use super::{Corner, Prices};
use crate::base::cost::{Action, Ledger, Stage};
use crate::base::units::{Joules, Picos};

/// Yoctojoules in a joule. One picowatt for one picosecond is one yoctojoule, so prices and
/// leakage share the unit.
const YOCTO: f64 = 1e24;

/// Whole yoctojoules; checked prices lie in 0..=1 J, where the cast cannot lose more than half of one.
fn whole(joules: f64) -> u128 {
    (joules * YOCTO).round() as u128
}

fn joules(yoctojoules: u128) -> Joules {
    Joules::from_si(yoctojoules as f64 / YOCTO)
}

/// The energy of a ledger: every entry apart, every sum computed when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Bill {
    /// Yoctojoules.
    entries: [[u128; Action::COUNT]; Stage::COUNT],
    /// Yoctojoules.
    leakage: u128,
}

impl Prices {
    /// What the counts of `ledger` cost, with `tiles` tiles leaking for `time`.
    pub fn bill(&self, ledger: &Ledger, time: Picos, tiles: u64, corner: Corner) -> Bill {
        let prices = Action::ALL.map(|action| whole(self.price(action, corner).si()));
        let entries = Stage::ALL.map(|stage| {
            let cost = ledger.stage(stage);
            Action::ALL.map(|a| prices[a as usize].saturating_mul(u128::from(cost.count(a))))
        });
        Bill {
            entries,
            leakage: self.leaked(time, tiles, corner),
        }
    }

    /// Picowatts times picoseconds: yoctojoules.
    fn leaked(&self, time: Picos, tiles: u64, corner: Corner) -> u128 {
        whole(self.leak(corner).si() * 1e-12)
            .saturating_mul(u128::from(time.get()))
            .saturating_mul(u128::from(tiles))
    }

    /// Yoctojoules that were priced before, with the leakage of `tiles` tiles for `time`.
    #[must_use]
    pub fn with_leakage(&self, dynamic: u128, time: Picos, tiles: u64, corner: Corner) -> Joules {
        joules(dynamic.saturating_add(self.leaked(time, tiles, corner)))
    }

    /// The total of [`Prices::bill`].
    #[must_use]
    pub fn energy(&self, ledger: &Ledger, time: Picos, tiles: u64, corner: Corner) -> Joules {
        self.bill(ledger, time, tiles, corner).total()
    }
}

impl Bill {
    fn sum(&self, wanted: impl Fn(Stage, Action) -> bool) -> u128 {
        let mut sum = 0u128;
        for stage in Stage::ALL {
            for action in Action::ALL {
                if wanted(stage, action) {
                    sum = sum.saturating_add(self.entries[stage as usize][action as usize]);
                }
            }
        }
        sum
    }

    /// One action in one stage.
    #[must_use]
    pub fn entry(&self, stage: Stage, action: Action) -> Joules {
        joules(self.entries[stage as usize][action as usize])
    }

    /// One stage, all actions.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Joules {
        joules(self.sum(|s, _| s == stage))
    }

    /// One action, all stages.
    #[must_use]
    pub fn action(&self, action: Action) -> Joules {
        joules(self.sum(|_, a| a == action))
    }

    /// All actions of all stages: what does not depend on time.
    #[must_use]
    pub fn dynamic(&self) -> Joules {
        joules(self.sum(|_, _| true))
    }

    /// The same in yoctojoules, to be added up without loss.
    #[must_use]
    pub fn dynamic_yoctojoules(&self) -> u128 {
        self.sum(|_, _| true)
    }

    /// Leakage over the time of the run; it belongs to no stage.
    #[must_use]
    pub fn leakage(&self) -> Joules {
        joules(self.leakage)
    }

    /// Everything.
    #[must_use]
    pub fn total(&self) -> Joules {
        joules(self.sum(|_, _| true).saturating_add(self.leakage))
    }
}

#[cfg(test)]
mod tests {
    use super::super::price::tests::default_list;
    use super::*;
    use crate::base::cost::Cost;
    use proptest::prelude::*;

    fn prices() -> Prices {
        default_list().check().unwrap()
    }

    fn any_ledger() -> impl Strategy<Value = Ledger> {
        let entry = (0..Stage::COUNT, 0..Action::COUNT, 0u64..1 << 40);
        proptest::collection::vec(entry, 0..40).prop_map(|entries| {
            let mut ledger = Ledger::ZERO;
            for (stage, action, n) in entries {
                ledger.charge(Stage::ALL[stage], Cost::of(Action::ALL[action], n));
            }
            ledger
        })
    }

    proptest! {
        #[test]
        fn stages_and_actions_and_leakage_sum_to_the_total(ledger in any_ledger(), time in 0u64..1 << 50) {
            let prices = prices();
            for corner in Corner::ALL {
                let bill = prices.bill(&ledger, Picos::new(time), 2, corner);
                let stages: u128 = Stage::ALL.iter().map(|&s| bill.sum(|t, _| t == s)).sum();
                let actions: u128 = Action::ALL.iter().map(|&a| bill.sum(|_, b| b == a)).sum();
                prop_assert_eq!(stages, actions);
                prop_assert_eq!(joules(stages + bill.leakage), bill.total());
                let sum: f64 = Stage::ALL.iter().map(|&s| bill.stage(s).si()).sum();
                let total = bill.total().si();
                prop_assert!((sum + bill.leakage().si() - total).abs() <= 1e-14 * total);
            }
        }

        #[test]
        fn energy_is_equal_to_the_bit_whatever_the_grouping_of_queries(
            queries in proptest::collection::vec(any_ledger(), 1..12), chunk in 1usize..12,
        ) {
            let one = queries.iter().fold(Ledger::ZERO, |sum, q| sum.then(q));
            // Chunks folded apart and then joined from the back, as threads might.
            let chunks: Vec<Ledger> = queries
                .chunks(chunk)
                .map(|part| part.iter().fold(Ledger::ZERO, |sum, q| sum.then(q)))
                .collect();
            let other = chunks.iter().rev().fold(Ledger::ZERO, |sum, part| sum.then(part));
            let (prices, time) = (prices(), Picos::new(1_000_000));
            let bits = |ledger| prices.energy(ledger, time, 3, Corner::Nominal).si().to_bits();
            prop_assert_eq!(bits(&one), bits(&other));
        }

        #[test]
        fn doubling_a_price_doubles_only_its_share(ledger in any_ledger(), which in 0..Action::COUNT) {
            let changed = Action::ALL[which];
            let mut list = default_list();
            let price = list.entry(changed).as_mut().unwrap();
            price.energy = Joules::from_si(price.energy.si() * 2.0);
            price.high = Joules::from_si(price.energy.si().max(price.high.si()));
            let doubled = list.check().unwrap();
            let time = Picos::new(77);
            let before = prices().bill(&ledger, time, 1, Corner::Nominal);
            let after = doubled.bill(&ledger, time, 1, Corner::Nominal);
            prop_assert_eq!(before.leakage, after.leakage);
            for stage in Stage::ALL {
                for action in Action::ALL {
                    let (old, new) = (before.entries[stage as usize][action as usize], after.entries[stage as usize][action as usize]);
                    let factor = if action == changed { 2 } else { 1 };
                    prop_assert_eq!(new, factor * old);
                }
            }
        }

        #[test]
        fn corners_bracket_the_nominal_energy(ledger in any_ledger(), time in 0u64..1 << 40) {
            let prices = prices();
            let [nominal, low, high] = Corner::ALL.map(|c| prices.energy(&ledger, Picos::new(time), 1, c).si());
            prop_assert!(low <= nominal && nominal <= high);
        }
    }

    #[test]
    fn a_known_bill() {
        let mut ledger = Ledger::of(Stage::Ramp, Cost::of(Action::ComparatorDecision, 1000));
        ledger.charge(Stage::Av, Cost::of(Action::WordlineCharge, 256));
        ledger.charge(Stage::Input, Cost::of(Action::WordlineCharge, 256 * 3));
        let bill = prices().bill(&ledger, Picos::new(1_000_000), 2, Corner::Nominal);
        let picojoules = |j: Joules| j.si() * 1e12;
        assert!((picojoules(bill.stage(Stage::Ramp)) - 67.0).abs() < 1e-9);
        let wordline = prices().price(Action::WordlineCharge, Corner::Nominal).si();
        assert!(
            (bill.action(Action::WordlineCharge).si() / (1024.0 * wordline) - 1.0).abs() < 1e-12
        );
        let pulses = bill.entry(Stage::Av, Action::WordlineCharge).si();
        assert!((pulses / (256.0 * wordline) - 1.0).abs() < 1e-12);
        // The same sums in whole yoctojoules, 1e12 to a picojoule.
        let exact = bill.dynamic_yoctojoules() as f64;
        assert!((exact / (67e12 + 1024.0 * wordline * 1e24) - 1.0).abs() < 1e-12);
        let leak = prices().leak(Corner::Nominal).si();
        assert!((bill.leakage().si() / (2.0 * leak * 1e-6) - 1.0).abs() < 1e-12);
        assert_eq!(
            bill.entry(Stage::Softmax, Action::Multiply),
            Joules::from_si(0.0)
        );
    }

    #[test]
    fn early_stop_never_spends_more_than_the_ramp_run_to_its_end() {
        use crate::base::cost::{RampShape, TileShape, TileTrace};
        let shape = TileShape {
            wordlines: 256,
            bitlines: 256,
        };
        let ramp = RampShape {
            calibration_rows: 32,
            ramp_rows: 32,
            steps: 32,
            swing: 32,
            code_bits: 5,
        };
        let prices = prices();
        let energy = |tile: &TileTrace| {
            let (ramp, arbiter) = tile.conversion(&shape, &ramp);
            let ledger = Ledger::of(Stage::Ramp, ramp).then(&Ledger::of(Stage::Arbiter, arbiter));
            Corner::ALL.map(|c| prices.energy(&ledger, Picos::ZERO, 1, c).si())
        };
        let trips = || (1..=200u32).map(|i| 1 + i * i / 1300);
        let full: Vec<u32> = trips().collect();
        let end = TileTrace {
            stop_step: 32,
            ..TileTrace::stopped(200, 32, 200, full.iter().copied())
        };
        for k in 1..=200 {
            let early = TileTrace::stopped(200, 32, k, full.iter().copied());
            assert!(
                energy(&early)
                    .iter()
                    .zip(energy(&end))
                    .all(|(early, end)| *early <= end)
            );
        }
    }
}
