//! The full scale of the ADC behind A x V, against sums and sigmas taken by hand.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Fraction, WeightLsb};
use topkima::hardware::attention::{AttentionParams, AvParams, Finish, Head, Mask, Place};
use topkima::hardware::converter::AdcParams;
use topkima::hardware::device::{Device, Effect, ProgrammingParams};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::topk::Split;

/// One query of one score on `k` keys whose values are all the largest: every bit's column sums `31 k`.
fn full_scale(device: &Device, k: usize, margin: f64) -> f64 {
    let head = Head {
        q: Matrix::from_element(1, 1, 1.0),
        k: Matrix::from_element(k, 1, 1.0),
        v: Matrix::from_element(2, k, 1.0),
        mask: Mask::default(),
        place: Place::default(),
    };
    let params = AttentionParams {
        topk: top(k, Split::Proportional {}),
        av: AvParams::Tiles {
            wordlines: 256,
            adc: AdcParams::Uniform {
                bits: 8,
                percentile: 100.0,
                noise_margin: margin,
            },
            columns_per_adc: 8,
        },
        ..AttentionParams::default()
    };
    let bench = Bench::new(&params, device, &head);
    let adc = Finish::load(&bench.attention, TOPKIMA, 0, &bench.prepared).adc;
    adc.unwrap().lsb * 127.0
}

fn assert_scale(device: &Device, k: usize, wanted: f64) {
    let found = full_scale(device, k, 4.0);
    assert!((found / wanted - 1.0).abs() < 1e-8, "{found} for {wanted}");
    // Without a margin it is the clean sum, on any device.
    assert!((full_scale(device, k, 0.0) / (31.0 * k as f64) - 1.0).abs() < 1e-12);
}

#[test]
fn of_an_ideal_device_it_is_the_largest_sum() {
    let ideal = device("ideal", &[]);
    assert_scale(&ideal, 1, 31.0);
    assert_eq!(full_scale(&ideal, 3, 4.0), full_scale(&ideal, 3, 0.0));
}

/// 10 % a cell: 31 (k + 4 . 0.1 . sqrt k).
#[test]
fn mismatch_adds_four_sigma_of_the_rows_driven() {
    let sram = device("sram-65nm", &[Effect::CellMismatch]);
    assert_scale(&sram, 1, 43.4);
    assert_scale(&sram, 4, 148.8);
    let louder = topkima::hardware::device::Selection {
        noise_scale: 4.0,
        ..only(&[Effect::CellMismatch])
    };
    assert_scale(&checked(&device_params("sram-65nm"), 0.0, &louder), 1, 80.6);
}

/// The write of a half misses by 5 % of its conductance: 20 uS and 0.2 uS at the ends of a window of 19.8 uS.
#[test]
fn a_proportional_write_adds_four_sigma_of_both_halves() {
    let template = device("template", &[Effect::Programming]);
    let sigma = (1.0_f64.powi(2) + 0.01_f64.powi(2)).sqrt() / 19.8;
    assert_scale(&template, 1, 31.0 * (1.0 + 4.0 * sigma));
}

/// A level of 1 reads 0 with its upper half stuck off, one less with its lower half stuck on: mean 1 - off - on,
/// variance off (1 - off) + on (1 - on).
#[test]
fn stuck_halves_lower_the_mean_and_add_their_variance() {
    let mut params = device_params("ideal");
    params.stuck_at.off = Sourced::bare(Fraction::from_si(0.01));
    params.stuck_at.on = Sourced::bare(Fraction::from_si(0.02));
    let stuck = checked(
        &params,
        0.0,
        &topkima::hardware::device::Selection::default(),
    );
    let sigma = (0.01_f64 * 0.99 + 0.02 * 0.98).sqrt();
    assert_scale(&stuck, 1, 31.0 * (0.97 + 4.0 * sigma));
}

/// An error of a weight lies on its lowest bit: 31 (1 + 4 . 0.3).
#[test]
fn an_error_a_weight_widens_the_range_of_its_lowest_bit() {
    let mut params = device_params("ideal");
    params.programming = ProgrammingParams::Additive {
        sigma: Sourced::bare(WeightLsb::from_si(0.3)),
    };
    let additive = checked(
        &params,
        0.0,
        &topkima::hardware::device::Selection::default(),
    );
    assert_scale(&additive, 1, 68.2);
}

#[test]
fn an_exact_adc_converts_nothing_and_clips_nothing() {
    let params = AttentionParams {
        av: AvParams::Tiles {
            wordlines: 16,
            adc: AdcParams::Exact {},
            columns_per_adc: 8,
        },
        ..coarse()
    };
    let sram = noisy("sram-65nm");
    let bench = Bench::new(&params, &sram, &head(1, 4, 24, 16, Mask::default()));
    for outcome in bench.run(TOPKIMA) {
        assert_eq!((outcome.conversions, outcome.beyond), (0, 0));
    }
}

#[test]
fn every_column_of_every_driven_tile_is_converted() {
    let params = AttentionParams {
        av: AvParams::Tiles {
            wordlines: 16,
            adc: AdcParams::default(),
            columns_per_adc: 8,
        },
        ..coarse()
    };
    let bench = Bench::new(
        &params,
        &device("ideal", &[]),
        &head(1, 4, 48, 16, Mask::default()),
    );
    for outcome in bench.run(TOPKIMA) {
        let driven = outcome.trace.value_rows.iter().filter(|rows| **rows > 0);
        // 16 values of 4 bits.
        assert_eq!(outcome.conversions, 64 * driven.count() as u64);
    }
}
