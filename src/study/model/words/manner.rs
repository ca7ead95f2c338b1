//! What stands beside a vocabulary: `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::added::AddedWord;
use super::file::{number, read_added};
use super::{Marks, Words};
use crate::base::json;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::study::model::keys::{self, short};

/// What the files beside a vocabulary say of how text is brought to it; none where they say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manner {
    /// Whether capitals go.
    pub lowercase: Option<bool>,
    /// Whether accents go; with capitals if nothing is said.
    pub accents: Option<bool>,
    /// Whether Chinese characters stand alone.
    pub chinese: Option<bool>,
    /// Tokens that a text is cut to.
    pub limit: Option<usize>,
    /// What a reader should know.
    pub notices: Notices,
    /// Words that were added, by number.
    pub(super) added: BTreeMap<u32, AddedWord>,
    /// Words that are given a meaning: the key that does so, and the word.
    pub(super) named: Vec<(String, String)>,
}

/// Keys without effect on the ids of one text.
const WITHOUT_EFFECT: &[&str] = &[
    "tokenizer_class",
    "name_or_path",
    "model_max_length",
    "clean_up_tokenization_spaces",
    "padding_side",
    "padding",
    "pad_to_multiple_of",
    "pad_token_type_id",
    "truncation_strategy",
    "truncation",
    "stride",
    "max_length",
    "use_fast",
    "backend",
    "is_local",
    "local_files_only",
    "tokenizer_file",
    "special_tokens_map_file",
    "full_tokenizer_file",
    "vocab_file",
    "model_input_names",
    "processor_class",
    "auto_map",
    "chat_template",
    "added_tokens_decoder",
];

/// Classes that cut a text as BERT's does, or that name no way of their own. Without `Fast`.
const CUT_LIKE_BERT: [&str; 8] = [
    "BertTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "MPNetTokenizer",
    "MobileBertTokenizer",
    "LayoutLMTokenizer",
    "PreTrainedTokenizer",
    "TokenizersBackend",
];

const NAMED: [&str; 6] = [
    "unk_token",
    "cls_token",
    "sep_token",
    "pad_token",
    "mask_token",
    "additional_special_tokens",
];

impl Manner {
    /// Reads the text of a `tokenizer_config.json`; keys that are not known are told.
    ///
    /// # Errors
    /// Text that is no table of JSON, a switch that is neither true nor false, and what is not computed.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let tree = table(text, "tokenizer_config.json")?;
        let mut switch = |key: &str| {
            let value = Some(&tree[key]).filter(|value| !value.is_null())?;
            let fix = "take the model's own tokenizer_config.json";
            keys::switch(key, value, fix, &mut mistakes)
        };
        let mut manner = Self {
            lowercase: switch("do_lower_case"),
            accents: switch("strip_accents"),
            chinese: switch("tokenize_chinese_chars"),
            // Where nothing is known, a number beyond any length is written.
            limit: tree["model_max_length"]
                .as_u64()
                .and_then(|tokens| usize::try_from(tokens).ok())
                .filter(|tokens| *tokens < 1 << 20),
            ..Self::default()
        };
        for (key, ok, problem, fix) in [
            (
                "do_basic_tokenize",
                tree["do_basic_tokenize"] != Value::Bool(false),
                "texts that are not cut into words first are not computed",
                "take another tokenizer",
            ),
            (
                "truncation_side",
                tree["truncation_side"].is_null() || tree["truncation_side"] == "right",
                "a long text is cut at its end",
                "set truncation_side to \"right\"",
            ),
            (
                "never_split",
                tree["never_split"].is_null() || tree["never_split"] == Value::Array(Vec::new()),
                "words that are never cut are not computed",
                "take the model's own tokenizer.json, where they are added tokens",
            ),
            (
                "wordpieces_prefix",
                tree["wordpieces_prefix"].is_null() || tree["wordpieces_prefix"] == "##",
                "another prefix than ## is not computed",
                "take the model's own tokenizer.json",
            ),
        ] {
            mistakes.require(ok, key, short(&tree[key]), problem, fix);
        }
        if let Some(class) = tree["tokenizer_class"].as_str()
            && !CUT_LIKE_BERT.contains(&class.trim_end_matches("Fast"))
        {
            manner.notices.warn(format!(
                "tokenizer_config.json: tokenizer_class = {class:?}: texts are cut into words and pieces as BertTokenizer does, and this one may do otherwise"
            ));
        }
        for (id, token) in tree["added_tokens_decoder"]
            .as_object()
            .into_iter()
            .flatten()
        {
            match read_added(token, id.parse().ok()) {
                Ok((id, word)) => {
                    manner.added.insert(id, word);
                }
                Err((key, value)) => mistakes.add(
                    &format!("added_tokens_decoder.{id}.{key}"),
                    short(value),
                    "this key or value is not known, so what it changes would not be computed",
                    "take the model's own tokenizer_config.json",
                ),
            }
        }
        manner.name(&tree);
        let read = [
            "do_lower_case",
            "strip_accents",
            "tokenize_chinese_chars",
            "do_basic_tokenize",
            "truncation_side",
            "never_split",
            "wordpieces_prefix",
            "extra_special_tokens",
        ];
        manner.tell(
            &tree,
            &[WITHOUT_EFFECT, &NAMED, &read].concat(),
            "tokenizer_config.json",
        );
        mistakes.or(|| manner)
    }

    /// Takes in the text of a `special_tokens_map.json`.
    ///
    /// # Errors
    /// Text that is no table of JSON.
    pub fn read_special(&mut self, text: &[u8]) -> Result<(), Mistakes> {
        let tree = table(text, "special_tokens_map.json")?;
        self.name(&tree);
        self.tell(
            &tree,
            &[&NAMED[..], &["extra_special_tokens"]].concat(),
            "special_tokens_map.json",
        );
        Ok(())
    }

    /// Takes in the text of an `added_tokens.json`, which numbers words and says no more of them.
    ///
    /// # Errors
    /// Text that is no table of JSON; a word without a number.
    pub fn read_added(&mut self, text: &[u8]) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        for (word, id) in table(text, "added_tokens.json")?
            .as_object()
            .into_iter()
            .flatten()
        {
            match number(id) {
                // Read without its flags, such a word is looked for as it was brought to the vocabulary.
                Some(id) => {
                    let mut added = AddedWord::special(word, id);
                    added.normalized = true;
                    self.added.entry(id).or_insert(added);
                }
                None => mistakes.add(
                    word,
                    short(id),
                    "must be the number of a word",
                    "take the model's own added_tokens.json",
                ),
            }
        }
        mistakes.or(|| ())
    }

    fn name(&mut self, tree: &Value) {
        for key in NAMED.iter().chain(&["extra_special_tokens"]) {
            let value = &tree[*key];
            let many: Vec<&Value> = match value {
                Value::Array(list) => list.iter().collect(),
                Value::Object(tree) if !tree.contains_key("content") => tree.values().collect(),
                one => vec![one],
            };
            for one in many {
                if let Some(word) = one["content"].as_str().or_else(|| one.as_str()) {
                    self.named.push(((*key).to_owned(), word.to_owned()));
                }
            }
        }
    }

    fn tell(&mut self, tree: &Value, known: &[&str], file: &str) {
        for key in tree.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !known.contains(&key.as_str()) {
                self.notices
                    .note(format!("{file}: the key `{key}` is not used"));
            }
        }
    }
}

impl Words {
    /// Whether what stands beside the vocabulary says the same as these words do.
    ///
    /// # Errors
    /// Each key that says something else, and words that are given a meaning and are not there.
    pub fn settle(&self, manner: &Manner) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        let strip = self.accents == Marks::Go;
        for (key, beside, own, named) in [
            (
                "do_lower_case",
                manner.lowercase,
                self.lowercase,
                "lowercase",
            ),
            ("strip_accents", manner.accents, strip, "strip_accents"),
            (
                "tokenize_chinese_chars",
                manner.chinese,
                self.chinese,
                "handle_chinese_chars",
            ),
        ] {
            if let Some(beside) = beside {
                mistakes.require(
                    beside == own,
                    key,
                    beside,
                    format!("and tokenizer.json has normalizer.{named} = {own}: one of the two is not what the encoder was trained with"),
                    format!("set {key} to {own}, or take the model's own tokenizer.json"),
                );
            }
        }
        for (id, word) in &manner.added {
            mistakes.require(
                self.added(&word.content) == Some(*id),
                &format!("added token `{}`", word.content),
                id,
                "is not among the added tokens of tokenizer.json with this number",
                "take the model's own files, all of one model",
            );
        }
        let [before, behind] = &self.frame;
        for (key, word) in &manner.named {
            let Some(id) = self.added(word) else {
                mistakes.add(
                    key,
                    format!("\"{word}\""),
                    "is not among the words that stand for themselves, [PAD], [UNK], [CLS], [SEP], [MASK] and those that were added",
                    "take the model's own tokenizer.json, or its tokenizer_config.json with added_tokens_decoder",
                );
                continue;
            };
            let (plays, part) = match key.as_str() {
                "unk_token" => (id == self.unknown, "in place of a word that is not known"),
                "cls_token" => (before.is_empty() || before.contains(&id), "before a text"),
                "sep_token" => (behind.is_empty() || behind.contains(&id), "behind a text"),
                _ => continue,
            };
            mistakes.require(
                plays,
                key,
                format!("\"{word}\""),
                format!("and another word stands {part}"),
                "take the model's own files, all of one model; words around a text other than [CLS] and [SEP] need its tokenizer.json",
            );
        }
        mistakes.or(|| ())
    }
}

fn table(text: &[u8], file: &str) -> Result<Value, Mistakes> {
    json::table(text, &format!("take the model's own {file}"))
}
