//! Places of 32 lanes: a tile's list taken apart into them, and the lists of several tiles merged.

use super::level::{Simd, for_each_level};
use super::{LANES, Lanes};

/// A place of each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its code.
    pub code: Lanes<u16>,
    /// Its index among the known columns.
    pub index: Lanes<u16>,
}

impl Slot {
    /// Nobody.
    pub const EMPTY: Slot = Slot {
        code: [u16::MAX; LANES],
        index: [0; LANES],
    };
}

for_each_level! {
    /// Codes of a tile's list, and for the first `places` the index that `index` gives their address.
    pub fn unpack(
        list: &[Lanes<u16>],
        places: usize,
        tag_bits: u32,
        index: &[u16],
        slots: &mut [Slot],
    ) = unpack_list
}

#[inline(always)]
fn unpack_list<S: Simd>(
    _: S,
    list: &[Lanes<u16>],
    places: usize,
    tag_bits: u32,
    index: &[u16],
    slots: &mut [Slot],
) {
    let mask = (1 << tag_bits) - 1;
    for (at, (key, slot)) in list.iter().zip(slots).enumerate() {
        for lane in 0..LANES {
            slot.code[lane] = key[lane] >> tag_bits;
        }
        if at < places {
            for lane in 0..LANES {
                slot.index[lane] = index[usize::from(key[lane] & mask)];
            }
        }
    }
}

for_each_level! {
    /// Of the slots in `which` the `k` first by code, then by token: they are appended to `slots`, and
    /// `which` names them.
    pub fn merge(k: usize, identity: &[u32], slots: &mut Vec<Slot>, which: &mut Vec<usize>) = merge_slots
}

#[inline(always)]
fn merge_slots<S: Simd>(
    _: S,
    k: usize,
    identity: &[u32],
    slots: &mut Vec<Slot>,
    which: &mut Vec<usize>,
) {
    // Code, token and index in one number: its order is that of codes, then of tokens.
    let mut kept = vec![[u64::MAX; LANES]; k];
    for &at in which.iter() {
        let slot = &slots[at];
        let mut coming = [0_u64; LANES];
        for lane in 0..LANES {
            let index = slot.index[lane];
            let token = u64::from(identity[usize::from(index)] & 0xFFFF);
            coming[lane] = u64::from(slot.code[lane]) << 32 | token << 16 | u64::from(index);
        }
        for kept in &mut kept {
            for lane in 0..LANES {
                let low = kept[lane].min(coming[lane]);
                coming[lane] = kept[lane].max(coming[lane]);
                kept[lane] = low;
            }
        }
    }
    which.clear();
    for kept in kept {
        which.push(slots.len());
        slots.push(Slot {
            code: kept.map(|key| (key >> 32) as u16),
            index: kept.map(|key| key as u16),
        });
    }
}

#[cfg(test)]
pub(super) mod tests;
