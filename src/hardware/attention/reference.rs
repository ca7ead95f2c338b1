//! The exact head: float scores, float softmax, float output.

use super::Head;
use crate::hardware::quantise::Matrix;

/// What a head's hardware is measured against.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Scores, tokens x queries.
    pub scores: Matrix,
    /// Softmax over the live tokens, tokens x queries.
    pub probabilities: Matrix,
    /// Output, d_v x queries.
    pub output: Matrix,
}

impl Reference {
    /// The exact head.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        let scores = &head.k * &head.q;
        let tokens = scores.nrows();
        let mut probabilities = scores.clone();
        for (query, mut row) in probabilities.column_iter_mut().enumerate() {
            let live = |token| head.mask.is_live(query, token, tokens);
            let top = row
                .iter()
                .enumerate()
                .filter(|(token, _)| live(*token))
                .fold(f64::NEG_INFINITY, |top, (_, score)| top.max(*score));
            for (token, value) in row.iter_mut().enumerate() {
                *value = if live(token) {
                    (*value - top).exp()
                } else {
                    0.0
                };
            }
            let sum = row.sum();
            row /= sum;
        }
        let output = &head.v * &probabilities;
        Self {
            scores,
            probabilities,
            output,
        }
    }
}
