//! The errors of a column that nobody shares are drawn as one factor over its queries, those of a shared
//! chip cell by cell: the law is one.

use crate::common::*;
use crate::compare::assert_same_fast;
use crate::setup::*;
use topkima::hardware::device::Selection;

fn both(device: fn(f64) -> topkima::hardware::device::Device, sink: f64, peak: f64) {
    let scene = |shared| Scene {
        shared,
        ..Scene::new(device, vec![synthetic(4, sink, peak)])
    };
    assert_same_fast(&scene(false), &scene(true));
}

#[test]
fn cells_offsets_and_replicas() {
    both(sram, 0.0, 0.0);
}

/// Offset and line mismatch as strong as the cells.
#[test]
fn offsets_and_lines() {
    let device = |scale: f64| {
        let (mut table, _) = device_table("sram-65nm");
        let text = r#"
            column = { offset = { value = "0.8 LSB", low = "0 LSB", high = "9 LSB", source = "assumed" } }
            line = { capacitance_mismatch = { value = "4 %", low = "0 %", high = "9 %", source = "assumed" } }
        "#;
        merge(&mut table, toml::from_str(text).unwrap());
        checked(
            &typed(table),
            0.0,
            &Selection {
                noise_scale: scale,
                ..Selection::default()
            },
        )
    };
    both(device, 5.0, 4.0);
}
