//! Time of 32 trials side by side: what differs from trial to trial is the conversion alone.
//!
//! The twins of [`Timing::query`] and [`Progress`] for designs whose ramp stops early; a property test
//! holds them equal lane by lane.

use super::{Arbiter, HeadShape, Progress, RowTime, StageTimes, StartUp, Timing};
use crate::base::cost::{QueryTrace, Stage};
use crate::base::kernel::{LANES, Lanes, Level, Slot, Slowest, TileClock, take_slowest};
use crate::base::units::Picos;

/// The durations of one query that differ from lane to lane, in ps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneTimes(Slowest);

impl LaneTimes {
    /// Before any tile; with the softmax of the row, if there is one for all tiles.
    pub fn clear(&mut self, softmax: Picos) {
        self.0 = Slowest {
            softmax: [softmax.get() as u32; LANES],
            ..Slowest::default()
        };
    }
}

impl Timing {
    /// Whether a query of at most `steps` steps and `k` grants stays below 2 ms, within which lanes count.
    #[must_use]
    pub fn fits_lanes(&self, steps: u32, k: usize) -> bool {
        let all = [
            self.clock.times(u64::from(steps) + 2),
            self.arbiter.times(k as u64 + 1),
            self.softmax(k as u64),
        ];
        all.into_iter().sum::<Picos>() < Picos::new(2_000_000_000)
    }

    /// What of a query's times is alike in all lanes, and the softmax of its row if all tiles share one.
    /// With `early` its ramps, arbiters and softmaxes are left to the lanes.
    #[must_use]
    pub fn lanes(&self, head: &HeadShape, trace: &QueryTrace, early: bool) -> (StageTimes, Picos) {
        let alike = self.query(head, trace);
        if !early {
            return (alike, Picos::ZERO);
        }
        let softmax = match self.switches.row {
            RowTime::SlowestTile {} => Picos::ZERO,
            RowTime::WholeRow {} => self.softmax(trace.survivors()),
        };
        let lanes = [Stage::Ramp, Stage::Arbiter, Stage::Softmax];
        let rest = lanes
            .into_iter()
            .fold(alike, |times, stage| times.with(stage, Picos::ZERO));
        (rest, softmax)
    }

    /// Takes in a driven tile that gives `survivors` to the softmax, from its grants, ascending in code
    /// (step less one); the last is its stop.
    pub fn lane_tile(&self, level: Level, times: &mut LaneTimes, grants: &[Slot], survivors: u64) {
        let tile = TileClock {
            clock: self.clock.get() as u32,
            grant: self.arbiter.get() as u32,
            // A queue selects by itself and has no lanes.
            waits: self.switches.arbiter != (Arbiter::PaperMax {}),
            start_up: match self.switches.start_up {
                StartUp::NotCounted {} => 0,
                StartUp::Counted {} => self.clock.get() as u32,
            },
            softmax: match self.switches.row {
                RowTime::SlowestTile {} => Some(self.softmax(survivors).get() as u32),
                RowTime::WholeRow {} => None,
            },
        };
        take_slowest(level, &tile, grants, &mut times.0);
    }
}

/// [`Progress`] of 32 heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneProgress {
    stations: Vec<Vec<Stage>>,
    done: Vec<Lanes<u64>>,
    busy: Vec<Lanes<u64>>,
    queries: u64,
}

impl LaneProgress {
    /// Heads that have all come as far as `start`, before its first query.
    #[must_use]
    pub fn of(start: &Progress) -> Self {
        let (stations, done) = start.stations();
        Self {
            busy: vec![[0; LANES]; stations.len()],
            stations: stations.to_vec(),
            done: done.iter().map(|done| [done.get(); LANES]).collect(),
            queries: 0,
        }
    }

    /// One more query.
    pub fn push(&mut self, alike: &StageTimes, times: &LaneTimes) {
        let mut at = [0_u64; LANES];
        for ((stages, done), busy) in self.stations.iter().zip(&mut self.done).zip(&mut self.busy) {
            let alike: u64 = stages.iter().map(|&stage| alike.get(stage).get()).sum();
            let mut own = [alike; LANES];
            for stage in stages {
                let more = match stage {
                    Stage::Ramp => &times.0.ramp,
                    Stage::Arbiter => &times.0.beyond,
                    Stage::Softmax => &times.0.softmax,
                    _ => continue,
                };
                for lane in 0..LANES {
                    own[lane] += u64::from(more[lane]);
                }
            }
            for lane in 0..LANES {
                at[lane] = done[lane].max(at[lane]) + own[lane];
                done[lane] = at[lane];
                busy[lane] += own[lane];
            }
        }
        self.queries += 1;
    }

    /// From the first write to the end of the last query, and the time between queries in the long run.
    #[must_use]
    pub fn finish(&self, lane: usize) -> (Picos, Picos) {
        let most = |times: &[Lanes<u64>]| times.iter().map(|time| time[lane]).max().unwrap_or(0);
        let interval = most(&self.busy).div_ceil(self.queries.max(1));
        (Picos::new(most(&self.done)), Picos::new(interval))
    }
}
