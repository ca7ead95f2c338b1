//! Trial t is the same chip and the same draws whatever the number of trials.

use std::fs;

use crate::common::rows;
use crate::write;
use topkima::base::rng::Seed;
use topkima::shell::config::{Overrides, Plan};

const SMALL: &str = r#"
question = "Is a trial the same in any company?"
seed = 78
trials = 1

[workload.synthetic]
tokens = 48
d_head = 16
heads = 2

[device]
name = "pcm-joshi2020"
age = "3600 s"

[[design]]
name = "topkima"
datapath = { topkima = {} }
"#;

/// Output error of one trial, made from the rooms alone and without any other trial.
fn one_trial(plan: &mut Plan, trial: u64) -> f64 {
    let case = plan.case(0, 0).unwrap();
    let (attention, seed) = (&case.attention, Seed(plan.params.seed));
    let chip = attention.trial(seed, trial);
    let workload = &case.heads().unwrap().workload;
    let heads = workload.heads.iter().zip(&workload.calibration);
    let errors = heads.enumerate().map(|(number, (head, rows))| {
        let calibrated = attention.calibrate(number, rows);
        let design = calibrated.design(case.datapath);
        let prepared = calibrated.quantise(head, 5);
        let written = chip.write(&prepared);
        let mut square = 0.0;
        // Backwards, for no query may depend on the one before.
        for query in (0..prepared.q.ncols()).rev() {
            let outcome = written.query(&design, query);
            let float = prepared.reference.output.column(query);
            let pairs = outcome.value.output.iter().zip(float.iter());
            square += pairs
                .map(|(got, wanted)| (got - wanted).powi(2))
                .sum::<f64>();
        }
        square.sqrt() / prepared.reference.output.norm()
    });
    errors.sum::<f64>() / 2.0
}

/// The mean over n trials is the mean of the trials 0 to n - 1, each made alone and in falling order;
/// beyond sixteen trials as well, where a run takes them in more than one block.
#[test]
fn trial_t_is_the_same_for_any_number_of_trials() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), SMALL);
    let mut plan = Plan::load(&experiment, &Overrides::default()).unwrap();
    let mut alone: Vec<f64> = (0..19).rev().map(|t| one_trial(&mut plan, t)).collect();
    alone.reverse();
    for trials in [1, 2, 5, 16, 17, 19] {
        let out = folder.path().join(trials.to_string());
        let rows = rows(&experiment, &out, &["--trials", &trials.to_string()]);
        let mut lines = rows.lines();
        let header = lines.next().unwrap().split(',');
        let at = header
            .into_iter()
            .position(|name| name == "output_error_mean");
        let mean: f64 = lines
            .next()
            .unwrap()
            .split(',')
            .nth(at.unwrap())
            .unwrap()
            .parse()
            .unwrap();
        let wanted = alone[..trials].iter().sum::<f64>() / trials as f64;
        assert!(
            (mean / wanted - 1.0).abs() < 1e-12,
            "{trials}: {mean} {wanted}"
        );
    }
    assert_ne!(alone[0], alone[1]);
}

#[test]
fn a_dump_does_not_depend_on_the_number_of_trials_or_threads() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = write(folder.path(), SMALL);
    let dump = |name: &str, trials: &str, threads: &str| {
        let file = folder.path().join(format!("{name}.npz"));
        let more = [
            "--trials",
            trials,
            "--threads",
            threads,
            "--queries",
            "0,5,47",
            "--dump",
        ];
        let more = [&more[..], &[file.to_str().unwrap()]].concat();
        rows(&experiment, &folder.path().join(name), &more);
        fs::read(file).unwrap()
    };
    let first = dump("a", "1", "1");
    assert!(first.len() > 1000);
    assert!(first == dump("b", "7", "2"));
}
