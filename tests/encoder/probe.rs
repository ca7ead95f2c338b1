//! Do probes tell mails apart, the shipped one and one fitted anew?

use std::fs;

use nalgebra::DVector;
use topkima::study::model::{Float, Input, Pooling, Sample};
use topkima::study::task::{self, Judge, MailsParams, Probe, ProbeSource, Targets, TaskSet};

use crate::setup::{minilm, root};

/// The shipped mails, judged by the shipped probe or by one that is fitted anew on the first training mails.
fn mails(probe: ProbeSource, training: Option<usize>) -> TaskSet {
    let folder = root().join("data/mails");
    let bytes = fs::read(folder.join("mails.npz")).unwrap();
    let names = ["tokens", "label", "part"];
    let arrays = topkima::base::arrays::read_npz(&bytes, &names).unwrap();
    let dense = Probe::read(&fs::read(folder.join("probe.safetensors")).unwrap(), 384).unwrap();
    let path = folder;
    let params = MailsParams {
        path,
        probe,
        training,
    };
    task::mails(&arrays, dense, &params, (256, 8)).unwrap()
}

/// Features of all inputs of a set by float heads, and whether each measured one is told right.
fn observed(set: &TaskSet) -> (Vec<DVector<f32>>, Vec<f64>) {
    let encoder = minilm(Pooling::Mean {});
    let inputs = set.inputs().into_iter();
    let batch: Vec<Sample<'_>> = inputs
        .map(|(index, input)| Sample { index, input })
        .collect();
    let (features, ()) = encoder.forward(&batch, &Float);
    let observed = set.observe(&encoder, &features);
    (features, observed)
}

/// The shipped mails and the shipped probe belong together. 40 of the 400 mails take a standard error
/// of 3.5 points.
#[test]
fn the_shipped_probe_tells_the_shipped_mails_apart() {
    let mut set = mails(ProbeSource::Dense {}, None);
    assert_eq!((set.units(), set.calibration.len()), (400, 8));
    assert!(matches!(set.judge, Judge::Probe(_)));
    let whole = |input: &Input| matches!(input, Input::Tokens(ids) if ids.len() == 256);
    assert!(set.inputs().iter().all(|(_, input)| whole(input)));
    let Targets::Classes(labels) = &set.targets else {
        panic!()
    };
    assert_eq!(labels.iter().filter(|label| **label == 1).count(), 200);
    set.thin(40);
    let (_, observed) = observed(&set);
    let score = set.targets.score(&observed, &set.order()).unwrap();
    assert!(score >= 85.0, "{score}");
}

#[test]
fn a_refitted_probe_learns_from_the_training_mails_alone() {
    let mut set = mails(ProbeSource::Refitted {}, Some(60));
    set.thin(30);
    let (features, right) = observed(&set);
    assert_eq!(features.len(), 90);
    let score = set.targets.score(&right, &set.order()).unwrap();
    assert!(score >= 75.0, "{score}");
    // Taught the opposite, it says the opposite, mail by mail.
    let Judge::Refitted(training) = &mut set.judge else {
        panic!()
    };
    for label in &mut training.labels {
        *label = 1 - *label;
    }
    let wrong = set.observe(&minilm(Pooling::Mean {}), &features);
    assert!(
        right
            .iter()
            .zip(&wrong)
            .all(|(right, wrong)| right + wrong == 1.0)
    );
}
