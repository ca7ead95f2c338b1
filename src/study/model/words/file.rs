//! A `tokenizer.json` of the Hugging Face hub: every key is used or refused.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::added::AddedWord;
use super::{Marks, Words};
use crate::base::json;
use crate::base::mistake::Mistakes;
use crate::study::model::keys::short;

const OWN: &str = "take the model's own tokenizer.json";
const OTHER: &str = "take an encoder with a WordPiece tokenizer, as BERT's";

/// The tables of the file, the kinds of each that are computed, and the keys that are read of each.
const TABLES: [(&str, &[&str], &[&str]); 4] = [
    (
        "model",
        &["WordPiece"],
        &[
            "unk_token",
            "continuing_subword_prefix",
            "max_input_chars_per_word",
            "vocab",
        ],
    ),
    (
        "normalizer",
        &["BertNormalizer"],
        &[
            "clean_text",
            "handle_chinese_chars",
            "strip_accents",
            "lowercase",
        ],
    ),
    ("pre_tokenizer", &["BertPreTokenizer"], &[]),
    (
        "post_processor",
        &["TemplateProcessing", "BertProcessing", "RobertaProcessing"],
        // The pair and how offsets are trimmed say nothing about one text.
        &[
            "single",
            "pair",
            "special_tokens",
            "sep",
            "cls",
            "trim_offsets",
            "add_prefix_space",
        ],
    ),
];

impl Words {
    /// A `tokenizer.json` as the Hugging Face hub lays it out.
    ///
    /// # Errors
    /// Any other kind of model, normaliser, splitter or frame than BERT's, by its name; a key that is not
    /// known.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let tree = json::table(text, OWN)?;
        let mut reader = Reader {
            tree: &tree,
            mistakes: Mistakes::none(),
        };
        reader.kinds();
        if !reader.mistakes.0.is_empty() {
            return Err(reader.mistakes);
        }
        let words = reader.words();
        reader.mistakes.or(|| words)
    }
}

struct Reader<'a> {
    tree: &'a Value,
    mistakes: Mistakes,
}

impl Reader<'_> {
    fn add(&mut self, key: &str, value: &Value, problem: impl Into<String>, fix: &str) {
        self.mistakes.add(key, short(value), problem, fix);
    }

    /// Whether every table is of a kind that is computed, with keys that are known.
    fn kinds(&mut self) {
        let tree = self.tree;
        for (key, kinds, keys) in TABLES {
            let table = &tree[key];
            if key == "post_processor" && table.is_null() {
                continue;
            }
            let kind = &table["type"];
            if !kind.as_str().is_some_and(|kind| kinds.contains(&kind)) {
                let problem = format!("this one is not computed: only {}", kinds.join(" and "));
                self.add(&format!("{key}.type"), kind, problem, OTHER);
                continue;
            }
            for (inner, value) in table.as_object().into_iter().flatten() {
                if inner != "type" && !keys.contains(&inner.as_str()) {
                    self.unknown(&format!("{key}.{inner}"), value);
                }
            }
        }
        for (key, value) in tree.as_object().into_iter().flatten() {
            match key.as_str() {
                "version" if value == "1.0" => {}
                // Padding never occurs, and a decoder turns ids back into text.
                "padding" | "decoder" | "added_tokens" | "truncation" => {}
                known if TABLES.iter().any(|(table, ..)| *table == known) => {}
                _ => self.unknown(key, value),
            }
        }
    }

    fn unknown(&mut self, key: &str, value: &Value) {
        self.add(
            key,
            value,
            "this key or value is not known, so what it changes would not be computed",
            OTHER,
        );
    }

    fn words(&mut self) -> Words {
        let tree = self.tree;
        let (model, normalizer) = (&tree["model"], &tree["normalizer"]);
        let mut ids = HashMap::new();
        if !model["vocab"].is_object() {
            self.add(
                "model.vocab",
                &model["vocab"],
                "must be a table of words",
                OWN,
            );
        }
        for (word, id) in model["vocab"].as_object().into_iter().flatten() {
            match number(id) {
                Some(id) => {
                    ids.insert(word.clone(), id);
                }
                None => {
                    let key = format!("model.vocab.{word}");
                    self.add(&key, id, "must be the number of a word", OWN);
                }
            }
        }
        let unknown = self.text("model.unk_token", &model["unk_token"]);
        let unknown_id = ids.get(&unknown).copied();
        if unknown_id.is_none() && model["unk_token"].is_string() {
            let problem = "the vocabulary has no such word";
            self.add("model.unk_token", &model["unk_token"], problem, OWN);
        }
        let key = "model.continuing_subword_prefix";
        let continues = self.text(key, &model["continuing_subword_prefix"]);
        let longest = &model["max_input_chars_per_word"];
        if longest.as_u64().is_none() {
            let key = "model.max_input_chars_per_word";
            self.add(key, longest, "must be a whole number", OWN);
        }
        let mut switch = |key: &str| {
            let value = &normalizer[key];
            if !value.is_boolean() {
                let key = format!("normalizer.{key}");
                self.add(&key, value, "must be true or false", OWN);
            }
            value.as_bool().unwrap_or(true)
        };
        let (clean, chinese) = (switch("clean_text"), switch("handle_chinese_chars"));
        let lowercase = switch("lowercase");
        let strip = &normalizer["strip_accents"];
        if !strip.is_boolean() && !strip.is_null() {
            let problem = "must be true, false or null";
            self.add("normalizer.strip_accents", strip, problem, OWN);
        }
        let mut words = Words {
            ids,
            raw: Vec::new(),
            normal: Vec::new(),
            continues,
            unknown: unknown_id.unwrap_or(0),
            frame: self.frame(),
            longest_word: longest.as_u64().unwrap_or(0) as usize,
            clean,
            chinese,
            accents: Marks::beside(lowercase, strip.as_bool()),
            lowercase,
            prompt: String::new(),
            lowercase_first: false,
            limit: self.limit(),
        };
        let added = self.added();
        self.mistakes.keep("added_tokens", words.add(added));
        words
    }

    fn text(&mut self, key: &str, value: &Value) -> String {
        if !value.is_string() {
            self.add(key, value, "must be a text", OWN);
        }
        value.as_str().unwrap_or("").to_owned()
    }

    fn added(&mut self) -> BTreeMap<u32, AddedWord> {
        let mut all = BTreeMap::new();
        let list = self.tree["added_tokens"].as_array();
        for (at, token) in list.into_iter().flatten().enumerate() {
            let id = number(&token["id"]);
            match read_added(token, id) {
                Ok((id, word)) => {
                    all.insert(id, word);
                }
                Err((key, value)) => {
                    let key = format!("added_tokens[{at}].{key}");
                    self.unknown(&key, value);
                }
            }
        }
        all
    }

    /// Tokens that a text is cut to.
    fn limit(&mut self) -> Option<usize> {
        let truncation = &self.tree["truncation"];
        for (key, value) in truncation.as_object()? {
            let known = match key.as_str() {
                "max_length" => value.is_u64(),
                "direction" => value == "Right",
                // Of a pair, and of the rest of a long text: neither occurs.
                "strategy" | "stride" => true,
                _ => false,
            };
            if !known {
                self.unknown(&format!("truncation.{key}"), value);
            }
        }
        Some(truncation["max_length"].as_u64()? as usize)
    }

    /// What stands before and behind one text.
    fn frame(&mut self) -> [Vec<u32>; 2] {
        let processor = &self.tree["post_processor"];
        let mut frame = [Vec::new(), Vec::new()];
        match processor["type"].as_str() {
            None => {}
            Some("TemplateProcessing") => {
                let mut side = 0;
                let single = processor["single"].as_array();
                for piece in single.into_iter().flatten() {
                    let special = &piece["SpecialToken"];
                    let name = special["id"].as_str().unwrap_or("");
                    let ids = &processor["special_tokens"][name]["ids"];
                    let ids: Option<Vec<u32>> = ids
                        .as_array()
                        .and_then(|ids| ids.iter().map(number).collect());
                    let (kind, known) = if special.is_object() {
                        (&special["type_id"], ids.is_some())
                    } else {
                        let sequence = &piece["Sequence"];
                        let first = sequence["id"] == "A" && side == 0;
                        side = 1;
                        (&sequence["type_id"], first)
                    };
                    if !known || kind != &Value::from(0) {
                        self.add(
                            "post_processor.single",
                            piece,
                            "this piece of the frame is not computed: only tokens of type 0 around one text A are",
                            OTHER,
                        );
                    }
                    frame[side].extend(ids.unwrap_or_default());
                }
                if side == 0 {
                    let problem = "holds no text A";
                    self.add("post_processor.single", &processor["single"], problem, OWN);
                }
            }
            Some(_) => {
                for (side, key) in ["cls", "sep"].into_iter().enumerate() {
                    let token = &processor[key];
                    match number(&token[1]) {
                        Some(id) => frame[side].push(id),
                        None => {
                            let key = format!("post_processor.{key}");
                            self.add(&key, token, "must be a word and its number", OWN);
                        }
                    }
                }
            }
        }
        frame
    }
}

pub(super) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

/// An added word, or the key of it that is not known and its value.
pub(super) fn read_added(
    token: &Value,
    id: Option<u32>,
) -> Result<(u32, AddedWord), (String, &Value)> {
    let flag = |key: &str| match &token[key] {
        Value::Null => Ok(false),
        value => value.as_bool().ok_or_else(|| (key.to_owned(), value)),
    };
    let id = id.ok_or_else(|| ("id".to_owned(), &token["id"]))?;
    let content = &token["content"];
    let word = content.as_str().filter(|word| !word.is_empty());
    let word = word.ok_or_else(|| ("content".to_owned(), content))?;
    for (key, value) in token.as_object().into_iter().flatten() {
        const KNOWN: [&str; 8] = [
            "id",
            "content",
            "single_word",
            "lstrip",
            "rstrip",
            "normalized",
            // Whether it is left out of a text that is made of ids.
            "special",
            "__type",
        ];
        if !KNOWN.contains(&key.as_str()) {
            return Err((key.clone(), value));
        }
    }
    Ok((
        id,
        AddedWord {
            content: word.to_owned(),
            id,
            single_word: flag("single_word")?,
            left: flag("lstrip")?,
            right: flag("rstrip")?,
            normalized: flag("normalized")?,
        },
    ))
}
