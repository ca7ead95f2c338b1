//! The folder of an encoder: every file of it that changes what comes out is read, refused or told of.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use super::study::Opening;
use super::{canonical, named};
use crate::base::mistake::Mistakes;
use crate::base::notice::{Notices, Weight};
use crate::shell::config::{FileMistakes, MAX_TEXT_BYTES};
use crate::study::model::{
    Asked, Dense, Encoder, EncoderShape, InputShape, LIMITS, Limit, Manner, ModelParams, Modules,
    Pixels, Pooling, Prompts, Step, Words,
};
use crate::study::task::ImagesParams;

/// Largest vocabulary or table of texts that is read, in bytes.
pub(super) const MAX_WORDS_BYTES: u64 = 256 << 20;

pub(super) const WEIGHTS: &str = "model.safetensors";

/// Begin of the names of files that say nothing to a program.
const ABOUT: [&str; 4] = [".", "README", "LICENSE", "NOTICE"];

/// Begin of the name under which SetFit saves its head.
const SETFIT: &str = "model_head.";

/// Ends of the folders in which sentence-transformers saves what follows an encoder.
const PARTS: [&str; 2] = ["_Pooling", "_Dense"];

impl Opening<'_> {
    pub(super) fn is_there(&self, path: &Path) -> bool {
        self.folder.join(path).exists()
    }

    /// The bytes of a file of an encoder's folder, if it is there.
    fn beside(&mut self, path: &Path) -> Result<Option<Vec<u8>>, FileMistakes> {
        if !self.is_there(path) {
            return Ok(None);
        }
        self.bytes("model.path", path, MAX_WORDS_BYTES).map(Some)
    }

    /// What a file of an encoder's folder says, if it is there.
    fn said<T>(
        &mut self,
        path: &Path,
        read: impl FnOnce(&[u8]) -> Result<T, Mistakes>,
    ) -> Result<Option<T>, FileMistakes> {
        match self.beside(path)? {
            Some(bytes) => read(&bytes)
                .map(Some)
                .map_err(|wrong| self.inside(path, wrong)),
            None => Ok(None),
        }
    }

    /// Passes on what a reader should know of a file.
    pub(super) fn tell(&mut self, path: &Path, notices: &Notices) {
        let file = named(&self.folder.join(path));
        for (weight, text) in notices.iter() {
            let text = format!("{file}: {text}");
            match weight {
                Weight::Warning => self.notices.warn(text),
                Weight::Note => self.notices.note(text),
            }
        }
    }

    /// The parts of a sentence encoder; nothing for a folder that lists none.
    pub(super) fn modules(&mut self, model: &ModelParams) -> Result<Option<Modules>, FileMistakes> {
        let list = model.path.join("modules.json");
        let modules = self.said(&list, Modules::read)?;
        match &modules {
            None => self.unlisted(model),
            Some(listed) if listed.pooling.is_none() && model.pooling.is_none() => {
                let mut notices = Notices::none();
                notices.warn("lists no Pooling, so the mean of the tokens is taken; set `model.pooling` where another is meant");
                self.tell(&list, &notices);
            }
            Some(_) => {}
        }
        let above = model.path.join("../modules.json");
        if modules.is_none()
            && let Ok(Some(whole)) = self.said(&above, Modules::read)
            && !whole.encoder.as_os_str().is_empty()
            && self.folder.join(&model.path).ends_with(&whole.encoder)
        {
            self.notices.warn(format!(
                "{} is the first part of a sentence encoder, whose pooling and other parts are not used: name the folder above as `model.path`",
                named(&self.folder.join(&model.path))
            ));
        }
        Ok(modules)
    }

    /// Tells of the folders of a sentence encoder's parts that no list names.
    fn unlisted(&mut self, model: &ModelParams) {
        let home = self.folder.join(&model.path);
        let Ok(entries) = std::fs::read_dir(&home) else {
            return;
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut parts: Vec<String> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| {
                PARTS.iter().any(|part| name.ends_with(part))
                    && home.join(name).join("config.json").is_file()
            })
            .collect();
        parts.sort();
        if !parts.is_empty() {
            self.notices.warn(format!(
                "{}: {} lie beside the encoder and no modules.json lists them, so they are not used: the embedding is not the one that was trained",
                named(&home),
                parts.join(", ")
            ));
        }
    }

    /// Tells of what lies in the folders of an encoder and nothing has read. Weights beside those that `weights` names
    /// are a choice that was made.
    pub(super) fn unread(&mut self, folders: &[&Path], weights: &Path) {
        let chosen = weights != Path::new(WEIGHTS);
        let mut told: Vec<PathBuf> = Vec::new();
        for home in folders.iter().map(|folder| self.folder.join(folder)) {
            let Ok(entries) = std::fs::read_dir(&home) else {
                continue;
            };
            if told.contains(&canonical(&home)) {
                continue;
            }
            told.push(canonical(&home));
            let is_read = |path: &Path| {
                let path = canonical(path);
                self.store.inputs.contains_key(&path)
            };
            let unread = |entry: &DirEntry| entry.path().is_file() && !is_read(&entry.path());
            let entries = entries.flatten().filter(unread);
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            let known = |name: &str| {
                ABOUT.iter().any(|about| name.starts_with(about))
                    || (chosen && name.ends_with(".safetensors"))
            };
            let mut names: Vec<String> = names.filter(|name| !known(name)).collect();
            names.sort();
            if names.iter().any(|name| name.starts_with(SETFIT)) {
                self.notices.warn(format!(
                    "{}: a head of SetFit lies beside the encoder and is not read: the task fits its own on the calibration samples",
                    named(&home)
                ));
            }
            if !names.is_empty() {
                let names = names.join(", ");
                let said = format!("{}: {names}: not read", named(&home));
                self.notices.note(said);
            }
        }
    }

    /// The shape that `config.json` describes.
    pub(super) fn shape(&mut self, config: &Path) -> Result<EncoderShape, FileMistakes> {
        let text = self.bytes("model.path", config, MAX_TEXT_BYTES)?;
        EncoderShape::read(&text).map_err(|wrong| self.inside(config, wrong))
    }

    /// The encoder with its weights, bare.
    pub(super) fn encoder(
        &mut self,
        home: &Path,
        model: &ModelParams,
        shape: &EncoderShape,
    ) -> Result<(PathBuf, Encoder), FileMistakes> {
        let (file, bytes) = self.weights(home, &model.weights)?;
        let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let encoder = Encoder::join(shape, Pooling::Mean {}, &slices)
            .map_err(|wrong| self.inside(&file, wrong))?;
        self.tell(&file, &encoder.notices);
        Ok((file, encoder))
    }

    /// What follows the tokens of an embedding: the pooling, and the steps behind it.
    pub(super) fn embedder(
        &mut self,
        encoder: &mut Encoder,
        model: &ModelParams,
        modules: &Modules,
        prompt: &str,
    ) -> Result<(), FileMistakes> {
        let own = model.pooling;
        match &modules.pooling {
            Some(folder) => {
                let path = model.path.join(folder).join("config.json");
                let text = self.bytes("model.path", &path, MAX_TEXT_BYTES)?;
                let hidden = encoder.shape.hidden;
                let asked = Asked::read(&text, hidden, own.is_some())
                    .map_err(|wrong| self.inside(&path, wrong))?;
                if asked.without_prompt && !prompt.is_empty() {
                    let mut mistakes = Mistakes::none();
                    mistakes.add(
                        "include_prompt",
                        false,
                        "the words of the prompt would be left out of the mean, which is not computed",
                        "set default_prompt_name in config_sentence_transformers.json to null, or take another sentence encoder",
                    );
                    return Err(self.inside(&path, mistakes));
                }
                if let Some(own) = own
                    && asked.pooling != Some(own)
                {
                    self.notices.warn(format!(
                        "{} asks for another pooling than `model.pooling`, which is taken: the embedding is not the one that was trained",
                        named(&self.folder.join(&path))
                    ));
                }
                encoder.pooling = own.or(asked.pooling).unwrap_or(Pooling::Mean {});
            }
            None => encoder.pooling = own.unwrap_or(Pooling::Mean {}),
        }
        for step in &modules.steps {
            let step = match step {
                None => Step::Normalize,
                Some(folder) => {
                    let home = model.path.join(folder);
                    let path = home.join("config.json");
                    let text = self.bytes("model.path", &path, MAX_TEXT_BYTES)?;
                    let dense = Dense::read(&text, encoder.features())
                        .map_err(|wrong| self.inside(&path, wrong))?;
                    let (file, bytes) = self.weights(&home, Path::new(WEIGHTS))?;
                    let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
                    dense
                        .take(&slices)
                        .map_err(|wrong| self.inside(&file, wrong))?
                }
            };
            encoder.steps.push(step);
        }
        Ok(())
    }

    /// What a sentence encoder puts before texts.
    pub(super) fn prompts(&mut self, model: &ModelParams) -> Result<Prompts, FileMistakes> {
        let path = model.path.join("config_sentence_transformers.json");
        let prompts = self.said(&path, Prompts::read)?.unwrap_or_default();
        self.tell(&path, &prompts.notices);
        Ok(prompts)
    }

    /// The vocabulary of an encoder of texts, with all that lies beside it.
    pub(super) fn words(
        &mut self,
        home: &Path,
        input: InputShape,
        prompts: &Prompts,
    ) -> Result<Words, FileMistakes> {
        let settings = home.join("tokenizer_config.json");
        let mut manner = self.said(&settings, Manner::read)?.unwrap_or_default();
        let special = home.join("special_tokens_map.json");
        self.said(&special, |text| manner.read_special(text))?;
        let added = home.join("added_tokens.json");
        self.said(&added, |text| manner.read_added(text))?;
        self.notices.join(&manner.notices);
        let tree = home.join("tokenizer.json");
        let (file, mut words) = match self.beside(&tree)? {
            Some(bytes) => {
                let words = Words::read(&bytes).map_err(|wrong| self.inside(&tree, wrong))?;
                words
                    .settle(&manner)
                    .map_err(|wrong| self.inside(&settings, wrong))?;
                (tree, words)
            }
            None => {
                let list = home.join("vocab.txt");
                let text = self.text("model.path", &list)?;
                let mut notices = Notices::none();
                if let Some(said) = Words::repeated(&text) {
                    notices.warn(said);
                }
                self.tell(&list, &notices);
                let words = Words::listed(&text, manner.clone());
                let words = words.map_err(|wrong| self.inside(&list, wrong))?;
                (list, words)
            }
        };
        let limits = LIMITS.map(|name| home.join(name));
        let limit = match limits.iter().find(|path| self.is_there(path)) {
            Some(path) => self.said(path, Limit::read)?.unwrap_or_default(),
            None => Limit::default(),
        };
        words.lowercase_first = limit.lowercase;
        words.limit = limit.tokens.or(manner.limit).or(words.limit);
        words.prompt.clone_from(&prompts.before);
        if let InputShape::Tokens { vocabulary, .. } = input {
            let mut mistakes = Mistakes::none();
            let largest = words.largest_id();
            mistakes.require(
                (largest as usize) < vocabulary,
                "",
                "",
                format!("numbers words up to {largest}, and the encoder's table of words has {vocabulary} rows"),
                "take the vocabulary that belongs to these weights",
            );
            mistakes
                .or(|| ())
                .map_err(|wrong| self.inside(&file, wrong))?;
        }
        Ok(words)
    }

    /// Whether pixels go into the encoder as it was trained.
    pub(super) fn pixels(
        &mut self,
        home: &Path,
        side: usize,
        params: &ImagesParams,
    ) -> Result<(), FileMistakes> {
        let path = home.join("preprocessor_config.json");
        let Some(pixels) = self.said(&path, |text| Pixels::read(text, side))? else {
            return Ok(());
        };
        self.tell(&path, &pixels.notices);
        pixels
            .agrees(params.mean, params.deviation)
            .map_err(|wrong| self.told("task.images", wrong))
    }
}
