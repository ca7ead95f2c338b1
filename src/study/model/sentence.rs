//! What a folder of sentence-transformers says of the way from tokens to an embedding.
//!
//! `modules.json` lists the parts in order: an encoder, a pooling, and perhaps dense layers and a
//! normalisation. Each part is honoured, or refused by its name.

use std::path::PathBuf;

use nalgebra::DVector;
use serde_json::Value;

use super::keys::{says_nothing, short, switch};
use super::output::{Pooling, Squash, Step};
use super::{Linear, Tensors};
use crate::base::json;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;

/// The parts that a `modules.json` lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modules {
    /// Folder of the encoder, from the folder of the list.
    pub encoder: PathBuf,
    /// Folder of the pooling, if there is one.
    pub pooling: Option<PathBuf>,
    /// What follows: the folder of a dense layer, or nothing for a normalisation.
    pub steps: Vec<Option<PathBuf>>,
}

impl Modules {
    /// Reads the text of a `modules.json`.
    ///
    /// # Errors
    /// Parts that are not computed, by their names; another order than encoder, pooling, the others.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let own = "take the model's own modules.json";
        let tree = json::list(text, own)?;
        let list = tree.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut modules = Self::default();
        for (at, part) in list.iter().enumerate() {
            let whole = part["type"].as_str().unwrap_or("");
            let path = PathBuf::from(part["path"].as_str().unwrap_or(""));
            // Code of a model's own may compute anything under these names.
            let own_code = !whole.starts_with("sentence_transformers.");
            let kind = whole.rsplit('.').next().unwrap_or("");
            match (kind, at) {
                _ if own_code || !says_nothing(&part["kwargs"]) => mistakes.add(
                    &format!("[{at}]"),
                    short(part),
                    "is code of the model's own, or is called with more than its input (`kwargs`), which is not computed",
                    "take another sentence encoder; or, to measure the bare encoder, take modules.json out of its folder",
                ),
                ("Transformer", 0) => modules.encoder = path,
                ("Pooling", 1) => modules.pooling = Some(path),
                ("Dense", 2..) => modules.steps.push(Some(path)),
                ("Normalize", 2..) => modules.steps.push(None),
                // Nothing is dropped at inference.
                ("Dropout", _) => {}
                _ => mistakes.add(
                    &format!("[{at}].type"),
                    short(&part["type"]),
                    format!("{} is not computed at this place: a Transformer, a Pooling, then Dense and Normalize are", path.display()),
                    "take another sentence encoder; or, to measure the bare encoder, take modules.json out of its folder",
                ),
            }
        }
        if list.is_empty() {
            mistakes.add("", "", "lists no part", own);
        }
        mistakes.or(|| modules)
    }
}

/// What a part's `config.json` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The pooling, if it is one that is computed.
    pub pooling: Option<Pooling>,
    /// Whether the words of a prompt are left out of the mean.
    pub without_prompt: bool,
}

const MODES: [(&str, &str); 7] = [
    ("pooling_mode_cls_token", "cls"),
    ("pooling_mode_mean_tokens", "mean"),
    ("pooling_mode_max_tokens", "max"),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
    ("pooling_mode_weightedmean_tokens", "weightedmean"),
    ("pooling_mode_lasttoken", "lasttoken"),
    ("pooling_mode", ""),
];

impl Asked {
    /// Reads the text of a pooling's `config.json`. With `own`, the experiment says how to pool.
    ///
    /// # Errors
    /// Another pooling than the mean or the class token, by its name, unless the experiment says how to
    /// pool; a key that is not known; numbers that do not fit `hidden` features.
    pub fn read(text: &[u8], hidden: usize, own: bool) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let tree = tree(text)?;
        let mut asked = Vec::new();
        let mut without_prompt = false;
        let own_file = "take the model's own file";
        for (key, value) in tree.as_object().into_iter().flatten() {
            match key.as_str() {
                "pooling_mode" => match value.as_str() {
                    Some(mode) => asked.push(mode.to_owned()),
                    None => asked.extend([value.to_string()]),
                },
                "word_embedding_dimension" | "embedding_dimension" => mistakes.require(
                    value.as_u64() == Some(hidden as u64),
                    key,
                    value,
                    format!("the encoder has {hidden} features"),
                    "take the folder of one model",
                ),
                "include_prompt" => {
                    without_prompt = switch(key, value, own_file, &mut mistakes) != Some(true)
                }
                _ => match MODES.iter().find(|(known, _)| known == key) {
                    Some((_, mode)) => {
                        if switch(key, value, own_file, &mut mistakes) == Some(true) {
                            asked.push((*mode).to_owned());
                        }
                    }
                    None => unknown(&mut mistakes, key, value),
                },
            }
        }
        let pooling = match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["mean"] => Some(Pooling::Mean {}),
            ["cls"] => Some(Pooling::Class {}),
            _ => None,
        };
        mistakes.require(
            pooling.is_some() || own,
            "pooling_mode",
            asked.join(" and "),
            "this pooling is not computed: only the mean of the tokens or the class token alone is",
            "take another sentence encoder, or set model.pooling = { mean = {} } and measure another embedding",
        );
        mistakes.or(|| Self {
            pooling,
            without_prompt,
        })
    }
}

/// A dense layer behind the pooling: its sizes and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    inputs: usize,
    outputs: usize,
    bias: bool,
    squash: Option<Squash>,
}

impl Dense {
    /// Reads the text of its `config.json`; `inputs` numbers come in.
    ///
    /// # Errors
    /// Another activation than the identity or the tanh, by its name; sizes that do not fit; a key that
    /// is not known.
    pub fn read(text: &[u8], inputs: usize) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let tree = tree(text)?;
        let own = "take the folder of one model";
        mistakes.require(
            tree["in_features"].as_u64() == Some(inputs as u64),
            "in_features",
            &tree["in_features"],
            format!("{inputs} numbers come in"),
            own,
        );
        let outputs = tree["out_features"]
            .as_u64()
            .filter(|count| (1..=1 << 20).contains(count));
        mistakes.require(
            outputs.is_some(),
            "out_features",
            &tree["out_features"],
            "must be a whole number from 1 to 1048576",
            own,
        );
        let name = tree["activation_function"].as_str();
        let squash = match name.map(|name| name.rsplit('.').next().unwrap_or("")) {
            Some("Identity") => None,
            // Not said, it is the tanh.
            Some("Tanh") => Some(Squash::Tanh),
            None if tree["activation_function"].is_null() => Some(Squash::Tanh),
            Some("ReLU") => Some(Squash::Relu),
            _ => {
                mistakes.add(
                    "activation_function",
                    short(&tree["activation_function"]),
                    "this one is not computed: only Identity, Tanh and ReLU",
                    "take another sentence encoder",
                );
                None
            }
        };
        for (key, value) in tree.as_object().into_iter().flatten() {
            match key.as_str() {
                "in_features" | "out_features" | "activation_function" => {}
                "bias" if value.is_boolean() => {}
                "module_input_name" | "module_output_name"
                    if value.is_null() || value == "sentence_embedding" => {}
                _ => unknown(&mut mistakes, key, value),
            }
        }
        mistakes.or(|| Self {
            inputs,
            outputs: outputs.unwrap_or(1) as usize,
            bias: tree["bias"] != Value::Bool(false),
            squash,
        })
    }

    /// The layer, out of the bytes of its `.safetensors` files.
    ///
    /// # Errors
    /// Tensors that are missing, do not fit or are others.
    pub fn take(self, files: &[&[u8]]) -> Result<Step, Mistakes> {
        let mut tensors = Tensors::join(files)?;
        let t = &mut tensors;
        let layer = if self.bias {
            Linear::take(t, "linear", self.outputs, self.inputs)
        } else {
            let weight = t.matrix("linear.weight", self.outputs, self.inputs);
            Linear::new(weight, DVector::zeros(self.outputs))
        };
        tensors.alone().or(|| Step::Dense(layer, self.squash))
    }
}

/// The names under which sentence-transformers looks for a [`Limit`], in its order: the first that is there counts.
pub const LIMITS: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// What `sentence_bert_config.json` says of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Tokens that a text is cut to.
    pub tokens: Option<usize>,
    /// Whether a text goes to lower case before it reaches the tokenizer.
    pub lowercase: bool,
}

impl Limit {
    /// Reads the text of a `sentence_bert_config.json`.
    ///
    /// # Errors
    /// A key that is not known.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let tree = tree(text)?;
        for (key, value) in tree.as_object().into_iter().flatten() {
            match key.as_str() {
                "max_seq_length" if value.is_u64() || value.is_null() => {}
                "do_lower_case" if value.is_boolean() => {}
                // The last layer of an encoder of texts, as ever.
                "transformer_task" if value == "feature-extraction" => {}
                "module_output_name" if value == "token_embeddings" => {}
                "modality_config" | "architecture" | "processing_kwargs" => {}
                _ => unknown(&mut mistakes, key, value),
            }
        }
        mistakes.or(|| Self {
            tokens: tree["max_seq_length"]
                .as_u64()
                .map(|tokens| tokens as usize),
            lowercase: tree["do_lower_case"] == Value::Bool(true),
        })
    }
}

/// What `config_sentence_transformers.json` says of texts and of how embeddings are compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompts {
    /// Text before each sample.
    pub before: String,
    /// What a reader should know.
    pub notices: Notices,
}

impl Prompts {
    /// Reads the text of a `config_sentence_transformers.json`.
    ///
    /// # Errors
    /// A default prompt that is not there; a key that is not known.
    pub fn read(text: &[u8]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::none();
        let mut notices = Notices::none();
        let tree = tree(text)?;
        let prompts = &tree["prompts"];
        let mut before = String::new();
        let default = &tree["default_prompt_name"];
        if !default.is_null() {
            let prompt = default.as_str().and_then(|name| prompts[name].as_str());
            mistakes.require(
                prompt.is_some(),
                "default_prompt_name",
                default,
                "prompts holds no text of this name",
                "take the model's own config_sentence_transformers.json",
            );
            prompt.unwrap_or("").clone_into(&mut before);
            notices.note(format!(
                "the default prompt \"{before}\" stands before each text"
            ));
        }
        let others: Vec<String> = prompts
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, text)| *text != "" && default != *name)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if !others.is_empty() {
            notices.note(format!(
                "the prompts {} are not put before any text; where the model was trained with one, put it there in the table",
                others.join(", ")
            ));
        }
        let similarity = &tree["similarity_fn_name"];
        if !similarity.is_null() && similarity != "cosine" {
            notices.warn(format!(
                "similarity_fn_name = {similarity}: pairs are compared by the cosine of their embeddings"
            ));
        }
        for (key, value) in tree.as_object().into_iter().flatten() {
            match key.as_str() {
                "prompts" | "default_prompt_name" | "similarity_fn_name" | "__version__" => {}
                "model_type" if value == "SentenceTransformer" => {}
                "truncate_dim" if value.is_null() => {}
                _ => unknown(&mut mistakes, key, value),
            }
        }
        mistakes.or(|| Self { before, notices })
    }
}

fn unknown(mistakes: &mut Mistakes, key: &str, value: &Value) {
    mistakes.add(
        key,
        short(value),
        "this key or value is not known, so what it changes would not be computed",
        "take another sentence encoder; or, if it changes nothing that comes out, take the key out of the file",
    );
}

fn tree(text: &[u8]) -> Result<Value, Mistakes> {
    json::table(text, "take the model's own file")
}
