//! Linear layer and LayerNorm over rows, forward and backward.
//!
//! A backward pass adds to the gradients of parameters and overwrites that of its input.

use super::gemm::{View, gemm};
use super::math::{add, dot, sum, wide};

/// Added to the variance, as in the reference ViT.
const NORM_EPSILON: f32 = 1e-6;

/// `y += x W^T + b` with W as out x in.
pub(super) fn linear_add(y: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32]) {
    let (outs, ins) = (bias.len(), weight.len() / bias.len());
    for row in y.chunks_exact_mut(outs) {
        add(row, bias);
    }
    let (x, w) = (
        View::new(x, x.len() / ins, ins),
        View::new(weight, outs, ins),
    );
    gemm(y, outs, 1.0, x, w.t(), 1.0);
}

/// `y = x W^T + b`.
pub(super) fn linear(y: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32]) {
    y.fill(0.0);
    linear_add(y, x, weight, bias);
}

/// Gradients of weight and bias: `dW += dy^T x`, `db += sum of rows of dy`.
pub(super) fn linear_weights(dy: &[f32], x: &[f32], d_weight: &mut [f32], d_bias: &mut [f32]) {
    let (outs, ins) = (d_bias.len(), d_weight.len() / d_bias.len());
    for row in dy.chunks_exact(outs) {
        add(d_bias, row);
    }
    let rows = dy.len() / outs;
    let (dy, x) = (View::new(dy, rows, outs), View::new(x, rows, ins));
    gemm(d_weight, ins, 1.0, dy.t(), x, 1.0);
}

/// Gradient of the input: `dx = dy W`.
pub(super) fn linear_input(dx: &mut [f32], dy: &[f32], weight: &[f32], outs: usize) {
    let ins = weight.len() / outs;
    let (dy, w) = (
        View::new(dy, dy.len() / outs, outs),
        View::new(weight, outs, ins),
    );
    gemm(dx, ins, 1.0, dy, w, 0.0);
}

/// What a LayerNorm keeps for its backward pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Norm {
    /// Rows with mean 0 and variance 1.
    unit: Vec<f32>,
    /// 1 / sqrt(variance + epsilon) of each row.
    inverse: Vec<f32>,
    /// The output: unit x weight + bias.
    pub out: Vec<f32>,
}

impl Norm {
    pub fn new(rows: usize, width: usize) -> Self {
        Self {
            unit: vec![0.0; rows * width],
            inverse: vec![0.0; rows],
            out: vec![0.0; rows * width],
        }
    }

    /// Normalises every row of `x`.
    pub fn forward(&mut self, x: &[f32], weight: &[f32], bias: &[f32]) {
        wide(|| self.normalise(x, weight, bias));
    }

    #[inline(always)]
    fn normalise(&mut self, x: &[f32], weight: &[f32], bias: &[f32]) {
        let width = weight.len();
        let rows = x.chunks_exact(width);
        let kept = self.unit.chunks_exact_mut(width);
        let out = self.out.chunks_exact_mut(width);
        for (((x, unit), out), inverse) in rows.zip(kept).zip(out).zip(&mut self.inverse) {
            let mean = sum(x) / width as f32;
            for (unit, x) in unit.iter_mut().zip(x) {
                *unit = x - mean;
            }
            *inverse = 1.0 / (dot(unit, unit) / width as f32 + NORM_EPSILON).sqrt();
            for (((unit, out), weight), bias) in unit.iter_mut().zip(out).zip(weight).zip(bias) {
                *unit *= *inverse;
                *out = *unit * weight + bias;
            }
        }
    }

    /// Adds the gradient of the input to `dx`: with g = dy x weight and u the unit row,
    /// dx = (g - mean(g) - u mean(g u)) / sqrt(variance + epsilon). `dy` is overwritten.
    pub fn backward(
        &self,
        dy: &mut [f32],
        weight: &[f32],
        d_weight: &mut [f32],
        d_bias: &mut [f32],
        dx: &mut [f32],
    ) {
        wide(|| self.differentiate(dy, weight, d_weight, d_bias, dx));
    }

    #[inline(always)]
    fn differentiate(
        &self,
        dy: &mut [f32],
        weight: &[f32],
        d_weight: &mut [f32],
        d_bias: &mut [f32],
        dx: &mut [f32],
    ) {
        let width = weight.len();
        let kept = self.unit.chunks_exact(width).zip(&self.inverse);
        let rows = dy.chunks_exact_mut(width).zip(dx.chunks_exact_mut(width));
        for ((dy, dx), (unit, inverse)) in rows.zip(kept) {
            add(d_bias, dy);
            let pairs = dy.iter_mut().zip(unit).zip(weight).zip(d_weight.iter_mut());
            for (((dy, unit), weight), d_weight) in pairs {
                *d_weight += *dy * unit;
                *dy *= weight;
            }
            let mean = sum(dy) / width as f32;
            let along = dot(dy, unit) / width as f32;
            for ((dx, dy), unit) in dx.iter_mut().zip(dy.iter()).zip(unit) {
                *dx += (dy - mean - unit * along) * inverse;
            }
        }
    }
}
