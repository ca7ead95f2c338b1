//! What a write leaves in the cells of K, who shares what was prepared, and what calibration rows are counted for.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Fraction, Lsb};
use topkima::hardware::attention::{AttentionParams, Few, Mask, Shape};
use topkima::hardware::crossbar::{Chip, Crossbar, CrossbarParams, Keys, Layout, why_not_normal};
use topkima::hardware::device::{CellParams, Device, DeviceParams, Effect, ReadParams, Selection};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::softmax::{Exponential, Table};
use topkima::hardware::topk::Split;

/// Codes -7..7 in a row.
fn codes() -> Matrix {
    Matrix::from_fn(1, 15, |_, at| at as f64 - 7.0)
}

fn crossbar(device: &Device) -> Crossbar {
    let layout = Layout {
        tokens: 1,
        d_head: 15,
        k_max: Some(7),
        cell: device.cell,
    };
    CrossbarParams::default().check(layout).unwrap()
}

/// Three ternary cells hold a weight at places 1, 2 and 4; each that conducts misses by its own sigma.
#[test]
fn mismatch_adds_up_over_the_cells_that_conduct() {
    let device = checked(
        &device_params("sram-65nm"),
        0.0,
        &only(&[Effect::CellMismatch]),
    );
    let sigma = device.cell.spread();
    assert!(sigma > 0.0);
    let law = crossbar(&device).law(&device, &codes());
    // 7 = 1 + 2 + 4, 6 = 2 + 4, 5 = 1 + 4, and so on; squares of the places.
    let squares = [0.0, 1.0, 4.0, 5.0, 16.0, 17.0, 20.0, 21.0];
    for (at, variance) in law.variance.iter().enumerate() {
        let expected = sigma * sigma * squares[at.abs_diff(7)];
        assert!(
            (variance - expected).abs() < 1e-9 * (1.0 + expected),
            "{at}"
        );
    }
}

/// A pair of conductances between the floor f and 1, read with a noise of r of each: code c of 7 is one cell at
/// g = f + |c|/7 (1 - f) beside one at f, and a weight is 7 (g - f) / (1 - f).
#[test]
fn a_read_of_k_has_the_variance_of_both_its_cells() {
    let r = 0.05;
    let mut params = device_params("rram-wan2022");
    params.read = ReadParams::Proportional {
        sigma: Sourced::bare(Fraction::from_si(r)),
    };
    if let CellParams::Resistive { bits_per_cell, .. } = &mut params.cell {
        *bits_per_cell = Sourced::bare(4);
    }
    let program = |device: &Device| {
        let crossbar = crossbar(device);
        let chip = Chip::fabricate(SEED, 0, device, &crossbar, None);
        Keys::program(SEED, 0, &chip, device, &crossbar, &codes()).value
    };
    let device = checked(&params, 0.0, &only(&[Effect::DeviceRead]));
    let f = device.cell.floor();
    assert!(f > 0.01);
    let keys = program(&device);
    let variances = keys.read_variance.unwrap();
    for (at, (variance, weight)) in variances.iter().zip(&keys.weights).enumerate() {
        let code = at as f64 - 7.0;
        assert!((weight - code).abs() < 1e-12, "{weight}");
        let g = f + code.abs() / 7.0 * (1.0 - f);
        let expected = 49.0 * r * r * (g * g + f * f) / (1.0 - f).powi(2);
        assert!(
            (variance / expected - 1.0).abs() < 1e-12,
            "{code}: {variance} {expected}"
        );
    }
    let quiet = checked(&params, 0.0, &only(&[Effect::Programming]));
    assert_eq!(program(&quiet).read_variance, None);
}

/// The fast trial draws sums, so it takes devices whose errors add up normally, and says why not of all others.
#[test]
fn errors_that_add_up_have_a_law_and_others_a_reason() {
    let reason = |change: &dyn Fn(&mut DeviceParams)| why_not_normal(&ideal(change));
    let shipped = |name: &str| checked(&device_params(name), 0.0, &Selection::default());
    assert_eq!(why_not_normal(&shipped("sram-65nm")), None);
    assert_eq!(reason(&|_| {}), None);
    let half = || Sourced::bare(Fraction::from_si(0.5));
    assert_eq!(
        reason(&|p| p.stuck_at.off = half()),
        Some("cells are stuck")
    );
    assert_eq!(reason(&|p| p.stuck_at.on = half()), Some("cells are stuck"));
    let read = ReadParams::Proportional { sigma: half() };
    assert_eq!(
        reason(&|p| p.read = read.clone()),
        Some("read noise depends on what was written")
    );
    assert_eq!(
        why_not_normal(&shipped("rram-wan2022")),
        Some("cells are conductances, drawn half by half")
    );
}

/// Keys 1, 3, 2 and -1, of which the third is hidden: a query of 1 scores 1, 3 and -1, a query of -1 -1, -3 and 1.
#[test]
fn positive_scores_are_counted_among_the_live() {
    let mut rows = head([[1], [-1]], [[1], [3], [2], [-1]], [[0]; 4]);
    rows.mask = Mask {
        tokens: Some([true, true, false, true].into()),
        ..Mask::default()
    };
    let counted = Few::count(&rows);
    assert_eq!(counted, [[2, 3], [1, 3]]);
    // A query that sees no more keys than it may keep has enough whatever their scores.
    for (k, few) in [(1, 0), (2, 1), (3, 0)] {
        assert_eq!(Few::of(0, k, &counted).few, few, "k = {k}");
    }
}

/// What is prepared before noise is shared by hardware that differs in noise alone.
#[test]
fn heads_are_prepared_alike_where_only_noise_differs() {
    let attention = |params: &AttentionParams, device: &Device| {
        let shape = Shape {
            heads: 1,
            queries: 2,
            tokens: 4,
            d_head: 1,
            d_value: 1,
        };
        params.check(shape, device).unwrap()
    };
    let params = hardware(256, 8.0, 2, Split::Proportional {});
    let shipped = checked(&device_params("sram-65nm"), 0.0, &Selection::default());
    let quiet = attention(&params, &ideal(|_| {}));
    let noisy = attention(
        &params,
        &ideal(|params| params.column.noise = Sourced::bare(Lsb::from_si(0.5))),
    );
    assert!(quiet.prepares_like(&noisy) && noisy.prepares_like(&quiet));
    let fewer = hardware(256, 8.0, 1, Split::Proportional {});
    assert!(quiet.prepares_like(&attention(&fewer, &quiet.device)));
    for other in [
        hardware(2, 8.0, 2, Split::Proportional {}),
        hardware(256, 9.0, 2, Split::Proportional {}),
    ] {
        assert!(!quiet.prepares_like(&attention(&other, &quiet.device)));
    }
    assert!(!quiet.prepares_like(&attention(&params, &shipped)));
}

/// Scores of 217, 155, 93 and 31 on a ramp from 256 down in 32 steps of 8: each is read in the middle of its step, as
/// 220, 156, 92 and 28. Above a threshold of 100, which is every calibration score, f(x) = 1 + 5 (x - 100), below it
/// e^(x - 100).
#[test]
fn a_saturating_exponential_starts_at_the_threshold_of_the_calibration() {
    let mut params = hardware(256, 256.0, 4, Split::Proportional {});
    params.softmax.exponential = Exponential::SaturationApproximate {
        lambda: 5.0,
        above_percent: 1.0,
    };
    params.softmax.table = Table::Exact {};
    let measured = head([[31]], [[7], [5], [3], [1]], [[1]; 4]);
    let rows = head([[20]], [[5]; 4], [[1]; 4]);
    let (_, outcomes) = Bench::at(1.0, &params, &ideal(|_| {}), &measured)
        .on_rows(&rows)
        .exact(TOPKIMA);
    let f = [601.0, 281.0, (-8.0_f64).exp(), (-72.0_f64).exp()];
    let sum: f64 = f.iter().sum();
    for (found, f) in outcomes[0].row.probabilities.iter().zip(f) {
        assert!((found - f / sum).abs() < 1e-12, "{:?}", outcomes[0].row);
    }
}
