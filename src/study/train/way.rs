//! In which way a block's attention is trained: which keys a query keeps, which gradient goes back, what is quantised.

use serde::{Deserialize, Serialize};

use super::layout::Net;
use super::select::{Keep, TopParams};
use crate::base::mistake::Mistakes;
use crate::hardware::quantise::{QuantiseParams, Quantiser};

/// Which gradient goes back through a top-k softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Gradient {
    /// Through the kept scores only.
    Kept {},
    /// That of the complete softmax.
    Complete {},
}

/// Quantised operands while training. Outside the clip the straight-through gradient is zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QatParams {
    /// Queries.
    pub q: Quantiser,
    /// Keys.
    pub k: Quantiser,
    /// Values.
    pub v: Quantiser,
    /// Largest code of A, whose full scale is its row's maximum; zero leaves A as it is.
    pub a_max_code: u32,
}

impl Default for QatParams {
    fn default() -> Self {
        let QuantiseParams { q, k, v } = QuantiseParams::default();
        Self {
            q,
            k,
            v,
            a_max_code: 31,
        }
    }
}

/// `attention`: how a block's attention is computed and differentiated; all keys and no
/// quantisation if nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionParams {
    /// Which keys a query keeps; all if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<TopParams>,
    /// Gradient of the top-k softmax; through the kept scores if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient: Option<Gradient>,
    /// Quantised operands; none if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantise: Option<QatParams>,
}

/// A checked way of attention.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attend {
    /// Which keys a query keeps; all if none.
    pub(super) keep: Option<Keep>,
    pub(super) complete: bool,
    pub(super) quantise: Option<QatParams>,
}

impl AttentionParams {
    /// The way for `tokens` keys.
    ///
    /// # Errors
    /// A selection or quantiser that cannot be, a gradient where nothing is left out.
    pub fn check(&self, tokens: usize) -> Result<Attend, Mistakes> {
        let mut mistakes = Mistakes::none();
        let keep = self.top.as_ref().map(|top| top.check(tokens));
        let keep = keep.and_then(|checked| mistakes.keep("top", checked));
        mistakes.require(
            self.gradient.is_none() || self.top.is_some(),
            "gradient",
            "",
            "says how to go back through a top-k softmax, and all keys are kept here",
            "take it out, or add `top = { k = 5 }`",
        );
        if let Some(QatParams {
            q,
            k,
            v,
            a_max_code,
        }) = self.quantise
        {
            let operands = QuantiseParams { q, k, v }.check();
            mistakes.keep("quantise", operands);
            mistakes.require(
                a_max_code <= 32_767,
                "quantise.a_max_code",
                a_max_code,
                "must be from 0 (leave A as it is) to 32767",
                "write 31 for 5 bits",
            );
        }
        mistakes.or(|| Attend {
            keep,
            complete: self.gradient == Some(Gradient::Complete {}),
            quantise: self.quantise,
        })
    }
}

/// Values of one code of the quantised operands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Units(
    /// By layer, head and operand (q, k, v), the last running fastest; empty where nothing is quantised.
    pub Vec<f32>,
);

impl Attend {
    /// Keeps what `keep` selects, with its own gradient and exact operands.
    #[must_use]
    pub fn keeping(keep: Keep) -> Self {
        Self {
            keep: Some(keep),
            ..Self::default()
        }
    }

    /// Number of units of `net`: one an operand, head and block where operands are quantised.
    #[must_use]
    pub fn units(&self, net: &Net) -> usize {
        let each = 3 * net.params.heads * net.params.layers;
        if self.quantise.is_some() { each } else { 0 }
    }

    /// Whether A differs from the softmax whose slope goes back.
    pub(super) fn is_split(&self) -> bool {
        let coded = self.quantise.is_some_and(|qat| qat.a_max_code > 0);
        coded || (self.complete && self.keep.is_some())
    }

    /// Largest codes of q, k and v; none for one that is not quantised.
    pub(super) fn codes(&self) -> Option<[Option<u32>; 3]> {
        self.quantise
            .map(|qat| [qat.q, qat.k, qat.v].map(Quantiser::max_code))
    }
}
