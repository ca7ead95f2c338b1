//! Rows that would be measured and calibrated on: none is both.
//!
//! Rows that stand in both sets by nature, such as short texts, are left out where scales and probes are fitted. More
//! than a few of them are a slip in what the sets are, and refused.

use std::collections::HashSet;
use std::hash::Hash;

use crate::base::mistake::Mistakes;

/// Rows in a hundred that two sets may share: of the 5749 training pairs of STS-B 17 are test pairs and 269 begin with
/// a sentence of them; copies, and parts of one table, share far more.
const FEW: usize = 10;

/// Indices of the `own` rows that are among those that are measured.
pub fn twice<T: Eq + Hash>(measured: impl IntoIterator<Item = T>, own: &[T]) -> Vec<usize> {
    let measured: HashSet<T> = measured.into_iter().collect();
    (0..own.len())
        .filter(|at| measured.contains(&own[*at]))
        .collect()
}

/// What is said of rows that stand in both sets, if they are few.
///
/// # Errors
/// More rows than two sets may share by nature; `row` names a row of an index.
pub fn few(
    twice: &[usize],
    of: usize,
    value: &str,
    row: impl Fn(usize) -> String,
) -> Result<Option<String>, Mistakes> {
    let Some(first) = twice.first() else {
        return Ok(None);
    };
    if twice.len() * 100 <= FEW * of {
        return Ok(Some(format!(
            "{} of {of} rows are measured too and are left out of what is calibrated and fitted on",
            twice.len()
        )));
    }
    let mut mistakes = Mistakes::none();
    let never = "what is calibrated and fitted on is never part of a result";
    if twice.len() == of {
        let problem = format!("holds the rows that are measured, all {of} of them; {never}");
        mistakes.add("", value, problem, "name a file of other rows");
    } else {
        let problem = format!(
            "{} of its {of} rows are measured too, the first in {}; {never}",
            twice.len(),
            row(*first)
        );
        mistakes.add("", value, problem, "leave them out of one of the two sets");
    }
    Err(mistakes)
}

/// Whether there are as many rows to calibrate on as are asked for, after those that are measured or hold nothing were
/// left out.
///
/// # Errors
/// Fewer: `what` they are called.
pub fn enough(there: usize, asked: usize, what: &str) -> Result<(), Mistakes> {
    let mut mistakes = Mistakes::none();
    let fix = match there {
        0 => "name another file".to_owned(),
        _ => format!("set `task.calibration_samples` to at most {there}, or name another file"),
    };
    let problem = format!("holds {there} {what}, and {asked} are asked for");
    mistakes.require(there >= asked, "", "", problem, fix);
    mistakes.or(|| ())
}

/// The values whose index is not one of those `out`, which are in order.
pub fn without<T>(values: Vec<T>, out: &[usize]) -> Vec<T> {
    let kept = values.into_iter().enumerate();
    kept.filter(|(at, _)| out.binary_search(at).is_err())
        .map(|(_, value)| value)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_in_ten_is_left_out_and_more_are_refused() {
        let row = |at: usize| format!("row {at}");
        let own: Vec<usize> = (0..20).collect();
        let both = twice([7, 15, 999], &own);
        assert_eq!(both, [7, 15]);
        let said = few(&both, 20, "", row).unwrap().unwrap();
        assert!(said.starts_with("2 of 20 rows are measured too"));
        assert_eq!(without(own, &both).len(), 18);
        let said = few(&[7, 9, 15], 20, "", row).unwrap_err().0;
        assert!(
            said[0]
                .problem
                .starts_with("3 of its 20 rows are measured too, the first in row 7")
        );
        let said = few(&[0, 1], 2, "", row).unwrap_err().0;
        assert!(
            said[0]
                .problem
                .starts_with("holds the rows that are measured, all 2")
        );
        assert_eq!(few(&[], 5, "", row), Ok(None));
    }

    #[test]
    fn no_smaller_number_is_advised_where_no_row_is_left() {
        assert_eq!(enough(3, 3, "rows"), Ok(()));
        let fix = |there| enough(there, 8, "rows").unwrap_err().0[0].fix.clone();
        assert!(fix(3).starts_with("set `task.calibration_samples` to at most 3, or"));
        assert_eq!(fix(0), "name another file");
    }
}
