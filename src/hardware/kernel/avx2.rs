//! What AVX2 does better than the compiler: products of i16 and counts of levels.

use std::arch::x86_64::*;

use super::level::{Avx2, Simd};
use super::{LANES, Lanes};

impl Simd for Avx2 {
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
}
