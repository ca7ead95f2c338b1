//! What calibration rows and sizes say of a case before it runs: scales, full scale, positive scores, time.

use super::{HeadsWork, Plan, Work};
use crate::base::mistake::Mistakes;
use crate::hardware::attention::{Attention, Calibration, Datapath, Few};
use crate::shell::config::Given;

impl Plan {
    /// Work without mistakes: the calibration of every head, checked with the time it takes; adds to the notices what a
    /// reader should know.
    pub(super) fn calibrated(
        &mut self,
        given: Given,
        attention: &mut Attention,
        datapath: Datapath,
    ) -> Result<Work, Mistakes> {
        let shape = given.shape();
        attention.check_time(datapath, shape.heads, shape.queries)?;
        let workload = match given {
            Given::Shape(nominal) => {
                let mut mistakes = Mistakes::none();
                mistakes.require(
                    !attention.ramp.is_exact() || datapath == (Datapath::Float {}),
                    "ramp.resolution",
                    "{ exact = {} }",
                    "a converter without steps takes no time and no energy that is counted, and sizes alone have nothing else",
                    "write { steps = {} }, or run heads of numbers",
                );
                return mistakes.or(|| Work::Shape(nominal));
            }
            Given::Heads(workload) => workload,
        };
        attention.notices.join(&workload.notices);
        let heads = self.store.calibrations(&workload, attention);
        Calibration::check(&heads, attention)?;
        let chooses = datapath != Datapath::Conventional {};
        let k = attention.topk.iter().map(|topk| topk.k).min();
        if let Some(k) = k.filter(|k| chooses && *k >= workload.most_seen) {
            attention.notices.warn(format!(
                "topk.k = {k}: no query sees more than {} keys, so none is left out",
                workload.most_seen
            ));
        }
        if chooses && attention.ramp.is_one_sided() && !attention.ramp.is_exact() {
            let counted = self.store.positives(&workload);
            let few = heads.iter().zip(counted.iter()).zip(&attention.topk);
            let few: Vec<Few> = few
                .map(|(((head, _), counted), topk)| Few::of(*head, topk.k, counted))
                .collect();
            Few::tell(&few, &mut attention.notices);
        }
        Ok(Work::Heads(HeadsWork {
            workload,
            calibrations: heads,
        }))
    }
}
