//! What cells of V are expected to hold, against what is written to them.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::Fraction;
use topkima::hardware::crossbar::{Addressing, Chip, Values};
use topkima::hardware::device::Selection;
use topkima::hardware::quantise::Matrix;

/// Mean and variance over chips, writes and reads, of every shipped device a day after the write, some of its
/// halves stuck.
///
/// Power: 100 000 cells a bit. Mean and variance are held to 5 standard errors, that of the variance from the fourth
/// moment: 2 % of it where cells are normal, 9 % where it is that of few stuck ones.
#[test]
fn expected_levels_and_variances_are_those_of_written_cells() {
    for (name, stuck) in DEVICES.iter().flat_map(|name| [(name, 0.0), (name, 0.03)]) {
        let mut params = device_params(name);
        params.stuck_at.off = Sourced::bare(Fraction::from_si(stuck));
        params.stuck_at.on = Sourced::bare(Fraction::from_si(stuck / 2.0));
        let device = checked(&params, DAY, &Selection::default());
        // 5 = 101, -2 = -010: every level a bit may have.
        let tokens = 200;
        let codes = Matrix::from_fn(1000, tokens, |row, _| if row % 2 == 0 { 5.0 } else { -2.0 });
        let values = Values::lay(tokens, codes.nrows(), 256, Some(7), Addressing::Physical {});
        let crossbar = lay(&device, 1, 1);
        let expected = values.expected(&device, &codes);
        let chip = Chip::fabricate(SEED, 3, &device, &crossbar, Some(&values));
        let stored = values.program(SEED, 0, &chip, &device, &codes).value;
        for bit in 0..6 {
            let of = |all: &Matrix| -> Vec<f64> {
                all.row_iter()
                    .skip(bit)
                    .step_by(6)
                    .flat_map(|row| row.iter().copied().collect::<Vec<_>>())
                    .collect()
            };
            let levels = of(&stored.levels);
            let (mean, deviation) = moments(&levels);
            let read = stored
                .read_variance
                .as_ref()
                .map_or(0.0, |all| moments(&of(all)).0);
            let variance = deviation * deviation + read;
            let wanted = expected.levels[(bit, 0)];
            let spread = expected
                .read_variance
                .as_ref()
                .map_or(0.0, |all| all[(bit, 0)]);
            let what = format!("{name}, {stuck} stuck, bit {bit}");
            let off = 5.0 * (spread / levels.len() as f64).sqrt();
            assert!(
                (mean - wanted).abs() <= off + 1e-9,
                "{what}: {mean} for {wanted}"
            );
            let fourth =
                levels.iter().map(|x| (x - mean).powi(4)).sum::<f64>() / levels.len() as f64;
            let off = 5.0 * ((fourth - deviation.powi(4)).max(0.0) / levels.len() as f64).sqrt();
            assert!(
                (variance - spread).abs() <= off + 1e-3 * spread + 1e-9,
                "{what}: {variance} for {spread}"
            );
        }
    }
}
