//! Sizes of a vision transformer and where each of its tensors lies in one long list of weights.
//!
//! Names and shapes are those of the Hugging Face ViT, linear weights out x in.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;

/// `[net]`: sizes of the transformer; images are square with one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetParams {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Width of a token.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads of a block.
    pub heads: usize,
    /// Width of the hidden layer of a block's MLP.
    pub hidden: usize,
}

impl Default for NetParams {
    fn default() -> Self {
        Self {
            patch: 4,
            width: 64,
            layers: 5,
            heads: 4,
            hidden: 128,
        }
    }
}

/// One tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in a checkpoint.
    pub name: String,
    /// Its shape, slowest dimension first.
    pub shape: Vec<usize>,
    /// Where its values lie among the weights.
    pub place: Range<usize>,
}

/// A linear layer or LayerNorm: places of its weight and bias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub weight: Range<usize>,
    pub bias: Range<usize>,
}

/// Places of a block's tensors. The three projections lie so that they are one of three times the width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockPlaces {
    pub before: Pair,
    pub qkv: Pair,
    pub out: Pair,
    pub after: Pair,
    pub up: Pair,
    pub down: Pair,
}

/// A checked transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    /// What it was made from.
    pub params: NetParams,
    /// Side of an image in pixels.
    pub side: usize,
    /// Classes.
    pub classes: usize,
    /// Every tensor in the order of the weights.
    pub tensors: Vec<Tensor>,
    pub(super) cls: Range<usize>,
    pub(super) positions: Range<usize>,
    pub(super) patches: Pair,
    pub(super) blocks: Vec<BlockPlaces>,
    pub(super) last: Pair,
    pub(super) classifier: Pair,
}

/// Largest size of any kind; far above what trains on a processor.
const MOST: usize = 4096;
/// Most weights, 256 MiB.
const MOST_WEIGHTS: usize = 1 << 26;
/// Most shares of attention of one image in all heads and blocks; 32 images are held at a time.
const MOST_SHARES: usize = 1 << 24;

impl NetParams {
    /// The transformer for images of `side` x `side` pixels in `classes` classes.
    ///
    /// # Errors
    /// Sizes of zero or above 4096, a patch that does not divide the image, heads that do not divide
    /// the width, a transformer that is too large for memory.
    pub fn check(&self, side: usize, classes: usize) -> Result<Net, Mistakes> {
        let mut mistakes = Mistakes::none();
        for (key, size) in [
            ("patch", self.patch),
            ("width", self.width),
            ("layers", self.layers),
            ("heads", self.heads),
            ("hidden", self.hidden),
        ] {
            mistakes.require(
                (1..=MOST).contains(&size),
                key,
                size,
                format!("must be from 1 to {MOST}"),
                "leave it out for the shipped transformer",
            );
        }
        if mistakes.0.is_empty() {
            mistakes.require(
                side.is_multiple_of(self.patch),
                "patch",
                self.patch,
                format!("must divide the side of an image, {side} pixels"),
                "write for instance 4",
            );
            mistakes.require(
                self.width.is_multiple_of(self.heads),
                "heads",
                self.heads,
                format!("must divide the width, {}", self.width),
                "write for instance 4",
            );
        }
        if !mistakes.0.is_empty() {
            return Err(mistakes);
        }
        let tokens = (side / self.patch).saturating_pow(2).saturating_add(1);
        let shares = [tokens, tokens, self.heads, self.layers]
            .into_iter()
            .fold(1, usize::saturating_mul);
        let size = (4 * self.width + 2 * self.hidden)
            .saturating_mul(self.width)
            .saturating_mul(self.layers);
        mistakes.require(
            shares <= MOST_SHARES && size <= MOST_WEIGHTS,
            "",
            "",
            format!(
                "{size} weights in blocks and {shares} shares of attention an image are more than fit: at most {MOST_WEIGHTS} and {MOST_SHARES}"
            ),
            "take larger patches, fewer layers or a smaller width",
        );
        mistakes.or(|| self.lay_out(side, classes))
    }

    fn lay_out(self, side: usize, classes: usize) -> Net {
        let (width, hidden) = (self.width, self.hidden);
        let tokens = (side / self.patch).pow(2) + 1;
        let mut list = List::default();
        let cls = list.add("vit.embeddings.cls_token", &[1, 1, width]);
        let positions = list.add("vit.embeddings.position_embeddings", &[1, tokens, width]);
        let name = "vit.embeddings.patch_embeddings.projection";
        let patches = Pair {
            weight: list.add(
                &format!("{name}.weight"),
                &[width, 1, self.patch, self.patch],
            ),
            bias: list.add(&format!("{name}.bias"), &[width]),
        };
        let blocks = (0..self.layers)
            .map(|layer| {
                let at = |part: &str| format!("vit.encoder.layer.{layer}.{part}");
                let before = list.norm(&at("layernorm_before"), width);
                let parts = ["query", "key", "value"];
                let three = |list: &mut List, kind: &str, shape: &[usize]| {
                    let places = parts.map(|part| {
                        list.add(&at(&format!("attention.attention.{part}.{kind}")), shape)
                    });
                    places[0].start..places[2].end
                };
                BlockPlaces {
                    before,
                    qkv: Pair {
                        weight: three(&mut list, "weight", &[width, width]),
                        bias: three(&mut list, "bias", &[width]),
                    },
                    out: list.linear(&at("attention.output.dense"), width, width),
                    after: list.norm(&at("layernorm_after"), width),
                    up: list.linear(&at("intermediate.dense"), hidden, width),
                    down: list.linear(&at("output.dense"), width, hidden),
                }
            })
            .collect();
        let last = list.norm("vit.layernorm", width);
        let classifier = list.linear("classifier", classes, width);
        Net {
            params: self,
            side,
            classes,
            tensors: list.0,
            cls,
            positions,
            patches,
            blocks,
            last,
            classifier,
        }
    }
}

impl Net {
    /// Tokens of an image: its patches and the class token, which comes first.
    #[must_use]
    pub fn tokens(&self) -> usize {
        (self.side / self.params.patch).pow(2) + 1
    }

    /// Width of a head.
    #[must_use]
    pub fn head_width(&self) -> usize {
        self.params.width / self.params.heads
    }

    /// Number of weights.
    #[must_use]
    pub fn size(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.place.end)
    }
}

#[derive(Default)]
struct List(Vec<Tensor>);

impl List {
    fn add(&mut self, name: &str, shape: &[usize]) -> Range<usize> {
        let start = self.0.last().map_or(0, |tensor| tensor.place.end);
        let place = start..start + shape.iter().product::<usize>();
        self.0.push(Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            place: place.clone(),
        });
        place
    }

    fn linear(&mut self, name: &str, outs: usize, ins: usize) -> Pair {
        Pair {
            weight: self.add(&format!("{name}.weight"), &[outs, ins]),
            bias: self.add(&format!("{name}.bias"), &[outs]),
        }
    }

    fn norm(&mut self, name: &str, width: usize) -> Pair {
        Pair {
            weight: self.add(&format!("{name}.weight"), &[width]),
            bias: self.add(&format!("{name}.bias"), &[width]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_transformer_has_172_490_weights_that_lie_without_a_gap() {
        let net = NetParams::default().check(28, 10).unwrap();
        assert_eq!(
            (net.size(), net.tokens(), net.head_width()),
            (172_490, 50, 16)
        );
        let mut end = 0;
        for tensor in &net.tensors {
            assert_eq!(tensor.place.start, end, "{}", tensor.name);
            assert_eq!(tensor.place.len(), tensor.shape.iter().product::<usize>());
            end = tensor.place.end;
        }
        let block = &net.blocks[4];
        assert_eq!(block.qkv.weight.len(), 3 * 64 * 64);
        assert_eq!(block.qkv.bias.len(), 3 * 64);
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        let params = NetParams {
            patch: 5,
            heads: 3,
            ..NetParams::default()
        };
        let mistakes = params.check(28, 10).unwrap_err();
        let keys: Vec<&str> = mistakes.0.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(keys, ["patch", "heads"]);
        let none = NetParams {
            layers: 0,
            ..params
        };
        assert_eq!(none.check(28, 10).unwrap_err().0.len(), 1);
        for params in [
            NetParams {
                width: 4096,
                layers: 4096,
                ..NetParams::default()
            },
            NetParams {
                patch: 1,
                heads: 64,
                ..NetParams::default()
            },
        ] {
            let told = params.check(28, 10).unwrap_err().0[0].to_string();
            assert!(told.contains("more than fit"), "{told}");
        }
    }
}
