//! What a command line sets over an experiment file.

use toml::{Table, Value};

use super::blame::Origin;
use crate::base::mistake::Mistakes;
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

impl Overrides {
    /// Writes them into the file's tree: where each value was written, and what cannot be.
    pub(super) fn write(&self, raw: &mut Table) -> (Vec<Origin>, Mistakes) {
        let mut mistakes = Mistakes::none();
        let mut origins = Vec::new();
        let swept = match raw.get("sweep") {
            Some(Value::Table(swept)) => swept.keys().cloned().collect(),
            _ => Vec::new(),
        };
        for (at, value) in &self.set {
            if swept
                .iter()
                .any(|swept| tree::normal(swept) == tree::normal(at))
            {
                mistakes.add(
                    &format!("--set {at}"),
                    tree::show(value),
                    "the experiment sweeps this key, so that no point would use the value",
                    format!("write --set 'sweep.\"{at}\"=[{}]'", tree::show(value)),
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
