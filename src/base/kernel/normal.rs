//! Standard normals by address: a word of SplitMix64 for every two of them, and an octave table.
//!
//! Word w of a key is the w-th output of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) seeded with
//! it: a position is an address, no state is carried. Draw n of a key takes words 16 n to 16 n + 15;
//! lane 2 l is the low half of word l and lane 2 l + 1 its high half.
//!
//! A half's highest bit is the sign, its other 31 bits m the tail probability (m + 1/2) 2^-32, whose
//! quantile comes from [`OCTAVES`]: reach 6.3 sigma, error below 4e-6.

use super::level::{Simd, for_each_level};
use super::octave::OCTAVES;
use super::{LANES, Lanes};

/// Words of one draw.
pub(super) const WORDS: u64 = LANES as u64 / 2;
pub(super) const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
pub(super) const FIRST: u64 = 0xBF58_476D_1CE4_E5B9;
pub(super) const SECOND: u64 = 0x94D0_49BB_1331_11EB;
/// The largest f32 below 2^31: a tail that rounds up to 2^31 would leave the table.
pub(super) const LARGEST: f32 = 2_147_483_520.0;

#[inline(always)]
const fn word(key: u64, at: u64) -> u64 {
    let z = key.wrapping_add(at.wrapping_add(1).wrapping_mul(GOLDEN));
    let z = (z ^ (z >> 30)).wrapping_mul(FIRST);
    let z = (z ^ (z >> 27)).wrapping_mul(SECOND);
    z ^ (z >> 31)
}

/// The standard normal of half a word.
#[inline(always)]
#[must_use]
pub fn normal(half: u32) -> f32 {
    let tail = (((half & 0x7FFF_FFFF) as i32) as f32 + 0.5).min(LARGEST);
    let bits = tail.to_bits();
    let octave = ((bits >> 23) - 126) as usize & 31;
    let t = f32::from_bits(bits & 0x007F_FFFF | 0x3F80_0000) - 1.5;
    let mut x = OCTAVES[5][octave];
    for power in (0..5).rev() {
        x = x.mul_add(t, OCTAVES[power][octave]);
    }
    f32::from_bits(x.to_bits() ^ (half & 0x8000_0000))
}

/// The sixteen words of a draw.
#[inline(always)]
pub(super) fn halves(key: u64, draw: u64) -> [[u64; 8]; 2] {
    let half = |from: u64| {
        std::array::from_fn(|at| word(key, draw.wrapping_mul(WORDS).wrapping_add(from + at as u64)))
    };
    [half(0), half(8)]
}

/// The 32 halves of a draw, lane by lane.
#[inline(always)]
#[must_use]
pub fn words(key: u64, draw: u64) -> Lanes<u32> {
    let mut halves = [0; LANES];
    for at in 0..LANES / 2 {
        let word = word(key, draw.wrapping_mul(WORDS).wrapping_add(at as u64));
        halves[2 * at] = word as u32;
        halves[2 * at + 1] = (word >> 32) as u32;
    }
    halves
}

/// The 32 normals of a draw, as every level gives them.
#[inline(always)]
#[must_use]
pub fn normals(key: u64, draw: u64) -> Lanes<f32> {
    words(key, draw).map(normal)
}

for_each_level! {
    /// Draws `first`, `first + 1`, ... of a key, one for each entry of `out`.
    pub fn fill_normals(key: u64, first: u64, out: &mut [Lanes<f32>]) = fill
}

#[inline(always)]
fn fill<S: Simd>(s: S, key: u64, first: u64, out: &mut [Lanes<f32>]) {
    for (draw, out) in (first..).zip(out) {
        *out = s.normals(key, draw);
    }
}
