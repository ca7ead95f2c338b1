//! A x V on tiles: rows of cells driven, their sums converted.

use std::arch::x86_64::*;

use super::super::normal::{GOLDEN, WORDS};
use super::super::tiles::TOGETHER;
use super::super::{Lanes, Line, Rounding};
use super::words::{counters, in_order, words};

/// The rows of up to `N` tokens, whose codes stay in registers.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn drive<const N: usize>(
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

/// The rows of any number of tokens, [`TOGETHER`] at a time.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn drive_many(
    cells: &[Line<Lanes<i16>>],
    starts: &[u32],
    codes: &[i16],
    sums: &mut [Line<Lanes<i16>>],
) {
    for (group, sums) in sums.iter_mut().enumerate() {
        // SAFETY: as above; a `Line` is aligned to the 64 bytes of a load or store.
        unsafe {
            let mut whole = [_mm512_setzero_si512(); 2];
            for (starts, codes) in starts.chunks(TOGETHER).zip(codes.chunks(TOGETHER)) {
                let mut sum = _mm512_setzero_si512();
                for (start, code) in starts.iter().zip(codes) {
                    let row = &cells[*start as usize + group];
                    let row = _mm512_load_si512(row.0.as_ptr().cast());
                    let code = _mm512_set1_epi16(*code);
                    sum = _mm512_adds_epi16(sum, _mm512_mulhrs_epi16(code, row));
                }
                let half = _mm512_castsi512_si256(sum);
                whole[0] = _mm512_add_epi32(whole[0], _mm512_cvtepi16_epi32(half));
                let half = _mm512_extracti64x4_epi64::<1>(sum);
                whole[1] = _mm512_add_epi32(whole[1], _mm512_cvtepi16_epi32(half));
            }
            let sum = in_order(whole[0], whole[1]);
            _mm512_store_si512(sums.0.as_mut_ptr().cast(), sum);
        }
    }
}

/// The ADC with `N` thresholds, which stay in registers.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn convert<const N: usize>(
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
        let half = _mm512_set1_epi16(rounding.half as i16);
        let finer = _mm512_set1_epi16(rounding.finer as i16);
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
                // To a thirty-second beside it.
                let beside = _mm512_or_si512(_mm512_and_si512(uniforms, choosing), half);
                let fine = _mm512_srav_epi16(_mm512_adds_epi16(sum, beside), finer);
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
