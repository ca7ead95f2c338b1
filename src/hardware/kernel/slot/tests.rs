//! A list taken apart and a merge, each at every level against its plain meaning.

use super::super::{Level, words};
use super::*;

/// `count` places of random code and index, codes ascending where a list would have them so.
pub(in super::super) fn slots(count: usize, codes: u32, indices: u32, key: u64) -> Vec<Slot> {
    (0..count as u64)
        .map(|at| Slot {
            code: words(key, 2 * at).map(|half| (half % codes) as u16),
            index: words(key, 2 * at + 1).map(|half| (half % indices) as u16),
        })
        .collect()
}

#[test]
fn a_list_is_taken_apart_alike_at_every_level() {
    let list: Vec<Lanes<u16>> = (0..6)
        .map(|at| words(3, at).map(|half| half as u16))
        .collect();
    let index: Vec<u16> = (0..512).map(|at| at * 7 % 512).collect();
    for level in Level::all() {
        for places in 0..=6 {
            let mut slots = [Slot {
                code: [1; LANES],
                index: [60_000; LANES],
            }; 6];
            unpack(level, &list, places, 9, &index, &mut slots);
            for (at, (slot, key)) in slots.iter().zip(&list).enumerate() {
                assert_eq!(slot.code, key.map(|key| key / 512));
                let wanted = match at < places {
                    true => key.map(|key| index[usize::from(key % 512)]),
                    false => [60_000; LANES],
                };
                assert_eq!(slot.index, wanted);
            }
        }
    }
}

#[test]
fn a_merge_keeps_the_first_by_code_then_token_at_every_level() {
    // Tokens in no order of index; indices of a lane differ, as columns of a row do.
    let identity: Vec<u32> = (0..64_u32)
        .map(|at| ((at % 5) << 16) | (at * 37 % 64))
        .collect();
    for (count, k) in [(1, 1), (6, 5), (13, 5), (40, 17), (64, 64)] {
        let mut slots = slots(count, 6, 64, 8);
        for (at, slot) in slots.iter_mut().enumerate() {
            slot.index = std::array::from_fn(|lane| ((at + lane) * 11 % 64) as u16);
        }
        for level in Level::all() {
            let (mut merged, mut which) = (slots.clone(), (0..count).collect());
            merge(level, k, &identity, &mut merged, &mut which);
            assert_eq!(which, (count..count + k).collect::<Vec<_>>());
            for lane in 0..LANES {
                let token = |slot: &Slot| identity[usize::from(slot.index[lane])] & 0xFFFF;
                let mut wanted: Vec<_> = slots
                    .iter()
                    .map(|slot| (slot.code[lane], token(slot), slot.index[lane]))
                    .collect();
                wanted.sort_unstable();
                let found = merged[count..]
                    .iter()
                    .map(|slot| (slot.code[lane], token(slot), slot.index[lane]));
                assert!(found.eq(wanted.into_iter().take(k)), "{}", level.name());
            }
        }
    }
}
