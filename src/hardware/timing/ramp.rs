//! The ramp and its arbiter: how long one tile converts, under each of the three arbiters.
//!
//! With T the clock and A the time of a grant, `stop` the step of the k-th trip and g_s the grants
//! of step s:
//!
//! | arbiter | time |
//! |---|---|
//! | stall | T + sum over s < stop of max(T, g_s A) + g_stop A |
//! | paper-max | max(stop T + A, T + k A), eq. 4 of arXiv 2411.13050 |
//! | queue | e_k, where e_j = max(arrival of the j-th request, e_(j-1)) + A |
//!
//! For k >= 1 grants that reach `stop`: paper-max <= queue <= stall. The three agree exactly if no
//! step holds two grants *and* A <= T. With A > T single grants pile up like double ones, and the
//! paper's formula, which sees neither the gaps nor the bursts between first and last trip, is a
//! lower bound only. stall = queue already where g_s A <= T for every s < stop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::units::Picos;
use crate::hardware::events::StepGrants;

/// Time of a tile whose ramp waits for the grants of a step. `grants` ascend in step, the last at
/// or before `stop`. Without a grant it is the plain ramp, `stop` clocks.
#[must_use]
pub fn stall(stop: u32, grants: &[StepGrants], clock: Picos, arbiter: Picos) -> Picos {
    let steps = clock.times(u64::from(stop));
    grants.iter().fold(steps, |time, g| {
        let serving = arbiter.times(u64::from(g.count));
        // Before the stop the next step hides one clock of the grants.
        let hidden = if g.step < stop { clock } else { Picos::ZERO };
        time + Picos::new(serving.get().saturating_sub(hidden.get()))
    })
}

/// Time of a tile after eq. 4 of arXiv 2411.13050, for a ramp that took `ramp` until the k-th
/// trip. A duration, not a step count, because the paper's average stop, 0.31 x 128 ns, is no
/// whole number of clocks. Without a grant it is the ramp alone.
#[must_use]
pub fn paper_max(ramp: Picos, granted: u64, clock: Picos, arbiter: Picos) -> Picos {
    if granted == 0 || ramp == Picos::ZERO {
        return ramp;
    }
    (ramp + arbiter).max(clock + arbiter.times(granted))
}

/// Time of a tile whose ramp does not wait, from the steps of the first k requests (`grants`,
/// steps ascending). The server never rests while someone waits, so the time does not depend on
/// whom it takes first. The ramp has run at least `stop` steps.
#[must_use]
pub fn queue_time(stop: u32, grants: &[StepGrants], clock: Picos, arbiter: Picos) -> Picos {
    let served = grants.iter().fold(Picos::ZERO, |free, g| {
        free.max(clock.times(u64::from(g.step))) + arbiter.times(u64::from(g.count))
    });
    served.max(clock.times(u64::from(stop)))
}

/// A column that trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Its trip step, from 1.
    pub step: u32,
    /// Its address; the smaller is served first.
    pub address: u32,
}

/// What a queueing arbiter did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The requests granted, in the order of their grants. Not always the first k by step: a
    /// smaller address that trips while others wait goes before them.
    pub grants: Vec<Request>,
    /// The first requests by arrival, as many as were granted: what [`queue_time`] takes.
    pub arrivals: Vec<StepGrants>,
    /// Ramp steps completed when the last grant begins; all steps where fewer than k tripped.
    pub stop_step: u32,
    /// When the last grant is done, from the start of the ramp; the end of the ramp where fewer
    /// than k tripped and it ends later.
    pub end: Picos,
}

/// A ramp of `steps` steps that does not wait: step s asks at s T, pending requests are served one
/// at a time, the smallest address first, until `k` are done, or as many as there are `requests`
/// (one a live column). Requests of steps beyond `steps` never come.
#[must_use]
pub fn queue(requests: &[Request], k: u32, steps: u32, clock: Picos, arbiter: Picos) -> Served {
    let k = requests.len().min(k as usize);
    let mut coming: Vec<Request> = requests
        .iter()
        .copied()
        .filter(|r| r.step <= steps)
        .collect();
    coming.sort_unstable();
    let arrival = |request: &Request| clock.times(u64::from(request.step));
    let mut waiting = BinaryHeap::new();
    let (mut grants, mut next, mut now, mut begun) = (Vec::new(), 0, Picos::ZERO, Picos::ZERO);
    while grants.len() < k {
        while let Some(request) = coming.get(next).filter(|r| arrival(r) <= now) {
            waiting.push(Reverse((request.address, request.step)));
            next += 1;
        }
        if let Some(Reverse((address, step))) = waiting.pop() {
            grants.push(Request { step, address });
            begun = now;
            now += arbiter;
        } else if let Some(request) = coming.get(next) {
            now = arrival(request);
        } else {
            break;
        }
    }
    let mut arrivals: Vec<StepGrants> = Vec::new();
    for request in &coming[..grants.len()] {
        match arrivals.last_mut() {
            Some(last) if last.step == request.step => last.count += 1,
            _ => arrivals.push(StepGrants {
                step: request.step,
                count: 1,
            }),
        }
    }
    let stop_step = if grants.len() < k {
        steps
    } else {
        let completed = begun.get().checked_div(clock.get()).unwrap_or(0);
        u32::try_from(completed).unwrap_or(u32::MAX).min(steps)
    };
    let end = now.max(clock.times(u64::from(stop_step)));
    Served {
        grants,
        arrivals,
        stop_step,
        end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::events::TileTrace;
    use proptest::prelude::*;

    const T: Picos = Picos::new(4000);
    const A: Picos = Picos::new(2080);
    const STEPS: u32 = 32;

    fn requests(steps: &[u32]) -> Vec<Request> {
        let address = |i: usize| (i as u32).wrapping_mul(37) % 101;
        steps
            .iter()
            .enumerate()
            .map(|(i, &step)| Request {
                step,
                address: address(i),
            })
            .collect()
    }

    /// Times of stall, paper-max and queue for the same trips, cut at k.
    fn three(trips: &[u32], k: u32, clock: Picos, arbiter: Picos) -> [Picos; 3] {
        let mut sorted = trips.to_vec();
        sorted.sort_unstable();
        let tile = TileTrace::stopped(sorted.len() as u32, STEPS, k, sorted.into_iter());
        let ramp = clock.times(u64::from(tile.stop_step));
        [
            stall(tile.stop_step, &tile.grants, clock, arbiter),
            paper_max(ramp, tile.granted(), clock, arbiter),
            queue(&requests(trips), k, STEPS, clock, arbiter).end,
        ]
    }

    #[test]
    fn the_conventions_formula_by_hand() {
        // Steps 3 (one), 5 (three), 6 (two): T + 2T + T + max(T, 3A) ... + 2A
        let grants = [(3, 1), (5, 3), (6, 2)].map(|(step, count)| StepGrants { step, count });
        let expected = 4000 + 4 * 4000 + 3 * 2080 + 2 * 2080;
        assert_eq!(stall(6, &grants, T, A), Picos::new(expected));
        assert_eq!(stall(32, &[], T, A), Picos::new(128_000));
        assert_eq!(paper_max(Picos::new(39_680), 3, T, A), Picos::new(41_760));
        assert_eq!(paper_max(Picos::new(8_000), 5, T, A), Picos::new(14_400));
    }

    #[test]
    fn a_smaller_address_that_trips_while_others_wait_goes_first() {
        let ask = |step, address| Request { step, address };
        let all = [ask(1, 7), ask(1, 8), ask(1, 9), ask(2, 0)];
        let served = queue(&all, 3, STEPS, T, A);
        // 7 at 4 ns, 8 at 6.08 ns, then at 8.16 ns column 0 of step 2 overtakes column 9.
        assert_eq!(served.grants, [ask(1, 7), ask(1, 8), ask(2, 0)]);
        assert_eq!((served.stop_step, served.end), (2, Picos::new(10_240)));
        assert_eq!(served.arrivals, [StepGrants { step: 1, count: 3 }]);
    }

    #[test]
    fn single_grants_slower_than_the_clock_part_the_three() {
        let slow = Picos::new(6000);
        let [stall, paper, queue] = three(&[1, 3, 4], 3, T, slow);
        assert_eq!(
            [stall, paper, queue].map(Picos::get),
            [26_000, 22_000, 24_000]
        );
    }

    #[test]
    fn a_ramp_that_finds_too_few_runs_to_its_end() {
        let served = queue(&requests(&[2, 9, 40]), 3, STEPS, T, A);
        assert_eq!((served.grants.len(), served.stop_step), (2, 32));
        assert_eq!(served.end, Picos::new(128_000));
    }

    fn trips() -> impl Strategy<Value = Vec<u32>> {
        proptest::collection::vec(1u32..=STEPS, 1..40)
    }

    proptest! {
        /// stall = paper-max = queue when no step holds two grants and a grant fits in a clock.
        #[test]
        fn the_three_arbiters_agree_when_no_step_holds_two_grants(
            steps in proptest::collection::btree_set(1u32..=STEPS, 1..32),
            shuffle in any::<u64>(), arbiter in 0u64..=4000, k in 1u32..32,
        ) {
            let mut steps: Vec<u32> = steps.into_iter().collect();
            let n = steps.len();
            steps.rotate_left((shuffle % n as u64) as usize);
            let k = k.min(n as u32);
            let [stall, paper, queue] = three(&steps, k, T, Picos::new(arbiter));
            prop_assert_eq!(stall, paper);
            prop_assert_eq!(stall, queue);
        }

        /// The same for selection: then the queue grants what the stalled ramp does.
        #[test]
        fn single_fast_grants_are_served_in_order_of_steps(
            steps in proptest::collection::btree_set(1u32..=STEPS, 1..32), arbiter in 0u64..=4000,
        ) {
            let steps: Vec<u32> = steps.into_iter().collect();
            let served = queue(&requests(&steps), steps.len() as u32, STEPS, T, Picos::new(arbiter));
            let order: Vec<u32> = served.grants.iter().map(|g| g.step).collect();
            prop_assert_eq!(order, steps.clone());
            prop_assert_eq!(Some(&served.stop_step), steps.last());
        }

        #[test]
        fn paper_max_is_never_above_queue_nor_queue_above_stall(
            trips in trips(), k in 1u32..40, clock in 1u64..9000, arbiter in 0u64..9000,
        ) {
            let k = k.min(trips.len() as u32);
            let [stall, paper, queue] = three(&trips, k, Picos::new(clock), Picos::new(arbiter));
            prop_assert!(paper <= queue && queue <= stall, "{} {} {}", paper, queue, stall);
        }

        #[test]
        fn the_queues_time_follows_from_its_arrivals(
            trips in trips(), k in 1u32..50, clock in 1u64..9000, arbiter in 0u64..9000,
        ) {
            let (clock, arbiter) = (Picos::new(clock), Picos::new(arbiter));
            let served = queue(&requests(&trips), k, STEPS, clock, arbiter);
            let time = queue_time(served.stop_step, &served.arrivals, clock, arbiter);
            prop_assert_eq!(time, served.end);
        }

        /// The same ramp with the same arbiter run to its end, with all columns granted or with k.
        #[test]
        fn early_stop_never_takes_longer_than_the_ramp_run_to_its_end(
            trips in trips(), k in 1u32..40, clock in 1u64..9000, arbiter in 0u64..9000,
        ) {
            let (clock, arbiter) = (Picos::new(clock), Picos::new(arbiter));
            let n = trips.len() as u32;
            let mut sorted = trips.clone();
            sorted.sort_unstable();
            let tile = |k| TileTrace::stopped(n, STEPS, k, sorted.iter().copied());
            let (early, all) = (tile(k.min(n)), tile(n));
            let times = |tile: &TileTrace, stop| [
                stall(stop, &tile.grants, clock, arbiter),
                paper_max(clock.times(u64::from(stop)), tile.granted(), clock, arbiter),
                queue_time(stop, &tile.grants, clock, arbiter),
            ];
            let early_times = times(&early, early.stop_step);
            for run_on in [times(&all, STEPS), times(&early, STEPS)] {
                for (early, end) in early_times.iter().zip(run_on) {
                    prop_assert!(*early <= end);
                }
            }
        }
    }
}
