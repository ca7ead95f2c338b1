//! Every metric of a head of two queries and four keys, worked out by hand.
//!
//! On a ramp from 192 in steps of 6 a query of 31 meets keys of 7, 5, 3 and 1 (217, 155, 93 and 31 charges) at steps 1,
//! 7, 17 and 27, the first of them above the start. A query of -31 meets none, so all read the last step, 32. Of two tiles
//! of two keys each keeps one: keys 7 and 3, where the largest are 7 and 5; of the second query addresses 0 and 2, where
//! the largest are the last two.

use crate::setup::*;
use topkima::base::units::{Joules, Picos};
use topkima::hardware::attention::{AttentionParams, AvParams, Head, HeadPrice};
use topkima::hardware::softmax::{Exponential, Reciprocal, SoftmaxParams, Table, Weights};
use topkima::hardware::topk::Split;
use topkima::study::metrics::{HeadTally, Metric, fold};

const KEYS: [f64; 4] = [7.0, 5.0, 3.0, 1.0];
const VALUES: [[f64; 2]; 4] = [[15.0, 1.0], [-4.0, 2.0], [3.0, 10.0], [7.0, -6.0]];

fn four() -> Head {
    let k = [[7], [5], [3], [1]];
    head([[31], [-31]], k, [[15, 1], [-4, 2], [3, 10], [7, -6]])
}

/// A code of Q is worth `unit`; nothing after the ramp is rounded, but A where `weights` say so.
fn answers(unit: f64, weights: Weights) -> [Answer; 2] {
    let params = AttentionParams {
        softmax: SoftmaxParams {
            exponential: Exponential::Exact {},
            table: Table::Exact {},
            weights,
            reciprocal: Reciprocal::Exact {},
        },
        av: AvParams::Ideal {},
        ..hardware(2, 192.0 * unit, 2, Split::Even {})
    };
    let bench = Bench::at(unit, &params, &ideal(|_| ()), &four());
    [bench.exact(TOPKIMA).0, bench.fast(TOPKIMA)]
}

fn value(answer: &Answer, metric: Metric) -> f64 {
    answer.values[metric as usize].unwrap()
}

fn holds(answer: &Answer, metric: Metric, expected: f64) {
    let found = value(answer, metric);
    let close = (found - expected).abs() <= 3e-6 * expected.abs().max(0.1);
    assert!(close, "{}: {found} for {expected}", metric.name());
}

/// Weights of a row whose exponents are these.
fn softmax(exponents: &[f64]) -> Vec<f64> {
    let sum: f64 = exponents.iter().map(|x| x.exp()).sum();
    exponents.iter().map(|x| x.exp() / sum).collect()
}

#[test]
fn selection_and_steps() {
    for answer in answers(1.0 / 62.0, Weights::Exact {}) {
        // Of keys 7 and 5 one is kept; of the second query's last two, address 2.
        holds(&answer, Metric::Recall, 0.5);
        // Stops 1 and 17, 32 and 32, of 32 steps.
        holds(&answer, Metric::StopStep, 82.0 / 4.0);
        holds(&answer, Metric::Alpha, 82.0 / 4.0 / 32.0);
        holds(&answer, Metric::AlphaSlowest, (17.0 + 32.0) / 2.0 / 32.0);
        // Both tiles of the second query hold two columns in their last step, for one place.
        holds(&answer, Metric::TieRate, 0.5);
        // 217 of eight pairs lies above the start.
        holds(&answer, Metric::ClipRate, 1.0 / 8.0);
        let counted: Vec<usize> = (0..answer.stops.len())
            .filter(|at| answer.stops[*at] > 0)
            .collect();
        assert_eq!(counted, [1, 17, 32]);
        assert_eq!(answer.stops[32], 2);
    }
}

/// Depth of a survivor less the middle of its step, in steps.
#[test]
fn errors_of_codes() {
    let survivors = [(217.0, 1.0), (93.0, 17.0), (-217.0, 32.0), (-93.0, 32.0)];
    let errors = survivors.map(|(charge, step)| (192.0 - charge) / 6.0 - (step - 0.5));
    let mean = errors.iter().sum::<f64>() / 4.0;
    let square = errors.iter().map(|e| e * e).sum::<f64>() / 4.0;
    for answer in answers(1.0 / 62.0, Weights::Exact {}) {
        holds(&answer, Metric::CodeErrorLsb, mean);
        holds(&answer, Metric::CodeErrorRmsLsb, square.sqrt());
    }
}

/// Sixteen steps of 6/62 between the survivors of the first query, none between those of the second.
#[test]
fn divergence_and_output_error_against_the_float_softmax() {
    let (mut divergence, mut difference, mut norm) = (0.0, 0.0, 0.0);
    let step = 6.0 / 62.0;
    for (sign, exponents) in [(1.0, [0.0, -16.0 * step]), (-1.0, [0.0, 0.0])] {
        let float = softmax(&KEYS.map(|key| sign * key / 2.0));
        let own = softmax(&exponents);
        for (weight, token) in own.iter().zip([0, 2]) {
            divergence += weight * (weight / float[token]).ln() / 2.0;
        }
        for column in 0..2 {
            let wanted: f64 = float.iter().zip(&VALUES).map(|(p, v)| p * v[column]).sum();
            let found = own[0] * VALUES[0][column] + own[1] * VALUES[2][column];
            difference += (found - wanted).powi(2);
            norm += wanted.powi(2);
        }
    }
    for answer in answers(1.0 / 62.0, Weights::Exact {}) {
        holds(&answer, Metric::Divergence, divergence);
        holds(&answer, Metric::OutputError, (difference / norm).sqrt());
        holds(&answer, Metric::AUnderflow, 0.0);
    }
}

/// Sixteen steps that come to 4.2: exp(-4.2) = 0.015 of the largest weight is less than half a code of 31 and is lost.
#[test]
fn mass_that_rounds_to_zero() {
    let lost = softmax(&[0.0, -4.2])[1];
    assert!(lost > 0.014 && lost * 31.0 < 0.5);
    for answer in answers(4.2 / 96.0, Weights::RowMax { max_code: 31 }) {
        holds(&answer, Metric::AUnderflow, lost / 2.0);
    }
}

/// 2 n_q n (d + d_v) operations over the time and the energy of the head.
#[test]
fn operations_a_second_and_a_joule() {
    let operations = f64::from(2 * 2 * 4 * (1 + 2));
    for answer in answers(1.0 / 62.0, Weights::Exact {}) {
        let picoseconds = answer.makespan.get() as f64;
        holds(&answer, Metric::LatencyNs, picoseconds / 1000.0);
        holds(&answer, Metric::EnergyPj, answer.energy * 1e12);
        holds(&answer, Metric::Tops, operations / picoseconds);
        holds(
            &answer,
            Metric::TopsPerW,
            operations / answer.energy * 1e-12,
        );
        assert!(value(&answer, Metric::EnergyPjLow) < value(&answer, Metric::EnergyPj));
        assert!(value(&answer, Metric::EnergyPjHigh) > value(&answer, Metric::EnergyPj));
    }
}

/// What a design does not choose has no recall, and what does not choose inside tiles no ties.
#[test]
fn numbers_without_a_meaning_are_none() {
    let params = hardware(2, 192.0, 2, Split::Even {});
    for (datapath, chooses, in_tiles) in [
        (CONVENTIONAL, false, false),
        (GLOBAL, true, false),
        (PER_TILE, true, true),
        (TOPKIMA, true, true),
    ] {
        for answer in both(&params, &ideal(|_| ()), &four(), datapath) {
            let has = |metric: Metric| answer.values[metric as usize].is_some();
            assert_eq!(has(Metric::Recall), chooses, "{datapath:?}");
            assert_eq!(has(Metric::TieRate), in_tiles, "{datapath:?}");
            assert!(has(Metric::Alpha) && has(Metric::OutputError) && has(Metric::LatencyNs));
        }
    }
    // 28 000 operations in 3.5 ns and 2 pJ: 8 operations a picosecond, 14 000 a picojoule.
    let cost = HeadPrice {
        latency: Picos::new(3500),
        interval: Picos::new(500),
        energy: [2e-12, 1e-12, 4e-12].map(Joules::from_si),
        operations: 28_000,
    };
    let values = fold(&[HeadTally::of_cost(cost)]);
    for metric in Metric::ALL {
        let expected = match metric {
            Metric::LatencyNs => Some(3.5),
            Metric::IntervalNs => Some(0.5),
            Metric::EnergyPj => Some(2.0),
            Metric::EnergyPjLow => Some(1.0),
            Metric::EnergyPjHigh => Some(4.0),
            Metric::Tops => Some(8.0),
            Metric::TopsPerW => Some(14_000.0),
            _ => None,
        };
        match (values[metric as usize], expected) {
            (Some(value), Some(expected)) => {
                approx::assert_relative_eq!(value, expected, max_relative = 1e-12);
            }
            (value, expected) => assert_eq!(value, expected, "{}", metric.name()),
        }
    }
}

/// Rates go over the queries of all heads; the output error is that of each head, averaged.
#[test]
fn heads_are_folded_query_by_query_and_their_output_errors_averaged() {
    let of = |head: &Head| {
        let params = hardware(2, 192.0, 2, Split::Even {});
        both(&params, &ideal(|_| ()), head, TOPKIMA)
    };
    // The second head holds the first query alone.
    let mut one = four();
    one.q = one.q.columns(0, 1).into_owned();
    for (two, one) in of(&four()).into_iter().zip(of(&one)) {
        let values = fold(&[two.tally.clone(), one.tally.clone()]);
        let both = |metric: Metric| [value(&two, metric), value(&one, metric)];
        let close = |metric: Metric, expected: f64| {
            let found = values[metric as usize].unwrap();
            assert!(
                (found - expected).abs() < 1e-6,
                "{}: {found} {expected}",
                metric.name()
            );
        };
        close(Metric::Recall, 0.5);
        close(Metric::TieRate, 2.0 / 6.0);
        close(Metric::ClipRate, 2.0 / 12.0);
        close(Metric::StopStep, (82.0 + 18.0) / 6.0);
        let errors = both(Metric::OutputError);
        assert!((errors[0] - errors[1]).abs() > 1e-3, "{errors:?}");
        close(Metric::OutputError, (errors[0] + errors[1]) / 2.0);
        let latencies = both(Metric::LatencyNs);
        close(Metric::LatencyNs, (latencies[0] + latencies[1]) / 2.0);
    }
}

/// What is masked is no work: of two queries on four keys one sees all and one the first two, 6 pairs of 3 dimensions.
#[test]
fn operations_are_those_of_live_pairs() {
    let unit = 1.0 / 62.0;
    let params = AttentionParams {
        av: AvParams::Ideal {},
        ..hardware(2, 192.0 * unit, 2, Split::Even {})
    };
    let mut head = four();
    head.mask.pairs = Some([true, true, true, true, true, true, false, false].into());
    let bench = Bench::at(unit, &params, &ideal(|_| ()), &head);
    for answer in [bench.exact(TOPKIMA).0, bench.fast(TOPKIMA)] {
        let operations = f64::from(2 * 6 * (1 + 2));
        holds(
            &answer,
            Metric::Tops,
            operations / answer.makespan.get() as f64,
        );
        holds(
            &answer,
            Metric::TopsPerW,
            operations / answer.energy * 1e-12,
        );
    }
}
