//! How text is brought to a vocabulary that comes as a plain list.

use serde_json::Value;

use crate::base::mistake::Mistakes;

/// What a `tokenizer_config.json` says of how text is brought to the vocabulary beside it; none where
/// it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether capitals go.
    pub lowercase: Option<bool>,
    /// Whether accents go; with capitals if nothing is said.
    pub accents: Option<bool>,
    /// Whether Chinese characters stand alone.
    pub chinese: Option<bool>,
}

impl Manner {
    /// Reads the text of a `tokenizer_config.json`; other keys are passed over.
    ///
    /// # Errors
    /// Text that is no table of JSON, and a switch that is neither true nor false.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let tree = match serde_json::from_slice::<Value>(text) {
            Ok(tree) if tree.is_object() => tree,
            _ => {
                mistakes.add(
                    "",
                    "",
                    "is not a table of JSON",
                    "take the model's own tokenizer_config.json",
                );
                return Err(mistakes);
            }
        };
        let mut switch = |key: &str| {
            let value = &tree[key];
            mistakes.require(
                value.is_boolean() || value.is_null(),
                key,
                value,
                "must be true or false",
                "take the model's own tokenizer_config.json",
            );
            value.as_bool()
        };
        let manner = Self {
            lowercase: switch("do_lower_case"),
            accents: switch("strip_accents"),
            chinese: switch("tokenize_chinese_chars"),
        };
        mistakes.or(|| manner)
    }
}
