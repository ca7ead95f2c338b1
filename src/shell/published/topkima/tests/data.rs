//! Numbers simulated on the real heads.

use super::*;
use crate::hardware::quantise::percentile;

fn alpha(percentile: &str, range: &str) -> f64 {
    let row = find(
        &ROWS,
        &format!("alpha, FS percentile {percentile}, {range}"),
    );
    assert_eq!(row.how, How::Simulated);
    first(&row.model)
}

/// Alpha from the definitions alone: codes, sums, levels, and the third and second largest code.
#[test]
fn alpha_follows_from_codes_and_levels() {
    let workload = inputs().workload;
    let (mut sum, mut count) = (0.0, 0.0);
    for (head, rows) in workload.heads.iter().zip(&workload.calibration) {
        let largest = |m: &[f64]| m.iter().fold(0.0_f64, |top, x| top.max(x.abs()));
        let unit_q = largest(rows.q.as_slice()) / 31.0;
        let unit_k = largest(rows.k.as_slice()) / 7.0;
        let scores = &rows.k * &rows.q;
        let positive = scores.iter().copied().filter(|score| *score > 0.0);
        let full_scale = percentile(positive.collect(), 99.9).unwrap();
        let code = |x: f64, unit: f64, max: f64| (x / unit).round_ties_even().clamp(-max, max);
        let q = head.q.map(|x| code(x, unit_q, 31.0));
        let k = head.k.map(|x| code(x, unit_k, 7.0));
        let sums = k * q * (unit_q * unit_k);
        for query in sums.column_iter() {
            let step = |score: &f64| {
                let depth = ((full_scale - score) / (full_scale / 32.0)).ceil();
                depth.clamp(1.0, 32.0)
            };
            let steps: Vec<f64> = query.iter().map(step).collect();
            for (tile, k) in [(0..256, 3), (256..384, 2)] {
                let mut steps = steps[tile].to_vec();
                steps.sort_by(f64::total_cmp);
                sum += steps[k - 1] / 32.0;
                count += 1.0;
            }
        }
    }
    let text = format!("{:.3}", sum / count);
    let row = find(&ROWS, "alpha, FS percentile 99.9, ramp +FS to 0 (no noise)");
    assert!(row.model.starts_with(&text), "{text}: {}", row.model);
}

#[test]
fn alpha_grows_with_full_scale_and_halves_with_twice_the_range() {
    for range in ["ramp +FS to 0 (no noise)", "ramp +FS to -FS"] {
        let sweep = ["99", "99.9", "100"].map(|p| alpha(p, range));
        assert!(sweep.is_sorted(), "{sweep:?}");
    }
    for p in ["99", "99.9", "100"] {
        let (one, both) = (
            alpha(p, "ramp +FS to 0 (no noise)"),
            alpha(p, "ramp +FS to -FS"),
        );
        // Steps twice as large: half the depth, rounded up to a step.
        assert!(
            both >= 0.5 * one - 1e-3 && both <= 0.5 * one + 1.0 / 32.0,
            "{one} {both}"
        );
    }
}

#[test]
fn more_splits_and_coarser_keys_keep_fewer_of_the_true_winners() {
    let recall = |quantity: &str| first(&find(&ROWS, quantity).model);
    let float = recall("global top-5 of float scores");
    let global = recall("global top-5 on the hardware");
    let three_two = recall("sub-top-k 3 + 2");
    let thirds = recall("sub-top-k 2 + 2 + 1, columns");
    let ternary = recall("sub-top-k 2 + 2 + 1, ternary K, scale absmax");
    assert_eq!(float, 1.0);
    assert!([float, global, three_two, thirds, ternary].is_sorted_by(|a, b| a > b));
}
