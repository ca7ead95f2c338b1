//! Without noise nothing is random: both modes give the same numbers but for f32.

use crate::modes::Set;
use crate::setup::*;
use topkima::hardware::softmax::{Exponential, Reciprocal, SoftmaxParams, Table, Weights};
use topkima::hardware::topk::Split;
use topkima::study::metrics::{Metric, Values};

fn hold(scene: &Scene) {
    let set = Set::new(scene, 0.0);
    let (exact, fast) = (set.exact(1, 1), set.fast(1, 32));
    for design in 0..scene.designs.len() {
        let kept: Vec<f32> = exact.kept[design][0].iter().map(|x| 32.0 * x).collect();
        assert_eq!(fast.kept[design][0], kept, "selection of design {design}");
        let stops: Vec<f32> = exact.stops[design][0].iter().map(|x| 32.0 * x).collect();
        assert_eq!(fast.stops[design][0], stops, "stops of design {design}");
        // Sums over all columns in f32 hold fewer digits.
        let all = scene.designs[design].0 == CONVENTIONAL;
        let slack = if all { 2e-5 } else { 3e-6 };
        for metric in Metric::ALL {
            let wanted = exact.values[design][0][metric as usize];
            for found in &fast.values[design] {
                let found = found[metric as usize];
                let close = match (found, wanted) {
                    (Some(found), Some(wanted)) => {
                        (found - wanted).abs() <= slack * (0.1 + wanted.abs())
                    }
                    (found, wanted) => found == wanted,
                };
                let name = metric.name();
                let softmax = scene.params.softmax;
                assert!(
                    close,
                    "{name} of design {design}: {found:?} for {wanted:?}, {softmax:?}"
                );
            }
        }
    }
}

#[test]
fn every_design_mask_and_split_without_noise() {
    for mask in [Default::default(), padding(), causal()] {
        for split in [
            Split::Proportional {},
            Split::Even {},
            Split::Explicit(vec![5, 0]),
        ] {
            let mut scene = Scene::new(sram, vec![synthetic(1, 0.0, 0.0)]).masked(&mask);
            scene.designs = vec![(TOPKIMA, 5), (PER_TILE, 5), (GLOBAL, 5)];
            if split == (Split::Even {}) {
                scene.designs.push((CONVENTIONAL, 5));
            }
            if !matches!(split, Split::Explicit(_)) {
                scene.designs.push((TOPKIMA, 1));
                scene.designs.push((GLOBAL, 17));
            }
            scene.params.topk.split = split;
            hold(&scene);
        }
    }
}

/// One row, one query, one token, one column; odd numbers of each; a last tile of one token.
#[test]
fn a_head_of_any_size_without_noise() {
    for size in [
        [1, 1, 1, 1],
        [32, 1, 96, 32],
        [1, 64, 96, 32],
        [31, 63, 95, 31],
        [17, 2, 65, 3],
        [32, 33, 2, 1],
    ] {
        let mut scene = Scene::new(sram, vec![synthetic(1, 0.0, 0.0)]).cut_to(size);
        let k = size[2].min(5);
        scene.designs = vec![(TOPKIMA, k), (PER_TILE, k), (GLOBAL, k), (TOPKIMA, 1)];
        hold(&scene);
        scene.designs.push((CONVENTIONAL, k));
        hold(&scene);
    }
}

/// Neither does the ADC of A x V draw anything, over many conversions: 64 trials of 64 queries.
#[test]
fn tiles_of_v_without_noise_give_the_same_output_each_time() {
    let scene = Scene::new(sram, vec![synthetic(2, 5.0, 4.0)]).on_tiles(20);
    let set = Set::new(&scene, 0.0);
    let fast = set.fast(64, 32);
    let error = |values: &Values| values[Metric::OutputError as usize].unwrap();
    let first = error(&fast.values[0][0]);
    assert!(first > 0.0);
    assert!(fast.values[0].iter().all(|values| error(values) == first));
    // The exact path holds cells and sums more finely.
    let exact = error(&set.exact(1, 1).values[0][0]);
    assert!((first / exact - 1.0).abs() < 0.01, "{first} for {exact}");
}

#[test]
fn every_softmax_that_has_a_fast_path() {
    for bits in [1, 3, 5] {
        for weights in [
            Weights::Exact {},
            Weights::RowMax { max_code: 31 },
            // A prime: shares of a coarse table times 255 lie on a half, where f32 and f64 part.
            Weights::Unit { max_code: 251 },
        ] {
            for reciprocal in [Reciprocal::Exact {}, Reciprocal::Bits(6)] {
                for table in [Table::Exact {}, Table::Entries { bits: 4, width: 7 }] {
                    for exponential in [Exponential::Exact {}, Exponential::Base2 { segments: 4 }] {
                        let mut scene = Scene::new(sram, vec![synthetic(2, 5.0, 4.0)]);
                        scene.params.ramp.bits = bits;
                        scene.params.softmax = SoftmaxParams {
                            exponential,
                            table,
                            weights,
                            reciprocal,
                        };
                        hold(&scene);
                    }
                }
            }
        }
    }
}

#[test]
fn a_real_head_without_noise() {
    for head in [0, 5, 7] {
        let [head, rows] = real(head);
        let mut scene = Scene::new(sram, vec![head]);
        scene.calibration = vec![rows];
        scene.designs = vec![(TOPKIMA, 5), (GLOBAL, 5)];
        hold(&scene);
    }
}
