//! PCM, RRAM and SONOS against their publications.

use crate::cells::*;
use crate::common::*;
use crate::published::*;
use topkima::base::units::Seconds;
use topkima::hardware::crossbar::{Chip, Keys};
use topkima::hardware::device::{Effect, Selection};
use topkima::hardware::quantise::Matrix;

/// 49 152 cells a level: the standard deviation is known to 1/sqrt(2n) = 0.32 %, so 2 % is six sigma.
fn assert_spread(what: &str, cells: &[f64], mean: f64, sigma: f64) {
    let (found_mean, found) = moments(cells);
    assert!(
        (found / sigma - 1.0).abs() < 0.02,
        "{what}: sigma {found}, published {sigma}"
    );
    let error = 5.0 * sigma / (cells.len() as f64).sqrt();
    assert!(
        (found_mean - mean).abs() < error,
        "{what}: mean {found_mean}, published {mean}"
    );
}

#[test]
fn cells_reproduce_the_published_sigma_at_seven_levels() {
    let written = only(&[Effect::Programming]);
    for (at, age) in [1.0, DAY, 2.0 * DAY].into_iter().enumerate() {
        for (g, cells) in programmed("rram-wan2022", age, &written, 0) {
            let (mean, sigma) = clipped_normal(g, rram_sigma(g, at));
            assert_spread(&format!("RRAM {g} uS at {age} s"), &cells, mean, sigma);
        }
    }
    for (g, cells) in programmed("pcm-joshi2020", 0.0, &written, 0) {
        let (mean, sigma) = clipped_normal(g, pcm_sigma(g));
        assert_spread(&format!("PCM {g} uS"), &cells, mean, sigma);
    }
    // With the mean drift: the published sigma is that of cells around the drifted mean.
    let aged = only(&[Effect::Programming, Effect::Drift]);
    for day in [0, 1, 3] {
        for (g, cells) in programmed("sonos", day as f64 * DAY, &aged, 0) {
            let (i, cells) = (
                g * 200.0,
                cells.iter().map(|g| g * 200.0).collect::<Vec<_>>(),
            );
            let mean = i + sonos_shift(i, day);
            let (mean, sigma) = clipped_normal(mean, sonos_sigma(mean, day).max(1e-9));
            // The lowest level draws no current and has no spread at the time of the write.
            if sigma > 0.1 {
                assert_spread(&format!("SONOS {i} nA, day {day}"), &cells, mean, sigma);
            }
        }
    }
}

#[test]
fn formulas_of_the_files_equal_the_published_ones() {
    let close = |found: f64, published: f64| {
        assert!(
            (found - published).abs() <= 1e-12 * published.abs().max(1e-3),
            "{found} {published}"
        )
    };
    let spread = |name, age| checked(&device_params(name), age, &Selection::default());
    for step in 0..=10 {
        let x = f64::from(step) / 10.0;
        for (at, age) in [1.0, DAY, 2.0 * DAY].into_iter().enumerate() {
            close(
                spread("rram-wan2022", age).programming.sigma(x, x) * 40.0,
                rram_sigma(40.0 * x, at),
            );
        }
        close(
            spread("pcm-joshi2020", 0.0).programming.sigma(x, x) * 25.0,
            pcm_sigma(25.0 * x),
        );
        for day in [0, 1, 3] {
            let sonos = spread("sonos", day as f64 * DAY);
            close(
                sonos.programming.sigma(x, x) * 1600.0,
                sonos_sigma(1600.0 * x, day),
            );
            let noise = 12.58037 * (1.0 - (-1600.0 * x / 215.36557).exp());
            close(sonos.read.sigma(x, x) * 1600.0, noise);
        }
        let hour = spread("pcm-joshi2020", 3600.0).read.sigma(0.9 * x, x);
        let q = (0.0088 / x.powf(0.65).max(1e-3)).min(0.2);
        close(
            hour,
            0.9 * x * q * ((3600.0 + 20.0 + 250e-9) / 500e-9_f64).ln().sqrt(),
        );
    }
}

#[test]
fn pairs_carry_the_spread_of_both_halves() {
    for (name, max, min) in [("rram-wan2022", 40.0, 1.0), ("pcm-joshi2020", 25.0, 0.25)] {
        let sigma = |g: f64| {
            if name == "rram-wan2022" {
                rram_sigma(g, 0)
            } else {
                pcm_sigma(g)
            }
        };
        let device = checked(&device_params(name), 1.0, &only(&[Effect::Programming]));
        let crossbar = layout(&device, 256, 192, 7);
        let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
        for code in [-7, -4, 0, 2, 5] {
            let codes = Matrix::from_element(256, 192, f64::from(code));
            let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
            let g = min + f64::from(code).abs() / 7.0 * (max - min);
            let halves = [
                clipped_normal(g, sigma(g)).1,
                clipped_normal(min, sigma(min)).1,
            ];
            let expected = halves[0].hypot(halves[1]) * 7.0 / (max - min);
            let (_, found) = moments(&all(&keys.weights));
            assert!(
                (found / expected - 1.0).abs() < 0.02,
                "{name} {code}: {found} {expected}"
            );
        }
    }
}

#[test]
fn drift_is_the_identity_at_age_zero() {
    for name in ["pcm-joshi2020", "sonos"] {
        let written = programmed(name, 0.0, &only(&[Effect::Programming]), 0);
        let aged = programmed(name, 0.0, &only(&[Effect::Programming, Effect::Drift]), 0);
        assert_eq!(written, aged, "{name}");
    }
}

#[test]
fn pcm_mean_follows_the_power_law() {
    for age in [3600.0, DAY] {
        let log = ((age + 20.0) / 20.0_f64).ln();
        for (g, cells) in programmed("pcm-joshi2020", age, &only(&[Effect::Drift]), 0) {
            let (nu, spread) = pcm_exponent(g);
            let (mean, sigma) = folded_normal(nu, spread);
            let exponents: Vec<f64> = cells.iter().map(|now| -(now / g).ln() / log).collect();
            assert_spread(&format!("PCM exponent at {g} uS"), &exponents, mean, sigma);
            // E[exp(-nu log)] of a normal exponent; folding matters only at low levels.
            if nu / spread > 4.0 {
                let expected = g * (-nu * log + (spread * log).powi(2) / 2.0).exp();
                let (found, _) = moments(&cells);
                assert!(
                    (found / expected - 1.0).abs() < 0.002,
                    "{g} uS: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn sonos_mean_follows_the_published_polynomial() {
    for day in [1, 3] {
        for (g, cells) in programmed("sonos", day as f64 * DAY, &only(&[Effect::Drift]), 0) {
            let i = g * 200.0;
            let expected = (i + sonos_shift(i, day)).max(0.0);
            for now in cells {
                assert!(
                    (now * 200.0 - expected).abs() < 1e-6,
                    "{i} nA: {now} {expected}"
                );
            }
        }
    }
    let beyond = device_params("sonos").check(Seconds::from_si(6.0 * DAY), &Selection::default());
    assert!(beyond.is_err(), "measured up to five days");
}

/// 4 % is the published share that is read wrong. Of four levels at equal distances, read at thresholds half way, a
/// share of 1.5 Q(1/2s) is wrong, s the spread in distances, and of the bits of a Gray code half as large a share: the
/// published number is one of the two, and a spread of 9 % of the range lies between them.
#[test]
fn the_generic_fefet_reads_more_levels_and_fewer_bits_wrong_than_its_source() {
    use statrs::distribution::{ContinuousCDF, Normal};
    let fefet = checked(&device_params("fefet"), 0.0, &Selection::default());
    let [g_max, g_min] = fefet.conductances.unwrap().map(|g| g.si());
    // Of the range, from the sigma of a level over g_max.
    let sigma = fefet.programming.sigma(0.5, 0.5) * g_max / (g_max - g_min);
    assert!((sigma - 0.09).abs() < 1e-12, "{sigma}");
    let beyond = Normal::standard().sf(0.5 / (3.0 * sigma));
    let (levels, bits) = (1.5 * beyond, 0.75 * beyond);
    assert!(bits < 0.04 && 0.04 < levels, "{bits} {levels}");
    // The ends that follow for either, 8.6 and 10.3 %, by the inverse of the same law.
    let derived = |share: f64| 0.5 / (3.0 * -Normal::standard().inverse_cdf(0.04 / share));
    let [of_levels, of_bits] = [1.5, 0.75].map(derived);
    assert!((of_levels - 0.086).abs() < 5e-4 && (of_bits - 0.103).abs() < 5e-4);
    assert!(of_levels < sigma && sigma < of_bits);
    // And the cells of a chip have it.
    for (g, cells) in programmed("fefet", 0.0, &only(&[Effect::Programming]), 0) {
        let (mean, sigma) = clipped_normal(g, 0.081);
        assert_spread(&format!("FeFET {g} uS"), &cells, mean, sigma);
    }
}
