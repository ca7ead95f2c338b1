//! Is what runs together, or beside other heads, the same as alone?

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use topkima::shell::config::{Overrides, Plan};
use topkima::shell::experiment::{Result, Shelf, groups, run_group};
use topkima::study::metrics::Metric;

const EXPERIMENT: &str = r#"
question = "Is it the same alone?"
seed = 5
trials = 1

[workload.file]
path = "DATA/test.safetensors"
calibration = "DATA/calibration.safetensors"
heads = [HEADS]

[device]
name = "sram-65nm"

"#;

const TOPKIMA: &str = "[[design]]\nname = \"five\"\ndatapath = { topkima = {} }\n";

fn run(text: &str) -> Vec<Result> {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/attention");
    let path = folder.path().join("experiment.toml");
    fs::write(&path, text.replace("DATA", data.to_str().unwrap())).unwrap();
    let mut plan = Plan::load(&path, &Overrides::default()).unwrap();
    let mut results = Vec::new();
    for group in groups(&plan) {
        results.extend(
            run_group(&mut plan, &group, &mut Shelf::default(), &mut |_| ())
                .unwrap()
                .0,
        );
    }
    results.sort_by_key(|result| (result.point, result.design));
    results
}

fn mean(result: &Result, metric: Metric) -> f64 {
    result.summary().unwrap().values[metric as usize].mean
}

#[test]
fn designs_that_differ_only_in_what_they_set_are_two_designs() {
    let more =
        "[[design]]\nname = \"seven\"\ndatapath = { topkima = {} }\nset = { \"ramp.bits\" = 7 }\n";
    let head = EXPERIMENT.replace("HEADS", "4");
    let referred = head.replace("trials = 1", "trials = 1\nreference = \"five\"");
    let results = run(&format!("{referred}{TOPKIMA}{more}"));
    let alone = run(&format!("{head}{more}"));
    assert!(mean(&results[0], Metric::EnergyPj) < mean(&results[1], Metric::EnergyPj));
    for metric in Metric::ALL {
        assert_eq!(
            mean(&results[1], metric),
            mean(&alone[0], metric),
            "{}",
            metric.name()
        );
        let delta = results[1].summary().unwrap().deltas.unwrap()[metric as usize].mean;
        let difference = mean(&results[1], metric) - mean(&results[0], metric);
        assert!(
            (delta - difference).abs() <= 1e-9 * difference.abs(),
            "{}",
            metric.name()
        );
    }
}

#[test]
fn a_head_draws_the_same_whichever_heads_are_beside_it() {
    // Two heads together are the mean of each alone, for metrics that are means over heads.
    // Fast trials draw a head that is alone on its chip by another, equal law.
    let of = |heads: &str| {
        let text = EXPERIMENT.replace("HEADS", heads);
        run(&format!("mode = {{ exact = {{}} }}\n{text}{TOPKIMA}"))
    };
    let (both, first, second) = (of("2, 9"), of("2"), of("9"));
    for metric in [
        Metric::OutputError,
        Metric::EnergyPj,
        Metric::Recall,
        Metric::Alpha,
    ] {
        let apart = f64::midpoint(mean(&first[0], metric), mean(&second[0], metric));
        assert!(
            (mean(&both[0], metric) / apart - 1.0).abs() < 1e-12,
            "{}",
            metric.name()
        );
    }
}

#[test]
fn a_tile_without_a_place_never_wins_and_costs_nothing() {
    let text = format!(
        "{}{TOPKIMA}[topk]\nk = 3\nsplit = {{ explicit = [3, 0] }}\n[workload]\ncausal = true\n",
        EXPERIMENT.replace("HEADS", "4")
    );
    let text = text.replace("[workload]\ncausal = true\n", "").replace(
        "[workload.file]",
        "[workload]\ncausal = true\n[workload.file]",
    );
    let idle = run(&text);
    let used = run(&text.replace("[3, 0]", "[2, 1]"));
    // One tile is driven in each row, so the mean over driven tiles is the slowest one's.
    assert_eq!(
        mean(&idle[0], Metric::Alpha),
        mean(&idle[0], Metric::AlphaSlowest)
    );
    let writes = |results: &[Result]| {
        let ledger = &results[0].spent.as_ref().unwrap().ledger;
        ledger
            .stage(topkima::hardware::events::Stage::WriteK)
            .count(topkima::hardware::events::Action::CellWrite)
    };
    assert_eq!(writes(&idle) * 384, writes(&used) * 256);
}

#[test]
fn total_noise_holds_the_replicas_and_noise_drawn_at_each_step() {
    let noise = |more: &str| {
        let text = EXPERIMENT.replace("HEADS", "4").replace(
            "name = \"sram-65nm\"\n",
            &format!("name = \"sram-65nm\"\n{more}\n"),
        );
        run(&format!("{text}{TOPKIMA}"))[0].noise_lsb.unwrap()
    };
    assert!(noise("only = [\"replica-mismatch\"]") > 0.1);
    let conversion = noise("only = [\"comparator-noise\"]");
    let step = noise("only = [\"comparator-noise\"]\n[ramp]\ncomparator_noise = { per-step = {} }");
    assert!(
        (step / conversion - 1.0).abs() < 0.02,
        "{step} {conversion}"
    );
    assert_eq!(noise("only = []"), 0.0);
}
