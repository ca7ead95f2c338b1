//! A x V on noisy tiles, of peaked heads, whose output error is mostly that of the hardware.

use crate::compare::assert_one_output;
use crate::setup::*;
use topkima::hardware::device::Effect;

fn scene(only: &'static [Effect], columns: usize) -> Scene {
    let device = move |scale| sram_only(only, scale);
    Scene::new(device, vec![synthetic(2, 5.0, 4.0)]).on_tiles(columns)
}

#[test]
fn noise_of_the_adc_alone() {
    assert_one_output(&scene(&[Effect::AdcNoise], 32));
}

/// 20 columns of the 32 that go together: what is read where there is no column is nobody's error.
#[test]
fn columns_that_do_not_fill_a_group() {
    assert_one_output(&scene(&[Effect::AdcNoise], 20));
}

#[test]
fn cells_that_miss_their_level() {
    assert_one_output(&scene(&[Effect::CellMismatch], 32));
}

#[test]
fn all_of_the_shipped_device() {
    assert_one_output(&Scene::new(sram, vec![synthetic(2, 5.0, 4.0)]).on_tiles(32));
}

#[test]
fn two_heads_on_one_chip() {
    let heads = vec![synthetic(2, 5.0, 4.0), synthetic(3, 5.0, 4.0)];
    assert_one_output(&Scene::new(sram, heads).on_tiles(32));
}
