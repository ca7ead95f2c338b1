//! Cells as they are written, sums as the ADC reads them.

use statrs::distribution::{ContinuousCDF, Normal};

use super::super::{Level, words};
use super::*;

fn below(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// A trial: V of so many tokens, bits and columns on tiles of `wordlines`, its queries' survivors.
struct Trial {
    size: (usize, [usize; 2]),
    wordlines: usize,
    cells: Cells,
    survivors: Vec<u32>,
    ends: Vec<u32>,
    first: Vec<u64>,
    gains: Vec<f32>,
    float: Vec<f32>,
}

/// Level of a cell in units of an i16.
fn level(token: usize, bit: usize, column: usize) -> f32 {
    [0.0, 5000.0, -5000.0][(7 * token + 3 * bit + column) % 3]
}

impl Trial {
    fn of(size: (usize, [usize; 2]), slots: usize, spread: f32, sparse: bool) -> Self {
        let (tokens, [bits, columns]) = size;
        let cells = Cells::of(tokens, [bits, columns], sparse, |token, bit, column| {
            let level = level(token, bit, column);
            (level, if level == 0.0 { 0.0 } else { spread })
        });
        let queries = 9;
        let draw = |at: usize| words(11, at as u64 / 32)[at % 32] as usize;
        let survivor = |at: usize| {
            let code = [0, 3000, 9000, 12_000][draw(2 * at) % 4];
            ((draw(2 * at + 1) % tokens) << 16 | code) as u32
        };
        let width = cells.width();
        Self {
            size,
            wordlines: tokens.div_ceil(2),
            survivors: (0..queries * slots).map(survivor).collect(),
            ends: (1..=queries).map(|query| (query * slots) as u32).collect(),
            first: (0..queries as u64).map(|query| query * 1000).collect(),
            gains: (0..queries).map(|query| 0.1 + query as f32).collect(),
            float: (0..queries * width)
                .map(|at| if at % width < columns { at as f32 } else { 0.0 })
                .collect(),
            cells,
        }
    }

    fn run(&self, on: Level, rounding: &Rounding) -> ([f32; 16], Vec<u32>) {
        let mut written = Written::default();
        let tokens: Vec<u64> = (0..self.size.0 as u64).map(|token| token * 50).collect();
        write_cells(on, &self.cells, 5, &tokens, &mut written);
        let mut squares = [0.5; 16];
        let mut rows = vec![9; 2 * self.first.len()];
        tile_product(
            on,
            &self.cells,
            &written,
            rounding,
            self.wordlines,
            Driven {
                survivors: &self.survivors,
                ends: &self.ends,
                key: 7,
                first: &self.first,
                gains: &self.gains,
                float: &self.float,
            },
            &mut Joined::default(),
            &mut squares,
            &mut rows,
        );
        (squares, rows)
    }
}

/// Tokens, bits and columns, and survivors of a query.
const SIZES: [((usize, [usize; 2]), usize); 7] = [
    ((1, [1, 1]), 1),
    ((40, [4, 64]), 5),
    ((9, [3, 33]), 2),
    ((64, [4, 16]), 7),
    ((96, [2, 100]), 12),
    ((5, [4, 64]), 0),
    ((300, [4, 64]), 290),
];

#[test]
fn every_level_writes_and_converts_the_same() {
    for (size, slots) in SIZES {
        for (spread, sigma, sparse) in [
            (400.0, 0.35, true),
            (0.0, 0.0, false),
            (900.0, 1.7, false),
            (400.0, 0.2, true),
        ] {
            let trial = Trial::of(size, slots, spread, sparse);
            let rounding = Rounding::of(sigma, 127, FINEST, below);
            let plain = trial.run(Level::PORTABLE, &rounding);
            for on in Level::all() {
                let name = on.name();
                assert_eq!(trial.run(on, &rounding), plain, "{name} {size:?} x {slots}");
            }
        }
    }
}

/// Rows so heavy that sums leave the range of an i16 on the way and at the end, and the ADC's; every fineness.
#[test]
fn every_level_saturates_the_same() {
    for finer in 1..=FINEST {
        let mut trial = Trial::of((96, [2, 70]), 12, 900.0, true);
        trial.cells = Cells::of(96, [2, 70], true, |token, bit, column| {
            (6.4 * level(token, bit, column), 900.0)
        });
        for (at, survivor) in trial.survivors.iter_mut().enumerate() {
            *survivor = *survivor & !0xFFFF | [32_767, 20_000, 1][at % 3];
        }
        for (sigma, max) in [(0.35, 20), (0.8, 127), (0.0, 127)] {
            let rounding = Rounding::of(sigma, max, finer, below);
            let plain = trial.run(Level::PORTABLE, &rounding);
            for on in Level::all() {
                assert_eq!(trial.run(on, &rounding), plain, "{} {finer}", on.name());
            }
        }
    }
}

#[test]
fn without_noise_the_squares_are_those_of_rounded_sums() {
    for (size, slots) in SIZES {
        let (tokens, [bits, columns]) = size;
        let trial = Trial::of(size, slots, 0.0, true);
        let rounding = Rounding::of(0.0, 20, FINEST, below);
        let (squares, rows) = trial.run(Level::best(), &rounding);
        let (mut wanted, mut driven) = ([0.5_f64; 16], Vec::new());
        for query in 0..trial.first.len() {
            let own = &trial.survivors[query * slots..(query + 1) * slots];
            let mut output = vec![0.0; columns];
            for tile in 0..2 {
                let on_tile: Vec<(usize, u32)> = own
                    .iter()
                    .map(|survivor| ((survivor >> 16) as usize, survivor & 0xFFFF))
                    .filter(|(token, code)| *code > 0 && token / trial.wordlines == tile)
                    .collect();
                driven.push(on_tile.len() as u32);
                for (column, output) in output.iter_mut().enumerate() {
                    for bit in 0..bits {
                        let sum: f64 = on_tile
                            .iter()
                            .map(|(token, code)| {
                                let cell = f64::from(level(*token, bit, column));
                                (f64::from(*code) * cell / 32_768.0).round()
                            })
                            .sum();
                        // In LSB; a half would be drawn, and no sum here comes to one.
                        let lsb = sum / Rounding::units(FINEST);
                        assert!((lsb.fract().abs() - 0.5).abs() > 1e-9, "{lsb}");
                        *output += lsb.round().clamp(-20.0, 20.0) * f64::from(1 << bit);
                    }
                }
            }
            for (column, output) in output.iter().enumerate() {
                let float = f64::from(trial.float[query * trial.cells.width() + column]);
                let off = f64::from(trial.gains[query]) * output - float;
                wanted[column % 16] += off * off;
            }
        }
        assert_eq!(rows, driven, "{tokens} tokens");
        for (found, wanted) in squares.iter().zip(wanted) {
            let close = (f64::from(*found) - wanted).abs() <= 1e-4 * wanted;
            assert!(close, "{size:?}: {found} for {wanted}");
        }
    }
}

/// Ten rows of 4394 units are beyond an i16, and five rows less are not.
#[test]
fn a_sum_of_many_rows_may_leave_the_range_on_its_way() {
    let cells = Cells::of(15, [1, 1], true, |token, _, _| {
        (if token < 10 { 12_000.0 } else { -12_000.0 }, 0.0)
    });
    let rounding = Rounding::of(0.0, 127, FINEST, below);
    let survivors: Vec<u32> = (0..15).map(|token| token << 16 | 12_000).collect();
    let code = (4394.0 * 5.0 / Rounding::units(FINEST) as f32).round();
    for on in Level::all() {
        let mut written = Written::default();
        write_cells(on, &cells, 1, &[0; 15], &mut written);
        // The second query drives the first ten alone, which the ADC cuts.
        let (mut squares, mut rows) = ([0.0; 16], [0; 2]);
        tile_product(
            on,
            &cells,
            &written,
            &rounding,
            15,
            Driven {
                survivors: &[&survivors[..], &survivors[..10]].concat(),
                ends: &[15, 25],
                key: 3,
                first: &[0, 1],
                gains: &[1.0; 2],
                float: &[0.0; 2 * LANES],
            },
            &mut Joined::default(),
            &mut squares,
            &mut rows,
        );
        assert_eq!(squares[0], code * code + 127.0 * 127.0, "{}", on.name());
        assert_eq!(rows, [15, 10]);
    }
}

/// Chi-square of the codes of one sum against the rounded normal law, over 40 000 conversions.
///
/// Power: a sigma 5 % off moves the statistic by about 60 or more, a sum 6 % of a sigma off by about 100.
fn codes_are_drawn_right(finer: u32, sigma: f64, wanted_sigma: f64, shift: f64) -> bool {
    let count = 40_000;
    // Between two thirty-seconds.
    let sum = 10.0 + 8.5 / 32.0;
    let cells = Cells::of(1, [1, 1], true, |_, _, _| (8192.0, 0.0));
    let code = (sum * Rounding::units(finer) * 4.0) as u32;
    let mut written = Written::default();
    write_cells(Level::best(), &cells, 1, &[0], &mut written);
    let rounding = Rounding::of(sigma, 127, finer, below);
    let mut counts = [0.0_f64; 32];
    for draw in 0..count {
        let mut squares = [0.0; 16];
        tile_product(
            Level::best(),
            &cells,
            &written,
            &rounding,
            1,
            Driven {
                survivors: &[code],
                ends: &[1],
                key: 3,
                first: &[draw],
                gains: &[1.0],
                float: &[0.0; LANES],
            },
            &mut Joined::default(),
            &mut squares,
            &mut [0],
        );
        counts[f64::from(squares[0]).sqrt().round() as usize] += 1.0;
    }
    let edge = |code: f64| below((code - 0.5 - sum - shift) / wanted_sigma);
    let chi: f64 = (0..32)
        .map(|code| {
            let code = f64::from(code);
            let expected = count as f64 * (edge(code + 1.0) - edge(code));
            (expected, counts[code as usize])
        })
        .filter(|(expected, _)| *expected > 10.0)
        .map(|(expected, count)| (count - expected).powi(2) / expected)
        .sum();
    // At most a dozen codes: beyond 40 once in 10^5.
    chi < 40.0
}

#[test]
fn codes_follow_the_rounded_normal_law() {
    for (finer, sigma) in [(3, 0.35), (2, 0.8), (1, 0.5), (3, 1.7)] {
        assert!(codes_are_drawn_right(finer, sigma, sigma, 0.0), "{sigma}");
        assert!(
            !codes_are_drawn_right(finer, sigma, 1.05 * sigma, 0.0),
            "{sigma}: blind to 5 %"
        );
        assert!(
            !codes_are_drawn_right(finer, sigma, sigma, 0.06 * sigma),
            "{sigma}: blind to a shift of 6 %"
        );
    }
}
