use std::collections::BTreeSet;
use std::sync::LazyLock;

use approx::assert_relative_eq;

use super::schedule::{LITERAL, SELECTED};
use super::*;
use crate::base::energy::Corner;
use crate::base::sourced::Sourced;
use crate::base::timing::Closed;
use crate::base::units::Picos;
use crate::study::workload::arrays::read_safetensors;
use crate::study::workload::{Arrays, CalibrationSource, FileParams, WANTED};

const PERIPHERY: &str = include_str!("../../../../device_params/shared/periphery-65nm.toml");

/// The paper's SRAM device with its times and energies, and round numbers for its noise.
const CELL: &str = r#"
name = "sram-65nm"
description = "test"
reference = "test"
programming = { none = {} }
drift = { none = {} }
read = { none = {} }
stuck_at = { off = "0 %", on = "0 %" }
[cell.sram]
mismatch = "5 %"
conductance = "0 S"
[line]
unit_discharge = "20 uV"
precharge = "0.5 V"
headroom = "0.1 V"
read_wordline = "0.5 V"
compression = "0 %"
pulse_loss = "0 ns"
capacitance_mismatch = "0 %"
wire = "0 Ohm"
[column]
offset = "0.3 LSB"
noise = "0.25 LSB"
replica_mismatch = "5 %"
adc_noise = "0 LSB"
"#;

fn device() -> DeviceParams {
    toml::from_str(&format!("{CELL}\n{PERIPHERY}")).unwrap()
}

fn inputs() -> Inputs {
    let read = |name: &str| -> Arrays {
        let path = format!("{}/data/attention/{name}", env!("CARGO_MANIFEST_DIR"));
        read_safetensors(&std::fs::read(path).unwrap(), &WANTED).unwrap()
    };
    let params = FileParams {
        path: "data/attention/test.safetensors".into(),
        heads: None,
        scaled: false,
        calibration: CalibrationSource::Path("calibration.safetensors".into()),
    };
    let arrays = [read("test.safetensors"), read("calibration.safetensors")];
    Inputs {
        workload: params
            .assemble(&arrays[0], Some(&arrays[1]), false)
            .unwrap(),
        device: device(),
    }
}

/// The table takes a second or so: it is made once.
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
fn show() {
    let t = std::time::Instant::now();
    let rows = topkima(&inputs());
    println!("{}", render(&rows));
    println!("{:?}", t.elapsed());
}
