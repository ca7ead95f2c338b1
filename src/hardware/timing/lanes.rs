//! Time of 32 trials side by side: what differs from trial to trial is the conversion alone.
//!
//! The twins of [`Timing::query`] and [`Progress`] for designs whose ramp stops early; a property test
//! holds them equal lane by lane.

use super::{Arbiter, HeadShape, RowTime, StartUp, Timing};
use crate::base::units::Picos;
use crate::hardware::events::{Progress, QueryTrace, Stage, StageTimes};
use crate::hardware::kernel::{
    Granted, Lanes, Level, Passed, Slot, Station, TileClock, pass_query,
};

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
    passed: Vec<Passed>,
    queries: u64,
}

impl LaneProgress {
    /// Heads that have all come as far as `start`, before its first query.
    #[must_use]
    pub fn of(start: &Progress) -> Self {
        let (stations, done) = start.stations();
        Self {
            own: stations
                .iter()
                .map(|stages| {
                    [Stage::Ramp, Stage::Arbiter, Stage::Softmax].map(|own| stages.contains(&own))
                })
                .collect(),
            stations: stations.to_vec(),
            passed: done.iter().map(|done| Passed::from(done.get())).collect(),
            queries: 0,
        }
    }

    /// What each station takes for a query whose times are these in all lanes, beside each lane's own.
    #[must_use]
    pub fn stations(&self, times: &StageTimes) -> Vec<Station> {
        let station = |(stages, own): (&Vec<Stage>, &[bool; 3])| {
            let alike = stages.iter().map(|&stage| times.get(stage).get());
            let (alike, own) = (alike.sum(), *own);
            Station { alike, own }
        };
        self.stations.iter().zip(&self.own).map(station).collect()
    }

    /// One more query: its tiles with their grants, the softmax of its row, if it has one, and its stations.
    pub fn push(
        &mut self,
        level: Level,
        (tiles, slots): (&[Granted], &[Slot]),
        softmax: Picos,
        stations: &[Station],
    ) {
        let softmax = softmax.get() as u32;
        pass_query(level, tiles, slots, softmax, stations, &mut self.passed);
        self.queries += 1;
    }

    /// From the first write to the end of the last query, and the time between queries in the long run.
    #[must_use]
    pub fn finish(&self, lane: usize) -> (Picos, Picos) {
        let most = |of: fn(&Passed) -> &Lanes<u64>| {
            let times = self.passed.iter().map(|passed| of(passed)[lane]);
            times.max().unwrap_or(0)
        };
        let interval = most(Passed::busy).div_ceil(self.queries.max(1));
        (Picos::new(most(Passed::done)), Picos::new(interval))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Switches;
    use super::super::constants::tests::timing;
    use super::*;
    use crate::base::pipeline::stage_by_stage;
    use crate::hardware::events::{Schedule, StepGrants, TileTrace};
    use crate::hardware::kernel::LANES;
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
            let mut progress = Vec::new();
            for tiles in &queries {
                let (alike, softmax) = timing.lanes(&head, &trace(tiles, None), true);
                let mut granted = Vec::new();
                let mut first = 0;
                for tile in tiles {
                    let (clock, count) = (timing.tile_clock(tile.len() as u64), tile.len());
                    granted.push(Granted { clock, first, count });
                    first += count;
                }
                let stations = lanes.stations(&alike);
                for level in Level::all() {
                    let mut other = lanes.clone();
                    other.push(level, (&granted, &tiles.concat()), softmax, &stations);
                    progress.push(other);
                }
                lanes = progress.pop().unwrap();
                prop_assert!(progress.drain(..).all(|other| other == lanes));
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
            let start = switches.schedule.start(&timing.once(&head));
            let mut lanes = LaneProgress::of(&start);
            let stations = lanes.stations(&alike);
            lanes.push(Level::best(), (&[], &[]), softmax, &stations);
            let mut alone = start;
            alone.push(&timing.query(&head, &trace));
            let run = alone.finish();
            prop_assert_eq!(lanes.finish(31), (run.makespan, run.interval));
        }
    }

    /// 32 steps with start-up and one to spare are 34 clocks of 58 us, k grants and one more a us each, k elements 2 us
    /// each: 1972 + (k + 1) + 2 k us, which 8 leave below 2 ms and 9 do not. Steps of 59 us are too long alone.
    #[test]
    fn a_query_fits_lanes_below_two_milliseconds() {
        let fits = |clock: u64, k| {
            let micro = |time: u64| Picos::new(time * 1_000_000);
            let slow = Timing {
                clock: micro(clock),
                arbiter: micro(1),
                softmax_element: micro(2),
                ..timing(&Switches::default())
            };
            slow.fits_lanes(32, k)
        };
        assert_eq!([8, 9].map(|k| fits(58, k)), [true, false]);
        assert!(!fits(59, 1));
    }
}
