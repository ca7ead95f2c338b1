//! Products of f32 matrices that lie in slices, on the matrix library's blocked kernels.

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn};

/// A matrix in a slice: entry (i, j) is `values[i * steps.0 + j * steps.1]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    steps: (usize, usize),
}

impl<'a> View<'a> {
    /// Rows one behind the other.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(values, rows, columns, columns)
    }

    /// Rows that begin `step` values apart.
    pub fn strided(values: &'a [f32], rows: usize, columns: usize, step: usize) -> Self {
        Self {
            values,
            rows,
            columns,
            steps: (step, 1),
        }
    }

    /// Its transpose; nothing is moved.
    pub fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            steps: (self.steps.1, self.steps.0),
            ..self
        }
    }

    fn at(self, row: usize, column: usize) -> f32 {
        self.values[row * self.steps.0 + column * self.steps.1]
    }

    fn library(self) -> DMatrixView<'a, f32, Dyn, Dyn> {
        DMatrixView::from_slice_with_strides(
            self.values,
            self.rows,
            self.columns,
            self.steps.0,
            self.steps.1,
        )
    }
}

/// Up to this size of any side the product is a plain loop. The matrix library hands larger ones to its
/// blocked kernel; its own loop for smaller ones is not made for strided views (nalgebra 0.35).
const SMALL: usize = 5;

/// `c = alpha a b + beta c`; the rows of `c` begin `step` values apart. With `beta = 0` what stands in
/// `c` is not read.
pub(super) fn gemm(c: &mut [f32], step: usize, alpha: f32, a: View<'_>, b: View<'_>, beta: f32) {
    if a.rows <= SMALL || a.columns <= SMALL || b.columns <= SMALL {
        for (row, c) in c.chunks_mut(step).take(a.rows).enumerate() {
            for (column, c) in c[..b.columns].iter_mut().enumerate() {
                let products = (0..a.columns).map(|at| a.at(row, at) * b.at(at, column));
                let sum = alpha * products.sum::<f32>();
                *c = if beta == 0.0 { sum } else { sum + beta * *c };
            }
        }
        return;
    }
    let mut c: DMatrixViewMut<'_, f32, Dyn, Dyn> =
        DMatrixViewMut::from_slice_with_strides_mut(c, a.rows, b.columns, step, 1);
    c.gemm(alpha, &a.library(), &b.library(), beta);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes on both sides of the small one; parts of wider rows; transposes.
    #[test]
    fn strides_and_transposes_pick_the_right_entries() {
        let values: Vec<f32> = (0..4000_u16).map(|x| f32::from(x % 17) - 8.0).collect();
        for (rows, inner, columns) in [(2, 3, 4), (6, 5, 7), (6, 9, 7), (50, 16, 50), (7, 6, 2)] {
            for turned in [false, true] {
                let a = View::strided(&values[3..], rows, inner, 55);
                let b = if turned {
                    View::strided(&values[1..], columns, inner, 60).t()
                } else {
                    View::strided(&values[1..], inner, columns, 60)
                };
                let (step, beta) = (columns + 2, 2.0);
                let mut c = vec![1.0; rows * step];
                gemm(&mut c, step, 0.5, a, b, beta);
                let mut fresh = vec![f32::NAN; rows * step];
                gemm(&mut fresh, step, 0.5, a, b, 0.0);
                for row in 0..rows {
                    for column in 0..step {
                        let at = row * step + column;
                        if column >= columns {
                            assert!(c[at] == 1.0 && fresh[at].is_nan());
                            continue;
                        }
                        let entry = |at: usize| {
                            let b = if turned {
                                column * 60 + at
                            } else {
                                at * 60 + column
                            };
                            values[3 + row * 55 + at] * values[1 + b]
                        };
                        let product = 0.5 * (0..inner).map(entry).sum::<f32>();
                        assert_eq!(fresh[at], product);
                        assert_eq!(c[at], product + beta);
                    }
                }
            }
        }
    }
}
