//! `[model]`: which encoder, and how long its samples may be.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Pooling;
use crate::base::mistake::Mistakes;

/// `[model]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelParams {
    /// A folder as the Hugging Face hub lays it out: `config.json`, weights, and for texts
    /// `tokenizer.json`, or `vocab.txt` with what `tokenizer_config.json` says of capitals; relative to
    /// the experiment file.
    pub path: PathBuf,
    /// The weights, relative to the folder.
    #[serde(default = "weights")]
    pub weights: PathBuf,
    /// How tokens become one vector; the mean for embeddings and the class token for a classifier if
    /// not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
    /// Longest sample in tokens: longer texts are cut, and tiles are laid out for it. 128 if not
    /// given, or fewer where the encoder takes or was trained with fewer; images have a length of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
}

fn weights() -> PathBuf {
    "model.safetensors".into()
}

/// Longest sample of texts where nothing is said.
const TOKENS: usize = 128;

impl ModelParams {
    /// The longest sample of an encoder that takes at most `most` tokens, and no fewer if its samples
    /// are images; its files may cut texts to fewer.
    ///
    /// # Errors
    /// A length that the encoder does not take.
    pub fn longest(
        &self,
        most: usize,
        images: bool,
        limit: Option<usize>,
    ) -> Result<usize, Mistakes> {
        let mut mistakes = Mistakes::none();
        let standard = if images {
            most
        } else {
            TOKENS.min(most).min(limit.unwrap_or(most).max(2))
        };
        let least = if images { most } else { 2 };
        let tokens = self.tokens.unwrap_or(standard);
        mistakes.require(
            (least..=most).contains(&tokens),
            "tokens",
            tokens,
            if images {
                format!("an image of this encoder has {most} tokens")
            } else {
                format!("must be from 2 to {most}, the positions of the encoder")
            },
            "leave the key out, or change it",
        );
        mistakes.or(|| tokens)
    }
}
