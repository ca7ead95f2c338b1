//! Cells written through the crossbar and read back as conductances.

use crate::common::*;
use topkima::base::rng::Seed;
use topkima::base::sourced::Sourced;
use topkima::hardware::crossbar::{Chip, Crossbar, CrossbarParams, Keys, Layout};
use topkima::hardware::device::{CellParams, Device, DeviceParams, Mapping, Selection};
use topkima::hardware::quantise::Matrix;

pub const SEED: Seed = Seed(11);

/// Seven levels in single cells: an offset mapping shows one conductance a weight.
pub const LEVELS: usize = 7;

/// g_max and g_min in uS of a file's cell, and the file with one cell a weight.
pub fn single_cells(name: &str) -> (DeviceParams, f64, f64) {
    let mut params = device_params(name);
    let CellParams::Resistive {
        g_max,
        g_min,
        mapping,
        bits_per_cell,
    } = &mut params.cell
    else {
        panic!("{name} has no conductances")
    };
    *mapping = Mapping::Offset {};
    // All levels in one cell.
    *bits_per_cell = Sourced::bare(bits_per_cell.value.max(3));
    let window = (g_max.value.si() * 1e6, g_min.value.si() * 1e6);
    (params, window.0, window.1)
}

pub fn layout(device: &Device, tokens: usize, d_head: usize, k_max: u32) -> Crossbar {
    let layout = Layout {
        tokens,
        d_head,
        k_max: Some(k_max),
        cell: device.cell,
    };
    CrossbarParams::default().check(layout).unwrap()
}

/// Conductances in uS as stored, `cells` at each of the seven levels in turn, by the public path.
pub fn programmed(name: &str, age: f64, selection: &Selection, head: u64) -> Vec<(f64, Vec<f64>)> {
    let (params, max, min) = single_cells(name);
    let device = checked(&params, age, selection);
    let (tokens, d_head) = (256 * LEVELS, 192);
    let crossbar = layout(&device, tokens, d_head, 3);
    let codes = Matrix::from_fn(tokens, d_head, |token, _| (token % LEVELS) as f64 - 3.0);
    let chip = Chip::fabricate(SEED, 0, &device, &crossbar, None);
    let keys = Keys::program(SEED, head, &chip, &device, &crossbar, &codes).value;
    let conductance = |level: f64| min + level / (LEVELS - 1) as f64 * (max - min);
    (0..LEVELS)
        .map(|level| {
            let rows = (level..tokens).step_by(LEVELS);
            let cells = rows.flat_map(|t| keys.weights.row(t).iter().copied().collect::<Vec<_>>());
            (
                conductance(level as f64),
                cells.map(|w| conductance(w + 3.0)).collect(),
            )
        })
        .collect()
}
