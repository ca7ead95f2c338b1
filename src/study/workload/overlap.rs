//! Whether calibration rows are among those that are measured.
//!
//! A row is known by its direction to the precision of a half float: numbers over the power of two below its largest
//! magnitude, as f16, so that a copy in another type of float, or scaled by a power of two, is the same row. Rows
//! narrower than [`NARROW`] numbers are compared whole, for few bits would make strangers alike. A row of zeros is
//! nobody's. Memory: 8 bytes a measured row.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use half::f16;

use crate::hardware::attention::Head;
use crate::hardware::quantise::Matrix;

/// Numbers from which a row is known to the precision of a half float.
const NARROW: usize = 8;

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
        let mut known = HashSet::new();
        for head in measured {
            known.extend(of(head).column_iter().filter_map(|row| key(row.as_slice())));
        }
        let mut found = Shared::default();
        for head in calibration {
            for row in of(head).column_iter() {
                found.rows += 1;
                let key = key(row.as_slice());
                found.shared += usize::from(key.is_some_and(|key| known.contains(&key)));
            }
        }
        found
    })
}

/// What a row is known by; none of a row of zeros.
fn key(row: &[f64]) -> Option<u64> {
    let largest = row.iter().fold(0.0_f64, |top, x| top.max(x.abs()));
    if largest == 0.0 {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    let unit = largest.log2().floor().exp2();
    for value in row {
        // Adding a zero makes both zeros the same.
        if row.len() < NARROW {
            (value + 0.0).to_bits().hash(&mut hasher);
        } else {
            let value = f16::from_f64(value / unit) + f16::ZERO;
            value.to_bits().hash(&mut hasher);
        }
    }
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
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
        let changes: [fn(f64) -> f64; 4] = [
            |x| x,
            |x| f64::from(x as f32),
            |x| f16::from_f64(x).to_f64(),
            |x| x / 8.0,
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

    #[test]
    fn zero_rows_are_nobodys_and_a_first_token_is_no_overlap() {
        let zero = [head(0, 5, |_| 0.0)];
        assert_eq!(shared(&zero, &zero)[0].shared, 0);
        let of = |shared, rows| Shared { shared, rows };
        assert!(!of(1, 384).is_overlap(1) && !of(12, 12 * 384).is_overlap(12));
        assert!(of(2, 48).is_overlap(1) && of(1, 1).is_overlap(1));
    }
}
