//! The table of finished trainings: what they were and what they came to.

use super::run::ACCURACY;
use crate::shell::config::TrainingPlan;
use crate::study::train::Metadata;

/// Header of the table of finished trainings.
#[must_use]
pub fn header(plan: &TrainingPlan) -> Vec<String> {
    let mut header: Vec<String> = KNOWN.map(str::to_owned).into();
    let trials = plan.trials.iter().map(|trial| trial.name.as_str());
    header.extend(trials.chain(["own"]).map(|name| format!("accuracy {name}")));
    header
}

const KNOWN: [&str; 9] = [
    "way", "seed", "steps", "batch", "start", "k", "split", "gradient", QUANTISE,
];

const QUANTISE: &str = "quantise";

/// The largest codes of quantised operands, `q 31 k 7 v 15 a 31`; `exact` for one that is not rounded.
fn codes(quantise: &str) -> String {
    let told: serde_json::Value = serde_json::from_str(quantise).unwrap_or_default();
    let code = |name: &str, code: &serde_json::Value| match code.as_u64() {
        Some(code) => format!("{name} {code}"),
        None => format!("{name} exact"),
    };
    let mut all: Vec<String> = ["q", "k", "v"]
        .iter()
        .filter_map(|name| Some(code(name, &told.get(name)?["uniform"]["max_code"])))
        .collect();
    all.extend(told.get("a_max_code").map(|largest| code("a", largest)));
    all.join(" ")
}

/// A finished training's row; a missing value is an empty cell.
#[must_use]
pub fn row(plan: &TrainingPlan, metadata: &Metadata) -> Vec<String> {
    let mut row: Vec<String> = KNOWN
        .iter()
        .map(|key| {
            let held = metadata.get(*key).cloned().unwrap_or_default();
            if *key == QUANTISE { codes(&held) } else { held }
        })
        .collect();
    let found: serde_json::Value = metadata
        .get(ACCURACY)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let trials = plan.trials.iter().map(|trial| trial.name.as_str());
    row.extend(trials.chain(["own"]).map(|name| {
        let share = found.get(name).and_then(serde_json::Value::as_str);
        share.unwrap_or_default().to_owned()
    }));
    row
}
