//! What a command line sets over an experiment file.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::blame::Origin;
use crate::base::mistake::Mistakes;
use crate::base::notice::is_obeyed;
use crate::shell::config::tree;

/// What a command line sets over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Paths and values.
    pub set: Vec<(String, Value)>,
    /// Seed.
    pub seed: Option<u64>,
    /// Trials.
    pub trials: Option<u64>,
    /// Samples of the task.
    pub samples: Option<u64>,
}

/// Longest name of a default folder, in bytes; file systems take 255.
const LONGEST: usize = 120;

impl Overrides {
    /// Name of the default folder of a run: the experiment, its seed, and what else the command line changes,
    /// `k_sweep-seed1-ramp.bits=3`. Letters that are awkward in a name are left out, and what is long is cut;
    /// there a hash of the whole keeps names apart.
    #[must_use]
    pub fn folder_name(&self, experiment: &str, seed: Option<u64>) -> String {
        let mut changed: Vec<(String, Value)> = Vec::new();
        let own = self.set.iter().cloned();
        let trials = self.trials.map(|number| ("trials".to_owned(), number));
        let samples = self
            .samples
            .map(|number| ("task.samples".to_owned(), number));
        let counts = trials.into_iter().chain(samples);
        let counts = counts.map(|(at, number)| (at, Value::Integer(number as i64)));
        for (at, value) in own.chain(counts) {
            let at = tree::normal(&at);
            // The last one holds; the seed has its own place.
            changed.retain(|(known, _)| *known != at);
            if at != "seed" || seed.is_none() {
                changed.push((at, value));
            }
        }
        // The order of what is set counts only where one lies within another.
        let within = |(a, _): &(String, Value), (b, _): &(String, Value)| {
            b.strip_prefix(a.as_str())
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        if !changed.iter().any(|a| changed.iter().any(|b| within(a, b))) {
            changed.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        let mut exact = true;
        exact &= !experiment.contains(is_obeyed);
        let mut name = experiment.replace(is_obeyed, "_");
        if let Some(seed) = seed {
            name.push_str(&format!("-seed{seed}"));
        }
        for (at, value) in &changed {
            let (at, value) = (plain(at, '_', &mut exact), shown(value, &mut exact));
            name.push_str(&format!("-{at}={value}"));
        }
        if exact && name.len() <= LONGEST {
            return name;
        }
        let whole = format!("{experiment} {seed:?} {changed:?}");
        let hash = Sha256::digest(whole.as_bytes());
        let end = (0..=LONGEST.min(name.len())).rfind(|at| name.is_char_boundary(*at));
        name.truncate(end.unwrap_or(0));
        name.push('-');
        for byte in &hash[..4] {
            name.push_str(&format!("{byte:02x}"));
        }
        name
    }

    /// Writes them into the file's tree: where each value was written, and what cannot be.
    pub(super) fn write(&self, raw: &mut Table) -> (Vec<Origin>, Mistakes) {
        let mut mistakes = Mistakes::none();
        let mut origins = Vec::new();
        let swept = match raw.get("sweep") {
            Some(Value::Table(swept)) => swept.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let given = self
            .set
            .iter()
            .map(|(at, _)| (at.clone(), format!("--set {at}")));
        let options = [
            ("seed", "--seed", self.seed.is_some()),
            ("trials", "--trials", self.trials.is_some()),
            ("task.samples", "--samples", self.samples.is_some()),
        ];
        let options = options.into_iter().filter(|(.., given)| *given);
        let options = options.map(|(at, option, _)| (at.to_owned(), option.to_owned()));
        let mut first: BTreeMap<String, String> = BTreeMap::new();
        for (at, option) in given.chain(options) {
            let own = tree::normal(&at);
            // What lies within a key that is set later is lost as well.
            let lost = first
                .iter()
                .find(|(before, _)| tree::is_within(before, &own));
            let lost = lost.map(|(_, before)| before.clone());
            first.insert(own, option.clone());
            if let Some(before) = lost {
                mistakes.add(
                    &option,
                    "",
                    format!("this key was set before, by {before}"),
                    "set it once",
                );
            }
        }
        for (at, value) in &self.set {
            let own = tree::normal(at);
            let taken = |swept: &&String| {
                let swept = tree::normal(swept);
                let holds = || {
                    let inner = swept.strip_prefix(&own)?.strip_prefix('.')?;
                    let table = value.as_table()?;
                    let (there, steps) = tree::depth(table, inner);
                    (there == steps).then_some(())
                };
                swept == own || holds().is_some()
            };
            if let Some(swept) = swept.iter().find(taken) {
                let swept = tree::normal(swept);
                let (key, fix) = if swept == own {
                    let fix = format!("write --set 'sweep.\"{at}\"=[{}]'", tree::show(value));
                    ("this key", fix)
                } else {
                    (swept.as_str(), "leave that key out of the table".to_owned())
                };
                mistakes.add(
                    &format!("--set {at}"),
                    tree::show(value),
                    format!("the experiment sweeps {key}, so that no point would use the value"),
                    fix,
                );
                continue;
            }
            match tree::set(raw, at, value.clone()) {
                Ok(()) => origins.push(Origin::command_line(at, format!("--set {at}"))),
                Err(part) => mistakes.add(
                    &format!("--set {at}"),
                    tree::show(value),
                    format!("the path does not exist: `{part}` is not a table"),
                    "a path is keys of the file joined by points, such as topk.k",
                ),
            }
        }
        for (at, number) in [("seed", self.seed), ("trials", self.trials)] {
            if let Some(number) = number {
                origins.push(Origin::command_line(at, format!("--{at}")));
                match i64::try_from(number) {
                    Ok(number) => {
                        raw.insert(at.to_owned(), Value::Integer(number));
                    }
                    Err(_) => mistakes.add(
                        &format!("--{at}"),
                        number,
                        "is too large",
                        "write a number below 2^63",
                    ),
                }
            }
        }
        if let Some(samples) = self.samples {
            match raw.get_mut("task") {
                Some(Value::Table(task)) => {
                    origins.push(Origin::command_line("task.samples", "--samples".to_owned()));
                    task.insert("samples".to_owned(), Value::Integer(samples as i64));
                }
                _ => mistakes.add(
                    "--samples",
                    samples,
                    "the experiment has no [task] whose samples could be counted",
                    "leave it out, or run an experiment on an encoder",
                ),
            }
        }
        (origins, mistakes)
    }
}

/// The letters of a path or a value that are safe in the name of a folder; `exact` falls where one is left out.
/// `_` stands for the one letter `line`: itself in a path, the blank before a unit in a value.
fn plain(text: &str, line: char, exact: &mut bool) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '+' => name.push(letter),
            '_' | ' ' => {
                *exact &= letter == line;
                name.push('_');
            }
            '[' => name.push('.'),
            ']' => {}
            _ => *exact = false,
        }
    }
    name
}

fn shown(value: &Value, exact: &mut bool) -> String {
    match value {
        // A text that could be read as a number or a list is not the number or the list.
        Value::String(text) => {
            *exact &= toml::from_str::<Table>(&format!("value = {text}")).is_err();
            *exact &= !text.contains(['[', ']']);
            plain(text, ' ', exact)
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {
            plain(&value.to_string(), ' ', exact)
        }
        other => {
            *exact = false;
            plain(&tree::cell(other), ' ', exact)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn named(set: &[(&str, &str)]) -> String {
        let value = |text: &str| {
            let read = toml::from_str::<Table>(&format!("value = {text}"));
            read.map_or_else(
                |_| Value::String(text.to_owned()),
                |read| read["value"].clone(),
            )
        };
        let set = set.iter().map(|(at, text)| ((*at).to_owned(), value(text)));
        let own = Overrides {
            set: set.collect(),
            ..Overrides::default()
        };
        own.folder_name("e", Some(1))
    }

    #[test]
    fn a_default_folder_is_named_after_what_is_set() {
        assert_eq!(named(&[]), "e-seed1");
        assert_eq!(named(&[("ramp.bits", "3")]), "e-seed1-ramp.bits=3");
        assert_eq!(named(&[(" ramp . bits ", "3")]), "e-seed1-ramp.bits=3");
        assert_eq!(named(&[("design[0].name", "a")]), "e-seed1-design.0.name=a");
        assert_eq!(
            named(&[("device.with.column.noise", "0.5 LSB"), ("topk.k", "8")]),
            "e-seed1-device.with.column.noise=0.5_LSB-topk.k=8"
        );
        let counted = Overrides {
            trials: Some(8),
            samples: Some(40),
            seed: Some(1),
            ..Overrides::default()
        };
        assert_eq!(
            counted.folder_name("e", Some(1)),
            "e-seed1-task.samples=40-trials=8"
        );
        // In any order it is the same run, unless one of them holds the other.
        let [a, b, inner] = [("b.c", "1"), ("a", "2"), ("b.c.d", "3")];
        assert_eq!(named(&[a, b]), named(&[b, a]));
        assert_ne!(named(&[a, inner]), named(&[inner, a]));
        // The last one holds, and the seed stands before.
        assert_eq!(
            named(&[("a", "1"), ("a", "2"), ("seed", "1")]),
            "e-seed1-a=2"
        );
    }

    #[test]
    fn what_differs_has_another_name_that_is_short_and_safe() {
        let long = "7".repeat(500);
        let more = format!("{long}8");
        let odd = [
            ("x", "3"),
            ("x", "\"3\""),
            ("x", "3.0"),
            ("x", "-3"),
            ("x", "[3, 5]"),
            ("x", "[35]"),
            ("x", "{ a = 3 }"),
            ("x", "5 %"),
            ("x", "5 ‰"),
            ("x", "a b"),
            ("x", "a_b"),
            ("x", "../../b"),
            ("x", "\u{1b}[31m"),
            ("x", "1-b=2"),
            ("y", "3"),
            ("x", &long),
            ("x", &more),
            ("sweep.\"a.b\"", "3"),
            ("sweep.a.b", "3"),
        ];
        let mut names = BTreeSet::new();
        for one in odd {
            let name = named(&[one]);
            assert!(
                name.len() <= 160 && !name.contains(['/', ' ', '\u{1b}', '"']),
                "{name}"
            );
            assert!(names.insert(name.clone()), "{one:?} is {name}, too");
        }
        assert!(names.insert(named(&[("x", "1"), ("b", "2")])));
        let letters = "ä".repeat(120);
        let (one, two) = (format!("{letters}1"), format!("{letters}2"));
        let of = |name: &str| Overrides::default().folder_name(name, Some(1));
        let turned = ["n\u{202e}", "n\u{2066}", "n\n", "n_"].map(of);
        assert_eq!(turned.iter().collect::<BTreeSet<_>>().len(), 4);
        assert!(!turned.concat().contains(is_obeyed), "{turned:?}");
        assert!(of(&one) != of(&two) && of(&one).len() <= 160);
    }
}
