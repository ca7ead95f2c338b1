//! A design of which only time and energy are asked for: sizes and a stop step, no numbers.

use super::{Attention, Datapath, Finish};
use crate::base::cost::StepGrants;
use crate::hardware::topk::TileOutcome;

impl<'a> Finish<'a> {
    /// A design of which only time and energy are asked for: its table holds nothing of a head.
    #[must_use]
    pub fn nominal_of(attention: &'a Attention, datapath: Datapath) -> Self {
        Self {
            attention,
            datapath,
            topk: &attention.topk[0],
            lut: attention
                .softmax
                .load(1.0, 1.0, attention.ramp.bits(), None),
            adc: None,
        }
    }

    /// A tile's outcome when nothing is known of the data but the step at which it stops.
    pub(super) fn nominal(&self, live: usize, quota: usize, stop: u32) -> TileOutcome {
        let early = self.datapath == Datapath::Topkima {};
        let conventional = self.datapath == Datapath::Conventional {};
        let quota = if conventional { live } else { quota };
        // Grants of the last steps up to the stop, one a step while there are steps.
        let count = quota.min(live) as u32;
        let steps = count.min(stop);
        let first = stop.saturating_sub(count).max(1);
        let grants = (0..steps).map(|at| StepGrants {
            step: if at + 1 == steps { stop } else { first + at },
            count: if at == 0 {
                1 + count.saturating_sub(stop)
            } else {
                1
            },
        });
        TileOutcome {
            live,
            quota,
            stop: (live > 0 && quota > 0).then(|| {
                f64::from(if early {
                    stop
                } else {
                    self.attention.ramp.steps()
                })
            }),
            tie: false,
            kept: quota.min(live),
            grants: if early { grants.collect() } else { Vec::new() },
        }
    }
}
