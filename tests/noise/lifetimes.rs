//! How long a draw lives and what it belongs to.

use crate::common::*;
use crate::setup::*;
use topkima::hardware::crossbar::{Addressing, Chip, CrossbarParams, Keys, Layout, Values};
use topkima::hardware::device::{Device, Effect};
use topkima::hardware::quantise::Matrix;

const TOKENS: usize = 512;
const D_HEAD: usize = 16;

/// A chip of SRAM with every fabricated effect.
fn fabricated() -> Device {
    let mut params = device_params("sram-65nm");
    params.stuck_at.off = share(0.01);
    params.stuck_at.on = share(0.01);
    let effects = [
        Effect::CellMismatch,
        Effect::StuckAt,
        Effect::ColumnOffset,
        Effect::ReplicaMismatch,
        Effect::LineMismatch,
    ];
    checked(&params, 0.0, &only(&effects))
}

fn codes(rows: usize, columns: usize, max: usize) -> Matrix {
    Matrix::from_fn(rows, columns, |r, c| {
        ((r * 11 + c * 7 + r / 15) % (2 * max + 1)) as f64 - max as f64
    })
}

/// A chip with tiles of a size, and K and V written to it.
fn written(
    device: &Device,
    size: usize,
    addressing: Addressing,
    (trial, head): (u64, u64),
) -> (Chip, Matrix, Matrix) {
    let params = CrossbarParams {
        bitlines: size,
        addressing,
        ..CrossbarParams::default()
    };
    let layout = Layout {
        tokens: TOKENS,
        d_head: D_HEAD,
        k_max: Some(7),
        cell: device.cell,
    };
    let crossbar = params.check(layout).unwrap();
    let values = Values::lay(TOKENS, 8, size, Some(15), addressing);
    let chip = Chip::fabricate(SEED, trial, device, &crossbar, Some(&values));
    let keys = Keys::program(
        SEED,
        head,
        &chip,
        device,
        &crossbar,
        &codes(TOKENS, D_HEAD, 7),
    )
    .value;
    let stored = values
        .program(SEED, head, &chip, device, &codes(8, TOKENS, 15))
        .value;
    (chip, keys.weights, stored.levels)
}

#[test]
fn a_fabricated_draw_is_the_same_for_every_head_of_a_trial_and_differs_between_trials() {
    let device = fabricated();
    let run = |trial, head| written(&device, 256, Addressing::Physical {}, (trial, head));
    let (chip, keys, values) = run(4, 0);
    for head in 1..4 {
        assert_eq!(run(4, head), (chip.clone(), keys.clone(), values.clone()));
    }
    let (other, other_keys, other_values) = run(5, 0);
    assert!(chip.offset.iter().zip(&other.offset).all(|(a, b)| a != b));
    assert!(chip.line.iter().zip(&other.line).all(|(a, b)| a != b));
    assert!(chip.replica.iter().zip(&other.replica).all(|(a, b)| a != b));
    // Zero weights conduct nothing and differ only where a cell is stuck.
    let differ = |a: &Matrix, b: &Matrix| a.iter().zip(b).filter(|(a, b)| a != b).count();
    assert!(differ(&keys, &other_keys) > TOKENS * D_HEAD * 9 / 10);
    assert!(differ(&values, &other_values) > values.len() / 3);
}

#[test]
fn a_written_draw_is_new_for_every_head_and_every_trial() {
    let device = checked(
        &device_params("pcm-joshi2020"),
        60.0,
        &only(&[Effect::Programming, Effect::Drift]),
    );
    let run = |trial, head| written(&device, 256, Addressing::Physical {}, (trial, head)).1;
    let first = run(0, 0);
    assert_eq!(first, run(0, 0));
    for other in [run(0, 1), run(1, 0)] {
        assert!(first.iter().zip(&other).all(|(a, b)| a != b));
    }
}

#[test]
fn under_logical_addressing_tile_size_changes_no_noise() {
    for (device, head) in [
        (fabricated(), 0),
        (
            checked(
                &device_params("pcm-joshi2020"),
                60.0,
                &only(&[Effect::Programming, Effect::Drift, Effect::StuckAt]),
            ),
            1,
        ),
    ] {
        let run = |size| written(&device, size, Addressing::Logical {}, (2, head));
        let reference = run(256);
        for size in [64, 100, 128, 512] {
            assert!(run(size) == reference, "{} at {size}", device.name);
        }
    }
}

#[test]
fn under_physical_addressing_tile_size_moves_the_noise_of_all_but_the_first_tile() {
    let device = fabricated();
    let run = |size| written(&device, size, Addressing::Physical {}, (2, 0));
    let (chip, keys, values) = run(256);
    let (small, small_keys, small_values) = run(64);
    assert_eq!(chip.offset[..64], small.offset[..64]);
    assert_eq!(keys.rows(0, 64), small_keys.rows(0, 64));
    assert_eq!(values.columns(0, 64), small_values.columns(0, 64));
    let differ = chip.offset[64..]
        .iter()
        .zip(&small.offset[64..])
        .all(|(a, b)| a != b);
    assert!(differ, "a bitline of another tile is another bitline");
    assert_ne!(keys.rows(64, 64), small_keys.rows(64, 64));
    assert_ne!(values.columns(64, 64), small_values.columns(64, 64));
}

#[test]
fn keys_and_values_share_no_draw() {
    let device = fabricated();
    let layout = Layout {
        tokens: 256,
        d_head: 40,
        k_max: Some(7),
        cell: device.cell,
    };
    let crossbar = CrossbarParams::default().check(layout).unwrap();
    let values = Values::lay(256, 40, 256, Some(7), Addressing::Physical {});
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, Some(&values));
    let ones = Matrix::from_element(256, 40, 7.0);
    let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &ones)
        .value
        .weights;
    let stored = values
        .program(SEED, 0, &chip, &device, &ones.transpose())
        .value
        .levels;
    let as_weights = Matrix::from_fn(256, 40, |token, d| {
        (0..3)
            .map(|bit| stored[(3 * d + bit, token)] * f64::from(1 << bit))
            .sum()
    });
    let equal = keys.iter().zip(&as_weights).filter(|(a, b)| a == b).count();
    assert_eq!(equal, 0);
}
