//! The slowest tile of a query and the stations it passes, in registers.

use std::arch::x86_64::*;

use super::super::{Granted, LANES, Passed, Slot, Station};

/// Lanes of a register of u32.
const HALF: usize = LANES / 2;

/// Ramp, arbiter beyond it and softmax of the slowest tile, for 16 lanes from one on.
///
/// # Safety
/// Only for copies compiled for AVX-512; `from` is 0 or 16.
#[inline(always)]
unsafe fn half(tiles: &[Granted], slots: &[Slot], softmax: u32, from: usize) -> [__m512i; 3] {
    // SAFETY: as above; loads are of 16 of the 32 codes of a slot, and need no alignment.
    unsafe {
        let splat = |number: u32| _mm512_set1_epi32(number as i32);
        let zero = _mm512_setzero_si512();
        let (mut ramp, mut beyond, mut last) = (zero, zero, splat(softmax));
        for tile in tiles {
            let grants = tile.grants(slots);
            let codes = |slot: &Slot| _mm256_loadu_si256(slot.code.as_ptr().add(from).cast());
            let Some(stop) = grants.last().map(codes) else {
                continue;
            };
            let (clock, grant) = (splat(tile.clock.clock), splat(tile.clock.grant));
            let steps = _mm512_add_epi32(_mm512_cvtepu16_epi32(stop), splat(1));
            let steps = _mm512_mullo_epi32(steps, clock);
            let arbiter = if tile.clock.waits {
                let (mut served, mut over) = (grant, zero);
                for pair in grants.windows(2) {
                    let same = _mm256_cmpeq_epi16_mask(codes(&pair[0]), codes(&pair[1]));
                    let hidden = _mm512_sub_epi32(_mm512_max_epu32(served, clock), clock);
                    over = _mm512_mask_add_epi32(over, !same, over, hidden);
                    served = _mm512_add_epi32(_mm512_maskz_mov_epi32(same, served), grant);
                }
                _mm512_add_epi32(over, served)
            } else {
                let all = tile.clock.clock + tile.clock.grant * grants.len() as u32;
                let ends = _mm512_max_epu32(_mm512_add_epi32(steps, grant), splat(all));
                _mm512_sub_epi32(ends, steps)
            };
            let steps = _mm512_add_epi32(steps, splat(tile.clock.start_up));
            let (own, shared) = tile.clock.softmax.map_or((0, true), |own| (own, false));
            let now = _mm512_add_epi32(_mm512_add_epi32(steps, arbiter), splat(own));
            let before = _mm512_add_epi32(ramp, beyond);
            let before = if shared {
                before
            } else {
                _mm512_add_epi32(before, last)
            };
            let longer = _mm512_cmpgt_epu32_mask(now, before);
            ramp = _mm512_mask_mov_epi32(ramp, longer, steps);
            beyond = _mm512_mask_mov_epi32(beyond, longer, arbiter);
            if !shared {
                last = _mm512_mask_mov_epi32(last, longer, splat(own));
            }
        }
        [ramp, beyond, last]
    }
}

/// All lanes.
///
/// # Safety
/// Only for copies compiled for AVX-512.
#[inline(always)]
pub unsafe fn pass(
    tiles: &[Granted],
    slots: &[Slot],
    softmax: u32,
    stations: &[Station],
    passed: &mut [Passed],
) {
    // SAFETY: as above; a `Line` is aligned to the 64 bytes of a load or store of eight of its 32 numbers.
    unsafe {
        for from in [0, HALF] {
            let own = half(tiles, slots, softmax, from);
            let upper = own.map(|own| _mm512_extracti64x4_epi64::<1>(own));
            let lower = own.map(|own| _mm512_castsi512_si256(own));
            for (from, own) in [(from, lower), (from + HALF / 2, upper)] {
                let own = own.map(|own| _mm512_cvtepu32_epi64(own));
                let mut at = _mm512_setzero_si512();
                for (station, passed) in stations.iter().zip(&mut *passed) {
                    let mut time = _mm512_set1_epi64(station.alike as i64);
                    for (own, is) in own.iter().zip(station.own) {
                        if is {
                            time = _mm512_add_epi64(time, *own);
                        }
                    }
                    let done = passed.done.0.as_mut_ptr().add(from).cast();
                    at = _mm512_add_epi64(_mm512_max_epu64(_mm512_load_si512(done), at), time);
                    _mm512_store_si512(done, at);
                    let busy = passed.busy.0.as_mut_ptr().add(from).cast();
                    _mm512_store_si512(busy, _mm512_add_epi64(_mm512_load_si512(busy), time));
                }
            }
        }
    }
}
