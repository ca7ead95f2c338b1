//! Counts times prices, by stage and action.

use super::{Corner, Prices};
use crate::base::cost::Ledger;
use crate::base::units::{Joules, Picos};
use crate::base::vocabulary::{Named, Vocabulary, Zero};

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

/// How long units leak: picoseconds times units, over runs of different lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaking(u128);

impl Leaking {
    /// Nothing leaks.
    pub const NONE: Self = Self(0);

    /// `units` units for `time`.
    #[must_use]
    pub fn of(units: u64, time: Picos) -> Self {
        Self(u128::from(time.get()) * u128::from(units))
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// The energy of a ledger: every entry apart, every sum computed when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Bill<V: Vocabulary> {
    /// Yoctojoules.
    entries: <V::Stage as Named>::Each<<V::Action as Named>::Each<u128>>,
    /// Yoctojoules.
    leakage: u128,
}

impl<V: Vocabulary> Prices<V> {
    /// What the counts of `ledger` cost, and what leaks beside.
    pub fn bill(&self, ledger: &Ledger<V>, leaking: Leaking, corner: Corner) -> Bill<V> {
        let mut entries = Zero::ZERO;
        let rows: &mut [<V::Action as Named>::Each<u128>] = AsMut::as_mut(&mut entries);
        for &action in V::Action::ALL {
            let price = whole(self.price(action, corner).si());
            for (row, stage) in rows.iter_mut().zip(V::Stage::ALL) {
                let count = u128::from(ledger.stage(*stage).count(action));
                row.as_mut()[action.place()] = price.saturating_mul(count);
            }
        }
        Bill {
            entries,
            leakage: self.leaked(leaking, corner),
        }
    }

    /// Picowatts times picoseconds: yoctojoules.
    fn leaked(&self, leaking: Leaking, corner: Corner) -> u128 {
        whole(self.leak(corner).si() * 1e-12).saturating_mul(leaking.0)
    }

    /// Yoctojoules that were priced before, and what leaks beside.
    #[must_use]
    pub fn with_leakage(&self, dynamic: u128, leaking: Leaking, corner: Corner) -> Joules {
        joules(dynamic.saturating_add(self.leaked(leaking, corner)))
    }

    /// The total of [`Prices::bill`].
    #[must_use]
    pub fn energy(&self, ledger: &Ledger<V>, leaking: Leaking, corner: Corner) -> Joules {
        self.bill(ledger, leaking, corner).total()
    }
}

impl<V: Vocabulary> Bill<V> {
    fn sum(&self, wanted: impl Fn(V::Stage, V::Action) -> bool) -> u128 {
        let mut sum = 0u128;
        for (&stage, row) in V::Stage::ALL.iter().zip(self.entries.as_ref()) {
            for (&action, entry) in V::Action::ALL.iter().zip(row.as_ref()) {
                if wanted(stage, action) {
                    sum = sum.saturating_add(*entry);
                }
            }
        }
        sum
    }

    /// One action in one stage.
    #[must_use]
    pub fn entry(&self, stage: V::Stage, action: V::Action) -> Joules {
        joules(self.entries.as_ref()[stage.place()].as_ref()[action.place()])
    }

    /// One stage, all actions.
    #[must_use]
    pub fn stage(&self, stage: V::Stage) -> Joules {
        joules(self.sum(|s, _| s == stage))
    }

    /// One action, all stages.
    #[must_use]
    pub fn action(&self, action: V::Action) -> Joules {
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
    use super::*;
    use crate::base::vocabulary::mill::{self, Action, Cost, Ledger, Mill, Stage};
    use proptest::prelude::*;

    fn prices() -> Prices<Mill> {
        mill::prices().check().unwrap()
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
                let bill = prices.bill(&ledger, Leaking::of(2, Picos::new(time)), corner);
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
            let (prices, leaking) = (prices(), Leaking::of(3, Picos::new(1_000_000)));
            let bits = |ledger| prices.energy(ledger, leaking, Corner::Nominal).si().to_bits();
            prop_assert_eq!(bits(&one), bits(&other));
        }

        #[test]
        fn doubling_a_price_doubles_only_its_share(ledger in any_ledger(), which in 0..Action::COUNT) {
            let changed = Action::ALL[which];
            let mut list = mill::prices();
            let price = list.entry(changed).as_mut().unwrap();
            price.energy = Joules::from_si(price.energy.si() * 2.0);
            price.high = Joules::from_si(price.energy.si().max(price.high.si()));
            let doubled = list.check().unwrap();
            let leaking = Leaking::of(1, Picos::new(77));
            let before = prices().bill(&ledger, leaking, Corner::Nominal);
            let after = doubled.bill(&ledger, leaking, Corner::Nominal);
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
            let [nominal, low, high] = Corner::ALL.map(|c| prices.energy(&ledger, Leaking::of(1, Picos::new(time)), c).si());
            prop_assert!(low <= nominal && nominal <= high);
        }
    }

    #[test]
    fn a_known_bill() {
        let mut ledger = Ledger::of(Stage::First, Cost::of(Action::Add, 1000));
        ledger.charge(Stage::Second, Cost::of(Action::Move, 256));
        ledger.charge(Stage::Fetch, Cost::of(Action::Move, 256 * 3));
        let bill = prices().bill(
            &ledger,
            Leaking::of(2, Picos::new(1_000_000)),
            Corner::Nominal,
        );
        let picojoules = |j: Joules| j.si() * 1e12;
        assert!((picojoules(bill.stage(Stage::First)) - 67.0).abs() < 1e-9);
        let moved = prices().price(Action::Move, Corner::Nominal).si();
        assert!((bill.action(Action::Move).si() / (1024.0 * moved) - 1.0).abs() < 1e-12);
        let words = bill.entry(Stage::Second, Action::Move).si();
        assert!((words / (256.0 * moved) - 1.0).abs() < 1e-12);
        // The same sums in whole yoctojoules, 1e12 to a picojoule.
        let exact = bill.dynamic_yoctojoules() as f64;
        assert!((exact / (67e12 + 1024.0 * moved * 1e24) - 1.0).abs() < 1e-12);
        let leak = prices().leak(Corner::Nominal).si();
        assert!((bill.leakage().si() / (2.0 * leak * 1e-6) - 1.0).abs() < 1e-12);
        assert_eq!(
            bill.entry(Stage::Scale, Action::Multiply),
            Joules::from_si(0.0)
        );
    }
}
