//! Selection: sub-top-k of each tile, ties, merge, and the exact reference.
//!
//! The order of a tile is (trip, address): larger values trip first and within a step the arbiter
//! serves the smaller address first. A counter stops the ramp at the tile's quota. Conversion *is*
//! selection: trips are a pure function of levels and draws, so cutting the ordered list after the
//! quota is what a ramp that halts would keep (a property test holds that).

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::base::cost::StepGrants;
use crate::base::mistake::Mistakes;

/// One k for every head, or one a head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum K {
    /// The same for every head.
    All(usize),
    /// One for each head, in the order of the workload.
    PerHead(Vec<usize>),
}

impl<'de> Deserialize<'de> for K {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrList;
        impl<'de> de::Visitor<'de> for NumberOrList {
            type Value = K;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number above zero, or a list of them, one for each head")
            }
            fn visit_i64<E: de::Error>(self, k: i64) -> Result<K, E> {
                usize::try_from(k)
                    .map(K::All)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(k), &self))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<K, A::Error> {
                let mut ks = Vec::new();
                while let Some(k) = list.next_element()? {
                    ks.push(k);
                }
                Ok(K::PerHead(ks))
            }
        }
        deserializer.deserialize_any(NumberOrList)
    }
}

/// How k is shared out to the tiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Split {
    /// In proportion to the tiles' columns by largest remainder, ties to the lower tile.
    Proportional {},
    /// Alike; the lower tiles take the rest.
    Even {},
    /// These many a tile; they sum to k.
    Explicit(Vec<usize>),
    /// k in every tile; a digital merge picks the global k.
    PerTile {},
}

/// What happens to the places of a tile that has fewer live columns than its quota in some row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Spare {
    /// The other tiles take them, one by one from the lowest: a row with fewer live columns than k
    /// keeps them all.
    Redistribute {},
    /// They are lost: counters are wired.
    Drop {},
}

/// `[topk]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopkParams {
    /// How many keys a query keeps.
    pub k: K,
    /// How k is shared out to the tiles.
    pub split: Split,
    /// Places that a row cannot fill.
    pub spare: Spare,
}

impl Default for TopkParams {
    fn default() -> Self {
        Self {
            k: K::All(5),
            split: Split::Proportional {},
            spare: Spare::Redistribute {},
        }
    }
}

/// Selection of one head, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topk {
    /// Keys that a query keeps.
    pub k: usize,
    /// Places of each tile.
    pub quota: Vec<usize>,
    /// Whether the tiles' winners are merged to the global k.
    pub merges: bool,
    spare: Spare,
}

impl TopkParams {
    /// The selection of each head, and warnings.
    ///
    /// # Errors
    /// k of zero or above the tokens, a list that does not match the heads, an explicit split that
    /// does not sum to k or exceeds a tile.
    pub fn check(
        &self,
        heads: usize,
        tiles: &[Range<usize>],
    ) -> Result<(Vec<Topk>, Vec<String>), Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        let tokens = tiles.last().map_or(0, |tile| tile.end);
        let ks = match &self.k {
            K::All(k) => vec![*k; heads],
            K::PerHead(ks) => {
                m.require(
                    ks.len() == heads,
                    "k",
                    format!("{ks:?}"),
                    format!("needs one number for each of the {heads} heads of the workload"),
                    "write one k for all heads, or as many as there are heads",
                );
                ks.clone()
            }
        };
        let mut distinct = ks.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let mut quotas = std::collections::BTreeMap::new();
        let mut warnings = Vec::new();
        for k in distinct {
            m.require(
                (1..=tokens).contains(&k),
                "k",
                k,
                format!("must be from 1 to {tokens}, the tokens of the workload"),
                "write for instance 5",
            );
            if !(1..=tokens).contains(&k) {
                continue;
            }
            let quota = self.quota(k, tiles, m);
            let idle: Vec<String> = (0..quota.len())
                .filter(|at| quota[*at] == 0)
                .map(|at| at.to_string())
                .collect();
            if !idle.is_empty() {
                let more = match idle.len() {
                    0..=8 => String::new(),
                    many => format!(" and {} more", many - 8),
                };
                warnings.push(format!(
                    "topk: with k = {k} the tile{} {}{more} get no place and are not driven; their keys can never win",
                    if idle.len() == 1 { "" } else { "s" },
                    idle[..idle.len().min(8)].join(", ")
                ));
            }
            quotas.insert(k, quota);
        }
        mistakes.or(|| {
            let topk = |k: &usize| Topk {
                k: *k,
                quota: quotas.get(k).cloned().unwrap_or_default(),
                merges: self.split == Split::PerTile {},
                spare: self.spare,
            };
            (ks.iter().map(topk).collect(), warnings)
        })
    }

    fn quota(&self, k: usize, tiles: &[Range<usize>], m: &mut Mistakes) -> Vec<usize> {
        let sizes: Vec<usize> = tiles.iter().map(Range::len).collect();
        let tokens: usize = sizes.iter().sum();
        match &self.split {
            Split::Proportional {} => {
                let mut quota: Vec<usize> = sizes.iter().map(|size| k * size / tokens).collect();
                let mut order: Vec<usize> = (0..sizes.len()).collect();
                order.sort_by_key(|at| (std::cmp::Reverse(k * sizes[*at] % tokens), *at));
                let rest = k - quota.iter().sum::<usize>();
                for at in order.into_iter().take(rest) {
                    quota[at] += 1;
                }
                redistribute(quota, &sizes)
            }
            Split::Even {} => {
                let count = sizes.len();
                let quota = (0..count)
                    .map(|at| k / count + usize::from(at < k % count))
                    .collect();
                redistribute(quota, &sizes)
            }
            Split::Explicit(quota) => {
                let text = format!("{quota:?}");
                m.require(
                    quota.len() == sizes.len(),
                    "split.explicit",
                    &text,
                    format!("needs one number for each of the {} tiles", sizes.len()),
                    format!("the tiles hold {sizes:?} tokens"),
                );
                m.require(
                    quota.iter().copied().fold(0, usize::saturating_add) == k,
                    "split.explicit",
                    &text,
                    format!("must sum to k = {k}"),
                    "change a tile's share or `topk.k`",
                );
                for (at, (places, size)) in quota.iter().zip(&sizes).enumerate() {
                    m.require(
                        places <= size,
                        "split.explicit",
                        &text,
                        format!("tile {at} has {size} columns and cannot keep {places}"),
                        "lower its share",
                    );
                }
                quota.clone()
            }
            Split::PerTile {} => sizes.iter().map(|size| k.min(*size)).collect(),
        }
    }
}

/// Moves places above a tile's capacity to the other tiles, one by one from the lowest.
fn redistribute(mut quota: Vec<usize>, capacity: &[usize]) -> Vec<usize> {
    let mut spare = 0;
    for (places, room) in quota.iter_mut().zip(capacity) {
        spare += places.saturating_sub(*room);
        *places = (*places).min(*room);
    }
    while spare > 0 {
        let before = spare;
        for (places, room) in quota.iter_mut().zip(capacity) {
            if spare > 0 && *places < *room {
                *places += 1;
                spare -= 1;
            }
        }
        if spare == before {
            break;
        }
    }
    quota
}

impl Topk {
    /// Places of each tile in a row with these live columns a tile.
    #[must_use]
    pub fn row_quota(&self, live: &[usize]) -> Vec<usize> {
        if self.merges || self.spare == (Spare::Drop {}) {
            self.quota
                .iter()
                .zip(live)
                .map(|(places, live)| *places.min(live))
                .collect()
        } else {
            redistribute(self.quota.clone(), live)
        }
    }
}

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
    /// Grants of the arbiter by step; empty where none works.
    pub grants: Vec<StepGrants>,
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
        grants: Vec::new(),
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

    fn quota(k: usize, split: Split, sizes: &[usize]) -> Result<Vec<usize>, Mistakes> {
        let mut start = 0;
        let tiles: Vec<_> = sizes
            .iter()
            .map(|size| {
                start += size;
                start - size..start
            })
            .collect();
        let params = TopkParams {
            k: K::All(k),
            split,
            ..TopkParams::default()
        };
        params
            .check(1, &tiles)
            .map(|(topk, _)| topk[0].quota.clone())
    }

    #[test]
    fn the_papers_splits_come_out() {
        assert_eq!(
            quota(5, Split::Proportional {}, &[256, 128]).unwrap(),
            [3, 2]
        );
        assert_eq!(
            quota(5, Split::Even {}, &[128, 128, 128]).unwrap(),
            [2, 2, 1]
        );
        assert_eq!(
            quota(1, Split::Proportional {}, &[256, 128]).unwrap(),
            [1, 0]
        );
        assert_eq!(quota(9, Split::Even {}, &[2, 128]).unwrap(), [2, 7]);
        assert_eq!(quota(5, Split::PerTile {}, &[256, 3]).unwrap(), [5, 3]);
    }

    #[test]
    fn a_split_that_does_not_fit_is_named() {
        let problems = |k, split, sizes: &[usize]| {
            let mistakes = quota(k, split, sizes).unwrap_err();
            mistakes
                .0
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert!(
            problems(5, Split::Explicit(vec![3, 3]), &[256, 128]).contains("must sum to k = 5")
        );
        assert!(
            problems(5, Split::Explicit(vec![1, 4]), &[256, 3]).contains("tile 1 has 3 columns")
        );
        assert!(problems(0, Split::Even {}, &[4]).contains("k = 0: must be from 1 to 4"));
        assert!(problems(5, Split::Even {}, &[4]).contains("k = 5"));
    }

    #[test]
    fn a_row_with_fewer_live_columns_than_k_keeps_them_all() {
        let params = TopkParams::default();
        let (topk, _) = params.check(1, &[0..256, 256..384]).unwrap();
        assert_eq!(topk[0].row_quota(&[4, 0]), [4, 0]);
        assert_eq!(topk[0].row_quota(&[100, 1]), [4, 1]);
        let wired = TopkParams {
            spare: Spare::Drop {},
            ..params
        };
        assert_eq!(
            wired.check(1, &[0..256, 256..384]).unwrap().0[0].row_quota(&[4, 0]),
            [3, 0]
        );
    }

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
