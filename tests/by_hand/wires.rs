//! Voltage lost along the wires: a ladder of equal resistors whose cells all draw the same current.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::Ohms;
use topkima::hardware::crossbar::{Chip, Crossbar, CrossbarParams, Keys, Layout};
use topkima::hardware::device::{CellParams, Device, DeviceParams, Effect, Mapping};
use topkima::hardware::quantise::Matrix;

/// Segments times currents between the driver and cell `at` of a line of `cells`, the first cell being one segment away:
/// segment j carries the current of all cells from j on.
fn ladder(at: usize, cells: usize) -> f64 {
    (0..=at).map(|segment| (cells - segment) as f64).sum()
}

fn wired(mut params: DeviceParams, ohms: f64) -> Device {
    params.line.wire = Sourced::bare(Ohms::from_si(ohms));
    checked(&params, 0.0, &only(&[Effect::IrDrop]))
}

/// Tiles of three columns.
fn lay(device: &Device, tokens: usize, d_head: usize) -> Crossbar {
    let params = CrossbarParams {
        bitlines: 3,
        ..CrossbarParams::default()
    };
    let layout = Layout {
        tokens,
        d_head,
        k_max: Some(7),
        cell: device.cell,
    };
    params.check(layout).unwrap()
}

fn written(device: &Device, crossbar: &Crossbar, codes: &Matrix) -> Matrix {
    let chip = Chip::fabricate(SEED, 0, device, crossbar, None);
    Keys::program(SEED, 0, &chip, device, crossbar, codes)
        .value
        .weights
}

fn assert_close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < 1e-9,
        "{what}: {found} for {expected}"
    );
}

#[test]
fn a_ladder_of_three_loses_three_five_and_six() {
    assert_eq!([0, 1, 2].map(|at| ladder(at, 3)), [3.0, 5.0, 6.0]);
}

/// A dual SRAM cell is driven at its gate, so only bitlines carry current. A weight takes three cells and loses what
/// the middle one does. Both modes: cells as written, and the law of what is written.
#[test]
fn an_sram_weight_loses_along_its_bitline_what_its_middle_cell_does() {
    let device = wired(device_params("sram-65nm"), 60.0);
    let conductance = match device_params("sram-65nm").cell {
        CellParams::Sram { conductance, .. } => conductance.value.si(),
        _ => panic!("no SRAM"),
    };
    let (tokens, d) = (5, 4);
    let crossbar = lay(&device, tokens, d);
    // All cells conduct; then every other weight does, and the mean current is half.
    for (share, every) in [(1.0, 1), (0.5, 2)] {
        let codes = Matrix::from_fn(tokens, d, |_, row| if row % every == 0 { 7.0 } else { 0.0 });
        let found = written(&device, &crossbar, &codes);
        let law = crossbar.law(&device, &codes).mean;
        for token in 0..tokens {
            for row in (0..d).step_by(every) {
                let loss = 60.0 * conductance * share * ladder(3 * row + 1, 3 * d);
                assert!(loss > 1e-4 && loss < 0.5, "{loss} shows nothing");
                for (mode, found) in [("exact", &found), ("fast", &law)] {
                    let what = format!("{mode}, token {token}, row {row}");
                    assert_close(found[(token, row)], 7.0 * (1.0 - loss), &what);
                }
            }
        }
    }
}

/// A resistive cell draws its current through both wires: along the wordline from the tile's first column, along the
/// bitline from its first row.
#[test]
fn a_resistive_weight_loses_along_both_wires() {
    for mapping in [Mapping::Differential {}, Mapping::Offset {}] {
        let mut params = device_params("rram-wan2022");
        let CellParams::Resistive {
            g_max,
            bits_per_cell,
            mapping: own,
            ..
        } = &mut params.cell
        else {
            panic!("no conductance");
        };
        // One cell a weight.
        *bits_per_cell = Sourced::bare(4);
        *own = mapping;
        let conductance = g_max.value.si();
        let (ohms, tokens, d) = (100.0, 5, 4);
        let device = wired(params, ohms);
        let crossbar = lay(&device, tokens, d);
        let found = written(&device, &crossbar, &Matrix::from_element(tokens, d, 7.0));
        // Tiles of three columns and of two.
        for (token, (bitline, columns)) in [(0, 3), (1, 3), (2, 3), (0, 2), (1, 2)]
            .into_iter()
            .enumerate()
        {
            for row in 0..d {
                let along = |at, cells| 1.0 - ohms * conductance * ladder(at, cells);
                let (wordline, bitline) = (along(bitline, columns), along(row, d));
                // An offset cell conducts 14 at most; 7 is taken away by a reference beside the first column.
                let expected = match mapping {
                    Mapping::Differential {} => 7.0 * wordline * bitline,
                    Mapping::Offset {} => 14.0 * wordline * bitline - 7.0 * bitline,
                };
                let what = format!("{mapping:?}, token {token}, row {row}");
                assert_close(found[(token, row)], expected, &what);
            }
        }
    }
}
