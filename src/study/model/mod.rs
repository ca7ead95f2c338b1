//! Transformer encoders in `f32` whose attention goes through a seam, head by head.
//!
//! Config and tensors -> [`EncoderShape`] -> [`Encoder`] -> [`Encoder::forward`] on a batch of
//! samples laid one behind the other, each at its own length: no token is ever padded, so padding
//! can win no place. The heads are computed by an [`Attend`]: [`Float`], [`FloatTopk`], [`Recording`],
//! or [`OnChip`], the simulated hardware.

mod attend;
mod block;
mod config;
mod embed;
mod family;
mod float_topk;
mod keys;
mod laid;
mod layers;
mod leftover;
mod output;
mod params;
mod pixels;
mod sentence;
mod simulated;
mod spending;
mod tensors;
mod words;

pub use attend::{Attend, Float, HeadSite, Operands, Recorded, Recording, Trace};
pub use block::{Block, Norms, Span};
pub use embed::{Embedding, Input};
pub use family::{EncoderShape, Family, InputShape};
pub use float_topk::FloatTopk;
pub use laid::Laid;
pub use layers::{Activation, Activations, LayerNorm, Linear, gelu};
pub use output::{Classifier, Pooling, Step};
pub use params::ModelParams;
pub use pixels::Pixels;
pub use sentence::{Asked, Dense, LIMITS, Limit, Modules, Prompts};
pub use simulated::{OnChip, Simulated};
pub use spending::Spending;
pub use tensors::Tensors;
pub use words::{Manner, Words};

use nalgebra::DVector;

use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;

/// An encoder with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoder {
    /// Sizes.
    pub shape: EncoderShape,
    /// First layer.
    pub embedding: Embedding,
    blocks: Vec<Block>,
    /// After the last block, where the family has one.
    norm: Option<LayerNorm>,
    /// How tokens become one vector.
    pub pooling: Pooling,
    /// What follows the pooling, in order; nothing where a classifier judges.
    pub steps: Vec<Step>,
    /// Maps the vector to scores of classes, if the weights hold such layers.
    pub classifier: Option<Classifier>,
    /// The architecture whose classifier the weights hold, if it is one that is not computed:
    /// `classifier` is none then.
    pub other_head: Option<String>,
    /// How the weights were trained.
    pub trained: Trained,
    /// What a reader should know of the weights.
    pub notices: Notices,
}

/// How weights were trained, as their file says it; none where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trained {
    /// Keys that a query kept, or `all`.
    pub k: Option<String>,
    /// Places a tile of columns a tile, such as `3+2 of 34+16`.
    pub split: Option<String>,
    /// How operands were rounded.
    pub quantise: Option<String>,
}

/// One sample and its index in its data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Index in the data set: the address of its draws.
    pub index: u64,
    /// What goes in.
    pub input: &'a Input,
}

impl Encoder {
    /// Assembles an encoder from the bytes of a `.safetensors` file.
    ///
    /// # Errors
    /// A file that is none, and every tensor that is missing, has another shape or holds what is no
    /// finite number, by its name; blocks beyond those of the shape; tensors that change the forward pass
    /// and are not computed.
    pub fn assemble(
        shape: &EncoderShape,
        pooling: Pooling,
        bytes: &[u8],
    ) -> Result<Self, Mistakes> {
        Self::join(shape, pooling, &[bytes])
    }

    /// Assembles an encoder from files that hold its weights together.
    ///
    /// # Errors
    /// As [`Self::assemble`]; a tensor that is in two of them.
    pub fn join(shape: &EncoderShape, pooling: Pooling, files: &[&[u8]]) -> Result<Self, Mistakes> {
        let mut tensors = Tensors::join(files)?;
        let t = &mut tensors;
        let mut notices = Notices::none();
        let sign = match shape.family {
            Family::Bert | Family::DistilBert => "embeddings.word_embeddings.weight",
            Family::Vit => "embeddings.cls_token",
        };
        leftover::settle(t, shape.family, sign, &mut notices)?;
        let embedding = Embedding::take(t, shape);
        let blocks = (0..shape.layers)
            .map(|layer| Block::take(t, shape, layer))
            .collect();
        t.count_layers(
            blocks_folder(shape.family),
            shape.layers,
            shape.family.layers_key(),
        );
        let norm = (shape.family == Family::Vit)
            .then(|| LayerNorm::take(t, "layernorm", shape.hidden, shape.epsilon));
        let other_head = shape
            .other_head
            .clone()
            .filter(|_| t.holds("classifier.weight"));
        let classifier = match other_head {
            None => Classifier::take(t, shape),
            Some(_) => None,
        };
        leftover::account(t, shape.family, classifier.is_some(), &mut notices);
        let about = |key: &str| files.iter().find_map(|bytes| t.about(bytes, key));
        let trained = Trained {
            k: about("k"),
            split: about("split"),
            quantise: about("quantise"),
        };
        tensors.finish().or(|| Self {
            shape: shape.clone(),
            embedding,
            blocks,
            norm,
            pooling,
            steps: Vec::new(),
            classifier,
            other_head,
            trained,
            notices,
        })
    }

    /// Numbers of a sample's vector.
    #[must_use]
    pub fn features(&self) -> usize {
        let mut widths = self.steps.iter().rev().filter_map(Step::outputs);
        widths.next().unwrap_or(self.shape.hidden)
    }

    /// The features of each sample, through heads that `attend` computes. Samples are those
    /// that [`Embedding::check`] takes.
    #[must_use]
    pub fn forward<A: Attend>(
        &self,
        batch: &[Sample<'_>],
        attend: &A,
    ) -> (Vec<DVector<f32>>, A::Trace) {
        let inputs: Vec<&Input> = batch.iter().map(|sample| sample.input).collect();
        let mut start = 0;
        let spans: Vec<Span> = batch
            .iter()
            .map(|sample| {
                let tokens = self.embedding.tokens(sample.input);
                start += tokens;
                Span {
                    sample: sample.index,
                    start: start - tokens,
                    tokens,
                }
            })
            .collect();
        let mut x = self.embedding.apply(&inputs);
        let mut trace = A::Trace::default();
        for (layer, block) in self.blocks.iter().enumerate() {
            trace.join(block.forward(&mut x, layer, &spans, attend));
        }
        if let Some(norm) = &self.norm {
            norm.apply(&mut x);
        }
        let pooled = spans
            .iter()
            .map(|span| {
                let pooled = self.pooling.of(&x.columns(span.start, span.tokens));
                self.steps.iter().fold(pooled, |x, step| step.apply(x))
            })
            .collect();
        (pooled, trace)
    }
}

/// What stands before `.layer.` in the name of a block's tensor.
const fn blocks_folder(family: Family) -> &'static str {
    match family {
        Family::Bert | Family::Vit => "encoder",
        Family::DistilBert => "transformer",
    }
}

impl Block {
    /// Takes a block by the names of its family.
    fn take(t: &mut Tensors<'_>, shape: &EncoderShape, layer: usize) -> Self {
        let folder = blocks_folder(shape.family);
        // Query, key, value, output, first norm, widen, narrow, second norm.
        let names = match shape.family {
            Family::Bert => [
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
                "attention.output.LayerNorm",
                "intermediate.dense",
                "output.dense",
                "output.LayerNorm",
            ],
            Family::DistilBert => [
                "attention.q_lin",
                "attention.k_lin",
                "attention.v_lin",
                "attention.out_lin",
                "sa_layer_norm",
                "ffn.lin1",
                "ffn.lin2",
                "output_layer_norm",
            ],
            Family::Vit => [
                "attention.attention.query",
                "attention.attention.key",
                "attention.attention.value",
                "attention.output.dense",
                "layernorm_before",
                "intermediate.dense",
                "output.dense",
                "layernorm_after",
            ],
        };
        let name = |at: usize| format!("{folder}.layer.{layer}.{}", names[at]);
        let (hidden, mlp, epsilon) = (shape.hidden, shape.mlp, shape.epsilon);
        Self {
            norms: shape.norms(),
            heads: shape.heads,
            query: Linear::take(t, &name(0), hidden, hidden),
            key: Linear::take(t, &name(1), hidden, hidden),
            value: Linear::take(t, &name(2), hidden, hidden),
            output: Linear::take(t, &name(3), hidden, hidden),
            first_norm: LayerNorm::take(t, &name(4), hidden, epsilon),
            widen: Linear::take(t, &name(5), mlp, hidden),
            activation: shape.activation,
            narrow: Linear::take(t, &name(6), hidden, mlp),
            second_norm: LayerNorm::take(t, &name(7), hidden, epsilon),
        }
    }
}
