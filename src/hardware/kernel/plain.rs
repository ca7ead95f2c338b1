//! The plain forms: what every level must give, to the bit.

use super::normal::halves;
use super::product::GROUP;
use super::tiles::TOGETHER;
use super::{Granted, LANES, Lanes, Line, Passed, Rounding, Rows, Slot, Station, TileClock};

#[inline(always)]
pub fn multiply<const R: usize>(errors: &[Lanes<u32>], queries: [&[i32]; R]) -> [Lanes<i32>; R] {
    let mut sums = [[0_i32; LANES]; R];
    for (p, pair) in errors.iter().enumerate() {
        for (sums, query) in sums.iter_mut().zip(queries) {
            let (low, high) = (query[p] as i16, query[p] >> 16);
            for (lane, sum) in sums.iter_mut().enumerate() {
                let (even, odd) = (pair[lane] as i16, pair[lane] as i32 >> 16);
                *sum += i32::from(even) * i32::from(low) + odd * high;
            }
        }
    }
    sums
}

#[inline(always)]
pub fn ceil(depth: &Lanes<f32>, most: f32) -> Lanes<u16> {
    let mut out = [0_u16; LANES];
    for lane in 0..LANES {
        let within = depth[lane].max(1.0).min(most);
        // SAFETY: 1 to 65536 is in the range of an i32, and `max` takes the 1 where a NaN would be.
        let whole: i32 = unsafe { within.to_int_unchecked() };
        out[lane] = (whole + i32::from(within > whole as f32)) as u16;
    }
    out
}

#[inline(always)]
pub fn count_below(ladder: &[Lanes<i16>], depth: &Lanes<i16>) -> Lanes<u16> {
    let mut count = [0_u16; LANES];
    for level in ladder {
        for lane in 0..LANES {
            count[lane] += u16::from(level[lane] < depth[lane]);
        }
    }
    count
}

#[inline(always)]
pub fn combine(factor: &[[f32; 4]], z: &[Lanes<f32>]) -> [Lanes<f32>; 4] {
    let mut sums = [[0.0_f32; LANES]; 4];
    for (factor, z) in factor.iter().zip(z) {
        for (sums, factor) in sums.iter_mut().zip(factor) {
            for (sum, z) in sums.iter_mut().zip(z) {
                *sum = factor.mul_add(*z, *sum);
            }
        }
    }
    sums
}

#[inline(always)]
pub fn distances(
    values: &Rows,
    float: &[Line<[f32; 16]>],
    tokens: &[Lanes<u16>],
    weights: &[Lanes<f32>],
    gain: &Lanes<f32>,
    distance: &mut Lanes<[f32; 16]>,
) {
    for lane in 0..LANES {
        for (group, float) in float.as_chunks::<GROUP>().0.iter().enumerate() {
            let mut sums = [[0.0_f32; 16]; GROUP];
            for (token, weight) in tokens.iter().zip(weights) {
                let row = &values.row(usize::from(token[lane]))[group * GROUP..][..GROUP];
                for (sum, value) in sums.iter_mut().zip(row) {
                    for (sum, value) in sum.iter_mut().zip(&value.0) {
                        *sum = weight[lane].mul_add(*value, *sum);
                    }
                }
            }
            for (sum, float) in sums.iter().zip(float) {
                for ((square, sum), float) in distance[lane].iter_mut().zip(sum).zip(&float.0) {
                    let off = gain[lane].mul_add(*sum, -float);
                    *square = off.mul_add(off, *square);
                }
            }
        }
    }
}

/// Below 2^22 the sum with this has no fraction, and its lowest bits are the whole number's.
const ROUND: f32 = 12_582_912.0;

#[inline(always)]
pub fn cells(means: &Lanes<f32>, gains: &Lanes<f32>, normals: &Lanes<f32>) -> Lanes<i16> {
    std::array::from_fn(|at| {
        let cell = gains[at].mul_add(normals[at], means[at]);
        (cell.clamp(-32_768.0, 32_767.0) + ROUND).to_bits() as i16
    })
}

#[inline(always)]
pub fn spread(values: &Lanes<i16>, ranks: &Lanes<u8>) -> Lanes<i16> {
    ranks.map(|rank| values.get(usize::from(rank)).copied().unwrap_or(0))
}

#[inline(always)]
pub fn drive(
    cells: &[Line<Lanes<i16>>],
    starts: &[u32],
    codes: &[i16],
    sums: &mut [Line<Lanes<i16>>],
) {
    for (group, sums) in sums.iter_mut().enumerate() {
        let mut whole = [0_i32; LANES];
        for (starts, codes) in starts.chunks(TOGETHER).zip(codes.chunks(TOGETHER)) {
            let mut sums = [0_i16; LANES];
            for (start, code) in starts.iter().zip(codes) {
                let row = &cells[*start as usize + group];
                for (sum, cell) in sums.iter_mut().zip(&row.0) {
                    let product = (i32::from(*code) * i32::from(*cell) + (1 << 14)) >> 15;
                    *sum = sum.saturating_add(product as i16);
                }
            }
            for (whole, sum) in whole.iter_mut().zip(sums) {
                *whole += i32::from(sum);
            }
        }
        sums.0 = whole.map(|whole| whole.clamp(-32_768, 32_767) as i16);
    }
}

#[inline(always)]
pub fn convert(
    sums: &[Line<Lanes<i16>>],
    (key, draw): (u64, u64),
    rounding: &Rounding,
    bits: usize,
    joined: &mut [Line<Lanes<i16>>],
) {
    let per_bit = joined.len();
    for (bit, sums) in (0..bits).zip(sums.chunks(per_bit)) {
        for (at, (sums, joined)) in sums.iter().zip(&mut *joined).enumerate() {
            let group = bit * per_bit + at;
            let words = halves(key, draw.wrapping_add(group as u64 / 2))[group % 2];
            for at in 0..LANES {
                let uniform = (words[at / 4] >> (16 * (at % 4))) as u16;
                // To a thirty-second beside it.
                let beside = uniform & rounding.beside | rounding.half;
                let fine = sums.0[at].saturating_add(beside as i16) >> rounding.finer;
                let (whole, part) = (fine >> 5, (fine & 31) as usize);
                let passed = rounding
                    .thresholds
                    .iter()
                    .filter(|row| uniform >= row[part]);
                let code = whole + rounding.lowest + passed.count() as i16;
                let code = code.clamp(-rounding.max, rounding.max);
                joined.0[at] = joined.0[at].wrapping_add(code << bit);
            }
        }
    }
}

#[inline(always)]
pub fn look_up(table: &[f32; 32], at: &Lanes<u16>) -> Lanes<f32> {
    at.map(|at| table[usize::from(at & 31)])
}

#[inline(always)]
pub fn fetch<T: Copy>(table: &[T], at: &Lanes<u16>) -> Lanes<T> {
    at.map(|at| table[usize::from(at)])
}

#[inline(always)]
pub fn pass(
    tiles: &[Granted],
    slots: &[Slot],
    softmax: u32,
    stations: &[Station],
    passed: &mut [Passed],
) {
    let mut slowest = [[0; LANES], [0; LANES], [softmax; LANES]];
    for tile in tiles {
        take(&tile.clock, tile.grants(slots), &mut slowest);
    }
    let mut at = [0_u64; LANES];
    for (station, passed) in stations.iter().zip(passed) {
        let mut time = [station.alike; LANES];
        for (own, _) in slowest.iter().zip(station.own).filter(|(_, own)| *own) {
            for lane in 0..LANES {
                time[lane] += u64::from(own[lane]);
            }
        }
        for lane in 0..LANES {
            at[lane] = passed.done.0[lane].max(at[lane]) + time[lane];
            passed.done.0[lane] = at[lane];
            passed.busy.0[lane] += time[lane];
        }
    }
}

/// Ramp, arbiter beyond it and softmax of the slowest tile.
type Slowest = [Lanes<u32>; 3];

#[inline(always)]
fn take(tile: &TileClock, grants: &[Slot], [slow_ramp, slow_beyond, slow_softmax]: &mut Slowest) {
    let Some(stop) = grants.last().map(|slot| &slot.code) else {
        return;
    };
    let mut beyond = [0_u32; LANES];
    if tile.waits {
        // What a step's grants so far take, beyond the clock that the next step hides.
        let mut served = [tile.grant; LANES];
        for pair in grants.windows(2) {
            for lane in 0..LANES {
                let same = pair[0].code[lane] == pair[1].code[lane];
                let over = served[lane].max(tile.clock) - tile.clock;
                beyond[lane] += if same { 0 } else { over };
                served[lane] = if same { served[lane] } else { 0 } + tile.grant;
            }
        }
        for lane in 0..LANES {
            beyond[lane] += served[lane];
        }
    } else {
        let all = tile.clock + tile.grant * grants.len() as u32;
        for lane in 0..LANES {
            let ramp = tile.clock * (u32::from(stop[lane]) + 1);
            beyond[lane] = (ramp + tile.grant).max(all) - ramp;
        }
    }
    // A softmax that all tiles share does not tell them apart.
    let (own, shared) = tile.softmax.map_or((0, true), |own| (own, false));
    for lane in 0..LANES {
        let ramp = tile.clock * (u32::from(stop[lane]) + 1) + tile.start_up;
        let before =
            slow_ramp[lane] + slow_beyond[lane] + if shared { 0 } else { slow_softmax[lane] };
        let longer = ramp + beyond[lane] + own > before;
        slow_ramp[lane] = if longer { ramp } else { slow_ramp[lane] };
        slow_beyond[lane] = if longer {
            beyond[lane]
        } else {
            slow_beyond[lane]
        };
        slow_softmax[lane] = if longer && !shared {
            own
        } else {
            slow_softmax[lane]
        };
    }
}
