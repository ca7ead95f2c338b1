//! Which scores of a row are kept: the k largest of all keys, or a share of k in every tile.
//!
//! Ties go to the lower index and exactly k are kept, as the arbiter of the hardware does.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;
use crate::hardware::topk::{K, Spare, Split, TopkParams};

/// `attention.top`: how many keys a query keeps and how they are shared out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopParams {
    /// Keys that a query keeps.
    pub k: usize,
    /// Columns of each tile; left out, all keys are ranked together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiles: Vec<usize>,
    /// How k is shared out to the tiles.
    #[serde(default = "proportional")]
    pub split: Split,
}

fn proportional() -> Split {
    Split::Proportional {}
}

/// A checked selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Columns of each tile and how many of them are kept.
    tiles: Vec<(Range<usize>, usize)>,
}

impl TopParams {
    /// The selection among `tokens` keys.
    ///
    /// # Errors
    /// Tiles that do not hold every key once, a k or a split that does not fit them.
    pub fn check(&self, tokens: usize) -> Result<Keep, Mistakes> {
        let mut mistakes = Mistakes::none();
        let sizes = if self.tiles.is_empty() {
            vec![tokens]
        } else {
            self.tiles.clone()
        };
        let sum = sizes.iter().copied().fold(0, usize::saturating_add);
        mistakes.require(
            sum == tokens && !sizes.contains(&0),
            "tiles",
            format!("{:?}", self.tiles),
            format!("must be sizes above zero that sum to the {tokens} tokens of an image"),
            "write for instance [34, 16] for 50 tokens, or leave it out for one tile",
        );
        if !mistakes.0.is_empty() {
            return Err(mistakes);
        }
        let mut start = 0;
        let tiles: Vec<Range<usize>> = sizes
            .iter()
            .map(|size| {
                start += size;
                start - size..start
            })
            .collect();
        let params = TopkParams {
            k: K::All(self.k),
            split: self.split.clone(),
            spare: Spare::Drop {},
        };
        let (topk, _) = params.check(1, &tiles)?;
        // k in every tile and a merge to the global k keep what one tile of all keys would.
        let tiles = if topk[0].merges {
            vec![(0..tokens, self.k)]
        } else {
            tiles.into_iter().zip(topk[0].quota.clone()).collect()
        };
        Ok(Keep { tiles })
    }

    /// The k largest of all keys.
    #[must_use]
    pub fn global(k: usize) -> Self {
        Self {
            k,
            tiles: Vec::new(),
            split: proportional(),
        }
    }

    /// The places of the tiles as a cell of a table: `5`, `3+2`.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.split {
            Split::Explicit(shares) => {
                let shares: Vec<String> = shares.iter().map(ToString::to_string).collect();
                shares.join("+")
            }
            _ => self.k.to_string(),
        }
    }
}

impl Keep {
    /// The kept places of a row of scores, tile by tile, in each by falling score.
    pub(super) fn choose(&self, scores: &[f32], kept: &mut Vec<(f32, usize)>) {
        kept.clear();
        for (tile, places) in &self.tiles {
            let first = kept.len();
            for (at, &score) in tile.clone().zip(&scores[tile.clone()]) {
                let full = kept.len() - first == *places;
                // Places come in rising order, so an equal score never overtakes.
                let beats = kept[first..].last().is_some_and(|last| score > last.0);
                if full && !beats {
                    continue;
                }
                if full {
                    kept.pop();
                }
                let mut to = kept.len();
                while to > first && kept[to - 1].0 < score {
                    to -= 1;
                }
                kept.insert(to, (score, at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::topk::exact;
    use proptest::prelude::*;

    fn top(k: usize, tiles: &[usize], split: Split) -> TopParams {
        TopParams {
            k,
            tiles: tiles.to_vec(),
            split,
        }
    }

    fn kept(params: &TopParams, scores: &[f32]) -> Vec<usize> {
        let mut chosen = Vec::new();
        let keep = params.check(scores.len()).unwrap();
        keep.choose(scores, &mut chosen);
        let mut places: Vec<usize> = chosen.into_iter().map(|(_, at)| at).collect();
        places.sort_unstable();
        places
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_the_hardware_s_exact_selection_keeps(
            scores in prop::collection::vec((-4_i32..4).prop_map(|x| x as f32 / 2.0), 12..40),
            k in 1_usize..12,
        ) {
            let wide: Vec<f64> = scores.iter().map(|x| f64::from(*x)).collect();
            let mut global = exact(&wide, |_| true, k);
            global.sort_unstable();
            let none = top(k, &[], proportional());
            prop_assert_eq!(&kept(&none, &scores), &global);
            let two = [7, scores.len() - 7];
            prop_assert_eq!(&kept(&top(k, &two, Split::PerTile {}), &scores), &global);
            let (a, b) = (k.min(3), k - k.min(3));
            let mut tiled = exact(&wide[..7], |_| true, a);
            if b <= two[1] {
                tiled.extend(exact(&wide[7..], |_| true, b).into_iter().map(|at| at + 7));
                tiled.sort_unstable();
                prop_assert_eq!(kept(&top(k, &two, Split::Explicit(vec![a, b])), &scores), tiled);
            }
        }
    }

    #[test]
    fn a_selection_that_does_not_fit_is_named() {
        let keys = |params: TopParams| -> Vec<String> {
            let mistakes = params.check(50).unwrap_err();
            mistakes.0.into_iter().map(|m| m.key).collect()
        };
        assert_eq!(keys(top(5, &[34, 17], proportional())), ["tiles"]);
        assert_eq!(keys(top(5, &[50, 0], proportional())), ["tiles"]);
        assert_eq!(keys(top(0, &[], proportional())), ["k"]);
        assert_eq!(keys(top(51, &[], proportional())), ["k"]);
        assert_eq!(
            keys(top(5, &[34, 16], Split::Explicit(vec![3, 3]))),
            ["split.explicit"]
        );
    }
}
