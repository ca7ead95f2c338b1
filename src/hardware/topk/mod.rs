//! Selection: sub-top-k of each tile, ties, merge, and the exact reference.
//!
//! The order of a tile is (trip, address): larger values trip first and within a step the arbiter
//! serves the smaller address first. A counter stops the ramp at the tile's quota. Conversion *is*
//! selection: trips are a pure function of levels and draws, so cutting the ordered list after the
//! quota is what a ramp that halts would keep (a property test holds that).

mod split;

pub use split::{K, Spare, Split, Topk, TopkParams};

use crate::hardware::events::StepGrants;

/// A column that keeps its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Winner {
    /// Its key.
    pub token: usize,
    /// The step at which it tripped; the depth itself for a converter without steps.
    pub trip: f64,
}

/// One tile's part in one query.
#[derive(Clone, Debug, PartialEq)]
pub struct TileOutcome {
    /// Live columns.
    pub live: usize,
    /// Places.
    pub quota: usize,
    /// Trip of the last place; infinite when fewer columns tripped than there are places. None if
    /// the tile is not driven.
    pub stop: Option<f64>,
    /// Whether the stop step holds more columns than places.
    pub tie: bool,
}

/// Grants by step of columns in arbiter order.
#[must_use]
pub fn grants(kept: &[Winner]) -> Vec<StepGrants> {
    let mut grants: Vec<StepGrants> = Vec::new();
    for winner in kept {
        let step = winner.trip as u32;
        match grants.last_mut() {
            Some(last) if last.step == step => last.count += 1,
            _ => grants.push(StepGrants { step, count: 1 }),
        }
    }
    grants
}

/// The first `limit` of a tile's columns in arbiter order; `trips` holds the tile's columns, whose
/// first is `start`. Columns that never trip (infinite) are left out.
#[must_use]
pub fn rank(trips: &[f64], start: usize, limit: usize) -> Vec<Winner> {
    let columns = trips
        .iter()
        .enumerate()
        .filter(|(_, trip)| **trip < f64::INFINITY);
    let winner = |(at, trip): (usize, &f64)| Winner {
        token: start + at,
        trip: *trip,
    };
    if limit > 24 {
        let mut ranked: Vec<Winner> = columns.map(winner).collect();
        ranked.sort_by(|a, b| a.trip.total_cmp(&b.trip));
        ranked.truncate(limit);
        return ranked;
    }
    let mut ranked: Vec<Winner> = Vec::with_capacity(limit + 1);
    for column in columns {
        // Addresses come in rising order, so an equal trip never overtakes.
        if ranked.len() == limit && ranked.last().is_none_or(|last| *column.1 >= last.trip) {
            continue;
        }
        let at = ranked.partition_point(|kept| kept.trip <= *column.1);
        ranked.insert(at, winner(column));
        ranked.truncate(limit);
    }
    ranked
}

/// A tile's outcome from its ranked columns, of which one more than the places should be given
/// for a tie to be seen.
#[must_use]
pub fn cut(ranked: &[Winner], quota: usize, live: usize) -> TileOutcome {
    let driven = quota > 0 && live > 0;
    let last = quota.checked_sub(1).and_then(|at| ranked.get(at));
    TileOutcome {
        live,
        quota,
        stop: driven.then(|| last.map_or(f64::INFINITY, |winner| winner.trip)),
        tie: last.is_some_and(|last| ranked.get(quota).is_some_and(|next| next.trip == last.trip)),
    }
}

/// The first k of all tiles' winners by (trip, address), back in address order.
#[must_use]
pub fn merge(mut winners: Vec<Winner>, k: usize) -> Vec<Winner> {
    winners.sort_by(|a, b| a.trip.total_cmp(&b.trip).then(a.token.cmp(&b.token)));
    winners.truncate(k);
    winners.sort_by_key(|winner| winner.token);
    winners
}

/// Reference: the tokens of the `k` largest scores among the live ones, ties to the lower index.
#[must_use]
pub fn exact(scores: &[f64], live: impl Fn(usize) -> bool, k: usize) -> Vec<usize> {
    let depths: Vec<f64> = scores
        .iter()
        .enumerate()
        .map(|(token, score)| if live(token) { -score } else { f64::INFINITY })
        .collect();
    rank(&depths, 0, k)
        .into_iter()
        .map(|winner| winner.token)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_list_equals_the_sorted_one(
            steps in proptest::collection::vec(1_u32..9, 1..60),
            limit in 1_usize..24,
        ) {
            let trips: Vec<f64> = steps.iter().map(|s| if *s == 8 { f64::INFINITY } else { f64::from(*s) }).collect();
            let mut sorted: Vec<_> = trips.iter().copied().enumerate().filter(|(_, t)| t.is_finite()).collect();
            sorted.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            let expected: Vec<usize> = sorted.into_iter().take(limit).map(|(at, _)| at).collect();
            let got: Vec<usize> = rank(&trips, 0, limit).iter().map(|w| w.token).collect();
            prop_assert_eq!(got, expected);
        }

        /// A ramp that goes step by step, serves the smaller address first and halts at its count.
        #[test]
        fn cutting_the_order_equals_a_ramp_that_halts(
            steps in proptest::collection::vec(proptest::option::weighted(0.8, 1_u32..33), 1..70),
            quota in 1_usize..9,
        ) {
            let live = steps.iter().flatten().count();
            let places = quota.min(live);
            let mut halted = Vec::new();
            let mut stop = f64::INFINITY;
            'ramp: for step in 1..33 {
                for (address, tripped) in steps.iter().enumerate() {
                    if *tripped == Some(step) && halted.len() < places {
                        halted.push(address);
                        if halted.len() == places {
                            stop = f64::from(step);
                            break 'ramp;
                        }
                    }
                }
            }
            let trips: Vec<f64> = steps.iter().map(|s| s.map_or(f64::INFINITY, f64::from)).collect();
            let ranked = rank(&trips, 0, places + 1);
            let outcome = cut(&ranked, places, live);
            let kept: Vec<usize> = ranked.iter().take(places).map(|w| w.token).collect();
            prop_assert_eq!(kept, halted);
            if live > 0 {
                prop_assert_eq!(outcome.stop, Some(stop));
                let at_stop = steps.iter().flatten().filter(|s| f64::from(**s) <= stop).count();
                prop_assert_eq!(outcome.tie, at_stop > places);
            } else {
                prop_assert_eq!(outcome.stop, None);
            }
        }
    }
}
