//! From trip steps to the output of a query, as one design does it.

use std::ops::Range;

use super::product::PartialSums;
use super::{Attention, AvParams, Datapath, Prepared};
use crate::base::rng::{Purpose, Seed};
use crate::hardware::address;
use crate::hardware::converter::{AdcParams, Coding, PlainAdc};
use crate::hardware::crossbar::{Addressing, Chip, StoredValues, Values};
use crate::hardware::events::{Costed, Ledger, QueryTrace, Stage};
use crate::hardware::quantise::percentile;
use crate::hardware::softmax::{Lut, Row};
use crate::hardware::topk::{TileOutcome, Topk, Winner};

/// A design at the end of one head: what it selects with, its table, its A x V.
#[derive(Clone, Debug)]
pub struct Finish<'a> {
    /// The hardware.
    pub attention: &'a Attention,
    /// The design.
    pub datapath: Datapath,
    /// What the head keeps.
    pub topk: &'a Topk,
    /// The table of the head, loaded.
    pub lut: Costed<Lut>,
    /// The ADC of A x V, if it is fitted to calibration rows.
    pub adc: Option<PlainAdc>,
}

/// One query of one design.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Columns that enter the softmax, in address order.
    pub survivors: Vec<Winner>,
    /// Each tile's part.
    pub tiles: Vec<TileOutcome>,
    /// What time and counts depend on; of a converter without steps it holds no tile.
    pub trace: QueryTrace,
    /// The row after the softmax macro, in the order of the survivors.
    pub row: Row,
    /// Output in the units of V.
    pub output: Vec<f64>,
    /// Conversions of A x V.
    pub conversions: u64,
    /// Those of them whose sum lies beyond the ADC's largest code.
    pub beyond: u64,
}

/// Calibration queries that set the full scale of the ADC of A x V, spread evenly.
const CALIBRATION_QUERIES: usize = 48;

/// What the full scale of an ADC of A x V is fitted with.
#[derive(Clone, Copy)]
struct Fitted {
    adc: AdcParams,
    /// Rows of a tile.
    wordlines: usize,
    coding: Coding,
}

/// The ADC of A x V if its full scale is fitted to calibration rows.
fn fitted_adc(av: &AvParams) -> Option<Fitted> {
    match *av {
        AvParams::Ideal {} => None,
        AvParams::Tiles { adc, wordlines, .. } => adc.coding().map(|coding| Fitted {
            adc,
            wordlines,
            coding,
        }),
    }
}

impl<'a> Finish<'a> {
    /// Loads a design for one head. The full scale of its plain ADC is a percentile of what the partial sums
    /// that the design makes on calibration rows reach: `max(|clean|, |mean| + margin sigma)`, in codes of A times
    /// levels of a cell, where mean and sigma are those of the sum over all chips, writes and reads.
    #[must_use]
    pub fn load(
        attention: &'a Attention,
        datapath: Datapath,
        head: usize,
        calibration: &Prepared,
    ) -> Self {
        let of = &calibration.calibration;
        let threshold = attention
            .softmax
            .threshold_percentile()
            .and_then(|percent| {
                let tokens = calibration.k.nrows();
                let scores = calibration.reference.scores.iter().enumerate();
                let live = scores
                    .filter(|(at, _)| calibration.mask.is_live(at / tokens, at % tokens, tokens));
                percentile(live.map(|(_, score)| *score).collect(), percent)
            });
        let lut = attention.softmax.load(
            of.full_scale - attention.ramp.first_depth() * of.lsb,
            of.lsb,
            attention.ramp.bits(),
            threshold,
        );
        let mut finish = Self {
            attention,
            datapath,
            topk: &attention.topk[head],
            lut,
            adc: None,
        };
        if let Some(fitted) = fitted_adc(&attention.av) {
            finish.adc = fitted.adc.fit(finish.reach(calibration, fitted));
        }
        finish
    }

    /// Whether a design of this hardware looks at calibration rows, and not only at their scales.
    #[must_use]
    pub fn reads_rows(attention: &Attention) -> bool {
        fitted_adc(&attention.av).is_some() || attention.softmax.threshold_percentile().is_some()
    }

    /// The percentile of what partial sums reach over calibration queries, whose trips are clean.
    fn reach(&self, rows: &Prepared, fitted: Fitted) -> f64 {
        let (queries, tokens) = (rows.q.ncols(), rows.k.nrows());
        let v_max = self.attention.quantise.v.max_code();
        let layout = Values::lay(
            tokens,
            rows.v.nrows(),
            fitted.wordlines,
            v_max,
            Addressing::Logical {},
        );
        let clean = layout.clean(&rows.v);
        let device = &self.attention.device;
        let noisy = (fitted.coding.noise_margin > 0.0).then(|| layout.expected(device, &rows.v));
        let ladders = self.attention.ramp.ladders(0.0, &[], 0);
        let mut reaches = Vec::new();
        for query in (0..queries).step_by(queries.div_ceil(CALIBRATION_QUERIES).max(1)) {
            let trip = |token| {
                if rows.mask.is_live(query, token, tokens) {
                    self.attention
                        .ramp
                        .trip(rows.clean_depth(token, query), ladders.of(0))
                } else {
                    f64::INFINITY
                }
            };
            let trips: Vec<f64> = (0..tokens).map(trip).collect();
            let outcome = self.select(&trips, query, rows).value;
            for tile in 0..layout.tiles.len() {
                let (survivors, codes) = (&outcome.survivors, &outcome.row.codes);
                let of = |stored| PartialSums::of(survivors, codes, &layout, tile, stored);
                let Some(sums) = of(&clean) else { continue };
                let first = reaches.len();
                reaches.extend(sums.value.reaches(0.0));
                // A level that drifts down on average was higher when it was written.
                if let Some(noisy) = noisy.as_ref().and_then(of) {
                    let noisy = noisy.value.reaches(fitted.coding.noise_margin);
                    for (reach, noisy) in reaches[first..].iter_mut().zip(noisy) {
                        *reach = f64::max(*reach, noisy);
                    }
                }
            }
        }
        reaches.retain(|reach| *reach > 0.0);
        percentile(reaches, fitted.coding.percentile).unwrap_or(1.0)
    }

    /// Whether a tile of the layout can never win: it gets no place whatever the row.
    #[must_use]
    pub fn is_idle(&self, tile: usize) -> bool {
        self.shares() && self.topk.quota.get(tile) == Some(&0)
    }

    /// One query up to the row of its softmax, from its columns' trips: input, ramp, arbiter, sort, merge
    /// and softmax are paid.
    pub fn select(
        &self,
        trips: &[f64],
        query: usize,
        prepared: &Prepared,
    ) -> Costed<Outcome, Ledger> {
        let tokens = trips.len();
        let laid = self.attention.crossbar.tiles();
        let cut_alike: Vec<_>;
        let tiles = if self.attention.crossbar.tokens() == tokens {
            laid
        } else {
            // Calibration rows may hold another number of tokens than the layout: they are cut alike.
            let width = laid.first().map_or(1, ExactSizeIterator::len).max(1);
            cut_alike = (0..tokens)
                .step_by(width)
                .map(|start| start..tokens.min(start + width))
                .collect();
            &cut_alike
        };
        let live = |tile: &Range<usize>| {
            if prepared.mask.is_open() {
                return tile.len();
            }
            let live = |token: &usize| prepared.mask.is_live(query, *token, tokens);
            tile.clone().filter(live).count()
        };
        let live: Vec<usize> = tiles.iter().map(live).collect();
        let mut cost = Ledger::of(Stage::Input, self.fetched());
        let mut trace = QueryTrace {
            inputs: prepared.inputs[query],
            ..QueryTrace::default()
        };
        let mut winners = Vec::new();
        let mut outcomes = Vec::with_capacity(tiles.len());
        for ((tile, live), places) in tiles.iter().zip(&live).zip(self.places(&live)) {
            let (kept, outcome, grants) =
                self.convert_tile(&trips[tile.clone()], tile.start, places, *live);
            let stop = outcome.stop.filter(|_| !self.attention.ramp.is_exact());
            let part = self.tile(
                [tile.len(), *live, places],
                stop.map(|stop| stop as u32),
                grants,
            );
            self.count_tile(&part, trace.inputs, &mut cost);
            trace.tiles.push(part);
            winners.extend(kept);
            outcomes.push(outcome);
        }
        self.between_tiles(&mut trace);
        if self.sorts_whole_row() {
            winners = cost.pay(Stage::Sort, self.sort_row(trips, &trace));
        }
        let survivors = cost.pay(Stage::Merge, self.join(winners, &trace));
        for winner in &survivors {
            // What a sort over the whole row leaves goes through one softmax, that of the first tile.
            let first = outcomes.iter().position(|tile| tile.stop.is_some());
            let at = match first {
                Some(first) if self.sorts_whole_row() => first,
                _ => tiles.partition_point(|tile| tile.end <= winner.token),
            };
            trace.tiles[at].survivors += 1;
        }
        let depths: Vec<f64> = survivors
            .iter()
            .map(|w| self.attention.ramp.decode(w.trip) - self.attention.ramp.first_depth())
            .collect();
        cost.charge(
            Stage::Softmax,
            self.smallest(survivors.len() as u64, trace.driven()),
        );
        let row = cost.pay(Stage::Softmax, self.lut.value.row(&depths));
        let outcome = Outcome {
            row,
            survivors,
            tiles: outcomes,
            trace,
            ..Outcome::default()
        };
        Costed::new(outcome, cost)
    }

    /// A x V of one query and its normalisation, both paid: fills the output.
    pub fn drive(
        &self,
        seed: Seed,
        chip: &Chip,
        (head, query): (u64, usize),
        prepared: &Prepared,
        stored: Option<&StoredValues>,
        Costed {
            value: outcome,
            cost,
        }: &mut Costed<Outcome, Ledger>,
    ) {
        let (survivors, codes) = (&outcome.survivors, &outcome.row.codes);
        let mut output = vec![0.0; prepared.v.nrows()];
        match (&self.attention.values, stored) {
            (Some(layout), Some(stored)) => {
                for at in 0..layout.tiles.len() {
                    let sums = PartialSums::of(survivors, codes, layout, at, stored);
                    let Some(sums) = sums else {
                        outcome.trace.value_rows.push(0);
                        continue;
                    };
                    let mut sums = cost.pay(Stage::Av, sums);
                    outcome.trace.value_rows.push(sums.rows);
                    let number = prepared.address(query);
                    let site = address::read_of_values(head, number, at);
                    sums.add_read_noise(seed, chip.trial, site);
                    if let Some(adc) = &self.adc {
                        outcome.conversions += sums.values.len() as u64;
                        outcome.beyond += sums.beyond(adc);
                        let sigma = self.attention.device.column.adc_noise;
                        let site = address::tile(head, number, at);
                        let noise = seed.stream(Purpose::PlainAdc, chip.trial, site);
                        sums.convert(adc, sigma, noise);
                    }
                    sums.join_into(&mut output, &layout.places);
                }
            }
            _ => {
                for (winner, code) in survivors.iter().zip(codes) {
                    for (out, value) in output
                        .iter_mut()
                        .zip(prepared.v.column(winner.token).iter())
                    {
                        *out += code * value;
                    }
                }
                cost.charge(Stage::Av, self.products(survivors.len() as u64));
            }
        }
        let gain = outcome.row.gain * prepared.calibration.v.unit;
        outcome.output = cost.pay(Stage::Softmax, self.lut.value.normalise(output, gain));
        cost.charge(Stage::Av, self.stored());
    }
}
