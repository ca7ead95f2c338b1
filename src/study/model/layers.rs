//! Layers of an encoder on activations of features x tokens: linear, LayerNorm, GELU.

use nalgebra::{DMatrix, DVector};

use super::Tensors;

/// Activations: a column a token, its features below each other.
pub type Activations = DMatrix<f32>;

/// Narrower products take another path through the product's library and round otherwise, so that
/// a result would depend on what else is in the batch.
const NARROWEST: usize = 8;

/// `y = W x + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// out x in.
    weight: DMatrix<f32>,
    bias: DVector<f32>,
}

impl Linear {
    /// Takes `NAME.weight` (out x in) and `NAME.bias`.
    pub fn take(tensors: &mut Tensors<'_>, name: &str, outputs: usize, inputs: usize) -> Self {
        Self {
            weight: tensors.matrix(&format!("{name}.weight"), outputs, inputs),
            bias: tensors.vector(&format!("{name}.bias"), outputs),
        }
    }

    /// Of a weight of out x in.
    #[must_use]
    pub fn new(weight: DMatrix<f32>, bias: DVector<f32>) -> Self {
        Self { weight, bias }
    }

    /// Rows of the result.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The layer on every column. A column's result does not depend on the other columns.
    #[must_use]
    pub fn apply(&self, x: &Activations) -> Activations {
        let columns = x.ncols();
        if columns < NARROWEST {
            let wide = x.clone().resize_horizontally(NARROWEST, 0.0);
            return self.apply(&wide).resize_horizontally(columns, 0.0);
        }
        let mut y = Activations::zeros(self.weight.nrows(), columns);
        for mut column in y.column_iter_mut() {
            column.copy_from(&self.bias);
        }
        y.gemm(1.0, &self.weight, x, 1.0);
        y
    }
}

/// `(x - mean) / sqrt(variance + epsilon) * gain + shift` over the features of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    gain: DVector<f32>,
    shift: DVector<f32>,
    epsilon: f32,
}

impl LayerNorm {
    /// Takes `NAME.weight` and `NAME.bias`.
    pub fn take(tensors: &mut Tensors<'_>, name: &str, features: usize, epsilon: f32) -> Self {
        Self {
            gain: tensors.vector(&format!("{name}.weight"), features),
            shift: tensors.vector(&format!("{name}.bias"), features),
            epsilon,
        }
    }

    /// Normalises every column in place.
    pub fn apply(&self, x: &mut Activations) {
        let features = x.nrows().max(1) as f32;
        for mut column in x.column_iter_mut() {
            let mean = column.sum() / features;
            column.add_scalar_mut(-mean);
            let variance = column.norm_squared() / features;
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            for ((value, gain), shift) in column.iter_mut().zip(&self.gain).zip(&self.shift) {
                *value = *value * scale * gain + shift;
            }
        }
    }
}

/// What stands between the two layers of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x/2 (1 + erf(x / sqrt 2))`, not its approximation by a tanh.
    Gelu,
    /// `max(x, 0)`.
    Relu,
}

impl Activation {
    /// Applies it to every value.
    pub fn apply(self, x: &mut Activations) {
        match self {
            Self::Gelu => x.apply(|value| *value = gelu(*value)),
            Self::Relu => x.apply(|value| *value = value.max(0.0)),
        }
    }
}

/// GELU by the error function.
#[must_use]
pub fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_the_exact_one() {
        // x Phi(x), by scipy.stats.norm.cdf.
        for (x, y) in [
            (-3.0, -0.004_049_694),
            (-0.5, -0.154_268_8),
            (0.0, 0.0),
            (1.0, 0.841_344_7),
            (4.0, 3.999_873_3),
        ] {
            let close = 2e-7 * f32::max(1.0, f32::abs(x));
            assert!((gelu(x) - y).abs() < close, "{x}: {}", gelu(x));
        }
    }

    #[test]
    fn a_column_does_not_depend_on_the_other_columns() {
        let value = |at: usize| ((at * 7919 % 1013) as f32 - 500.0) / 317.0;
        for (outputs, inputs) in [(10, 64), (64, 64), (3, 40), (130, 260)] {
            let layer = Linear::new(
                DMatrix::from_fn(outputs, inputs, |r, c| value(r * inputs + c)),
                DVector::from_fn(outputs, |r, _| value(r)),
            );
            let x = Activations::from_fn(inputs, 67, |r, c| value(r + 31 * c));
            let whole = layer.apply(&x);
            for (start, count) in [(0, 1), (3, 2), (5, 8), (11, 33), (66, 1)] {
                let part = layer.apply(&x.columns(start, count).into_owned());
                assert_eq!(part, whole.columns(start, count).into_owned());
            }
        }
    }

    #[test]
    fn a_normalised_token_has_mean_shift_and_deviation_gain() {
        let norm = LayerNorm {
            gain: DVector::from_element(4, 2.0),
            shift: DVector::from_element(4, 1.0),
            epsilon: 0.0,
        };
        let mut x = Activations::from_column_slice(4, 1, &[1.0, 2.0, 3.0, 4.0]);
        norm.apply(&mut x);
        // Deviations -1.5, -0.5, 0.5, 1.5 over sqrt(1.25).
        let wanted = [-1.683_281_6, 0.105_572_8, 1.894_427_2, 3.683_281_6];
        for (got, wanted) in x.iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-6, "{got}");
        }
    }
}
