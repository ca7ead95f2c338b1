//! A design of which only time and energy are asked for: sizes and a stop step, no numbers.

use super::{Account, Attention, Datapath, Finish};
use crate::base::mistake::Mistakes;
use crate::base::units::Picos;
use crate::hardware::events::{QueryTrace, StepGrants};

/// The longest time that is counted, 11 days: a factor of 18 below the end of 64 bits of picoseconds, which is room
/// for grants that fall together.
const LONGEST: Picos = Picos::new(1_000_000_000_000_000_000);

impl Attention {
    /// Whether 64 bits of picoseconds hold the time of so many heads, each of so many queries.
    ///
    /// # Errors
    /// Time constants that are too long for it.
    pub fn check_time(
        &self,
        datapath: Datapath,
        heads: usize,
        queries: usize,
    ) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        if self.ramp.is_exact() || datapath == (Datapath::Float {}) {
            return Ok(());
        }
        let finish = Finish::nominal_of(self, datapath);
        let mut account = Account::of_layout(&finish);
        account.add_nominal(queries as u64, self.ramp.steps());
        let all = account
            .close(self.pairs(queries))
            .makespan
            .times(heads as u64);
        mistakes.require(
            all <= LONGEST,
            "device",
            &self.device.name,
            format!(
                "its time constants make {heads} heads of {queries} queries take {:.3e} s; up to {:.3e} s are counted",
                all.get() as f64 * 1e-12,
                LONGEST.get() as f64 * 1e-12
            ),
            "check the units of its times, or run fewer heads",
        );
        mistakes.or(|| ())
    }
}

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

    /// A query of which nothing is known but the step at which each tile stops (a full ramp for designs
    /// that do not stop): its grants fall to different steps, every input is driven, survivors lie
    /// evenly on the tiles of V.
    pub(super) fn nominal_trace(&self, stop: u32) -> QueryTrace {
        let attention = self.attention;
        let crossbar = &attention.crossbar;
        let (tokens, steps) = (crossbar.tokens(), attention.ramp.steps());
        let sizes: Vec<usize> = crossbar
            .tiles()
            .iter()
            .map(ExactSizeIterator::len)
            .collect();
        let places = if self.shares() {
            self.topk.row_quota(&sizes)
        } else {
            sizes.clone()
        };
        let early = self.datapath == Datapath::Topkima {};
        let stop = if early { stop.clamp(1, steps) } else { steps };
        let mut left = match self.datapath {
            Datapath::Conventional {} => tokens,
            // One softmax after a merge or a sort over the whole row sees k elements.
            _ => self.topk.k,
        };
        let tiles = sizes.iter().zip(places).map(|(size, places)| {
            let grants = if early {
                spread(places as u32, stop)
            } else {
                Vec::new()
            };
            let mut tile = self.tile([*size, *size, places], (places > 0).then_some(stop), grants);
            // What a sort over the whole row leaves goes through the softmax of the first tile.
            let kept = if self.sorts_whole_row() {
                left
            } else {
                places.min(left)
            };
            left -= kept;
            tile.survivors = kept as u32;
            tile
        });
        let mut trace = QueryTrace {
            inputs: crossbar.d_head as u32,
            tiles: tiles.collect(),
            ..QueryTrace::default()
        };
        self.between_tiles(&mut trace);
        if let Some(values) = &attention.values {
            let survivors = trace.survivors() as usize;
            let share = |tile: &std::ops::Range<usize>| {
                (survivors * tile.len()).div_ceil(tokens.max(1)) as u32
            };
            trace.value_rows = values.tiles.iter().map(share).collect();
        }
        trace
    }
}

/// `count` grants in the last steps up to the stop, one a step while there are steps.
fn spread(count: u32, stop: u32) -> Vec<StepGrants> {
    let steps = count.min(stop);
    let first = stop.saturating_sub(count).max(1);
    let grant = |at| StepGrants {
        step: if at + 1 == steps { stop } else { first + at },
        count: if at == 0 {
            1 + count.saturating_sub(stop)
        } else {
            1
        },
    };
    (0..steps).map(grant).collect()
}
