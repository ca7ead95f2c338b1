//! Is a ramp that is cut where the counter is full the ramp that halts there?
//!
//! The stepwise ramp is played from what the comparators see: the same chip, draws and ladders, read
//! by a converter without steps.

use crate::common::{checked, device_params};
use crate::setup::*;
use proptest::prelude::*;
use topkima::hardware::attention::{AttentionParams, Head, Mask, Outcome};
use topkima::hardware::converter::{Below, FullScale, RampParams, Range, Resolution};
use topkima::hardware::device::{Effect, Selection};
use topkima::hardware::events::StepGrants;
use topkima::hardware::quantise::{Clip, Quantiser};
use topkima::hardware::topk::Split;

/// What one tile of a ramp that halts has done.
struct Halted {
    kept: Vec<(usize, u32)>,
    stop: u32,
    grants: Vec<StepGrants>,
    tie: bool,
}

/// Step by step from the start: at each step the live columns that the ramp has reached ask, the smaller
/// address is served first, and the ramp halts when `places` have been served.
fn halting_ramp(
    columns: &[(usize, f64, &[f64])],
    steps: u32,
    places: usize,
    below: Below,
) -> Halted {
    let mut done = Halted {
        kept: Vec::new(),
        stop: steps,
        grants: Vec::new(),
        tie: false,
    };
    let mut waiting: Vec<usize> = (0..columns.len()).collect();
    for step in 1..=steps {
        let tripped = |at: &usize| {
            let (_, depth, ladder) = columns[*at];
            depth <= ladder[step as usize - 1] || (step == steps && below == Below::LastCode {})
        };
        let (asking, rest): (Vec<usize>, Vec<usize>) = waiting.iter().partition(|at| tripped(at));
        waiting = rest;
        let served = asking.len().min(places - done.kept.len());
        done.kept
            .extend(asking[..served].iter().map(|at| (columns[*at].0, step)));
        if served > 0 {
            done.grants.push(StepGrants {
                step,
                count: served as u32,
            });
        }
        if done.kept.len() == places {
            done.stop = step;
            done.tie = asking.len() > served;
            break;
        }
    }
    done
}

/// Holds every query of a bench to the ramp that halts.
fn assert_halts(params: &AttentionParams, name: &str, head: &Head) {
    let bench = Bench::new(params, &noisy(name), head);
    let mut stepless = params.clone();
    stepless.ramp.resolution = Resolution::Exact {};
    let depths = Bench::new(&stepless, &noisy(name), head).trips();
    let ladders = bench.attention.ladders(&bench.chip);
    let steps = bench.attention.ramp.steps();
    let tokens = head.k.nrows();
    for (query, outcome) in bench.run(TOPKIMA).iter().enumerate() {
        let live = |token: &usize| head.mask.is_live(query, *token, tokens);
        let tiles = bench.attention.crossbar.tiles();
        let lives: Vec<usize> = tiles
            .iter()
            .map(|t| t.clone().filter(live).count())
            .collect();
        let places = bench.attention.topk[0].row_quota(&lives);
        let mut survivors = Vec::new();
        for (at, tile) in tiles.iter().enumerate() {
            let columns: Vec<(usize, f64, &[f64])> = tile
                .clone()
                .filter(live)
                .map(|token| (token, depths[(token, query)], ladders.of(token)))
                .collect();
            let found = &outcome.tiles[at];
            assert_eq!(found.live, columns.len());
            if places[at] == 0 || columns.is_empty() {
                assert_eq!(found.stop, None, "an idle tile");
                continue;
            }
            let halted = halting_ramp(&columns, steps, places[at], params.ramp.below);
            assert_eq!(found.stop, Some(f64::from(halted.stop)), "query {query}");
            assert_eq!(
                outcome.trace.tiles[at].grants, halted.grants,
                "query {query}"
            );
            assert_eq!(found.tie, halted.tie, "query {query}");
            survivors.extend(halted.kept);
        }
        survivors.sort_unstable();
        assert_eq!(pairs(outcome), survivors, "query {query}");
    }
}

fn pairs(outcome: &Outcome) -> Vec<(usize, u32)> {
    let winners = outcome.survivors.iter();
    winners.map(|w| (w.token, w.trip as u32)).collect()
}

fn splits(k: usize, tokens: usize) -> impl Strategy<Value = Split> {
    // Explicit: all places in the last tiles first, as far as 16 columns go.
    let mut rest = k;
    let mut explicit = Vec::new();
    for start in (0..tokens).step_by(16).rev() {
        let places = rest.min(16.min(tokens - start));
        explicit.insert(0, places);
        rest -= places;
    }
    prop_oneof![
        Just(Split::Proportional {}),
        Just(Split::Even {}),
        Just(Split::Explicit(explicit)),
    ]
}

/// Tokens and places of a row, and how the places are shared out.
fn shares() -> impl Strategy<Value = (usize, usize, Split)> {
    (17_usize..50)
        .prop_flat_map(|tokens| (Just(tokens), 1..=tokens))
        .prop_flat_map(|(tokens, k)| (Just(tokens), Just(k), splits(k, tokens)))
}

fn ramps() -> impl Strategy<Value = RampParams> {
    let below = prop_oneof![Just(Below::LastCode {}), Just(Below::Absent {})];
    let range = prop_oneof![Just(Range::OneSided {}), Just(Range::Symmetric {})];
    (2_u32..7, below, range).prop_map(|(bits, below, range)| RampParams {
        bits,
        below,
        range,
        ..RampParams::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_early_stopped_ramp_equals_a_stepwise_ramp_that_halts(
        (tokens, k, split) in shares(),
        ramp in ramps(),
        mask in 0_usize..5,
        seed: u64,
        name in prop_oneof![Just("ideal"), Just("sram-65nm"), Just("rram-wan2022")],
        integers: bool,
    ) {
        let queries = 6;
        let mut params = coarse();
        params.topk = top(k, split);
        params.ramp = ramp;
        let mut head = head(seed, queries, tokens, 4, masks(queries, tokens).swap_remove(mask));
        if integers {
            // Few distinct scores: ties within a step and beyond the places.
            head.k.apply(|x| *x = x.round());
        }
        assert_halts(&params, name, &head);
    }
}

#[test]
fn scores_1_to_384_on_three_tiles_keep_what_the_paper_says() {
    let kept_at = |bits: u32| {
        let mut params = exact();
        let codes = |max_code| Quantiser::Uniform {
            max_code,
            clip: Clip::AbsMax {},
        };
        // Integer scores: one dimension, a query of 1, keys 1 to 384.
        params.quantise.q = codes(1);
        params.quantise.k = codes(384);
        params.crossbar.bitlines = 128;
        params.ramp = RampParams {
            bits,
            full_scale: FullScale::Scores(384.0),
            ..RampParams::default()
        };
        params.topk = top(5, Split::Explicit(vec![2, 2, 1]));
        let mut head = head(0, 1, 384, 1, Mask::default());
        head.q.fill(1.0);
        (0..384).for_each(|token| head.k[(token, 0)] = (token + 1) as f64);
        let even = Bench::new(&params, &device("sram-65nm", &[]), &head).run(TOPKIMA);
        params.topk = top(5, Split::Even {});
        assert_eq!(
            even,
            Bench::new(&params, &device("ideal", &[]), &head).run(TOPKIMA)
        );
        let tokens = kept(&even[0]);
        tokens.iter().map(|token| token + 1).collect::<Vec<usize>>()
    };
    assert_eq!(kept_at(9), [127, 128, 255, 256, 384]);
    // At 5 bits a step holds 12 scores; of those of a tile's best step the lowest addresses win.
    let step = |score: usize| (384 - score).div_ceil(12).max(1);
    let mut expected: Vec<usize> = Vec::new();
    for (tile, places) in [(1..=128, 2), (129..=256, 2), (257..=384, 1)] {
        let mut scores: Vec<usize> = tile.collect();
        scores.sort_by_key(|score| (step(*score), *score));
        expected.extend(&scores[..places]);
    }
    assert_eq!(expected, [120, 121, 252, 253, 372]);
    assert_eq!(kept_at(5), expected);
}

#[test]
fn masked_columns_never_trip_and_padding_never_wins() {
    for seed in 0..8 {
        for (number, mask) in masks(12, 40).into_iter().enumerate() {
            let mut head = head(seed, 12, 40, 8, mask.clone());
            // Padding looks better than anything else.
            if mask.tokens.is_some() {
                head.k.rows_mut(30, 10).fill(9.0);
                head.q.apply(|x| *x = x.abs());
            }
            let bench = Bench::new(&coarse(), &noisy("sram-65nm"), &head);
            let trips = bench.trips();
            let live = |query, token| mask.is_live(query, token, 40);
            for (at, trip) in trips.iter().enumerate() {
                assert_eq!(trip.is_finite(), live(at / 40, at % 40), "mask {number}");
            }
            for design in DESIGNS {
                for (query, outcome) in bench.run(design).iter().enumerate() {
                    assert!(kept(outcome).iter().all(|token| live(query, *token)));
                    assert!(!outcome.survivors.is_empty());
                }
            }
        }
    }
}

#[test]
fn what_stands_in_padding_changes_nothing() {
    let mask = masks(12, 40).swap_remove(1);
    let clean = head(7, 12, 40, 8, mask);
    let mut dirty = clean.clone();
    dirty.k.rows_mut(30, 10).fill(50.0);
    dirty.v.columns_mut(30, 10).fill(-50.0);
    // The voltage along a wire depends on the mean current of its tile, padding included.
    let device = checked(
        &device_params("sram-65nm"),
        0.0,
        &Selection {
            without: vec![Effect::IrDrop],
            ..Default::default()
        },
    );
    for design in DESIGNS {
        let run = |head| Bench::calibrated(&coarse(), &device, head, &clean).run(design);
        assert_eq!(run(&clean), run(&dirty), "{design:?}");
    }
}
