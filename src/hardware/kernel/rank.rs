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
    s: S,
    key: u64,
    draw: u64,
    last: &Lanes<u16>,
    tag_bits: u32,
    alone: &[u32],
) -> u32 {
    let drawn = words(key, draw);
    let mut code = [0_u16; LANES];
    for lane in 0..LANES {
        code[lane] = last[lane] >> tag_bits;
    }
    let bounds = s.fetch_words(alone, &code);
    let mut lanes = 0;
    for lane in 0..LANES {
        lanes |= u32::from(drawn[lane] >= bounds[lane]) << lane;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    /// Keys of few values, so that many are equal, and the largest among them.
    fn keys(count: usize, key: u64, values: u32) -> Vec<Lanes<u16>> {
        let code = |half: u32| {
            let code = half % values;
            if code + 1 == values {
                EMPTY
            } else {
                code as u16
            }
        };
        (0..count as u64)
            .map(|draw| words(key, draw).map(code))
            .collect()
    }

    #[test]
    fn the_network_gives_the_first_of_a_sorted_list_at_every_level() {
        for (count, values) in [(0, 9), (1, 9), (3, 40_000), (7, 5), (41, 30), (384, 65_536)] {
            let keys = keys(count, 11, values);
            for places in 1..=9 {
                for level in Level::all() {
                    // What the list held before does not matter.
                    let mut first = vec![[3; LANES]; places];
                    best(level, &keys, &mut first);
                    for lane in 0..LANES {
                        let mut sorted: Vec<u16> = keys.iter().map(|key| key[lane]).collect();
                        sorted.sort_unstable();
                        sorted.resize(places.max(count), EMPTY);
                        let found: Vec<u16> = first.iter().map(|key| key[lane]).collect();
                        assert_eq!(found, sorted[..places], "{} {count}", level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn a_lane_is_overtaken_when_its_draw_is_not_below_its_bound() {
        let alone: Vec<u32> = (0..32).map(|code| code * 0x0800_0000).collect();
        for draw in 0..200 {
            let last = words(77, draw).map(|half| (half % 8192) as u16);
            for level in Level::all() {
                let lanes = overtaken(level, 5, draw, &last, 8, &alone);
                let drawn = words(5, draw);
                for lane in 0..LANES {
                    let wanted = drawn[lane] >= alone[usize::from(last[lane] / 256)];
                    assert_eq!(lanes >> lane & 1 == 1, wanted, "{}", level.name());
                }
            }
        }
        // Probability one is never overtaken, zero always.
        assert_eq!(
            overtaken(Level::best(), 5, 0, &[0; LANES], 8, &[0]),
            u32::MAX
        );
        assert_eq!(
            overtaken(Level::best(), 5, 0, &[0; LANES], 8, &[u32::MAX]),
            0
        );
    }
}
