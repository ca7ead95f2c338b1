//! What a head costs as one design runs it: every query's counts and times, folded as they come.

use super::{AvParams, Finish, HeadCost, Outcome};
use crate::base::energy::Leaking;
use crate::hardware::events::{Cost, Costed, Ledger, Progress, QueryTrace, Stage};
use crate::hardware::timing::{HeadShape, pulse_units};

/// The book of one head: opened with what happens once, a query at a time, then closed.
#[derive(Clone, Debug)]
pub struct Account<'a> {
    finish: &'a Finish<'a>,
    shape: HeadShape,
    ledger: Ledger,
    progress: Progress,
}

impl<'a> Account<'a> {
    /// Opens the book of a head with what writing K counted tile by tile
    /// ([`Conversion::written`](super::Conversion::written)) and what writing V did; the table was
    /// loaded with the design. A tile that gets no place is not written.
    #[must_use]
    pub fn open(finish: &'a Finish<'a>, keys: &[Cost], values: Cost) -> Self {
        let mut ledger = Ledger::of(Stage::WriteV, values);
        for (_, tile) in keys
            .iter()
            .enumerate()
            .filter(|(at, _)| !finish.is_idle(*at))
        {
            ledger.charge(Stage::WriteK, *tile);
        }
        ledger.charge(Stage::LutLoad, finish.lut.cost);
        let timing = &finish.attention.timing;
        let shape = finish.shape();
        let progress = timing.switches().schedule.start(&timing.once(&shape));
        Self {
            finish,
            shape,
            ledger,
            progress,
        }
    }

    /// Opens the book of a head whose K and V are not at hand: what writing them counts follows from
    /// the layout.
    #[must_use]
    pub fn of_layout(finish: &'a Finish<'a>) -> Self {
        let attention = finish.attention;
        let values = attention.values.as_ref();
        Self::open(
            finish,
            &attention.crossbar.writes(),
            values.map_or(Cost::ZERO, |values| values.writes()),
        )
    }

    /// What was counted so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Adds a query with what it paid.
    pub fn add(&mut self, query: &Costed<Outcome, Ledger>) {
        self.ledger.add(&query.cost);
        self.pass(&query.value.trace);
    }

    /// Adds a query of which only the trace is known.
    pub fn add_trace(&mut self, trace: &QueryTrace) {
        self.finish.count(trace, &mut self.ledger);
        self.pass(trace);
    }

    fn pass(&mut self, trace: &QueryTrace) {
        let times = self.finish.attention.timing.query(&self.shape, trace);
        self.progress.push(&times);
    }

    /// Adds `queries` alike without any data: each tile stops at `stop` (a full ramp for designs
    /// that do not stop) with its grants spread over different steps, every input is driven.
    pub fn add_nominal(&mut self, queries: u64, stop: u32) {
        let trace = self.finish.nominal_trace(stop);
        let mut counts = Ledger::ZERO;
        self.finish.count(&trace, &mut counts);
        self.ledger.add(&counts.times(queries));
        let times = self.finish.attention.timing.query(&self.shape, &trace);
        self.progress.repeat(&times, queries);
    }

    /// Closes the book of a head in which so many `pairs` of a query and a key are live: what is masked is no work.
    pub fn close(self, pairs: u64) -> HeadCost {
        let attention = self.finish.attention;
        let crossbar = &attention.crossbar;
        let run = self.progress.finish();
        HeadCost {
            heads: 1,
            ledger: self.ledger,
            busy: run.busy,
            makespan: run.makespan,
            interval: run.interval,
            leaking: Leaking::of(self.finish.leaking_tiles(), run.makespan),
            operations: 2 * pairs * (crossbar.d_head + attention.d_value) as u64,
        }
    }
}

impl Finish<'_> {
    /// Tiles that leak as long as a head lasts: those of K that are written, and those of V.
    #[must_use]
    pub fn leaking_tiles(&self) -> u64 {
        let keys = self.attention.crossbar.tiles().len();
        let written = (0..keys).filter(|at| !self.is_idle(*at)).count();
        let values = self.attention.values.as_ref();
        (written + values.map_or(0, |values| values.tiles.len())) as u64
    }

    /// What time takes from the sizes of a head.
    pub(super) fn shape(&self) -> HeadShape {
        let attention = self.attention;
        let crossbar = &attention.crossbar;
        let q_max = attention.quantise.q.max_code().unwrap_or(31);
        let (value_rows, av_conversions) = match (&attention.values, attention.av) {
            (
                Some(values),
                AvParams::Tiles {
                    columns_per_adc, ..
                },
            ) => (
                values.tiles.first().map_or(0, ExactSizeIterator::len),
                columns_per_adc.min(values.cells_per_token()),
            ),
            _ => (0, 0),
        };
        HeadShape {
            key_rows: crossbar.d_head as u64,
            value_rows: value_rows as u64,
            lut_entries: self.lut.value.entries() as u64,
            input_units: pulse_units(
                q_max,
                attention.device.cell.radix(),
                crossbar.places.len() as u32,
            ),
            // Without tiles A x V is digital, and its time is not simulated.
            av_units: match &attention.values {
                Some(_) => pulse_units(attention.softmax.max_code(), 2, 1),
                None => 0,
            },
            av_conversions: av_conversions as u64,
        }
    }
}
