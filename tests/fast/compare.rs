//! Two samples of one law, or not.

use crate::modes::{Sample, Set};
use crate::setup::*;
use topkima::base::rng::{Purpose, Seed, Site};
use topkima::study::metrics::Metric;

/// Kolmogorov-Smirnov distance of two samples times sqrt(nm / (n + m)): above 1.95 with probability 1e-3,
/// more seldom where values repeat.
fn ks(a: &[f64], b: &[f64]) -> f64 {
    let sorted = |all: &[f64]| {
        let mut all = all.to_vec();
        all.sort_by(f64::total_cmp);
        all
    };
    let (a, b) = (sorted(a), sorted(b));
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut i, mut j, mut worst) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        // Values that are equal but for rounding are one value.
        let upto = x + 1e-6 * x.abs();
        while i < a.len() && a[i] <= upto {
            i += 1;
        }
        while j < b.len() && b[j] <= upto {
            j += 1;
        }
        worst = worst.max((i as f64 / n - j as f64 / m).abs());
    }
    worst * (n * m / (n + m)).sqrt()
}

/// Mean, variance and fourth central moment over the variance squared.
fn moments(all: &[f64]) -> [f64; 3] {
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let of = |p| all.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n;
    [mean, of(2), of(4) / of(2).powi(2).max(1e-300)]
}

/// Standard errors between two means, and between the logarithms of two variances.
fn moments_apart(a: &[f64], b: &[f64]) -> [f64; 2] {
    let ([m1, v1, k1], [m2, v2, k2]) = (moments(a), moments(b));
    let (n, m) = (a.len() as f64, b.len() as f64);
    let scale = m1.abs().max(m2.abs());
    let same = (v1 + v2).sqrt() <= 1e-6 * scale;
    if same {
        // Nothing is spread: the numbers have to be equal but for rounding.
        let off = (m1 - m2).abs() > 1e-6 * scale;
        return [if off { f64::INFINITY } else { 0.0 }, 0.0];
    }
    let mean = (m1 - m2) / (v1 / n + v2 / m).sqrt();
    let spread = (v1 / v2).ln() / ((k1 - 1.0) / n + (k2 - 1.0) / m).sqrt();
    [mean, spread]
}

/// Share of relabelled samples that lie as far apart as these, cell by cell in units of a count's own
/// standard deviation. Groups of trials are what is relabelled, so rows and columns may depend on each
/// other as they like. Cells that expect fewer than ten in all are left out.
fn relabelled(a: &[Vec<f32>], b: &[Vec<f32>], each: [usize; 2]) -> f64 {
    let all: Vec<(&Vec<f32>, usize)> = a
        .iter()
        .map(|group| (group, each[0]))
        .chain(b.iter().map(|group| (group, each[1])))
        .collect();
    assert_eq!(each[0], each[1], "groups are exchangeable only if alike");
    let cells = a[0].len();
    let mut total = vec![0.0_f32; cells];
    for (group, _) in &all {
        for (total, count) in total.iter_mut().zip(*group) {
            *total += count;
        }
    }
    let share = a.len() as f32 / all.len() as f32;
    let trials = (all.len() * each[0]) as f32;
    // 1 / (variance of a count), 0 where it is not looked at.
    let weight: Vec<f32> = total
        .iter()
        .map(|total| {
            let free = total * (1.0 - total / trials).max(1e-3);
            if *total >= 10.0 && free >= 5.0 {
                1.0 / free
            } else {
                0.0
            }
        })
        .collect();
    let apart = |chosen: &mut dyn Iterator<Item = usize>| {
        let mut sum = vec![0.0_f32; cells];
        for at in chosen {
            for (sum, count) in sum.iter_mut().zip(all[at].0) {
                *sum += count;
            }
        }
        let cells = sum.iter().zip(&total).zip(&weight);
        cells
            .map(|((sum, total), weight)| f64::from((sum - share * total).powi(2) * weight))
            .sum::<f64>()
    };
    let found = apart(&mut (0..a.len()));
    let mut stream = Seed(5).stream(Purpose::SyntheticKey, 0, Site(0, 0));
    let mut order: Vec<usize> = (0..all.len()).collect();
    let mut beyond = 0;
    for _ in 0..ROUNDS {
        for at in (1..order.len()).rev() {
            order.swap(at, (stream.uniform() * (at + 1) as f64) as usize);
        }
        beyond += usize::from(apart(&mut order[..a.len()].iter().copied()) >= found);
    }
    beyond as f64 / ROUNDS as f64
}

const ROUNDS: usize = 999;

/// Groups and trials a group: 8000 trials by the exact path, 24 000 by the fast one.
const GROUPS: usize = 25;
const EACH: usize = 320;
const FAST_GROUPS: usize = 75;

/// What is wrong between two samples of a design; and the largest distance of a mean or variance.
fn wrong(exact: &Sample, fast: &Sample, design: usize) -> (Vec<String>, f64) {
    let mut found = Vec::new();
    let mut worst = 0.0_f64;
    let mut hold = |what: &str, a: &[f64], b: &[f64]| {
        let [mean, spread] = moments_apart(a, b);
        let distance = ks(a, b);
        worst = worst.max(mean.abs()).max(spread.abs());
        if mean.abs() > 4.0 || spread.abs() > 4.0 || distance > 1.95 {
            found.push(format!(
                "{what}: mean {mean:.1}, variance {spread:.1}, ks {distance:.2}; {:?} {:?}",
                moments(a),
                moments(b)
            ));
        }
    };
    for metric in Metric::ALL {
        let of = |sample: &Sample| -> Vec<f64> {
            let values = sample.values[design].iter();
            values
                .filter_map(|values| values[metric as usize])
                .collect()
        };
        let (a, b) = (of(exact), of(fast));
        assert_eq!(a.is_empty(), b.is_empty(), "{}", metric.name());
        if !a.is_empty() {
            hold(metric.name(), &a, &b);
        }
    }
    hold(
        "spread over rows",
        &exact.spread[design],
        &fast.spread[design],
    );
    (found, worst)
}

/// Holds both modes to one law, and shows that every sigma times `louder` would be seen: 1 % where noise
/// decides much, 2 and 5 % where most rows are decided without it.
///
/// Power: with 8000 and 24 000 trials of 64 queries the standard error of a mean survivor error squared
/// (320 survivors a trial, read noise among them) is sqrt(2 / 320 / 6000) = 0.1 % of it, and 1 % more sigma
/// is 1 to 2 % more of it; a recall of 0.8 whose misses grow by 1 % is 2e-3 off at a standard error of
/// 0.018 / sqrt(6000) = 2.3e-4. So some number has to lie more than five standard errors off.
pub fn assert_one_law(scene: &Scene, louder: f64) {
    let metrics = [Metric::Recall, Metric::CodeErrorLsb, Metric::StopStep];
    assert_one_law_told_by(scene, louder, &metrics);
}

/// The same, where only these numbers tell a larger difference by themselves.
pub fn assert_one_law_told_by(scene: &Scene, louder: f64, metrics: &[Metric]) {
    let set = Set::new(scene, 1.0);
    let exact = set.exact(GROUPS, EACH);
    let fast = set.fast(FAST_GROUPS, EACH);
    let mut told = Vec::new();
    for design in 0..scene.designs.len() {
        let (found, worst) = wrong(&exact, &fast, design);
        told.extend(
            found
                .into_iter()
                .map(|what| format!("design {design}: {what}")),
        );
        println!("design {design}: worst of all numbers {worst:.2} standard errors");
        for (what, of) in [
            ("selection", |s: &Sample| &s.kept),
            ("stop steps", |s: &Sample| &s.stops),
        ] as [(&str, fn(&Sample) -> &Vec<Vec<Vec<f32>>>); 2]
        {
            let p = relabelled(&of(&exact)[design], &of(&fast)[design], [EACH, EACH]);
            println!("design {design}: {what} p = {p:.3}");
            if p < 2.0 / ROUNDS as f64 {
                told.push(format!("design {design}: {what} differs, p = {p}"));
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    let noisy = Set::new(scene, louder).fast(FAST_GROUPS, EACH);
    let (found, worst) = wrong(&exact, &noisy, 0);
    println!("sigma times {louder}: {worst:.1} standard errors");
    let seen = !found.is_empty() && worst > 5.0;
    assert!(seen, "blind to a sigma times {louder}: {worst}");
    assert_each_is_seen(scene, &exact, 1.0 + 5.0 * (louder - 1.0), metrics);
}

/// Shows that selections, and each of these numbers by its mean or its variance, would by themselves tell a sigma
/// times `louder`, in every design.
///
/// Power: selections are counted cell by cell, where an effect adds up as its square; five times the difference that
/// some number sees is beyond doubt for each (4 standard errors), the recall foremost.
fn assert_each_is_seen(scene: &Scene, exact: &Sample, louder: f64, metrics: &[Metric]) {
    let noisy = Set::new(scene, louder).fast(FAST_GROUPS, EACH);
    for (design, (datapath, _)) in scene.designs.iter().enumerate() {
        let early = *datapath == TOPKIMA;
        let compared = |metric: &&Metric| early || **metric != Metric::StopStep;
        for metric in metrics.iter().filter(compared) {
            let of = |sample: &Sample| -> Vec<f64> {
                let values = sample.values[design].iter();
                values
                    .filter_map(|values| values[*metric as usize])
                    .collect()
            };
            let apart = moments_apart(&of(exact), &of(&noisy));
            let (name, worst) = (metric.name(), apart[0].abs().max(apart[1].abs()));
            println!("design {design}, sigma times {louder:.2}: {name} {worst:.1}");
            assert!(
                worst > 4.0,
                "design {design}, {name}: blind to {louder}: {worst}"
            );
        }
        // Nothing is selected.
        if *datapath == CONVENTIONAL {
            continue;
        }
        let p = relabelled(&exact.kept[design], &noisy.kept[design], [EACH, EACH]);
        assert!(
            p < 0.01,
            "design {design}: selection is blind to {louder}: p = {p}"
        );
    }
}

/// Holds both modes to one law of the output error and of time and energy, and shows that the output error of
/// every sigma times 1.1 would be seen.
///
/// Power: with 2400 and 7200 trials the standard error of a variance is sqrt(2 / 1800) = 3.3 %; where noise
/// alone spreads the output error, 10 % more sigma is 21 % more of it, and its mean is off by more still.
pub fn assert_one_output(scene: &Scene) {
    let errors = |sample: &Sample, metric: Metric| -> Vec<f64> {
        let values = sample.values[0].iter();
        values.map(|v| v[metric as usize].unwrap()).collect()
    };
    let apart = |a: &Sample, b: &Sample, metric: Metric| {
        let (a, b) = (errors(a, metric), errors(b, metric));
        let [mean, spread] = moments_apart(&a, &b);
        println!(
            "mean {mean:.1}, variance {spread:.1}; {:?} {:?}",
            moments(&a),
            moments(&b)
        );
        (mean.abs().max(spread.abs()), ks(&a, &b))
    };
    let set = Set::new(scene, 1.0);
    let (exact, fast) = (set.exact(1, 2400), set.fast(1, 7200));
    let (moments, distance) = apart(&exact, &fast, Metric::OutputError);
    assert!(moments < 4.0 && distance < 1.95, "{moments} {distance}");
    let (moments, _) = apart(&exact, &fast, Metric::EnergyPj);
    assert!(moments < 4.0, "energy: {moments}");
    let louder = Set::new(scene, 1.1).fast(1, 7200);
    let (moments, _) = apart(&exact, &louder, Metric::OutputError);
    assert!(moments > 5.0, "blind to 10 %: {moments}");
}

/// Both modes to one law for rows one by one, whatever they share.
pub fn assert_one_law_of_rows(scene: &Scene) {
    let set = Set::new(scene, 1.0);
    let exact = set.exact(GROUPS, EACH);
    let fast = set.fast(FAST_GROUPS, EACH);
    let test = |fast: &Sample| {
        relabelled(&exact.kept[0], &fast.kept[0], [EACH, EACH]).min(relabelled(
            &exact.stops[0],
            &fast.stops[0],
            [EACH, EACH],
        ))
    };
    let p = test(&fast);
    println!("p = {p:.3}");
    assert!(p >= 2.0 / ROUNDS as f64, "p = {p}");
    let mean = |sample: &Sample, metric: Metric| {
        let values: Vec<f64> = sample.values[0]
            .iter()
            .filter_map(|values| values[metric as usize])
            .collect();
        values
    };
    for metric in [
        Metric::Recall,
        Metric::Divergence,
        Metric::CodeErrorLsb,
        Metric::StopStep,
    ] {
        let [off, _] = moments_apart(&mean(&exact, metric), &mean(&fast, metric));
        println!("{}: {off:.2}", metric.name());
        assert!(off.abs() < 4.0, "{}: {off}", metric.name());
    }
}

/// Holds the joint law over the rows of a trial, beyond what rows one by one say, and shows that rows of
/// different trials would be seen.
pub fn assert_joint(scene: &Scene) {
    let set = Set::new(scene, 1.0);
    let exact = set.exact(GROUPS, EACH);
    let fast = set.fast(FAST_GROUPS, EACH);
    let [mean, spread] = moments_apart(&exact.spread[0], &fast.spread[0]);
    let [blind, _] = moments_apart(&exact.spread[0], &fast.shuffled[0]);
    println!("joint {mean:.2} {spread:.2}, shuffled {blind:.1}");
    assert!(mean.abs() < 4.0 && spread.abs() < 4.0, "{mean} {spread}");
    assert!(
        blind.abs() > 20.0,
        "blind to rows of different trials: {blind}"
    );
}

/// Holds two plans of the fast path to one joint law: 96 000 trials each.
pub fn assert_same_fast(one: &Scene, other: &Scene) {
    let of = |scene: &Scene, scale: f64, seed| Set::new(scene, scale).fast_of(seed, 25, 3840);
    let (a, b) = (of(one, 1.0, FAST), of(other, 1.0, EXACT));
    let (found, worst) = wrong(&a, &b, 0);
    println!("worst {worst:.2} standard errors");
    assert!(found.is_empty(), "{}", found.join("\n"));
    let p = relabelled(&a.kept[0], &b.kept[0], [3840, 3840]);
    println!("selection p = {p:.3}");
    assert!(p >= 2.0 / ROUNDS as f64, "selection differs, p = {p}");
    let [spread, _] = moments_apart(&a.spread[0], &b.shuffled[0]);
    assert!(
        spread.abs() > 20.0,
        "blind to rows of different trials: {spread}"
    );
    let (_, worst) = wrong(&of(one, 1.005, EXACT), &a, 0);
    println!("sigma times 1.005: {worst:.1} standard errors");
    assert!(worst > 5.0, "blind to 0.5 %: {worst}");
}
