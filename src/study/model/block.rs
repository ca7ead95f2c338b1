//! One block of an encoder: attention over the heads of each sample, then an MLP.

use super::layers::{Activation, Activations, LayerNorm, Linear};
use super::{Attend, HeadSite, Operands, Trace};

/// Where the LayerNorms of a block stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norms {
    /// Behind each sum (BERT): `x = norm(x + f(x))`.
    Post,
    /// Before attention and MLP (ViT): `x = x + f(norm(x))`.
    Pre,
}

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub(super) norms: Norms,
    pub(super) heads: usize,
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) output: Linear,
    pub(super) first_norm: LayerNorm,
    pub(super) widen: Linear,
    pub(super) activation: Activation,
    pub(super) narrow: Linear,
    pub(super) second_norm: LayerNorm,
}

/// Where a sample stands in a batch: its index in the data set, its first column and its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of the sample in its data set.
    pub sample: u64,
    /// First column.
    pub start: usize,
    /// Columns.
    pub tokens: usize,
}

impl Block {
    /// Runs the block on a batch of samples laid one behind the other.
    pub fn forward<A: Attend>(
        &self,
        x: &mut Activations,
        layer: usize,
        spans: &[Span],
        attend: &A,
    ) -> A::Trace {
        match self.norms {
            Norms::Post => {
                let (attended, trace) = self.attention(x, layer, spans, attend);
                *x += attended;
                self.first_norm.apply(x);
                *x += self.mlp(x);
                self.second_norm.apply(x);
                trace
            }
            Norms::Pre => {
                let mut normed = x.clone();
                self.first_norm.apply(&mut normed);
                let (attended, trace) = self.attention(&normed, layer, spans, attend);
                *x += attended;
                normed.copy_from(x);
                self.second_norm.apply(&mut normed);
                *x += self.mlp(&normed);
                trace
            }
        }
    }

    fn attention<A: Attend>(
        &self,
        x: &Activations,
        layer: usize,
        spans: &[Span],
        attend: &A,
    ) -> (Activations, A::Trace) {
        let (q, k, v) = (self.query.apply(x), self.key.apply(x), self.value.apply(x));
        let d_head = q.nrows() / self.heads.max(1);
        let mut joined = Activations::zeros(q.nrows(), q.ncols());
        let mut trace = A::Trace::default();
        for span in spans {
            for head in 0..self.heads {
                let (place, size) = ((head * d_head, span.start), (d_head, span.tokens));
                let site = HeadSite {
                    sample: span.sample,
                    layer,
                    head,
                };
                let operands = Operands {
                    q: q.view(place, size),
                    k: k.view(place, size),
                    v: v.view(place, size),
                };
                let (output, left) = attend.attend(site, operands);
                joined.view_mut(place, size).copy_from(&output);
                trace.join(left);
            }
        }
        (self.output.apply(&joined), trace)
    }

    fn mlp(&self, x: &Activations) -> Activations {
        let mut wide = self.widen.apply(x);
        self.activation.apply(&mut wide);
        self.narrow.apply(&wide)
    }
}
