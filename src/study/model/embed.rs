//! What an encoder starts from: words with their positions, or patches of an image.

use nalgebra::{DMatrix, DVector};

use super::Tensors;
use super::family::{EncoderShape, Family, InputShape};
use super::layers::{Activations, LayerNorm, Linear};

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Token ids with their special tokens, at their own length.
    Tokens(Vec<u32>),
    /// Pixels of an image after normalisation: channels x rows x columns.
    Image(Vec<f32>),
}

/// The first layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Embedding {
    /// Word + position + type, normalised.
    Words {
        /// A column a word.
        words: DMatrix<f32>,
        /// A column a position; the first type's row is added to all of them.
        positions: DMatrix<f32>,
        /// After the sum.
        norm: LayerNorm,
    },
    /// A linear map of each patch behind a class token, and learned positions.
    Patches {
        /// From the pixels of a patch.
        projection: Linear,
        /// In front of the patches.
        class: DVector<f32>,
        /// A column a position.
        positions: DMatrix<f32>,
        /// Side of the image.
        image: usize,
        /// Side of a patch.
        patch: usize,
        /// Colours.
        channels: usize,
    },
}

impl Embedding {
    /// Takes the first layer from a file.
    pub fn take(tensors: &mut Tensors<'_>, shape: &EncoderShape) -> Self {
        let hidden = shape.hidden;
        match shape.input {
            InputShape::Tokens {
                vocabulary,
                positions,
                types,
            } => {
                let words = tensors
                    .matrix("embeddings.word_embeddings.weight", vocabulary, hidden)
                    .transpose();
                let mut positions = tensors
                    .matrix("embeddings.position_embeddings.weight", positions, hidden)
                    .transpose();
                if shape.family == Family::Bert {
                    let kinds =
                        tensors.matrix("embeddings.token_type_embeddings.weight", types, hidden);
                    // A sample is one sentence, whose tokens are all of the first type.
                    if kinds.nrows() > 0 {
                        let first = kinds.row(0).transpose();
                        for mut position in positions.column_iter_mut() {
                            position += &first;
                        }
                    }
                }
                Self::Words {
                    words,
                    positions,
                    norm: LayerNorm::take(tensors, "embeddings.LayerNorm", hidden, shape.epsilon),
                }
            }
            InputShape::Patches {
                image,
                patch,
                channels,
            } => {
                let name = "embeddings.patch_embeddings.projection";
                let weight =
                    tensors.flattened(&format!("{name}.weight"), &[hidden, channels, patch, patch]);
                let bias = tensors.vector(&format!("{name}.bias"), hidden);
                let class = tensors.flattened("embeddings.cls_token", &[1, 1, hidden]);
                let learned = tensors.flattened(
                    "embeddings.position_embeddings",
                    &[1, shape.longest(), hidden],
                );
                Self::Patches {
                    projection: Linear::new(weight, bias),
                    class: DVector::from_column_slice(class.as_slice()),
                    // One row of tokens x features, each token's features together.
                    positions: if learned.is_empty() {
                        DMatrix::zeros(0, 0)
                    } else {
                        DMatrix::from_iterator(hidden, shape.longest(), learned.iter().copied())
                    },
                    image,
                    patch,
                    channels,
                }
            }
        }
    }

    /// Tokens that a sample becomes.
    #[must_use]
    pub fn tokens(&self, input: &Input) -> usize {
        match (self, input) {
            (_, Input::Tokens(ids)) => ids.len(),
            (Self::Patches { positions, .. }, Input::Image(_)) => positions.ncols(),
            (Self::Words { .. }, Input::Image(_)) => 0,
        }
    }

    /// Whether the layer can take the sample; why not, if it cannot.
    ///
    /// # Errors
    /// What is wrong with the sample, in words.
    pub fn check(&self, input: &Input) -> Result<(), String> {
        match (self, input) {
            (
                Self::Words {
                    words, positions, ..
                },
                Input::Tokens(ids),
            ) => {
                if ids.is_empty() || ids.len() > positions.ncols() {
                    return Err(format!(
                        "has {} tokens; the encoder takes from 1 to {}",
                        ids.len(),
                        positions.ncols()
                    ));
                }
                match ids.iter().find(|id| **id as usize >= words.ncols()) {
                    Some(id) => Err(format!(
                        "holds token {id}; the encoder knows {} words",
                        words.ncols()
                    )),
                    None => Ok(()),
                }
            }
            (
                Self::Patches {
                    image, channels, ..
                },
                Input::Image(pixels),
            ) => {
                let wanted = image * image * channels;
                if pixels.len() == wanted && pixels.iter().all(|pixel| pixel.is_finite()) {
                    Ok(())
                } else {
                    Err(format!(
                        "has {} pixels; the encoder takes {channels} x {image} x {image}",
                        pixels.len()
                    ))
                }
            }
            (Self::Words { .. }, Input::Image(_)) => {
                Err("is an image, and the encoder reads words".to_owned())
            }
            (Self::Patches { .. }, Input::Tokens(_)) => {
                Err("is a text, and the encoder looks at images".to_owned())
            }
        }
    }

    /// Samples behind each other, a column a token. A sample that does not pass [`Self::check`] has
    /// the columns of [`Self::tokens`] and no meaning.
    #[must_use]
    pub fn apply(&self, inputs: &[&Input]) -> Activations {
        let tokens: usize = inputs.iter().map(|input| self.tokens(input)).sum();
        match self {
            Self::Words {
                words,
                positions,
                norm,
            } => {
                let mut x = Activations::zeros(words.nrows(), tokens);
                let ids = inputs.iter().flat_map(|input| match input {
                    Input::Tokens(ids) => ids.iter().copied().enumerate(),
                    Input::Image(_) => [].iter().copied().enumerate(),
                });
                for (mut column, (position, id)) in x.column_iter_mut().zip(ids) {
                    let id = (id as usize).min(words.ncols() - 1);
                    let position = position.min(positions.ncols() - 1);
                    words
                        .column(id)
                        .add_to(&positions.column(position), &mut column);
                }
                norm.apply(&mut x);
                x
            }
            Self::Patches {
                projection,
                class,
                positions,
                image,
                patch,
                channels,
            } => {
                let across = image / patch;
                let count = across * across;
                let mut patches =
                    Activations::zeros(channels * patch * patch, count * inputs.len());
                for (sample, input) in inputs.iter().enumerate() {
                    let Input::Image(pixels) = input else {
                        continue;
                    };
                    for at in 0..count {
                        let (top, left) = (at / across * patch, at % across * patch);
                        let column = patches.column_mut(sample * count + at);
                        for (offset, value) in column.into_iter().enumerate() {
                            let (channel, inside) =
                                (offset / (patch * patch), offset % (patch * patch));
                            let (row, side) = (top + inside / patch, left + inside % patch);
                            *value = pixels
                                .get((channel * image + row) * image + side)
                                .copied()
                                .unwrap_or(0.0);
                        }
                    }
                }
                let projected = projection.apply(&patches);
                let mut x = Activations::zeros(class.len(), tokens);
                for (at, mut column) in x.column_iter_mut().enumerate() {
                    let (sample, position) = (at / (count + 1), at % (count + 1));
                    let learned = positions.column(position);
                    match position.checked_sub(1) {
                        None => class.add_to(&learned, &mut column),
                        Some(patch) => projected
                            .column(sample * count + patch)
                            .add_to(&learned, &mut column),
                    }
                }
                x
            }
        }
    }
}
