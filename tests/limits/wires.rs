//! Wires take signal away and never give any.

use crate::common::*;
use crate::setup::*;
use topkima::base::sourced::Sourced;
use topkima::base::units::{Ohms, Siemens};
use topkima::hardware::crossbar::{Chip, CrossbarParams, Keys, Layout};
use topkima::hardware::device::{CellParams, Device, DeviceParams, Effect};
use topkima::hardware::quantise::Matrix;
use topkima::shell::config::{Overrides, Plan};
use topkima::shell::experiment::{Part, Silent, run};

/// A device that does nothing but lose voltage, its conducting cells of 10 uS.
fn wired(name: &str, ohms: f64) -> Device {
    let mut params: DeviceParams = device_params(name);
    let full = Sourced::bare(Siemens::from_si(1e-5));
    match &mut params.cell {
        CellParams::Resistive { g_max, g_min, .. } => {
            *g_max = full;
            *g_min = Sourced::bare(Siemens::from_si(0.0));
        }
        CellParams::Sram { conductance, .. } => *conductance = full,
        CellParams::Ideal {} => panic!("an ideal cell carries no current"),
    }
    params.line.wire = Sourced::bare(Ohms::from_si(ohms));
    checked(&params, 0.0, &only(&[Effect::IrDrop]))
}

fn weights(device: &Device, codes: &Matrix) -> (Matrix, Matrix) {
    let layout = Layout {
        tokens: codes.nrows(),
        d_head: codes.ncols(),
        k_max: Some(7),
        cell: device.cell,
    };
    let crossbar = CrossbarParams::default().check(layout).unwrap();
    let chip = Chip::fabricate(SEED, 0, device, &crossbar, None);
    let written = Keys::program(SEED, 0, &chip, device, &crossbar, codes).value;
    (written.weights, crossbar.law(device, codes).mean)
}

/// Two columns of two weights, all at their largest level, one cell a weight: every cell draws 10 uS. A line of two
/// cells loses 2 segments at the first and 3 at the second. With 0.2 per segment along both lines the weight at
/// (column, row) keeps (1 - 0.2 c)(1 - 0.2 r), c and r of 2 and 3; with 0.6 all four losses are above 1,
/// and a product of two negatives would come out as 7 x 0.2 x 0.2, ... 7 x 0.8 x 0.8.
#[test]
fn two_losses_above_all_leave_nothing() {
    let codes = Matrix::from_element(2, 2, 7.0);
    let (found, _) = weights(&wired("rram-wan2022", 2e4), &codes);
    for (column, wordline) in [(0, 0.6), (1, 0.4)] {
        for (row, bitline) in [(0, 0.6), (1, 0.4)] {
            let expected = 7.0 * wordline * bitline;
            assert!((found[(column, row)] - expected).abs() < 1e-12);
        }
    }
    let (found, _) = weights(&wired("rram-wan2022", 6e4), &codes);
    assert!(found.iter().all(|weight| *weight == 0.0), "{found}");
    // Along the bitline alone: three cells a weight, of which the middle one counts, 11 and 20 of 21 segments.
    for (ohms, kept) in [(2e3, [0.78, 0.6]), (6e3, [0.34, 0.0]), (2e4, [0.0, 0.0])] {
        let (exact, fast) = weights(&wired("sram-65nm", ohms), &codes);
        for weights in [exact, fast] {
            for row in 0..2 {
                let found = weights[(1, row)];
                assert!(
                    (found - 7.0 * kept[row]).abs() < 1e-9,
                    "{ohms} Ohm: {found}"
                );
            }
        }
    }
}

/// Sums shrink with the wires, so the ramp stops later, up to its end. Conductances run on the exact path, SRAM on both.
#[test]
fn the_ramp_never_stops_earlier_for_more_wire() {
    let alphas = |device: &str, mode: &str, ohms: &str| -> Vec<f64> {
        let text = format!(
            "question = \"q\"\nseed = 5\ntrials = 1\nmode = {{ {mode} = {{}} }}\ndevice_folder = {:?}\n\
             [workload.synthetic]\nfamily = {{ gaussian = {{ sigma = 1.0 }} }}\ntokens = 256\nd_head = 64\nheads = 1\n\
             [device]\nname = {device:?}\nonly = [\"ir-drop\"]\n[[design]]\nname = \"t\"\ndatapath = {{ topkima = {{}} }}\n\
             [sweep]\n\"device.with.line.wire\" = [{ohms}]\n",
            folder()
        );
        let table = toml::from_str(&text).unwrap();
        let plan = Plan::of_table("wires.toml".as_ref(), table, &Overrides::default());
        let table = run(&mut plan.unwrap(), &mut Silent).unwrap().table;
        let alpha = |row| table.number(row, "alpha", Part::Mean).unwrap();
        table.rows.iter().map(alpha).collect()
    };
    let thin = "\"0 Ohm\", \"1 Ohm\", \"2 Ohm\", \"4 Ohm\", \"7 Ohm\", \"12 Ohm\", \"1 MOhm\"";
    let thick = "\"0 Ohm\", \"300 Ohm\", \"1 kOhm\", \"3 kOhm\", \"10 kOhm\", \"1 MOhm\"";
    for (device, mode, ohms) in [
        ("rram-wan2022", "exact", thin),
        ("pcm-joshi2020", "exact", thin),
        ("sram-65nm", "exact", thick),
        ("sram-65nm", "fast", thick),
    ] {
        let found = alphas(device, mode, ohms);
        assert!(
            found.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9),
            "{device} {mode}: {found:?}"
        );
        assert!(found[0] < 0.9, "{device} {mode}: {found:?}");
        assert_eq!(found.last(), Some(&1.0), "{device} {mode}: {found:?}");
    }
}
