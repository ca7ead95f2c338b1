//! `topkima run --dump`: what a query went through, for a notebook.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Failure, folder};
use crate::base::arrays;
use crate::base::rng::Seed;
use crate::shell::config::{HeadsWork, Plan, Work};
use crate::shell::journal::{no_file, same_file, write_whole};

/// Whether a file is one that a run dumped, or is empty.
fn is_dump(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path) else {
        return false;
    };
    let names = arrays::npz_names(&bytes).unwrap_or_default();
    let has = |name: &str| names.iter().any(|known| known == name);
    bytes.is_empty() || OF_ALL.into_iter().all(has)
}

/// Arrays that are in every dump.
const OF_ALL: [&str; 4] = ["scores", "depth", "output", "queries"];

/// A path from the root, without links as far as there is something at it.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = path.ancestors().find_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        Some(fs::canonicalize(above).ok()?.join(rest))
    });
    there.unwrap_or(path)
}

/// What is wrong with a place for a dump of a run in `folder`.
fn unfit_place(plan: &Plan, path: &Path, folder: &Path) -> Option<String> {
    let above = path
        .parent()
        .map(|above| match above.as_os_str().is_empty() {
            true => Path::new("."),
            false => above,
        });
    let is_of_run = || {
        let name = path.file_name()?.to_str()?;
        (above.is_some_and(|above| same_file(above, folder)) && folder::is_kept(name)).then_some(())
    };
    if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        Some("is a folder; name a file in it".to_owned())
    } else if whole(folder).starts_with(whole(path)) {
        Some("is where the folder of this run is made; name a file in it".to_owned())
    } else if let Some(above) = above.filter(|above| !above.is_dir()) {
        let above = above.display();
        Some(format!(
            "there is no folder {above}; make it first, or name another"
        ))
    } else if let Some(kind) = no_file(path) {
        Some(format!("is {kind}, not a file; name another file"))
    } else if plan
        .inputs()
        .iter()
        .any(|input| same_file(&input.path, path))
    {
        Some("is an input of this run; name another file".to_owned())
    } else if is_of_run().is_some() {
        Some("is a file of the run itself; name another file".to_owned())
    } else if path.exists() && !is_dump(path) {
        Some(
            "is there, and is no dump of this program; move it away, or name another file"
                .to_owned(),
        )
    } else {
        None
    }
}

/// What is wrong with a request for a dump beside a run in `folder`.
pub(super) fn unfit(
    plan: &mut Plan,
    (path, folder): (&Path, &Path),
    queries: &[usize],
) -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    let at = path.display();
    if let Some(problem) = unfit_place(plan, path, folder) {
        wrong.push(format!("command line: --dump = {at}: {problem}"));
    }
    let case = plan.case(0, 0)?;
    let count = match &case.work {
        Work::Heads(heads) => heads.workload.shape().queries,
        Work::Shape(nominal) => {
            wrong.push(format!(
                "command line: --dump = {at}: a workload of sizes has no scores; leave it out, or use [workload.file] or [workload.synthetic]"
            ));
            nominal.shape.queries
        }
        Work::Encoder(_) => {
            wrong.push(format!(
                "command line: --dump = {at}: the heads of an encoder are not dumped; leave it out, or take the arrays of a head as [workload.file] of an experiment without [model] and [task]"
            ));
            return Ok(wrong);
        }
    };
    for query in queries.iter().filter(|query| **query >= count) {
        wrong.push(format!(
            "command line: --queries = {query}: the workload has queries 0 to {}; name one of them",
            count - 1
        ));
    }
    let again = |at: &usize| queries[..*at].contains(&queries[*at]);
    if let Some(at) = (0..queries.len()).find(again) {
        wrong.push(format!(
            "command line: --queries = {}: this one is named twice; name each once",
            queries[at]
        ));
    }
    Ok(wrong)
}

/// Arrays of the chosen queries at the first point and trial: `scores`, `depth` (clean, LSB below the
/// ramp's start) and for each design `<design>.trips` (0 where a column never trips),
/// `<design>.survivors` (0/1), `<design>.a` (codes), `<design>.probabilities`: heads x queries x
/// tokens; `<design>.output` and `output`: heads x queries x d_v.
pub(super) fn dump(plan: &mut Plan, path: &Path, queries: &[usize]) -> Result<(), Failure> {
    let seed = Seed(plan.params.seed);
    let mut arrays: Vec<(String, Vec<usize>, Vec<f64>)> = Vec::new();
    for design in 0..plan.designs() {
        let name = plan.params.design[design].name.clone();
        let case = plan.case(0, design)?;
        let attention = &case.attention;
        let Some(HeadsWork { workload, .. }) = case.heads() else {
            return Ok(());
        };
        let shape = workload.shape();
        let pairs = vec![shape.heads, queries.len(), shape.tokens];
        let outputs = vec![shape.heads, queries.len(), shape.d_value];
        let trial = attention.trial(seed, 0);
        let (mut scores, mut depth, mut output) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows: [Vec<f64>; 4] = Default::default();
        let mut own_output = Vec::new();
        let heads = workload.heads.iter().zip(&workload.calibration);
        for (head, (measured, rows_of)) in heads.enumerate() {
            let calibrated = attention.calibrate(head, rows_of);
            let design = calibrated.design(case.datapath);
            let prepared = calibrated.quantise(measured, 1);
            let written = trial.write(&prepared);
            for &query in queries {
                let trips = written.conversion.trips.column(query);
                let outcome = written.query(&design, query).value;
                scores.extend(prepared.reference.scores.column(query).iter());
                depth.extend((0..shape.tokens).map(|token| prepared.clean_depth(token, query)));
                output.extend(prepared.reference.output.column(query).iter());
                rows[0].extend(
                    trips
                        .iter()
                        .map(|trip| if trip.is_finite() { *trip } else { 0.0 }),
                );
                let mut line = [
                    vec![0.0; shape.tokens],
                    vec![0.0; shape.tokens],
                    vec![0.0; shape.tokens],
                ];
                for ((winner, code), p) in outcome
                    .survivors
                    .iter()
                    .zip(&outcome.row.codes)
                    .zip(&outcome.row.probabilities)
                {
                    line[0][winner.token] = 1.0;
                    line[1][winner.token] = *code;
                    line[2][winner.token] = *p;
                }
                for (all, one) in rows[1..].iter_mut().zip(line) {
                    all.extend(one);
                }
                own_output.extend(outcome.output);
            }
        }
        if design == 0 {
            arrays.push(("scores".to_owned(), pairs.clone(), scores));
            arrays.push(("depth".to_owned(), pairs.clone(), depth));
            arrays.push(("output".to_owned(), outputs.clone(), output));
            arrays.push((
                "queries".to_owned(),
                vec![queries.len()],
                queries.iter().map(|query| *query as f64).collect(),
            ));
        }
        for (part, values) in ["trips", "survivors", "a", "probabilities"]
            .iter()
            .zip(rows)
        {
            arrays.push((format!("{name}.{part}"), pairs.clone(), values));
        }
        arrays.push((format!("{name}.output"), outputs, own_output));
    }
    let parts: Vec<(&str, &[usize], &[f64])> = arrays
        .iter()
        .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()))
        .collect();
    let bytes = arrays::write_npz(&parts).map_err(|error| Failure::System(error.to_string()))?;
    Ok(write_whole(path, &bytes)?)
}
