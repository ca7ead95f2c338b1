//! What a run tells about itself: `run.json`, and where the exact path worked.

use std::path::Path;
use std::time::Instant;

use serde_json::json;

use crate::base::notice::{Notices, Weight};
use crate::hardware::kernel::Level;
use crate::shell::config::{Mode, Plan};
use crate::shell::experiment::{Group, Path as Way};

/// A group of cases that ran, and the path that did its work.
pub type Went<'a> = (&'a Group, Way);

/// Says where the exact path worked though the fast one was asked for.
pub fn exact_note(plan: &Plan, paths: &[Went<'_>]) -> Option<String> {
    let reasons = reasons(paths);
    let asked = matches!(plan.params.mode, Mode::Fast {});
    (asked && !reasons.is_empty()).then(|| {
        let exact = paths.iter().filter(|(_, path)| *path != Way::Fast).count();
        format!(
            "exact path in {exact} of {} groups of cases: {}",
            paths.len(),
            reasons.join("; ")
        )
    })
}

/// Why the exact path worked, each reason once.
fn reasons<'a>(paths: &'a [Went<'_>]) -> Vec<&'a str> {
    let mut reasons: Vec<&str> = Vec::new();
    for (_, path) in paths {
        if let Way::Exact(why) = path
            && !reasons.contains(&why.as_str())
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
        Way::Fast => ("fast", None),
        Way::Exact(why) => ("exact", Some(why)),
    };
    json!({ "points": points, "designs": designs, "path": path, "because": because })
}

/// All that `run.json` is made of.
pub struct About<'a> {
    /// What was run.
    pub plan: &'a Plan,
    /// The experiment file, by its whole path.
    pub experiment: &'a Path,
    /// The files of the folder beside `run.json`.
    pub files: Vec<&'a str>,
    /// What was found out.
    pub notes: &'a [String],
    /// What to know of it.
    pub notices: &'a Notices,
    /// Which path did the work.
    pub paths: &'a [Went<'a>],
    /// Groups that were finished by earlier starts.
    pub resumed: usize,
    /// When this start began.
    pub started: Instant,
}

impl About<'_> {
    /// The text of `run.json`.
    pub fn text(&self) -> String {
        let (plan, paths) = (self.plan, self.paths);
        let fast = paths.iter().filter(|(_, path)| *path == Way::Fast).count();
        let groups: Vec<_> = paths.iter().map(|went| group(plan, went)).collect();
        let inputs: Vec<_> = plan
            .inputs()
            .into_iter()
            .map(
                |input| json!({ "path": input.path.display().to_string(), "sha256": input.sha256 }),
            )
            .collect();
        let command = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        let notes = self.notes.iter().map(String::as_str);
        let about = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "command": command.collect::<Vec<_>>(),
            "experiment": self.experiment.display().to_string(),
            "seed": plan.params.seed,
            "mode": {
                "asked": plan.params.mode,
                "fast_groups": fast,
                "exact_groups": paths.len() - fast,
                "exact_because": reasons(paths),
                "groups": groups,
                "instructions": Level::best().name(),
            },
            "warnings": self.notices.of(Weight::Warning),
            "notes": notes.chain(self.notices.of(Weight::Note)).collect::<Vec<_>>(),
            "inputs": inputs,
            "files": self.files,
            "resumed_groups": self.resumed,
            "wall_seconds": self.started.elapsed().as_secs_f64(),
        });
        serde_json::to_string_pretty(&about).unwrap_or_default() + "\n"
    }
}
