//! Whether encoder, task and samples belong together.

use super::study::Opening;
use crate::base::mistake::Mistakes;
use crate::shell::config::FileMistakes;
use crate::study::model::{Encoder, EncoderShape, InputShape, ModelParams};
use crate::study::task::{self, Judge, TaskParams, TaskSet};

impl Opening<'_> {
    /// Whether encoder and task are of one kind.
    pub(super) fn belong(
        &self,
        shape: &EncoderShape,
        model: &ModelParams,
        params: &TaskParams,
    ) -> Result<(), FileMistakes> {
        let images = matches!(shape.input, InputShape::Patches { .. });
        let mut mistakes = Mistakes::none();
        mistakes.require(
            images == params.images.is_some(),
            "task",
            "",
            if images {
                "the encoder looks at images and the task holds texts"
            } else {
                "the encoder reads words and the task holds images"
            },
            "change `model.path`, or the task",
        );
        if let InputShape::Patches { channels, .. } = shape.input {
            mistakes.require(
                channels == 1,
                "model.path",
                format!("\"{}\"", model.path.display()),
                format!("config.json has num_channels = {channels}; the images of `task.images` have one channel"),
                "take an encoder of grey images",
            );
        }
        mistakes
            .or(|| ())
            .map_err(|wrong| FileMistakes::of(self.file, wrong))
    }

    /// Whether the encoder can take every sample and knows every class.
    pub(super) fn fits(
        &self,
        encoder: &Encoder,
        set: &TaskSet,
        model: &ModelParams,
    ) -> Result<(), FileMistakes> {
        let mut mistakes = Mistakes::none();
        let inputs = set.inputs();
        let all = inputs
            .iter()
            .map(|(_, input)| *input)
            .chain(&set.calibration);
        for (at, input) in all.enumerate() {
            if let Err(problem) = encoder.embedding.check(input) {
                mistakes.add(
                    "task",
                    "",
                    format!("sample {at} {problem}"),
                    "check that model and task belong together",
                );
                break;
            }
        }
        if let task::Targets::Similarity(pairs) = &set.targets
            && pairs
                .windows(2)
                .all(|two| two[0].likeness == two[1].likeness)
        {
            mistakes.add(
                "task.sts",
                "",
                format!(
                    "all {} pairs have one score, and there is no rank correlation with it",
                    pairs.len()
                ),
                "take pairs of different likeness, or more of them",
            );
        }
        let classes = match &set.judge {
            Judge::Classifier => encoder.classifier.as_ref().map_or(0, |head| head.classes()),
            Judge::Probe(probe) => probe.bias.len(),
            Judge::Refitted(_) | Judge::Cosine => usize::MAX,
        };
        if let task::Targets::Classes(labels) = &set.targets {
            let beyond = labels.iter().position(|label| *label >= classes);
            if let Some(at) = beyond {
                let problem = format!(
                    "tells {classes} classes apart, and sample {at} is of class {}",
                    labels[at]
                );
                if matches!(set.judge, Judge::Probe(_)) {
                    let fix = "set task.mails.probe = { refitted = {} }, or write another probe";
                    mistakes.add("task.mails.probe", "dense", problem, fix);
                } else {
                    mistakes.add(
                        "model.path",
                        format!("\"{}\"", model.path.display()),
                        problem,
                        "take weights with a classifier for this task",
                    );
                }
            }
        }
        if let Judge::Refitted(training) = &set.judge
            && training
                .labels
                .iter()
                .all(|label| *label == training.labels[0])
        {
            let one = training.labels.first().copied().unwrap_or(0);
            mistakes.add(
                "task",
                "",
                format!("all {} samples that a probe is fitted on are of class {one}: it can tell none apart", training.labels.len()),
                "take a calibration table of all classes",
            );
        }
        if mistakes.0.is_empty() {
            Ok(())
        } else {
            Err(FileMistakes::of(self.file, mistakes))
        }
    }
}
