//! What a run tells about itself: `run.json`, and where the exact path worked.

use std::time::Instant;

use serde_json::json;

use crate::base::kernel::Level;
use crate::shell::config::{Mode, Plan};
use crate::shell::experiment::Path as Road;

/// Says where the exact path worked though the fast one was asked for.
pub fn exact_note(plan: &Plan, paths: &[Road]) -> Option<String> {
    let reasons = reasons(paths);
    let asked = matches!(plan.params.mode, Mode::Fast {});
    (asked && !reasons.is_empty()).then(|| {
        let exact = paths.iter().filter(|path| **path != Road::Fast).count();
        format!(
            "exact path in {exact} of {} groups of cases: {}",
            paths.len(),
            reasons.join("; ")
        )
    })
}

/// Why the exact path worked, each reason once.
fn reasons(paths: &[Road]) -> Vec<&'static str> {
    let mut reasons: Vec<&str> = Vec::new();
    for path in paths {
        if let Road::Exact(why) = path
            && !reasons.contains(why)
        {
            reasons.push(why);
        }
    }
    reasons
}

/// The text of `run.json`.
pub fn about(plan: &Plan, notes: &[String], paths: &[Road], started: Instant) -> String {
    let fast = paths.iter().filter(|path| **path == Road::Fast).count();
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
            "instructions": Level::best().name(),
        },
        "warnings": plan.warnings,
        "notes": notes,
        "inputs": inputs,
        "wall_seconds": started.elapsed().as_secs_f64(),
    });
    serde_json::to_string_pretty(&about).unwrap_or_default() + "\n"
}
