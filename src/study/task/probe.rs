//! A linear probe: ridge regression of +-1 a class on unit-length features and a constant.
//!
//! `min |X w - y|^2 + lambda |w|^2` with the constant not held down; solved exactly, so a probe is
//! the same wherever it is fitted.

use nalgebra::{DMatrix, DVector};

use crate::base::mistake::Mistakes;
use crate::study::model::Tensors;

/// Weight of the penalty.
const LAMBDA: f64 = 1.0;

/// A linear map from features to scores of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Classes x features.
    pub weight: DMatrix<f64>,
    /// One a class.
    pub bias: DVector<f64>,
}

fn unit(features: &DVector<f32>) -> DVector<f64> {
    let wide = features.map(f64::from);
    let norm = wide.norm();
    if norm > 0.0 { wide / norm } else { wide }
}

impl Probe {
    /// Reads `weight` (classes x features) and `bias` from a `.safetensors` file.
    ///
    /// # Errors
    /// Tensors that are missing or do not fit the features, and others beside them.
    pub fn read(bytes: &[u8], features: usize) -> Result<Self, Mistakes> {
        let mut tensors = Tensors::open(bytes)?;
        let classes = tensors.rows("weight").unwrap_or(2);
        let weight = tensors.matrix("weight", classes, features);
        let bias = tensors.vector("bias", classes);
        tensors.alone().or(|| Self {
            weight: weight.map(f64::from),
            bias: bias.map(f64::from),
        })
    }

    /// Fits a probe; classes are 0 to the largest label.
    #[must_use]
    pub fn fit(features: &[DVector<f32>], labels: &[usize]) -> Self {
        let size = features.first().map_or(0, |features| features.len());
        let classes = labels.iter().max().map_or(0, |largest| largest + 1);
        let mut square = DMatrix::<f64>::identity(size + 1, size + 1) * LAMBDA;
        square[(size, size)] = 0.0;
        let mut sums = DMatrix::<f64>::zeros(size + 1, classes);
        for (features, label) in features.iter().zip(labels) {
            let x = unit(features).push(1.0);
            square.ger(1.0, &x, &x, 1.0);
            for (class, mut sum) in sums.column_iter_mut().enumerate() {
                sum.axpy(if class == *label { 1.0 } else { -1.0 }, &x, 1.0);
            }
        }
        // Positive definite as soon as there is one sample: lambda holds all but the constant.
        let both = square.cholesky().map_or_else(
            || DMatrix::zeros(size + 1, classes),
            |square| square.solve(&sums),
        );
        Self {
            weight: both.rows(0, size).transpose(),
            bias: both.row(size).transpose(),
        }
    }

    /// The class of one sample, the lowest of equal ones.
    #[must_use]
    pub fn class(&self, features: &DVector<f32>) -> usize {
        let scores = &self.weight * unit(features) + &self.bias;
        let mut best = 0;
        for (class, score) in scores.iter().enumerate() {
            if *score > scores[best] {
                best = class;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_satisfies_the_normal_equations_and_tells_classes_apart() {
        let value = |at: usize| ((at * 7919 % 1009) as f32 - 504.0) / 300.0;
        let labels: Vec<usize> = (0..60).map(|at| at * at / 4 % 3).collect();
        let features: Vec<DVector<f32>> = labels
            .iter()
            .enumerate()
            .map(|(at, label)| {
                let mut x = DVector::from_fn(5, |row, _| value(at * 5 + row) / 8.0);
                x[*label] += 1.0;
                x
            })
            .collect();
        let probe = Probe::fit(&features, &labels);
        let right = features
            .iter()
            .zip(&labels)
            .filter(|(features, label)| probe.class(features) == **label);
        assert!(right.count() >= 57);
        // The gradient of the penalised squares is zero.
        for class in 0..3 {
            let mut slope = probe.weight.row(class).transpose() * LAMBDA;
            let mut constant = 0.0;
            for (features, label) in features.iter().zip(&labels) {
                let x = unit(features);
                let wanted = if *label == class { 1.0 } else { -1.0 };
                let off = probe.weight.row(class).transpose().dot(&x) + probe.bias[class] - wanted;
                slope += &x * off;
                constant += off;
            }
            assert!(slope.amax() < 1e-9 && constant.abs() < 1e-9);
        }
    }
}
