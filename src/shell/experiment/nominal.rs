//! Cost-only points: no numbers, no noise, only shapes. Each tile stops at a stated share of the ramp.

use std::sync::Arc;

use super::{Group, Result};
use crate::hardware::attention::{Account, Finish, HeadCost};
use crate::shell::config::Case;
use crate::study::metrics::{HeadTally, Summary, Values, fold};

/// The results of a group whose workload is a shape; none if it has numbers. `which` case serves
/// each of the group, and `paired` the one that its deltas are taken against.
pub(super) fn run(
    cases: &[Case],
    group: &Group,
    which: &[usize],
    paired: &[Option<usize>],
    reference: Option<usize>,
) -> Option<Vec<Result>> {
    let done: Vec<(Values, Vec<HeadTally>, HeadCost)> = cases
        .iter()
        .map(|case| {
            let nominal = case.workload.nominal?;
            let finish = Finish::nominal_of(&case.attention, case.datapath);
            let mut account = Account::of_layout(&finish);
            let steps = case.attention.ramp.steps();
            let stop = (nominal.alpha * f64::from(steps))
                .ceil()
                .clamp(1.0, f64::from(steps)) as u32;
            account.add_nominal(nominal.shape.queries as u64, stop);
            let spent = account.close(nominal.shape.queries);
            let tally = HeadTally::of_cost(spent.price(&case.attention.device.prices));
            Some((fold(std::slice::from_ref(&tally)), vec![tally], spent))
        })
        .collect::<Option<_>>()?;
    let results =
        group
            .cases
            .iter()
            .zip(which.iter().zip(paired))
            .map(|(&(point, design), (case, pair))| {
                let (values, heads, spent) = &done[*case];
                let mut summary =
                    Summary::new(reference.is_some_and(|reference| reference != design));
                summary.add(values, pair.map(|pair| &done[pair].0));
                summary.count(heads);
                Result {
                    point,
                    design,
                    summary,
                    spent: Some(spent.clone()),
                    noise_lsb: None,
                    accuracy: None,
                    attention: Arc::clone(&cases[*case].attention),
                }
            });
    Some(results.collect())
}
