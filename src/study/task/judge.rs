//! What turns features into an answer, and the samples that a probe is fitted on.

use super::address::{BITS, classed};
use super::probe::Probe;
use crate::study::model::Input;

/// Training samples are written to the chip at addresses of their own, beyond those of what is measured.
const TRAINING: u64 = 1 << BITS;

/// What turns features into an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Judge {
    /// The cosine of two embeddings.
    Cosine,
    /// The classifier in the encoder's own weights.
    Classifier,
    /// A linear probe fitted on features of float heads.
    Probe(Probe),
    /// A linear probe fitted on features of the heads under test.
    Refitted(Training),
}

/// Samples that a probe is fitted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// Samples, each with the address of its draws, in the order of addresses.
    pub inputs: Vec<(u64, Input)>,
    /// Class of each.
    pub labels: Vec<usize>,
}

impl Training {
    /// Samples of these classes. In what order they come changes nothing.
    #[must_use]
    pub fn of(inputs: Vec<Input>, labels: &[usize]) -> Self {
        let addressed = classed(inputs.into_iter(), labels);
        let mut rows: Vec<_> = addressed.into_iter().zip(labels.iter().copied()).collect();
        rows.sort_by_key(|((address, _), _)| *address);
        let (inputs, labels) = rows
            .into_iter()
            .map(|((address, input), label)| ((address | TRAINING, input), label))
            .unzip();
        Self { inputs, labels }
    }
}
