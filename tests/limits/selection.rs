//! Which keys are kept: against the global choice, over k, over designs, in short rows.

use std::collections::BTreeSet;
use std::path::Path;

use crate::setup::*;
use topkima::hardware::attention::{AttentionParams, Mask};
use topkima::hardware::crossbar::CrossbarParams;
use topkima::hardware::quantise::{Clip, Quantiser};
use topkima::hardware::topk::Split;
use topkima::shell::config::{Overrides, Plan};
use topkima::shell::experiment::groups;

#[test]
fn k_per_tile_and_a_merge_equal_the_global_choice_of_the_same_codes() {
    for seed in 0..6 {
        for mask in masks(12, 40) {
            let head = head(seed, 12, 40, 8, mask);
            for k in [1, 3, 5, 16, 17, 40] {
                let mut params = coarse();
                params.topk = top(k, Split::PerTile {});
                let bench = Bench::new(&params, &noisy("sram-65nm"), &head);
                for (tiles, all) in bench.run(TOPKIMA).iter().zip(bench.run(GLOBAL)) {
                    assert_eq!(tiles.survivors, all.survivors, "k = {k}");
                    assert_eq!(tiles.row, all.row, "k = {k}");
                }
            }
        }
    }
}

#[test]
fn the_global_choice_of_exact_codes_is_the_true_top_k() {
    for seed in 0..4 {
        for mask in masks(12, 40) {
            let head = head(50 + seed, 12, 40, 8, mask);
            for split in [Split::PerTile {}, Split::Proportional {}] {
                let mut params = exact();
                params.topk = top(5, split.clone());
                let bench = Bench::new(&params, &device("ideal", &[]), &head);
                let designs: &[_] = if split == (Split::PerTile {}) {
                    &[GLOBAL, TOPKIMA, PER_TILE]
                } else {
                    &[GLOBAL]
                };
                for design in designs {
                    for (query, outcome) in bench.run(*design).iter().enumerate() {
                        let order = &bench.prepared.true_order[query];
                        let wanted: BTreeSet<_> = order.iter().take(5).copied().collect();
                        let found: BTreeSet<_> = kept(outcome).into_iter().collect();
                        assert_eq!(found, wanted, "{design:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn one_ramp_pass_serves_every_k() {
    let head = head(60, 12, 40, 8, Mask::default());
    let bench = |k| {
        let mut params = coarse();
        params.topk = top(k, Split::Proportional {});
        Bench::new(&params, &noisy("sram-65nm"), &head)
    };
    let (few, many) = (bench(5), bench(20));
    assert_eq!(few.trips(), many.trips());
    // What five places keep of a row is among what twenty keep, in the same steps.
    for (few, many) in few.run(TOPKIMA).iter().zip(many.run(TOPKIMA)) {
        assert!(few.survivors.iter().all(|w| many.survivors.contains(w)));
    }
}

#[test]
fn a_sweep_over_k_and_designs_converts_once() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/k_sweep.toml");
    let mut plan = Plan::load(&file, &Overrides::default()).unwrap();
    assert!(plan.points() >= 7 && plan.designs() == 3);
    assert_eq!(groups(&plan).len(), 1);
    let mut fronts = BTreeSet::new();
    for point in 0..plan.points() {
        for design in 0..plan.designs() {
            fronts.insert(plan.case(point, design).unwrap().front);
        }
    }
    assert_eq!(fronts.len(), 1);
}

#[test]
fn three_designs_share_their_trips() {
    for mask in masks(12, 40) {
        let head = head(70, 12, 40, 8, mask);
        let bench = Bench::new(&coarse(), &noisy("pcm-joshi2020"), &head);
        let trips = bench.trips();
        for design in DESIGNS {
            for (query, outcome) in bench.run(design).iter().enumerate() {
                for winner in &outcome.survivors {
                    assert_eq!(winner.trip, trips[(winner.token, query)], "{design:?}");
                }
            }
        }
        // Sorting a tile's codes and stopping its ramp keep the same columns.
        for (sorted, stopped) in bench.run(PER_TILE).iter().zip(bench.run(TOPKIMA)) {
            assert_eq!(sorted.survivors, stopped.survivors);
            assert_eq!(sorted.row, stopped.row);
        }
    }
}

#[test]
fn causal_rows_with_fewer_live_keys_than_k_keep_them_all() {
    let causal = Mask {
        causal: Some(0),
        ..Mask::default()
    };
    let head = head(80, 40, 40, 8, causal);
    for split in [
        Split::Proportional {},
        Split::Even {},
        Split::PerTile {},
        Split::Explicit(vec![3, 4, 2]),
    ] {
        let mut params = coarse();
        params.topk = top(9, split.clone());
        let bench = Bench::new(&params, &noisy("sram-65nm"), &head);
        for design in [GLOBAL, PER_TILE, TOPKIMA] {
            for (query, outcome) in bench.run(design).iter().enumerate() {
                let found = kept(outcome);
                assert_eq!(
                    found.len(),
                    9.min(query + 1),
                    "{design:?} {split:?} {query}"
                );
                if query < 9 {
                    assert_eq!(found, (0..=query).collect::<Vec<_>>());
                }
            }
        }
    }
}

/// d = 64 in one cell a weight on 128 rows, 64 of them replicas, as the paper does for a smaller array.
#[test]
fn ternary_keys_on_tiles_of_128_rows_work_end_to_end() {
    let ternary = AttentionParams {
        quantise: topkima::hardware::quantise::QuantiseParams {
            k: Quantiser::Uniform {
                max_code: 1,
                // The largest magnitude would leave all but 3 % of the cells at zero.
                clip: Clip::Percentile(80.0),
            },
            ..Default::default()
        },
        crossbar: CrossbarParams {
            wordlines: 128,
            bitlines: 128,
            ..CrossbarParams::default()
        },
        ..AttentionParams::default()
    };
    let head = head(90, 48, 384, 64, Mask::default());
    let clean = Bench::new(&ternary, &device("sram-65nm", &[]), &head);
    assert_eq!(
        clean.attention.crossbar.tiles(),
        [0..128, 128..256, 256..384]
    );
    assert_eq!(clean.attention.crossbar.places, [1.0]);
    // Keys by hand: above half the unit a cell holds the sign, below it zero.
    let of = &clean.prepared.calibration;
    let half = of.k.unit / 2.0;
    let trips = clean.trips();
    for query in 0..48 {
        for token in 0..384 {
            let sum: f64 = (0..64)
                .map(|d| {
                    let key = head.k[(token, d)];
                    let sign = if key.abs() > half { key.signum() } else { 0.0 };
                    sign * (head.q[(d, query)] / of.q.unit).round_ties_even()
                })
                .sum();
            let depth = (of.full_scale_charges() - sum) / of.lsb_charges();
            let step = depth.ceil().clamp(1.0, 32.0);
            assert_eq!(trips[(token, query)], step, "{query} {token}");
        }
    }
    let noisy = Bench::new(&ternary, &noisy("sram-65nm"), &head);
    for (name, bench) in [("clean", &clean), ("noisy", &noisy)] {
        let full = bench.error(CONVENTIONAL);
        assert!(full.is_finite() && full < 2.0, "{name}: {full}");
        let hits: usize = bench
            .run(TOPKIMA)
            .iter()
            .enumerate()
            .map(|(query, outcome)| {
                assert_eq!(outcome.survivors.len(), 5);
                let wanted = &bench.prepared.true_order[query][..5];
                kept(outcome).iter().filter(|t| wanted.contains(t)).count()
            })
            .sum();
        // Of 384 keys five at random would be right in 1.3 %.
        assert!(hits as f64 > 0.4 * 48.0 * 5.0, "{name}: {hits} of 240");
    }
}
