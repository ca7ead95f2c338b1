//! Every step in AVX-512.

use std::arch::x86_64::*;

use super::level::{Avx512, Simd};
use super::normal::{FIRST, GOLDEN, LARGEST, SECOND, WORDS};
use super::octave::OCTAVES;
use super::{LANES, Lanes, Rounding, plain};

/// Codes of A that are kept spread out.
const FEW: usize = 6;

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

/// A tile of A x V whose ADC has `N` thresholds, which stay in registers with the codes of A.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
unsafe fn convert<const N: usize>(
    cells: &[Lanes<i16>],
    (starts, codes): (&[u32], &[i16]),
    (key, draw): (u64, u64),
    rounding: &Rounding,
    thresholds: &[Lanes<u16>; N],
    [groups, per_bit]: [usize; 2],
    joined: &mut [Lanes<i16>],
) {
    // SAFETY: as above; loads and stores are of 64 bytes, and need no alignment. The permutation looks at
    // five bits of an index.
    unsafe {
        let thresholds = thresholds
            .each_ref()
            .map(|row| _mm512_loadu_si512(row.as_ptr().cast()));
        let mut spread = [_mm512_setzero_si512(); FEW];
        for (spread, code) in spread.iter_mut().zip(codes) {
            *spread = _mm512_set1_epi16(*code);
        }
        let (few, many) = codes.split_at(codes.len().min(FEW));
        let (start_few, start_many) = starts.split_at(few.len());
        let (one, two) = (_mm512_set1_epi16(1), _mm512_set1_epi16(2));
        let (max, min) = (
            _mm512_set1_epi16(rounding.max),
            _mm512_set1_epi16(-rounding.max),
        );
        let lowest = _mm512_set1_epi16(rounding.lowest);
        let (mut at, mut bit) = (0, 0);
        for group in 0..groups {
            let mut sum = _mm512_setzero_si512();
            for (start, code) in start_few.iter().zip(&spread) {
                let row = _mm512_loadu_si512(cells[*start as usize + group].as_ptr().cast());
                sum = _mm512_adds_epi16(sum, _mm512_mulhrs_epi16(*code, row));
            }
            for (start, code) in start_many.iter().zip(many) {
                let row = _mm512_loadu_si512(cells[*start as usize + group].as_ptr().cast());
                sum = _mm512_adds_epi16(sum, _mm512_mulhrs_epi16(_mm512_set1_epi16(*code), row));
            }
            let uniforms = half_words(key, draw.wrapping_add(group as u64 / 2), group as u64 % 2);
            // From 1/128 to 1/32, rounded.
            let fine = _mm512_srai_epi16::<2>(_mm512_adds_epi16(sum, two));
            let mut code = _mm512_add_epi16(_mm512_srai_epi16::<5>(fine), lowest);
            for row in thresholds {
                let threshold = _mm512_permutexvar_epi16(fine, row);
                let passed = _mm512_cmpge_epu16_mask(uniforms, threshold);
                code = _mm512_mask_add_epi16(code, passed, code, one);
            }
            let code = _mm512_max_epi16(_mm512_min_epi16(code, max), min);
            let code = _mm512_sll_epi16(code, _mm_cvtsi32_si128(bit));
            let joined = joined[at].as_mut_ptr();
            let after = _mm512_add_epi16(_mm512_loadu_si512(joined.cast()), code);
            _mm512_storeu_si512(joined.cast(), after);
            // Counted along: a division costs as much as the conversion.
            at += 1;
            if at == per_bit {
                (at, bit) = (0, bit + 1);
            }
        }
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
                let tail = _mm512_cvtepi32_ps(_mm512_and_si512(z, _mm512_set1_epi32(0x7FFF_FFFF)));
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
    fn convert(
        self,
        cells: &[Lanes<i16>],
        driven: (&[u32], &[i16]),
        noise: (u64, u64),
        rounding: &Rounding,
        groups: [usize; 2],
        joined: &mut [Lanes<i16>],
    ) {
        // SAFETY: only called from copies compiled for AVX-512.
        unsafe {
            match rounding.thresholds.as_slice() {
                [a] => convert(cells, driven, noise, rounding, &[*a], groups, joined),
                [a, b] => convert(cells, driven, noise, rounding, &[*a, *b], groups, joined),
                [a, b, c] => convert(
                    cells,
                    driven,
                    noise,
                    rounding,
                    &[*a, *b, *c],
                    groups,
                    joined,
                ),
                [a, b, c, d] => {
                    convert(
                        cells,
                        driven,
                        noise,
                        rounding,
                        &[*a, *b, *c, *d],
                        groups,
                        joined,
                    );
                }
                _ => plain::convert(cells, driven, noise, rounding, groups, joined),
            }
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
