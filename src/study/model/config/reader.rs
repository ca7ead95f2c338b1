//! Values of a `config.json`, each looked at by its key; what is wrong is gathered.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::base::mistake::Mistakes;
use crate::study::model::layers::Activation;

pub(super) struct Reader<'a> {
    pub(super) config: &'a Map<String, Value>,
    /// Keys that were looked at.
    pub(super) used: BTreeSet<String>,
    pub(super) mistakes: Mistakes,
}

impl<'a> Reader<'a> {
    pub(super) fn get(&mut self, key: &str) -> Option<&'a Value> {
        self.used.insert(key.to_owned());
        self.config.get(key)
    }

    /// A switch that must be off, or missing.
    pub(super) fn off(&mut self, key: &str, problem: &str) {
        match self.get(key) {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(value) => self.mistakes.add(
                key,
                value,
                problem,
                "take weights that were trained as an encoder, with their own config.json",
            ),
        }
    }

    pub(super) fn size(&mut self, key: &str) -> usize {
        self.count(key, 1 << 20)
    }

    /// A whole number from 1 to `most`; 1 where it is missing, so that reading goes on.
    pub(super) fn count(&mut self, key: &str, most: u64) -> usize {
        let value = self.get(key);
        let size = value.and_then(Value::as_u64);
        let taken = size.filter(|size| (1..=most).contains(size));
        self.mistakes.require(
            taken.is_some(),
            key,
            value.map_or_else(String::new, Value::to_string),
            format!("must be a whole number from 1 to {most}"),
            "check that config.json is whole",
        );
        taken.unwrap_or(1) as usize
    }

    pub(super) fn epsilon(&mut self, key: &str) -> f32 {
        let value = self.get(key);
        let epsilon = value.and_then(Value::as_f64);
        let taken = epsilon.filter(|epsilon| (0.0..=1.0).contains(epsilon));
        self.mistakes.require(
            taken.is_some(),
            key,
            value.map_or_else(String::new, Value::to_string),
            "must be a number from 0 to 1",
            "check that config.json is whole",
        );
        taken.unwrap_or(0.0) as f32
    }

    pub(super) fn activation(&mut self, key: &str) -> Activation {
        match self.only(key, &["gelu", "relu"], false) {
            Some(1) => Activation::Relu,
            _ => Activation::Gelu,
        }
    }

    /// Which of the `allowed` words the key holds.
    pub(super) fn only(&mut self, key: &str, allowed: &[&str], may_lack: bool) -> Option<usize> {
        let value = self.get(key);
        let at = value
            .and_then(Value::as_str)
            .and_then(|word| allowed.iter().position(|known| *known == word));
        let known = allowed
            .iter()
            .map(|word| format!("\"{word}\""))
            .collect::<Vec<_>>()
            .join(" and ");
        self.mistakes.require(
            at.is_some() || (may_lack && value.is_none()),
            key,
            value.map_or_else(String::new, Value::to_string),
            format!("this one is not computed: only {known}"),
            "take another encoder",
        );
        at
    }
}
