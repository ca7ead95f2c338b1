//! A x V on noisy tiles, of peaked heads, whose output error is mostly that of the hardware.

use crate::compare::assert_one_output;
use crate::modes::Set;
use crate::setup::*;
use topkima::hardware::attention::{AvParams, Fast, FastRoom};
use topkima::hardware::converter::AdcParams;
use topkima::hardware::device::Effect;
use topkima::hardware::quantise::Quantiser;
use topkima::hardware::softmax::{Exponential, Reciprocal, SoftmaxParams, Table, Weights};

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
fn every_column_drives_its_row() {
    let mut scene = Scene::new(sram, vec![synthetic(1, 0.0, 0.0)]).on_tiles(32);
    scene.designs = vec![(CONVENTIONAL, 5)];
    assert_one_output(&scene);
}

#[test]
fn two_heads_on_one_chip() {
    let heads = vec![synthetic(2, 5.0, 4.0), synthetic(3, 5.0, 4.0)];
    assert_one_output(&Scene::new(sram, heads).on_tiles(32));
}

/// Why the scene has no fast path; where it has one, a block of it runs.
fn refusal(scene: &Scene) -> Option<&'static str> {
    let set = Set::new(scene, 1.0);
    let finishes = set.finishes(0);
    match Fast::plan(&set.attentions[0], &finishes, &set.prepared[0], true) {
        Ok(fast) => {
            fast.run(FAST, 1, &mut FastRoom::default());
            None
        }
        Err(why) => Some(why),
    }
}

#[test]
fn codes_of_v_that_join_to_more_than_16_bits_are_refused() {
    let with = |max_code| {
        let mut scene = Scene::new(sram, vec![synthetic(2, 5.0, 4.0)]).on_tiles(32);
        if let Quantiser::Uniform { max_code: own, .. } = &mut scene.params.quantise.v {
            *own = max_code;
        }
        refusal(&scene)
    };
    // Two tiles of codes up to 127, worth up to 63 and 127 of the lowest bit.
    assert_eq!(with(127), None);
    assert!(with(255).unwrap().contains("16 bits"));
}

#[test]
fn one_key_and_much_noise_are_still_fast() {
    for (k, scale) in [(1, 1.0), (2, 1.0), (5, 4.0)] {
        let device = move |louder: f64| sram(scale * louder);
        let mut scene = Scene::new(device, vec![synthetic(1, 0.0, 0.0)]).on_tiles(32);
        scene.designs = vec![(TOPKIMA, k)];
        assert_eq!(refusal(&scene), None, "k = {k}, {scale} times the noise");
    }
}

/// I-BERT's exponential of 0 is 1.0003 and a reciprocal of 6 bits may be above 1: A drives no more than its
/// largest code.
#[test]
fn a_code_of_a_beyond_its_largest_is_the_largest() {
    let mut scene = Scene::new(sram, vec![synthetic(2, 5.0, 4.0)]).on_tiles(32);
    scene.designs = vec![(TOPKIMA, 1)];
    scene.params.softmax = SoftmaxParams {
        exponential: Exponential::IBert {},
        table: Table::Exact {},
        weights: Weights::Unit { max_code: 4000 },
        reciprocal: Reciprocal::Bits(6),
    };
    if let AvParams::Tiles { adc, .. } = &mut scene.params.av {
        *adc = AdcParams::Uniform {
            bits: 6,
            percentile: 100.0,
            noise_margin: 4.0,
        };
    }
    assert_eq!(refusal(&scene), None);
}

/// One analog column for an exact V stands for 15 codes, which no shift of bits gives.
#[test]
fn an_exact_v_is_left_to_the_exact_way() {
    let mut scene = Scene::new(sram, vec![synthetic(2, 5.0, 4.0)]).on_tiles(32);
    scene.params.quantise.v = Quantiser::Exact {};
    assert_eq!(refusal(&scene), Some("V is not in codes"));
}
