//! How many keys a query keeps, and how their places are shared out to the tiles.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;

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
    /// The selection of each head, and what to know of it.
    ///
    /// # Errors
    /// k of zero or above the tokens, a list that does not match the heads, an explicit split that
    /// does not sum to k or exceeds a tile.
    pub fn check(
        &self,
        heads: usize,
        tiles: &[Range<usize>],
    ) -> Result<(Vec<Topk>, Notices), Mistakes> {
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
        let distinct: BTreeSet<usize> = ks.iter().copied().collect();
        let mut quotas = BTreeMap::new();
        let mut notices = Notices::none();
        for k in distinct {
            if !(1..=tokens).contains(&k) {
                m.add(
                    "k",
                    k,
                    format!("must be from 1 to {tokens}, the tokens of the workload"),
                    format!("write for instance {}", tokens.min(5)),
                );
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
                let share = idle.len() as f64 / quota.len() as f64;
                notices.warn_worst(
                    "topk",
                    share,
                    format!(
                        "topk: with k = {k} these tiles get no place, are not driven, and their keys can never win: {}{more}",
                        idle[..idle.len().min(8)].join(", ")
                    ),
                );
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
            (ks.iter().map(topk).collect(), notices)
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
    /// Places of each tile in a row with these live columns a tile. A tile without a place in the
    /// layout is not driven in any row.
    #[must_use]
    pub fn row_quota(&self, live: &[usize]) -> Vec<usize> {
        if self.merges || self.spare == (Spare::Drop {}) {
            self.quota
                .iter()
                .zip(live)
                .map(|(places, live)| *places.min(live))
                .collect()
        } else {
            let pairs = self.quota.iter().zip(live);
            let room: Vec<usize> = pairs
                .map(|(places, live)| if *places > 0 { *live } else { 0 })
                .collect();
            redistribute(self.quota.clone(), &room)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
