//! Labelled sets for encoders, and how right an encoder is on them.
//!
//! A [`TaskSet`] holds samples, what they should give, and samples to calibrate on, which never
//! appear in a result. What a run gives is brought to one number a unit (a pair of sentences, a
//! sample) by [`TaskSet::observe`], and all units to one score by [`Targets::score`].

mod address;
mod apart;
mod images;
mod judge;
mod lengths;
mod lines;
mod mails;
mod params;
mod probe;
mod score;
mod table;
mod targets;

use std::collections::BTreeSet;

use nalgebra::DVector;

use address::{addresses, classed};
pub use apart::{enough, few, twice, without};
pub use images::{ImageFiles, images};
pub use judge::{Judge, Training};
pub use lengths::Lengths;
pub use lines::{Labelled, Sentences, classified, pairs};
pub use mails::mails;
pub use params::{ClassifyParams, ImagesParams, MailsParams, ProbeSource, StsParams, TaskParams};
pub use probe::Probe;
pub use score::{Metric, spearman};
pub use targets::{Pair, Targets};

use crate::base::notice::Notices;
use crate::study::model::{Encoder, Input, Words};

/// A labelled set, ready for an encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSet {
    /// Samples that are measured, each with the address of its draws.
    pub samples: Vec<(u64, Input)>,
    /// What they should give.
    pub targets: Targets,
    /// Samples to calibrate on.
    pub calibration: Vec<Input>,
    /// What turns features into an answer.
    pub judge: Judge,
    /// How long they were before they were cut.
    pub lengths: Lengths,
    /// What a reader should know.
    pub notices: Notices,
}

impl TaskSet {
    /// How often a token occurs in the samples that are measured, and of how many tokens.
    #[must_use]
    pub fn count(&self, token: u32) -> (usize, usize) {
        let ids = self.samples.iter().filter_map(|(_, input)| match input {
            Input::Tokens(ids) => Some(ids),
            Input::Image(_) => None,
        });
        ids.fold((0, 0), |(count, all), ids| {
            let own = ids.iter().filter(|id| **id == token).count();
            (count + own, all + ids.len())
        })
    }

    /// Pairs of sentences, judged by the cosine of their embeddings.
    #[must_use]
    pub fn of_pairs(
        measured: &Sentences,
        calibration: &[&str],
        words: &Words,
        longest: usize,
    ) -> Self {
        let mut lengths = Lengths::default();
        let cut = |text: &str, lengths: &mut Vec<usize>| {
            let whole = words.whole(text);
            lengths.push(whole.len());
            Input::Tokens(words.cut(&whole, longest))
        };
        let mut encode = |text: &str| cut(text, &mut lengths.samples);
        let texts = measured.pairs.iter();
        let texts: Vec<[Input; 2]> = texts.map(|(a, b)| [encode(a), encode(b)]).collect();
        let mut encode = |text: &str| cut(text, &mut lengths.calibration);
        let calibration = calibration.iter().map(|text| encode(text)).collect();
        let scores = measured.scores.iter().map(|score| score.to_bits());
        let units: Vec<_> = texts.iter().map(|two| &two[..]).zip(scores).collect();
        let addresses = addresses(&units);
        let pairs = measured.scores.iter().enumerate().map(|(at, score)| Pair {
            first: 2 * at,
            second: 2 * at + 1,
            likeness: *score,
        });
        Self {
            samples: addresses
                .into_iter()
                .zip(texts.into_iter().flatten())
                .collect(),
            targets: Targets::Similarity(pairs.collect()),
            calibration,
            judge: Judge::Cosine,
            lengths,
            notices: Notices::none(),
        }
    }

    /// Texts with classes, judged by the encoder's own classifier, or by a probe fitted on `training`
    /// if it has none. The training texts that come first by address calibrate, wherever they stand in their table.
    #[must_use]
    pub fn of_texts(
        measured: &Labelled,
        training: &Labelled,
        calibration: usize,
        own_classifier: bool,
        (words, longest): (&Words, usize),
    ) -> Self {
        let whole = |texts: &[String]| -> Vec<Vec<u32>> {
            texts.iter().map(|text| words.whole(text)).collect()
        };
        let cut = |texts: &[Vec<u32>]| -> Vec<Input> {
            let cut = |ids: &Vec<u32>| Input::Tokens(words.cut(ids, longest));
            texts.iter().map(cut).collect()
        };
        let lengths = |texts: &[Vec<u32>]| texts.iter().map(Vec::len).collect();
        let (texts, trained) = (whole(&measured.texts), whole(&training.texts));
        let set = Training::of(cut(&trained), &training.labels);
        let calibrated = set.inputs.iter().take(calibration);
        let calibrated: Vec<Input> = calibrated.map(|(_, input)| input.clone()).collect();
        let addressed = classed(cut(&trained).into_iter(), &training.labels);
        let mut order: Vec<usize> = (0..trained.len()).collect();
        order.sort_by_key(|at| addressed[*at].0);
        let first = order.iter().take(calibration);
        let first = first.map(|at| trained[*at].len()).collect();
        Self {
            samples: classed(cut(&texts).into_iter(), &measured.labels),
            targets: Targets::Classes(measured.labels.clone()),
            calibration: calibrated,
            lengths: Lengths {
                samples: lengths(&texts),
                calibration: first,
                training: if own_classifier {
                    Vec::new()
                } else {
                    lengths(&trained)
                },
            },
            judge: if own_classifier {
                Judge::Classifier
            } else {
                Judge::Refitted(set)
            },
            notices: Notices::none(),
        }
    }

    /// Units that a score is taken over: pairs or samples.
    #[must_use]
    pub fn units(&self) -> usize {
        match &self.targets {
            Targets::Similarity(pairs) => pairs.len(),
            Targets::Classes(labels) => labels.len(),
        }
    }

    /// Everything that goes through the encoder: the samples, then the training samples of a probe
    /// that is refitted, each with the address of its draws.
    #[must_use]
    pub fn inputs(&self) -> Vec<(u64, &Input)> {
        let samples = self
            .samples
            .iter()
            .map(|(address, input)| (*address, input));
        let training: &[(u64, Input)] = match &self.judge {
            Judge::Refitted(training) => &training.inputs,
            Judge::Cosine | Judge::Classifier | Judge::Probe(_) => &[],
        };
        let training = training.iter().map(|(address, input)| (*address, input));
        samples.chain(training).collect()
    }

    /// The units in an order that is theirs, whatever the order of the set: that of their addresses.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let address = |unit: &usize| match &self.targets {
            Targets::Similarity(pairs) => self.samples[pairs[*unit].first].0,
            Targets::Classes(_) => self.samples[*unit].0,
        };
        let mut order: Vec<usize> = (0..self.units()).collect();
        order.sort_by_key(address);
        order
    }

    /// One number a unit from the features of [`Self::inputs`]: a cosine, or whether the class is right.
    #[must_use]
    pub fn observe(&self, encoder: &Encoder, features: &[DVector<f32>]) -> Vec<f64> {
        let right = |class: usize, label: usize| f64::from(u8::from(class == label));
        match (&self.targets, &self.judge) {
            (Targets::Similarity(pairs), _) => pairs
                .iter()
                .map(|pair| score::cosine(&features[pair.first], &features[pair.second]))
                .collect(),
            (Targets::Classes(labels), Judge::Probe(probe)) => features
                .iter()
                .zip(labels)
                .map(|(features, label)| right(probe.class(features), *label))
                .collect(),
            (Targets::Classes(labels), Judge::Refitted(training)) => {
                let (tested, fitted) = features.split_at(labels.len().min(features.len()));
                let probe = Probe::fit(fitted, &training.labels);
                let pairs = tested.iter().zip(labels);
                pairs
                    .map(|(features, label)| right(probe.class(features), *label))
                    .collect()
            }
            (Targets::Classes(labels), Judge::Classifier | Judge::Cosine) => features
                .iter()
                .zip(labels)
                .map(|(features, label)| {
                    let scores = encoder
                        .classifier
                        .as_ref()
                        .map(|head| head.scores(features));
                    right(
                        scores.map_or(usize::MAX, |scores| scores.argmax().0),
                        *label,
                    )
                })
                .collect(),
        }
    }

    /// What makes a score of classes say less than it seems to.
    #[must_use]
    pub fn doubts(&self) -> Notices {
        let mut notices = Notices::none();
        let Targets::Classes(labels) = &self.targets else {
            return notices;
        };
        let held: BTreeSet<usize> = labels.iter().copied().collect();
        if let (Some(one), 1) = (held.first(), held.len()) {
            notices.warn(format!(
                "all {} samples that are measured are of class {one}: an answer that never changes would be right every time",
                labels.len()
            ));
        }
        if let Judge::Refitted(training) = &self.judge {
            let fitted: BTreeSet<usize> = training.labels.iter().copied().collect();
            for class in held.difference(&fitted) {
                let count = labels.iter().filter(|label| *label == class).count();
                notices.warn(format!(
                    "class {class} has {count} samples that are measured and none that the probe is fitted on: they are all wrong"
                ));
            }
        }
        notices
    }

    /// Keeps `count` units, spread evenly over the set, and the samples they need.
    pub fn thin(&mut self, count: usize) {
        let units = self.units();
        if count >= units {
            return;
        }
        let chosen = (0..count).map(|at| at * units / count.max(1));
        let each = self.lengths.samples.len() / units;
        if each > 0 {
            let kept = chosen.clone().flat_map(|at| each * at..each * (at + 1));
            let lengths = kept.map(|at| self.lengths.samples[at]).collect();
            self.lengths.samples = lengths;
        }
        match &mut self.targets {
            Targets::Similarity(pairs) => {
                let mut samples = Vec::with_capacity(2 * count);
                let kept = chosen.map(|at| {
                    let pair = pairs[at];
                    samples.push(self.samples[pair.first].clone());
                    samples.push(self.samples[pair.second].clone());
                    Pair {
                        first: samples.len() - 2,
                        second: samples.len() - 1,
                        ..pair
                    }
                });
                *pairs = kept.collect();
                self.samples = samples;
            }
            Targets::Classes(labels) => {
                let kept: Vec<usize> = chosen.collect();
                *labels = kept.iter().map(|at| labels[*at]).collect();
                self.samples = kept.iter().map(|at| self.samples[*at].clone()).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(labels: usize) -> TaskSet {
        TaskSet {
            samples: (0..)
                .take(labels)
                .map(|at| (at, Input::Tokens(vec![at as u32])))
                .collect(),
            targets: Targets::Classes((0..labels).map(|at| at % 2).collect()),
            calibration: Vec::new(),
            judge: Judge::Classifier,
            lengths: Lengths::default(),
            notices: Notices::none(),
        }
    }

    #[test]
    fn a_thinned_set_keeps_indices_and_labels_together() {
        let mut few = set(100);
        few.thin(7);
        assert_eq!(few.units(), 7);
        let indices: Vec<u64> = few.samples.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, [0, 14, 28, 42, 57, 71, 85]);
        let Targets::Classes(labels) = &few.targets else {
            panic!()
        };
        for (label, index) in labels.iter().zip(indices) {
            assert_eq!(*label as u64, index % 2);
        }
        let mut whole = set(3);
        whole.thin(5);
        assert_eq!(whole, set(3));
    }

    #[test]
    fn a_thinned_set_of_pairs_keeps_both_samples() {
        let pairs = (0..50).map(|at| Pair {
            first: 2 * at,
            second: 2 * at + 1,
            likeness: at as f64,
        });
        let mut few = TaskSet {
            targets: Targets::Similarity(pairs.collect()),
            judge: Judge::Cosine,
            ..set(100)
        };
        few.thin(3);
        let Targets::Similarity(pairs) = &few.targets else {
            panic!()
        };
        for pair in pairs {
            assert_eq!(few.samples[pair.first].0, 2 * pair.likeness as u64);
            assert_eq!(few.samples[pair.second].0, 2 * pair.likeness as u64 + 1);
        }
    }
}
