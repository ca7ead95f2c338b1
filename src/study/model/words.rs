//! Text to token ids: BERT's basic tokenizer and WordPiece.
//!
//! Text is cleaned, Chinese characters and punctuation stand alone, accents and capitals go where the
//! vocabulary is uncased, and each word is cut greedily into the longest pieces that are known
//! (Wu et al., arXiv 1609.08144; Devlin et al., arXiv 1810.04805). `[CLS]` and `[SEP]` enclose the
//! result. Ids agree with those of the Hugging Face tokenizer of the same file.

use std::collections::HashMap;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::Manner;
use super::letters::{is_chinese, is_noise, is_punctuation};
use crate::base::mistake::Mistakes;

/// A vocabulary and how text is brought to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    ids: HashMap<String, u32>,
    /// Words that stand for themselves wherever they occur, such as `[SEP]`.
    special: Vec<(String, u32)>,
    continues: String,
    unknown: u32,
    first: u32,
    last: u32,
    longest_word: usize,
    clean: bool,
    chinese: bool,
    accents: Marks,
    lowercase: bool,
}

/// What becomes of nonspacing marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marks {
    Stay,
    Go,
}

impl Marks {
    /// Not said, accents go with capitals.
    const fn beside(lowercase: bool, strip: Option<bool>) -> Self {
        let go = match strip {
            Some(strip) => strip,
            None => lowercase,
        };
        if go { Self::Go } else { Self::Stay }
    }
}

/// Words of the vocabulary that BERT gives a meaning.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

impl Words {
    /// An uncased vocabulary, one word a line.
    ///
    /// # Errors
    /// A vocabulary without `[UNK]`, `[CLS]` or `[SEP]`.
    pub fn uncased(vocabulary: &str) -> Result<Self, Mistakes> {
        Self::listed(
            vocabulary,
            Manner {
                lowercase: Some(true),
                ..Manner::default()
            },
        )
    }

    /// A vocabulary, one word a line, and how text is brought to it: in lower case if nothing is said.
    ///
    /// # Errors
    /// A vocabulary without `[UNK]`, `[CLS]` or `[SEP]`; one with capitals where nothing is said of
    /// them.
    pub fn listed(vocabulary: &str, manner: Manner) -> Result<Self, Mistakes> {
        // Words that no text in lower case could ever be cut into; `[CLS]` stands for itself.
        let lost = |word: &str| {
            let special = word.starts_with('[') && word.ends_with(']');
            !special && word.chars().flat_map(char::to_lowercase).ne(word.chars())
        };
        let capital = vocabulary.lines().zip(1..).find(|(word, _)| lost(word));
        if let (Some((word, line)), None) = (capital, manner.lowercase) {
            let mut mistakes = Mistakes::none();
            mistakes.add(
                &format!("line {line}"),
                format!("\"{word}\""),
                "the vocabulary has capitals, and text goes to lower case unless something else is said",
                "add the model's tokenizer.json, or its tokenizer_config.json with do_lower_case = true or false; or take an uncased vocabulary",
            );
            return Err(mistakes);
        }
        let mut words = Self::of_lines(vocabulary)?;
        words.lowercase = manner.lowercase.unwrap_or(true);
        words.accents = Marks::beside(words.lowercase, manner.accents);
        words.chinese = manner.chinese.unwrap_or(true);
        Ok(words)
    }

    fn of_lines(vocabulary: &str) -> Result<Self, Mistakes> {
        let words = vocabulary.lines().zip(0_u32..);
        let ids: HashMap<String, u32> = words.map(|(word, id)| (word.to_owned(), id)).collect();
        let special = SPECIAL
            .iter()
            .filter_map(|word| Some(((*word).to_owned(), *ids.get(*word)?)))
            .collect();
        Self::assemble(ids, special, "[UNK]")
    }

    fn assemble(
        ids: HashMap<String, u32>,
        special: Vec<(String, u32)>,
        unknown: &str,
    ) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let mut known = |word: &str| {
            let id = ids.get(word).copied();
            mistakes.require(
                id.is_some(),
                "",
                "",
                format!("the vocabulary has no word `{word}`"),
                "take the model's own tokenizer.json or vocab.txt",
            );
            id.unwrap_or(0)
        };
        let (unknown, first, last) = (known(unknown), known("[CLS]"), known("[SEP]"));
        mistakes.or(|| Self {
            ids,
            special,
            continues: "##".to_owned(),
            unknown,
            first,
            last,
            longest_word: 100,
            clean: true,
            chinese: true,
            accents: Marks::Go,
            lowercase: true,
        })
    }

    /// A `tokenizer.json` as the Hugging Face hub lays it out.
    ///
    /// # Errors
    /// Any other kind of model, normaliser, splitter or frame than BERT's, by its name.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let tree: Value = match serde_json::from_slice(text) {
            Ok(tree) => tree,
            Err(error) => {
                mistakes.add(
                    "",
                    "",
                    format!("is not JSON: {error}"),
                    "take the model's own tokenizer.json",
                );
                return Err(mistakes);
            }
        };
        for (key, allowed) in [
            ("model", &["WordPiece"][..]),
            ("normalizer", &["BertNormalizer"]),
            ("pre_tokenizer", &["BertPreTokenizer"]),
            ("post_processor", &["TemplateProcessing", "BertProcessing"]),
        ] {
            let kind = &tree[key]["type"];
            mistakes.require(
                kind.as_str().is_some_and(|kind| allowed.contains(&kind)),
                &format!("{key}.type"),
                kind,
                format!("this one is not computed: only {}", allowed.join(" and ")),
                "take an encoder with a WordPiece tokenizer, as BERT's",
            );
        }
        if !mistakes.0.is_empty() {
            return Err(mistakes);
        }
        let model = &tree["model"];
        let mut ids = HashMap::new();
        for (word, id) in model["vocab"].as_object().into_iter().flatten() {
            match id.as_u64().and_then(|id| u32::try_from(id).ok()) {
                Some(id) => {
                    ids.insert(word.clone(), id);
                }
                None => mistakes.add(
                    &format!("model.vocab.{word}"),
                    id,
                    "must be the number of a word",
                    "take the model's own tokenizer.json",
                ),
            }
        }
        let special = tree["added_tokens"].as_array().into_iter().flatten();
        let special = special
            .filter_map(|token| {
                let id = u32::try_from(token["id"].as_u64()?).ok()?;
                Some((token["content"].as_str()?.to_owned(), id))
            })
            .filter(|(word, _)| !word.is_empty())
            .collect();
        let unknown = model["unk_token"].as_str().unwrap_or("[UNK]");
        let words = mistakes.keep("model.vocab", Self::assemble(ids, special, unknown));
        let Some(mut words) = words else {
            return Err(mistakes);
        };
        let switch = |key: &str| tree["normalizer"][key].as_bool();
        words.clean = switch("clean_text").unwrap_or(true);
        words.chinese = switch("handle_chinese_chars").unwrap_or(true);
        words.lowercase = switch("lowercase").unwrap_or(true);
        words.accents = Marks::beside(words.lowercase, switch("strip_accents"));
        if let Some(prefix) = model["continuing_subword_prefix"].as_str() {
            prefix.clone_into(&mut words.continues);
        }
        if let Some(longest) = model["max_input_chars_per_word"].as_u64() {
            words.longest_word = longest as usize;
        }
        mistakes.or(|| words)
    }

    /// The ids of a text between `[CLS]` and `[SEP]`, cut so that there are at most `longest`.
    #[must_use]
    pub fn encode(&self, text: &str, longest: usize) -> Vec<u32> {
        let mut ids = vec![self.first];
        let mut rest = text;
        loop {
            let next = self
                .special
                .iter()
                .filter_map(|(word, id)| Some((rest.find(word.as_str())?, word, *id)))
                .min_by_key(|(at, word, _)| (*at, std::cmp::Reverse(word.len())));
            let Some((at, word, id)) = next else { break };
            self.plain(&rest[..at], &mut ids);
            ids.push(id);
            rest = &rest[at + word.len()..];
        }
        self.plain(rest, &mut ids);
        ids.truncate(longest.saturating_sub(1).max(1));
        ids.push(self.last);
        ids
    }

    /// Largest id of the vocabulary.
    #[must_use]
    pub fn largest_id(&self) -> u32 {
        self.ids.values().copied().max().unwrap_or(0)
    }

    fn plain(&self, text: &str, ids: &mut Vec<u32>) {
        for word in self.normal(text).split_whitespace() {
            let mut rest = word;
            while let Some(first) = rest.chars().next() {
                let length = if is_punctuation(first) {
                    first.len_utf8()
                } else {
                    rest.find(is_punctuation).unwrap_or(rest.len())
                };
                self.pieces(&rest[..length], ids);
                rest = &rest[length..];
            }
        }
    }

    fn normal(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                _ if self.clean && is_noise(c) => {}
                _ if self.clean && c.is_whitespace() => out.push(' '),
                _ if self.chinese && is_chinese(c) => out.extend([' ', c, ' ']),
                _ => out.push(c),
            }
        }
        if self.accents == Marks::Go {
            let mark = |c: &char| c.general_category() == GeneralCategory::NonspacingMark;
            out = out.nfd().filter(|c| !mark(c)).collect();
        }
        if self.lowercase {
            // Letter by letter: a final sigma is a sigma.
            out = out.chars().flat_map(char::to_lowercase).collect();
        }
        out
    }

    /// The longest known pieces of a word, from its beginning; the unknown word if some part of it
    /// is in no piece.
    fn pieces(&self, word: &str, ids: &mut Vec<u32>) {
        if word.chars().count() > self.longest_word {
            ids.push(self.unknown);
            return;
        }
        let before = ids.len();
        let mut start = 0;
        while start < word.len() {
            let mut end = word.len();
            let found = loop {
                if end <= start {
                    break None;
                }
                let piece = &word[start..end];
                let id = if start == 0 {
                    self.ids.get(piece)
                } else {
                    self.ids.get(&format!("{}{piece}", self.continues))
                };
                if let Some(id) = id {
                    break Some(*id);
                }
                end = word[..end]
                    .char_indices()
                    .next_back()
                    .map_or(0, |(at, _)| at);
            };
            let Some(id) = found else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCABULARY: &str =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nhello\n,\n北\nsigma";

    #[test]
    fn the_longest_known_piece_goes_first() {
        let words = Words::uncased(VOCABULARY).unwrap();
        assert_eq!(words.encode("Unaffable", 16), [2, 5, 6, 7, 3]);
        assert_eq!(words.encode("unaffables", 16), [2, 1, 3]);
        assert_eq!(words.encode("Hélló,北hello", 16), [2, 8, 9, 10, 8, 3]);
        assert_eq!(words.encode("hello[MASK]", 16), [2, 8, 4, 3]);
        assert_eq!(words.encode("", 16), [2, 3]);
    }

    #[test]
    fn a_cased_vocabulary_keeps_capitals_and_accents_where_that_is_said() {
        let cased = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nHello\nhello\nh\u{e9}";
        let manner = |text: &str| Manner::read(text.as_bytes()).unwrap();
        let ids = |text: &str, settings: &str| {
            let words = Words::listed(cased, manner(settings)).unwrap();
            words.encode(text, 16)
        };
        let text = "Hello hello h\u{e9}";
        assert_eq!(ids(text, r#"{"do_lower_case": false}"#), [2, 5, 6, 7, 3]);
        assert_eq!(ids(text, r#"{"do_lower_case": true}"#), [2, 6, 6, 1, 3]);
        let both = r#"{"do_lower_case": true, "strip_accents": false}"#;
        assert_eq!(ids(text, both), [2, 6, 6, 7, 3]);
        let said = Words::listed(cased, manner("{}")).unwrap_err().0;
        assert!(
            said[0]
                .to_string()
                .starts_with("line 6 = \"Hello\": the vocabulary has capitals"),
            "{}",
            said[0]
        );
        let said = Manner::read(br#"{"do_lower_case": "no"}"#).unwrap_err().0;
        assert_eq!(said.len(), 1);
        assert!(
            said[0]
                .to_string()
                .starts_with("do_lower_case = \"no\": must be true or false")
        );
        assert_eq!(
            Words::listed(VOCABULARY, Manner::default()),
            Words::uncased(VOCABULARY)
        );
    }

    #[test]
    fn a_long_text_is_cut_before_its_end_mark() {
        let words = Words::uncased(VOCABULARY).unwrap();
        assert_eq!(words.encode(&"hello ".repeat(50), 4), [2, 8, 8, 3]);
    }

    #[test]
    fn a_tokenizer_of_another_kind_is_refused_by_name() {
        let tree = r#"{"model": {"type": "BPE"}, "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "ByteLevel"}, "post_processor": null}"#;
        let said = Words::read(tree.as_bytes()).unwrap_err();
        assert_eq!(said.0.len(), 4);
        assert!(
            said.0[0]
                .to_string()
                .starts_with("model.type = \"BPE\": this one is not computed: only WordPiece")
        );
        assert!(Words::uncased("a\nb").is_err());
        assert!(Words::read(b"{").is_err());
    }
}
