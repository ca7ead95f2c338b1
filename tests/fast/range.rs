//! The range of the ADC behind A x V: what it leaves to noise, in both modes and by hand.

use crate::modes::{Sample, Set};
use crate::setup::*;
use statrs::distribution::{ContinuousCDF, Normal};
use topkima::hardware::attention::{AvParams, Head, Mask, Place};
use topkima::hardware::converter::AdcParams;
use topkima::hardware::device::Effect;
use topkima::hardware::quantise::Matrix;
use topkima::study::metrics::{Metric, Values};

/// Spread of a cell of the shipped SRAM.
const MISMATCH: f64 = 0.1;
const WIDTH: usize = 32;
const TRIALS: usize = 320;

/// Code of V of a value; the largest of each token is 15.
fn code(row: usize, token: usize) -> i32 {
    if row == 0 {
        15
    } else {
        ((row * 11 + token * 7) % 31) as i32 - 15
    }
}

/// Every query meets one key of its own with a score of 40 and no other: its softmax is one token, which no
/// noise of cells takes away, and the output is that token's value as its cells hold it.
fn one_token_a_query(margin: f64) -> Scene {
    let own =
        |scale: f64| Matrix::from_fn(WIDTH, WIDTH, |a, b| scale * f64::from(u8::from(a == b)));
    let head = Head {
        q: own(40.0),
        k: own(1.0),
        v: Matrix::from_fn(WIDTH, WIDTH, |row, token| f64::from(code(row, token))),
        mask: Mask::default(),
        place: Place::default(),
    };
    let device = |scale| sram_only(&[Effect::CellMismatch], scale);
    let mut scene = Scene::new(device, vec![head]).on_tiles(WIDTH);
    scene.designs = vec![(TOPKIMA, 1)];
    if let AvParams::Tiles { adc, .. } = &mut scene.params.av {
        *adc = AdcParams::Uniform {
            bits: 8,
            percentile: 100.0,
            noise_margin: margin,
        };
    }
    scene
}

fn both(scene: &Scene, scale: f64) -> [Sample; 2] {
    let set = Set::new(scene, scale);
    [set.exact(1, TRIALS), set.fast(1, TRIALS)]
}

fn mean(sample: &Sample, of: impl Fn(&Values) -> f64) -> f64 {
    let values = &sample.values[0];
    values.iter().map(of).sum::<f64>() / values.len() as f64
}

/// A bit that conducts adds `2^b (1 + sigma n)` to its value, so the squared distance to the float output is
/// the sum over them of `4^b sigma^2`, over the sum of the squared values. The converter adds
/// `(2^b LSB / 31)^2 / 12` to each, 1e-3 of it, and at no noise it is all there is.
///
/// Power: 5000 bits a chip, of which those of the highest place count, and 320 chips: 0.2 %.
#[test]
fn more_noise_of_cells_is_as_much_more_error_of_the_output() {
    let (mut noise, mut norm) = (0.0, 0.0);
    for token in 0..WIDTH {
        for row in 0..WIDTH {
            let code = code(row, token);
            norm += f64::from(code * code);
            for bit in 0..4 {
                if code.abs() >> bit & 1 == 1 {
                    noise += f64::from(1 << (2 * bit));
                }
            }
        }
    }
    let scene = one_token_a_query(4.0);
    let mut before = [0.0; 2];
    for scale in [0.0, 1.0, 2.0, 4.0] {
        let wanted = scale * MISMATCH * (noise / norm).sqrt();
        for (mode, sample) in both(&scene, scale).iter().enumerate() {
            let square = |v: &Values| v[Metric::OutputError as usize].unwrap().powi(2);
            let found = mean(sample, square).sqrt();
            println!("mode {mode}, {scale} times the noise: {found} for {wanted}");
            assert!(
                (found - wanted).abs() < 0.01 * wanted + 1e-3,
                "{found} {wanted}"
            );
            assert!(found > before[mode] || scale == 0.0);
            before[mode] = found;
        }
    }
    // The earlier rule cuts every second sum.
    for sample in both(&one_token_a_query(0.0), 1.0) {
        let square = |v: &Values| v[Metric::OutputError as usize].unwrap().powi(2);
        let found = mean(&sample, square).sqrt();
        assert!(found < 0.9 * MISMATCH * (noise / norm).sqrt(), "{found}");
    }
}

/// A bit that conducts is 31 (1 + sigma n) and the full scale 31 (1 + z sigma), whose largest code reaches half an
/// LSB further: `P = share of bits that conduct . Q(((1 + z sigma) (127.5 / 127) - 1) / sigma)`.
#[test]
fn the_clip_rate_is_the_tail_of_the_normal_law() {
    let all = (WIDTH * WIDTH * 4) as f64;
    let conducting = (0..WIDTH * WIDTH)
        .map(|at| code(at % WIDTH, at / WIDTH).unsigned_abs().count_ones())
        .sum::<u32>();
    for (margin, scale) in [(0.0, 1.0), (1.0, 1.0), (2.0, 0.5), (1.0, 3.0)] {
        let sigma = scale * MISMATCH;
        let beyond = ((1.0 + margin * sigma) * 127.5 / 127.0 - 1.0) / sigma;
        let wanted = f64::from(conducting) / all * Normal::standard().sf(beyond);
        for sample in both(&one_token_a_query(margin), scale) {
            let found = mean(&sample, |v| v[Metric::AvClipRate as usize].unwrap());
            println!("{margin} sigma of {sigma}: {found} for {wanted}");
            assert!((found / wanted - 1.0).abs() < 0.02, "{found} for {wanted}");
        }
    }
}

#[test]
fn without_noise_nothing_is_clipped_and_the_margin_changes_no_bit() {
    let [narrow, wide] = [0.0, 4.0].map(|margin| both(&one_token_a_query(margin), 0.0));
    for (narrow, wide) in narrow.iter().zip(&wide) {
        assert_eq!(narrow.values, wide.values);
        assert_eq!(
            mean(narrow, |v| v[Metric::AvClipRate as usize].unwrap()),
            0.0
        );
    }
}
