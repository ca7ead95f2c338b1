//! A softmax row against the macro, and what is measured of it.

use super::super::slot::tests::slots;
use super::super::{Level, words};
use super::*;
use crate::hardware::softmax::{Exponential, Reciprocal, SoftmaxParams, Table, Weights};

/// One row by every way of weighing, held to the macro that the exact path uses.
#[test]
fn a_row_is_that_of_the_macro_and_alike_at_every_level() {
    let weights = [
        Weights::Exact {},
        Weights::RowMax { max_code: 31 },
        Weights::Unit { max_code: 15 },
    ];
    let reciprocals = [
        Reciprocal::Exact {},
        Reciprocal::Bits(16),
        Reciprocal::Bits(3),
    ];
    let tables = [Table::Exact {}, Table::Entries { bits: 5, width: 16 }];
    for weights in weights {
        for reciprocal in reciprocals {
            for table in tables {
                for (count, wanted) in [(1, 1), (2, 0), (5, 5), (9, 3)] {
                    let params = SoftmaxParams {
                        exponential: Exponential::Exact {},
                        table,
                        weights,
                        reciprocal,
                    };
                    one_row(params, count, wanted);
                }
            }
        }
    }
}

fn one_row(params: SoftmaxParams, count: usize, wanted: u16) {
    let lut = params.load(6.0, 0.27, 5, None).value;
    let value = |code: usize| lut.value_beside(code as f64, 0.0);
    let table = |of: &dyn Fn(usize) -> f64| std::array::from_fn(|code| of(code) as f32);
    let (max, unit) = match params.weights {
        Weights::Exact {} => (1.0, 1.0),
        Weights::RowMax { max_code } => (f64::from(max_code), value(0) / f64::from(max_code)),
        Weights::Unit { max_code } => (f64::from(max_code), 1.0 / f64::from(max_code)),
    };
    let tables = RowTables {
        values: table(&value),
        entropies: table(&|code| match value(code) {
            0.0 => 0.0,
            value => value * value.ln(),
        }),
        weights: table(&|code| match params.weights {
            Weights::RowMax { .. } => (value(code) / value(0) * max).round_ties_even(),
            _ => value(code),
        }),
        gain: unit as f32,
        decoded: table(&|code| code as f64 + 0.5),
        weighing: match params.weights {
            Weights::Unit { .. } => Weighing::Unit(max as f32),
            _ => Weighing::Looked,
        },
        reciprocal_bits: match params.reciprocal {
            Reciprocal::Exact {} => 24,
            Reciprocal::Bits(bits) => bits,
        },
    };
    let known = Known {
        // Of any places together less than 1, as probabilities are.
        log_probability: (0..40).map(|at| -0.3 * at as f32 - 3.8).collect(),
        clean: (0..40).map(|at| at as f32 * 0.9 - 1.0).collect(),
        identity: (0..40)
            .map(|at| (at * 3 % 11) << 16 | (1000 + at))
            .collect(),
    };
    // The row's places lie between others of no concern.
    let slots = slots(2 * count + 1, 32, 40, 21);
    let which: Vec<usize> = (0..count).map(|at| 2 * at + 1).collect();
    let of = |level| {
        let mut sums = RowSums::default();
        let mut a = vec![[0.0; LANES]; count];
        let mut tokens = vec![[0; LANES]; count];
        let mut gain = [0.0; LANES];
        softmax_row(
            level,
            &tables,
            &known,
            &slots,
            &which,
            wanted,
            &mut sums,
            &mut a,
            &mut tokens,
            &mut gain,
        );
        (sums, a, tokens, gain)
    };
    let plain = of(Level::PORTABLE);
    for level in Level::all() {
        assert!(of(level) == plain, "{} {params:?}", level.name());
    }
    let (sums, a, tokens, gain) = plain;
    let mut ties = 0;
    for lane in 0..LANES {
        let places: Vec<(f64, usize)> = which
            .iter()
            .map(|at| {
                (
                    f64::from(slots[*at].code[lane]),
                    usize::from(slots[*at].index[lane]),
                )
            })
            .collect();
        let depths: Vec<f64> = places.iter().map(|(code, _)| *code).collect();
        let least = depths.iter().copied().fold(f64::INFINITY, f64::min);
        let values: Vec<f64> = depths
            .iter()
            .map(|at| lut.value_beside(*at, least))
            .collect();
        if near_tie(&params, &values) {
            ties += 1;
            continue;
        }
        let row = lut.row(&depths).value;
        let close = |what: &str, found: f64, wanted: f64| {
            let off = (found - wanted).abs();
            assert!(
                off < 3e-6 * (1.0 + wanted.abs()),
                "{what} {found} for {wanted}, {params:?}"
            );
        };
        let (mut divergence, mut off, mut square, mut hits) = (0.0, 0.0, 0.0, 0);
        for (at, (code, index)) in places.iter().enumerate() {
            let p = row.probabilities[at];
            if p > 0.0 {
                divergence += p * (p.ln() - f64::from(known.log_probability[*index]));
            }
            let error = f64::from(known.clean[*index]) - (code + 0.5);
            (off, square) = (off + error, square + error * error);
            hits += u32::from(known.identity[*index] >> 16 < u32::from(wanted));
            assert_eq!(u32::from(tokens[at][lane]), known.identity[*index] & 0xFFFF);
            // Weights times gain are what A x V is made of; codes themselves are whole numbers.
            let sum = f64::from(a[at][lane]) * f64::from(gain[lane]);
            close("weight", sum, row.codes[at] * row.gain);
            if params.weights != (Weights::Exact {}) {
                assert_eq!(f64::from(a[at][lane]), row.codes[at], "{params:?}");
            }
        }
        close("divergence", sums.divergence[lane], divergence);
        close("underflow", sums.underflow[lane], row.underflow);
        close("error", sums.error[lane], off);
        close("square", sums.error_square[lane], square);
        assert_eq!((sums.hits[lane], sums.rows[lane]), (hits, 1));
        let recall = if wanted == 0 {
            0.0
        } else {
            f64::from(hits) / f64::from(wanted)
        };
        assert!((sums.recall[lane] - recall).abs() < 1e-12);
    }
    assert!(ties < LANES / 3, "{ties} rows near a tie, {params:?}");
}

/// Whether something of a row is rounded so near a half that f32 may take the other side.
fn near_tie(params: &SoftmaxParams, values: &[f64]) -> bool {
    let near = |x: f64, slack: f64| (x - x.floor() - 0.5).abs() < slack;
    let exact = 1.0 / values.iter().sum::<f64>();
    let (rounded, tie) = match params.reciprocal {
        Reciprocal::Exact {} => (exact, false),
        Reciprocal::Bits(bits) => {
            let unit = (exact.log2().floor() + 1.0 - f64::from(bits)).exp2();
            let steps = exact / unit;
            (steps.round_ties_even() * unit, near(steps, 5e-7 * steps))
        }
    };
    let code = |value: &f64| match params.weights {
        Weights::Unit { max_code } => near(value * rounded * f64::from(max_code), 1e-5),
        _ => false,
    };
    tie || values.iter().any(code)
}

/// Tables of an exponential.
fn falling(weighing: Weighing, reciprocal_bits: u32) -> RowTables {
    let value = |code: usize| (-0.1 * code as f32).exp();
    RowTables {
        values: std::array::from_fn(value),
        entropies: std::array::from_fn(|code| value(code) * value(code).ln()),
        weights: std::array::from_fn(|code| (31.0 * value(code)).round()),
        gain: 0.5,
        decoded: std::array::from_fn(|code| code as f32),
        weighing,
        reciprocal_bits,
    }
}

/// Tables of known columns that fill whole registers, leave some over, and are looked up lane by lane.
#[test]
fn what_is_known_of_any_number_of_columns_is_found_alike_at_every_level() {
    let tables = falling(Weighing::Looked, 24);
    for count in [1, 31, 32, 33, 96, 127, 128, 129, 300_u32] {
        let known = Known {
            log_probability: (0..count).map(|at| -1.0 - at as f32 / 16.0).collect(),
            clean: (0..count).map(|at| (at % 40) as f32).collect(),
            identity: (0..count).map(|at| (at % 7) << 16 | (at * 3)).collect(),
        };
        let mut slots = slots(6, 32, count, 17);
        // The last column is looked up in every lane.
        slots[5].index = [count as u16 - 1; LANES];
        let run = |level| {
            let (mut sums, mut gain) = (RowSums::default(), [0.0; LANES]);
            let (mut weights, mut tokens) = ([[0.0; LANES]; 6], [[0; LANES]; 6]);
            softmax_row(
                level,
                &tables,
                &known,
                &slots,
                &[0, 1, 2, 3, 4, 5],
                5,
                &mut sums,
                &mut weights,
                &mut tokens,
                &mut gain,
            );
            (sums, tokens)
        };
        let plain = run(Level::PORTABLE);
        assert_eq!(plain.1[5], [3 * (count as u16 - 1); LANES]);
        for level in Level::all() {
            assert_eq!(run(level), plain, "{} {count}", level.name());
        }
    }
}

/// A row that keeps all columns is one whose survivors are the columns themselves.
#[test]
fn all_columns_are_survivors_with_their_own_index() {
    let count = 150;
    let known = Known {
        log_probability: (0..count).map(|at| -1.0 - at as f32 / 16.0).collect(),
        clean: (0..count).map(|at| (at % 40) as f32).collect(),
        identity: (0..count as u32).map(|at| (9 << 16) | (at * 3)).collect(),
    };
    let keys: Vec<Lanes<u16>> = (0..count as u64)
        .map(|at| words(21, at).map(|half| ((half % 32) << 8) as u16 | (at as u16 % 256)))
        .collect();
    let slots: Vec<Slot> = (0..)
        .zip(&keys)
        .map(|(at, key)| Slot {
            code: key.map(|key| key >> 8),
            index: [at; LANES],
        })
        .collect();
    let which: Vec<usize> = (0..count).collect();
    for weighing in [Weighing::Looked, Weighing::Unit(15.0)] {
        let tables = falling(weighing, 16);
        for level in Level::all() {
            let run = |all: bool| {
                let (mut sums, mut gain) = (RowSums::default(), [0.0; LANES]);
                let (mut weights, mut tokens) =
                    (vec![[0.0; LANES]; count], vec![[0; LANES]; count]);
                let rest = (&mut sums, &mut weights, &mut tokens, &mut gain);
                if all {
                    softmax_all(
                        level, &tables, &known, &keys, 8, rest.0, rest.1, rest.2, rest.3,
                    );
                } else {
                    softmax_row(
                        level, &tables, &known, &slots, &which, 0, rest.0, rest.1, rest.2, rest.3,
                    );
                }
                (sums, weights, tokens, gain)
            };
            let found = run(true);
            assert_eq!(found, run(false), "{}", level.name());
            assert_eq!(found.2[7], [21; LANES]);
            assert!(found.0.divergence.iter().all(|nats| *nats > 0.0));
        }
    }
}

#[test]
fn a_row_without_any_value_has_no_distribution() {
    let tables = RowTables {
        values: [0.0; 32],
        entropies: [0.0; 32],
        weights: [0.0; 32],
        gain: 1.0,
        decoded: [1.0; 32],
        weighing: Weighing::Looked,
        reciprocal_bits: 16,
    };
    let known = Known {
        log_probability: vec![-1.0],
        clean: vec![1.0],
        identity: vec![0],
    };
    for (weighing, slots) in [
        (Weighing::Looked, vec![]),
        (Weighing::Unit(31.0), vec![]),
        (
            Weighing::Looked,
            vec![Slot {
                code: [3; LANES],
                index: [0; LANES],
            }],
        ),
        (
            Weighing::Unit(31.0),
            vec![Slot {
                code: [3; LANES],
                index: [0; LANES],
            }],
        ),
    ] {
        let tables = RowTables {
            weighing,
            ..tables.clone()
        };
        let which: Vec<usize> = (0..slots.len()).collect();
        for level in Level::all() {
            let mut sums = RowSums::default();
            let mut weights = vec![[1.0; LANES]; slots.len()];
            let mut tokens = vec![[0; LANES]; slots.len()];
            let mut gain = [5.0; LANES];
            softmax_row(
                level,
                &tables,
                &known,
                &slots,
                &which,
                1,
                &mut sums,
                &mut weights,
                &mut tokens,
                &mut gain,
            );
            assert_eq!((sums.rows, gain), ([0; LANES], [0.0; LANES]));
            assert_eq!(
                (sums.underflow, sums.divergence),
                ([1.0; LANES], [0.0; LANES])
            );
        }
    }
}

/// Two columns that the table weighs as the float row does: whichever way 32 bits round, not below zero.
#[test]
fn a_row_that_is_the_float_row_diverges_by_nothing_and_never_less() {
    let tables = falling(Weighing::Looked, 24);
    for apart in 0..31_usize {
        let (a, b) = (f64::from(tables.values[0]), f64::from(tables.values[apart]));
        let known = Known {
            log_probability: [a, b].map(|value| (value / (a + b)).ln() as f32).to_vec(),
            clean: vec![0.0; 2],
            identity: vec![0, 1],
        };
        let slot = |code: usize, index| Slot {
            code: [code as u16; LANES],
            index: [index; LANES],
        };
        for level in Level::all() {
            let mut sums = RowSums::default();
            softmax_row(
                level,
                &tables,
                &known,
                &[slot(0, 0), slot(apart, 1)],
                &[0, 1],
                2,
                &mut sums,
                &mut [[0.0; LANES]; 2],
                &mut [[0; LANES]; 2],
                &mut [0.0; LANES],
            );
            for nats in sums.divergence {
                assert!((0.0..1e-6).contains(&nats), "{apart}: {nats}");
            }
        }
    }
}
