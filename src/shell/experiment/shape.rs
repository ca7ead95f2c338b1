//! Cases of which only the sizes are known: their time and energy, in closed form.

use super::{Batch, Found, Result};
use crate::hardware::attention::{Account, Finish, HeadCost};
use crate::shell::config::Case;
use crate::study::metrics::{HeadTally, Values, fold};
use crate::study::workload::Nominal;

/// Runs the cases of a group. One trial stands for all: nothing is drawn.
pub(super) fn run(batch: &Batch, cases: &[(&Case, &Nominal)]) -> Vec<Result> {
    let done: Vec<(Values, HeadTally, HeadCost)> = cases
        .iter()
        .map(|(case, nominal)| {
            let finish = Finish::nominal_of(&case.attention, case.datapath);
            let mut account = Account::of_layout(&finish);
            let steps = case.attention.ramp.steps();
            let stop = (nominal.alpha * f64::from(steps))
                .ceil()
                .clamp(1.0, f64::from(steps)) as u32;
            account.add_nominal(nominal.shape.queries as u64, stop);
            let spent = account.close(case.attention.pairs(nominal.shape.queries));
            let tally = HeadTally::of_cost(spent.price(&case.attention.device.prices));
            (fold(std::slice::from_ref(&tally)), tally, spent)
        })
        .collect();
    let found = batch.members.iter().map(|member| {
        let (values, tally, _) = &done[member.case];
        let mut summary = batch.summary(member);
        summary.add(values, member.reference.map(|reference| &done[reference].0));
        summary.count(std::slice::from_ref(tally));
        Found::Heads(Box::new(summary))
    });
    batch.results(found, |case| (Some(done[case].2.clone()), None))
}
