//! What a run does, counted: actions of a [`Vocabulary`] by stage, with the value they made.
//!
//! Behaviour emits integers only. Integers add exactly and in any order, so a run cut into chunks
//! or threads counts the same, and one run can be priced again under another list. Joules are made
//! of the counts by [`energy`](super::energy).

use super::vocabulary::{Named, Vocabulary, Zero};

/// How often each action happened. Counts stay at the largest `u64` instead of wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Cost<A: Named> {
    counts: A::Each<u64>,
}

impl<A: Named> Zero for Cost<A> {
    const ZERO: Self = Self::ZERO;
}

impl<A: Named> Cost<A> {
    /// Nothing happened.
    pub const ZERO: Self = Self { counts: Zero::ZERO };

    /// `count` times one action.
    #[inline]
    pub fn of(action: A, count: u64) -> Self {
        Self::ZERO.and(action, count)
    }

    /// These counts and `count` more of one action.
    #[inline]
    pub fn and(mut self, action: A, count: u64) -> Self {
        let mine = &mut self.counts.as_mut()[action.place()];
        *mine = mine.saturating_add(count);
        self
    }

    /// How often an action happened.
    #[must_use]
    pub fn count(&self, action: A) -> u64 {
        self.counts.as_ref()[action.place()]
    }

    /// One after the other: counts add.
    #[inline]
    pub fn then(mut self, next: Self) -> Self {
        for (mine, more) in self.counts.as_mut().iter_mut().zip(next.counts.as_ref()) {
            *mine = mine.saturating_add(*more);
        }
        self
    }

    /// Side by side: counts add just as well, for hardware that runs in parallel spends the same.
    /// Only time knows the difference, and time is not kept here.
    pub fn alongside(self, other: Self) -> Self {
        self.then(other)
    }

    /// The same `n` times.
    pub fn times(mut self, n: u64) -> Self {
        for mine in self.counts.as_mut() {
            *mine = mine.saturating_mul(n);
        }
        self
    }
}

impl<A: Named> Default for Cost<A> {
    fn default() -> Self {
        Self::ZERO
    }
}

/// A value together with what happened in the hardware to make it, so that the two cannot part.
///
/// `C` is a [`Cost`] for the work of one stage, a [`Ledger`] for work that passed several, and a
/// `Vec<Cost>` for work whose parts are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Costed<T, C> {
    /// What was made.
    pub value: T,
    /// What happened in the hardware to make it.
    pub cost: C,
}

impl<T, C> Costed<T, C> {
    /// A value with its cost.
    pub const fn new(value: T, cost: C) -> Self {
        Self { value, cost }
    }
}

/// Counts by stage. A total is computed when asked for; none is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Ledger<V: Vocabulary> {
    stages: <V::Stage as Named>::Each<Cost<V::Action>>,
}

impl<V: Vocabulary> Ledger<V> {
    /// Nothing happened.
    pub const ZERO: Self = Self { stages: Zero::ZERO };

    /// The cost of one stage.
    pub fn of(stage: V::Stage, cost: Cost<V::Action>) -> Self {
        let mut ledger = Self::ZERO;
        ledger.charge(stage, cost);
        ledger
    }

    /// Adds to one stage.
    #[inline]
    pub fn charge(&mut self, stage: V::Stage, cost: Cost<V::Action>) {
        let entry = &mut self.stages.as_mut()[stage.place()];
        *entry = entry.then(cost);
    }

    /// Adds a costed value's cost to one stage and hands on the value.
    #[inline]
    pub fn pay<T>(&mut self, stage: V::Stage, costed: Costed<T, Cost<V::Action>>) -> T {
        self.charge(stage, costed.cost);
        costed.value
    }

    /// Adds another ledger, stage by stage, in place: a ledger is large, and a run adds thousands.
    pub fn add(&mut self, next: &Self) {
        for (mine, more) in self.stages.as_mut().iter_mut().zip(next.stages.as_ref()) {
            *mine = mine.then(*more);
        }
    }

    /// Both ledgers, stage by stage.
    pub fn then(mut self, next: &Self) -> Self {
        self.add(next);
        self
    }

    /// The same `n` times.
    pub fn times(mut self, n: u64) -> Self {
        for cost in self.stages.as_mut() {
            *cost = cost.times(n);
        }
        self
    }

    /// The counts of one stage.
    pub fn stage(&self, stage: V::Stage) -> Cost<V::Action> {
        self.stages.as_ref()[stage.place()]
    }

    /// The counts of all stages together.
    pub fn total(&self) -> Cost<V::Action> {
        let stages = self.stages.as_ref().iter();
        stages.fold(Cost::ZERO, |sum, &cost| sum.then(cost))
    }
}

impl<V: Vocabulary> Default for Ledger<V> {
    fn default() -> Self {
        Self::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::Costed;
    use crate::base::vocabulary::mill::{Action, Cost, Ledger, Stage};
    use proptest::prelude::*;

    pub fn any_cost() -> impl Strategy<Value = Cost> {
        // Near the top as well, where counts saturate.
        let count = prop_oneof![0u64..1000, u64::MAX - 10..=u64::MAX];
        proptest::collection::vec(count, Action::COUNT).prop_map(|counts| {
            Action::ALL
                .into_iter()
                .zip(counts)
                .fold(Cost::ZERO, |cost, (action, n)| cost.and(action, n))
        })
    }

    fn any_ledger() -> impl Strategy<Value = Ledger> {
        proptest::collection::vec((0..Stage::COUNT, any_cost()), 0..4).prop_map(|parts| {
            parts.into_iter().fold(Ledger::ZERO, |mut ledger, (s, c)| {
                ledger.charge(Stage::ALL[s], c);
                ledger
            })
        })
    }

    proptest! {
        #[test]
        fn counts_compose_as_a_commutative_monoid(a in any_cost(), b in any_cost(), c in any_cost()) {
            prop_assert_eq!(a.then(b).then(c), a.then(b.then(c)));
            prop_assert_eq!(a.alongside(b).alongside(c), a.alongside(b.alongside(c)));
            prop_assert_eq!(a.alongside(b), b.alongside(a));
            prop_assert_eq!(a.then(Cost::ZERO), a);
            prop_assert_eq!(Cost::ZERO.then(a), a);
        }

        #[test]
        fn parallel_spends_what_serial_spends(a in any_cost(), b in any_cost()) {
            prop_assert_eq!(a.alongside(b), a.then(b));
            prop_assert_eq!(a.then(a).then(a), a.times(3));
        }

        #[test]
        fn ledgers_add_in_any_grouping(a in any_ledger(), b in any_ledger(), c in any_ledger()) {
            let left = a.clone().then(&b).then(&c);
            let right = a.clone().then(&b.clone().then(&c));
            prop_assert_eq!(&left, &right);
            prop_assert_eq!(&left, &c.then(&b).then(&a));
            let total = Stage::ALL.into_iter().fold(Cost::ZERO, |sum, s| sum.then(left.stage(s)));
            prop_assert_eq!(left.total(), total);
        }
    }

    #[test]
    fn what_is_paid_is_charged_and_the_value_handed_on() {
        let made = Costed::new(3, Cost::of(Action::Multiply, 1).and(Action::Add, 4));
        let mut ledger = Ledger::ZERO;
        assert_eq!(ledger.pay(Stage::Scale, made), 3);
        assert_eq!(ledger.pay(Stage::Scale, made), 3);
        assert_eq!(ledger.stage(Stage::Scale).count(Action::Add), 8);
        assert_eq!(ledger.total().count(Action::Multiply), 2);
        assert_eq!(ledger.stage(Stage::Second), Cost::ZERO);
    }
}
