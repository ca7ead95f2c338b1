//! What the dimensions of an array stand for, and whether they look as if they stood for something else.

use serde::{Deserialize, Serialize};

use crate::base::arrays::Array;
use crate::base::notice::Notices;

/// The order of an array's dimensions; one of two dimensions is (tokens, d) in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Axes {
    /// (heads, tokens, d), as attention computes.
    #[default]
    #[serde(rename = "heads tokens d")]
    HeadsTokensD,
    /// (tokens, heads, d), as projections give it before heads are parted.
    #[serde(rename = "tokens heads d")]
    TokensHeadsD,
}

/// Sizes of a head in models, even because rotary positions turn pairs: from 8 to the 576 that DeepSeek-V2
/// (arXiv 2405.04434) has with its absorbed keys of 512 + 64.
const HEAD_SIZES: std::ops::RangeInclusive<usize> = 8..=576;

/// An array of rows by head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    pub values: &'a [f64],
    pub heads: usize,
    pub tokens: usize,
    pub d: usize,
    axes: Axes,
    /// Whether the array has no dimension of heads.
    is_flat: bool,
}

impl Axes {
    /// The rows of an array of two or three dimensions.
    pub(super) fn rows(self, array: &Array) -> Option<Rows<'_>> {
        let (heads, tokens, d) = match (self, &array.shape[..]) {
            (_, &[tokens, d]) => (1, tokens, d),
            (Self::HeadsTokensD, &[heads, tokens, d])
            | (Self::TokensHeadsD, &[tokens, heads, d]) => (heads, tokens, d),
            _ => return None,
        };
        Some(Rows {
            values: &array.values,
            heads,
            tokens,
            d,
            axes: self,
            is_flat: array.shape.len() == 2,
        })
    }

    const fn other(self) -> &'static str {
        match self {
            Self::HeadsTokensD => "tokens heads d",
            Self::TokensHeadsD => "heads tokens d",
        }
    }
}

impl Rows<'_> {
    /// A row of a head.
    pub fn row(&self, head: usize, token: usize) -> &[f64] {
        let at = match self.axes {
            Axes::HeadsTokensD => head * self.tokens + token,
            Axes::TokensHeadsD => token * self.heads + head,
        };
        &self.values[at * self.d..(at + 1) * self.d]
    }

    fn told(&self, name: &str) -> String {
        let Self {
            heads, tokens, d, ..
        } = self;
        let heads = if *heads == 1 {
            "1 head".to_owned()
        } else {
            format!("{heads} heads")
        };
        format!("{name} {heads} x {tokens} tokens x {d}")
    }
}

/// What was read from `file`, and what of it looks wrong.
pub(super) fn tell(file: &str, [q, k, v]: [&Rows<'_>; 3], mask: Option<&Array>) -> Notices {
    let mut notices = Notices::none();
    let mask = mask.map_or_else(String::new, |mask| format!(", mask {:?}", mask.shape));
    notices.note(format!(
        "workload.file: {file} holds {}, {}, {}{mask}",
        q.told("q"),
        k.told("k"),
        v.told("v")
    ));
    if [q, k, v]
        .iter()
        .all(|rows| rows.is_flat && rows.axes != Axes::default())
    {
        notices.note(format!(
            "workload.file.axes: the arrays of {file} have no dimension of heads, so the key does nothing"
        ));
    }
    if k.heads > k.tokens {
        notices.warn(format!(
            "workload.file: {file} is read as {} heads of {} tokens, more heads than tokens; if it is the other way round, set `axes = \"{}\"`",
            k.heads,
            k.tokens,
            k.axes.other()
        ));
    }
    for (name, d) in [("q and k", k.d), ("v", v.d)] {
        if !HEAD_SIZES.contains(&d) || d % 2 == 1 {
            notices.warn(format!(
                "workload.file: {name} of {file} are read with a head size of {d}, which no model has (they are even, from {} to {}): check the order of the dimensions, which ends with d",
                HEAD_SIZES.start(),
                HEAD_SIZES.end()
            ));
        }
    }
    notices
}
