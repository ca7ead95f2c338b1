//! Which encoder a `config.json` of the Hugging Face hub describes, and what is not taken.

mod reader;

use std::collections::BTreeSet;

use serde_json::Value;

use self::reader::Reader;
use super::family::{EncoderShape, Family, InputShape};
use super::keys;
use crate::base::json;
use crate::base::mistake::Mistakes;

impl EncoderShape {
    /// Reads the text of a `config.json`. Keys that are known not to change the forward pass are passed over.
    ///
    /// # Errors
    /// Another family, another activation or position embedding, a decoder, sizes that are missing or
    /// make no encoder; a key that is not known.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let tree = json::table(text, "take the model's own config.json")?;
        let config = tree.as_object().cloned().unwrap_or_default();
        let kind = config.get("model_type").and_then(Value::as_str);
        let family = match kind {
            Some("bert") => Family::Bert,
            Some("distilbert") => Family::DistilBert,
            Some("vit") => Family::Vit,
            other => {
                mistakes.add(
                    "model_type",
                    other.map_or_else(String::new, |kind| format!("\"{kind}\"")),
                    "this family is not read: \"bert\" (with MiniLM), \"distilbert\" and \"vit\" are",
                    "take an encoder of one of these families",
                );
                return Err(mistakes);
            }
        };
        let mut reader = Reader {
            config: &config,
            used: BTreeSet::from(["model_type".to_owned()]),
            mistakes,
        };
        let mut shape = match family {
            Family::Bert => reader.bert(),
            Family::DistilBert => reader.distilbert(),
            Family::Vit => reader.vit(),
        };
        shape.other_head = reader.other_head(family);
        shape.other_problem = reader.other_problem();
        shape.labels = reader.labels();
        keys::account(&config, &reader.used, &mut reader.mistakes);
        if reader.mistakes.0.is_empty() {
            reader.mistakes.require(
                shape.hidden.is_multiple_of(shape.heads),
                "",
                "",
                format!(
                    "{} features cannot be shared out to {} heads",
                    shape.hidden, shape.heads
                ),
                "check that config.json is whole",
            );
        }
        reader.mistakes.or(|| shape)
    }
}

/// Every layer that is missing from the weights is told, so a number of layers is kept within reason.
const MOST_LAYERS: u64 = 1024;

impl Reader<'_> {
    fn bert(&mut self) -> EncoderShape {
        self.only("position_embedding_type", &["absolute"], true);
        self.off(
            "is_decoder",
            "a decoder's token looks at those before it alone, and here every token looks at all: only false is computed",
        );
        self.off(
            "add_cross_attention",
            "attention to a second text is not computed: only false is",
        );
        EncoderShape {
            family: Family::Bert,
            input: InputShape::Tokens {
                vocabulary: self.size("vocab_size"),
                positions: self.size("max_position_embeddings"),
                types: self.size("type_vocab_size"),
            },
            hidden: self.size("hidden_size"),
            layers: self.count(Family::Bert.layers_key(), MOST_LAYERS),
            heads: self.size("num_attention_heads"),
            mlp: self.size("intermediate_size"),
            activation: self.activation("hidden_act"),
            epsilon: self.epsilon("layer_norm_eps"),
            other_head: None,
            other_problem: None,
            labels: None,
        }
    }

    fn distilbert(&mut self) -> EncoderShape {
        EncoderShape {
            family: Family::DistilBert,
            input: InputShape::Tokens {
                vocabulary: self.size("vocab_size"),
                positions: self.size("max_position_embeddings"),
                types: 0,
            },
            hidden: self.size("dim"),
            layers: self.count(Family::DistilBert.layers_key(), MOST_LAYERS),
            heads: self.size("n_heads"),
            mlp: self.size("hidden_dim"),
            activation: self.activation("activation"),
            // Not a key of this family: the published model fixes it.
            epsilon: 1e-12,
            other_head: None,
            other_problem: None,
            labels: None,
        }
    }

    fn vit(&mut self) -> EncoderShape {
        let (image, patch) = (self.size("image_size"), self.size("patch_size"));
        self.mistakes.require(
            image >= patch && image.is_multiple_of(patch),
            "patch_size",
            patch,
            format!("patches of {patch} pixels do not tile an image of {image}"),
            "check that config.json is whole",
        );
        if self.get("qkv_bias") == Some(&Value::Bool(false)) {
            self.mistakes.add(
                "qkv_bias",
                false,
                "encoders without these biases are not read",
                "take an encoder that has them",
            );
        }
        EncoderShape {
            family: Family::Vit,
            input: InputShape::Patches {
                image,
                patch,
                channels: self.size("num_channels"),
            },
            hidden: self.size("hidden_size"),
            layers: self.count(Family::Vit.layers_key(), MOST_LAYERS),
            heads: self.size("num_attention_heads"),
            mlp: self.size("intermediate_size"),
            activation: self.activation("hidden_act"),
            epsilon: self.epsilon("layer_norm_eps"),
            other_head: None,
            other_problem: None,
            labels: None,
        }
    }

    /// The first architecture whose layers behind the encoder are not computed.
    fn other_head(&mut self, family: Family) -> Option<String> {
        let value = self.get("architectures")?;
        if value.is_null() {
            return None;
        }
        let names: Option<Vec<&str>> = value
            .as_array()
            .and_then(|list| list.iter().map(Value::as_str).collect());
        self.mistakes.require(
            names.is_some(),
            "architectures",
            value,
            "must be a list of names",
            format!(
                "write [\"{}\"] or [\"{}\"], or leave the key out",
                family.classifier(),
                family.bare()
            ),
        );
        let computed = [family.classifier(), family.bare()];
        let other = names?.into_iter().find(|name| !computed.contains(name));
        other.map(str::to_owned)
    }

    /// How many classes there are: names of them count before their number, as Hugging Face has it.
    fn labels(&mut self) -> Option<(&'static str, usize)> {
        let mut count = |key: &'static str| {
            let value = self.get(key)?;
            let number = || value.as_u64().and_then(|count| count.try_into().ok());
            let count = value
                .as_object()
                .map(serde_json::Map::len)
                .or_else(number)?;
            Some((key, count))
        };
        let counts = ["id2label", "num_labels", "_num_labels"].map(&mut count);
        counts.into_iter().flatten().next()
    }

    /// What a classifier is for, if `problem_type` names something else than one class of several.
    fn other_problem(&mut self) -> Option<String> {
        let value = self.get("problem_type").filter(|value| !value.is_null())?;
        let name = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (name != "single_label_classification").then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERT: &str = r#"{"model_type": "bert", "hidden_act": "gelu", "hidden_size": 384,
        "intermediate_size": 1536, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
        "num_attention_heads": 12, "num_hidden_layers": 6, "type_vocab_size": 2,
        "vocab_size": 30522, "position_embedding_type": "absolute", "use_cache": true}"#;

    #[test]
    fn minilm_is_read() {
        let shape = EncoderShape::read(BERT.as_bytes()).unwrap();
        assert_eq!(
            (shape.family, shape.d_head(), shape.longest()),
            (Family::Bert, 32, 512)
        );
        assert_eq!((shape.layers, shape.heads, shape.mlp), (6, 12, 1536));
        assert_eq!(shape.epsilon, 1e-12);
    }

    #[test]
    fn heads_that_are_not_computed_are_known_by_their_architecture() {
        for (names, other) in [
            ("null", None),
            ("[]", None),
            ("[\"BertModel\"]", None),
            ("[\"BertForSequenceClassification\"]", None),
            (
                "[\"BertForTokenClassification\"]",
                Some("BertForTokenClassification"),
            ),
            (
                "[\"BertModel\", \"BertForMaskedLM\"]",
                Some("BertForMaskedLM"),
            ),
        ] {
            let named = format!("\"architectures\": {names}");
            let text = BERT.replace("\"use_cache\": true", &named);
            let shape = EncoderShape::read(text.as_bytes()).unwrap();
            assert_eq!(shape.other_head.as_deref(), other);
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for (from, to, words) in [
            (
                "\"bert\"",
                "\"gpt2\"",
                "model_type = \"gpt2\": this family is not read",
            ),
            (
                "\"gelu\"",
                "\"gelu_new\"",
                "hidden_act = \"gelu_new\": this one is not computed",
            ),
            (
                "absolute",
                "relative_key",
                "position_embedding_type = \"relative_key\"",
            ),
            (
                "\"hidden_size\": 384",
                "\"hidden_size\": 0",
                "hidden_size = 0: must be",
            ),
            (
                "\"hidden_size\": 384",
                "\"hidden_size\": 385",
                "385 features cannot be shared out to 12",
            ),
            (
                "\"num_hidden_layers\": 6",
                "\"num_hidden_layers\": 1000000",
                "num_hidden_layers = 1000000: must be a whole number from 1 to 1024",
            ),
            (
                "\"use_cache\"",
                "\"is_decoder\"",
                "is_decoder = true: a decoder's token looks at those before it alone",
            ),
            (
                "\"use_cache\"",
                "\"add_cross_attention\"",
                "add_cross_attention = true: attention to a second text is not computed",
            ),
            (
                "\"use_cache\": true",
                "\"architectures\": \"BertModel\"",
                "architectures = \"BertModel\": must be a list of names",
            ),
            ("1e-12", "\"no\"", "layer_norm_eps = \"no\""),
            ("\"vocab_size\": 30522,", "", "vocab_size: must be"),
            (
                "\"use_cache\": true",
                "\"rotary_base\": 10000",
                "rotary_base = 10000: this key is not known",
            ),
            (
                "\"use_cache\": true",
                "\"quantization_config\": {\"bits\": 4}",
                "quantization_config = {\"bits\":4}: the weights were quantised",
            ),
            (
                "\"use_cache\": true",
                "\"pruned_heads\": {\"0\": [1]}",
                "pruned_heads = {\"0\":[1]}: layers with heads taken out",
            ),
            (
                "\"use_cache\": true",
                "\"is_encoder_decoder\": true",
                "is_encoder_decoder = true: a decoder behind the encoder",
            ),
        ] {
            let text = BERT.replace(from, to);
            let said = EncoderShape::read(text.as_bytes()).unwrap_err();
            assert_eq!(said.0.len(), 1, "{said:?}");
            assert!(said.0[0].to_string().starts_with(words), "{}", said.0[0]);
        }
        let off = BERT.replace("\"use_cache\": true", "\"is_decoder\": false");
        assert!(EncoderShape::read(off.as_bytes()).is_ok());
        assert!(EncoderShape::read(b"[1]").is_err());
        assert!(EncoderShape::read(b"{").is_err());
    }
}
