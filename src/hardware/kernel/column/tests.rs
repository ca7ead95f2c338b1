//! A column against its plain form: every way of drawing and converting it.

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
/// its ladder is its own.
const WAYS: [(usize, usize, [bool; 4], bool); 12] = [
    (1, 1, [true; 4], false),
    (1, 9, [true, false, false, true], false),
    (2, 0, [true; 4], true),
    (3, 8, [true; 4], true),
    (5, 16, [false, true, true, true], false),
    (7, 3, [false; 4], false),
    (7, 2, [false; 4], true),
    (33, 17, [true, true, false, false], false),
    (64, 40, [true, false, false, true], false),
    (64, 41, [true; 4], true),
    (64, 6, [true, false, true, false], true),
    (127, 11, [true; 4], false),
];

fn trial(number: usize, way: (usize, usize, [bool; 4], bool)) -> Trial {
    let (rows, count, [errors, offset, line, noise], own_ladder) = way;
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
            let both = self.statics.queries[pair.query as usize * self.statics.row_pairs + row / 2];
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
                    code.min(STEPS - 1) << 8 | pair.tag
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
        let mut trial = trial(40, (4, 4, [false; 4], own_ladder));
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
