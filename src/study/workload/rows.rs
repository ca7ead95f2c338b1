//! Whether measured rows and calibration rows can be run: numbers in range, one layout, no row in both.

use std::path::Path;

use super::overlap::shared;
use super::padding::Live;
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::hardware::attention::Head;

/// Magnitudes that are taken: products and sums of squares of such numbers stay within those of an `f64`.
pub(super) const MAGNITUDES: [f64; 2] = [1e-60, 1e60];

/// Whether the calibration rows of another file belong to these heads, and are not theirs.
pub(super) fn check_fit(
    path: &Path,
    (heads, rows): (&[Head], &[Head]),
    notices: &mut Notices,
    mistakes: &mut Mistakes,
) {
    let sizes = |heads: &[Head]| {
        heads.first().map_or_else(String::new, |head| {
            format!(
                "{} heads of d {} with values of {}",
                heads.len(),
                head.k.ncols(),
                head.v.nrows()
            )
        })
    };
    let value = format!("\"{}\"", path.display());
    let fits = rows.len() == heads.len()
        && rows
            .iter()
            .zip(heads)
            .all(|(a, b)| a.k.ncols() == b.k.ncols() && a.v.nrows() == b.v.nrows());
    mistakes.require(
        fits,
        "calibration",
        &value,
        format!("holds {}, but `path` holds {}", sizes(rows), sizes(heads)),
        "name a file of the same layout",
    );
    let [q, k, v] = shared(heads, rows);
    // A quarter of the queries leaves most to measure.
    let queries = heads.first().map_or(0, |head| head.q.ncols());
    let own = if queries < 2 {
        String::new()
    } else {
        format!(
            ", or give up the first queries of this one with `calibration = {}`",
            (queries / 4).clamp(1, 64)
        )
    };
    mistakes.require(
        !q.is_overlap(heads.len()),
        "calibration",
        &value,
        format!(
            "holds the rows that are measured: {} of its {} rows of q are among them",
            q.shared, q.rows
        ),
        format!("name a file of other texts{own}"),
    );
    if q.shared > 0 {
        notices.note(format!(
            "workload.file.calibration: {} of the {} rows of q are also measured; a token with which every text begins is such a row",
            q.shared, q.rows
        ));
    }
    for (name, rows) in [("k", k), ("v", v)] {
        if 2 * rows.shared > rows.rows && !q.is_overlap(heads.len()) {
            notices.warn(format!(
                "workload.file.calibration: {} of the {} rows of {name} are those of the measured heads, so its scale is fitted to what is measured",
                rows.shared, rows.rows
            ));
        }
    }
}

/// Whether the first queries, which calibrate, occur again among those that are measured.
pub(super) fn check_again(
    count: usize,
    (heads, rows): (&[Head], &[Head]),
    mistakes: &mut Mistakes,
) {
    let [q, ..] = shared(heads, rows);
    mistakes.require(
        !q.is_overlap(heads.len()),
        "calibration",
        count,
        format!(
            "{} of the {} rows of q that calibrate occur again among those that are measured",
            q.shared, q.rows
        ),
        "take repeated rows out of the arrays, or name a file of other texts",
    );
}

/// Times that measured numbers may reach beyond, or stay below, what calibration rows reach. Tokens of one model stay
/// within a factor of a few.
const APART: f64 = 8.0;

/// Says where measured rows and calibration rows are of different sizes: scales come from the latter, so that the
/// former would saturate, or be read as a few levels.
pub(super) fn tell_sizes(heads: &[Head], calibration: &[Head], live: &Live, notices: &mut Notices) {
    let tokens = |head: &Head| -> Vec<usize> { (0..head.k.nrows()).collect() };
    for (at, name) in ["q", "k", "v"].into_iter().enumerate() {
        let apart = heads.iter().zip(calibration).map(|(head, rows)| {
            let measured = reach(head, &live.tokens)[at];
            (measured / reach(rows, &tokens(rows))[at], head.place.head)
        });
        // Rows of zeros are refused elsewhere.
        let apart = apart.filter(|(factor, _)| factor.is_finite() && *factor > 0.0);
        let farthest = apart.max_by(|(a, _), (b, _)| a.ln().abs().total_cmp(&b.ln().abs()));
        if let Some((factor, head)) = farthest
            && !(1.0 / APART..=APART).contains(&factor)
        {
            let effect = if factor > 1.0 {
                "what lies beyond saturates"
            } else {
                "few levels are left for them"
            };
            notices.warn(format!(
                "workload.file: the largest {name} of head {head} is {factor:.3e} times the largest of its calibration rows, from which scales are taken: {effect}"
            ));
        }
    }
}

/// Largest magnitudes of q, and of k and v over these tokens.
fn reach(head: &Head, tokens: &[usize]) -> [f64; 3] {
    let largest = |values: &mut dyn Iterator<Item = &f64>| {
        values.fold(0.0_f64, |top, value| top.max(value.abs()))
    };
    let of_tokens = |of: &dyn Fn(usize) -> f64| tokens.iter().map(|t| of(*t)).fold(0.0, f64::max);
    [
        largest(&mut head.q.iter()),
        of_tokens(&|token| largest(&mut head.k.row(token).iter())),
        of_tokens(&|token| largest(&mut head.v.column(token).iter())),
    ]
}

/// Says how many tokens that a query may see are rows of zeros in all heads, as padding without a mask is.
pub(super) fn tell_zeros(heads: &[Head], live: &Live, file: &str, notices: &mut Notices) {
    let is_zero = |token: &&usize| {
        heads.iter().all(|head| {
            head.k.row(**token).iter().all(|value| *value == 0.0)
                && head.v.column(**token).iter().all(|value| *value == 0.0)
        })
    };
    let count = live.tokens.iter().filter(is_zero).count();
    if count > 0 {
        notices.warn(format!(
            "workload.file: {count} of the {} tokens of {file} have rows of k and v that are zero in every head, and the queries see them; if they are padding, hide them by an array `mask` of 0 and 1",
            live.tokens.len()
        ));
    }
    let zero = |query: &&usize| {
        heads
            .iter()
            .all(|head| head.q.column(**query).iter().all(|value| *value == 0.0))
    };
    let count = live.queries.iter().filter(zero).count();
    if count > 0 {
        notices.warn(format!(
            "workload.file: {count} of the {} queries of {file} are zero in every head, and are measured; if they are padding, take their rows out of q",
            live.queries.len()
        ));
    }
}

/// Numbers of the measured heads that would leave the range of sums of squares; a head that is nothing but zero has no
/// output to compare with.
pub(super) fn check_magnitudes(heads: &[Head], live: &Live, path: &Path, mistakes: &mut Mistakes) {
    for head in heads {
        for (name, largest) in ["q", "k", "v"].into_iter().zip(reach(head, &live.tokens)) {
            let problem = if largest == 0.0 {
                format!(
                    "array `{name}` of head {} holds nothing but zero in the rows that are measured",
                    head.place.head
                )
            } else {
                format!(
                    "array `{name}` of head {} holds no magnitude above {largest:e}; magnitudes from {:e} to {:e} are taken",
                    head.place.head, MAGNITUDES[0], MAGNITUDES[1]
                )
            };
            mistakes.require(
                largest >= MAGNITUDES[0],
                "path",
                format!("\"{}\"", path.display()),
                problem,
                "leave the head out with `heads`, or check how the array was written",
            );
        }
    }
}
