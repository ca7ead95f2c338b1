//! From trip steps to the output of a query, as one design does it.

use std::ops::Range;

use super::product::PartialSums;
use super::{Attention, AvParams, Datapath, Prepared, Sort};
use crate::base::rng::{Purpose, Seed, Site};
use crate::base::timing::{Arbiter, Request, queue};
use crate::hardware::converter::{AdcParams, PlainAdc};
use crate::hardware::crossbar::{Addressing, Chip, StoredValues, Values};
use crate::hardware::quantise::percentile;
use crate::hardware::softmax::{Lut, Row};
use crate::hardware::topk::{TileOutcome, Topk, Winner, cut, grants, merge, rank};

/// A design at the end of one head: what it selects with, its table, its A x V.
#[derive(Clone, Debug)]
pub struct Finish<'a> {
    /// The hardware.
    pub attention: &'a Attention,
    /// The design.
    pub datapath: Datapath,
    /// What the head keeps.
    pub topk: &'a Topk,
    /// The table of the head.
    pub lut: Lut,
    pub(super) adc: Option<PlainAdc>,
}

/// One query of one design.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Columns that enter the softmax, in address order.
    pub survivors: Vec<Winner>,
    /// Each tile's part.
    pub tiles: Vec<TileOutcome>,
    /// The row after the softmax macro, in the order of the survivors.
    pub row: Row,
    /// Output in the units of V.
    pub output: Vec<f64>,
}

/// Calibration queries that set the full scale of the ADC of A x V, spread evenly.
const CALIBRATION_QUERIES: usize = 48;

impl<'a> Finish<'a> {
    /// Loads a design for one head. The full scale of its plain ADC is a percentile of the partial
    /// sums that the design makes on calibration rows, clean.
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
        if let AvParams::Tiles {
            adc: adc @ AdcParams::Uniform { percentile, .. },
            wordlines,
            ..
        } = attention.av
        {
            finish.adc = adc.fit(finish.clean_partial_sums(calibration, wordlines, percentile));
        }
        finish
    }

    /// The given percentile of the magnitudes of clean partial sums over calibration queries.
    fn clean_partial_sums(&self, rows: &Prepared, wordlines: usize, percent: f64) -> f64 {
        let (queries, tokens) = (rows.q.ncols(), rows.k.nrows());
        let v_max = self.attention.quantise.v.max_code();
        let layout = Values::lay(
            tokens,
            rows.v.nrows(),
            wordlines,
            v_max,
            Addressing::Logical {},
        );
        let stored = layout.clean(&rows.v);
        let ladders = self.attention.ramp.ladders(0.0, &[], 0);
        let mut magnitudes = Vec::new();
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
            let outcome = self.select(&trips, query, rows);
            for tile in &layout.tiles {
                let sums = PartialSums::of(&outcome.survivors, &outcome.row.codes, tile, &stored);
                magnitudes.extend(sums.into_iter().flat_map(|sums| sums.values).map(f64::abs));
            }
        }
        magnitudes.retain(|magnitude| *magnitude > 0.0);
        percentile(magnitudes, percent).unwrap_or(1.0)
    }

    /// Whether a tile of the layout can never win: it gets no place whatever the row.
    #[must_use]
    pub fn is_idle(&self, tile: usize) -> bool {
        let shares = matches!(
            self.datapath,
            Datapath::Topkima {}
                | Datapath::DigitalTopk {
                    sort: Sort::PerTile {}
                }
        );
        shares && self.topk.quota.get(tile) == Some(&0)
    }

    /// Selection and softmax of one query from its columns' trips.
    #[must_use]
    pub fn select(&self, trips: &[f64], query: usize, prepared: &Prepared) -> Outcome {
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
        let live: Vec<usize> = tiles
            .iter()
            .map(|tile| {
                if prepared.mask.is_open() {
                    tile.len()
                } else {
                    tile.clone()
                        .filter(|token| prepared.mask.is_live(query, *token, tokens))
                        .count()
                }
            })
            .collect();
        let steps = f64::from(self.attention.ramp.steps());
        let full_ramp = |live: usize| TileOutcome {
            live,
            quota: live,
            stop: (live > 0).then_some(steps),
            tie: false,
            kept: 0,
            grants: Vec::new(),
        };
        let all = |tile: &Range<usize>| -> Vec<Winner> {
            let columns = trips[tile.clone()].iter().zip(tile.clone());
            columns
                .filter(|(trip, _)| trip.is_finite())
                .map(|(trip, token)| Winner { token, trip: *trip })
                .collect()
        };
        let mut survivors = Vec::new();
        let mut outcomes = Vec::with_capacity(tiles.len());
        match self.datapath {
            Datapath::Conventional {} => {
                for (tile, live) in tiles.iter().zip(&live) {
                    survivors.extend(all(tile));
                    outcomes.push(full_ramp(*live));
                }
            }
            Datapath::DigitalTopk {
                sort: Sort::Global {},
            } => {
                survivors = merge(rank(trips, 0, self.topk.k), self.topk.k);
                outcomes.extend(live.iter().map(|live| full_ramp(*live)));
            }
            Datapath::DigitalTopk {
                sort: Sort::PerTile {},
            }
            | Datapath::Topkima {} => {
                let mut quota = self.topk.row_quota(&live);
                // Calibration rows may fill fewer tiles: the last one takes what is left over.
                let left: usize = quota.drain(tiles.len().min(quota.len())..).sum();
                quota.resize(tiles.len(), 0);
                if let Some(last) = quota.last_mut() {
                    *last += left;
                }
                for ((tile, live), quota) in tiles.iter().zip(&live).zip(quota) {
                    let (kept, outcome) =
                        self.select_in(&trips[tile.clone()], tile.start, quota, *live);
                    survivors.extend(kept);
                    outcomes.push(outcome);
                }
                if self.topk.merges {
                    survivors = merge(survivors, self.topk.k);
                } else {
                    survivors.sort_by_key(|winner| winner.token);
                }
            }
        }
        let global = matches!(
            self.datapath,
            Datapath::DigitalTopk {
                sort: Sort::Global {}
            }
        );
        for winner in &survivors {
            // What a sort over the whole row leaves goes through one softmax, that of the first tile.
            let first = outcomes.iter().position(|tile| tile.stop.is_some());
            let at = match first {
                Some(first) if global => first,
                _ => tiles.partition_point(|tile| tile.end <= winner.token),
            };
            outcomes[at].kept += 1;
        }
        let depths: Vec<f64> = survivors
            .iter()
            .map(|w| self.attention.ramp.decode(w.trip) - self.attention.ramp.first_depth())
            .collect();
        Outcome {
            row: self.lut.row(&depths),
            survivors,
            tiles: outcomes,
            output: Vec::new(),
        }
    }

    /// Sub-top-k of one tile, whose first column is `start`.
    fn select_in(
        &self,
        trips: &[f64],
        start: usize,
        quota: usize,
        live: usize,
    ) -> (Vec<Winner>, TileOutcome) {
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
                kept: 0,
                grants: served.arrivals,
            };
            return (kept.collect(), outcome);
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
        if early && !self.attention.ramp.is_exact() {
            outcome.grants = grants(&ranked);
        }
        (ranked, outcome)
    }

    /// A x V of one query: fills the output of `outcome`.
    pub fn drive(
        &self,
        seed: Seed,
        chip: &Chip,
        (head, query): (u64, usize),
        prepared: &Prepared,
        stored: Option<&StoredValues>,
        outcome: &mut Outcome,
    ) {
        let d_value = prepared.v.nrows();
        let mut output = vec![0.0; d_value];
        match (&self.attention.values, stored) {
            (Some(layout), Some(stored)) => {
                for (at, tile) in layout.tiles.iter().enumerate() {
                    let Some(mut sums) =
                        PartialSums::of(&outcome.survivors, &outcome.row.codes, tile, stored)
                    else {
                        continue;
                    };
                    let conversion = prepared.address(query) << 32 | at as u64;
                    sums.add_read_noise(seed, chip.trial, Site(head | 1 << 63, conversion));
                    if let Some(adc) = &self.adc {
                        let sigma = self.attention.device.column.adc_noise;
                        let noise =
                            seed.stream(Purpose::PlainAdc, chip.trial, Site(head, conversion));
                        sums.convert(adc, sigma, noise);
                    }
                    sums.join_into(&mut output, &layout.places);
                }
            }
            _ => {
                for (winner, code) in outcome.survivors.iter().zip(&outcome.row.codes) {
                    for (out, value) in output
                        .iter_mut()
                        .zip(prepared.v.column(winner.token).iter())
                    {
                        *out += code * value;
                    }
                }
            }
        }
        let gain = outcome.row.gain * prepared.calibration.v.unit;
        outcome.output = output.into_iter().map(|sum| sum * gain).collect();
    }
}
