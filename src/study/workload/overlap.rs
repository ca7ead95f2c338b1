//! Whether calibration rows are among those that are measured.
//!
//! A row is known by its direction, forwards or backwards, so that a copy in another type of float, or scaled, is the
//! same row. Rows narrower
//! than [`NARROW`] numbers have directions that strangers share, and are compared with their lengths. A row of zeros is
//! nobody's. Measured rows are sorted along one direction, and compared only with the rows that lie near them there.

use crate::hardware::attention::Head;
use crate::hardware::quantise::Matrix;

/// Numbers from which a row is known by its direction alone.
const NARROW: usize = 8;
/// Distance over length within which two rows are one: numbers rounded to bfloat16, of 8 bits, are off by at most 2^-9
/// each, and so is the row; a tenth more for the other rounding of a pair.
const NEAR: f64 = 1.1 / 512.0;
/// The same of a narrow row: half floats, of 11 bits, are off by 2^-12.
const NEAR_NARROW: f64 = 1.0 / 2048.0;

/// What one array's calibration rows have in common with the measured ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shared {
    /// Calibration rows that are measured as well.
    pub shared: usize,
    /// Calibration rows.
    pub rows: usize,
}

impl Shared {
    /// Whether results would be calibrated on themselves. One row a head may be that of a token with which every text
    /// begins, and in a first layer the same word at the same place is the same row: about one in a hundred.
    pub fn is_overlap(self, heads: usize) -> bool {
        self.shared > 0
            && (self.shared == self.rows || self.shared > heads && 50 * self.shared > self.rows)
    }
}

/// Rows of q, of k and of v of all heads.
pub(super) fn shared(measured: &[Head], calibration: &[Head]) -> [Shared; 3] {
    // Rows as columns.
    let arrays: [fn(&Head) -> Matrix; 3] = [
        |head| head.q.clone(),
        |head| head.k.transpose(),
        |head| head.v.clone(),
    ];
    arrays.map(|of| {
        let rows = |heads: &[Head]| -> Vec<Option<Direction>> {
            let of_head = |head: &Head| {
                let rows = of(head);
                let rows = rows.column_iter().map(|row| Direction::of(row.as_slice()));
                rows.collect::<Vec<_>>()
            };
            heads.iter().flat_map(of_head).collect()
        };
        let mut known: Vec<Direction> = rows(measured).into_iter().flatten().collect();
        known.sort_by(|a, b| a.along.total_cmp(&b.along));
        let own = rows(calibration);
        let is_known = |row: &&Option<Direction>| row.as_ref().is_some_and(|row| row.is_in(&known));
        Shared {
            shared: own.iter().filter(is_known).count(),
            rows: own.len(),
        }
    })
}

/// A row over its length.
struct Direction {
    unit: Vec<f64>,
    length: f64,
    /// Its part along a fixed direction of length 1.
    along: f64,
}

impl Direction {
    /// None of a row of zeros.
    fn of(row: &[f64]) -> Option<Self> {
        let largest = row.iter().fold(0.0_f64, |top, x| top.max(x.abs()));
        if largest == 0.0 {
            return None;
        }
        let norm = row
            .iter()
            .map(|x| (x / largest).powi(2))
            .sum::<f64>()
            .sqrt();
        let unit: Vec<f64> = row.iter().map(|x| x / largest / norm).collect();
        // Signs without a period, so that no sum that a layer makes zero is taken.
        let sign = |at: usize| ((at * at) as f64 * 0.7 + 1.0).sin().signum();
        let signed = unit.iter().enumerate().map(|(at, x)| x * sign(at));
        let along = signed.sum::<f64>() / (unit.len() as f64).sqrt();
        Some(Self {
            unit,
            length: largest * norm,
            along,
        })
    }

    /// Whether it is one of these, which rise along the fixed direction.
    fn is_in(&self, known: &[Self]) -> bool {
        let narrow = self.unit.len() < NARROW;
        let near = if narrow { NEAR_NARROW } else { NEAR };
        [1.0, -1.0].into_iter().any(|sign| {
            let along = sign * self.along;
            let from = known.partition_point(|other| other.along < along - near);
            let others = known[from..].iter();
            others
                .take_while(|other| other.along <= along + near)
                .any(|other| {
                    (!narrow || (other.length / self.length - 1.0).abs() <= near)
                        && self.is_near(other, sign, near * near)
                })
        })
    }

    /// Whether the squared distance of this row times `sign` is at most `most`.
    fn is_near(&self, other: &Self, sign: f64, most: f64) -> bool {
        let mut sum = 0.0;
        self.unit.iter().zip(&other.unit).all(|(a, b)| {
            sum += (sign * a - b).powi(2);
            sum <= most
        })
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::hardware::attention::{Mask, Place};

    /// A head whose rows are numbered from `first` on.
    fn head(first: usize, rows: usize, change: impl Fn(f64) -> f64) -> Head {
        let value =
            |d: usize, row: usize| change(((first + row) as f64 * 1.7 + d as f64 * 0.9).sin());
        Head {
            q: Matrix::from_fn(16, rows, value),
            k: Matrix::from_fn(16, rows, |d, row| value(d + 31, row)).transpose(),
            v: Matrix::from_fn(16, rows, |d, row| value(d + 67, row)),
            mask: Mask::default(),
            place: Place::default(),
        }
    }

    #[test]
    fn copies_are_found_whatever_float_they_are_written_as() {
        let measured = [head(0, 40, |x| x), head(100, 40, |x| x)];
        let changes: [fn(f64) -> f64; 7] = [
            |x| x,
            |x| -x,
            |x| f64::from(x as f32),
            |x| f16::from_f64(x).to_f64(),
            |x| bf16::from_f64(x).to_f64(),
            |x| x / 8.0,
            |x| x * 1e-25,
        ];
        for change in changes {
            // 10 rows of the second head and 20 of none.
            let [q, k, v] = shared(&measured, &[head(130, 30, change)]);
            for found in [q, k, v] {
                assert_eq!(
                    found,
                    Shared {
                        shared: 10,
                        rows: 30
                    }
                );
                assert!(found.is_overlap(1));
            }
        }
        let [q, ..] = shared(&measured, &[head(400, 30, |x| x)]);
        assert_eq!(q.shared, 0);
        assert!(!q.is_overlap(1));
    }

    /// Of seven numbers many rows share a direction; of eight none does by chance.
    #[test]
    fn narrow_rows_are_known_by_their_length_too() {
        let of = |d: usize, factor: f64| Head {
            q: Matrix::from_fn(d, 1, |at, _| factor * (1.0 + at as f64)),
            ..head(0, 1, |x| x)
        };
        for (d, known) in [(7, 0), (8, 1), (9, 1)] {
            let [q, ..] = shared(&[of(d, 1.0)], &[of(d, 3.0)]);
            assert_eq!(q.shared, known, "{d}");
            let [q, ..] = shared(&[of(d, 1.0)], &[of(d, 1.0)]);
            assert_eq!(q.shared, 1, "{d}");
        }
    }

    #[test]
    fn zero_rows_are_nobodys_and_a_first_token_is_no_overlap() {
        let zero = [head(0, 5, |_| 0.0)];
        assert_eq!(shared(&zero, &zero)[0].shared, 0);
        let of = |shared, rows| Shared { shared, rows };
        assert!(!of(1, 384).is_overlap(1) && !of(12, 12 * 384).is_overlap(12));
        assert!(of(2, 48).is_overlap(1) && of(1, 1).is_overlap(1));
    }
}
