//! A x V on one tile: the survivors' codes drive rows of V, and each column sums.

use crate::base::rng::{Purpose, Seed, Site, Stream};
use crate::hardware::converter::PlainAdc;
use crate::hardware::crossbar::{StoredValues, Values};
use crate::hardware::events::Costed;
use crate::hardware::quantise::Matrix;
use crate::hardware::topk::Winner;

/// Sums of one tile's columns for one query, (d_v bits) values.
pub(super) struct PartialSums {
    /// A sum a column.
    pub values: Vec<f64>,
    /// Rows driven.
    pub rows: u32,
    /// Variance of each by the devices' read noise, if they have any.
    variance: Option<Vec<f64>>,
}

/// A token's levels as a slice: an iterator over a matrix is not compiled to vectors.
fn column(levels: &Matrix, token: usize) -> &[f64] {
    let rows = levels.nrows();
    &levels.as_slice()[token * rows..][..rows]
}

fn add(sums: &mut [f64], code: f64, levels: &[f64]) {
    for (sum, level) in sums.iter_mut().zip(levels) {
        *sum += code * level;
    }
}

impl PartialSums {
    /// Drives the rows of the survivors in the tile with index `tile`, its conversions counted; none
    /// if no row of it is driven.
    pub fn of(
        survivors: &[Winner],
        codes: &[f64],
        layout: &Values,
        tile: usize,
        stored: &StoredValues,
    ) -> Option<Costed<Self>> {
        let mut values = vec![0.0; stored.levels.nrows()];
        let mut variance = stored
            .read_variance
            .as_ref()
            .map(|_| vec![0.0; values.len()]);
        let mut rows = 0;
        for (winner, &code) in survivors.iter().zip(codes) {
            if code == 0.0 || !layout.tiles[tile].contains(&winner.token) {
                continue;
            }
            rows += 1;
            add(&mut values, code, column(&stored.levels, winner.token));
            if let (Some(sums), Some(each)) = (&mut variance, &stored.read_variance) {
                add(sums, code * code, column(each, winner.token));
            }
        }
        let sums = Self {
            values,
            rows,
            variance,
        };
        (rows > 0).then(|| Costed::new(sums, layout.product(rows)))
    }

    /// The devices' noise of this read: exactly normal, with the variances summed.
    pub fn add_read_noise(&mut self, seed: Seed, trial: u64, site: Site) {
        if let Some(variance) = &self.variance {
            let mut reads = seed.stream(Purpose::DeviceRead, trial, site);
            for (sum, variance) in self.values.iter_mut().zip(variance) {
                *sum += variance.max(0.0).sqrt() * reads.normal();
            }
        }
    }

    /// How far each sum reaches: its magnitude and `margin` standard deviations.
    pub fn reaches(&self, margin: f64) -> impl Iterator<Item = f64> {
        let sums = self.values.iter().enumerate();
        sums.map(move |(at, sum)| {
            let variance = self.variance.as_ref().map_or(0.0, |all| all[at]);
            sum.abs() + margin * variance.max(0.0).sqrt()
        })
    }

    /// How many sums lie beyond the largest code of the plain ADC.
    pub fn beyond(&self, adc: &PlainAdc) -> u64 {
        self.values
            .iter()
            .filter(|sum| adc.is_beyond(**sum))
            .count() as u64
    }

    /// Through the plain ADC, whose noise has the standard deviation `sigma`.
    pub fn convert(&mut self, adc: &PlainAdc, sigma: f64, mut noise: Stream) {
        for sum in &mut self.values {
            let noise = if sigma > 0.0 {
                sigma * noise.normal()
            } else {
                0.0
            };
            *sum = adc.convert(*sum, noise);
        }
    }

    /// Adds the columns of each value's bits to it, times their places.
    pub fn join_into(&self, output: &mut [f64], places: &[f64]) {
        for (out, bits) in output
            .iter_mut()
            .zip(self.values.chunks_exact(places.len()))
        {
            *out += bits
                .iter()
                .zip(places)
                .map(|(sum, place)| sum * place)
                .sum::<f64>();
        }
    }
}
