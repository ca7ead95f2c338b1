//! The table held against its own parts: each number of a row is made again another way.

mod data;
mod joules;
mod latency;
mod trained;

use std::sync::LazyLock;

use super::*;
use crate::base::arrays::read_safetensors;
use crate::study::workload::{Arrays, Axes, CalibrationSource, FileParams, WANTED};

/// The shipped device, nominal grade: its file and the two that it includes.
fn device() -> DeviceParams {
    let read = |name: &str| -> toml::Table {
        let path = format!("{}/device_params/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let mut tree = read("shared/periphery-65nm");
    tree.extend(read("shared/column-65nm"));
    tree.extend(read("sram-65nm"));
    tree.remove("include");
    tree.remove("grades");
    tree.try_into().unwrap()
}

fn inputs() -> Inputs {
    let read = |name: &str| -> Arrays {
        let path = format!("{}/data/attention/{name}", env!("CARGO_MANIFEST_DIR"));
        read_safetensors(&std::fs::read(path).unwrap(), &WANTED).unwrap()
    };
    let params = FileParams {
        path: "data/attention/test.safetensors".into(),
        heads: None,
        axes: Axes::default(),
        scaled: false,
        calibration: CalibrationSource::Path("calibration.safetensors".into()),
    };
    let arrays = [read("test.safetensors"), read("calibration.safetensors")];
    Inputs {
        workload: params
            .assemble(&arrays[0], Some(&arrays[1]), false)
            .unwrap(),
        device: device(),
        trained: Some(trained::shipped(400)),
        borne: [(0.0, 80.0), (1.0, 79.0), (2.0, 77.0)]
            .map(|(noise_lsb, score)| Borne {
                noise_lsb,
                score,
                half: 0.5,
            })
            .to_vec(),
    }
}

/// Made once: it simulates every head twenty times.
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| topkima(&inputs()));

fn find<'a>(rows: &'a [Row], quantity: &str) -> &'a Row {
    let mut found = rows.iter().filter(|row| row.quantity.contains(quantity));
    let row = found
        .next()
        .unwrap_or_else(|| panic!("no row `{quantity}`"));
    assert!(found.next().is_none(), "two rows `{quantity}`");
    row
}

/// The first number in a text.
fn first(text: &str) -> f64 {
    let from = text.find(|c: char| c.is_ascii_digit()).unwrap();
    let rest = &text[from..];
    let to = rest
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(rest.len());
    rest[..to].trim_end_matches('.').parse().unwrap()
}

#[test]
fn every_group_is_there_in_order() {
    let groups: Vec<How> = ROWS.iter().map(|row| row.how).collect();
    assert!(groups.is_sorted());
    for how in How::ALL {
        assert!(groups.contains(&how), "{how:?}");
    }
    for row in ROWS.iter() {
        assert!(!row.model.contains("refused"), "{row:?}");
        assert!(!row.model.contains("NaN"), "{row:?}");
    }
}

#[test]
fn replays_have_an_error_and_fits_are_never_called_replays() {
    for row in ROWS.iter() {
        assert!(row.how != How::Replay || row.error_percent.is_some());
        assert!(!row.model.contains("fitted") || row.error_percent.is_none());
    }
    assert!(misses(&ROWS).is_empty());
}

#[test]
fn the_table_fits_a_terminal_and_holds_every_row() {
    let text = render(&ROWS);
    for line in text.lines() {
        assert!(line.chars().count() <= 120, "{line}");
        assert!(!line.contains('|'), "a row took a line of its own: {line}");
    }
    for row in ROWS.iter() {
        for part in [&row.quantity, &row.published, &row.model] {
            assert!(text.contains(part.as_str()), "{part}");
        }
    }
    for title in [
        "REPLAY",
        "FITTED",
        "SIMULATED",
        "SAME TREND, OTHER MODEL",
        "SENSITIVITY",
        "SYSTEM",
        "NOT REPRODUCIBLE",
    ] {
        assert!(text.contains(&format!("\n{title} - ")), "{title}");
    }
}

#[test]
fn a_row_too_wide_for_its_columns_still_fits_the_terminal() {
    let wide = "a long word ".repeat(20);
    let row = Row::new(How::System, wide.trim(), wide.trim(), wide.trim()).note(wide.trim());
    for line in render(&[row]).lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
}

#[test]
fn the_table_is_the_same_for_any_number_of_threads() {
    let inputs = inputs();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| topkima(&inputs))
    };
    let one = with(1);
    assert_eq!(one, with(3));
    assert_eq!(one, *ROWS);
    assert_eq!(render(&one), render(&ROWS));
}

#[test]
fn inputs_that_do_not_fit_are_refused_in_words_and_a_refused_replay_is_a_miss() {
    let mut bad = inputs();
    bad.device.timing.clock = crate::base::sourced::Sourced::bare(crate::base::units::Picos::ZERO);
    let rows = topkima(&bad);
    assert!(!misses(&rows).is_empty());
    assert!(misses(&rows)[0].note.contains("clock"));
    assert!(render(&rows).contains("0 of 1 replays"));
    // A head too wide for ternary K on 128 rows: the other groups stand.
    let mut wide = inputs();
    wide.workload.heads.truncate(1);
    wide.workload.calibration.truncate(1);
    for head in [
        &mut wide.workload.heads[0],
        &mut wide.workload.calibration[0],
    ] {
        head.q = head.q.clone().resize_vertically(96, 0.0);
        head.k = head.k.clone().resize_horizontally(96, 0.0);
    }
    let rows = topkima(&wide);
    let refused: Vec<&Row> = rows.iter().filter(|row| row.model == "refused").collect();
    assert!(!refused.is_empty() && refused.iter().all(|row| row.how == How::Simulated));
    assert!(refused[0].note.contains("wordlines"), "{:?}", refused[0]);
    assert!(misses(&rows).is_empty());
}
