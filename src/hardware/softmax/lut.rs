//! The macro at work: the table of a head, and a row from its survivors' depths.

use super::{SoftmaxParams, Table, Weights};
use crate::hardware::events::{Action, Cost, Costed};
use crate::hardware::quantise::round_even;

/// The macro with the table of one head.
#[derive(Clone, Debug, PartialEq)]
pub struct Lut {
    params: SoftmaxParams,
    /// Score of one LSB of the ramp.
    lsb: f64,
    /// Score of the ramp's first step minus the threshold, for an exponential that needs the score.
    start: Option<f64>,
    entries: Vec<f64>,
    /// Steps of the ramp a table entry stands for.
    stride: f64,
}

/// One row after the macro.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Probabilities from table values and their sum, before A is rounded.
    pub probabilities: Vec<f64>,
    /// What drives A x V: codes, or the weights themselves if exact.
    pub codes: Vec<f64>,
    /// What the sum over codes is multiplied with.
    pub gain: f64,
    /// Probability mass whose code is zero.
    pub underflow: f64,
}

impl SoftmaxParams {
    /// Loads the table of a head: the score `top` that the ramp's first step stands for and its `lsb`
    /// in scores, the `ramp_bits` of its codes, and the threshold score where the exponential needs one.
    pub fn load(&self, top: f64, lsb: f64, ramp_bits: u32, threshold: Option<f64>) -> Costed<Lut> {
        let start = threshold.map(|threshold| top - threshold);
        let (stride, entries) = match self.table {
            Table::Exact {} => (1.0, Vec::new()),
            Table::Entries { bits, width } => {
                let stride = f64::from(1_u32 << ramp_bits.saturating_sub(bits));
                let levels = f64::from((1_u32 << width) - 1);
                let value = |index: u32| {
                    self.exponential
                        .of(start.unwrap_or(0.0) - f64::from(index) * stride * lsb)
                };
                let largest = value(0).max(1e-300);
                let entry = |index| (value(index) / largest * levels).round_ties_even() / levels;
                (stride, (0..1_u32 << bits).map(entry).collect())
            }
        };
        let written = Cost::of(Action::LutWrite, entries.len() as u64);
        let lut = Lut {
            params: *self,
            lsb,
            start,
            entries,
            stride,
        };
        Costed::new(lut, written)
    }

    /// Counts of a row of `elements`: each one's distance, its table value and its part of the sum,
    /// one reciprocal, and for `unit` a product each.
    pub fn row_counts(&self, elements: u64) -> Cost {
        Cost::of(Action::Subtract, elements)
            .and(Action::ExpLookup, elements)
            .and(Action::Accumulate, elements)
            .and(Action::Reciprocal, u64::from(elements > 0))
            .and(
                Action::Multiply,
                if self.divides_after_av() { 0 } else { elements },
            )
    }

    /// Counts of normalising an output of `d_value` numbers: a product each, unless the weights were
    /// normalised before and only their unit is left, which is wiring.
    pub fn output_counts(&self, d_value: u64) -> Cost {
        Cost::of(
            Action::Multiply,
            if self.divides_after_av() { d_value } else { 0 },
        )
    }
}

impl Lut {
    /// The table's value for a depth beside the smallest depth of its row, both in LSB.
    #[must_use]
    pub fn value_beside(&self, depth: f64, smallest: f64) -> f64 {
        let reference = if self.start.is_some() { 0.0 } else { smallest };
        self.value(depth - reference)
    }

    /// Entries that a load writes.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// f of a depth below what the table starts at.
    fn value(&self, below: f64) -> f64 {
        if self.entries.is_empty() {
            let start = self.start.unwrap_or(0.0);
            return self.params.exponential.of(start - below * self.lsb);
        }
        // Whole steps: a ramp of uneven levels takes the nearest, and a sum of fractions is no step less.
        let index = (below.max(0.0).round() / self.stride) as usize;
        self.entries[index.min(self.entries.len() - 1)]
    }

    /// A row from the survivors' depths below the ramp's first step, in LSB.
    pub fn row(&self, depths: &[f64]) -> Costed<Row> {
        Costed::new(
            self.weigh(depths),
            self.params.row_counts(depths.len() as u64),
        )
    }

    /// The output of A x V from its sums, times `gain`: the row's own and the unit of V.
    pub fn normalise(&self, mut sums: Vec<f64>, gain: f64) -> Costed<Vec<f64>> {
        let counts = self.params.output_counts(sums.len() as u64);
        for sum in &mut sums {
            *sum *= gain;
        }
        Costed::new(sums, counts)
    }

    fn weigh(&self, depths: &[f64]) -> Row {
        let smallest = depths.iter().copied().fold(f64::INFINITY, f64::min);
        let value = |depth: &f64| self.value_beside(*depth, smallest);
        let values: Vec<f64> = depths.iter().map(value).collect();
        let sum: f64 = values.iter().sum();
        if sum.is_nan() || sum <= 0.0 {
            // Every table value rounded to zero: nothing drives A x V.
            return Row {
                probabilities: vec![0.0; values.len()],
                codes: vec![0.0; values.len()],
                gain: 0.0,
                underflow: 1.0,
            };
        }
        let reciprocal = self.params.reciprocal.of(sum);
        let largest = values.iter().copied().fold(0.0, f64::max);
        let (codes, gain): (Vec<f64>, f64) = match self.params.weights {
            Weights::Exact {} => (values.clone(), reciprocal),
            Weights::RowMax { max_code } => {
                let max = f64::from(max_code);
                let codes = values.iter().map(|e| round_even(e / largest * max));
                (codes.collect(), largest / max * reciprocal)
            }
            Weights::Unit { max_code } => {
                let max = f64::from(max_code);
                let codes = values
                    .iter()
                    // A rounded reciprocal, or an exponential above 1, goes beyond what drives a row.
                    .map(|e| round_even((e * reciprocal * max).min(max)));
                (codes.collect(), 1.0 / max)
            }
        };
        let probabilities: Vec<f64> = values.iter().map(|e| e / sum).collect();
        let lost = probabilities
            .iter()
            .zip(&codes)
            .filter(|(_, code)| **code == 0.0);
        Row {
            underflow: lost.map(|(p, _)| p).sum(),
            probabilities,
            codes,
            gain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Exponential, Reciprocal};
    use super::*;

    fn exact() -> SoftmaxParams {
        SoftmaxParams {
            exponential: Exponential::Exact {},
            table: Table::Exact {},
            weights: Weights::Exact {},
            reciprocal: Reciprocal::Exact {},
        }
    }

    fn row(params: SoftmaxParams, lsb: f64, ramp_bits: u32, depths: &[f64]) -> Row {
        params
            .load(8.0, lsb, ramp_bits, None)
            .value
            .row(depths)
            .value
    }

    /// 2^bits entries are written, each at the price and in the time of one.
    #[test]
    fn a_table_is_loaded_entry_by_entry() {
        for (table, entries) in [
            (Table::Exact {}, 0),
            (Table::Entries { bits: 3, width: 8 }, 8),
            (Table::Entries { bits: 6, width: 8 }, 64),
        ] {
            let params = SoftmaxParams { table, ..exact() };
            let loaded = params.load(8.0, 0.5, 6, None);
            assert_eq!(loaded.value.entries(), entries);
            assert_eq!(loaded.cost, Cost::of(Action::LutWrite, entries as u64));
        }
    }

    #[test]
    fn exact_row_is_the_softmax() {
        let row = row(exact(), 0.5, 5, &[4.0, 6.0, 10.0]);
        let e: Vec<f64> = [0.0_f64, -1.0, -3.0].iter().map(|x| x.exp()).collect();
        let sum: f64 = e.iter().sum();
        for (p, e) in row.probabilities.iter().zip(&e) {
            assert!((p - e / sum).abs() < 1e-15);
        }
        assert!((row.gain * row.codes[0] - 1.0 / sum).abs() < 1e-15);
    }

    #[test]
    fn small_weights_underflow_and_are_counted() {
        let params = SoftmaxParams {
            weights: Weights::RowMax { max_code: 31 },
            ..exact()
        };
        let rounded = row(params, 1.0, 5, &[1.0, 2.0, 9.0]);
        assert_eq!(rounded.codes, [31.0, 11.0, 0.0]);
        assert!((rounded.underflow - rounded.probabilities[2]).abs() < 1e-15);
        let unit = SoftmaxParams {
            weights: Weights::Unit { max_code: 31 },
            ..exact()
        };
        assert_eq!(row(unit, 1.0, 5, &[1.0, 2.0, 9.0]).codes, [23.0, 8.0, 0.0]);
    }

    #[test]
    fn a_row_counts_its_elements_and_one_normalisation() {
        let counts = |weights, depths: &[f64]| {
            let table = Table::Entries { bits: 5, width: 16 };
            let params = SoftmaxParams {
                weights,
                table,
                ..exact()
            };
            let lut = params.load(6.0, 0.5, 5, None);
            assert_eq!(lut.cost, Cost::of(Action::LutWrite, 32));
            let row = lut.value.row(depths);
            row.cost
                .then(lut.value.normalise(vec![0.0; 64], row.value.gain).cost)
        };
        let three = Cost::of(Action::Subtract, 3)
            .and(Action::ExpLookup, 3)
            .and(Action::Accumulate, 3)
            .and(Action::Reciprocal, 1);
        let depths = [4.0, 6.0, 10.0];
        let row_max = Weights::RowMax { max_code: 31 };
        let unit = Weights::Unit { max_code: 31 };
        assert_eq!(counts(row_max, &depths), three.and(Action::Multiply, 64));
        assert_eq!(counts(unit, &depths), three.and(Action::Multiply, 3));
        assert_eq!(counts(unit, &[]), Cost::ZERO);
    }

    #[test]
    fn a_table_drops_the_low_bits_of_a_finer_ramp() {
        let params = SoftmaxParams {
            table: Table::Entries { bits: 5, width: 24 },
            ..exact()
        };
        let fine = row(params, 8.0 / 512.0, 9, &[1.0, 17.0, 31.0]);
        assert_eq!(
            fine.probabilities[1],
            fine.probabilities[2].max(fine.probabilities[1])
        );
        assert!(fine.probabilities[0] > fine.probabilities[1]);
    }
}
