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

/// What is said of one subject at many points of a sweep: of all, only the text of the highest rank is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Subject {
    name: String,
    rank: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Notice {
    weight: Weight,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
}

/// Notices in the order they were found, each text once, and one of each subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Notice>", into = "Vec<Notice>")]
pub struct Notices {
    found: Vec<Notice>,
    /// Those of no subject.
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
        self.say(Weight::Warning, text.into(), None);
    }

    /// A number may mislead, `rank` says how much: of all warnings of a subject the worst is told.
    pub fn warn_worst(&mut self, subject: &str, rank: f64, text: impl Into<String>) {
        let name = subject.to_owned();
        self.say(Weight::Warning, text.into(), Some(Subject { name, rank }));
    }

    /// Something given is not used, or was settled by a rule.
    pub fn note(&mut self, text: impl Into<String>) {
        self.say(Weight::Note, text.into(), None);
    }

    fn say(&mut self, weight: Weight, text: String, subject: Option<Subject>) {
        self.add(Notice {
            weight,
            text,
            subject,
        });
    }

    fn add(&mut self, notice: Notice) {
        let Some(Subject { name, rank }) = &notice.subject else {
            if self.known.insert((notice.weight, notice.text.clone())) {
                self.found.push(notice);
            }
            return;
        };
        let mut ranked = self.found.iter_mut().filter_map(|other| {
            let subject = other.subject.as_ref()?;
            (subject.name == *name).then_some((subject.rank, other))
        });
        match ranked.next() {
            Some((other, old)) if other < *rank => *old = notice,
            Some(_) => {}
            None => self.found.push(notice),
        }
    }

    /// Takes in those of another, as they come.
    pub fn join(&mut self, other: &Self) {
        for notice in &other.found {
            self.add(notice.clone());
        }
    }

    /// Says texts of no subject otherwise, where `word` has other words for them.
    pub fn reword(&mut self, word: impl Fn(&str) -> Option<String>) {
        for notice in std::mem::take(self).found {
            let text = word(&notice.text).filter(|_| notice.subject.is_none());
            self.add(Notice {
                text: text.unwrap_or(notice.text),
                ..notice
            });
        }
    }

    /// All, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = (Weight, &str)> {
        self.found
            .iter()
            .map(|notice| (notice.weight, notice.text.as_str()))
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

impl From<Vec<Notice>> for Notices {
    fn from(found: Vec<Notice>) -> Self {
        let mut all = Self::none();
        for notice in found {
            all.add(notice);
        }
        all
    }
}

impl From<Notices> for Vec<Notice> {
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

    #[test]
    fn of_one_subject_the_worst_is_told_where_the_first_was() {
        let mut all = Notices::none();
        all.warn_worst("loss", 0.1, "loses 10 %");
        all.warn("b");
        let mut more = Notices::none();
        more.warn_worst("loss", 0.3, "loses 30 %");
        more.warn_worst("clips", 0.01, "clips 1 %");
        all.join(&more);
        all.warn_worst("loss", 0.2, "loses 20 %");
        assert_eq!(all.of(Weight::Warning), ["loses 30 %", "b", "clips 1 %"]);
        let text = serde_json::to_string(&all).unwrap();
        let mut again: Notices = serde_json::from_str(&text).unwrap();
        again.join(&more);
        assert_eq!(again, all);
    }
}
