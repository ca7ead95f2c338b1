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
use super::tiles::{Rounding, plain};
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

/// The sixteen words of a draw.
#[inline(always)]
fn halves(key: u64, draw: u64) -> [[u64; 8]; 2] {
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
    fn spread(self, values: &Lanes<i16>, ranks: &Lanes<u16>) -> Lanes<i16> {
        plain::spread(values, ranks)
    }

    #[inline(always)]
    fn halves(self, key: u64, draw: u64) -> [[u64; 8]; 2] {
        halves(key, draw)
    }

    #[inline(always)]
    fn convert(
        self,
        cells: &[Lanes<i16>],
        driven: (&[u32], &[i16], usize),
        words: [u64; 8],
        rounding: &Rounding,
        bit: u32,
        joined: &mut Lanes<i16>,
    ) {
        plain::convert(cells, driven, words, rounding, bit, joined);
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

    use super::super::Rounding;
    use super::super::level::{Avx2, Avx512, Simd};
    use super::super::tiles::plain;
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
        fn spread(self, values: &Lanes<i16>, ranks: &Lanes<u16>) -> Lanes<i16> {
            plain::spread(values, ranks)
        }

        #[inline(always)]
        fn halves(self, key: u64, draw: u64) -> [[u64; 8]; 2] {
            super::halves(key, draw)
        }

        #[inline(always)]
        fn convert(
            self,
            cells: &[Lanes<i16>],
            driven: (&[u32], &[i16], usize),
            words: [u64; 8],
            rounding: &Rounding,
            bit: u32,
            joined: &mut Lanes<i16>,
        ) {
            plain::convert(cells, driven, words, rounding, bit, joined);
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

    /// Eight of the sixteen words of a draw.
    ///
    /// # Safety
    /// Only for copies compiled for AVX-512.
    #[inline(always)]
    unsafe fn half_words(key: u64, draw: u64, half: u64) -> __m512i {
        let at = draw.wrapping_mul(WORDS).wrapping_add(8 * half + 1);
        let base = key.wrapping_add(at.wrapping_mul(GOLDEN));
        let step = |n: u64| GOLDEN.wrapping_mul(n) as i64;
        // SAFETY: as above; nothing but registers is touched.
        unsafe {
            let steps = _mm512_set_epi64(
                step(7),
                step(6),
                step(5),
                step(4),
                step(3),
                step(2),
                step(1),
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
            _mm512_xor_si512(z, _mm512_srli_epi64::<31>(z))
        }
    }

    impl Simd for Avx512 {
        #[inline(always)]
        fn normals(self, key: u64, draw: u64) -> Lanes<f32> {
            let mut out = [0.0_f32; LANES];
            // SAFETY: only called from copies compiled for AVX-512; loads read the 32 f32 of a row of
            // `OCTAVES`, stores write the two halves of `out`, neither needs alignment.
            unsafe {
                for half in 0..2 {
                    let z = half_words(key, draw, half);
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
        fn spread(self, values: &Lanes<i16>, ranks: &Lanes<u16>) -> Lanes<i16> {
            let mut out = [0_i16; LANES];
            // SAFETY: only called from copies compiled for AVX-512; loads and stores are of 32 numbers of
            // 16 bits, and need no alignment. The permutation looks at five bits of a rank.
            unsafe {
                let values = _mm512_loadu_si512(values.as_ptr().cast());
                let ranks = _mm512_loadu_si512(ranks.as_ptr().cast());
                let held = _mm512_cmplt_epu16_mask(ranks, _mm512_set1_epi16(32));
                let row = _mm512_maskz_permutexvar_epi16(held, ranks, values);
                _mm512_storeu_si512(out.as_mut_ptr().cast(), row);
            }
            out
        }

        #[inline(always)]
        fn halves(self, key: u64, draw: u64) -> [[u64; 8]; 2] {
            let mut out = [[0_u64; 8]; 2];
            for (half, out) in (0..).zip(&mut out) {
                // SAFETY: only called from copies compiled for AVX-512; the store is of 8 u64.
                unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), half_words(key, draw, half)) }
            }
            out
        }

        #[inline(always)]
        fn convert(
            self,
            cells: &[Lanes<i16>],
            (starts, codes, group): (&[u32], &[i16], usize),
            words: [u64; 8],
            rounding: &Rounding,
            bit: u32,
            joined: &mut Lanes<i16>,
        ) {
            // SAFETY: only called from copies compiled for AVX-512; loads and stores are of 64 bytes, and
            // need no alignment. The permutation looks at five bits of an index.
            unsafe {
                let mut sum = _mm512_setzero_si512();
                for (start, code) in starts.iter().zip(codes) {
                    let row = cells[*start as usize + group].as_ptr();
                    let row = _mm512_loadu_si512(row.cast());
                    let product = _mm512_mulhrs_epi16(_mm512_set1_epi16(*code), row);
                    sum = _mm512_adds_epi16(sum, product);
                }
                let uniforms = _mm512_loadu_si512(words.as_ptr().cast());
                // From 1/128 to 1/32, rounded.
                let fine = _mm512_srai_epi16::<2>(_mm512_adds_epi16(sum, _mm512_set1_epi16(2)));
                let whole = _mm512_srai_epi16::<5>(fine);
                let mut code = _mm512_add_epi16(whole, _mm512_set1_epi16(rounding.lowest));
                for row in &rounding.thresholds {
                    let row = _mm512_loadu_si512(row.as_ptr().cast());
                    let threshold = _mm512_permutexvar_epi16(fine, row);
                    let passed = _mm512_cmpge_epu16_mask(uniforms, threshold);
                    code = _mm512_mask_add_epi16(code, passed, code, _mm512_set1_epi16(1));
                }
                let max = _mm512_set1_epi16(rounding.max);
                let min = _mm512_set1_epi16(-rounding.max);
                let code = _mm512_max_epi16(_mm512_min_epi16(code, max), min);
                let code = _mm512_sll_epi16(code, _mm_cvtsi32_si128(bit as i32));
                let before = _mm512_loadu_si512(joined.as_ptr().cast());
                let after = _mm512_add_epi16(before, code);
                _mm512_storeu_si512(joined.as_mut_ptr().cast(), after);
            }
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
