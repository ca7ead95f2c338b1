//! A rate or a share beyond its range is refused, with the key that took it there; nothing is cut.

use crate::common::*;
use topkima::base::notice::Weight;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Fraction, Lsb, Picos, Seconds, Siemens};
use topkima::hardware::device::{
    Aged, CellParams, DeviceParams, Effect, ProgrammingParams, ReadParams, Selection,
};

fn share(percent: f64) -> Sourced<Fraction> {
    Sourced::bare(format!("{percent} %").parse().unwrap())
}

fn scaled(by: f64) -> Selection {
    Selection {
        noise_scale: by,
        ..Selection::default()
    }
}

/// What is said of the SRAM device after a change; nothing where it is taken.
fn said(change: impl FnOnce(&mut DeviceParams), selection: &Selection) -> String {
    let mut params = device_params("sram-65nm");
    change(&mut params);
    let found = params.check(Seconds::from_si(0.0), selection);
    found.map_or_else(
        |mistakes| {
            let texts: Vec<String> = mistakes.0.iter().map(ToString::to_string).collect();
            texts.join("\n")
        },
        |_| String::new(),
    )
}

#[test]
fn a_stuck_rate_from_0_to_50_percent_is_taken_as_it_is_and_no_other() {
    for (rate, by, taken) in [
        (50.0, 1.0, Some(0.5)),
        (10.0, 5.0, Some(0.5)),
        (0.1, 4.0, Some(0.004)),
        (80.0, 0.0, None),
        (51.0, 1.0, None),
        (100.0, 1.0, None),
        (10.0, 5.1, None),
        (10.0, 10.0, None),
    ] {
        let mut params = device_params("sram-65nm");
        params.stuck_at.off = share(rate);
        params.stuck_at.on = share(rate);
        // Spreads would leave their own range before.
        let only_stuck = Selection {
            only: Some(vec![Effect::StuckAt]),
            noise_scale: by,
            ..Selection::default()
        };
        let found = params.check(Seconds::from_si(0.0), &only_stuck).ok();
        let rates = found.map(|device| (device.stuck_off, device.stuck_on));
        assert_eq!(rates, taken.map(|rate| (rate, rate)), "{rate} % x {by}");
    }
}

#[test]
fn a_message_names_the_rate_or_the_scale() {
    let own = said(|d| d.stuck_at.off = share(100.0), &scaled(1.0));
    assert!(
        own.starts_with("stuck_at.off = 100 %: must be from 0 % to 50 %"),
        "{own}"
    );
    let only_stuck = Selection {
        only: Some(vec![Effect::StuckAt]),
        ..scaled(10.0)
    };
    let by_scale = said(|d| d.stuck_at.on = share(10.0), &only_stuck);
    assert!(by_scale.starts_with("noise_scale = 10: stuck_at.on = 10 % times noise_scale is 100 %, which must be from 0 % to 50 %; lower device.noise_scale to at most 5,"), "{by_scale}");
    // Where the effect is left out, its scale takes nothing anywhere.
    let without = Selection {
        only: Some(vec![Effect::ComparatorNoise]),
        ..scaled(1000.0)
    };
    assert_eq!(said(|d| d.stuck_at.on = share(10.0), &without), "");
}

/// A current, a step or a capacitance is not negative: a spread of 100 % is already so once in six.
#[test]
fn spreads_of_what_cannot_be_negative_reach_100_percent() {
    let mismatch = |percent| {
        move |d: &mut DeviceParams| match &mut d.cell {
            CellParams::Sram { mismatch, .. } => *mismatch = share(percent),
            _ => panic!("no SRAM"),
        }
    };
    assert_eq!(said(mismatch(100.0), &scaled(1.0)), "");
    let found = said(mismatch(101.0), &scaled(1.0));
    assert!(
        found.starts_with("cell.sram.mismatch = 101 %: must be from 0 % to 100 %"),
        "{found}"
    );
    for (effect, key) in [
        (Effect::CellMismatch, "cell.sram.mismatch"),
        (Effect::ReplicaMismatch, "column.replica_mismatch"),
    ] {
        let alone = |by| Selection {
            only: Some(vec![effect]),
            ..scaled(by)
        };
        // Both are 10 % in the file.
        assert_eq!(said(|_| (), &alone(10.0)), "");
        let found = said(|_| (), &alone(10.1));
        assert!(
            found.starts_with(&format!("noise_scale = 10.1: {key} = 10 % times")),
            "{found}"
        );
    }
    let found = said(|d| d.line.capacitance_mismatch = share(120.0), &scaled(1.0));
    assert!(
        found.contains("line.capacitance_mismatch = 120 %"),
        "{found}"
    );
    let found = said(|d| d.line.compression = share(96.0), &scaled(1.0));
    assert!(
        found.contains("line.compression = 96 %: must be from 0 % to 95 %"),
        "{found}"
    );
}

/// A pulse unit is 0.5 ns, and the file's pulses lose 0.2 ns of it.
#[test]
fn a_pulse_loses_no_more_than_it_has() {
    let found = said(
        |d| d.line.pulse_loss = Sourced::bare(Picos::new(501)),
        &scaled(1.0),
    );
    assert!(
        found.contains("line.pulse_loss = 501 ps: must be at most timing.pulse_unit"),
        "{found}"
    );
    let alone = |by| Selection {
        only: Some(vec![Effect::PulseLoss]),
        ..scaled(by)
    };
    let noted = |by| {
        let device = checked(&device_params("sram-65nm"), 0.0, &alone(by));
        device.notices.of(Weight::Note).join("\n")
    };
    assert_eq!(noted(2.5), "");
    assert_eq!(
        noted(2.6),
        "device.noise_scale = 2.6: line.pulse_loss = 200 ps times it is more than timing.pulse_unit = 500 ps; a pulse that is shorter than its loss does not take place"
    );
}

/// A level that strays by more than the largest one is no level, whichever formula says so.
#[test]
fn no_level_strays_by_more_than_the_largest() {
    let sigma = |percent: f64| share(percent);
    let written = |percent| {
        move |d: &mut DeviceParams| {
            d.programming = ProgrammingParams::Proportional {
                sigma: sigma(percent),
            };
        }
    };
    let read = |percent| {
        move |d: &mut DeviceParams| {
            d.read = ReadParams::Proportional {
                sigma: sigma(percent),
            };
        }
    };
    let only = |effect, by| Selection {
        only: Some(vec![effect]),
        ..scaled(by)
    };
    assert_eq!(said(written(100.0), &only(Effect::Programming, 1.0)), "");
    let found = said(written(2000.0), &only(Effect::Programming, 1.0));
    assert!(
        found.starts_with("programming.proportional.sigma = 2000 %: must be from 0 % to 100 %"),
        "{found}"
    );
    let found = said(read(500.0), &only(Effect::DeviceRead, 1.0));
    assert!(
        found.starts_with("read.proportional.sigma = 500 %: must be from 0 % to 100 %"),
        "{found}"
    );
    let found = said(read(50.0), &only(Effect::DeviceRead, 2.1));
    assert!(
        found.starts_with(
            "noise_scale = 2.1: read.proportional.sigma = 50 % times noise_scale is 105 %"
        ) && found.contains("at most 2,"),
        "{found}"
    );
    assert_eq!(said(read(50.0), &only(Effect::DeviceRead, 2.0)), "");
    // sigma(x) = 0.1 + 0.5 x - 0.5 x^2 is largest at x = 1/2: 0.225.
    let bent = |d: &mut DeviceParams| {
        let siemens = |x: f64| Siemens::from_si(x * 1e-5);
        d.programming = ProgrammingParams::Polynomial {
            full: siemens(1.0),
            ages: vec![Aged {
                age: Seconds::from_si(1.0),
                coefficients: [0.1, 0.5, -0.5].map(siemens).to_vec(),
            }],
            source: "assumed: x".to_owned(),
        };
    };
    assert_eq!(said(bent, &only(Effect::Programming, 4.44)), "");
    let found = said(bent, &only(Effect::Programming, 4.45));
    assert!(
        found.contains("programming = 22.5 % times noise_scale is 100.125 %"),
        "{found}"
    );
}

/// 1 - 3 x + 2.2 x^2 uS at 10 uS is below zero between its roots, 0.5802 and 0.7835.
#[test]
fn a_standard_deviation_below_zero_is_no_fit() {
    let said = |coefficients: &[f64]| {
        let mut params = device_params("rram-wan2022");
        let siemens = |c: &f64| Siemens::from_si(c * 1e-6);
        params.programming = ProgrammingParams::Polynomial {
            full: Siemens::from_si(1e-5),
            ages: vec![Aged {
                age: Seconds::from_si(0.0),
                coefficients: coefficients.iter().map(siemens).collect(),
            }],
            source: "assumed: a test".to_owned(),
        };
        let found = params.check(Seconds::from_si(0.0), &Selection::default());
        found.err().map(|mistakes| mistakes.0[0].to_string())
    };
    assert_eq!(said(&[1.0, -3.0, 2.3]), None);
    let found = said(&[1.0, -3.0, 2.2]).unwrap();
    assert!(found.contains("programming.ages.coefficients"), "{found}");
    assert!(found.contains("at x = 0.581 would be"), "{found}");
}

#[test]
fn a_first_read_before_a_read_is_over_is_refused() {
    let mut params = device_params("pcm-joshi2020");
    if let ReadParams::Flicker { t0, .. } = &mut params.read {
        *t0 = Seconds::from_si(1e-7);
    }
    let found = params
        .check(Seconds::from_si(0.0), &Selection::default())
        .unwrap_err();
    assert!(
        found.0[0]
            .to_string()
            .starts_with("read.t0 = 100 ns: must be at least read_time"),
        "{}",
        found.0[0]
    );
    let negative =
        device_params("pcm-joshi2020").check(Seconds::from_si(-1.0), &Selection::default());
    assert!(
        negative.unwrap_err().0[0]
            .to_string()
            .starts_with("age = -1 s: ")
    );
}

/// What is stated in LSB has no upper end: a comparator may be as noisy as one likes.
#[test]
fn noise_in_lsb_is_scaled_without_end() {
    let mut params = device_params("ideal");
    params.column.noise = Sourced::bare(Lsb::from_si(2.0));
    assert_eq!(checked(&params, 0.0, &scaled(1000.0)).column.noise, 2000.0);
}
