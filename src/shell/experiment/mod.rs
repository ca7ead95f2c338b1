//! Running a plan: designs x sweep x trials. Parallel map over trials and heads, ordered fold.
//!
//! Cases that agree in everything up to the trips run together: one write, one MAC and one ramp
//! serve every k, split, softmax and design of theirs. Trials go through in blocks, so memory does
//! not grow with their number, and the fold is in the order of trials, so results do not depend on
//! the number of threads.

mod block;
mod columns;
mod encoder;
mod heads;
mod quick;
mod run;
mod shape;
mod shelf;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use columns::{columns, row};
pub use encoder::{Accuracy, Spread};
pub use run::{Done, Outcome, Silent, Sink, run, run_groups};
pub use shelf::Shelf;
pub use table::{BREAKDOWN, Cell, Column, Part, Row, Table};

use super::config::{Case, FileMistakes, Key, Mode, Plan, Work};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::base::rng::Seed;
use crate::hardware::attention::{Attention, HeadCost};
use crate::study::metrics::Summary;

/// What a case came to, by what it ran.
#[derive(Clone, Debug)]
pub enum Found {
    /// Heads, or the sizes of one: statistics over trials.
    Heads(Box<Summary>),
    /// A whole encoder: its score.
    Encoder(Box<Accuracy>),
}

/// What one design came to at one point.
#[derive(Clone, Debug)]
pub struct Result {
    /// Index of the point.
    pub point: usize,
    /// Index of the design.
    pub design: usize,
    /// What it came to.
    pub found: Found,
    /// Counts and stage times of all heads of the first trial, where they are taken.
    pub spent: Option<HeadCost>,
    /// Root mean square deviation at the comparator in LSB: over the first trial, or of the law where 32 trials run at
    /// once.
    pub noise_lsb: Option<f64>,
    /// The hardware of the case.
    pub attention: Arc<Attention>,
}

/// What a run tells about itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Notes {
    /// What was found out, for instance the ramp's full scale.
    pub lines: Vec<String>,
    /// What to know of it.
    pub notices: Notices,
    /// Which path did the work; none where nothing was drawn.
    pub path: Option<Path>,
}

/// The path that did the work of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// 32 trials at once.
    Fast,
    /// Every cell and every column drawn, for this reason.
    Exact(String),
}

/// A part of a plan that runs together: cases that share a conversion, and with each of them the
/// reference design of its point, whose numbers of the same trial a delta needs.
#[derive(Debug)]
pub struct Group {
    /// (point, design) of each case.
    pub cases: Vec<(usize, usize)>,
}

impl Result {
    /// Statistics over trials, if heads were run.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        match &self.found {
            Found::Heads(summary) => Some(summary),
            Found::Encoder(_) => None,
        }
    }

    /// The score of a whole encoder, if one was run.
    #[must_use]
    pub fn accuracy(&self) -> Option<&Accuracy> {
        match &self.found {
            Found::Heads(_) => None,
            Found::Encoder(accuracy) => Some(accuracy),
        }
    }
}

/// The cases of a group, each once.
struct Batch {
    seed: Seed,
    trials: u64,
    mode: Mode,
    /// Index of the design that deltas are taken against.
    reference: Option<usize>,
    cases: Vec<Case>,
    /// Of each member of the group: its point and design, its case, and the case of the reference design at its point.
    members: Vec<Member>,
}

#[derive(Clone, Copy)]
struct Member {
    point: usize,
    design: usize,
    case: usize,
    reference: Option<usize>,
}

impl Batch {
    fn of(plan: &mut Plan, group: &Group) -> std::result::Result<Self, FileMistakes> {
        let mut cases: Vec<Case> = Vec::new();
        let mut index: BTreeMap<(Key, Key), usize> = BTreeMap::new();
        let mut members = Vec::with_capacity(group.cases.len());
        for &(point, design) in &group.cases {
            let keys = plan.keys(point, design);
            let case = match index.get(&keys) {
                Some(at) => *at,
                None => {
                    cases.push(plan.case(point, design)?);
                    index.insert(keys, cases.len() - 1);
                    cases.len() - 1
                }
            };
            members.push(Member {
                point,
                design,
                case,
                reference: None,
            });
        }
        let is_reference = |member: &Member| plan.reference == Some(member.design);
        let references = members.iter().filter(|member| is_reference(member));
        let by_point: BTreeMap<usize, usize> =
            references.map(|one| (one.point, one.case)).collect();
        for member in members.iter_mut().filter(|member| !is_reference(member)) {
            member.reference = by_point.get(&member.point).copied();
        }
        Ok(Self {
            seed: Seed(plan.params.seed),
            trials: plan.params.trials,
            mode: plan.params.mode,
            reference: plan.reference,
            cases,
            members,
        })
    }

    /// Results of the members: what each found, and what its case's first trial spent and how loud it was.
    fn results(
        &self,
        found: impl IntoIterator<Item = Found>,
        first: impl Fn(usize) -> (Option<HeadCost>, Option<f64>),
    ) -> Vec<Result> {
        let result = |(member, found): (&Member, Found)| {
            let (spent, noise_lsb) = first(member.case);
            Result {
                point: member.point,
                design: member.design,
                found,
                spent,
                noise_lsb,
                attention: Arc::clone(&self.cases[member.case].attention),
            }
        };
        self.members.iter().zip(found).map(result).collect()
    }

    /// Statistics of a member before its first trial.
    fn summary(&self, member: &Member) -> Summary {
        let with_deltas = self
            .reference
            .is_some_and(|reference| reference != member.design);
        Summary::new(with_deltas)
    }
}

/// The groups of a plan, in the order of their first case.
#[must_use]
pub fn groups(plan: &Plan) -> Vec<Group> {
    let mut of_front: BTreeMap<Key, usize> = BTreeMap::new();
    let mut parent: Vec<usize> = Vec::new();
    fn root(parent: &[usize], mut at: usize) -> usize {
        while parent[at] != at {
            at = parent[at];
        }
        at
    }
    let cases: Vec<(usize, usize)> = (0..plan.points())
        .flat_map(|point| (0..plan.designs()).map(move |design| (point, design)))
        .collect();
    for &(point, design) in &cases {
        let mut member = |design| {
            *of_front
                .entry(plan.keys(point, design).0)
                .or_insert_with(|| {
                    parent.push(parent.len());
                    parent.len() - 1
                })
        };
        let own = member(design);
        if let Some(reference) = plan.reference {
            let other = member(reference);
            let (a, b) = (root(&parent, own), root(&parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut order: BTreeMap<usize, Group> = BTreeMap::new();
    for &(point, design) in &cases {
        let front = of_front[&plan.keys(point, design).0];
        let group = order
            .entry(root(&parent, front))
            .or_insert_with(|| Group { cases: Vec::new() });
        group.cases.push((point, design));
    }
    order.into_values().collect()
}

/// Runs every case of a group; `shelf` goes from group to group, `ticked` is called with the number of
/// trials done.
///
/// # Errors
/// A file that was changed since the plan was checked; heads of an encoder that its calibration samples give no scale.
pub fn run_group(
    plan: &mut Plan,
    group: &Group,
    shelf: &mut Shelf,
    ticked: &mut dyn FnMut(u64),
) -> std::result::Result<(Vec<Result>, Notes), FileMistakes> {
    let batch = Batch::of(plan, group)?;
    let (mut heads, mut shapes, mut encoders) = (Vec::new(), Vec::new(), Vec::new());
    for case in &batch.cases {
        match &case.work {
            Work::Heads(work) => heads.push((case, work)),
            Work::Shape(nominal) => shapes.push((case, nominal)),
            Work::Encoder(work) => encoders.push((case, work)),
        }
    }
    let kinds = [heads.len(), shapes.len(), encoders.len()];
    if kinds.iter().filter(|count| **count > 0).count() > 1 {
        let mut mistakes = Mistakes::none();
        mistakes.add(
            "reference",
            "",
            "heads, sizes and encoders are not compared with each other",
            "run them as experiments of their own, or leave the reference out",
        );
        return Err(plan.blame(mistakes));
    }
    if !encoders.is_empty() {
        encoder::run(&batch, &encoders, ticked).map_err(|wrong| plan.blame(wrong))
    } else if !shapes.is_empty() {
        ticked(batch.trials);
        Ok((shape::run(&batch, &shapes), Notes::default()))
    } else {
        Ok(heads::run(&batch, &heads, shelf, ticked))
    }
}
