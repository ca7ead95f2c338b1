//! Time of 32 trials side by side: what differs from trial to trial is the conversion alone.
//!
//! The twins of [`Timing::query`] and [`Progress`] for designs whose ramp stops early; a property test
//! holds them equal lane by lane.

use super::{Arbiter, HeadShape, Progress, RowTime, StageTimes, StartUp, Timing};
use crate::base::cost::{QueryTrace, Stage};
use crate::base::kernel::{
    LANES, Lanes, Level, Slot, Slowest, TileClock, pass_station, take_slowest,
};
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

    /// Takes in a driven tile from its grants, ascending in code (step less one); the last is its stop.
    pub fn take(&mut self, level: Level, tile: &TileClock, grants: &[Slot]) {
        take_slowest(level, tile, grants, &mut self.0);
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

    /// What the time of a driven tile that gives `survivors` to the softmax is made of.
    #[must_use]
    pub fn tile_clock(&self, survivors: u64) -> TileClock {
        TileClock {
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
        }
    }
}

/// [`Progress`] of 32 heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneProgress {
    stations: Vec<Vec<Stage>>,
    /// Of each station whether its time holds that of the ramp, of the arbiter, of the softmax.
    own: Vec<[bool; 3]>,
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
            own: stations
                .iter()
                .map(|stages| {
                    [Stage::Ramp, Stage::Arbiter, Stage::Softmax].map(|own| stages.contains(&own))
                })
                .collect(),
            stations: stations.to_vec(),
            done: done.iter().map(|done| [done.get(); LANES]).collect(),
            queries: 0,
        }
    }

    /// What each station takes for a query whose times are alike in all lanes, in ps.
    #[must_use]
    pub fn alike(&self, times: &StageTimes) -> Vec<u64> {
        let station = |stages: &Vec<Stage>| {
            let stages = stages.iter();
            stages.map(|&stage| times.get(stage).get()).sum()
        };
        self.stations.iter().map(station).collect()
    }

    /// One more query: what is alike in all lanes, station by station, and each lane's own times.
    pub fn push(&mut self, level: Level, alike: &[u64], times: &LaneTimes) {
        let all = [&times.0.ramp, &times.0.beyond, &times.0.softmax];
        let mut at = [0_u64; LANES];
        let books = self.done.iter_mut().zip(&mut self.busy);
        for ((own, alike), (done, busy)) in self.own.iter().zip(alike).zip(books) {
            let mut more = [all[0]; 3];
            let mut count = 0;
            for (time, _) in all.iter().zip(own).filter(|(_, own)| **own) {
                more[count] = time;
                count += 1;
            }
            pass_station(level, *alike, &more[..count], &mut at, done, busy);
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

#[cfg(test)]
mod tests {
    use super::super::constants::tests::timing;
    use super::super::schedule::tests::stage_by_stage;
    use super::super::{Schedule, Switches};
    use super::*;
    use crate::base::cost::{StepGrants, TileTrace};
    use proptest::prelude::*;

    /// Grants of a driven tile lane by lane: codes ascend, some are equal.
    fn grants(count: usize) -> impl Strategy<Value = Vec<Slot>> {
        let lane = (
            0..28_u16,
            proptest::collection::vec(0..3_u16, count.saturating_sub(1)),
        );
        proptest::collection::vec(lane, LANES).prop_map(move |lanes| {
            let mut slots = vec![Slot::EMPTY; count];
            for (lane, (first, steps)) in lanes.into_iter().enumerate() {
                let mut code = first;
                for (at, slot) in slots.iter_mut().enumerate() {
                    code += if at == 0 { 0 } else { steps[at - 1] };
                    slot.code[lane] = code.min(31);
                }
            }
            slots
        })
    }

    /// Queries of up to three tiles; a tile may get no place.
    fn queries() -> impl Strategy<Value = Vec<Vec<Vec<Slot>>>> {
        let tile = (0..6_usize).prop_flat_map(grants);
        proptest::collection::vec(proptest::collection::vec(tile, 1..4), 0..7)
    }

    fn switches() -> impl Strategy<Value = Switches> {
        let schedule = prop_oneof![
            Just(Schedule::Serial {}),
            Just(Schedule::pipelined()),
            Just(stage_by_stage())
        ];
        let pick = any::<[bool; 3]>();
        (pick, 1..5_u32, schedule).prop_map(
            |([start_up, arbiter, row], softmax_lanes, schedule)| Switches {
                start_up: if start_up {
                    StartUp::Counted {}
                } else {
                    StartUp::NotCounted {}
                },
                arbiter: if arbiter {
                    Arbiter::PaperMax {}
                } else {
                    Arbiter::Stall {}
                },
                row: if row {
                    RowTime::WholeRow {}
                } else {
                    RowTime::SlowestTile {}
                },
                softmax_lanes,
                schedule,
            },
        )
    }

    /// The trace that one lane leaves.
    fn trace(tiles: &[Vec<Slot>], lane: Option<usize>) -> QueryTrace {
        let tile = |grants: &Vec<Slot>| {
            let Some(last) = grants.last() else {
                return TileTrace::default();
            };
            let codes: Vec<u16> = grants
                .iter()
                .map(|slot| slot.code[lane.unwrap_or(0)])
                .collect();
            TileTrace {
                columns: 64,
                live: 60,
                // Of a trace for all lanes only what they share is looked at.
                stop_step: lane.map_or(1, |lane| u32::from(last.code[lane]) + 1),
                grants: match lane {
                    Some(_) => codes
                        .chunk_by(|a, b| a == b)
                        .map(|alike| StepGrants {
                            step: u32::from(alike[0]) + 1,
                            count: alike.len() as u32,
                        })
                        .collect(),
                    None => vec![StepGrants {
                        step: 1,
                        count: codes.len() as u32,
                    }],
                },
                survivors: grants.len() as u32,
                ..TileTrace::default()
            }
        };
        QueryTrace {
            inputs: 5,
            tiles: tiles.iter().map(tile).collect(),
            merge_compares: tiles.len() as u64 - 1,
            ..QueryTrace::default()
        }
    }

    proptest! {
        #[test]
        fn lanes_take_what_each_would_take_alone(
            switches in switches(),
            queries in queries(),
            clock in 1..9000_u64,
            arbiter in 0..9000_u64,
        ) {
            let mut timing = timing(&switches);
            (timing.clock, timing.arbiter) = (Picos::new(clock), Picos::new(arbiter));
            let head = HeadShape {
                key_rows: 3,
                value_rows: 5,
                lut_entries: 32,
                input_units: 31,
                av_units: 7,
                av_conversions: 2,
            };
            prop_assert!(timing.fits_lanes(32, 15));
            let start = switches.schedule.start(&timing.once(&head));
            let mut lanes = LaneProgress::of(&start);
            let mut alone = vec![start; LANES];
            for tiles in &queries {
                let (alike, softmax) = timing.lanes(&head, &trace(tiles, None), true);
                // What was there before is gone.
                let mut times = LaneTimes(Slowest {
                    ramp: [9; LANES],
                    beyond: [9; LANES],
                    softmax: [9; LANES],
                });
                times.clear(softmax);
                for tile in tiles.iter().filter(|tile| !tile.is_empty()) {
                    let clock = timing.tile_clock(tile.len() as u64);
                    times.take(Level::best(), &clock, tile);
                }
                lanes.push(Level::best(), &lanes.alike(&alike), &times);
                for (lane, alone) in alone.iter_mut().enumerate() {
                    alone.push(&timing.query(&head, &trace(tiles, Some(lane))));
                }
            }
            for (lane, alone) in alone.iter().enumerate() {
                let run = alone.finish();
                prop_assert_eq!(lanes.finish(lane), (run.makespan, run.interval), "lane {}", lane);
            }
        }

        #[test]
        fn a_ramp_that_runs_to_its_end_leaves_nothing_to_the_lanes(
            switches in switches(), columns in proptest::collection::vec(1..99_u32, 1..4),
        ) {
            let timing = timing(&switches);
            let tiles = columns.iter().map(|columns| TileTrace::full_ramp(*columns, *columns, 32));
            let trace = QueryTrace { inputs: 5, tiles: tiles.collect(), ..QueryTrace::default() };
            let head = HeadShape { input_units: 31, ..HeadShape::default() };
            let (alike, softmax) = timing.lanes(&head, &trace, false);
            prop_assert_eq!(softmax, Picos::ZERO);
            let mut times = LaneTimes::default();
            times.clear(softmax);
            let start = switches.schedule.start(&timing.once(&head));
            let mut lanes = LaneProgress::of(&start);
            lanes.push(Level::best(), &lanes.alike(&alike), &times);
            let mut alone = start;
            alone.push(&timing.query(&head, &trace));
            let run = alone.finish();
            prop_assert_eq!(lanes.finish(31), (run.makespan, run.interval));
        }
    }
}
