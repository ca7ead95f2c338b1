//! Families of encoders and their sizes.

use super::block::Norms;
use super::layers::Activation;

/// Families of encoders that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// BERT and MiniLM.
    Bert,
    /// DistilBERT.
    DistilBert,
    /// The vision transformer.
    Vit,
}

impl Family {
    /// The one architecture of the family whose classifier is computed.
    #[must_use]
    pub const fn classifier(self) -> &'static str {
        match self {
            Self::Bert => "BertForSequenceClassification",
            Self::DistilBert => "DistilBertForSequenceClassification",
            Self::Vit => "ViTForImageClassification",
        }
    }

    /// What stands before the names of an encoder's tensors where a head stands behind it.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Bert => "bert.",
            Self::DistilBert => "distilbert.",
            Self::Vit => "vit.",
        }
    }

    /// Its name, as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bert => "BERT",
            Self::DistilBert => "DistilBERT",
            Self::Vit => "ViT",
        }
    }

    /// The architecture without anything behind the encoder.
    #[must_use]
    pub const fn bare(self) -> &'static str {
        match self {
            Self::Bert => "BertModel",
            Self::DistilBert => "DistilBertModel",
            Self::Vit => "ViTModel",
        }
    }

    /// The key that holds the number of blocks.
    #[must_use]
    pub const fn layers_key(self) -> &'static str {
        match self {
            Self::Bert | Self::Vit => "num_hidden_layers",
            Self::DistilBert => "n_layers",
        }
    }
}

/// What goes into an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// Token ids.
    Tokens {
        /// Rows of the table of words.
        vocabulary: usize,
        /// Longest row.
        positions: usize,
        /// Kinds of tokens; zero if the family has none.
        types: usize,
    },
    /// A square image cut into square patches.
    Patches {
        /// Side of the image in pixels.
        image: usize,
        /// Side of a patch in pixels.
        patch: usize,
        /// Colours.
        channels: usize,
    },
}

/// Sizes of an encoder, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderShape {
    /// Which family.
    pub family: Family,
    /// What goes in.
    pub input: InputShape,
    /// Features of a token.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads of a block.
    pub heads: usize,
    /// Features between the two layers of an MLP.
    pub mlp: usize,
    /// Between the two layers of an MLP.
    pub activation: Activation,
    /// Added to the variance in a LayerNorm.
    pub epsilon: f32,
    /// The architecture that `architectures` names, if its layers behind the encoder are others than
    /// those of [`Family::classifier`]: a classifier of its weights tells tokens apart, or answers.
    pub other_head: Option<String>,
    /// What a classifier was trained for, if it is something else than to tell one class of several.
    pub other_problem: Option<String>,
    /// How many classes the file says there are, and the key that says so; none where it says nothing.
    pub labels: Option<(&'static str, usize)>,
}

impl EncoderShape {
    /// Features of a head.
    #[must_use]
    pub const fn d_head(&self) -> usize {
        self.hidden / self.heads
    }

    /// The longest row of tokens that the encoder takes.
    #[must_use]
    pub const fn longest(&self) -> usize {
        match self.input {
            InputShape::Tokens { positions, .. } => positions,
            InputShape::Patches { image, patch, .. } => (image / patch) * (image / patch) + 1,
        }
    }

    /// Where the LayerNorms stand.
    #[must_use]
    pub const fn norms(&self) -> Norms {
        match self.family {
            Family::Bert | Family::DistilBert => Norms::Post,
            Family::Vit => Norms::Pre,
        }
    }
}
