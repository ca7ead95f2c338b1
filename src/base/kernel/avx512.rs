//! Every step in AVX-512.

use std::arch::x86_64::*;

use super::level::{Avx512, Simd};
use super::normal::{FIRST, GOLDEN, LARGEST, SECOND, WORDS};
use super::octave::OCTAVES;
use super::{LANES, Lanes, Line, Rounding, Rows, plain};

/// What word `at` of a key and the seven after it are made of.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
unsafe fn counters(key: u64, at: u64) -> __m512i {
    let base = key.wrapping_add(at.wrapping_add(1).wrapping_mul(GOLDEN));
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
        _mm512_add_epi64(_mm512_set1_epi64(base as i64), steps)
    }
}

/// The words of eight counters.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
unsafe fn words(z: __m512i) -> __m512i {
    // SAFETY: as above; nothing but registers is touched.
    unsafe {
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

/// The rows of up to `N` tokens, whose codes stay in registers.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
unsafe fn drive<const N: usize>(
    cells: &[Line<Lanes<i16>>],
    starts: &[u32],
    codes: &[i16],
    sums: &mut [Line<Lanes<i16>>],
) {
    let rows: [&[Line<Lanes<i16>>]; N] = std::array::from_fn(|row| {
        let start = starts[row] as usize;
        &cells[start..start + sums.len()]
    });
    // SAFETY: as above; a `Line` is aligned to the 64 bytes of a load or store; `group` lies inside all rows.
    unsafe {
        let codes: [__m512i; N] = std::array::from_fn(|row| _mm512_set1_epi16(codes[row]));
        for (group, sums) in sums.iter_mut().enumerate() {
            let mut sum = _mm512_setzero_si512();
            for (row, code) in rows.iter().zip(codes) {
                let cells = _mm512_load_si512(row.get_unchecked(group).0.as_ptr().cast());
                sum = _mm512_adds_epi16(sum, _mm512_mulhrs_epi16(code, cells));
            }
            _mm512_store_si512(sums.0.as_mut_ptr().cast(), sum);
        }
    }
}

/// The ADC with `N` thresholds, which stay in registers.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
unsafe fn convert<const N: usize>(
    sums: &[Line<Lanes<i16>>],
    (key, draw): (u64, u64),
    rounding: &Rounding,
    thresholds: &[Lanes<u16>; N],
    bits: usize,
    joined: &mut [Line<Lanes<i16>>],
) {
    let per_bit = joined.len();
    assert_eq!(sums.len(), bits * per_bit);
    // SAFETY: as above; a `Line` is aligned to the 64 bytes of a load or store. The permutation looks at
    // five bits of an index; `bit` and `at` stay below what the assertion multiplies.
    unsafe {
        let thresholds = thresholds
            .each_ref()
            .map(|row| _mm512_loadu_si512(row.as_ptr().cast()));
        let lowest = _mm512_set1_epi16(rounding.lowest);
        let passed: [__m512i; N] =
            std::array::from_fn(|at| _mm512_set1_epi16(rounding.lowest + at as i16 + 1));
        let (max, min) = (
            _mm512_set1_epi16(rounding.max),
            _mm512_set1_epi16(-rounding.max),
        );
        let choosing = _mm512_set1_epi16(rounding.beside as i16);
        // Eight words a group, bits from the highest down.
        let step = _mm512_set1_epi64(GOLDEN.wrapping_mul(8 * per_bit as u64) as i64);
        let highest = bits.saturating_sub(1) * per_bit;
        for (at, joined) in joined.iter_mut().enumerate() {
            let first = draw
                .wrapping_mul(WORDS)
                .wrapping_add(8 * (highest + at) as u64);
            let mut z = counters(key, first);
            let mut whole = _mm512_setzero_si512();
            for bit in (0..bits).rev() {
                let sum = sums.get_unchecked(bit * per_bit + at);
                let sum = _mm512_load_si512(sum.0.as_ptr().cast());
                let uniforms = words(z);
                z = _mm512_sub_epi64(z, step);
                // From 1/256 to a thirty-second beside it.
                let beside = _mm512_and_si512(uniforms, choosing);
                let fine = _mm512_srai_epi16::<3>(_mm512_adds_epi16(sum, beside));
                let mut beyond = lowest;
                for (row, passed) in thresholds.iter().zip(passed) {
                    let threshold = _mm512_permutexvar_epi16(fine, *row);
                    let over = _mm512_cmpge_epu16_mask(uniforms, threshold);
                    beyond = _mm512_mask_mov_epi16(beyond, over, passed);
                }
                let code = _mm512_add_epi16(_mm512_srai_epi16::<5>(fine), beyond);
                let code = _mm512_max_epi16(_mm512_min_epi16(code, max), min);
                whole = _mm512_add_epi16(_mm512_add_epi16(whole, whole), code);
            }
            let joined = joined.0.as_mut_ptr().cast();
            let whole = _mm512_add_epi16(_mm512_load_si512(joined), whole);
            _mm512_store_si512(joined.cast(), whole);
        }
    }
}

/// Distances of a row with `N` survivors, whose places and weights stay in registers.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
unsafe fn distances<const N: usize>(
    values: &Rows,
    float: &[Line<[f32; 16]>],
    tokens: &[Lanes<u16>; N],
    weights: &[Lanes<f32>; N],
    gain: &Lanes<f32>,
    distance: &mut Lanes<[f32; 16]>,
) {
    for lane in 0..LANES {
        let rows: [&[Line<[f32; 16]>]; N] =
            std::array::from_fn(|at| values.row(usize::from(tokens[at][lane])));
        // SAFETY: as above; a `Line` is aligned to the 64 bytes of a load; rows and `float` are of one width,
        // which is asserted, and whole groups of four chunks.
        unsafe {
            let weights: [__m512; N] = std::array::from_fn(|at| _mm512_set1_ps(weights[at][lane]));
            let gain = _mm512_set1_ps(gain[lane]);
            let mut square = _mm512_loadu_ps(distance[lane].as_ptr());
            assert!(rows.iter().all(|row| row.len() == float.len()));
            for (group, float) in float.as_chunks::<4>().0.iter().enumerate() {
                let mut sums = [_mm512_setzero_ps(); 4];
                for (row, weight) in rows.iter().zip(weights) {
                    for (chunk, sum) in sums.iter_mut().enumerate() {
                        let value = row.get_unchecked(4 * group + chunk);
                        *sum = _mm512_fmadd_ps(weight, _mm512_load_ps(value.0.as_ptr()), *sum);
                    }
                }
                for (sum, float) in sums.into_iter().zip(float) {
                    let off = _mm512_fmsub_ps(gain, sum, _mm512_load_ps(float.0.as_ptr()));
                    square = _mm512_fmadd_ps(off, off, square);
                }
            }
            _mm512_storeu_ps(distance[lane].as_mut_ptr(), square);
        }
    }
}

/// Two halves as i16, saturated.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
unsafe fn in_order(low: __m512i, high: __m512i) -> __m512i {
    // SAFETY: as above; nothing but registers is touched.
    unsafe {
        // Packing takes turns between its operands, 64 bits each.
        let order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
        _mm512_permutexvar_epi64(order, _mm512_packs_epi32(low, high))
    }
}

/// Entries of a table that are looked up by permutations, 32 at a time; in a longer one lane by lane.
const LONG: usize = 128;

/// Entries of a table of `len` words; 0 for a place outside it.
///
/// # Safety
/// Only for copies compiled for AVX-512; `table` must be valid for `len` reads.
#[inline(always)]
unsafe fn fetch(table: *const u32, len: usize, at: &Lanes<u16>) -> Lanes<u32> {
    let mut out = [0_u32; LANES];
    // SAFETY: as above; masked loads read only entries below `len`, loads and stores of halves of 32 entries
    // need no alignment. The permutation looks at five bits of an index.
    unsafe {
        let half = |half: usize| {
            _mm512_cvtepu16_epi32(_mm256_loadu_si256(at.as_ptr().add(16 * half).cast()))
        };
        let at = [half(0), half(1)];
        let mut found = [_mm512_setzero_si512(); 2];
        for first in (0..len).step_by(32) {
            let left = (len - first).min(32);
            let held = u32::MAX >> (32 - left);
            let entries = table.add(first).cast();
            let low = _mm512_maskz_loadu_epi32(held as u16, entries);
            let high = _mm512_maskz_loadu_epi32((held >> 16) as u16, entries.wrapping_add(16));
            let block = _mm512_set1_epi32((first / 32) as i32);
            for (found, at) in found.iter_mut().zip(at) {
                let here = _mm512_cmpeq_epi32_mask(_mm512_srli_epi32::<5>(at), block);
                let entry = _mm512_permutex2var_epi32(low, at, high);
                *found = _mm512_mask_mov_epi32(*found, here, entry);
            }
        }
        for (half, found) in found.into_iter().enumerate() {
            _mm512_storeu_si512(out.as_mut_ptr().add(16 * half).cast(), found);
        }
    }
    out
}

impl Simd for Avx512 {
    #[inline(always)]
    fn normals(self, key: u64, draw: u64) -> Lanes<f32> {
        let mut out = [0.0_f32; LANES];
        // SAFETY: only called from copies compiled for AVX-512; loads read the 32 f32 of a row of
        // `OCTAVES`, stores write the two halves of `out`, neither needs alignment.
        unsafe {
            for half in 0..2 {
                let z = words(counters(
                    key,
                    draw.wrapping_mul(WORDS).wrapping_add(8 * half),
                ));
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
    fn ceil(self, depth: &Lanes<f32>, most: f32) -> Lanes<u16> {
        let mut out = [0_u16; LANES];
        // SAFETY: only called from copies compiled for AVX-512; loads are of halves of 32 f32, the store
        // of 32 u16, and none needs alignment.
        unsafe {
            let (one, most) = (_mm512_set1_ps(1.0), _mm512_set1_ps(most));
            let whole = |half: usize| {
                let depth = _mm512_loadu_ps(depth.as_ptr().add(16 * half));
                // Of a NaN the second operand is taken, as in the plain form.
                let within = _mm512_min_ps(_mm512_max_ps(depth, one), most);
                _mm512_cvt_roundps_epi32::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(within)
            };
            _mm512_storeu_si512(out.as_mut_ptr().cast(), in_order(whole(0), whole(1)));
        }
        out
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
    fn cells(self, means: &Lanes<f32>, gains: &Lanes<f32>, normals: &Lanes<f32>) -> Lanes<i16> {
        let mut out = [0_i16; LANES];
        // SAFETY: only called from copies compiled for AVX-512; loads are of halves of 32 f32, the store
        // of 32 i16, and none needs alignment.
        unsafe {
            let whole = |half: usize| {
                let load = |all: &Lanes<f32>| _mm512_loadu_ps(all.as_ptr().add(16 * half));
                _mm512_cvtps_epi32(_mm512_fmadd_ps(load(gains), load(normals), load(means)))
            };
            _mm512_storeu_si512(out.as_mut_ptr().cast(), in_order(whole(0), whole(1)));
        }
        out
    }

    #[inline(always)]
    fn spread(self, values: &Lanes<i16>, ranks: &Lanes<u8>) -> Lanes<i16> {
        let mut out = [0_i16; LANES];
        // SAFETY: only called from copies compiled for AVX-512; loads and stores are of 32 numbers of
        // 16 or 8 bits, and need no alignment. The permutation looks at five bits of a rank.
        unsafe {
            let values = _mm512_loadu_si512(values.as_ptr().cast());
            let ranks = _mm512_cvtepu8_epi16(_mm256_loadu_si256(ranks.as_ptr().cast()));
            let held = _mm512_cmplt_epu16_mask(ranks, _mm512_set1_epi16(32));
            let row = _mm512_maskz_permutexvar_epi16(held, ranks, values);
            _mm512_storeu_si512(out.as_mut_ptr().cast(), row);
        }
        out
    }

    #[inline(always)]
    fn drive(
        self,
        cells: &[Line<Lanes<i16>>],
        starts: &[u32],
        codes: &[i16],
        sums: &mut [Line<Lanes<i16>>],
    ) {
        // SAFETY: only called from copies compiled for AVX-512.
        unsafe {
            match starts.len() {
                1 => drive::<1>(cells, starts, codes, sums),
                2 => drive::<2>(cells, starts, codes, sums),
                3 => drive::<3>(cells, starts, codes, sums),
                4 => drive::<4>(cells, starts, codes, sums),
                5 => drive::<5>(cells, starts, codes, sums),
                _ => plain::drive(cells, starts, codes, sums),
            }
        }
    }

    #[inline(always)]
    fn convert(
        self,
        sums: &[Line<Lanes<i16>>],
        noise: (u64, u64),
        rounding: &Rounding,
        bits: usize,
        joined: &mut [Line<Lanes<i16>>],
    ) {
        // SAFETY: only called from copies compiled for AVX-512.
        unsafe {
            match rounding.thresholds.as_slice() {
                [a] => convert(sums, noise, rounding, &[*a], bits, joined),
                [a, b] => convert(sums, noise, rounding, &[*a, *b], bits, joined),
                [a, b, c] => convert(sums, noise, rounding, &[*a, *b, *c], bits, joined),
                [a, b, c, d] => convert(sums, noise, rounding, &[*a, *b, *c, *d], bits, joined),
                _ => plain::convert(sums, noise, rounding, bits, joined),
            }
        }
    }

    #[inline(always)]
    fn fetch(self, table: &[f32], at: &Lanes<u16>) -> Lanes<f32> {
        if table.len() > LONG {
            return plain::fetch(table, at);
        }
        // SAFETY: only called from copies compiled for AVX-512.
        unsafe { fetch(table.as_ptr().cast(), table.len(), at) }.map(f32::from_bits)
    }

    #[inline(always)]
    fn fetch_words(self, table: &[u32], at: &Lanes<u16>) -> Lanes<u32> {
        if table.len() > LONG {
            return plain::fetch(table, at);
        }
        // SAFETY: only called from copies compiled for AVX-512.
        unsafe { fetch(table.as_ptr(), table.len(), at) }
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
    fn distances(
        self,
        values: &Rows,
        float: &[Line<[f32; 16]>],
        tokens: &[Lanes<u16>],
        weights: &[Lanes<f32>],
        gain: &Lanes<f32>,
        distance: &mut Lanes<[f32; 16]>,
    ) {
        macro_rules! unrolled {
            ($($count:literal)*) => {
                match tokens.len() {
                    // SAFETY: only called from copies compiled for AVX-512.
                    $($count => unsafe {
                        let (Some(tokens), Some(weights)) =
                            (tokens.first_chunk::<$count>(), weights.first_chunk())
                        else {
                            return;
                        };
                        distances(values, float, tokens, weights, gain, distance);
                    },)*
                    _ => plain::distances(values, float, tokens, weights, gain, distance),
                }
            };
        }
        unrolled!(1 2 3 4 5 6 7 8);
    }
}
