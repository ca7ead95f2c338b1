//! Opening an encoder and a labelled set for it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::{Store, about, named, there};
use crate::base::mistake::Mistakes;
use crate::shell::config::{FileMistakes, MAX_ARRAY_BYTES, MAX_TEXT_BYTES};
use crate::study::model::{
    Encoder, EncoderShape, InputShape, Manner, ModelParams, Pooling, Recorded, Words,
};
use crate::study::task::{self, Judge, TaskParams, TaskSet};

/// Largest vocabulary or table of texts that is read, in bytes.
const MAX_WORDS_BYTES: u64 = 256 << 20;

/// An encoder with a labelled set, and what float heads make of it once that has been asked for.
#[derive(Debug)]
pub struct Study {
    /// The encoder.
    pub encoder: Encoder,
    /// The set.
    pub set: TaskSet,
    /// Longest sample that the hardware is laid out for, in tokens.
    pub longest: usize,
    /// Lengths that occur, in calibration too.
    pub lengths: BTreeSet<usize>,
    /// One number a unit by float heads.
    pub float: OnceLock<Vec<f64>>,
    /// Operands of every head for the calibration samples, by float heads.
    pub recorded: OnceLock<Vec<Recorded>>,
}

/// What a missing file is fetched with, if it is one of those the repository does not hold.
fn fetch(path: &Path) -> Option<String> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let at = parts.iter().position(|part| *part == "fetched")?;
    let name = parts.get(at + 1)?;
    Some(format!(
        "fetch it first: python3 scripts/fetch.py {name} (in the folder of the repository)"
    ))
}

impl Store {
    /// The encoder and the labelled set of an experiment in `folder`.
    ///
    /// # Errors
    /// Every mistake of the two sections and of their files.
    pub fn study(
        &mut self,
        file: &str,
        folder: &Path,
        model: &ModelParams,
        params: &TaskParams,
    ) -> Result<Arc<Study>, FileMistakes> {
        let key = format!("{} {model:?} {params:?}", folder.display());
        if let Some(known) = self.studies.get(&key) {
            return known.clone();
        }
        let study = Opening {
            store: self,
            file,
            folder,
        }
        .study(model, params)
        .map(Arc::new);
        self.studies.insert(key, study.clone());
        study
    }
}

/// An experiment file and the folder that its paths start from.
pub(super) struct Opening<'a> {
    pub(super) store: &'a mut Store,
    pub(super) file: &'a str,
    pub(super) folder: &'a Path,
}

impl Opening<'_> {
    pub(super) fn told(&self, key: &str, mistakes: Mistakes) -> FileMistakes {
        FileMistakes::of(self.file, mistakes.within(key))
    }

    /// The bytes of a file that `key` names.
    pub(super) fn bytes(
        &mut self,
        key: &str,
        path: &Path,
        most: u64,
    ) -> Result<Vec<u8>, FileMistakes> {
        let whole = self.folder.join(path);
        match fetch(path).filter(|_| !whole.exists()) {
            Some(fix) => {
                let mut mistakes = Mistakes::none();
                mistakes.add(
                    key,
                    format!("\"{}\"", path.display()),
                    "is not in the repository and has not been fetched",
                    fix,
                );
                Err(FileMistakes::of(self.file, mistakes))
            }
            None => {
                there(self.file, key, path, &whole)?;
                self.store.bytes(&whole, most)
            }
        }
    }

    pub(super) fn text(&mut self, key: &str, path: &Path) -> Result<String, FileMistakes> {
        let bytes = self.bytes(key, path, MAX_WORDS_BYTES)?;
        String::from_utf8(bytes).map_err(|_| {
            about(
                &self.folder.join(path),
                "is not text in UTF-8",
                "check that it is the file that is meant",
            )
        })
    }

    /// What is wrong inside a file.
    pub(super) fn inside(&self, path: &Path, mistakes: Mistakes) -> FileMistakes {
        FileMistakes::of(&named(&self.folder.join(path)), mistakes)
    }

    fn study(mut self, model: &ModelParams, params: &TaskParams) -> Result<Study, FileMistakes> {
        params.check().map_err(|wrong| self.told("task", wrong))?;
        let config = model.path.join("config.json");
        let text = self.bytes("model.path", &config, MAX_TEXT_BYTES)?;
        let shape = EncoderShape::read(&text).map_err(|wrong| self.inside(&config, wrong))?;
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
        let longest = mistakes.keep("model", model.longest(shape.longest(), images));
        let (Some(longest), true) = (longest, mistakes.0.is_empty()) else {
            return Err(FileMistakes::of(self.file, mistakes));
        };
        let weights = model.path.join(&model.weights);
        let bytes = self.bytes("model.weights", &weights, MAX_ARRAY_BYTES)?;
        let classifies = params.images.is_some() || params.classify.is_some();
        let mut encoder = Encoder::assemble(&shape, Pooling::Mean {}, &bytes)
            .map_err(|wrong| self.inside(&weights, wrong))?;
        if classifies && let Some(other) = &encoder.other_head {
            let mut mistakes = Mistakes::none();
            mistakes.add(
                "architectures",
                format!("\"{other}\""),
                format!(
                    "the classifier of {} is not one of whole samples that is computed: only that of {} is",
                    named(&weights),
                    shape.family.classifier()
                ),
                "take weights of that architecture; without the tensors `classifier.*` the encoder is used bare",
            );
            return Err(self.inside(&config, mistakes));
        }
        encoder.pooling = model
            .pooling
            .unwrap_or(if classifies && encoder.classifier.is_some() {
                Pooling::Class {}
            } else {
                Pooling::Mean {}
            });
        let calibration = params.calibration_samples;
        let mut set = match (&params.sts, &params.classify, &params.mails, &params.images) {
            (Some(sts), ..) => {
                let words = self.words(&model.path, shape.input)?;
                self.pairs(sts, &words, longest, calibration)?
            }
            (_, Some(texts), ..) => {
                let words = self.words(&model.path, shape.input)?;
                let own = encoder.classifier.as_ref().map(|head| head.classes());
                self.texts(texts, (&words, longest), calibration, own)?
            }
            (_, _, Some(mails), _) => self.mails(mails, shape.hidden, (longest, calibration))?,
            (_, _, _, Some(images)) => self.images(images, calibration)?,
            // The check has seen that there is one.
            (None, None, None, None) => return Err(FileMistakes::default()),
        };
        if let Some(count) = params.samples {
            set.thin(count);
        }
        self.fits(&encoder, &set, model)?;
        let lengths = set
            .inputs()
            .into_iter()
            .map(|(_, input)| input)
            .chain(&set.calibration)
            .map(|input| encoder.embedding.tokens(input))
            .collect();
        Ok(Study {
            encoder,
            set,
            longest,
            lengths,
            float: OnceLock::new(),
            recorded: OnceLock::new(),
        })
    }

    /// Whether the encoder can take every sample and knows every class.
    fn fits(
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
        if let (Judge::Classifier, task::Targets::Classes(labels)) = (&set.judge, &set.targets) {
            let classes = encoder.classifier.as_ref().map_or(0, |head| head.classes());
            let beyond = labels.iter().position(|label| *label >= classes);
            if let Some(at) = beyond {
                mistakes.add(
                    "model.path",
                    format!("\"{}\"", model.path.display()),
                    format!(
                        "tells {classes} classes apart, and sample {at} is of class {}",
                        labels[at]
                    ),
                    "take weights with a classifier for this task",
                );
            }
        }
        if mistakes.0.is_empty() {
            Ok(())
        } else {
            Err(FileMistakes::of(self.file, mistakes))
        }
    }

    fn words(&mut self, folder: &Path, input: InputShape) -> Result<Words, FileMistakes> {
        let tree = folder.join("tokenizer.json");
        let list = folder.join("vocab.txt");
        let (file, words) = if self.folder.join(&tree).exists() {
            let bytes = self.bytes("model.path", &tree, MAX_WORDS_BYTES)?;
            (tree, Words::read(&bytes))
        } else {
            let settings = folder.join("tokenizer_config.json");
            let manner = if self.folder.join(&settings).exists() {
                let bytes = self.bytes("model.path", &settings, MAX_WORDS_BYTES)?;
                Manner::read(&bytes).map_err(|wrong| self.inside(&settings, wrong))?
            } else {
                Manner::default()
            };
            let text = self.text("model.path", &list)?;
            (list, Words::listed(&text, manner))
        };
        let words = words.map_err(|wrong| self.inside(&file, wrong))?;
        let mut mistakes = Mistakes::none();
        if let InputShape::Tokens { vocabulary, .. } = input {
            let largest = words.largest_id();
            mistakes.require(
                (largest as usize) < vocabulary,
                "",
                "",
                format!("numbers words up to {largest}, and the encoder's table of words has {vocabulary} rows"),
                "take the vocabulary that belongs to these weights",
            );
        }
        mistakes
            .or(|| words)
            .map_err(|wrong| self.inside(&file, wrong))
    }
}
