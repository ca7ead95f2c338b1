//! Standard normals by address: a word of SplitMix64 for every two of them, and an octave table.
//!
//! Word w of a key is the w-th output of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) seeded with
//! it: a position is an address, no state is carried. Draw n of a key takes words 16 n to 16 n + 15;
//! lane 2 l is the low half of word l and lane 2 l + 1 its high half.
//!
//! A half's highest bit is the sign, its other 31 bits m the tail probability (m + 1/2) 2^-32, whose
//! quantile comes from [`OCTAVES`]: reach 6.3 sigma, error below 4e-6.

use super::level::{Portable, Simd, for_each_level};
use super::octave::OCTAVES;
use super::{LANES, Lanes};

/// Words of one draw.
const WORDS: u64 = LANES as u64 / 2;
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const FIRST: u64 = 0xBF58_476D_1CE4_E5B9;
const SECOND: u64 = 0x94D0_49BB_1331_11EB;
/// The largest f32 below 2^31: a tail that rounds up to 2^31 would leave the table.
const LARGEST: f32 = 2_147_483_520.0;

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

impl Portable {
    #[inline(always)]
    pub(super) fn multiply_plainly<const R: usize>(
        errors: &[Lanes<u32>],
        queries: [&[i32]; R],
    ) -> [Lanes<i32>; R] {
        let mut sums = [[0_i32; LANES]; R];
        for (p, pair) in errors.iter().enumerate() {
            for (sums, query) in sums.iter_mut().zip(queries) {
                let (low, high) = (query[p] as i16, query[p] >> 16);
                for (lane, sum) in sums.iter_mut().enumerate() {
                    let (even, odd) = (pair[lane] as i16, pair[lane] as i32 >> 16);
                    *sum += i32::from(even) * i32::from(low) + odd * high;
                }
            }
        }
        sums
    }
}

impl Simd for Portable {
    #[inline(always)]
    fn normals(self, key: u64, draw: u64) -> Lanes<f32> {
        normals(key, draw)
    }

    #[inline(always)]
    fn multiply<const R: usize>(
        self,
        errors: &[Lanes<u32>],
        queries: [&[i32]; R],
    ) -> [Lanes<i32>; R] {
        Self::multiply_plainly(errors, queries)
    }

    #[inline(always)]
    fn count_below(self, ladder: &[Lanes<i16>], depth: &Lanes<i16>) -> Lanes<u16> {
        let mut count = [0_u16; LANES];
        for level in ladder {
            for lane in 0..LANES {
                count[lane] += u16::from(level[lane] < depth[lane]);
            }
        }
        count
    }

    #[inline(always)]
    fn combine(self, factor: &[[f32; 4]], z: &[Lanes<f32>]) -> [Lanes<f32>; 4] {
        combine_plainly(factor, z)
    }

    #[inline(always)]
    fn look_up(self, table: &[f32; 32], at: &Lanes<u16>) -> Lanes<f32> {
        at.map(|at| table[usize::from(at & 31)])
    }

    #[inline(always)]
    fn distance(
        self,
        values: &[[f32; 16]],
        starts: &[u32],
        weights: &[f32],
        gain: f32,
        float: &[[f32; 16]; 4],
        squares: &mut [f32; 16],
    ) {
        distance_plainly(values, starts, weights, gain, float, squares)
    }
}

#[inline(always)]
fn combine_plainly(factor: &[[f32; 4]], z: &[Lanes<f32>]) -> [Lanes<f32>; 4] {
    let mut sums = [[0.0_f32; LANES]; 4];
    for (factor, z) in factor.iter().zip(z) {
        for (sums, factor) in sums.iter_mut().zip(factor) {
            for (sum, z) in sums.iter_mut().zip(z) {
                *sum = factor.mul_add(*z, *sum);
            }
        }
    }
    sums
}

#[inline(always)]
fn distance_plainly(
    values: &[[f32; 16]],
    starts: &[u32],
    weights: &[f32],
    gain: f32,
    float: &[[f32; 16]; 4],
    squares: &mut [f32; 16],
) {
    for (chunk, float) in float.iter().enumerate() {
        let mut sum = [0.0_f32; 16];
        for (start, weight) in starts.iter().zip(weights) {
            for (sum, value) in sum.iter_mut().zip(&values[*start as usize + chunk]) {
                *sum = weight.mul_add(*value, *sum);
            }
        }
        for ((square, sum), float) in squares.iter_mut().zip(sum).zip(float) {
            let off = gain.mul_add(sum, -float);
            *square = off.mul_add(off, *square);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::level::{Avx2, Avx512, Simd};
    use super::{FIRST, GOLDEN, LANES, LARGEST, Lanes, OCTAVES, SECOND, WORDS, normals};

    impl Simd for Avx2 {
        #[inline(always)]
        fn normals(self, key: u64, draw: u64) -> Lanes<f32> {
            normals(key, draw)
        }

        #[inline(always)]
        fn multiply<const R: usize>(
            self,
            errors: &[Lanes<u32>],
            queries: [&[i32]; R],
        ) -> [Lanes<i32>; R] {
            let mut sums = [[0_i32; LANES]; R];
            for (sums, query) in sums.iter_mut().zip(queries) {
                let query = &query[..errors.len()];
                // SAFETY: only called from copies compiled for AVX2; every load and store stays in
                // its array of 32 entries, and needs no alignment.
                unsafe {
                    let mut acc = [_mm256_setzero_si256(); 4];
                    for (pair, q) in errors.iter().zip(query) {
                        let q = _mm256_set1_epi32(*q);
                        for (at, acc) in acc.iter_mut().enumerate() {
                            let part = _mm256_loadu_si256(pair.as_ptr().add(8 * at).cast());
                            *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(part, q));
                        }
                    }
                    for (at, acc) in acc.into_iter().enumerate() {
                        _mm256_storeu_si256(sums.as_mut_ptr().add(8 * at).cast(), acc);
                    }
                }
            }
            sums
        }

        #[inline(always)]
        fn count_below(self, ladder: &[Lanes<i16>], depth: &Lanes<i16>) -> Lanes<u16> {
            let mut count = [0_u16; LANES];
            // SAFETY: only called from copies compiled for AVX2; loads and stores stay in arrays of 32
            // i16 or u16, and need no alignment.
            unsafe {
                for half in 0..2 {
                    let depth = _mm256_loadu_si256(depth.as_ptr().add(16 * half).cast());
                    let mut sum = _mm256_setzero_si256();
                    for level in ladder {
                        let level = _mm256_loadu_si256(level.as_ptr().add(16 * half).cast());
                        // A comparison that holds is -1.
                        sum = _mm256_sub_epi16(sum, _mm256_cmpgt_epi16(depth, level));
                    }
                    _mm256_storeu_si256(count.as_mut_ptr().add(16 * half).cast(), sum);
                }
            }
            count
        }

        #[inline(always)]
        fn combine(self, factor: &[[f32; 4]], z: &[Lanes<f32>]) -> [Lanes<f32>; 4] {
            super::combine_plainly(factor, z)
        }

        #[inline(always)]
        fn look_up(self, table: &[f32; 32], at: &Lanes<u16>) -> Lanes<f32> {
            at.map(|at| table[usize::from(at & 31)])
        }

        #[inline(always)]
        fn distance(
            self,
            values: &[[f32; 16]],
            starts: &[u32],
            weights: &[f32],
            gain: f32,
            float: &[[f32; 16]; 4],
            squares: &mut [f32; 16],
        ) {
            super::distance_plainly(values, starts, weights, gain, float, squares)
        }
    }

    impl Simd for Avx512 {
        #[inline(always)]
        fn normals(self, key: u64, draw: u64) -> Lanes<f32> {
            let mut out = [0.0_f32; LANES];
            // SAFETY: only called from copies compiled for AVX-512; loads read the 32 f32 of a row of
            // `OCTAVES`, stores write the two halves of `out`, neither needs alignment.
            unsafe {
                let first = draw.wrapping_mul(WORDS);
                for half in 0..2 {
                    let base =
                        key.wrapping_add(first.wrapping_add(8 * half + 1).wrapping_mul(GOLDEN));
                    let steps = _mm512_set_epi64(
                        GOLDEN.wrapping_mul(7) as i64,
                        GOLDEN.wrapping_mul(6) as i64,
                        GOLDEN.wrapping_mul(5) as i64,
                        GOLDEN.wrapping_mul(4) as i64,
                        GOLDEN.wrapping_mul(3) as i64,
                        GOLDEN.wrapping_mul(2) as i64,
                        GOLDEN as i64,
                        0,
                    );
                    let z = _mm512_add_epi64(_mm512_set1_epi64(base as i64), steps);
                    let z = _mm512_mullo_epi64(
                        _mm512_xor_si512(z, _mm512_srli_epi64::<30>(z)),
                        _mm512_set1_epi64(FIRST as i64),
                    );
                    let z = _mm512_mullo_epi64(
                        _mm512_xor_si512(z, _mm512_srli_epi64::<27>(z)),
                        _mm512_set1_epi64(SECOND as i64),
                    );
                    let z = _mm512_xor_si512(z, _mm512_srli_epi64::<31>(z));
                    let tail =
                        _mm512_cvtepi32_ps(_mm512_and_si512(z, _mm512_set1_epi32(0x7FFF_FFFF)));
                    let tail = _mm512_min_ps(
                        _mm512_add_ps(tail, _mm512_set1_ps(0.5)),
                        _mm512_set1_ps(LARGEST),
                    );
                    let bits = _mm512_castps_si512(tail);
                    // The permutation looks at the five lowest bits of the index only.
                    let octave =
                        _mm512_sub_epi32(_mm512_srli_epi32::<23>(bits), _mm512_set1_epi32(126));
                    let mantissa = _mm512_or_si512(
                        _mm512_and_si512(bits, _mm512_set1_epi32(0x007F_FFFF)),
                        _mm512_set1_epi32(0x3F80_0000),
                    );
                    let t = _mm512_sub_ps(_mm512_castsi512_ps(mantissa), _mm512_set1_ps(1.5));
                    let coefficient = |power: usize| {
                        let row = OCTAVES[power].as_ptr();
                        _mm512_permutex2var_ps(
                            _mm512_loadu_ps(row),
                            octave,
                            _mm512_loadu_ps(row.add(16)),
                        )
                    };
                    let mut x = coefficient(5);
                    for power in (0..5).rev() {
                        x = _mm512_fmadd_ps(x, t, coefficient(power));
                    }
                    let sign = _mm512_and_si512(z, _mm512_set1_epi32(i32::MIN));
                    let x = _mm512_xor_si512(_mm512_castps_si512(x), sign);
                    _mm512_storeu_ps(
                        out.as_mut_ptr().add(16 * half as usize),
                        _mm512_castsi512_ps(x),
                    );
                }
            }
            out
        }

        #[inline(always)]
        fn multiply<const R: usize>(
            self,
            errors: &[Lanes<u32>],
            queries: [&[i32]; R],
        ) -> [Lanes<i32>; R] {
            let queries = queries.map(|query| &query[..errors.len()]);
            let mut sums = [[0_i32; LANES]; R];
            // SAFETY: only called from copies compiled for AVX-512 with VNNI; loads read the two halves
            // of 32 entries, stores write the two halves of 32 i32, neither needs alignment; p < len of each query.
            unsafe {
                let mut acc = [[_mm512_setzero_si512(); 2]; R];
                for (p, pair) in errors.iter().enumerate() {
                    let low = _mm512_loadu_si512(pair.as_ptr().cast());
                    let high = _mm512_loadu_si512(pair.as_ptr().add(LANES / 2).cast());
                    for r in 0..R {
                        let q = _mm512_set1_epi32(*queries[r].get_unchecked(p));
                        acc[r][0] = _mm512_dpwssd_epi32(acc[r][0], low, q);
                        acc[r][1] = _mm512_dpwssd_epi32(acc[r][1], high, q);
                    }
                }
                for (sums, acc) in sums.iter_mut().zip(acc) {
                    _mm512_storeu_si512(sums.as_mut_ptr().cast(), acc[0]);
                    _mm512_storeu_si512(sums.as_mut_ptr().add(LANES / 2).cast(), acc[1]);
                }
            }
            sums
        }

        #[inline(always)]
        fn count_below(self, ladder: &[Lanes<i16>], depth: &Lanes<i16>) -> Lanes<u16> {
            let mut count = [0_u16; LANES];
            // SAFETY: only called from copies compiled for AVX-512; loads and stores are of 32 i16 or u16,
            // and need no alignment.
            unsafe {
                let depth = _mm512_loadu_si512(depth.as_ptr().cast());
                let one = _mm512_set1_epi16(1);
                let mut sum = _mm512_setzero_si512();
                for level in ladder {
                    let level = _mm512_loadu_si512(level.as_ptr().cast());
                    let below = _mm512_cmplt_epi16_mask(level, depth);
                    sum = _mm512_mask_add_epi16(sum, below, sum, one);
                }
                _mm512_storeu_si512(count.as_mut_ptr().cast(), sum);
            }
            count
        }

        #[inline(always)]
        fn combine(self, factor: &[[f32; 4]], z: &[Lanes<f32>]) -> [Lanes<f32>; 4] {
            let mut sums = [[0.0_f32; LANES]; 4];
            // SAFETY: only called from copies compiled for AVX-512; loads and stores are of halves of 32
            // f32, and need no alignment.
            unsafe {
                let mut acc = [[_mm512_setzero_ps(); 2]; 4];
                for (factor, z) in factor.iter().zip(z) {
                    let low = _mm512_loadu_ps(z.as_ptr());
                    let high = _mm512_loadu_ps(z.as_ptr().add(LANES / 2));
                    for r in 0..4 {
                        let f = _mm512_set1_ps(factor[r]);
                        acc[r][0] = _mm512_fmadd_ps(f, low, acc[r][0]);
                        acc[r][1] = _mm512_fmadd_ps(f, high, acc[r][1]);
                    }
                }
                for (sums, acc) in sums.iter_mut().zip(acc) {
                    _mm512_storeu_ps(sums.as_mut_ptr(), acc[0]);
                    _mm512_storeu_ps(sums.as_mut_ptr().add(LANES / 2), acc[1]);
                }
            }
            sums
        }

        #[inline(always)]
        fn look_up(self, table: &[f32; 32], at: &Lanes<u16>) -> Lanes<f32> {
            let mut out = [0.0_f32; LANES];
            // SAFETY: only called from copies compiled for AVX-512; loads and stores are of halves of 32
            // entries, and need no alignment. The permutation looks at five bits of an index.
            unsafe {
                let low = _mm512_loadu_ps(table.as_ptr());
                let high = _mm512_loadu_ps(table.as_ptr().add(16));
                for half in 0..2 {
                    let at = _mm256_loadu_si256(at.as_ptr().add(16 * half).cast());
                    let found = _mm512_permutex2var_ps(low, _mm512_cvtepu16_epi32(at), high);
                    _mm512_storeu_ps(out.as_mut_ptr().add(16 * half), found);
                }
            }
            out
        }

        #[inline(always)]
        fn distance(
            self,
            values: &[[f32; 16]],
            starts: &[u32],
            weights: &[f32],
            gain: f32,
            float: &[[f32; 16]; 4],
            squares: &mut [f32; 16],
        ) {
            // SAFETY: only called from copies compiled for AVX-512; `rows` is checked to hold four chunks,
            // all other loads and stores are of whole chunks, and need no alignment.
            unsafe {
                let mut sums = [_mm512_setzero_ps(); 4];
                for (start, weight) in starts.iter().zip(weights) {
                    let rows = &values[*start as usize..*start as usize + 4];
                    let weight = _mm512_set1_ps(*weight);
                    for (sum, row) in sums.iter_mut().zip(rows) {
                        *sum = _mm512_fmadd_ps(weight, _mm512_loadu_ps(row.as_ptr()), *sum);
                    }
                }
                let gain = _mm512_set1_ps(gain);
                let mut square = _mm512_loadu_ps(squares.as_ptr());
                for (sum, float) in sums.into_iter().zip(float) {
                    let off = _mm512_fmsub_ps(gain, sum, _mm512_loadu_ps(float.as_ptr()));
                    square = _mm512_fmadd_ps(off, off, square);
                }
                _mm512_storeu_ps(squares.as_mut_ptr(), square);
            }
        }
    }
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
