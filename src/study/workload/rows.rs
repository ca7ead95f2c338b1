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
    mistakes.require(
        !q.is_overlap(heads.len()),
        "calibration",
        &value,
        format!(
            "holds the rows that are measured: {} of its {} rows of q are among them",
            q.shared, q.rows
        ),
        "name a file of other texts, or give up the first queries of this one with `calibration = 64`",
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

/// Numbers of the measured heads that would leave the range of sums of squares; a head that is nothing but zero has no
/// output to compare with.
pub(super) fn check_magnitudes(heads: &[Head], live: &Live, path: &Path, mistakes: &mut Mistakes) {
    for head in heads {
        let largest =
            |row: &mut dyn Iterator<Item = &f64>| row.fold(0.0_f64, |top, x| top.max(x.abs()));
        let of_tokens =
            |of: &dyn Fn(usize) -> f64| live.tokens.iter().map(|t| of(*t)).fold(0.0, f64::max);
        for (name, largest) in [
            ("q", largest(&mut head.q.iter())),
            (
                "k",
                of_tokens(&|token| largest(&mut head.k.row(token).iter())),
            ),
            (
                "v",
                of_tokens(&|token| largest(&mut head.v.column(token).iter())),
            ),
        ] {
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
