//! What is run, by all that its rows depend on, and in what two runs differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::base::hex::hex;
use crate::shell::config::tree::{self, Step};

/// A run: two of one title write the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// Version of the program.
    pub version: String,
    /// Whether a breakdown is written: a journal without it holds none.
    pub breakdown: bool,
    /// SHA-256 of every input by its path, but for the experiment file, of which `resolved` says all.
    pub inputs: BTreeMap<String, String>,
    /// The experiment with every default filled in, as TOML.
    pub resolved: String,
}

impl Title {
    /// A hash of all of it, in hex.
    #[must_use]
    pub fn key(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex(&Sha256::digest(&text))
    }

    /// In what the rows of another run, `now`, differ from those of this one; empty if they are the same.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.version != now.version {
            let (own, other) = (&self.version, &now.version);
            found.push(format!("the program's version: {own}, now {other}"));
        }
        found.extend(changes(&self.resolved, &now.resolved));
        let held = |inputs: &BTreeMap<String, String>, path: &str| inputs.get(path).cloned();
        for path in self.inputs.keys().chain(now.inputs.keys()) {
            let told = match (held(&self.inputs, path), held(&now.inputs, path)) {
                (Some(own), Some(other)) if own != other => {
                    format!("{path}: the file was changed since")
                }
                (Some(_), None) => format!("{path}: no longer read"),
                (None, Some(_)) => format!("{path}: not read then"),
                _ => continue,
            };
            if !found.contains(&told) {
                found.push(told);
            }
        }
        found
    }

    /// The same where a journal is to be gone on with, which needs its breakdown.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = self.changes(now);
        if self.breakdown != now.breakdown {
            let word = |given: bool| if given { "given" } else { "not given" };
            let (own, other) = (word(self.breakdown), word(now.breakdown));
            found.push(format!("--breakdown: {own}, now {other}"));
        }
        found
    }
}

/// A list of differences in one short text.
#[must_use]
pub fn shortened(found: &[String]) -> String {
    const MOST: usize = 4;
    let mut text = found[..found.len().min(MOST)].join("; ");
    if found.len() > MOST {
        text.push_str(&format!("; and {} more", found.len() - MOST));
    }
    text
}

/// In what keys two texts of TOML differ, as `ramp.bits: 3, now 5`.
#[must_use]
pub fn changes(own: &str, now: &str) -> Vec<String> {
    let mut found = Vec::new();
    if own == now {
        return found;
    }
    match (own.parse::<Table>(), now.parse::<Table>()) {
        (Ok(own), Ok(now)) => {
            let (own, now) = (Value::Table(own), Value::Table(now));
            walk(&mut Vec::new(), Some(&own), Some(&now), &mut found);
            if found.is_empty() {
                found.push("the order of its keys".to_owned());
            }
        }
        _ => found.push("its resolved.toml cannot be read".to_owned()),
    }
    found
}

fn walk(path: &mut Vec<Step>, own: Option<&Value>, now: Option<&Value>, found: &mut Vec<String>) {
    if own == now {
        return;
    }
    match (own, now) {
        // Two tables without a common key are two choices of one thing.
        (Some(Value::Table(own)), Some(Value::Table(now)))
            if path.is_empty() || own.keys().any(|key| now.contains_key(key)) =>
        {
            let more = now.keys().filter(|key| !own.contains_key(*key));
            for key in own.keys().chain(more) {
                path.push(Step::Key(key.clone()));
                walk(path, own.get(key), now.get(key), found);
                path.pop();
            }
        }
        (Some(Value::Array(own)), Some(Value::Array(now)))
            if own.len() == now.len() && own.iter().any(Value::is_table) =>
        {
            for (at, (own, now)) in own.iter().zip(now).enumerate() {
                path.push(Step::Index(at));
                walk(path, Some(own), Some(now), found);
                path.pop();
            }
        }
        _ => {
            let at = tree::shown(path);
            found.push(format!("{at}: {}, now {}", shown(own), shown(now)));
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "not given".to_owned(),
        Some(Value::Table(table)) if !table.is_empty() => {
            tree::short(&tree::cell(&Value::Table(table.clone())))
        }
        Some(other) => tree::show(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_by_its_key_with_both_values() {
        let own = "a = 1\ngone = true\n[ramp]\nbits = 3\nsplit = { global = {} }\n[[design]]\nname = \"x\"\n";
        let now = "a = 1\n[ramp]\nbits = 5\nsplit = { explicit = [3, 2] }\n[[design]]\nname = \"y\"\n[more]\nk = 1\n";
        assert_eq!(
            changes(own, now),
            [
                "gone: true, now not given",
                "ramp.bits: 3, now 5",
                "ramp.split: global, now explicit 3+2",
                "design[0].name: \"x\", now \"y\"",
                "more: not given, now k 1",
            ]
        );
        assert!(changes(own, own).is_empty());
        assert_eq!(
            changes("a = 1\nb = 2", "b = 2\na = 1"),
            ["the order of its keys"]
        );
    }

    #[test]
    fn inputs_and_version_are_compared_by_name() {
        let title = |version: &str, inputs: &[(&str, &str)]| Title {
            version: version.to_owned(),
            breakdown: false,
            inputs: inputs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
            resolved: String::new(),
        };
        let own = title("1", &[("a.npz", "aa"), ("b.npz", "bb")]);
        let now = title("2", &[("a.npz", "ab"), ("c.npz", "cc")]);
        assert_eq!(
            own.changes(&now),
            [
                "the program's version: 1, now 2",
                "a.npz: the file was changed since",
                "b.npz: no longer read",
                "c.npz: not read then",
            ]
        );
        let with = Title {
            breakdown: true,
            ..own.clone()
        };
        assert!(own.changes(&with).is_empty());
        assert_eq!(
            own.differences(&with),
            ["--breakdown: not given, now given"]
        );
    }
}
