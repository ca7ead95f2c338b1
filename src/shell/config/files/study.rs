//! Opening an encoder and a labelled set for it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::encoder::MAX_WORDS_BYTES;
use super::{Store, about, named, there};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::shell::config::FileMistakes;
use crate::study::model::{
    Encoder, EncoderShape, InputShape, ModelParams, Pooling, Prompts, Recorded, Words,
};
use crate::study::task::{self, TaskParams, TaskSet};

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
    /// What a reader should know of encoder and set.
    pub notices: Notices,
}

/// What a missing file is fetched with, if it is one of those the repository does not hold.
pub(super) fn fetch(path: &Path) -> Option<String> {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let at = parts.iter().position(|part| *part == "fetched")?;
    let name = parts.get(at + 1)?;
    Some(format!(
        "fetch it first: python3 scripts/fetch.py {name} (in the folder of the repository)"
    ))
}

/// Share of unknown words, in percent, above which a score says little about the encoder.
const MOST_UNKNOWN: f64 = 5.0;

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
            notices: Notices::none(),
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
    /// What a reader should know of what was opened.
    pub(super) notices: Notices,
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
        let modules = self.modules(model)?;
        let parts = modules.clone().unwrap_or_default();
        let home = model.path.join(&parts.encoder);
        let config = home.join("config.json");
        let shape = self.shape(&config)?;
        self.belong(&shape, model, params)?;
        let (weights, mut encoder) = self.encoder(&home, model, &shape)?;
        let classifies = params.images.is_some() || params.classify.is_some();
        let own = classifies && self.judges(&encoder, &weights, &config)?;
        let mut prompts = Prompts::default();
        if own {
            encoder.pooling = model.pooling.unwrap_or(Pooling::Class {});
            if modules.is_some() {
                let list = model.path.join("modules.json");
                let mut notices = Notices::none();
                notices.note("is not used: the classifier in the weights judges");
                self.tell(&list, &notices);
            }
        } else {
            if encoder.classifier.is_some() {
                let mut notices = Notices::none();
                notices.note("the classifier is not used by this task");
                self.tell(&weights, &notices);
            }
            prompts = self.prompts(model)?;
            self.embedder(&mut encoder, model, &parts, &prompts.before)?;
        }
        let words = if params.sts.is_some() || params.classify.is_some() {
            Some(self.words(&home, shape.input, &prompts)?)
        } else {
            None
        };
        let limit = words.as_ref().and_then(|words| words.limit);
        let unknown = words.as_ref().map(Words::unknown);
        let longest = self.longest(model, &shape, words.as_ref())?;
        let calibration = params.calibration_samples;
        let mut set = match (
            &params.sts,
            &params.classify,
            &params.mails,
            &params.images,
            words,
        ) {
            (Some(sts), .., Some(words)) => self.pairs(sts, &words, longest, calibration)?,
            (_, Some(texts), .., Some(words)) => {
                let classes = encoder.classifier.as_ref().map(|head| head.classes());
                self.texts(texts, (&words, longest), calibration, classes)?
            }
            (_, _, Some(mails), ..) => {
                if !prompts.before.is_empty() {
                    self.notices.warn(
                        "task.mails: no prompt is put before rows of token ids; put it there in the rows",
                    );
                }
                self.mails(mails, encoder.features(), (longest, calibration))?
            }
            (_, _, _, Some(images), _) => {
                let side = match shape.input {
                    InputShape::Patches { image, .. } => image,
                    InputShape::Tokens { .. } => 0,
                };
                self.pixels(&home, side, images)?;
                self.images(images, (side, calibration))?
            }
            // The check has seen that there is one.
            (None, None, None, None, _) | (_, _, None, None, None) => {
                return Err(FileMistakes::default());
            }
        };
        if let Some(count) = params.samples {
            let all = set.units();
            if count > all {
                self.notices.note(format!(
                    "task.samples = {count}: the set holds {all}, and all of them are run"
                ));
            }
            set.thin(count);
        }
        self.unread(&[&model.path, &home], &model.weights);
        self.fits(&encoder, &set, model)?;
        self.notices.join(&set.doubts());
        self.cut(&set, longest, limit, shape.longest());
        if let Some((count, of)) = unknown
            .map(|id| set.count(id))
            .filter(|(count, _)| *count > 0)
        {
            let share = 100.0 * count as f64 / of as f64;
            let said = format!(
                "{count} of {of} tokens of the samples ({share:.1} %) stand for words that the vocabulary does not hold"
            );
            match share > MOST_UNKNOWN {
                true => self.notices.warn(said),
                false => self.notices.note(said),
            }
        }
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
            notices: self.notices,
        })
    }

    /// Whether the weights hold a classifier that judges whole samples.
    fn judges(
        &self,
        encoder: &Encoder,
        weights: &Path,
        config: &Path,
    ) -> Result<bool, FileMistakes> {
        let mut mistakes = Mistakes::none();
        if let Some(other) = &encoder.other_head {
            mistakes.add(
                "architectures",
                format!("\"{other}\""),
                format!(
                    "the classifier of {} is not one of whole samples that is computed: only that of {} is",
                    named(weights),
                    encoder.shape.family.classifier()
                ),
                "take weights of that architecture; without the tensors `classifier.*` the encoder is used bare",
            );
        } else if let (Some(_), Some(other)) = (&encoder.classifier, &encoder.shape.other_problem) {
            mistakes.add(
                "problem_type",
                format!("\"{other}\""),
                "the classifier was trained for something else than to tell one class of several, and its largest score is no answer then",
                "take weights of single_label_classification",
            );
        }
        if let (Some(classifier), Some((key, labels))) = (&encoder.classifier, encoder.shape.labels)
        {
            mistakes.require(
                classifier.classes() == labels,
                key,
                format!("{labels} classes"),
                format!(
                    "the classifier of {} has {} rows, one a class",
                    named(weights),
                    classifier.classes()
                ),
                "take config.json and weights of one model",
            );
        }
        mistakes
            .or(|| encoder.classifier.is_some())
            .map_err(|wrong| self.inside(config, wrong))
    }

    /// The longest sample.
    fn longest(
        &self,
        model: &ModelParams,
        shape: &EncoderShape,
        words: Option<&Words>,
    ) -> Result<usize, FileMistakes> {
        let images = matches!(shape.input, InputShape::Patches { .. });
        let limit = words.and_then(|words| words.limit);
        let mut mistakes = Mistakes::none();
        let longest = mistakes.keep("model", model.longest(shape.longest(), images, limit));
        let framing = words.map_or(0, Words::framing);
        if let Some(longest) = longest {
            mistakes.require(
                framing < longest,
                "model.tokens",
                longest,
                format!("the tokenizer puts {framing} tokens around every text"),
                format!(
                    "set model.tokens from {} to {}",
                    framing + 1,
                    shape.longest()
                ),
            );
        }
        match (longest, mistakes.0.is_empty()) {
            (Some(longest), true) => Ok(longest),
            _ => Err(FileMistakes::of(self.file, mistakes)),
        }
    }

    /// Says how many samples were cut, and how many are longer than the encoder's files cut them.
    fn cut(&mut self, set: &TaskSet, longest: usize, limit: Option<usize>, most: usize) {
        let unit = match &set.targets {
            task::Targets::Similarity(_) => ("pairs", 2),
            task::Targets::Classes(_) => ("samples", 1),
        };
        if let Some(said) = set.lengths.beyond(longest, unit) {
            let of = set.lengths.longest();
            self.notices.warn(format!(
                "{said} are longer than `model.tokens` = {longest} and were cut; the longest has {of} tokens, the encoder takes {most}"
            ));
        }
        if let Some(limit) = limit.filter(|limit| *limit < longest)
            && let Some(said) = set.lengths.beyond(limit, unit)
        {
            self.notices.warn(format!(
                "{said} are longer than the {limit} tokens that the encoder's own files cut a text to; with `model.tokens` = {limit} they are cut so here"
            ));
        }
    }
}
