//! Random draws by address.
//!
//! A draw is addressed by (seed, purpose, trial, site): no generator is passed along, kept or
//! shared, so a result depends neither on order nor on threads, and two points of a sweep that
//! ask for the same address get the same noise (a paired comparison). The position inside a
//! stream is *not* an address, because a ziggurat normal takes a varying number of words: streams
//! are kept short and always read from their beginning.
//!
//! The address is hashed to the 256-bit state of xoshiro256++ by a chain of SplitMix64
//! finalisers (Steele, Lea and Flood, OOPSLA 2014). Ten draws of each purpose are pinned by a test.

use rand_distr::{Distribution, StandardNormal, StandardUniform};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// The experiment's seed. There is no default: a run without a seed could not be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// What a draw is for. Numbers are part of the format of a result and are never reused.
#[repr(u64)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Fabricated: relative deviation of an SRAM cell's current.
    CellMismatch = 1,
    /// Fabricated: residual offset of a column's comparator after calibration.
    ColumnOffset = 2,
    /// Fabricated: relative deviation of a column's ramp replica cells.
    ReplicaMismatch = 3,
    /// Fabricated: relative difference of a column's two line capacitances.
    LineMismatch = 4,
    /// Fabricated: which cells no longer switch.
    StuckAt = 5,
    /// Written: how a write misses its target.
    Programming = 6,
    /// Written: spread of the drift exponent.
    Drift = 7,
    /// Read: noise of the devices of a column in one conversion.
    DeviceRead = 8,
    /// Read: comparator noise of one conversion, or of one step.
    Comparator = 9,
    /// Read: noise of one conversion of the plain ADC behind A x V.
    PlainAdc = 10,
    /// Input: queries of a synthetic head.
    SyntheticQuery = 11,
    /// Input: keys of a synthetic head.
    SyntheticKey = 12,
    /// Input: values of a synthetic head.
    SyntheticValue = 13,
    /// Whether a column left out of a fast trial would have mattered, and which.
    Excluded = 14,
    /// Training, numbered from 20: first weights.
    TrainingWeights = 20,
    /// Training: order of the images in an epoch.
    TrainingOrder = 21,
    /// Training: shift and mirror of an image in an epoch.
    TrainingView = 22,
    /// Statistics: which samples a draw of the bootstrap holds.
    Bootstrap = 30,
}

impl Purpose {
    /// Every purpose, for the test that pins their draws.
    pub const ALL: [Purpose; 18] = [
        Self::CellMismatch,
        Self::ColumnOffset,
        Self::ReplicaMismatch,
        Self::LineMismatch,
        Self::StuckAt,
        Self::Programming,
        Self::Drift,
        Self::DeviceRead,
        Self::Comparator,
        Self::PlainAdc,
        Self::SyntheticQuery,
        Self::SyntheticKey,
        Self::SyntheticValue,
        Self::Excluded,
        Self::TrainingWeights,
        Self::TrainingOrder,
        Self::TrainingView,
        Self::Bootstrap,
    ];
}

/// Where a draw belongs: two numbers whose meaning the purpose fixes, for instance
/// (head, query) or (tile, bitline).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site(pub u64, pub u64);

/// A short run of draws at one address.
#[derive(Clone, Debug)]
pub struct Stream(Xoshiro256PlusPlus);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finaliser: a bijection of `u64` in which each input bit reaches every output bit.
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The chain that makes one word of many.
fn chain(state: u64, words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(state, |state, word| {
        mix(state.wrapping_mul(GOLDEN) ^ word).wrapping_add(GOLDEN)
    })
}

/// A word that stands for these in an address, in their order.
#[must_use]
pub fn digest(words: impl IntoIterator<Item = u64>) -> u64 {
    mix(chain(GOLDEN, words))
}

impl Seed {
    /// The key of an address, for [`kernel`](crate::hardware::kernel), whose draws are numbered under it;
    /// `block` is a block of trials there.
    #[must_use]
    pub fn key(self, purpose: Purpose, block: u64, site: Site) -> u64 {
        let state = mix(self.0.wrapping_add(GOLDEN));
        chain(state, [purpose as u64, block, site.0, site.1])
    }

    /// The stream at an address.
    #[must_use]
    pub fn stream(self, purpose: Purpose, trial: u64, site: Site) -> Stream {
        let state = self.key(purpose, trial, site);
        let mut bytes = [0_u8; 32];
        for (chunk, index) in bytes.chunks_exact_mut(8).zip(1_u64..) {
            chunk.copy_from_slice(
                &mix(state.wrapping_add(GOLDEN.wrapping_mul(index))).to_le_bytes(),
            );
        }
        Stream(Xoshiro256PlusPlus::from_seed(bytes))
    }
}

impl Stream {
    /// The next standard normal draw (ziggurat).
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// The next draw from the uniform distribution on `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        StandardUniform.sample(&mut self.0)
    }

    /// Fills `draws` with standard normal draws.
    pub fn fill_normal(&mut self, draws: &mut [f64]) {
        for draw in draws {
            *draw = self.normal();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    #[test]
    fn an_address_gives_one_stream_and_no_other() {
        let draws = |seed, purpose, trial, a, b| {
            let mut stream = Seed(seed).stream(purpose, trial, Site(a, b));
            [stream.normal(), stream.normal()]
        };
        let here = draws(1, Purpose::Comparator, 2, 3, 4);
        assert_eq!(here, draws(1, Purpose::Comparator, 2, 3, 4));
        for other in [
            draws(2, Purpose::Comparator, 2, 3, 4),
            draws(1, Purpose::DeviceRead, 2, 3, 4),
            draws(1, Purpose::Comparator, 3, 3, 4),
            draws(1, Purpose::Comparator, 2, 4, 3),
            draws(1, Purpose::Comparator, 2, 3, 5),
        ] {
            assert_ne!(here, other);
        }
    }

    /// Kolmogorov-Smirnov over one draw from each of 200 000 neighbouring addresses: the hash, not
    /// only the generator, must be random. Critical value 1.95 / sqrt(n) has a false alarm rate of 1e-3.
    #[test]
    fn first_draws_of_neighbouring_addresses_are_normal() {
        let normal = Normal::standard();
        let count = 200_000_u64;
        let mut draws: Vec<f64> = (0..count)
            .map(|at| {
                Seed(7)
                    .stream(
                        Purpose::Comparator,
                        at / 1000,
                        Site(at % 10, at % 1000 / 10),
                    )
                    .normal()
            })
            .collect();
        draws.sort_by(f64::total_cmp);
        let n = count as f64;
        let distance = draws.iter().enumerate().fold(0.0_f64, |worst, (rank, &x)| {
            let cdf = normal.cdf(x);
            worst
                .max((cdf - rank as f64 / n).abs())
                .max((cdf - (rank + 1) as f64 / n).abs())
        });
        assert!(distance < 1.95 / n.sqrt(), "{distance}");
    }
}
