//! Charge that the edges of a pulse lose: by hand, step by step of the ramp.
//!
//! An input pulses each of a weight's cells once, for its code times the digit's place; each pulse is short of a fixed
//! width, whatever its length. So a cell loses what it would take in that width: its level times its full current, on
//! the line on which it conducts.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::hardware::attention::Head;
use topkima::hardware::device::{CellParams, Device, DeviceParams, Effect, Mapping, Selection};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::topk::Split;

/// Four fifths of a unit pulse are lost.
const LOST: f64 = 0.8;

fn lossy(mut params: DeviceParams) -> Device {
    let unit = params.timing.pulse_unit.value.get();
    params.line.pulse_loss = picos(unit * 4 / 5);
    checked(&params, 0.0, &only(&[Effect::PulseLoss]))
}

/// One query on one key.
fn pair(q: [i32; 8], k: [i32; 8]) -> Head {
    Head {
        q: Matrix::from_fn(8, 1, |d, _| f64::from(q[d])),
        k: Matrix::from_fn(1, 8, |_, d| f64::from(k[d])),
        v: Matrix::from_element(1, 1, 1.0),
        mask: Default::default(),
        place: Default::default(),
    }
}

/// The step at which a ramp from 64 in steps of 2 meets a column that holds `charge`.
fn step(charge: f64) -> usize {
    (1..=32)
        .find(|step| charge >= 64.0 - 2.0 * f64::from(*step))
        .unwrap_or(32) as usize
}

fn stop(stops: &[u64]) -> usize {
    assert_eq!(stops.iter().sum::<u64>(), 1);
    stops.iter().position(|count| *count == 1).unwrap()
}

const ONES: [i32; 8] = [1; 8];
const MIXED: [i32; 8] = [1, 1, 1, 1, 1, 1, -1, -1];

#[test]
fn a_ladder_of_two_by_hand() {
    assert_eq!([64.0, 62.0, 61.9, 36.8, 0.0].map(step), [1, 1, 2, 14, 32]);
}

/// Three binary cells a weight: 7 loses three pulses, 4 one, -3 two on the other line.
#[test]
fn pulses_lose_their_edges_on_the_line_they_discharge() {
    for (q, k, sum, lost) in [
        (ONES, [7; 8], 56, 24),
        (ONES, [4; 8], 32, 8),
        (ONES, [3; 8], 24, 16),
        // Signs of both operands.
        (MIXED, [7, 7, 7, 7, 7, 7, -7, -7], 56, 24),
        (ONES, [7, 7, 7, 7, -1, -1, -1, -1], 24, 8),
        // More is lost on the negative line: the sum grows.
        (
            [2, 2, 2, 2, 1, 1, 1, 1],
            [4, 4, 4, 4, -3, -3, -3, -3],
            20,
            -4,
        ),
        (
            [-2, -2, -2, -2, -1, -1, -1, -1],
            [-4, -4, -4, -4, 3, 3, 3, 3],
            20,
            -4,
        ),
        // The length of a pulse does not matter, and an input of zero has none.
        ([8, 0, 0, 0, 0, 0, 0, 0], [7; 8], 56, 3),
        ([1, 1, 1, 1, 0, 0, 0, 0], [7; 8], 28, 12),
    ] {
        let (q_sum, pulses) = q.iter().zip(&k).fold((0, 0), |(sum, pulses), (q, k)| {
            let cells = i32::unsigned_abs(*k).count_ones() as i32;
            (sum + q * k, pulses + q.signum() * k.signum() * cells)
        });
        assert_eq!((q_sum, pulses), (sum, lost), "{q:?} {k:?}");
        let expected = step(f64::from(sum) - LOST * f64::from(lost));
        let params = hardware(8, 64.0, 1, Split::Proportional {});
        for device in ["ideal", "sram-65nm"] {
            let device = lossy(device_params(device));
            for (mode, answer) in
                ["exact", "fast"]
                    .into_iter()
                    .zip(both(&params, &device, &pair(q, k), TOPKIMA))
            {
                let found = stop(&answer.stops);
                assert_eq!(found, expected, "{mode}: {q:?} {k:?}");
            }
        }
    }
}

/// A loss of 2.4 units: of three binary cells at an input of one the pulse of one unit and that of two lose all they
/// have and that of four 2.4, at an input of two the first loses 2, at three each 2.4.
#[test]
fn a_pulse_shorter_than_its_loss_loses_all_of_it() {
    for (q, k, sum, lost) in [
        ([1; 8], [7; 8], 56, 8.0 * (1.0 + 2.0 + 2.4)),
        (
            [2, 2, 2, 2, 0, 0, 0, 0],
            [7; 8],
            56,
            4.0 * (2.0 + 2.4 + 2.4),
        ),
        ([3, 3, 3, -3, 0, 0, 0, 0], [6; 8], 36, 2.0 * (2.4 + 2.4)),
        (
            [1; 8],
            [7, 7, 7, 7, 7, 7, -2, -2],
            38,
            6.0 * 5.4 - 2.0 * 2.0,
        ),
        (
            [1, 1, 1, 1, 1, 1, 2, 4],
            [5; 8],
            60,
            6.0 * (1.0 + 2.4) + (2.0 + 2.4) + 4.8,
        ),
    ] {
        let q_sum: i32 = q.iter().zip(&k).map(|(q, k)| q * k).sum();
        assert_eq!(q_sum, sum, "{q:?} {k:?}");
        let expected = step(f64::from(sum) - lost);
        let params = hardware(8, 64.0, 1, Split::Proportional {});
        for device in ["ideal", "sram-65nm"] {
            let mut own = device_params(device);
            own.line.pulse_loss = picos(own.timing.pulse_unit.value.get() * 4 / 5);
            let three_times = Selection {
                noise_scale: 3.0,
                ..only(&[Effect::PulseLoss])
            };
            let device = checked(&own, 0.0, &three_times);
            let both = both(&params, &device, &pair(q, k), TOPKIMA);
            for (mode, answer) in ["exact", "fast"].into_iter().zip(both) {
                assert_eq!(stop(&answer.stops), expected, "{mode}: {q:?} {k:?}");
            }
        }
    }
}

/// Cells of four levels: 7 is 3 + 1 x 4, and a cell at its full level takes three unit charges in a unit pulse.
/// As an offset, 3 is stored as 10 of radix 8, which is 2 + 1 x 8, beside a reference that holds 7.
#[test]
fn cells_of_several_levels_lose_by_their_level() {
    let device = |bits: u32, sign: Mapping| {
        let mut params = device_params("rram-wan2022");
        if let CellParams::Resistive {
            bits_per_cell,
            mapping,
            ..
        } = &mut params.cell
        {
            *bits_per_cell = Sourced::bare(bits);
            *mapping = sign;
        }
        lossy(params)
    };
    let params = hardware(8, 64.0, 1, Split::Proportional {});
    let differential = device(2, Mapping::Differential {});
    let offset = device(3, Mapping::Offset {});
    for (device, k, sum, lost) in [
        (&differential, [7; 8], 56, 8 * (3 + 1)),
        (&differential, [4; 8], 32, 8),
        (
            &differential,
            [5, 5, 5, 5, 5, 5, -6, -6],
            18,
            6 * (1 + 1) - 2 * (2 + 1),
        ),
        (&offset, [3; 8], 24, 8 * (2 + 1 - 7)),
        (&offset, [1; 8], 8, 8 * (1 - 7)),
    ] {
        let expected = step(f64::from(sum) - LOST * f64::from(lost));
        let (answer, _) = exact(&params, device, &pair(ONES, k), TOPKIMA);
        assert_eq!(stop(&answer.stops), expected, "{k:?}");
    }
}
