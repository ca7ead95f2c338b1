//! Every step in AVX-512.

mod clock;
mod rows;
mod tiles;
mod words;

use std::arch::x86_64::*;

use super::level::{Avx512, Simd};
use super::normal::{LARGEST, WORDS};
use super::octave::OCTAVES;
use super::{Granted, LANES, Lanes, Line, Passed, Rounding, Rows, Slot, Station, plain};
use rows::{LONG, distances, distances_many, fetch};
use tiles::{convert, drive, drive_many};
use words::{counters, in_order, words};

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
                _ => drive_many(cells, starts, codes, sums),
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
                [] => convert(sums, noise, rounding, &[], bits, joined),
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
        let found = unsafe { fetch(table.as_ptr().cast(), table.len(), at) };
        let mut out = [0.0; LANES];
        for lane in 0..LANES {
            out[lane] = f32::from_bits(found[lane]);
        }
        out
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
    fn pass(
        self,
        tiles: &[Granted],
        slots: &[Slot],
        softmax: u32,
        stations: &[Station],
        passed: &mut [Passed],
    ) {
        // SAFETY: only called from copies compiled for AVX-512.
        unsafe { clock::pass(tiles, slots, softmax, stations, passed) }
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
                    // SAFETY: as above.
                    _ => unsafe { distances_many(values, float, tokens, weights, gain, distance) },
                }
            };
        }
        unrolled!(1 2 3 4 5 6 7 8);
    }
}
