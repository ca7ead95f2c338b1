//! Replays, fits and the sensitivity to T_NL.

use approx::assert_relative_eq;

use super::super::schedule::{self, LITERAL, SELECTED, heads, mean_stops};
use super::*;
use crate::base::sourced::Sourced;
use crate::base::units::Picos;
use crate::hardware::timing::{Closed, TimeConstants};

#[test]
fn stops_make_the_papers_alpha_in_whole_clocks() {
    let stops = mean_stops();
    assert_eq!(stops, [(9, 31), (10, 353)]);
    let sum: u64 = stops
        .iter()
        .map(|(step, rows)| u64::from(*step) * rows)
        .sum();
    assert!((sum as f64 / (384.0 * 32.0) - 0.31).abs() < 0.5 / (384.0 * 32.0));
    assert_eq!(
        schedule::in_words(&stops),
        "31 rows stop at step 9 and 353 rows stop at step 10, alpha 0.30998"
    );
}

#[test]
fn the_schedule_agrees_with_the_closed_formula_in_both_readings() {
    let constants = device().timing;
    for (reading, columns, k) in [(SELECTED, 256, 3), (LITERAL, 384, 5)] {
        let closed = Closed::paper(columns, k);
        let heads = heads(&constants, reading, &mean_stops()).unwrap();
        assert_eq!(heads.conventional.makespan, closed.conventional());
        assert_eq!(heads.digital.makespan, closed.digital_topk());
        // The mixture of stops misses 384 x 9.92 steps by 0.28 of a clock, once a head.
        let off = closed.topkima().get() - heads.topkima.makespan.get();
        assert_eq!(off, 1_120);
    }
}

#[test]
fn headlines_follow_from_the_constants_by_hand() {
    // ns: writes, then 384 rows of pulse, ramp, and 6.5 an element.
    let ramp = 3809.0 * 4.0 / 384.0 + 2.08;
    let ratio = |columns: f64, k: f64| {
        (320.0 + 384.0 * (62.0 + 128.0 + columns * 6.5)) / (320.0 + 384.0 * (62.0 + ramp + k * 6.5))
    };
    let selected = find(&ROWS, "conventional / topkima, selected reading")
        .model
        .clone();
    assert_eq!(selected, format!("{:.2}x", ratio(256.0, 3.0)));
    assert_eq!(selected, "14.95x");
    let literal = &find(&ROWS, "conventional / topkima, literal reading").model;
    assert_eq!(*literal, format!("{:.2}x", ratio(384.0, 5.0)));
    assert_eq!(literal, "19.60x");
    assert_relative_eq!(
        first(&find(&ROWS, "T_ima,arb").model),
        41.76,
        epsilon = 0.005
    );
    assert_relative_eq!(
        first(&find(&ROWS, "one row, topkima").model),
        123.26,
        epsilon = 0.005
    );
    assert_eq!(find(&ROWS, "T_pwm").model, "62 ns");
}

/// Each constant of the paper, changed by a tenth, is seen by a replay; no other one is.
#[test]
fn a_changed_constant_becomes_a_miss() {
    type Key = fn(&mut TimeConstants) -> &mut Sourced<Picos>;
    let missed = |key: Key| {
        let mut device = device();
        let constant = key(&mut device.timing);
        *constant = Sourced::bare(Picos::new(constant.value.get() * 11 / 10));
        let rows = replay::rows(&device.timing);
        misses(&rows).len()
    };
    let papers: [(&str, Key); 5] = [
        ("clock", |c| &mut c.clock),
        ("arbiter", |c| &mut c.arbiter),
        ("pulse_unit", |c| &mut c.pulse_unit),
        ("write_row", |c| &mut c.write_row),
        ("softmax_element", |c| &mut c.softmax_element),
    ];
    for (name, key) in papers {
        assert!(missed(key) > 0, "{name}");
    }
    let others: [(&str, Key); 4] = [
        ("sort_clock", |c| &mut c.sort_clock),
        ("merge_compare", |c| &mut c.merge_compare),
        ("lut_entry", |c| &mut c.lut_entry),
        ("adc_conversion", |c| &mut c.adc_conversion),
    ];
    for (name, key) in others {
        assert_eq!(missed(key), 0, "{name}");
    }
}

#[test]
fn a_miss_is_anything_above_one_percent() {
    let row = |error| Row {
        error_percent: error,
        ..Row::new(How::Replay, "", "", "")
    };
    for (error, missed) in [
        (Some(1.0), false),
        (Some(-1.0), false),
        (Some(1.0001), true),
        (Some(-1.0001), true),
        (Some(f64::NAN), true),
        (None, true),
    ] {
        assert_eq!(
            misses(&[row(error)]).len(),
            usize::from(missed),
            "{error:?}"
        );
    }
    let fitted = Row {
        how: How::Fitted,
        ..row(Some(50.0))
    };
    assert!(misses(&[fitted]).is_empty());
}

fn with(constants: &TimeConstants, sort: f64, element: u64) -> schedule::Heads {
    let constants = TimeConstants {
        sort_clock: Sourced::bare(Picos::new((sort * 1e3).round() as u64)),
        softmax_element: Sourced::bare(Picos::new(element)),
        ..constants.clone()
    };
    heads(&constants, SELECTED, &mean_stops()).unwrap()
}

#[test]
fn the_fitted_clocks_put_back_give_what_they_were_fitted_to() {
    let constants = device().timing;
    let speed = first(&find(&ROWS, "sort clock that gives 8x").model);
    assert_relative_eq!(
        with(&constants, speed, 6500).over_digital(),
        8.0,
        epsilon = 5e-3
    );
    let share = first(&find(&ROWS, "shortest sort clock").model);
    assert_relative_eq!(
        with(&constants, share, 6500).sort_share(),
        0.75,
        epsilon = 5e-4
    );
    let row = find(&ROWS, "digital top-k / topkima, selected");
    assert_eq!((row.how, row.model.as_str()), (How::Fitted, "7.88x"));
    assert_eq!(find(&ROWS, "share of sorting").model, "78.5 %");
}

#[test]
fn a_softmax_of_one_nanosecond_leaves_about_four() {
    let by_hand = (320.0 + 384.0 * (190.0 + 256.0))
        / (320.0 + 384.0 * (62.0 + 3809.0 * 4.0 / 384.0 + 2.08 + 3.0));
    let row = find(&ROWS, "latency, softmax of 1 ns");
    assert_eq!(row.model, format!("{by_hand:.2}x"));
    assert_eq!((row.how, row.model.as_str()), (How::Sensitivity, "4.15x"));
    let sweep: Vec<f64> = ROWS
        .iter()
        .filter(|row| row.quantity.starts_with("latency, softmax of"))
        .map(|row| first(&row.model))
        .collect();
    assert!(sweep.len() == 7 && sweep.is_sorted());
}
