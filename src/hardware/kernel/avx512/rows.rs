//! What a row of survivors fetches: entries of tables, rows of V.

use std::arch::x86_64::*;

use super::super::{LANES, Lanes, Line, Rows};

/// Distances of a row with `N` survivors, whose places and weights stay in registers.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn distances<const N: usize>(
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

/// The same of any number of survivors, row by row.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn distances_many(
    values: &Rows,
    float: &[Line<[f32; 16]>],
    tokens: &[Lanes<u16>],
    weights: &[Lanes<f32>],
    gain: &Lanes<f32>,
    distance: &mut Lanes<[f32; 16]>,
) {
    for lane in 0..LANES {
        // SAFETY: as above; a `Line` is aligned to the 64 bytes of a load; places lie inside a group of four.
        unsafe {
            let gain = _mm512_set1_ps(gain[lane]);
            let mut square = _mm512_loadu_ps(distance[lane].as_ptr());
            for (group, float) in float.as_chunks::<4>().0.iter().enumerate() {
                let mut sums = [_mm512_setzero_ps(); 4];
                for (token, weight) in tokens.iter().zip(weights) {
                    let row = &values.row(usize::from(token[lane]))[4 * group..][..4];
                    let weight = _mm512_set1_ps(weight[lane]);
                    for (value, sum) in row.iter().zip(&mut sums) {
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

/// Entries of a table that are looked up by permutations, 32 at a time; in a longer one lane by lane.
pub const LONG: usize = 128;

/// Entries of a table of `len` words; 0 for a place outside it.
///
/// # Safety
/// Only for copies compiled for AVX-512; `table` must be valid for `len` reads.
#[inline(always)]
pub unsafe fn fetch(table: *const u32, len: usize, at: &Lanes<u16>) -> Lanes<u32> {
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
