//! Effects are switched off by name, one by one.

use crate::cells::*;
use crate::common::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::Fraction;
use topkima::hardware::crossbar::{Chip, Keys};
use topkima::hardware::device::{DeviceParams, Effect, Selection};
use topkima::hardware::quantise::Matrix;

/// A device with every fabricated effect, stuck cells included.
fn with_stuck(mut params: DeviceParams, off: f64, on: f64) -> DeviceParams {
    params.stuck_at.off = Sourced::bare(Fraction::from_si(off));
    params.stuck_at.on = Sourced::bare(Fraction::from_si(on));
    params
}

#[test]
fn switching_one_effect_off_moves_no_other_draw() {
    for (name, age) in [("sram-65nm", 0.0), ("pcm-joshi2020", 3600.0)] {
        let params = with_stuck(device_params(name), 0.01, 0.01);
        let build = |selection: &Selection| {
            let device = checked(&params, age, selection);
            let crossbar = layout(&device, 256, 64, 7);
            let chip = Chip::fabricate(SEED, 3, &device, &crossbar, None);
            let codes = Matrix::from_fn(256, 64, |t, d| ((5 * t + 3 * d) % 15) as f64 - 7.0);
            let keys = Keys::program(SEED, 0, &chip, &device, &crossbar, &codes).value;
            let mut sums = vec![0.0; 256];
            keys.add_read_noise(SEED, 3, 0, 0, &[1.0; 64], &mut sums);
            let columns = keys.read_variance.as_ref().map(|v| v.column_sum());
            let reads: Vec<f64> = columns.map_or(Vec::new(), |variance| {
                sums.iter()
                    .zip(variance.iter())
                    .map(|(sum, v)| sum / v.sqrt())
                    .collect()
            });
            (device, chip, keys.weights, reads)
        };
        let (_, chip, weights, reads) = build(&Selection::default());
        for effect in Effect::ALL {
            let (_, other, moved, other_reads) = build(&Selection {
                without: vec![effect],
                ..Selection::default()
            });
            let same = |kind, mine: &[f64], theirs: &[f64]| {
                let expected = if effect == kind { &[][..] } else { mine };
                assert_eq!(theirs, expected, "{name}: {kind} without {effect}");
            };
            same(Effect::ColumnOffset, &chip.offset, &other.offset);
            same(Effect::LineMismatch, &chip.line, &other.line);
            same(Effect::ReplicaMismatch, &chip.replica, &other.replica);
            if effect != Effect::DeviceRead {
                for (mine, theirs) in reads.iter().zip(&other_reads) {
                    assert!(
                        (mine - theirs).abs() < 1e-9,
                        "{name}: reads without {effect}"
                    );
                }
            }
            let equal = weights.iter().zip(&moved).filter(|(a, b)| a == b).count();
            let share = equal as f64 / weights.len() as f64;
            match effect {
                // Two halves a cell, 2 % each: only the stuck cells move, all others to the bit.
                Effect::StuckAt => assert!((0.8..1.0).contains(&share), "{name}: {share}"),
                Effect::CellMismatch | Effect::Programming | Effect::Drift | Effect::IrDrop => {}
                _ => assert_eq!(share, 1.0, "{name}: {effect} moved a weight"),
            }
        }
    }
}

#[test]
fn write_and_drift_draws_do_not_depend_on_each_other() {
    let run = |effects: &[Effect]| programmed("pcm-joshi2020", 3600.0, &only(effects), 0);
    let written = run(&[Effect::Programming]);
    let drifted = run(&[Effect::Drift]);
    let both = run(&[Effect::Programming, Effect::Drift]);
    for ((target, write), ((_, drift), (_, both))) in written.iter().zip(drifted.iter().zip(&both))
    {
        for ((write, drift), both) in write.iter().zip(drift).zip(both) {
            assert!((write * drift / target - both).abs() < 1e-9 * target);
        }
    }
}

#[test]
fn stuck_cells_come_out_at_their_rates() {
    let (params, ..) = single_cells("sonos");
    let params = with_stuck(params, 0.02, 0.01);
    let device = checked(&params, 0.0, &only(&[Effect::StuckAt]));
    let crossbar = layout(&device, 1024, 192, 3);
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
    let write = |head| {
        Keys::program(
            SEED,
            head,
            &chip,
            &device,
            &crossbar,
            &Matrix::zeros(1024, 192),
        )
        .value
    };
    let keys = write(0);
    assert_eq!(
        keys.weights,
        write(1).weights,
        "a stuck cell stays stuck for the next head"
    );
    let n = (1024 * 192) as f64;
    for (stuck_at, rate) in [(-3.0_f64, 0.02), (3.0, 0.01)] {
        let count = keys
            .weights
            .iter()
            .filter(|w| (**w - stuck_at).abs() < 1e-6)
            .count() as f64;
        let error = (n * rate * (1.0 - rate)).sqrt();
        assert!(
            (count - n * rate).abs() < 4.0 * error,
            "{count} at {stuck_at} of {n}"
        );
    }
}
