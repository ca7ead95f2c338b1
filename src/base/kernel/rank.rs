//! The first columns of a tile in arbiter order, for 32 lanes at once: a network of maxima and minima.
//!
//! A key holds a column's code above its address, so the order of keys is the order of the arbiter.

use super::level::{Simd, for_each_level};
use super::{LANES, Lanes, words};

/// The key of a column that never trips, behind all others.
pub const EMPTY: u16 = u16::MAX;

for_each_level! {
    /// The smallest keys of each lane, ascending: as many as `first` has entries, [`EMPTY`] where there
    /// are no more. `first` is cleared before.
    pub fn best(keys: &[Lanes<u16>], first: &mut [Lanes<u16>]) = insert
}

#[inline(always)]
fn insert<S: Simd>(_: S, keys: &[Lanes<u16>], first: &mut [Lanes<u16>]) {
    match first.len() {
        2 => fixed::<2>(keys, first),
        3 => fixed::<3>(keys, first),
        4 => fixed::<4>(keys, first),
        5 => fixed::<5>(keys, first),
        6 => fixed::<6>(keys, first),
        _ => {
            first.fill([EMPTY; LANES]);
            for key in keys {
                let mut coming = *key;
                for kept in first.iter_mut() {
                    for lane in 0..LANES {
                        let low = kept[lane].min(coming[lane]);
                        coming[lane] = kept[lane].max(coming[lane]);
                        kept[lane] = low;
                    }
                }
            }
        }
    }
}

/// The same with the kept keys in registers.
#[inline(always)]
fn fixed<const N: usize>(keys: &[Lanes<u16>], first: &mut [Lanes<u16>]) {
    let mut kept = [[EMPTY; LANES]; N];
    for key in keys {
        let mut coming = *key;
        for kept in &mut kept {
            for lane in 0..LANES {
                let low = kept[lane].min(coming[lane]);
                coming[lane] = kept[lane].max(coming[lane]);
                kept[lane] = low;
            }
        }
    }
    first.copy_from_slice(&kept);
}

for_each_level! {
    /// Lanes, as bits, whose draw `draw` of `key` is not below `alone[code of last]`.
    pub fn overtaken(
        key: u64,
        draw: u64,
        last: &Lanes<u16>,
        tag_bits: u32,
        alone: &[u32],
    ) -> u32 = compare
}

#[inline(always)]
fn compare<S: Simd>(
    _: S,
    key: u64,
    draw: u64,
    last: &Lanes<u16>,
    tag_bits: u32,
    alone: &[u32],
) -> u32 {
    let drawn = words(key, draw);
    let mut lanes = 0;
    for lane in 0..LANES {
        let bound = alone[usize::from(last[lane] >> tag_bits)];
        lanes |= u32::from(drawn[lane] >= bound) << lane;
    }
    lanes
}
