//! Behind the last block: tokens to one vector, and the vector to scores of classes.

use nalgebra::{DVector, Dyn, MatrixView, U1};

use serde::{Deserialize, Serialize};

use super::Tensors;
use super::family::{EncoderShape, Family};
use super::layers::{Activation, Activations, Linear};

/// How the tokens of a sample become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pooling {
    /// Their mean; every token is live.
    Mean {},
    /// The first one, the class token.
    Class {},
}

impl Pooling {
    /// The vector of a sample's columns.
    #[must_use]
    pub fn of(self, tokens: &MatrixView<'_, f32, Dyn, Dyn, U1, Dyn>) -> DVector<f32> {
        match self {
            Self::Mean {} => tokens.column_mean(),
            Self::Class {} => tokens.column(0).into_owned(),
        }
    }
}

/// What a sentence encoder does with its pooled vector.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A linear map, and perhaps a tanh of it.
    Dense(Linear, Option<Squash>),
    /// To length one.
    Normalize,
}

impl Step {
    /// The step on one vector.
    #[must_use]
    pub fn apply(&self, x: DVector<f32>) -> DVector<f32> {
        match self {
            Self::Dense(layer, squash) => {
                let mut y = layer.apply(&Activations::from_column_slice(x.len(), 1, x.as_slice()));
                if let Some(squash) = squash {
                    squash.apply(&mut y);
                }
                y.column(0).into_owned()
            }
            Self::Normalize => {
                // torch.nn.functional.normalize holds the length up so.
                let length = x.norm().max(1e-12);
                x / length
            }
        }
    }

    /// Numbers that come out, where the step sets them.
    #[must_use]
    pub fn outputs(&self) -> Option<usize> {
        match self {
            Self::Dense(layer, _) => Some(layer.outputs()),
            Self::Normalize => None,
        }
    }
}

/// The layers of a classifier behind the pooled vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    /// BERT's pooler (tanh) or DistilBERT's first layer (ReLU).
    first: Option<(Linear, Squash)>,
    last: Linear,
}

/// What follows a layer behind the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Squash {
    /// Hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

impl Squash {
    fn apply(self, x: &mut Activations) {
        match self {
            Self::Tanh => x.apply(|value| *value = value.tanh()),
            Self::Relu => Activation::Relu.apply(x),
        }
    }
}

impl Classifier {
    /// Takes a classifier if the file holds one.
    pub fn take(t: &mut Tensors<'_>, shape: &EncoderShape) -> Option<Self> {
        let classes = t.rows("classifier.weight")?;
        let hidden = shape.hidden;
        let first = match shape.family {
            Family::Bert => Some((
                Linear::take(t, "pooler.dense", hidden, hidden),
                Squash::Tanh,
            )),
            Family::DistilBert => {
                t.no_prefix();
                Some((
                    Linear::take(t, "pre_classifier", hidden, hidden),
                    Squash::Relu,
                ))
            }
            Family::Vit => None,
        };
        t.no_prefix();
        Some(Self {
            first,
            last: Linear::take(t, "classifier", classes, hidden),
        })
    }

    /// Scores of the classes for one pooled vector.
    #[must_use]
    pub fn scores(&self, features: &DVector<f32>) -> DVector<f32> {
        let mut x = Activations::from_column_slice(features.len(), 1, features.as_slice());
        if let Some((layer, squash)) = &self.first {
            x = layer.apply(&x);
            squash.apply(&mut x);
        }
        self.last.apply(&x).column(0).into_owned()
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.last.outputs()
    }
}
