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
use super::rank::EMPTY;
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
    /// Whether a column below the last level has no code, instead of the last.
    pub absent: bool,
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
    /// `code << tag_bits | tag`, or with [`EMPTY`] where the column never trips.
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
            level[lane] = fixed(deepest[lane], statics.grid);
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
    let mut code = [0_u16; LANES];
    if ladder.is_empty() {
        let top = f32::from(statics.steps) + 1.0;
        for lane in 0..LANES {
            let below = depth[lane].clamp(0.5, top);
            // SAFETY: 0.5..=steps + 1 <= 65536 is in the range of an i32, and a NaN cannot come: all
            // terms are finite.
            let whole: i32 = unsafe { below.to_int_unchecked() };
            let above = (below > whole as f32) as i32;
            code[lane] = (whole + above - 1) as u16;
        }
    } else {
        let mut fixed_depth = [0_i16; LANES];
        for lane in 0..LANES {
            fixed_depth[lane] = fixed(depth[lane], statics.grid);
        }
        code = s.count_below(ladder, &fixed_depth);
    }
    let out = &mut keys[pair.slot as usize];
    let last = statics.steps - 1;
    if statics.absent {
        for lane in 0..LANES {
            let key = code[lane] << statics.tag_bits | pair.tag;
            out[lane] = if code[lane] > last { EMPTY } else { key };
        }
    } else {
        for lane in 0..LANES {
            out[lane] = code[lane].min(last) << statics.tag_bits | pair.tag;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Level, normals, words};
    use super::*;

    /// A column to try: `rows` inputs of up to `q_max`, `count` pairs, two sources a row or none.
    struct Trial {
        statics: Statics,
        draws: ColumnDraws,
        sources: Vec<Source>,
        pairs: Vec<Pair>,
        rows: usize,
    }

    const STEPS: u16 = 32;

    /// The ways a column can be: rows, pairs, whether errors, offsets, lines and noise are drawn, whether
    /// its ladder is its own, whether a column below the last level has no code.
    const WAYS: [(usize, usize, [bool; 4], bool, bool); 12] = [
        (1, 1, [true; 4], false, false),
        (1, 9, [true, false, false, true], false, true),
        (2, 0, [true; 4], true, false),
        (3, 8, [true; 4], true, false),
        (5, 16, [false, true, true, true], false, false),
        (7, 3, [false; 4], false, false),
        (7, 2, [false; 4], true, true),
        (33, 17, [true, true, false, false], false, false),
        (64, 40, [true, false, false, true], false, false),
        (64, 41, [true; 4], true, true),
        (64, 6, [true, false, true, false], true, false),
        (127, 11, [true; 4], false, false),
    ];

    fn trial(number: usize, way: (usize, usize, [bool; 4], bool, bool)) -> Trial {
        let (rows, count, [errors, offset, line, noise], own_ladder, absent) = way;
        let key = 1000 * number as u64;
        let uniform = |at: u64| words(key, at).map(|half| half as f32 * f32::EPSILON / 512.0);
        let row_pairs = rows.div_ceil(2);
        let queries = 2 * count;
        let code = |query: usize, row: usize| match row < rows {
            true => (words(key + 1, (query * rows + row) as u64)[0] % 63) as i32 - 31,
            false => 0,
        };
        let packed = (0..queries)
            .flat_map(|query| (0..row_pairs).map(move |pair| (query, pair)))
            .map(|(query, pair)| code(query, 2 * pair) & 0xFFFF | code(query, 2 * pair + 1) << 16)
            .collect();
        let mut sources = Vec::new();
        for row in 0..rows * usize::from(errors) {
            for part in 0..2 {
                sources.push(Source {
                    draw: (2 * row + part) as u32,
                    row: row as u32,
                    gain: (0.02 + 0.05 * uniform(row as u64)[part])
                        * if part == 0 { 1.0 } else { -0.4 },
                });
            }
        }
        let pair = |at: usize| {
            let [depth, a, b, c, ..] = uniform(5000 + at as u64);
            Pair {
                query: (queries - 1 - 2 * at) as u32,
                slot: (count - 1 - at) as u32,
                draw: (3 * at + 1) as u32,
                tag: at as u16 * 3,
                depth: 38.0 * depth - 3.0,
                offset: 0.2 + a,
                line: 0.1 + 0.5 * b,
                noise: 0.3 + 0.4 * c,
            }
        };
        let ladder = |step: u16| StepMix {
            level: f32::from(step) * 0.97 + 0.2,
            first: u32::from(step - 1) * 3 / 2,
            weights: vec![0.12, -0.05],
        };
        let scale = 32_000.0 / (6.4 * 0.1);
        Trial {
            statics: Statics {
                scale,
                lift: 1.0 / (scale * 11.0),
                row_pairs,
                queries: packed,
                has: [offset, line, noise],
                ladder: (1..=STEPS * u16::from(own_ladder)).map(ladder).collect(),
                replicas: if own_ladder { 50 } else { 0 },
                grid: 512.0,
                steps: STEPS,
                tag_bits: 8,
                absent,
            },
            draws: ColumnDraws {
                errors: key + 2,
                offset: key + 3,
                line: key + 4,
                replicas: key + 5,
                noise: key + 6,
            },
            sources,
            pairs: (0..count).map(pair).collect(),
            rows,
        }
    }

    /// A factor of `size` rows with a heavy diagonal.
    fn entry(row: usize, column: usize) -> f32 {
        let off = normals(99, (row * 64 + column) as u64)[0] * 0.2;
        if row == column { 1.0 + off.abs() } else { off }
    }

    impl Trial {
        fn keys(&self, level: Level, factor: Option<&Factor>) -> Vec<Lanes<u16>> {
            let mut keys = vec![[7; LANES]; self.pairs.len()];
            // Room that another column has used.
            let mut room = Column {
                errors: vec![[0xABCD_EF01; LANES]; 80],
                cells: vec![[3.0; LANES]; 2],
                ladder: vec![[5; LANES]; 3],
                z: vec![[9.0; LANES]; 70],
            };
            let (statics, draws, pairs) = (&self.statics, &self.draws, &self.pairs);
            match factor {
                Some(factor) => {
                    convert_jointly(level, statics, draws, factor, pairs, &mut room, &mut keys);
                }
                None => {
                    convert_column(
                        level,
                        statics,
                        draws,
                        &self.sources,
                        pairs,
                        &mut room,
                        &mut keys,
                    );
                }
            }
            keys
        }

        /// The levels of a lane's ladder as the formula has them.
        fn levels(&self, lane: usize) -> Vec<f64> {
            if self.statics.ladder.is_empty() {
                return (1..=STEPS).map(f64::from).collect();
            }
            let (mut moved, mut deepest) = (0.0, f64::MIN);
            let step = |step: &StepMix| {
                for (cell, weight) in (u64::from(step.first)..).zip(&step.weights) {
                    if self.statics.replicas > 0 {
                        let draw = f64::from(normals(self.draws.replicas, cell)[lane]);
                        moved += f64::from(*weight) * draw;
                    }
                }
                deepest = f64::max(deepest, f64::from(step.level) + moved);
                deepest
            };
            self.statics.ladder.iter().map(step).collect()
        }

        /// Depth of a pair in a lane by the formula, in f64 and without fixed point.
        fn depth(&self, at: usize, lane: usize, factor: bool) -> f64 {
            let pair = &self.pairs[at];
            let draw = |key: u64, at: u64| f64::from(normals(key, at)[lane]);
            if factor {
                let errors = (0..=at).map(|other| {
                    let z = draw(self.draws.noise, u64::from(self.pairs[other].draw));
                    f64::from(entry(at, other)) * z
                });
                return f64::from(pair.depth) - errors.sum::<f64>();
            }
            let q = |row: usize| {
                let both =
                    self.statics.queries[pair.query as usize * self.statics.row_pairs + row / 2];
                f64::from(if row.is_multiple_of(2) {
                    both as i16
                } else {
                    (both >> 16) as i16
                })
            };
            let mut sum = 0.0;
            for source in &self.sources {
                assert!((source.row as usize) < self.rows);
                sum += q(source.row as usize)
                    * f64::from(source.gain)
                    * draw(self.draws.errors, u64::from(source.draw));
            }
            let unit = f64::from(self.statics.scale) * f64::from(self.statics.lift);
            let [offset, line, noise] = self.statics.has.map(|has| f64::from(u8::from(has)));
            f64::from(pair.depth)
                - sum * unit
                - offset * f64::from(pair.offset) * draw(self.draws.offset, 0)
                - line * f64::from(pair.line) * draw(self.draws.line, 0)
                - noise * f64::from(pair.noise) * draw(self.draws.noise, u64::from(pair.draw))
        }

        /// Holds keys to the formula. Fixed point may move a depth by `slack`; a key has to be that of some
        /// depth so near, and for nearly all pairs there is only one.
        fn hold(&self, keys: &[Lanes<u16>], factor: bool) -> (usize, usize) {
            let slack = if self.statics.ladder.is_empty() {
                1e-3
            } else {
                4e-3
            };
            let (mut one, mut all) = (0, 0);
            for lane in 0..LANES {
                let levels = self.levels(lane);
                for (at, pair) in self.pairs.iter().enumerate() {
                    let depth = self.depth(at, lane, factor);
                    let key = |depth: f64| {
                        let code = levels.iter().filter(|level| **level < depth).count() as u16;
                        match self.statics.absent && code >= STEPS {
                            true => EMPTY,
                            false => code.min(STEPS - 1) << 8 | pair.tag,
                        }
                    };
                    let found = keys[pair.slot as usize][lane];
                    let range = key(depth - slack)..=key(depth + slack);
                    assert!(
                        range.contains(&found),
                        "{found} for {range:?}, lane {lane}, pair {at}"
                    );
                    one += usize::from(range.start() == range.end());
                    all += 1;
                }
            }
            (one, all)
        }
    }

    #[test]
    fn a_column_is_converted_by_the_formula_and_alike_at_every_level() {
        let (mut one, mut all) = (0, 0);
        for (number, way) in WAYS.into_iter().enumerate() {
            let trial = trial(number, way);
            let plain = trial.keys(Level::PORTABLE, None);
            for level in Level::all() {
                assert!(trial.keys(level, None) == plain, "{} {way:?}", level.name());
            }
            let (a, b) = trial.hold(&plain, false);
            (one, all) = (one + a, all + b);
        }
        assert!(one * 50 > all * 49, "{one} of {all} are sharp");
    }

    #[test]
    fn a_factor_gives_each_pair_its_row_of_it_alike_at_every_level() {
        let (mut one, mut all) = (0, 0);
        for (number, way) in WAYS.into_iter().enumerate() {
            let trial = trial(number, way);
            let factor = Factor::of(way.1, entry);
            let plain = trial.keys(Level::PORTABLE, Some(&factor));
            for level in Level::all() {
                let keys = trial.keys(level, Some(&factor));
                assert!(keys == plain, "{} {way:?}", level.name());
            }
            let (a, b) = trial.hold(&plain, true);
            (one, all) = (one + a, all + b);
        }
        assert!(one * 50 > all * 49, "{one} of {all} are sharp");
    }

    #[test]
    fn far_depths_saturate_instead_of_turning_over() {
        for own_ladder in [false, true] {
            let mut trial = trial(40, (4, 4, [false; 4], own_ladder, false));
            for (pair, depth) in trial.pairs.iter_mut().zip([1e30, -1e30, 70.0, -70.0]) {
                pair.depth = depth;
            }
            for level in Level::all() {
                let keys = trial.keys(level, None);
                for (pair, code) in trial.pairs.iter().zip([31, 0, 31, 0]) {
                    assert_eq!(keys[pair.slot as usize], [code << 8 | pair.tag; LANES]);
                }
            }
        }
    }
}
