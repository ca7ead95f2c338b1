//! Words that were added to a vocabulary: each stands for itself where it is found in a text.

use std::collections::BTreeMap;

use super::Words;
use super::letters::is_word;
use crate::base::mistake::Mistakes;

/// A word that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddedWord {
    /// What is looked for.
    pub content: String,
    /// Its number.
    pub id: u32,
    /// Not found inside a longer word.
    pub single_word: bool,
    /// Takes the spaces before it.
    pub left: bool,
    /// Takes the spaces behind it.
    pub right: bool,
    /// Looked for in a text that was brought to the vocabulary.
    pub normalized: bool,
}

impl AddedWord {
    /// One that BERT gives a meaning.
    pub(super) fn special(content: &str, id: u32) -> Self {
        Self {
            content: content.to_owned(),
            id,
            single_word: false,
            left: false,
            right: false,
            normalized: false,
        }
    }
}

/// A text cut at the added words in it: their numbers, and the parts between them. Of those that begin
/// at one place the longest is taken.
pub(super) fn split<'t>(text: &'t str, added: &[AddedWord]) -> Vec<(Option<u32>, &'t str)> {
    let mut parts = Vec::new();
    // Where the part that is not cut yet begins, and from where is looked.
    let (mut begin, mut at) = (0, 0);
    loop {
        let next = added
            .iter()
            .filter_map(|word| Some((at + text[at..].find(word.content.as_str())?, word)))
            .min_by_key(|(found, word)| (*found, std::cmp::Reverse(word.content.len())));
        let Some((found, word)) = next else { break };
        let end = found + word.content.len();
        at = end;
        let alone = !text[..found].chars().next_back().is_some_and(is_word)
            && !text[end..].chars().next().is_some_and(is_word);
        if word.single_word && !alone {
            continue;
        }
        let mut start = found;
        if word.left {
            start = text[..found].trim_end().len().max(begin);
        }
        if word.right {
            at = text.len() - text[end..].trim_start().len();
        }
        if begin < start {
            parts.push((None, &text[begin..start]));
        }
        parts.push((Some(word.id), &text[start..at]));
        begin = at;
    }
    if begin < text.len() {
        parts.push((None, &text[begin..]));
    }
    parts
}

impl Words {
    /// Adds words, each with the number that it must have: that of the vocabulary, or the next one.
    pub(super) fn add(&mut self, added: BTreeMap<u32, AddedWord>) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        let mut next = self.ids.len() as u32;
        for (id, mut word) in added {
            let must = self.ids.get(&word.content).copied().unwrap_or(next);
            next += u32::from(must == next && !self.ids.contains_key(&word.content));
            mistakes.require(
                id == must,
                &format!("added token `{}`", word.content),
                id,
                format!("its number is {must}, where the vocabulary has or ends"),
                "take the model's own files, all of one model",
            );
            let known = |words: &[AddedWord]| words.iter().any(|one| one.id == id);
            if word.normalized {
                word.content = self.normal(&word.content);
            }
            if known(&self.raw) || known(&self.normal) {
                self.raw.retain(|one| one.id != id);
                self.normal.retain(|one| one.id != id);
            }
            // An empty one would be found everywhere.
            if word.content.is_empty() {
                continue;
            }
            if word.normalized {
                self.normal.push(word);
            } else {
                self.raw.push(word);
            }
        }
        mistakes.or(|| ())
    }

    /// The number of an added word, by what it is in its file.
    pub(super) fn added(&self, content: &str) -> Option<u32> {
        let normal = self.normal(content);
        let raw = self.raw.iter().find(|word| word.content == content);
        let found = raw.or_else(|| self.normal.iter().find(|word| word.content == normal));
        found.map(|word| word.id)
    }
}
