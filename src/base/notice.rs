//! What a reader should know of a run that goes on: where a number may mislead, and what was passed over.
//!
//! A check that refuses gathers [`super::mistake::Mistakes`]; one that lets the run go on gathers these. They go
//! upwards with the value they belong to; only the shell prints them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Whether a terminal or a viewer obeys a character instead of showing it: control characters, line ends too, and
/// marks that turn the direction of a line.
#[must_use]
pub fn is_obeyed(mark: char) -> bool {
    let is_turn = matches!(mark,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_turn || mark.is_control()
}

/// How much a notice weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// A number of the results may mislead, or is taken beyond what it was stated for.
    Warning,
    /// Something given is not used, or was settled by a rule that a reader may not expect.
    Note,
}

impl Weight {
    /// The word that stands before the text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Notices in the order they were found, each text once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Weight, String)>", into = "Vec<(Weight, String)>")]
pub struct Notices {
    found: Vec<(Weight, String)>,
    known: BTreeSet<(Weight, String)>,
}

impl Notices {
    /// Nothing to say yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A number may mislead.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.add(Weight::Warning, text.into());
    }

    /// Something given is not used, or was settled by a rule.
    pub fn note(&mut self, text: impl Into<String>) {
        self.add(Weight::Note, text.into());
    }

    fn add(&mut self, weight: Weight, text: String) {
        if self.known.insert((weight, text.clone())) {
            self.found.push((weight, text));
        }
    }

    /// Takes in those of another, as they come.
    pub fn join(&mut self, other: &Self) {
        for (weight, text) in &other.found {
            self.add(*weight, text.clone());
        }
    }

    /// All, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = (Weight, &str)> {
        self.found
            .iter()
            .map(|(weight, text)| (*weight, text.as_str()))
    }

    /// The texts of one weight, in the order they were found.
    #[must_use]
    pub fn of(&self, weight: Weight) -> Vec<&str> {
        self.iter()
            .filter(|(own, _)| *own == weight)
            .map(|(_, text)| text)
            .collect()
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl From<Vec<(Weight, String)>> for Notices {
    fn from(found: Vec<(Weight, String)>) -> Self {
        let mut all = Self::none();
        for (weight, text) in found {
            all.add(weight, text);
        }
        all
    }
}

impl From<Notices> for Vec<(Weight, String)> {
    fn from(notices: Notices) -> Self {
        notices.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_once_and_in_the_order_found() {
        let mut all = Notices::none();
        all.warn("b");
        all.note("a");
        let mut more = Notices::none();
        more.warn("c");
        more.warn("b");
        all.join(&more);
        let told: Vec<_> = all.iter().collect();
        assert_eq!(
            told,
            [
                (Weight::Warning, "b"),
                (Weight::Note, "a"),
                (Weight::Warning, "c")
            ]
        );
        assert_eq!(all.of(Weight::Note), ["a"]);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Notices>(&text).unwrap(), all);
    }
}
