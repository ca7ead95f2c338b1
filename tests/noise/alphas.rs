//! Where the ramp stops on scores that are independent and normal.

use crate::setup::*;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};
use topkima::base::rng::{Purpose, Site};
use topkima::hardware::attention::{AttentionParams, Datapath, Finish};
use topkima::hardware::converter::{RampParams, Range};
use topkima::hardware::crossbar::{Chip, CrossbarParams};
use topkima::hardware::quantise::Matrix;
use topkima::hardware::topk::{K, TopkParams};

const TOKENS: usize = 256;
/// 99.9th percentile of the positive scores, in standard deviations of a score: Phi(-z) = 0.001 / 2.
const START: f64 = 3.290_526_731_491_9;

/// The mean share of the ramp executed, from the binomial law of columns above a level.
fn predicted(k: u64, range: f64) -> f64 {
    let steps = 32;
    (0..steps)
        .map(|step| {
            // The ramp goes beyond this step if fewer than k columns have reached its level.
            let level = START - f64::from(step) * range / f64::from(steps);
            let above = Normal::standard().sf(level);
            let columns = Binomial::new(above, TOKENS as u64).unwrap();
            if step == 0 { 1.0 } else { columns.cdf(k - 1) }
        })
        .sum::<f64>()
        / f64::from(steps)
}

/// Mean alpha over independent heads. Queries are directions in 192 dimensions, so the scores of one
/// query are exactly independent and those of two nearly so.
fn simulated(k: usize, range: &Range) -> f64 {
    let (heads, queries, d_head) = (10, 400, 192);
    let device = ideal(|_| ());
    let params = AttentionParams {
        topk: TopkParams {
            k: K::All(k),
            ..TopkParams::default()
        },
        ..exact(
            RampParams {
                range: range.clone(),
                ..ramp_of(START)
            },
            CrossbarParams::default(),
        )
    };
    let mut stops = 0.0;
    for head in 0..heads {
        let normals = |purpose, rows, columns| {
            let mut stream = SEED.stream(purpose, head, Site(0, 0));
            Matrix::from_fn(rows, columns, |_, _| stream.normal())
        };
        let mut q = normals(Purpose::SyntheticQuery, d_head, queries);
        q.column_iter_mut().for_each(|mut query| {
            query.normalize_mut();
        });
        let keys = normals(Purpose::SyntheticKey, TOKENS, d_head);
        let (attention, prepared) = prepare(&params, &device, q, keys, Matrix::zeros(1, TOKENS));
        let finish = Finish::load(&attention, Datapath::Topkima {}, 0, &prepared);
        let chip = Chip::fabricate(SEED, head, &device, &attention.crossbar, None);
        let conversion = attention.convert(SEED, &chip, &attention.ladders(&chip), head, &prepared);
        for query in 0..queries {
            let trips: Vec<f64> = conversion.trips.column(query).iter().copied().collect();
            stops += finish.select(&trips, query, &prepared).value.tiles[0]
                .stop
                .unwrap();
        }
    }
    stops / (heads as f64 * queries as f64) / 32.0
}

/// The stop of one query spreads by about 2 to 4 steps, so 4000 queries know alpha to 0.001 or 0.002;
/// the two ranges differ by a factor of about two.
#[test]
fn ramps_stop_where_ten_lines_predict_for_gaussian_scores() {
    for (range, span) in [
        (Range::OneSided {}, START),
        (Range::Symmetric {}, 2.0 * START),
    ] {
        for k in [1, 5, 20] {
            let (found, law) = (simulated(k, &range), predicted(k as u64, span));
            assert!(
                (found - law).abs() < 0.006,
                "{range:?}, k = {k}: {found}, law {law}"
            );
        }
    }
    let ratio = predicted(5, START) / predicted(5, 2.0 * START);
    assert!((1.8..2.1).contains(&ratio), "{ratio}");
}
