//! Keys of a `config.json` that the forward pass of an encoder does not read.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::base::mistake::Mistakes;

/// Keys without effect on what comes out of an encoder at inference.
const WITHOUT_EFFECT: &[&str] = &[
    // Only while training: dropout and where weights start.
    "attention_probs_dropout_prob",
    "hidden_dropout_prob",
    "classifier_dropout",
    "classifier_dropout_prob",
    "attention_dropout",
    "dropout",
    "qa_dropout",
    "seq_classif_dropout",
    "initializer_range",
    "initializer_factor",
    "gradient_checkpointing",
    "sinusoidal_pos_embds",
    "tie_word_embeddings",
    "tie_encoder_decoder",
    // How it was stored and run; arithmetic here is in 32 bits.
    "torch_dtype",
    "dtype",
    "use_bfloat16",
    "torchscript",
    "transformers_version",
    "tf_legacy_loss",
    "transformers.js_config",
    "_attn_implementation_autoset",
    "attn_implementation",
    "chunk_size_feed_forward",
    "use_cache",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "return_dict",
    "use_return_dict",
    "_commit_hash",
    // Names of the model, of its classes and of its task.
    "_name_or_path",
    "name_or_path",
    "finetuning_task",
    "task_specific_params",
    "label2id",
    "tokenizer_class",
    "language",
    "license",
    "directionality",
    // Numbers of tokens; a padded one never occurs.
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "sep_token_id",
    "cls_token_id",
    "mask_token_id",
    "unk_token_id",
    "decoder_start_token_id",
    // A pooler that no encoder of these families has, and one that no task reads.
    "pooler_fc_size",
    "pooler_num_attention_heads",
    "pooler_num_fc_layers",
    "pooler_size_per_head",
    "pooler_type",
    "pooler_act",
    "pooler_output_size",
    // Of the head that paints hidden patches.
    "encoder_stride",
    // What follows the scores of classes keeps their order.
    "sentence_transformers",
    // How a decoder writes text; old versions save it with every model.
    "max_length",
    "min_length",
    "do_sample",
    "early_stopping",
    "num_beams",
    "num_beam_groups",
    "diversity_penalty",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "repetition_penalty",
    "length_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "bad_words_ids",
    "num_return_sequences",
    "output_scores",
    "return_dict_in_generate",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "remove_invalid_values",
    "exponential_decay_length_penalty",
    "suppress_tokens",
    "begin_suppress_tokens",
];

/// Keys that must say nothing, and what they would change.
const OFF: [(&str, &str); 11] = [
    ("is_decoder", "a decoder's attention is not computed"),
    (
        "add_cross_attention",
        "attention to a second text is not computed",
    ),
    (
        "quantization_config",
        "the weights were quantised, and such files are not read",
    ),
    (
        "pruned_heads",
        "layers with heads taken out are not computed",
    ),
    (
        "is_encoder_decoder",
        "a decoder behind the encoder is not computed",
    ),
    (
        "cross_attention_hidden_size",
        "attention to a second text is not computed",
    ),
    ("prefix", "a text before each sample is not put there"),
    (
        "auto_map",
        "the model brings code of its own, which is not run",
    ),
    ("adapters", "adapters between the layers are not computed"),
    ("rope_scaling", "rotary positions are not computed"),
    (
        "layer_norm_type",
        "another kind of LayerNorm is not computed",
    ),
];

/// Tells of each key that was neither looked at nor is known to be without effect.
pub(super) fn account(
    config: &Map<String, Value>,
    used: &BTreeSet<String>,
    mistakes: &mut Mistakes,
) {
    for (key, value) in config {
        if used.contains(key) || WITHOUT_EFFECT.contains(&key.as_str()) {
            continue;
        }
        match OFF.iter().find(|(off, _)| off == key) {
            Some(_) if says_nothing(value) => {}
            Some((_, problem)) => mistakes.add(
                key,
                short(value),
                *problem,
                "take an encoder without it",
            ),
            None => mistakes.add(
                key,
                short(value),
                "this key is not known, so what it changes would not be computed",
                "take another encoder; or, if it changes nothing that comes out, take the key out of config.json",
            ),
        }
    }
}

pub(super) fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(tree) => tree.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// What a key that is on or off says; none if it says something else, which is a mistake.
pub(super) fn switch(key: &str, value: &Value, fix: &str, mistakes: &mut Mistakes) -> Option<bool> {
    let said = value.as_bool();
    mistakes.require(said.is_some(), key, value, "must be true or false", fix);
    said
}

/// A value as text of a line.
pub(super) fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let begin: String = text.chars().take(MOST).collect();
    format!("{begin}...")
}
