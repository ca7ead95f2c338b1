//! Text to token ids: BERT's basic tokenizer and WordPiece.
//!
//! Text is cleaned, Chinese characters and punctuation stand alone, accents and capitals go where the
//! vocabulary is uncased, and each word is cut greedily into the longest pieces that are known
//! (Wu et al., arXiv 1609.08144; Devlin et al., arXiv 1810.04805). Words that were added stand for
//! themselves, and a frame encloses the result, `[CLS]` and `[SEP]` as a rule. Ids agree with those of the
//! Hugging Face tokenizer of the same file.

mod added;
mod file;
mod letters;
mod manner;

pub use manner::Manner;

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use self::added::{AddedWord, split};
use self::letters::{is_chinese, is_noise, is_punctuation};
use crate::base::mistake::Mistakes;

/// A vocabulary and how text is brought to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    ids: HashMap<String, u32>,
    /// Words that are looked for in a text as it is, such as `[SEP]`.
    raw: Vec<AddedWord>,
    /// Words that are looked for in a text that was brought to the vocabulary, as were they.
    normal: Vec<AddedWord>,
    continues: String,
    unknown: u32,
    /// What stands before and behind the words of a text.
    frame: [Vec<u32>; 2],
    longest_word: usize,
    clean: bool,
    chinese: bool,
    accents: Marks,
    lowercase: bool,
    /// What is put before each text, as a sentence encoder asks for it.
    pub prompt: String,
    /// Whether a text goes to lower case before anything else, its added words too.
    pub lowercase_first: bool,
    /// Tokens that the file says a text is cut to.
    pub limit: Option<usize>,
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
        let vocabulary = vocabulary.trim_start_matches('\u{feff}');
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
        let lines = vocabulary.lines().zip(0_u32..);
        let ids: HashMap<String, u32> = lines.map(|(word, id)| (word.to_owned(), id)).collect();
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
        let (unknown, first, last) = (known("[UNK]"), known("[CLS]"), known("[SEP]"));
        mistakes.or(|| ())?;
        let special = SPECIAL.iter().filter_map(|word| {
            let id = ids.get(*word).copied()?;
            Some(AddedWord::special(word, id))
        });
        let lowercase = manner.lowercase.unwrap_or(true);
        let mut words = Self {
            raw: special.collect(),
            normal: Vec::new(),
            ids,
            continues: "##".to_owned(),
            unknown,
            frame: [vec![first], vec![last]],
            longest_word: 100,
            clean: true,
            chinese: manner.chinese.unwrap_or(true),
            accents: Marks::beside(lowercase, manner.accents),
            lowercase,
            prompt: String::new(),
            lowercase_first: false,
            limit: None,
        };
        words.add(manner.added.clone())?;
        words.settle(&manner)?;
        Ok(words)
    }

    /// What to say of a vocabulary, one word a line, in which words stand twice: the last place of each is its id, as
    /// in the Hugging Face tokenizer.
    #[must_use]
    pub fn repeated(vocabulary: &str) -> Option<String> {
        let mut lines: HashMap<&str, usize> = HashMap::new();
        let mut again = Vec::new();
        for (word, line) in vocabulary.trim_start_matches('\u{feff}').lines().zip(1..) {
            if let Some(first) = lines.insert(word, line) {
                again.push((word, first, line));
            }
        }
        let (word, first, line) = again.first()?;
        let of_all = match again.len() {
            1 => String::new(),
            all => format!(" ({all} lines are such)"),
        };
        Some(format!(
            "\"{word}\" stands in line {first} and again in line {line}{of_all}: the last line is taken, and whichever of the rows was trained is not known"
        ))
    }

    /// The ids of a text in its frame, cut so that there are at most `longest`.
    #[must_use]
    pub fn encode(&self, text: &str, longest: usize) -> Vec<u32> {
        self.cut(&self.whole(text), longest)
    }

    /// The ids of a whole text in its frame.
    #[must_use]
    pub fn whole(&self, text: &str) -> Vec<u32> {
        let [before, behind] = &self.frame;
        let mut text = format!("{}{text}", self.prompt);
        if self.lowercase_first {
            text = text.to_lowercase();
        }
        let mut ids = before.clone();
        for (id, part) in split(&text, &self.raw) {
            match id {
                Some(id) => ids.push(id),
                None => self.plain(part, &mut ids),
            }
        }
        ids.extend(behind);
        ids
    }

    /// A whole text of [`Self::whole`] cut to `longest` ids; its frame stays.
    #[must_use]
    pub fn cut(&self, whole: &[u32], longest: usize) -> Vec<u32> {
        if whole.len() <= longest {
            return whole.to_vec();
        }
        let [before, behind] = &self.frame;
        let mut ids = whole[..longest.saturating_sub(behind.len()).max(before.len())].to_vec();
        ids.extend(behind);
        ids
    }

    /// The id of a word that is not in the vocabulary.
    #[must_use]
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Ids that stand around every text.
    #[must_use]
    pub fn framing(&self) -> usize {
        self.frame.iter().map(Vec::len).sum()
    }

    /// Largest id of the vocabulary.
    #[must_use]
    pub fn largest_id(&self) -> u32 {
        let added = self.raw.iter().chain(&self.normal).map(|word| word.id);
        let frame = self.frame.iter().flatten().copied();
        let all = self.ids.values().copied().chain(added).chain(frame);
        all.max().unwrap_or(0)
    }

    fn plain(&self, text: &str, ids: &mut Vec<u32>) {
        let normal = self.normal(text);
        for (id, part) in split(&normal, &self.normal) {
            match id {
                Some(id) => ids.push(id),
                None => self.pieces_of(part, ids),
            }
        }
    }

    fn pieces_of(&self, text: &str, ids: &mut Vec<u32>) {
        for word in text.split_whitespace() {
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
mod tests;
