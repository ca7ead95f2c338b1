//! Rows of padding: tokens that no query sees, and the queries that are theirs.
//!
//! A padded sentence has rows that stand for nothing. As keys they are masked; as queries they would enter every
//! result, and as calibration rows every scale. Where each query has a token of its own, the queries of tokens that no
//! query sees are left out, so that a sentence gives what it gives without its padding.

use crate::hardware::attention::{Head, Mask, Place};

/// The rows of a head that are no padding, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Live {
    pub queries: Vec<usize>,
    pub tokens: Vec<usize>,
    /// Most keys that any query sees.
    pub most: usize,
}

impl Live {
    /// By the mask of so many queries and tokens. `own` is the first query's token, where each query has one.
    pub fn of(mask: &Mask, queries: usize, tokens: usize, own: Option<usize>) -> Self {
        let mut seen = vec![mask.is_open(); tokens];
        let mut most = if mask.is_open() { tokens } else { 0 };
        if !mask.is_open() {
            for query in 0..queries {
                let mut live = 0;
                for (token, seen) in seen.iter_mut().enumerate() {
                    let sees = mask.is_live(query, token, tokens);
                    *seen |= sees;
                    live += usize::from(sees);
                }
                most = most.max(live);
            }
        }
        let is_own_seen = |query: &usize| own.is_none_or(|first| seen[first + query]);
        Self {
            queries: (0..queries).filter(is_own_seen).collect(),
            tokens: (0..tokens).filter(|token| seen[*token]).collect(),
            most,
        }
    }
}

impl Head {
    /// The head with these queries only, which rise; with `tokens` also with these keys and values only.
    #[must_use]
    pub fn pick(&self, queries: &[usize], tokens: Option<&[usize]>) -> Self {
        let all = self.k.nrows();
        let first = queries.first().copied().unwrap_or(0);
        let run = queries.iter().zip(first..).all(|(query, at)| *query == at);
        let mask = if run && tokens.is_none() {
            Mask {
                tokens: self.mask.tokens.clone(),
                pairs: self
                    .mask
                    .pairs
                    .as_ref()
                    .map(|live| live[first * all..(first + queries.len()) * all].into()),
                causal: self.mask.causal.map(|own| own + first),
            }
        } else {
            let every: Vec<usize> = (0..all).collect();
            let kept = tokens.unwrap_or(&every);
            let live = queries.iter().flat_map(|query| {
                let live = |token: &usize| self.mask.is_live(*query, *token, all);
                kept.iter().map(live)
            });
            let live: Vec<bool> = live.collect();
            Mask {
                pairs: live.contains(&false).then(|| live.into()),
                ..Mask::default()
            }
        };
        let (k, v) = match tokens {
            Some(tokens) => (self.k.select_rows(tokens), self.v.select_columns(tokens)),
            None => (self.k.clone(), self.v.clone()),
        };
        Self {
            q: self.q.select_columns(queries),
            k,
            v,
            mask,
            place: Place {
                first_query: self.place.first_query + first,
                ..self.place
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::quantise::Matrix;

    /// Four queries and tokens; q, k and v of a row are its number.
    fn head(mask: Mask) -> Head {
        let row = |_, at| at as f64;
        Head {
            q: Matrix::from_fn(2, 4, row),
            k: Matrix::from_fn(2, 4, row).transpose(),
            v: Matrix::from_fn(2, 4, row),
            mask,
            place: Place::default(),
        }
    }

    fn of_tokens(live: [bool; 4], causal: Option<usize>) -> Mask {
        Mask {
            tokens: Some(live.into()),
            pairs: None,
            causal,
        }
    }

    #[test]
    fn padding_on_either_side_and_between_is_left_out() {
        for (live, kept) in [
            ([true, true, false, false], vec![0, 1]),
            ([false, true, true, true], vec![1, 2, 3]),
            ([true, false, false, true], vec![0, 3]),
        ] {
            for causal in [None, Some(0)] {
                let mask = of_tokens(live, causal);
                let found = Live::of(&mask, 4, 4, Some(0));
                assert_eq!((&found.queries, &found.tokens), (&kept, &kept));
                // The rows without their padding see each other as before.
                let head = head(mask).pick(&kept, Some(&kept));
                assert_eq!(
                    head.q
                        .row(0)
                        .iter()
                        .map(|q| *q as usize)
                        .collect::<Vec<_>>(),
                    kept
                );
                assert_eq!(
                    head.k
                        .column(1)
                        .iter()
                        .map(|k| *k as usize)
                        .collect::<Vec<_>>(),
                    kept
                );
                assert_eq!(
                    head.v
                        .row(1)
                        .iter()
                        .map(|v| *v as usize)
                        .collect::<Vec<_>>(),
                    kept
                );
                let count = kept.len();
                for query in 0..count {
                    for token in 0..count {
                        let wanted = causal.is_none() || token <= query;
                        assert_eq!(head.mask.is_live(query, token, count), wanted);
                    }
                }
            }
        }
        // Without tokens of their own all queries stay.
        let mask = of_tokens([true, false, true, true], None);
        assert_eq!(Live::of(&mask, 2, 4, None).queries, [0, 1]);
    }

    #[test]
    fn a_pair_mask_masks_a_token_that_nobody_sees() {
        let pairs: Vec<bool> = (0..16).map(|at| at % 4 != 2).collect();
        let mask = Mask {
            pairs: Some(pairs.into()),
            ..Mask::default()
        };
        let live = Live::of(&mask, 4, 4, Some(0));
        assert_eq!(
            (&live.queries[..], &live.tokens[..]),
            (&[0, 1, 3][..], &[0, 1, 3][..])
        );
        let picked = head(mask).pick(&live.queries, None);
        assert_eq!(picked.q.ncols(), 3);
        assert_eq!(picked.k.nrows(), 4);
        assert!(!picked.mask.is_live(2, 2, 4) && picked.mask.is_live(2, 3, 4));
    }

    #[test]
    fn queries_in_a_run_keep_their_mask_and_address() {
        let picked = head(of_tokens([false, true, true, true], Some(0))).pick(&[1, 2, 3], None);
        assert_eq!(picked.place.first_query, 1);
        assert_eq!(picked.mask.causal, Some(1));
        assert!(picked.mask.is_live(0, 1, 4) && !picked.mask.is_live(0, 2, 4));
        assert!(!picked.mask.is_live(2, 0, 4));
    }
}
