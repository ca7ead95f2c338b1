//! What the integration tests share: device files with their includes, exact hardware, runs, and statistics.

#![allow(dead_code, unused_imports, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

#[cfg(feature = "cli")]
mod command;
#[cfg(feature = "cli")]
pub use command::*;
use topkima::base::units::Seconds;
use topkima::hardware::attention::{AttentionParams, AvParams};
use topkima::hardware::converter::{AdcParams, RampParams, Resolution};
use topkima::hardware::crossbar::CrossbarParams;
use topkima::hardware::device::{Device, DeviceParams, Effect, Selection};
use topkima::hardware::quantise::{Matrix, QuantiseParams, Quantiser};
use topkima::hardware::softmax::{Exponential, Reciprocal, SoftmaxParams, Table, Weights};
use topkima::hardware::topk::TopkParams;

/// The device files that are shipped.
pub const DEVICES: [&str; 7] = [
    "ideal",
    "sram-65nm",
    "rram-wan2022",
    "pcm-joshi2020",
    "sonos",
    "fefet",
    "template",
];

/// Days in seconds.
pub const DAY: f64 = 86_400.0;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("device_params")
}

/// Keys of `over` replace those of `under`, deep.
pub fn merge(under: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// A device file with its includes merged: its table and its grades.
pub fn device_table(name: &str) -> (toml::Table, toml::Table) {
    let read = |path: PathBuf| -> toml::Table {
        let text = fs::read_to_string(&path).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let mut own = read(folder().join(format!("{name}.toml")));
    let mut table = toml::Table::new();
    for include in own
        .remove("include")
        .map_or(Vec::new(), |list| list.as_array().unwrap().clone())
    {
        merge(&mut table, read(folder().join(include.as_str().unwrap())));
    }
    merge(&mut table, own);
    let grades = table.remove("grades").map_or(toml::Table::new(), |grades| {
        grades.as_table().unwrap().clone()
    });
    (table, grades)
}

/// The parameters in a merged table.
pub fn typed(table: toml::Table) -> DeviceParams {
    let text = toml::to_string(&table).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// A shipped device file.
pub fn device_params(name: &str) -> DeviceParams {
    typed(device_table(name).0)
}

/// A selection that leaves only these effects.
pub fn only(effects: &[Effect]) -> Selection {
    Selection {
        only: Some(effects.to_vec()),
        ..Selection::default()
    }
}

/// A checked device.
pub fn checked(params: &DeviceParams, age: f64, selection: &Selection) -> Device {
    params
        .check(Seconds::from_si(age), selection)
        .unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}", params.name))
}

/// Mean and standard deviation.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (mean, (square / (n - 1.0)).sqrt())
}

/// The values of a matrix, column by column.
pub fn all(matrix: &Matrix) -> Vec<f64> {
    matrix.as_slice().to_vec()
}

/// Kolmogorov-Smirnov distance from a law, times sqrt(n): above 1.95 with probability 1e-3.
pub fn ks(values: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted
        .iter()
        .enumerate()
        .fold(0.0_f64, |worst, (rank, &x)| {
            let below = cdf(x);
            worst
                .max((below - rank as f64 / n).abs())
                .max(((rank + 1) as f64 / n - below).abs())
        });
    distance * n.sqrt()
}

/// Critical value of [`ks`] at a false alarm rate of 1e-3; seeds are fixed, so a test never flickers.
pub const KS_LIMIT: f64 = 1.95;

/// Holds `values` to the normal law, and shows that it would notice a sigma 2 % off.
///
/// Power: a scale error of 2 % moves the normal cdf by max x phi(x) 0.02 = 0.00484. With n = 500 000
/// that is 3.42 / sqrt(n) against a limit of 1.95, whose statistic spreads by sqrt(Phi (1 - Phi)) = 0.37 at
/// x = 1: found with 4 standard deviations to spare. The same draws stretched by 2 % either way must fail.
pub fn assert_normal(what: &str, values: &[f64], sigma: f64) {
    use statrs::distribution::{ContinuousCDF, Normal};
    assert!(values.len() >= 500_000, "{what}: {} draws", values.len());
    let normal = Normal::standard();
    let distance = |scale: f64| ks(values, |x| normal.cdf(x / (sigma * scale)));
    let found = distance(1.0);
    assert!(
        found < KS_LIMIT,
        "{what}: {found}, moments {:?}",
        moments(values)
    );
    for scale in [0.98, 1.02] {
        assert!(distance(scale) > KS_LIMIT, "{what}: blind to {scale}");
    }
    let (mean, deviation) = moments(values);
    let error = sigma / (values.len() as f64).sqrt();
    assert!(mean.abs() < 4.0 * error, "{what}: mean {mean}");
    assert!(
        (deviation / sigma - 1.0).abs() < 0.005,
        "{what}: {deviation} for {sigma}"
    );
}

/// Mean and standard deviation of max(0, m + s n).
pub fn clipped_normal(m: f64, s: f64) -> (f64, f64) {
    use statrs::distribution::{Continuous, ContinuousCDF, Normal};
    let (inside, edge) = (
        Normal::standard().cdf(m / s),
        s * Normal::standard().pdf(m / s),
    );
    let mean = m * inside + edge;
    let square = (m * m + s * s) * inside + m * edge;
    (mean, (square - mean * mean).sqrt())
}

/// Mean and standard deviation of |m + s n|.
pub fn folded_normal(m: f64, s: f64) -> (f64, f64) {
    use statrs::distribution::{Continuous, ContinuousCDF, Normal};
    let z = m / s;
    let mean = 2.0 * s * Normal::standard().pdf(z) + m * (1.0 - 2.0 * Normal::standard().cdf(-z));
    (mean, (m * m + s * s - mean * mean).sqrt())
}

/// Every quantiser, table, ramp and converter exact, on tiles of so many bitlines for K and wordlines for V.
pub fn exact_on(bitlines: usize, wordlines: usize, topk: TopkParams) -> AttentionParams {
    AttentionParams {
        quantise: QuantiseParams {
            q: Quantiser::Exact {},
            k: Quantiser::Exact {},
            v: Quantiser::Exact {},
        },
        crossbar: CrossbarParams {
            bitlines,
            ..CrossbarParams::default()
        },
        ramp: RampParams {
            resolution: Resolution::Exact {},
            ..RampParams::default()
        },
        topk,
        softmax: SoftmaxParams {
            exponential: Exponential::Exact {},
            table: Table::Exact {},
            weights: Weights::Exact {},
            reciprocal: Reciprocal::Exact {},
        },
        av: AvParams::Tiles {
            wordlines,
            adc: AdcParams::Exact {},
            columns_per_adc: 8,
        },
        ..AttentionParams::default()
    }
}
