//! One column of a crossbar for 32 chips at once: its errors drawn, multiplied with the queries that
//! keep the column, and converted by its ramp.
//!
//! For lane t and pair (query i, this column), in LSB below the ramp's start:
//!
//! ```text
//! u = depth_i - (sum over rows d of q_id e_dt) / LSB - offset_i o_t - line_i m_t - noise_i n_it
//! code = levels of the ladder below u           (0 for the first step)
//! ```
//!
//! e, o, m and the ladder are drawn once and shared by all queries of a lane, n is drawn for each pair.
//! If nobody else shares them, the errors of a column need not be drawn at all: over the m queries that
//! keep it, everything but the ladder is normal with a covariance C of m x m, and `L z` with `L L^T = C`
//! and m normals z is a draw of exactly that law ([`Factor`]).
//!
//! Errors are held as i16, `scale` to a unit of weight, so sums over rows are exact; where the ladder is
//! not uniform, depths and levels are held as i16, `grid` to an LSB.

use super::level::{Simd, for_each_level};
use super::{LANES, Lanes};

/// An error that adds to a row of the column: `gain` times a normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// Its draw under the column's key.
    pub draw: u32,
    /// Its row; sources ascend in rows.
    pub row: u32,
    /// Standard deviation in units of weight.
    pub gain: f32,
}

/// A query that keeps the column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Which query.
    pub query: u32,
    /// Where its keys go.
    pub slot: u32,
    /// Draw of its comparator noise.
    pub draw: u32,
    /// Low bits of its keys.
    pub tag: u16,
    /// Depth without noise, in LSB.
    pub depth: f32,
    /// LSB a unit of the column's offset.
    pub offset: f32,
    /// LSB a unit of the difference of its lines.
    pub line: f32,
    /// Standard deviation of the comparator's noise in LSB.
    pub noise: f32,
}

/// A step of the ramp: how far its replica cells move it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepMix {
    /// Nominal depth of its level in LSB.
    pub level: f32,
    /// Its first replica cell.
    pub first: u32,
    /// LSB a unit of each of its cells.
    pub weights: Vec<f32>,
}

/// Keys of a column's draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnDraws {
    /// Errors of its rows.
    pub errors: u64,
    /// Its offset, draw 0.
    pub offset: u64,
    /// The difference of its lines, draw 0.
    pub line: u64,
    /// Its replica cells.
    pub replicas: u64,
    /// Noise of its conversions.
    pub noise: u64,
}

/// What all columns of a head have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Statics {
    /// i16 a unit of weight.
    pub scale: f32,
    /// LSB that one unit of an integer sum lifts a column.
    pub lift: f32,
    /// Rows, two to an entry of a query.
    pub row_pairs: usize,
    /// Queries as pairs of i16, `row_pairs` a query.
    pub queries: Vec<i32>,
    /// Whether any pair has an offset, a line difference, noise.
    pub has: [bool; 3],
    /// Levels of the ramp, if they are not 1, 2, 3 ... in every column.
    pub ladder: Vec<StepMix>,
    /// Replica cells of a column; none if they do not differ.
    pub replicas: usize,
    /// i16 to an LSB for depths and levels of a ladder.
    pub grid: f32,
    /// Steps of the ramp.
    pub steps: u16,
    /// Bits of a key below its code.
    pub tag_bits: u32,
}

/// The Cholesky factor of a column's pairs, four rows of it to a group; group g holds its columns 0 to
/// 4 g + 3, of each the four rows' entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factor(Vec<[f32; 4]>);

impl Factor {
    /// From a lower triangle of `size` rows.
    #[must_use]
    pub fn of(size: usize, entry: impl Fn(usize, usize) -> f32) -> Self {
        let mut packed = Vec::new();
        for group in 0..size.div_ceil(4) {
            for column in 0..(4 * group + 4).min(size) {
                packed.push(std::array::from_fn(|r| {
                    let row = 4 * group + r;
                    if row < size && column <= row {
                        entry(row, column)
                    } else {
                        0.0
                    }
                }));
            }
        }
        Self(packed)
    }
}

/// Room for one column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    errors: Vec<Lanes<u32>>,
    cells: Vec<Lanes<f32>>,
    ladder: Vec<Lanes<i16>>,
    z: Vec<Lanes<f32>>,
}

/// 1.5 2^23: added to a float below 2^22 it leaves the rounded integer in the low bits.
const ROUND: f32 = 12_582_912.0;

for_each_level! {
    /// Converts one column: fills `keys[pair.slot]` for each of its pairs with
    /// `code << tag_bits | tag`; a column below the last level has the last code.
    pub fn convert_column(
        statics: &Statics,
        draws: &ColumnDraws,
        sources: &[Source],
        pairs: &[Pair],
        room: &mut Column,
        keys: &mut [Lanes<u16>],
    ) = convert
}

for_each_level! {
    /// The same of a column whose errors nobody shares, from the factor of its pairs. A pair's `depth` is
    /// used and its other terms are in the factor; its `draw` of `noise` is its own normal.
    pub fn convert_jointly(
        statics: &Statics,
        draws: &ColumnDraws,
        factor: &Factor,
        pairs: &[Pair],
        room: &mut Column,
        keys: &mut [Lanes<u16>],
    ) = jointly
}

#[inline(always)]
fn jointly<S: Simd>(
    s: S,
    statics: &Statics,
    draws: &ColumnDraws,
    factor: &Factor,
    pairs: &[Pair],
    room: &mut Column,
    keys: &mut [Lanes<u16>],
) {
    draw_ladder(s, statics, draws.replicas, room);
    room.z.clear();
    for pair in pairs {
        room.z.push(s.normals(draws.noise, u64::from(pair.draw)));
    }
    let mut rest = &factor.0[..];
    for (group, pairs) in pairs.chunks(4).enumerate() {
        let columns = (4 * group + 4).min(room.z.len());
        let (own, behind) = rest.split_at(columns.min(rest.len()));
        rest = behind;
        let errors = s.combine(own, &room.z);
        for (pair, error) in pairs.iter().zip(&errors) {
            let mut depth = [0.0_f32; LANES];
            for lane in 0..LANES {
                depth[lane] = pair.depth - error[lane];
            }
            encode(s, statics, pair, &depth, &room.ladder, keys);
        }
    }
}

#[inline(always)]
fn convert<S: Simd>(
    s: S,
    statics: &Statics,
    draws: &ColumnDraws,
    sources: &[Source],
    pairs: &[Pair],
    room: &mut Column,
    keys: &mut [Lanes<u16>],
) {
    if pairs.is_empty() {
        return;
    }
    if !sources.is_empty() {
        draw_errors(s, statics, draws.errors, sources, room);
    }
    draw_ladder(s, statics, draws.replicas, room);
    let once = |key: u64, wanted: bool| {
        if wanted {
            s.normals(key, 0)
        } else {
            [0.0; LANES]
        }
    };
    let own = Own {
        offset: once(draws.offset, statics.has[0]),
        line: once(draws.line, statics.has[1]),
        noise: draws.noise,
    };
    let query = |pair: &Pair| {
        let first = pair.query as usize * statics.row_pairs;
        &statics.queries[first..first + statics.row_pairs]
    };
    // Eight queries use an error that was loaded once; 16 of the 32 wide registers hold their sums.
    let mut rest = pairs;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let sums = if sources.is_empty() {
            [[0; LANES]; 8]
        } else {
            s.multiply(&room.errors, eight.each_ref().map(query))
        };
        for (pair, sums) in eight.iter().zip(&sums) {
            finish(s, statics, &own, pair, sums, &room.ladder, keys);
        }
        rest = behind;
    }
    for pair in rest {
        let sums = if sources.is_empty() {
            [[0; LANES]; 1]
        } else {
            s.multiply(&room.errors, [query(pair)])
        };
        finish(s, statics, &own, pair, &sums[0], &room.ladder, keys);
    }
}

/// What a column draws once.
struct Own {
    offset: Lanes<f32>,
    line: Lanes<f32>,
    noise: u64,
}

#[inline(always)]
fn draw_errors<S: Simd>(s: S, statics: &Statics, key: u64, sources: &[Source], room: &mut Column) {
    room.errors.clear();
    room.errors.resize(statics.row_pairs, [0; LANES]);
    let mut at = 0;
    while at < sources.len() {
        let row = sources[at].row;
        let mut sum = [0.0_f32; LANES];
        while let Some(source) = sources.get(at).filter(|source| source.row == row) {
            let gain = source.gain * statics.scale;
            let draw = s.normals(key, u64::from(source.draw));
            for (sum, draw) in sum.iter_mut().zip(draw) {
                *sum = gain.mul_add(draw, *sum);
            }
            at += 1;
        }
        // Two rows to an entry, the even one in its low half.
        let shift = 16 * (row % 2);
        for (pair, sum) in room.errors[row as usize / 2].iter_mut().zip(sum) {
            *pair |= ((sum + ROUND).to_bits() & 0xFFFF) << shift;
        }
    }
}

#[inline(always)]
fn draw_ladder<S: Simd>(s: S, statics: &Statics, key: u64, room: &mut Column) {
    room.cells.clear();
    for cell in 0..statics.replicas as u64 {
        room.cells.push(s.normals(key, cell));
    }
    room.ladder.clear();
    let mut moved = [0.0_f32; LANES];
    // A column trips at the first level it reaches, so a step that went up counts only from where the
    // ramp has been before.
    let mut deepest = [f32::MIN; LANES];
    let half = 0.5 / statics.grid;
    for step in &statics.ladder {
        if !room.cells.is_empty() {
            for (cell, weight) in room.cells[step.first as usize..].iter().zip(&step.weights) {
                for (moved, cell) in moved.iter_mut().zip(cell) {
                    *moved = weight.mul_add(*cell, *moved);
                }
            }
        }
        let mut level = [0_i16; LANES];
        for lane in 0..LANES {
            deepest[lane] = deepest[lane].max(step.level + moved[lane]);
            // Depths are rounded too, and one that is as deep as a level has not passed it.
            level[lane] = fixed(deepest[lane] - half, statics.grid);
        }
        room.ladder.push(level);
    }
}

/// A depth as i16.
#[inline(always)]
fn fixed(depth: f32, grid: f32) -> i16 {
    ((depth * grid).clamp(-32_767.0, 32_767.0) + ROUND).to_bits() as i16
}

#[inline(always)]
fn finish<S: Simd>(
    s: S,
    statics: &Statics,
    own: &Own,
    pair: &Pair,
    sums: &Lanes<i32>,
    ladder: &[Lanes<i16>],
    keys: &mut [Lanes<u16>],
) {
    let mut depth = [0.0_f32; LANES];
    for lane in 0..LANES {
        depth[lane] = (-statics.lift).mul_add(sums[lane] as f32, pair.depth);
    }
    if statics.has[0] {
        for lane in 0..LANES {
            depth[lane] = (-pair.offset).mul_add(own.offset[lane], depth[lane]);
        }
    }
    if statics.has[1] {
        for lane in 0..LANES {
            depth[lane] = (-pair.line).mul_add(own.line[lane], depth[lane]);
        }
    }
    if statics.has[2] {
        let noise = s.normals(own.noise, u64::from(pair.draw));
        for lane in 0..LANES {
            depth[lane] = (-pair.noise).mul_add(noise[lane], depth[lane]);
        }
    }
    encode(s, statics, pair, &depth, ladder, keys);
}

/// From depths to keys.
#[inline(always)]
fn encode<S: Simd>(
    s: S,
    statics: &Statics,
    pair: &Pair,
    depth: &Lanes<f32>,
    ladder: &[Lanes<i16>],
    keys: &mut [Lanes<u16>],
) {
    let code = if ladder.is_empty() {
        let mut step = s.ceil(depth, f32::from(statics.steps) + 1.0);
        for step in &mut step {
            *step -= 1;
        }
        step
    } else {
        let mut fixed_depth = [0_i16; LANES];
        for lane in 0..LANES {
            fixed_depth[lane] = fixed(depth[lane], statics.grid);
        }
        s.count_below(ladder, &fixed_depth)
    };
    let out = &mut keys[pair.slot as usize];
    let last = statics.steps - 1;
    for lane in 0..LANES {
        out[lane] = code[lane].min(last) << statics.tag_bits | pair.tag;
    }
}

#[cfg(test)]
mod tests;
