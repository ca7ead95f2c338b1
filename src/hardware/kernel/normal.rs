//! Standard normals by address: a word of SplitMix64 for every two of them, and an octave table.
//!
//! Word w of a key is the w-th output of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) seeded with
//! it: a position is an address, no state is carried. Draw n of a key takes words 16 n to 16 n + 15;
//! lane 2 l is the low half of word l and lane 2 l + 1 its high half.
//!
//! A half's highest bit is the sign, its other 31 bits m the tail probability (m + 1/2) 2^-32, whose
//! quantile comes from [`OCTAVES`]: reach 6.3 sigma, error below 4e-6.

use super::level::{Simd, for_each_level};
use super::octave::OCTAVES;
use super::{LANES, Lanes};

/// Words of one draw.
pub(super) const WORDS: u64 = LANES as u64 / 2;
pub(super) const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
pub(super) const FIRST: u64 = 0xBF58_476D_1CE4_E5B9;
pub(super) const SECOND: u64 = 0x94D0_49BB_1331_11EB;
/// The largest f32 below 2^31: a tail that rounds up to 2^31 would leave the table.
pub(super) const LARGEST: f32 = f32::from_bits(0x4EFF_FFFF);

#[inline(always)]
const fn word(key: u64, at: u64) -> u64 {
    let z = key.wrapping_add(at.wrapping_add(1).wrapping_mul(GOLDEN));
    let z = (z ^ (z >> 30)).wrapping_mul(FIRST);
    let z = (z ^ (z >> 27)).wrapping_mul(SECOND);
    z ^ (z >> 31)
}

/// The standard normal of half a word.
#[inline(always)]
#[must_use]
pub fn normal(half: u32) -> f32 {
    let tail = (((half & 0x7FFF_FFFF) as i32) as f32 + 0.5).min(LARGEST);
    let bits = tail.to_bits();
    let octave = ((bits >> 23) - 126) as usize & 31;
    let t = f32::from_bits(bits & 0x007F_FFFF | 0x3F80_0000) - 1.5;
    let mut x = OCTAVES[5][octave];
    for power in (0..5).rev() {
        x = x.mul_add(t, OCTAVES[power][octave]);
    }
    f32::from_bits(x.to_bits() ^ (half & 0x8000_0000))
}

/// The sixteen words of a draw.
#[inline(always)]
pub(super) fn halves(key: u64, draw: u64) -> [[u64; 8]; 2] {
    let half = |from: u64| {
        std::array::from_fn(|at| word(key, draw.wrapping_mul(WORDS).wrapping_add(from + at as u64)))
    };
    [half(0), half(8)]
}

/// The 32 halves of a draw, lane by lane.
#[inline(always)]
#[must_use]
pub fn words(key: u64, draw: u64) -> Lanes<u32> {
    let mut halves = [0; LANES];
    for at in 0..LANES / 2 {
        let word = word(key, draw.wrapping_mul(WORDS).wrapping_add(at as u64));
        halves[2 * at] = word as u32;
        halves[2 * at + 1] = (word >> 32) as u32;
    }
    halves
}

/// The 32 normals of a draw, as every level gives them.
#[inline(always)]
#[must_use]
pub fn normals(key: u64, draw: u64) -> Lanes<f32> {
    words(key, draw).map(normal)
}

for_each_level! {
    /// Draws `first`, `first + 1`, ... of a key, one for each entry of `out`.
    pub fn fill_normals(key: u64, first: u64, out: &mut [Lanes<f32>]) = fill
}

#[inline(always)]
fn fill<S: Simd>(s: S, key: u64, first: u64, out: &mut [Lanes<f32>]) {
    for (draw, out) in (first..).zip(out) {
        *out = s.normals(key, draw);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// What SplitMix64 gives of seed 0, and of seed 1234567, in its reference implementation.
    #[test]
    fn words_are_splitmix64() {
        let halves = |key, draw| {
            let words = words(key, draw);
            let word = |at: usize| u64::from(words[2 * at]) | u64::from(words[2 * at + 1]) << 32;
            std::array::from_fn::<u64, 16, _>(word)
        };
        let zero = halves(0, 0);
        assert_eq!(
            zero[..3],
            [
                0xE220_A839_7B1D_CDAF,
                0x6E78_9E6A_A1B9_65F4,
                0x06C4_5D18_8009_454F
            ]
        );
        let other = halves(1_234_567, 0);
        assert_eq!(
            other[..3],
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
        // The next draw goes on where the last one ended.
        let mut state = 0_u64;
        for draw in 0..3 {
            for word in halves(0, draw) {
                state = state.wrapping_add(GOLDEN);
                let z = (state ^ (state >> 30)).wrapping_mul(FIRST);
                let z = (z ^ (z >> 27)).wrapping_mul(SECOND);
                assert_eq!(word, z ^ (z >> 31));
            }
        }
    }

    #[test]
    fn every_level_draws_the_same_normals() {
        // Draws so high that their words run over the end of 2^64.
        for (key, first) in [
            (0, 0),
            (9, 5),
            (u64::MAX, u64::MAX / 16 - 700),
            (1 << 63, 77),
        ] {
            let mut plain = vec![[0.0; LANES]; 1500];
            fill_normals(Level::PORTABLE, key, first, &mut plain);
            for (draw, lanes) in (first..).zip(&plain) {
                assert_eq!(*lanes, words(key, draw).map(normal));
            }
            for level in Level::all() {
                let mut drawn = vec![[0.0; LANES]; 1500];
                fill_normals(level, key, first, &mut drawn);
                let bits = |all: &[Lanes<f32>]| all.iter().map(|x| x.map(f32::to_bits)).collect();
                let (drawn, plain): (Vec<_>, Vec<_>) = (bits(&drawn), bits(&plain));
                assert!(drawn == plain, "{} at key {key}", level.name());
            }
        }
    }

    /// The 31 bits of a tail: both ends of each octave and what lies between.
    fn tails() -> impl Iterator<Item = u32> {
        let ends = (0..31).flat_map(|octave| {
            let first = 1_u32 << octave;
            let step = (first / 3000).max(1);
            (first..2 * first)
                .step_by(step as usize)
                .chain([2 * first - 1])
        });
        [0].into_iter().chain(ends)
    }

    #[test]
    fn the_octave_table_follows_the_quantile_to_4e_6() {
        let law = Normal::standard();
        let mut worst = 0.0_f64;
        for tail in tails() {
            let exact = -law.inverse_cdf((f64::from(tail) + 0.5) / 4_294_967_296.0);
            let found = f64::from(normal(tail));
            worst = worst.max((found - exact).abs());
            assert!((found - exact).abs() < 4e-6, "{tail}: {found} for {exact}");
            assert_eq!(normal(tail | 1 << 31), -normal(tail));
        }
        // 3.6e-6 is what the coefficients were fitted to; less would mean another table.
        assert!(worst > 1e-6, "{worst}");
        // The reach, and the middle: 2^-33 and one half.
        assert!((normal(0) - 6.338).abs() < 1e-3, "{}", normal(0));
        assert!(normal(0x7FFF_FFFF).abs() < 4e-6, "{}", normal(0x7FFF_FFFF));
    }

    /// Chi-square over 4096 bins of equal probability, as standard deviations from its mean, and excess
    /// kurtosis in standard errors, of 16.8 million normals of one key.
    ///
    /// Power: a scale error of 0.5 % has the noncentrality 2 n 0.005^2 = 840, nine standard deviations
    /// of the statistic (sqrt(2 * 4095) = 90); such a table must fail.
    #[test]
    fn sixteen_million_normals_are_normal() {
        let law = Normal::standard();
        let edges: Vec<f32> = (1..4096)
            .map(|at| law.inverse_cdf(f64::from(at) / 4096.0) as f32)
            .collect();
        let mut draws = vec![[0.0; LANES]; 1 << 19];
        fill_normals(Level::best(), 0x0DD_BA11, 0, &mut draws);
        let all = || draws.as_flattened().iter().copied();
        let n = all().len() as f64;
        let z = |scale: f32| {
            let mut bins = vec![0_u32; 4096];
            for x in all() {
                bins[edges.partition_point(|edge| *edge <= scale * x)] += 1;
            }
            let expected = n / 4096.0;
            let chi: f64 = bins
                .iter()
                .map(|bin| (f64::from(*bin) - expected).powi(2) / expected)
                .sum();
            (chi - 4095.0) / (2.0 * 4095.0_f64).sqrt()
        };
        let found = z(1.0);
        assert!(found.abs() < 4.0, "chi-square {found}");
        assert!(z(1.005) > 4.0 && z(0.995) > 4.0, "blind to 0.5 %");
        let power = |p: i32| all().map(|x| f64::from(x).powi(p)).sum::<f64>() / n;
        let kurtosis = (power(4) - 3.0) / (96.0 / n).sqrt();
        assert!(kurtosis.abs() < 4.0, "fourth moment {kurtosis}");
        assert!((power(1) * n.sqrt()).abs() < 4.0, "mean");
        let tail = all().filter(|x| x.abs() > 4.0).count() as f64;
        let wanted = n * 2.0 * law.cdf(-4.0);
        assert!(
            (tail - wanted).abs() < 4.0 * wanted.sqrt(),
            "{tail} beyond 4, {wanted} wanted"
        );
    }

    /// Lanes of one key and neighbouring keys share nothing: 496 correlations of lanes and 63 of keys.
    #[test]
    fn lanes_and_neighbouring_keys_are_independent() {
        let n = 1 << 14;
        let mut draws = vec![[0.0; LANES]; n];
        fill_normals(Level::best(), 5, 0, &mut draws);
        let limit = 4.5 / (n as f64).sqrt();
        for one in 0..LANES {
            for other in 0..one {
                let sum: f64 = draws.iter().map(|x| f64::from(x[one] * x[other])).sum();
                assert!((sum / n as f64).abs() < limit, "{one} {other}: {sum}");
            }
        }
        for key in 6..69 {
            let mut others = vec![[0.0; LANES]; n / LANES];
            fill_normals(Level::best(), key, 0, &mut others);
            let pairs = others.as_flattened().iter().zip(draws.as_flattened());
            let sum: f64 = pairs.map(|(a, b)| f64::from(a * b)).sum();
            assert!((sum / n as f64).abs() < limit, "{key}: {sum}");
        }
    }
}
