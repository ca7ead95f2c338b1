//! The seam between an encoder and whatever computes its heads.

use nalgebra::DMatrixView;

use super::Activations;

/// Which head of which sample is asked for. Draws are addressed by it, so a result depends on
/// neither the batch nor the order of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeadSite {
    /// Index of the sample in its data set.
    pub sample: u64,
    /// Layer, from 0.
    pub layer: usize,
    /// Head of the layer, from 0.
    pub head: usize,
}

/// Q, K and V of one head for one sample, each d x tokens, Q not yet divided by sqrt(d). All
/// tokens are live: samples of different length are never padded.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// Queries.
    pub q: DMatrixView<'a, f32>,
    /// Keys.
    pub k: DMatrixView<'a, f32>,
    /// Values.
    pub v: DMatrixView<'a, f32>,
}

/// What heads leave beside their output, joined layer by layer, and there by sample and head.
pub trait Trace: Default {
    /// Adds what came later.
    fn join(&mut self, later: Self);
}

impl Trace for () {
    fn join(&mut self, (): Self) {}
}

/// Whatever turns Q, K and V of a head into its output.
pub trait Attend {
    /// What is left beside the output.
    type Trace: Trace;

    /// The output of a head, d x tokens.
    fn attend(&self, site: HeadSite, operands: Operands<'_>) -> (Activations, Self::Trace);
}

/// The float head: `softmax(K^T q / sqrt(d))` and the sum over V.
#[derive(Clone, Copy, Debug, Default)]
pub struct Float;

/// `K^T q / sqrt(d)`, tokens x queries.
pub(super) fn scores(q: &DMatrixView<'_, f32>, k: &DMatrixView<'_, f32>) -> Activations {
    let factor = 1.0 / (q.nrows() as f32).sqrt();
    (k * factor).transpose() * q
}

impl Attend for Float {
    type Trace = ();

    fn attend(&self, _: HeadSite, Operands { q, k, v }: Operands<'_>) -> (Activations, ()) {
        let mut weights = scores(&q, &k);
        for mut row in weights.column_iter_mut() {
            let top = row.max();
            row.apply(|score| *score = (*score - top).exp());
            let sum = row.sum();
            row /= sum;
        }
        (v * weights, ())
    }
}

/// One head of one sample as an encoder met it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Which one.
    pub site: HeadSite,
    /// Queries, d x tokens.
    pub q: Activations,
    /// Keys, d x tokens.
    pub k: Activations,
    /// Values, d x tokens.
    pub v: Activations,
}

impl Trace for Vec<Recorded> {
    fn join(&mut self, later: Self) {
        self.extend(later);
    }
}

/// The float head that keeps its operands: what calibration is taken from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recording;

impl Attend for Recording {
    type Trace = Vec<Recorded>;

    fn attend(&self, site: HeadSite, operands: Operands<'_>) -> (Activations, Vec<Recorded>) {
        let recorded = Recorded {
            site,
            q: operands.q.into_owned(),
            k: operands.k.into_owned(),
            v: operands.v.into_owned(),
        };
        (Float.attend(site, operands).0, vec![recorded])
    }
}
