//! Places of tiles that are masked: who gets them, and who can not.

use std::sync::Arc;

use crate::setup::*;
use topkima::hardware::attention::Mask;
use topkima::hardware::topk::{Spare, Split};
use topkima::study::metrics::Metric;

fn live(live: &[bool]) -> Mask {
    let tokens: Arc<[bool]> = live.into();
    Mask {
        tokens: Some(tokens),
        ..Mask::default()
    }
}

/// Six tokens on three tiles of two; the highest score is that of token 5.
fn six() -> topkima::hardware::attention::Head {
    head(
        [[31], [17]],
        [[1], [2], [3], [4], [5], [7]],
        [[1], [2], [3], [4], [5], [15]],
    )
}

/// Of three tiles of two columns one place belongs to the first. A row in which that tile is masked keeps nothing: the
/// others were never written.
#[test]
fn places_of_a_masked_tile_do_not_wake_an_idle_one() {
    let device = ideal(|_| ());
    for (k, split) in [
        (1, Split::Proportional {}),
        (1, Split::Even {}),
        (2, Split::Explicit(vec![2, 0, 0])),
    ] {
        let params = hardware(2, 217.0, k, split);
        let mut head = six();
        head.mask = live(&[false, false, true, true, true, true]);
        for datapath in [TOPKIMA, PER_TILE] {
            for answer in both(&params, &device, &head, datapath) {
                let recall = answer.values[Metric::Recall as usize];
                assert_eq!(recall, Some(0.0), "{datapath:?}, k = {k}");
                // No ramp has run, and the output is zero.
                assert_eq!(answer.stops.iter().sum::<u64>(), 0);
                let error = answer.values[Metric::OutputError as usize].unwrap();
                assert!((error - 1.0).abs() < 1e-6, "{error}");
            }
        }
        // A sort over the whole row knows no places.
        for answer in both(&params, &device, &head, GLOBAL) {
            assert_eq!(answer.values[Metric::Recall as usize], Some(1.0));
        }
    }
}

/// They go to the tiles that have places of their own, one by one from the lowest.
#[test]
fn places_of_a_masked_tile_go_to_the_others_that_are_driven() {
    let device = ideal(|_| ());
    let mut head = six();
    head.mask = live(&[false, false, true, true, true, true]);
    for (spare, kept) in [
        (Spare::Redistribute {}, vec![2, 3]),
        (Spare::Drop {}, vec![3]),
    ] {
        let mut params = hardware(2, 217.0, 2, Split::Explicit(vec![1, 1, 0]));
        params.topk.spare = spare;
        for datapath in [TOPKIMA, PER_TILE] {
            let (_, outcomes) = exact(&params, &device, &head, datapath);
            for outcome in outcomes {
                let tokens: Vec<usize> = outcome.survivors.iter().map(|w| w.token).collect();
                assert_eq!(tokens, kept, "{datapath:?}, {spare:?}");
            }
            // True are tokens 4 and 5: neither can be kept, by either mode.
            for answer in both(&params, &device, &head, datapath) {
                assert_eq!(answer.values[Metric::Recall as usize], Some(0.0));
            }
        }
    }
}
