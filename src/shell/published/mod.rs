//! Published numbers beside the model's: the tables of `topkima reproduce`.

pub mod macros;
mod text;
pub mod topkima;

use std::fmt;

use crate::base::units::Joules;

/// How a published number reached this crate. Recalled numbers have no tag: they are not shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// F: read in the named file or full text.
    File,
    /// A: read in the abstract or the opening of the paper.
    Abstract,
    /// N: second-hand, from notes that summarise the full text.
    Notes,
    /// D: computed from F or A numbers by the stated formula.
    Derived,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Tag::File => "F",
            Tag::Abstract => "A",
            Tag::Notes => "N",
            Tag::Derived => "D",
        })
    }
}

/// One published energy with its origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The energy.
    pub energy: Joules,
    /// How it reached this crate.
    pub tag: Tag,
    /// Where it stands, or how it follows from what stands there.
    pub source: &'static str,
}

impl Published {
    /// From picojoules.
    #[must_use]
    pub const fn pj(picojoules: f64, tag: Tag, source: &'static str) -> Self {
        Self {
            energy: Joules::from_si(picojoules * 1e-12),
            tag,
            source,
        }
    }
}
