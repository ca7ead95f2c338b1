//! Synthetic families: heads whose score statistics are known in closed form.

use serde::{Deserialize, Serialize};

use super::file::MAX_PAIRS;
use super::{MAX_TOKENS, Workload};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::base::rng::{Purpose, Seed, Site, Stream};
use crate::hardware::attention::{Head, Mask, Place};
use crate::hardware::quantise::Matrix;

/// What the scores of a head look like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Family {
    /// q and k independent normal: the scaled scores of a query are independent normal with
    /// standard deviation `sigma |q| / sqrt(d)`, about `sigma`.
    Gaussian {
        /// Standard deviation of a scaled score.
        #[serde(default = "one")]
        sigma: f64,
    },
    /// Rows that rest on few keys: token 0 is a sink whose score stands `sink` above the others,
    /// and each query agrees with one key of its own by `peak`.
    Peaked {
        /// Standard deviation of the other scores.
        #[serde(default = "one")]
        sigma: f64,
        /// Score of the sink token.
        #[serde(default = "five")]
        sink: f64,
        /// Score of the key a query agrees with.
        #[serde(default = "four")]
        peak: f64,
    },
}

const fn one() -> f64 {
    1.0
}

const fn four() -> f64 {
    4.0
}

const fn five() -> f64 {
    5.0
}

/// `[workload.synthetic]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticParams {
    /// What the scores look like.
    pub family: Family,
    /// Keys, and queries.
    pub tokens: usize,
    /// Dimension of queries, keys and values.
    pub d_head: usize,
    /// Heads.
    pub heads: usize,
}

impl Default for SyntheticParams {
    fn default() -> Self {
        Self {
            family: Family::Gaussian { sigma: 1.0 },
            tokens: 384,
            d_head: 64,
            heads: 1,
        }
    }
}

impl SyntheticParams {
    /// Draws heads and, from another stream, calibration rows.
    ///
    /// # Errors
    /// Sizes and scores outside their range.
    pub fn draw(&self, seed: Seed, causal: bool) -> Result<Workload, Mistakes> {
        let mut mistakes = Mistakes::none();
        for (key, value, high) in [
            ("tokens", self.tokens, MAX_TOKENS),
            ("d_head", self.d_head, 4096),
            ("heads", self.heads, 4096),
        ] {
            mistakes.require(
                (1..=high).contains(&value),
                key,
                value,
                format!("must be from 1 to {high}"),
                "the paper's head has 384 tokens and d_head 64",
            );
        }
        let pairs = self
            .heads
            .saturating_mul(self.tokens)
            .saturating_mul(self.tokens.max(self.d_head));
        mistakes.require(
            pairs <= MAX_PAIRS || !mistakes.0.is_empty(),
            "tokens",
            self.tokens,
            format!(
                "heads x tokens x the larger of tokens and d_head is {pairs}; at most {MAX_PAIRS} are taken at once"
            ),
            "take fewer tokens or heads; [workload.shape] counts time and energy of any length",
        );
        let scores = match self.family {
            Family::Gaussian { sigma } => vec![("gaussian.sigma", sigma)],
            Family::Peaked { sigma, sink, peak } => {
                vec![
                    ("peaked.sigma", sigma),
                    ("peaked.sink", sink),
                    ("peaked.peak", peak),
                ]
            }
        };
        for (key, value) in scores {
            mistakes.require(
                (1e-6..=1e3).contains(&value),
                &format!("family.{key}"),
                value,
                "must be a score from 1e-6 to 1000",
                "write for instance 1.0",
            );
        }
        if matches!(self.family, Family::Peaked { .. }) {
            for (key, size) in [("tokens", self.tokens), ("d_head", self.d_head)] {
                mistakes.require(
                    size != 1,
                    key,
                    size,
                    "a peaked head needs 2 at least: a sink and a key beside it, a dimension for each",
                    "write a larger number, or take the gaussian family",
                );
            }
        }
        mistakes.or(|| {
            let heads = |set: u64| {
                (0..self.heads as u64)
                    .map(move |head| self.head(seed, head, set, causal))
                    .collect()
            };
            Workload {
                heads: heads(0),
                calibration: heads(1),
                most_seen: self.tokens,
                notices: Notices::none(),
            }
        })
    }

    /// One head; `set` is 0 for the measured rows and 1 for the calibration rows.
    fn head(&self, seed: Seed, head: u64, set: u64, causal: bool) -> Head {
        let (n, d) = (self.tokens, self.d_head);
        let stream = |purpose| seed.stream(purpose, 0, Site(head, set));
        let normals = |rows, columns, stream: &mut Stream| {
            Matrix::from_fn(rows, columns, |_, _| stream.normal())
        };
        let (mut queries, mut keys) = (
            stream(Purpose::SyntheticQuery),
            stream(Purpose::SyntheticKey),
        );
        // Column by column, so that one more token leaves the others as they were.
        let mut q = normals(d, n, &mut queries);
        let mut k = normals(d, n, &mut keys);
        let root = (d as f64).sqrt();
        match self.family {
            Family::Gaussian { sigma } => q *= sigma / root,
            Family::Peaked { sigma, sink, peak } => {
                // The first dimension carries the sink: every query has 1 there, only key 0 answers, and answers nothing
                // else. The key of a query's own is one of the others.
                k.row_mut(0).fill(0.0);
                k.column_mut(0).fill(0.0);
                k[(0, 0)] = sink;
                for query in 0..n {
                    let own = 1 + (queries.uniform() * (n - 1) as f64) as usize % (n - 1);
                    let mut column = q.column_mut(query) * (sigma / root);
                    column += k.column(own) * (peak / k.column(own).norm_squared());
                    column[0] = 1.0;
                    q.set_column(query, &column);
                }
            }
        }
        Head {
            q,
            k: k.transpose(),
            v: normals(d, n, &mut stream(Purpose::SyntheticValue)),
            mask: Mask {
                causal: causal.then_some(0),
                ..Mask::default()
            },
            place: Place {
                head,
                first_query: 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::attention::Reference;

    fn head(family: Family) -> Head {
        let params = SyntheticParams {
            family,
            ..SyntheticParams::default()
        };
        params.draw(Seed(1), false).unwrap().heads.remove(0)
    }

    #[test]
    fn gaussian_scores_have_the_sigma_that_was_asked_for() {
        let scores = Reference::scores(&head(Family::Gaussian { sigma: 2.0 }));
        let n = scores.len() as f64;
        let variance = scores.iter().map(|s| s * s).sum::<f64>() / n - (scores.sum() / n).powi(2);
        assert!((variance.sqrt() / 2.0 - 1.0).abs() < 0.02, "{variance}");
    }

    #[test]
    fn a_sink_is_nearly_always_among_the_first_and_so_is_the_own_key() {
        let scores = Reference::scores(&head(Family::Peaked {
            sigma: 1.0,
            sink: 5.0,
            peak: 4.0,
        }));
        let sinks = (0..scores.ncols()).filter(|q| {
            let column = scores.column(*q);
            column.iter().filter(|s| **s > column[0]).count() < 2
        });
        assert!(sinks.count() > 340);
        assert!((scores.row(0).mean() - 5.0).abs() < 1e-9);
    }

    /// Without the others' spread every row is a sink of 5, one key of 4, and what 4 leaks into keys that are not
    /// orthogonal; the own key is never the sink.
    #[test]
    fn every_query_has_its_peak_beside_the_sink() {
        for (tokens, d_head) in [(48, 32), (384, 64), (7, 4), (2, 2)] {
            let params = SyntheticParams {
                family: Family::Peaked {
                    sigma: 1e-6,
                    sink: 5.0,
                    peak: 4.0,
                },
                tokens,
                d_head,
                heads: 1,
            };
            let drawn = params.draw(Seed(1), false).unwrap();
            let scores = Reference::scores(&drawn.heads[0]);
            for query in scores.column_iter() {
                assert!((query[0] - 5.0).abs() < 1e-9);
                let peaks = query
                    .iter()
                    .skip(1)
                    .filter(|score| (**score - 4.0).abs() < 1e-4);
                assert_eq!(peaks.count(), 1, "{tokens} {d_head}: {query}");
            }
        }
    }
}
