//! Selection of one query, tile by tile and between tiles.

use super::{Datapath, Finish};
use crate::hardware::events::{Action, Cost, Costed, QueryTrace, StepGrants};
use crate::hardware::timing::{Arbiter, Request, queue};
use crate::hardware::topk::{TileOutcome, Winner, cut, grants, merge, rank};

impl Finish<'_> {
    /// Places of each tile in a row with these live columns a tile: all of them where a design does not
    /// share k out.
    pub(super) fn places(&self, live: &[usize]) -> Vec<usize> {
        if !self.shares() {
            return live.to_vec();
        }
        let mut places = self.topk.row_quota(live);
        // Calibration rows may fill fewer tiles: the last one takes what is left over.
        let left: usize = places.drain(live.len().min(places.len())..).sum();
        places.resize(live.len(), 0);
        if let Some(last) = places.last_mut() {
            *last += left;
        }
        places
    }

    /// The ramp of one tile, whose first column is `start`: the columns it keeps, and the grants of its
    /// arbiter. A sort over the whole row keeps none of a tile's own.
    pub(super) fn convert_tile(
        &self,
        trips: &[f64],
        start: usize,
        places: usize,
        live: usize,
    ) -> (Vec<Winner>, TileOutcome, Vec<StepGrants>) {
        if self.shares() {
            return self.select_in(trips, start, places, live);
        }
        let full_ramp = TileOutcome {
            live,
            quota: live,
            stop: (live > 0).then_some(f64::from(self.attention.ramp.steps())),
            tie: false,
        };
        if self.sorts_whole_row() {
            return (Vec::new(), full_ramp, Vec::new());
        }
        let columns = trips.iter().zip(start..);
        let all = columns
            .filter(|(trip, _)| trip.is_finite())
            .map(|(trip, token)| Winner { token, trip: *trip });
        (all.collect(), full_ramp, Vec::new())
    }

    /// The first k of all columns of a row.
    pub(super) fn sort_row(&self, trips: &[f64], trace: &QueryTrace) -> Costed<Vec<Winner>> {
        Costed::new(
            rank(trips, 0, self.topk.k),
            Cost::of(Action::SortCompare, trace.sort_cycles),
        )
    }

    /// The tiles' winners in address order, the first k of them where each tile kept k; the smallest step
    /// over the tiles is found on the way.
    pub(super) fn join(&self, mut winners: Vec<Winner>, trace: &QueryTrace) -> Costed<Vec<Winner>> {
        if self.merges() {
            winners = merge(winners, self.topk.k);
        } else {
            winners.sort_by_key(|winner| winner.token);
        }
        Costed::new(winners, Cost::of(Action::CodeCompare, trace.merge_compares))
    }

    /// Sub-top-k of one tile, whose first column is `start`.
    fn select_in(
        &self,
        trips: &[f64],
        start: usize,
        quota: usize,
        live: usize,
    ) -> (Vec<Winner>, TileOutcome, Vec<StepGrants>) {
        let steps = self.attention.ramp.steps();
        let early = self.datapath == Datapath::Topkima {};
        let timing = &self.attention.timing;
        if early
            && timing.switches().arbiter == (Arbiter::Queue {})
            && quota > 0
            && !self.attention.ramp.is_exact()
        {
            let requests: Vec<Request> = rank(trips, 0, usize::MAX)
                .iter()
                .map(|column| Request {
                    step: column.trip as u32,
                    address: column.token as u32,
                })
                .collect();
            let served = queue(
                &requests,
                quota as u32,
                steps,
                timing.clock(),
                timing.arbiter(),
            );
            let asked = requests
                .iter()
                .filter(|request| request.step <= served.stop_step)
                .count();
            let kept = served.grants.iter().map(|request| Winner {
                token: start + request.address as usize,
                trip: f64::from(request.step),
            });
            let outcome = TileOutcome {
                live,
                quota,
                stop: (live > 0).then_some(f64::from(served.stop_step)),
                tie: asked > quota,
            };
            return (kept.collect(), outcome, served.arrivals);
        }
        let mut ranked = if quota == 0 {
            Vec::new()
        } else {
            rank(trips, start, quota.saturating_add(1))
        };
        let mut outcome = cut(&ranked, quota, live);
        ranked.truncate(quota);
        outcome.stop = outcome.stop.map(|stop| {
            if early && stop.is_finite() {
                stop
            } else {
                f64::from(steps)
            }
        });
        let granted = if early && !self.attention.ramp.is_exact() {
            grants(&ranked)
        } else {
            Vec::new()
        };
        (ranked, outcome, granted)
    }
}
