//! Without quantisation and noise, is a head the float head?

use crate::setup::*;
use topkima::hardware::attention::{AvParams, Mask};
use topkima::hardware::device::{Cell, Device, Mapping};
use topkima::hardware::softmax::Weights;
use topkima::hardware::topk::Split;

const TOLERANCE: f64 = 1e-6;
const QUERIES: usize = 20;
const TOKENS: usize = 40;

/// Devices that hold exact weights, with every effect switched off, and the same on one cell a weight.
fn perfect() -> Vec<(String, Device)> {
    let mut all = Vec::new();
    for name in ["ideal", "rram-wan2022", "pcm-joshi2020", "sonos"] {
        let pair = device(name, &[]);
        let mut single = pair.clone();
        all.push((name.to_owned(), pair));
        if let Cell::Resistive { mapping, .. } = &mut single.cell {
            *mapping = Mapping::Offset {};
            all.push((format!("{name}, offset"), single));
        }
    }
    assert!(all.len() >= 7);
    all
}

#[test]
fn all_quantisers_exact_and_noise_off_equals_float_head() {
    for (name, device) in perfect() {
        for (number, mask) in masks(QUERIES, TOKENS).into_iter().enumerate() {
            let head = head(number as u64, QUERIES, TOKENS, 8, mask);
            for av in [exact().av, AvParams::Ideal {}] {
                let params = topkima::hardware::attention::AttentionParams { av, ..exact() };
                let error = Bench::new(&params, &device, &head).error(CONVENTIONAL);
                assert!(error < TOLERANCE, "{name}, mask {number}: {error}");
            }
        }
    }
}

#[test]
fn topkima_with_everything_exact_and_k_of_n_equals_full_softmax() {
    for (number, mask) in masks(QUERIES, TOKENS).into_iter().enumerate() {
        let head = head(10 + number as u64, QUERIES, TOKENS, 8, mask);
        for split in [Split::Proportional {}, Split::PerTile {}, Split::Even {}] {
            let mut params = exact();
            params.topk = top(TOKENS, split.clone());
            let bench = Bench::new(&params, &device("ideal", &[]), &head);
            for design in DESIGNS {
                let error = bench.error(design);
                assert!(error < TOLERANCE, "{design:?} {split:?} {number}: {error}");
            }
        }
    }
}

#[test]
fn k_of_n_equals_full_softmax_bit_for_bit_with_every_quantiser_and_noise() {
    for (number, mask) in masks(QUERIES, TOKENS).into_iter().enumerate() {
        let head = head(20 + number as u64, QUERIES, TOKENS, 8, mask);
        for name in ["sram-65nm", "pcm-joshi2020"] {
            let mut params = coarse();
            params.topk = top(TOKENS, Split::Proportional {});
            let bench = Bench::new(&params, &noisy(name), &head);
            let full = bench.run(CONVENTIONAL);
            for design in [GLOBAL, PER_TILE, TOPKIMA] {
                for (all, some) in full.iter().zip(bench.run(design)) {
                    assert_eq!(all.survivors, some.survivors, "{name} {design:?}");
                    assert_eq!(all.row, some.row, "{name} {design:?}");
                    assert_eq!(all.output, some.output, "{name} {design:?}");
                }
            }
        }
    }
}

#[test]
fn unit_weights_with_all_their_bits_equal_row_max_weights() {
    let head = head(30, QUERIES, TOKENS, 8, Mask::default());
    let error = |weights| {
        let mut params = exact();
        params.softmax.weights = weights;
        Bench::new(&params, &device("ideal", &[]), &head).error(CONVENTIONAL)
    };
    let (row, unit) = (
        error(Weights::RowMax { max_code: 65_535 }),
        error(Weights::Unit { max_code: 65_535 }),
    );
    assert!(row < 1e-4 && unit < 1e-3, "{row} {unit}");
}

#[test]
fn offset_mapping_with_noise_off_equals_differential_with_noise_off() {
    let head = head(40, QUERIES, TOKENS, 8, Mask::default());
    for name in ["rram-wan2022", "pcm-joshi2020", "sonos"] {
        let pair = device(name, &[]);
        let mut single = pair.clone();
        let Cell::Resistive { mapping, .. } = &mut single.cell else {
            panic!("{name} is a conductance");
        };
        *mapping = Mapping::Offset {};
        // Quantised weights in several digits; the ramp without steps shows the sums themselves.
        for max_code in [1, 7, 100] {
            let mut params = coarse();
            params.ramp = exact().ramp;
            params.quantise.k = topkima::hardware::quantise::Quantiser::Uniform {
                max_code,
                clip: topkima::hardware::quantise::Clip::AbsMax {},
            };
            let trips = |device| Bench::new(&params, device, &head).trips();
            let difference = (trips(&pair) - trips(&single)).amax();
            assert!(difference < 1e-9, "{name} {max_code}: {difference}");
            let outputs = |device| Bench::new(&params, device, &head).error(CONVENTIONAL);
            assert!((outputs(&pair) - outputs(&single)).abs() < 1e-9, "{name}");
        }
    }
}
