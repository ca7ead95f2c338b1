//! Does the error shrink as bits grow, one quantiser at a time?

use crate::setup::*;
use topkima::hardware::attention::{AttentionParams, AvParams, Mask};
use topkima::hardware::converter::{AdcParams, RampParams};
use topkima::hardware::quantise::{Clip, Quantiser};
use topkima::hardware::softmax::{Reciprocal, Table, Weights};

const SEEDS: u64 = 6;

/// Mean output error of the conventional design over heads, by value of the one thing that is not exact.
fn errors<T: Copy>(values: &[T], set: impl Fn(&mut AttentionParams, T)) -> Vec<f64> {
    let ideal = device("ideal", &[]);
    let mean = |value: &T| {
        let error = |seed| {
            let head = head(100 + seed, 24, 48, 16, Mask::default());
            let mut params = exact();
            set(&mut params, *value);
            Bench::new(&params, &ideal, &head).error(CONVENTIONAL)
        };
        (0..SEEDS).map(error).sum::<f64>() / SEEDS as f64
    };
    values.iter().map(mean).collect()
}

/// Falls at every value, and in all to below `share` of the first.
fn assert_shrinks(what: &str, errors: &[f64], share: f64) {
    assert!(
        errors.windows(2).all(|pair| pair[1] < pair[0]),
        "{what}: {errors:?}"
    );
    let (first, last) = (errors[0], errors[errors.len() - 1]);
    assert!(last < share * first, "{what}: {errors:?}");
}

fn codes(max_code: u32) -> Quantiser {
    Quantiser::Uniform {
        max_code,
        clip: Clip::AbsMax {},
    }
}

#[test]
fn error_shrinks_as_ramp_bits_grow() {
    let found = errors(&[3, 4, 5, 6, 8, 10, 12], |params, bits| {
        params.ramp = wide_ramp(bits);
    });
    assert_shrinks("ramp", &found, 5e-3);
}

#[test]
fn error_shrinks_as_operand_codes_grow() {
    let values = [3, 7, 15, 31, 127, 2047];
    let q = errors(&values, |params, max| params.quantise.q = codes(max));
    assert_shrinks("q", &q, 5e-3);
    let k = errors(&values, |params, max| params.quantise.k = codes(max));
    assert_shrinks("k", &k, 5e-3);
    let v = errors(&values, |params, max| params.quantise.v = codes(max));
    assert_shrinks("v", &v, 5e-3);
    let a = errors(&values, |params, max_code| {
        params.softmax.weights = Weights::RowMax { max_code };
    });
    assert_shrinks("a", &a, 5e-3);
}

#[test]
fn error_shrinks_as_bits_of_the_plain_adc_grow() {
    let found = errors(&[4, 5, 6, 8, 10, 13, 16], |params, bits| {
        params.av = AvParams::Tiles {
            wordlines: 24,
            adc: AdcParams::Uniform {
                bits,
                percentile: 100.0,
                noise_margin: 4.0,
            },
            columns_per_adc: 8,
        };
    });
    assert_shrinks("adc", &found, 1e-3);
}

#[test]
fn error_shrinks_as_the_table_and_the_reciprocal_grow() {
    // A ramp of 10 bits, so that the index of the table is what is coarse.
    let bare = errors(&[0], |params, _| params.ramp = wide_ramp(10))[0];
    let index = errors(&[3, 4, 5, 6, 8, 10], |params, bits| {
        params.ramp = wide_ramp(10);
        params.softmax.table = Table::Entries { bits, width: 24 };
    });
    let above: Vec<f64> = index.iter().map(|error| error - bare).collect();
    assert_shrinks("index", &above, 1e-2);
    let width = errors(&[3, 4, 6, 8, 12, 16], |params, width| {
        params.ramp = wide_ramp(12);
        params.softmax.table = Table::Entries { bits: 12, width };
    });
    assert_shrinks("width", &width, 5e-2);
    let reciprocal = errors(&[3, 5, 8, 12, 24], |params, bits| {
        params.softmax.reciprocal = Reciprocal::Bits(bits);
    });
    assert_shrinks("reciprocal", &reciprocal, 1e-4);
}

#[test]
fn recall_grows_with_the_bits_of_the_paper_s_ramp() {
    let ideal = device("ideal", &[]);
    let recall = |bits: u32| {
        let mut hits = 0;
        for seed in 0..SEEDS {
            let head = head(200 + seed, 24, 48, 16, Mask::default());
            let mut params = exact();
            params.ramp = RampParams {
                bits,
                ..RampParams::default()
            };
            let bench = Bench::new(&params, &ideal, &head);
            for (query, outcome) in bench.run(GLOBAL).iter().enumerate() {
                let wanted = &bench.prepared.true_order[query][..5];
                hits += kept(outcome)
                    .iter()
                    .filter(|token| wanted.contains(token))
                    .count();
            }
        }
        hits as f64 / (SEEDS * 24 * 5) as f64
    };
    let found = [2, 3, 4, 5, 7, 12].map(recall);
    assert!(found.windows(2).all(|pair| pair[1] > pair[0]), "{found:?}");
    // What is left above the start of the ramp, one score in a thousand positive ones, cannot be told apart.
    assert!(found[5] > 0.99, "{found:?}");
}
