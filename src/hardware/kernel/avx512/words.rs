//! Words of draws, eight to a register, and their packing.

use std::arch::x86_64::*;

use super::super::normal::{FIRST, GOLDEN, SECOND};

/// What word `at` of a key and the seven after it are made of.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn counters(key: u64, at: u64) -> __m512i {
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
pub unsafe fn words(z: __m512i) -> __m512i {
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

/// Two halves as i16, saturated.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn in_order(low: __m512i, high: __m512i) -> __m512i {
    // SAFETY: as above; nothing but registers is touched.
    unsafe {
        // Packing takes turns between its operands, 64 bits each.
        let order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
        _mm512_permutexvar_epi64(order, _mm512_packs_epi32(low, high))
    }
}
