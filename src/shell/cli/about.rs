//! What a run tells about itself: `run.json`, and where the exact path worked.

use std::time::Instant;

use serde_json::json;

use crate::base::kernel::Level;
use crate::base::notice::{Notices, Weight};
use crate::shell::config::{Mode, Plan};
use crate::shell::experiment::{Group, Path as Road};

/// A group of cases that ran, and the path that did its work.
pub type Went<'a> = (&'a Group, Road);

/// Says where the exact path worked though the fast one was asked for.
pub fn exact_note(plan: &Plan, paths: &[Went<'_>]) -> Option<String> {
    let reasons = reasons(paths);
    let asked = matches!(plan.params.mode, Mode::Fast {});
    (asked && !reasons.is_empty()).then(|| {
        let exact = paths.iter().filter(|(_, path)| *path != Road::Fast).count();
        format!(
            "exact path in {exact} of {} groups of cases: {}",
            paths.len(),
            reasons.join("; ")
        )
    })
}

/// Why the exact path worked, each reason once.
fn reasons(paths: &[Went<'_>]) -> Vec<&'static str> {
    let mut reasons: Vec<&str> = Vec::new();
    for (_, path) in paths {
        if let Road::Exact(why) = path
            && !reasons.contains(why)
        {
            reasons.push(why);
        }
    }
    reasons
}

/// Which cases ran together, and on which path: points are counted as rows of `rows.csv` have them, from 0.
fn group(plan: &Plan, (group, path): &Went<'_>) -> serde_json::Value {
    let mut designs: Vec<&str> = Vec::new();
    let mut points: Vec<usize> = Vec::new();
    for &(point, design) in &group.cases {
        let name = plan.params.design[design].name.as_str();
        if !designs.contains(&name) {
            designs.push(name);
        }
        if !points.contains(&point) {
            points.push(point);
        }
    }
    let (path, because) = match path {
        Road::Fast => ("fast", None),
        Road::Exact(why) => ("exact", Some(why)),
    };
    json!({ "points": points, "designs": designs, "path": path, "because": because })
}

/// The text of `run.json`.
pub fn about(
    plan: &Plan,
    (notes, notices): (&[String], &Notices),
    paths: &[Went<'_>],
    started: Instant,
) -> String {
    let fast = paths.iter().filter(|(_, path)| *path == Road::Fast).count();
    let groups: Vec<_> = paths.iter().map(|went| group(plan, went)).collect();
    let inputs: Vec<_> = plan
        .inputs()
        .into_iter()
        .map(|input| json!({ "path": input.path, "sha256": input.sha256 }))
        .collect();
    let about = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "command": std::env::args().collect::<Vec<_>>(),
        "seed": plan.params.seed,
        "mode": {
            "asked": plan.params.mode,
            "fast_groups": fast,
            "exact_groups": paths.len() - fast,
            "exact_because": reasons(paths),
            "groups": groups,
            "instructions": Level::best().name(),
        },
        "warnings": notices.of(Weight::Warning),
        "notes": notes.iter().map(String::as_str).chain(notices.of(Weight::Note)).collect::<Vec<_>>(),
        "inputs": inputs,
        "wall_seconds": started.elapsed().as_secs_f64(),
    });
    serde_json::to_string_pretty(&about).unwrap_or_default() + "\n"
}
