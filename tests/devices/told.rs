//! What is said of a device that keeps the prices of another, and of choices that do nothing to it.

use crate::common::*;
use topkima::base::notice::Weight;
use topkima::base::units::{Joules, Picos};
use topkima::hardware::device::{DeviceParams, Effect, Selection};
use topkima::hardware::events::{Action, CellKind};

fn warned(change: impl FnOnce(&mut DeviceParams)) -> Vec<String> {
    let mut params = device_params("template");
    change(&mut params);
    let device = checked(&params, 0.0, &Selection::default());
    let warnings = device.notices.of(Weight::Warning);
    warnings.iter().map(|text| (*text).to_owned()).collect()
}

/// The template is a conductance beside a periphery of SRAM: everything that belongs to a cell is its own.
#[test]
fn a_conductance_keeps_no_price_and_no_time_of_sram_without_a_word() {
    assert_eq!(warned(|_| ()), [""; 0]);
    let sram = device_params("sram-65nm");
    let kept = |action: Action| {
        let price = sram.energy.clone().entry(action).clone();
        warned(move |params| *params.energy.entry(action) = price)
    };
    for action in [Action::CellWrite, Action::CellRead] {
        let found = kept(action);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("energy.{action} = ")),
            "{found:?}"
        );
        assert!(found[0].contains("the price of an SRAM cell"), "{found:?}");
    }
    let free = warned(|params| {
        let price = params.energy.entry(Action::CellRead).as_mut().unwrap();
        price.energy = Joules::from_si(0.0);
        price.low = price.energy;
    });
    assert_eq!(free.len(), 1);
    assert!(
        free[0].starts_with("energy.cell-read = 0 J: a cell of template conducts"),
        "{free:?}"
    );
}

/// As a copy of the template without its two times: both are those of the SRAM cell in the included file.
#[test]
fn a_conductance_that_is_written_as_fast_as_an_sram_cell_is_told() {
    let both = |source: &str| {
        let source = source.to_owned();
        warned(move |params| {
            for row in [
                &mut params.timing.write_row,
                &mut params.timing.value_write_row,
            ] {
                row.value = Picos::new(5_000);
                row.low = Picos::new(0);
                row.source.clone_from(&source);
            }
        })
    };
    let found = both("published: slow write of the paper at 0.5 V");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("timing.write_row = 5 ns: template is a conductance"),
        "{found:?}"
    );
    assert_eq!(both("measured: our own cells"), [""; 0]);
}

/// As the template was: V rows in the 5 ns of SRAM. A reason, or the same speed, settles it.
#[test]
fn k_and_v_in_the_same_cells_are_written_alike_or_for_a_reason() {
    let values = |picos: u64, source: &str| {
        let source = source.to_owned();
        warned(move |params| {
            params.timing.value_write_row.value = Picos::new(picos);
            params.timing.value_write_row.low = Picos::new(0);
            params.timing.value_write_row.source = source;
        })
    };
    let found = values(5_000, "assumed: as for K");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("timing.value_write_row = 5 ns and timing.write_row = 1000 ns"),
        "{found:?}"
    );
    for (picos, source) in [
        (1_000_000, "assumed: as for K"),
        (5_000, "measured: our chip"),
        (5_000, "published: x"),
    ] {
        assert_eq!(values(picos, source), [""; 0]);
    }
}

#[test]
fn every_shipped_cell_has_the_prices_of_its_own_kind() {
    for name in DEVICES {
        let device = checked(&device_params(name), 0.0, &Selection::default());
        let kind = |action| device.prices.explain(action).stated.cell;
        let own = match name {
            "ideal" | "sram-65nm" => CellKind::Sram,
            _ => CellKind::Resistive,
        };
        assert_eq!(
            [Action::CellWrite, Action::CellRead].map(kind),
            [Some(own); 2],
            "{name}"
        );
    }
}

fn noted(name: &str, age: f64, selection: &Selection) -> String {
    checked(&device_params(name), age, selection)
        .notices
        .of(Weight::Note)
        .join("\n")
}

#[test]
fn an_age_says_that_it_does_nothing_where_nothing_depends_on_time() {
    let all = Selection::default();
    for (name, idle) in [
        ("ideal", true),
        ("sram-65nm", true),
        ("rram-wan2022", false),
        ("pcm-joshi2020", false),
        ("sonos", false),
        ("template", false),
    ] {
        assert_eq!(noted(name, 0.0, &all), "", "{name}");
        let found = noted(name, DAY, &all);
        assert_eq!(
            found.starts_with("device.age = 86.4 ks: nothing"),
            idle,
            "{name}: {found}"
        );
    }
    // Before the first age that was measured, 1 s, the values of that age are taken.
    assert!(noted("rram-wan2022", 1e-6, &all).starts_with("device.age = 1 us: nothing"));
    assert!(noted("rram-wan2022", 1.0, &all).starts_with("device.age = 1 s: nothing"));
    assert_eq!(noted("rram-wan2022", 2.0, &all), "");
    // What depends on time is left out.
    let still = Selection {
        without: vec![Effect::Drift, Effect::DeviceRead],
        ..Selection::default()
    };
    assert!(noted("pcm-joshi2020", DAY, &still).starts_with("device.age"));
    assert_eq!(
        noted("rram-wan2022", DAY, &only(&[Effect::Programming])),
        ""
    );
}

#[test]
fn a_choice_among_effects_that_are_not_there_says_so() {
    let scale = Selection {
        noise_scale: 2.0,
        ..Selection::default()
    };
    assert!(noted("ideal", 0.0, &scale).starts_with("device.noise_scale = 2: nothing"));
    assert_eq!(noted("sram-65nm", 0.0, &scale), "");
    // Switched off by the scale is something done.
    let off = Selection {
        noise_scale: 0.0,
        ..Selection::default()
    };
    assert_eq!(noted("sram-65nm", 0.0, &off), "");
    let found = noted(
        "sram-65nm",
        0.0,
        &only(&[Effect::Programming, Effect::CellMismatch]),
    );
    assert_eq!(
        found,
        "device.only: sram-65nm has no programming, so naming it does nothing"
    );
    let both = Selection {
        without: vec![Effect::CellMismatch],
        ..only(&[Effect::CellMismatch, Effect::ColumnOffset])
    };
    assert_eq!(
        noted("sram-65nm", 0.0, &both),
        "device.only and device.without both name cell-mismatch: it is left out"
    );
    let without = Selection {
        without: vec![Effect::Drift, Effect::StuckAt, Effect::AdcNoise],
        ..Selection::default()
    };
    let found = noted("sram-65nm", 0.0, &without);
    assert_eq!(
        found,
        "device.without: sram-65nm has no drift and no stuck-at, so naming it does nothing"
    );
    assert_eq!(
        noted("rram-wan2022", 0.0, &without),
        "device.without: rram-wan2022 has no drift, so naming it does nothing"
    );
}
