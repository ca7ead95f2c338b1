//! From the arrays of a file to heads: shapes that must fit, masks, calibration rows.

use std::path::Path;
use std::sync::Arc;

use super::layout::{Rows, tell};
use super::padding::Live;
use super::rows::{MAGNITUDES, check_again, check_fit, check_magnitudes, tell_sizes, tell_zeros};
use super::{Arrays, CalibrationSource, FileParams, MAX_TOKENS, Workload};
use crate::base::arrays::Array;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::hardware::attention::{Head, Mask, Place};
use crate::hardware::quantise::Matrix;

/// Most pairs of query and token over all heads: some ten gigabytes while a run goes on.
pub(super) const MAX_PAIRS: usize = 1 << 28;

/// The heads of one file.
struct Read {
    heads: Vec<Head>,
    live: Live,
    notices: Notices,
}

impl FileParams {
    /// The workload of a file's arrays; `calibration` are the other file's, if one is named.
    ///
    /// # Errors
    /// Missing arrays, shapes that do not fit, heads that do not exist, a mask that is not 0/1, a
    /// query that sees no key, magnitudes outside their range, calibration rows that are measured.
    pub fn assemble(
        &self,
        arrays: &Arrays,
        calibration: Option<&Arrays>,
        causal: bool,
    ) -> Result<Workload, Mistakes> {
        let mut mistakes = Mistakes::none();
        let read = mistakes.keep("", self.read(arrays, causal, ("path", &self.path)));
        let rows = match (&self.calibration, calibration) {
            (CalibrationSource::Path(path), Some(arrays)) => {
                mistakes.keep("", self.read(arrays, causal, ("calibration", path)))
            }
            _ => None,
        };
        let Some(Read {
            heads,
            live,
            mut notices,
        }) = read
        else {
            return Err(mistakes);
        };
        let measured = |from: usize| -> Vec<Head> {
            let left = &live.queries[from..];
            heads.iter().map(|head| head.pick(left, None)).collect()
        };
        let (heads, calibration) = match (&self.calibration, rows) {
            (CalibrationSource::First(count), _) => {
                let most = live.queries.len().saturating_sub(1).min(live.tokens.len());
                let read_as = format!(
                    "{} is read as {} heads of {} queries and {} tokens",
                    self.path.display(),
                    heads.len(),
                    heads.first().map_or(0, |head| head.q.ncols()),
                    heads.first().map_or(0, |head| head.k.nrows())
                );
                let (problem, fix) = match most {
                    0 => (
                        format!("one query cannot both calibrate and be measured, and {read_as}"),
                        "give more queries, or name another file to calibrate on; `axes` tells another order of the dimensions",
                    ),
                    _ => (
                        format!("must leave queries to measure, from 1 to {most}: {read_as}"),
                        "give up fewer queries, or name another file; `axes` tells another order of the dimensions",
                    ),
                };
                mistakes.require(
                    *count >= 1 && *count <= most,
                    "calibration",
                    count,
                    problem,
                    fix,
                );
                if !mistakes.0.is_empty() {
                    return Err(mistakes);
                }
                let (queries, tokens) = (&live.queries[..*count], &live.tokens[..*count]);
                let first = heads.iter().map(|head| head.pick(queries, Some(tokens)));
                let (heads, first): (Vec<Head>, Vec<Head>) = (measured(*count), first.collect());
                check_again(*count, (&heads, &first), &mut mistakes);
                notices.note(format!(
                    "workload.file.calibration = {count}: time, energy and all else of a head are those of its other {} queries",
                    live.queries.len() - count
                ));
                (heads, first)
            }
            (CalibrationSource::Path(path), Some(rows)) => {
                notices.join(&rows.notices);
                let rows: Vec<Head> = rows
                    .heads
                    .iter()
                    .map(|head| head.pick(&rows.live.queries, Some(&rows.live.tokens)))
                    .collect();
                let heads = measured(0);
                check_fit(path, (&heads, &rows), &mut notices, &mut mistakes);
                (heads, rows)
            }
            (CalibrationSource::Path(_), None) => return Err(mistakes),
        };
        let blind = calibration.iter().any(|rows: &Head| {
            let tokens = rows.k.nrows();
            !(0..rows.q.ncols())
                .any(|query| (0..tokens).any(|token| rows.mask.is_live(query, token, tokens)))
        });
        if blind {
            mistakes.add(
                "calibration",
                "",
                "no query of the calibration rows sees a key of theirs, so nothing can be calibrated",
                "take more first queries, or name another file",
            );
        }
        check_magnitudes(&heads, &live, &self.path, &mut mistakes);
        tell_sizes(&heads, &calibration, &live, &mut notices);
        mistakes.or(|| Workload {
            heads,
            calibration,
            most_seen: live.most,
            notices,
        })
    }

    /// The heads in the arrays of the file that `key` names.
    fn read(
        &self,
        arrays: &Arrays,
        causal: bool,
        (key, path): (&str, &Path),
    ) -> Result<Read, Mistakes> {
        let file = format!("\"{}\"", path.display());
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        let mut taken = Vec::new();
        for name in ["q", "k", "v"] {
            match arrays.get(name) {
                None => m.add(
                    key,
                    &file,
                    format!("holds no array `{name}`"),
                    "a workload file holds `q`, `k` and `v` of shape (heads, tokens, d) or (tokens, d)",
                ),
                Some(array) => match self.axes.rows(array) {
                    Some(rows) => taken.push((&array.shape, rows)),
                    None => m.add(
                        key,
                        &file,
                        format!("`{name}` has shape {:?}", array.shape),
                        "it must be (heads, tokens, d) or (tokens, d)",
                    ),
                },
            }
        }
        let [(q_shape, q), (k_shape, k), (v_shape, v)] = taken[..] else {
            return Err(mistakes);
        };
        let (queries, tokens, q_d, d_value) = (q.tokens, k.tokens, q.d, v.d);
        let q_heads = q.heads;
        let shapes = format!("q {q_shape:?}, k {k_shape:?}, v {v_shape:?}");
        m.require(
            q_heads == k.heads && k.heads == v.heads,
            key,
            &file,
            format!("q, k and v must hold the same number of heads, and have {shapes}"),
            "write all three with the same dimension of heads",
        );
        m.require(
            tokens == v.tokens,
            key,
            &file,
            format!("k and v must hold the same number of tokens, and have {shapes}"),
            "write both with one row a token",
        );
        m.require(
            q_d == k.d,
            key,
            &file,
            format!("q and k must have the same d, and have {shapes}"),
            "check that q and k belong to the same model",
        );
        m.require(
            (1..=MAX_TOKENS).contains(&tokens)
                && (1..=MAX_TOKENS).contains(&queries)
                && q_d >= 1
                && d_value >= 1
                && q_heads >= 1,
            key,
            &file,
            format!(
                "must hold from 1 to {MAX_TOKENS} tokens and queries and no empty dimension, and has {shapes}"
            ),
            "cut the arrays",
        );
        for (name, array) in [("q", q), ("k", k), ("v", v)] {
            let huge = array
                .values
                .iter()
                .find(|value| value.abs() > MAGNITUDES[1]);
            if let Some(value) = huge {
                m.add(
                    key,
                    &file,
                    format!(
                        "array `{name}` holds {value:e}; magnitudes up to {:e} are taken",
                        MAGNITUDES[1]
                    ),
                    "scale the array, or check how it was written",
                );
            }
        }
        m.require(
            !causal || queries <= tokens,
            key,
            &file,
            format!("a causal workload needs a key for every query, and has {shapes}"),
            "set `workload.causal = false`, or give the keys",
        );
        let chosen: Vec<usize> = self.heads.clone().unwrap_or_else(|| (0..q_heads).collect());
        m.require(
            !chosen.is_empty() && chosen.iter().all(|head| *head < q_heads),
            "heads",
            format!("{chosen:?}"),
            format!("{file} holds heads 0 to {}", q_heads.saturating_sub(1)),
            "name heads that exist, or leave the key out for all of them",
        );
        m.require(
            (1..chosen.len()).all(|at| !chosen[..at].contains(&chosen[at])),
            "heads",
            format!("{chosen:?}"),
            "names a head twice, which would count it twice",
            "name each head once",
        );
        let pairs = chosen.len().saturating_mul(queries).saturating_mul(tokens);
        m.require(
            pairs <= MAX_PAIRS,
            key,
            &file,
            format!("heads x queries x tokens is {pairs}; at most {MAX_PAIRS} are taken at once"),
            "name fewer heads in `heads`, or cut the arrays",
        );
        if !m.0.is_empty() {
            return Err(mistakes);
        }
        let mut mask = m
            .keep("", mask(arrays.get("mask"), queries, tokens, (key, &file)))
            .unwrap_or_default();
        mask.causal = causal.then(|| tokens - queries);
        let own = (causal || queries == tokens).then(|| tokens.saturating_sub(queries));
        let live = Live::of(&mask, queries, tokens, own);
        m.require(
            !live.queries.is_empty(),
            key,
            &file,
            "array `mask` masks every token",
            "leave at least one key live for every query",
        );
        let mut blind = live
            .queries
            .iter()
            .filter(|query| !(0..tokens).any(|token| mask.is_live(**query, token, tokens)));
        if let Some(query) = blind.next() {
            let more = match blind.count() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            m.add(
                key,
                &file,
                format!("array `mask` masks every key of query {query}{more}, so its softmax has no meaning"),
                "leave at least one key live for every query, or drop the query",
            );
        }
        mistakes.or(|| {
            let factor = if self.scaled {
                1.0
            } else {
                1.0 / (q_d as f64).sqrt()
            };
            let part = |rows: &Rows<'_>, head: usize| {
                let values = (0..rows.tokens).flat_map(|token| rows.row(head, token));
                Matrix::from_iterator(rows.d, rows.tokens, values.copied())
            };
            let heads = chosen.iter().map(|&head| Head {
                q: part(&q, head) * factor,
                k: part(&k, head).transpose(),
                v: part(&v, head),
                mask: mask.clone(),
                place: Place {
                    head: head as u64,
                    first_query: 0,
                },
            });
            let mut notices = tell(&file, [&q, &k, &v], arrays.get("mask"));
            let left_out = queries - live.queries.len();
            if left_out > 0 {
                notices.note(format!(
                    "workload.file: {left_out} of the {queries} queries of {file} belong to tokens that `mask` hides from every query; they are padding, and left out of results and calibration"
                ));
            }
            let heads: Vec<Head> = heads.collect();
            tell_zeros(&heads, &live, &file, &mut notices);
            Read {
                heads,
                live,
                notices,
            }
        })
    }
}

fn mask(
    array: Option<&Array>,
    queries: usize,
    tokens: usize,
    (key, file): (&str, &str),
) -> Result<Mask, Mistakes> {
    let mut mistakes = Mistakes::none();
    let Some(array) = array else {
        return Ok(Mask::default());
    };
    let odd = array
        .values
        .iter()
        .position(|value| *value != 0.0 && *value != 1.0);
    if let Some(at) = odd {
        mistakes.add(
            key,
            file,
            format!(
                "array `mask` holds {} at element {at}; a mask holds only 0 (masked) and 1 (live)",
                array.values[at]
            ),
            "write it as 0/1, not as -inf or as a score",
        );
    }
    let live: Arc<[bool]> = array.values.iter().map(|value| *value == 1.0).collect();
    let mask = if array.shape[..] == [tokens] {
        Mask {
            tokens: Some(live),
            ..Mask::default()
        }
    } else if array.shape[..] == [queries, tokens] {
        Mask {
            pairs: Some(live),
            ..Mask::default()
        }
    } else {
        mistakes.add(
            key,
            file,
            format!(
                "array `mask` has shape {:?}; it must be [{tokens}] or [{queries}, {tokens}]: tokens, or queries by tokens",
                array.shape
            ),
            "give one row for all heads",
        );
        Mask::default()
    };
    mistakes.or(|| mask)
}
