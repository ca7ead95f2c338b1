//! Float heads that keep the k largest scores of a row, tile by tile as a layout shares them out.

use super::attend::scores;
use super::{Activations, Attend, HeadSite, Laid, Operands};
use crate::hardware::topk::{Winner, merge, rank};

/// The float head over the keys that win a place in its layout; over all keys it is [`Float`](super::Float).
#[derive(Clone, Copy, Debug)]
pub struct FloatTopk<'a> {
    laid: &'a Laid,
}

impl<'a> FloatTopk<'a> {
    /// With the places of this layout.
    #[must_use]
    pub const fn new(laid: &'a Laid) -> Self {
        Self { laid }
    }
}

impl Attend for FloatTopk<'_> {
    type Trace = ();

    fn attend(&self, site: HeadSite, Operands { q, k, v }: Operands<'_>) -> (Activations, ()) {
        let mut output = Activations::zeros(v.nrows(), q.ncols());
        // Lengths were laid out before; a sample of another one has no layout and gets no output.
        let Some(attention) = self.laid.of_length(k.ncols()) else {
            return (output, ());
        };
        let topk = &attention.topk[self.laid.index(site)];
        let scores = scores(&q, &k);
        for (scores, mut output) in scores.column_iter().zip(output.column_iter_mut()) {
            // The largest score trips first.
            let depths: Vec<f64> = scores.iter().map(|score| -f64::from(*score)).collect();
            let tiles = attention.crossbar.tiles().iter().zip(&topk.quota);
            let mut winners: Vec<Winner> = tiles
                .flat_map(|(tile, places)| rank(&depths[tile.clone()], tile.start, *places))
                .collect();
            if topk.merges {
                winners = merge(winners, topk.k);
            }
            let first = winners.iter().map(|winner| winner.trip);
            let first = first.fold(f64::INFINITY, f64::min);
            let weight = |winner: &Winner| (first - winner.trip).exp() as f32;
            let weights: Vec<f32> = winners.iter().map(weight).collect();
            let sum: f32 = weights.iter().sum();
            for (winner, weight) in winners.iter().zip(weights) {
                output.axpy(weight / sum, &v.column(winner.token), 1.0);
            }
        }
        (output, ())
    }
}
