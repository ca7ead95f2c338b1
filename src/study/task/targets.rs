//! What the samples of a labelled set should give, and the score of what they gave.

use super::score::{Metric, spearman};

/// What the samples of a set should give.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Pairs of samples and how alike people found them.
    Similarity(Vec<Pair>),
    /// The class of each sample.
    Classes(Vec<usize>),
}

/// Two samples and how alike they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Index of the first.
    pub first: usize,
    /// Index of the second.
    pub second: usize,
    /// Larger is more alike.
    pub likeness: f64,
}

impl Targets {
    /// What the score is called.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        match self {
            Self::Similarity(_) => Metric::Spearman,
            Self::Classes(_) => Metric::Accuracy,
        }
    }

    /// The score of these units (an index may occur more than once): Spearman's rank correlation
    /// x 100, or the share of right classes in percent. None where it has no meaning.
    #[must_use]
    pub fn score(&self, observed: &[f64], units: &[usize]) -> Option<f64> {
        match self {
            Self::Similarity(pairs) => {
                let ours: Vec<f64> = units.iter().map(|at| observed[*at]).collect();
                let people: Vec<f64> = units.iter().map(|at| pairs[*at].likeness).collect();
                spearman(&ours, &people).map(|rho| 100.0 * rho)
            }
            Self::Classes(_) => {
                let right: f64 = units.iter().map(|at| observed[*at]).sum();
                (!units.is_empty()).then(|| 100.0 * right / units.len() as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_is_a_share_of_the_units_asked_for() {
        let targets = Targets::Classes(vec![0, 1, 1]);
        let observed = [1.0, 0.0, 1.0];
        assert_eq!(targets.score(&observed, &[0, 2, 2, 1]), Some(75.0));
        assert_eq!(targets.score(&observed, &[]), None);
    }
}
