//! Is the law of what is written that of the cells as they are written?

use crate::common::*;
use crate::setup::*;
use topkima::hardware::crossbar::{Chip, CrossbarParams, Keys, Layout};
use topkima::hardware::device::{Device, Selection};
use topkima::hardware::quantise::Matrix;

const CHIPS: u64 = 4000;

/// Mean and variance of every weight over chips, held to the law. Over 6 x 16 weights and 4000 chips the
/// mean of the squared deviations in units of the law's variance has a standard error of
/// sqrt(2 / 384 000) = 0.23 %: a variance 2 % off (a sigma 1 % off) is nine of them.
fn hold(what: &str, device: &Device) {
    let (tokens, d) = (6, 16);
    let layout = Layout {
        tokens,
        d_head: d,
        k_max: Some(7),
        cell: device.cell,
    };
    let params = CrossbarParams {
        bitlines: 4,
        ..CrossbarParams::default()
    };
    let crossbar = params.check(layout).unwrap();
    let codes = Matrix::from_fn(tokens, d, |token, row| {
        ((3 * token + 5 * row) % 15) as f64 - 7.0
    });
    let law = crossbar.law(device, &codes);
    let (mut sum, mut squares) = (Matrix::zeros(tokens, d), Matrix::zeros(tokens, d));
    for trial in 0..CHIPS {
        let chip = Chip::fabricate(EXACT, trial, device, &crossbar, None);
        let off = Keys::program(EXACT, 0, &chip, device, &crossbar, &codes)
            .value
            .weights
            - &law.mean;
        sum += &off;
        squares += off.component_mul(&off);
    }
    let (mut all, mut count) = (0.0, 0.0);
    for (at, variance) in law.variance.iter().enumerate() {
        if *variance == 0.0 {
            assert!(
                squares[at] < 1e-18 * CHIPS as f64,
                "{what}: weight {at} is spread"
            );
            continue;
        }
        let n = CHIPS as f64;
        let mean = sum[at] / (n * variance).sqrt();
        let ratio = (squares[at] / n / variance - 1.0) * (n / 2.0).sqrt();
        assert!(
            mean.abs() < 4.5 && ratio.abs() < 4.5,
            "{what}: weight {at}: {mean} {ratio}"
        );
        (all, count) = (all + squares[at] / n / variance, count + 1.0);
    }
    assert!(count > 80.0, "{what}: {count}");
    let off = (all / count - 1.0) * (CHIPS as f64 * count / 2.0).sqrt();
    println!("{what}: variances {off:.2} standard errors off");
    assert!(off.abs() < 4.0, "{what}: {off}");
    // Sources add to the variances, in the order of rows.
    for (token, sources) in law.sources.iter().enumerate() {
        assert!(sources.is_sorted_by_key(|source| source.row));
        let mut own = vec![0.0; d];
        for source in sources {
            own[source.row as usize] += f64::from(source.gain).powi(2);
        }
        for (row, own) in own.iter().enumerate() {
            let wanted = law.variance[(token, row)];
            assert!(
                (own - wanted).abs() <= 1e-6 * wanted,
                "{what}: {own} {wanted}"
            );
        }
    }
}

/// The SRAM device with long bitlines. An error per weight is refused beside them, for ideal cells draw no
/// current.
fn with_drop() -> Device {
    let (mut table, _) = device_table("sram-65nm");
    let text = r#"
        line = { wire = { value = "60 Ohm", low = "0 Ohm", high = "99 Ohm", source = "assumed" } }
    "#;
    merge(&mut table, toml::from_str(text).unwrap());
    let device = checked(&typed(table), 0.0, &Selection::default());
    assert!(device.line.ir_segment > 0.0);
    device
}

#[test]
fn weights_spread_as_the_law_says() {
    hold("sram", &sram(1.0));
    hold("additive", &additive(0.3, 0.0, 1.0));
    hold("sram with a voltage drop", &with_drop());
}
