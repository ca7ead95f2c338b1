//! Rows of the chips that set a constant: the number that sets it, and the chip's other points.

use super::prices::{Calibration, Converter, Geometry};
use super::{Group, MacroRow, Scope, at, silicon};

/// All rows of the calibrated chips.
pub(super) fn rows(calibration: &Calibration) -> Vec<MacroRow> {
    let mut rows = Vec::new();
    jia(calibration, &mut rows);
    neurram(calibration, &mut rows);
    sinangil(calibration, &mut rows);
    rows
}

fn jia(calibration: &Calibration, rows: &mut Vec<MacroRow>) {
    for (index, point) in silicon::JIA_POINTS.iter().enumerate() {
        let geometry = Geometry {
            cells: silicon::JIA_ROWS,
            converter: Converter::Sar {
                bits: silicon::JIA_ADC_BITS,
                count: 1,
            },
            input_conversions: 0,
            supply: point.supply,
        };
        let column = calibration.price(&geometry);
        let only = |component| column.clone().map(|parts| parts.only(component));
        let mut add = |what: &str, scope, published, model, group, how| {
            rows.push(MacroRow {
                paper: silicon::JIA,
                quantity: format!("{what}, {}", at(point.supply)),
                scope,
                published,
                model,
                group,
                how,
            });
        };
        let (group, cell, sar, datapath) = if index == 0 {
            (Group::Sets, SETS_CELL, SETS_SAR, SETS_DATAPATH)
        } else {
            (Group::SameChip, BY_SQUARE, BY_SQUARE, BY_SCALING)
        };
        let part = Scope::Component;
        add(
            "column of 2304 cells",
            part,
            point.column,
            only("array"),
            group,
            cell,
        );
        add("8 b conversion", part, point.adc, only("ADC"), group, sar);
        let scaled = calibration.datapath(point.supply);
        add(
            "digital datapath",
            part,
            point.datapath,
            scaled,
            group,
            datapath,
        );
        add(
            "column + conversion",
            Scope::Whole,
            point.both,
            column.clone(),
            group,
            EFFICIENCY,
        );
    }
}

fn neurram(calibration: &Calibration, rows: &mut Vec<MacroRow>) {
    for point in &silicon::NEURRAM_POINTS {
        let model = calibration.neurram(point.out_bits, point.in_bits);
        let bits = format!("{} b in, {} b out", point.in_bits, point.out_bits);
        let mut add = |what: &str, scope, published, model, group, how| {
            rows.push(MacroRow {
                paper: silicon::NEURRAM,
                quantity: format!("{what}, {bits}"),
                scope,
                published,
                model: Ok(model),
                group,
                how,
            });
        };
        if let Some(input) = point.input {
            let (group, how) = if point == &silicon::NEURRAM_SETTING {
                (Group::Sets, SETS_PULSES)
            } else {
                (Group::SameChip, BY_PLANES)
            };
            let pulses = model.only("input pulses");
            add("input pulses", Scope::Component, input, pulses, group, how);
        }
        add(
            "core pass",
            Scope::Whole,
            point.total,
            model,
            Group::SameChip,
            NEURRAM_PASS,
        );
    }
}

fn sinangil(calibration: &Calibration, rows: &mut Vec<MacroRow>) {
    for (index, point) in silicon::SINANGIL_POINTS.iter().enumerate() {
        let (group, how) = match index {
            0 | 1 => (Group::Sets, SETS_CODE),
            _ => (Group::SameChip, BY_CODE),
        };
        rows.push(MacroRow {
            paper: silicon::SINANGIL,
            quantity: format!("macro pass, {}, output {}", at(point.supply), point.output),
            scope: Scope::Whole,
            published: point.total,
            model: Ok(calibration.sinangil(point.supply, point.output)),
            group,
            how,
        });
    }
}

const SETS_CELL: &str = "sets the charge of a cell (5.83 fF at the supply)";
const SETS_SAR: &str = "sets the SAR's factor on 100 fF b + 1 aF 4^b";
const SETS_DATAPATH: &str = "sets the datapath's energy at 65 nm, 0.85 V";
const SETS_PULSES: &str = "sets the energy of one plane of input pulses";
const SETS_CODE: &str = "sets the idle charge and the charge an output code adds";
const BY_SQUARE: &str = "charge set at 0.85 V, times V^2";
const BY_SCALING: &str = "datapath set at 0.85 V, by the Stillmaker-Baas scaling of digital energy";
const EFFICIENCY: &str =
    "components set at 0.85 V, against the published efficiency (another measurement)";
const BY_PLANES: &str = "pulses set at 4 b in / 6 b out, times the planes";
const NEURRAM_PASS: &str = "wordlines by C V dV from published capacitances; pulses set at 4 b / 6 b; neuron \
     prices were fitted to this sweep by their own source (hwcomponents-library)";
const BY_CODE: &str = "set at 0.8 V and codes 0 and 15: linear in the code, times V^2";
