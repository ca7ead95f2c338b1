//! Cosine, and Spearman's rank correlation.

use nalgebra::DVector;

/// What a score is called in results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Spearman's rank correlation x 100.
    Spearman,
    /// Share of right classes in percent.
    Accuracy,
}

impl Metric {
    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spearman => "spearman_x100",
            Self::Accuracy => "accuracy_percent",
        }
    }
}

/// The cosine of two vectors; 0 if one of them is zero.
pub(super) fn cosine(a: &DVector<f32>, b: &DVector<f32>) -> f64 {
    let dot = |a: &DVector<f32>, b: &DVector<f32>| -> f64 {
        let pairs = a.iter().zip(b.iter());
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    if norm > 0.0 { dot(a, b) / norm } else { 0.0 }
}

/// Ranks from 1, equal numbers sharing the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let alike = order[start..].iter();
        let count = alike
            .take_while(|at| values[**at] == values[order[start]])
            .count()
            .max(1);
        for at in &order[start..start + count] {
            ranks[*at] = start as f64 + (count as f64 + 1.0) / 2.0;
        }
        start += count;
    }
    ranks
}

/// Spearman's rank correlation: Pearson's of the ranks. None if one side is all alike.
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    let middle = (a.len() as f64 + 1.0) / 2.0;
    let (mut both, mut own, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        both += (a - middle) * (b - middle);
        own += (a - middle) * (a - middle);
        other += (b - middle) * (b - middle);
    }
    (own > 0.0 && other > 0.0).then(|| both / (own * other).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_with_ties_is_scipys() {
        // scipy.stats.spearmanr([1, 2, 2, 4, 5, 0.5], [3, 1, 4, 4, 9, 2])
        let rho = spearman(
            &[1.0, 2.0, 2.0, 4.0, 5.0, 0.5],
            &[3.0, 1.0, 4.0, 4.0, 9.0, 2.0],
        );
        assert!(
            (rho.unwrap() - 0.720_588_235_294_117_6).abs() < 1e-12,
            "{rho:?}"
        );
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[], &[]), None);
    }

    #[test]
    fn a_growing_map_changes_no_rank() {
        let a: Vec<f64> = (0..40).map(|at| f64::from(at * 7 % 41)).collect();
        let b: Vec<f64> = a.iter().map(|x| x.exp()).collect();
        assert!((spearman(&a, &b).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_cosine_of_a_vector_with_itself_is_one() {
        let a = DVector::from_vec(vec![3.0, -4.0, 1.5]);
        assert!((cosine(&a, &a) - 1.0).abs() < 1e-12);
        assert_eq!(cosine(&a, &DVector::zeros(3)), 0.0);
    }
}
