//! A head under way: when each query is done, and what the whole of it took.

use super::{Schedule, StageTimes};
use crate::base::units::Picos;
use crate::base::vocabulary::Stages;

impl<S: Stages> Schedule<S> {
    /// A head that has done nothing yet; `once` are the durations before the first query.
    /// Durations of once-a-head stages in a query's own times are not looked at.
    #[must_use]
    pub fn start(&self, once: &StageTimes<S>) -> Progress<S> {
        let (stations, serial) = match self {
            Self::Serial {} => (vec![S::OF_A_QUERY.to_vec()], true),
            Self::Pipelined { stations } => (stations.clone(), false),
        };
        let once = S::ONCE.iter().fold(StageTimes::ZERO, |kept, &(stage, _)| {
            kept.with(stage, once.get(stage))
        });
        // In series the writes come before everything; in a pipeline each station waits for its
        // own, and they overlap.
        let own = |stages: &[S]| {
            let needed = S::ONCE.iter().filter(|(_, waits)| stages.contains(waits));
            needed
                .map(|(write, _)| once.get(*write))
                .max()
                .unwrap_or_default()
        };
        let ready = |stages: &Vec<S>| if serial { once.total() } else { own(stages) };
        let done = stations.iter().map(ready).collect();
        Progress {
            stations,
            done,
            busy: StageTimes::ZERO,
            once,
            longest: Picos::ZERO,
            queries: 0,
        }
    }
}

/// A head under way: queries are pushed in order; memory does not grow with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<S: Stages> {
    stations: Vec<Vec<S>>,
    /// When each station has done its last query, or is ready for the first.
    done: Vec<Picos>,
    busy: StageTimes<S>,
    once: StageTimes<S>,
    longest: Picos,
    queries: u64,
}

impl<S: Stages> Progress<S> {
    /// One more query; gives the time at which it is finished.
    pub fn push(&mut self, times: &StageTimes<S>) -> Picos {
        let mut at = Picos::ZERO;
        let mut whole = Picos::ZERO;
        for (stages, done) in self.stations.iter().zip(&mut self.done) {
            let own: Picos = stages.iter().map(|&stage| times.get(stage)).sum();
            whole += own;
            at = (*done).max(at) + own;
            *done = at;
        }
        for &stage in S::OF_A_QUERY {
            self.busy = self
                .busy
                .with(stage, self.busy.get(stage) + times.get(stage));
        }
        self.longest = self.longest.max(whole);
        self.queries += 1;
        at
    }

    /// `queries` more, all alike, in closed form: with t\[s\] the time of station s and r\[s\] when it
    /// is free, done\[s\] = max over i <= s of r\[i\] + t\[i\] + ... + t\[s\] + (n - 1) max(t\[i..=s\]).
    pub fn repeat(&mut self, times: &StageTimes<S>, queries: u64) {
        let Some(further) = queries.checked_sub(1) else {
            return;
        };
        let own = |stages: &Vec<S>| stages.iter().map(|&stage| times.get(stage)).sum::<Picos>();
        let each: Vec<Picos> = self.stations.iter().map(own).collect();
        let ready = self.done.clone();
        for (station, done) in self.done.iter_mut().enumerate() {
            let (mut path, mut longest) = (Picos::ZERO, Picos::ZERO);
            let mut latest = Picos::ZERO;
            for from in (0..=station).rev() {
                path += each[from];
                longest = longest.max(each[from]);
                latest = latest.max(ready[from] + path + longest.times(further));
            }
            *done = latest;
        }
        for &stage in S::OF_A_QUERY {
            self.busy = self.busy.with(
                stage,
                self.busy.get(stage) + times.get(stage).times(queries),
            );
        }
        self.longest = self.longest.max(each.into_iter().sum());
        self.queries += queries;
    }

    /// Its stations, and when each is free.
    #[must_use]
    pub fn stations(&self) -> (&[Vec<S>], &[Picos]) {
        (&self.stations, &self.done)
    }

    /// What the queries so far took.
    #[must_use]
    pub fn finish(&self) -> Run<S> {
        let busy = |stage: S| self.busy.get(stage);
        // Of equals the first: what comes earlier holds up what comes later.
        let (mut held, mut limiting) = (Picos::ZERO, S::OF_A_QUERY[0]);
        for stages in &self.stations {
            let station: Picos = stages.iter().map(|&stage| busy(stage)).sum();
            if station > held {
                held = station;
                limiting = stages.iter().copied().fold(stages[0], |worst, stage| {
                    if busy(stage) > busy(worst) {
                        stage
                    } else {
                        worst
                    }
                });
            }
        }
        Run {
            makespan: self.done.iter().copied().max().unwrap_or_default(),
            interval: Picos::new(held.get().div_ceil(self.queries.max(1))),
            limiting,
            busy: self.busy.then(&self.once),
            longest: self.longest,
            queries: self.queries,
        }
    }
}

/// What a head took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<S: Stages> {
    /// From the first write to the end of the last query.
    pub makespan: Picos,
    /// Time between queries in the long run: the mean time of the station that takes longest (all
    /// of a query, in series), rounded up to a picosecond.
    pub interval: Picos,
    /// The longest stage of that station.
    pub limiting: S,
    /// How long each stage worked, once-a-head stages included; over the makespan it is the
    /// stage's occupancy.
    pub busy: StageTimes<S>,
    /// The longest single query.
    pub longest: Picos,
    /// How many queries.
    pub queries: u64,
}

#[cfg(test)]
mod tests {
    use super::super::schedule::tests::stage_by_stage;
    use super::*;
    use crate::base::vocabulary::mill::Stage;

    type StageTimes = super::StageTimes<Stage>;
    type Schedule = super::Schedule<Stage>;
    type Run = super::Run<Stage>;
    use proptest::prelude::*;

    fn once(first: u64, scale: u64, second: u64) -> StageTimes {
        StageTimes::ZERO
            .with(Stage::LoadFirst, Picos::new(first))
            .with(Stage::LoadScale, Picos::new(scale))
            .with(Stage::LoadSecond, Picos::new(second))
    }

    fn times(of_stages: [u64; 7]) -> StageTimes {
        Stage::OF_A_QUERY
            .iter()
            .zip(of_stages)
            .fold(StageTimes::ZERO, |times, (stage, time)| {
                times.with(*stage, Picos::new(time))
            })
    }

    fn run(schedule: &Schedule, once: &StageTimes, queries: &[StageTimes]) -> Run {
        let mut progress = schedule.start(once);
        for query in queries {
            progress.push(query);
        }
        progress.finish()
    }

    proptest! {
        #[test]
        fn queries_alike_in_closed_form_equal_one_after_another(
            of_stages in proptest::array::uniform7(0u64..50),
            written in proptest::array::uniform3(0u64..300),
            queries in 0u64..20,
            serial: bool,
        ) {
            let schedule = if serial { Schedule::default() } else { stage_by_stage() };
            let query = times(of_stages);
            let mut pushed = schedule.start(&once(written[0], written[1], written[2]));
            let mut repeated = pushed.clone();
            for _ in 0..queries {
                pushed.push(&query);
            }
            repeated.repeat(&query, queries);
            prop_assert_eq!(pushed, repeated);
        }
    }

    #[test]
    fn a_pipeline_by_hand() {
        let query = times([10, 20, 5, 1, 0, 30, 40]);
        let once = once(100, 7, 500);
        let serial = run(&Schedule::default(), &once, &[query; 3]);
        assert_eq!(serial.makespan, Picos::new(607 + 3 * 106));
        assert_eq!(
            (serial.interval, serial.limiting),
            (Picos::new(106), Stage::Second)
        );
        // First operands at 100; first station of query 0 to 135, scales to 166, then the second waits for its operands.
        let piped = run(&Schedule::pipelined(), &once, &[query; 3]);
        assert_eq!(piped.makespan, Picos::new(500 + 3 * 40));
        assert_eq!(
            (piped.interval, piped.limiting),
            (Picos::new(40), Stage::Second)
        );
        assert_eq!(piped.busy.get(Stage::LoadSecond), Picos::new(500));
        assert_eq!(piped.busy.get(Stage::Scale), Picos::new(90));
    }

    #[test]
    fn a_station_holds_one_query_at_a_time() {
        // Fetching and the first product are one station: 35 a query, not the 20 of the longest stage.
        let query = times([15, 20, 0, 0, 0, 1, 1]);
        let run = run(&Schedule::pipelined(), &StageTimes::ZERO, &[query; 10]);
        assert_eq!((run.interval, run.limiting), (Picos::new(35), Stage::First));
        assert_eq!(run.makespan, Picos::new(350 + 2));
    }

    #[test]
    fn nothing_to_do_takes_the_writes() {
        let once = once(100, 7, 50);
        assert_eq!(
            run(&Schedule::default(), &once, &[]).makespan,
            Picos::new(157)
        );
        assert_eq!(
            run(&Schedule::pipelined(), &once, &[]).makespan,
            Picos::new(100)
        );
    }

    fn any_stations() -> impl Strategy<Value = Schedule> {
        // A cut or none between each two stages.
        proptest::collection::vec(any::<bool>(), 6).prop_map(|cuts| {
            let mut stations = vec![vec![Stage::OF_A_QUERY[0]]];
            for (&stage, cut) in Stage::OF_A_QUERY[1..].iter().zip(cuts) {
                match stations.last_mut() {
                    Some(station) if !cut => station.push(stage),
                    _ => stations.push(vec![stage]),
                }
            }
            Schedule::Pipelined { stations }
        })
    }

    fn any_run() -> impl Strategy<Value = (StageTimes, Vec<StageTimes>)> {
        let query = proptest::array::uniform7(0u64..1000).prop_map(times);
        let queries = proptest::collection::vec(query, 0..30);
        ((0u64..5000, 0u64..5000, 0u64..5000), queries)
            .prop_map(|((k, lut, v), queries)| (once(k, lut, v), queries))
    }

    proptest! {
        #[test]
        fn a_pipeline_lies_between_its_busiest_stage_and_the_serial_sum(
            (once, queries) in any_run(), schedule in any_stations(),
        ) {
            prop_assert!(schedule.check().is_ok());
            let serial = run(&Schedule::Serial {}, &once, &queries);
            let piped = run(&schedule, &once, &queries);
            let sum: Picos = queries.iter().map(StageTimes::total).sum();
            prop_assert_eq!(serial.makespan, once.total() + sum);
            prop_assert!(piped.makespan <= serial.makespan);
            for stage in Stage::ALL {
                prop_assert!(piped.busy.get(stage) <= piped.makespan);
                prop_assert_eq!(piped.busy.get(stage), serial.busy.get(stage));
            }
            prop_assert_eq!(piped.longest, serial.longest);
            prop_assert!(piped.longest <= piped.makespan);
            prop_assert!(piped.interval <= serial.interval);
        }

        #[test]
        fn cutting_a_station_in_two_never_slows_the_pipeline((once, queries) in any_run(), schedule in any_stations()) {
            let piped = run(&schedule, &once, &queries);
            prop_assert!(run(&stage_by_stage(), &once, &queries).makespan <= piped.makespan);
        }

        #[test]
        fn one_more_query_never_ends_earlier((once, queries) in any_run(), schedule in any_stations()) {
            let mut progress = schedule.start(&once);
            let mut last = Picos::ZERO;
            for query in &queries {
                let end = progress.push(query);
                prop_assert!(end >= last);
                last = end;
            }
        }
    }
}
