//! Devices with one source of noise, and heads whose sums are known.

use crate::common::*;
use topkima::base::rng::Seed;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Fraction, Lsb};
use topkima::hardware::attention::{
    Attention, AttentionParams, AvParams, Calibration, Head, Mask, Place, Prepared, Shape,
};
use topkima::hardware::converter::{FullScale, RampParams, Resolution};
use topkima::hardware::crossbar::{Chip, Crossbar, CrossbarParams, Layout};
use topkima::hardware::device::{Device, DeviceParams, Selection};
use topkima::hardware::quantise::{Matrix, QuantiseParams, Quantiser};

pub const SEED: Seed = Seed(20_260_101);

/// Columns of a chip and chips of a test: 507 904 draws of what a column has once, for the power
/// that `assert_normal` states.
pub const COLUMNS: usize = 8192;
pub const CHIPS: u64 = 62;

/// The ideal device after `change`.
pub fn ideal(change: impl FnOnce(&mut DeviceParams)) -> Device {
    let mut params = device_params("ideal");
    change(&mut params);
    checked(&params, 0.0, &Selection::default())
}

pub fn lsb(value: f64) -> Sourced<Lsb> {
    Sourced::bare(Lsb::from_si(value))
}

pub fn share(value: f64) -> Sourced<Fraction> {
    Sourced::bare(Fraction::from_si(value))
}

/// Keys of codes up to 7 on tiles of the paper's size.
pub fn lay(device: &Device, tokens: usize, d_head: usize) -> Crossbar {
    let layout = Layout {
        tokens,
        d_head,
        k_max: Some(7),
        cell: device.cell,
    };
    CrossbarParams::default().check(layout).unwrap()
}

/// A converter without steps, which shows what the comparator sees.
pub fn stepless() -> RampParams {
    RampParams {
        resolution: Resolution::Exact {},
        ..ramp_of(1.0)
    }
}

/// A one-sided ramp of 32 steps from this score.
pub fn ramp_of(full_scale: f64) -> RampParams {
    RampParams {
        full_scale: FullScale::Scores(full_scale),
        ..RampParams::default()
    }
}

/// Hardware with exact operands.
pub fn exact(ramp: RampParams, crossbar: CrossbarParams) -> AttentionParams {
    AttentionParams {
        quantise: QuantiseParams {
            q: Quantiser::Exact {},
            k: Quantiser::Exact {},
            v: Quantiser::Exact {},
        },
        crossbar,
        ramp,
        av: AvParams::Ideal {},
        ..AttentionParams::default()
    }
}

/// A head on its hardware, calibrated on itself.
pub fn prepare(
    params: &AttentionParams,
    device: &Device,
    q: Matrix,
    k: Matrix,
    v: Matrix,
) -> (Attention, Prepared) {
    let shape = Shape {
        heads: 1,
        queries: q.ncols(),
        tokens: k.nrows(),
        d_head: k.ncols(),
        d_value: v.nrows(),
    };
    let attention = params.check(shape, device).unwrap();
    let mask = Mask::default();
    let head = Head {
        q,
        k,
        v,
        mask,
        place: Place::default(),
    };
    let calibration = Calibration::of(&attention, &head, 0);
    let prepared = Prepared::of(&attention, &head, calibration, 1);
    (attention, prepared)
}

/// A head in which every query scores `score` on every key, the full scale being 1.
pub fn flat(
    params: &AttentionParams,
    device: &Device,
    score: f64,
    queries: usize,
) -> (Attention, Prepared) {
    prepare(
        params,
        device,
        Matrix::from_element(1, queries, 1.0),
        Matrix::from_element(COLUMNS, 1, score),
        Matrix::zeros(1, COLUMNS),
    )
}

/// Trips of every column and query of a trial.
pub fn trips(attention: &Attention, prepared: &Prepared, trial: u64) -> Vec<f64> {
    let chip = Chip::fabricate(SEED, trial, &attention.device, &attention.crossbar, None);
    let ladders = attention.ladders(&chip);
    let conversion = attention.convert(SEED, &chip, &ladders, 0, prepared);
    all(&conversion.trips)
}

/// Pearson's statistic of `counts` against `probabilities`, and its limit at a false alarm rate of
/// 1e-3. Neighbouring bins that expect fewer than ten are taken together.
fn pearson(counts: &[f64], probabilities: &[f64]) -> (f64, f64) {
    use statrs::distribution::{ChiSquared, ContinuousCDF};
    let n: f64 = counts.iter().sum();
    let (mut bins, mut seen, mut expected) = (Vec::new(), 0.0, 0.0);
    for (count, probability) in counts.iter().zip(probabilities) {
        (seen, expected) = (seen + count, expected + n * probability);
        if expected >= 10.0 {
            bins.push((seen, expected));
            (seen, expected) = (0.0, 0.0);
        }
    }
    let last = bins.last_mut().unwrap();
    *last = (last.0 + seen, last.1 + expected);
    let statistic = bins.iter().map(|(seen, e)| (seen - e).powi(2) / e).sum();
    let freedom = ChiSquared::new((bins.len() - 1) as f64).unwrap();
    (statistic, freedom.inverse_cdf(0.999))
}

/// Holds a histogram of codes to the law `probability(code, sigma)`, and shows that it would notice a
/// sigma 2 % off.
///
/// Power: the noncentrality of a scale error e is 2 n e^2 less what the bins lose; with n = 507 904 and
/// e = 2 % some 400, against a limit of about 45 for twenty bins. The law of a sigma 2 % off must fail.
pub fn assert_codes(
    what: &str,
    counts: &[f64],
    sigma: f64,
    probability: impl Fn(usize, f64) -> f64,
) {
    let test = |sigma: f64| {
        let law: Vec<f64> = (0..counts.len())
            .map(|code| probability(code, sigma))
            .collect();
        assert!(
            (law.iter().sum::<f64>() - 1.0).abs() < 1e-9,
            "{what}: no law"
        );
        pearson(counts, &law)
    };
    let (found, limit) = test(sigma);
    assert!(found < limit, "{what}: {found} above {limit}");
    for scale in [0.98, 1.02] {
        let (found, limit) = test(sigma * scale);
        assert!(
            found > limit,
            "{what}: blind to {scale}: {found} below {limit}"
        );
    }
}
