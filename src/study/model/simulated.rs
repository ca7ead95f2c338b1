//! The heads of an encoder on the simulated hardware: the only file that knows both.
//!
//! [`Laid`] is the checked hardware: one layout for the longest sample, and for each shorter length
//! its first tokens, with the places that the longest layout wires. [`Simulated`] adds what
//! calibration samples fix, and [`OnChip`] one trial's chip, to which every head of every sample is
//! written in turn.

use std::collections::{BTreeMap, BTreeSet};

use super::{Activations, Attend, EncoderShape, HeadSite, Operands, Recorded, Trace};
use crate::base::cost::Ledger;
use crate::base::energy::Corner;
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::base::timing::StageTimes;
use crate::base::units::Picos;
use crate::hardware::attention::{
    Account, Attention, AttentionParams, Calibration, Datapath, Finish, Head, Mask, Place,
    Prepared, Reference, Shape,
};
use crate::hardware::converter::{FullScale, Ladders};
use crate::hardware::crossbar::{self, Cut};
use crate::hardware::device::Device;
use crate::hardware::quantise::{Matrix, NOMINAL_K, NOMINAL_Q, NOMINAL_V, percentile};
use crate::hardware::topk::{K, Split};

/// The hardware of an encoder for samples of certain lengths, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Laid {
    /// The design.
    pub datapath: Datapath,
    /// The layout of the longest sample, a head for each layer and head.
    pub longest: Attention,
    by_length: BTreeMap<usize, Attention>,
    layers: usize,
    heads: usize,
}

impl Laid {
    /// Lays an encoder out. `topk.k` and the ramp's full scale may hold one number for all heads, one
    /// a layer, or one a head, layer by layer.
    ///
    /// # Errors
    /// Every mistake of the hardware's parameters for the longest sample.
    pub fn check(
        params: &AttentionParams,
        device: &Device,
        datapath: Datapath,
        shape: &EncoderShape,
        longest: usize,
        lengths: &BTreeSet<usize>,
    ) -> Result<Self, Mistakes> {
        let (layers, heads) = (shape.layers, shape.heads);
        let mut params = params.clone();
        if let K::PerHead(ks) = &mut params.topk.k
            && ks.len() == layers
        {
            *ks = ks.iter().flat_map(|k| vec![*k; heads]).collect();
        }
        if let FullScale::PerHead(scores) = &mut params.ramp.full_scale
            && scores.len() == layers
        {
            *scores = scores.iter().flat_map(|s| vec![*s; heads]).collect();
        }
        let of = |tokens: usize| Shape {
            heads: layers * heads,
            queries: tokens,
            tokens,
            d_head: shape.d_head(),
            d_value: shape.d_head(),
        };
        let whole = params.check(of(longest), device)?;
        let mut by_length = BTreeMap::new();
        for &tokens in lengths
            .iter()
            .filter(|tokens| (1..=longest).contains(*tokens))
        {
            // The first tokens of the longest layout.
            let sizes: Vec<usize> = whole
                .crossbar
                .tiles()
                .iter()
                .map(|tile| tile.end.min(tokens).saturating_sub(tile.start))
                .filter(|size| *size > 0)
                .collect();
            let mut part = params.clone();
            part.crossbar.cut = Cut::Explicit(sizes.clone());
            part.topk.k = K::All(1);
            part.topk.split = Split::Proportional {};
            let mut attention = part.check(of(tokens), device)?;
            attention.topk = whole
                .topk
                .iter()
                .map(|wired| {
                    let mut topk = wired.clone();
                    let live: Vec<usize> = (0..wired.quota.len())
                        .map(|tile| sizes.get(tile).copied().unwrap_or(0))
                        .collect();
                    topk.quota = wired.row_quota(&live);
                    topk.quota.truncate(sizes.len());
                    topk.k = wired.k.min(tokens);
                    topk
                })
                .collect();
            by_length.insert(tokens, attention);
        }
        Ok(Self {
            datapath,
            longest: whole,
            by_length,
            layers,
            heads,
        })
    }
}

/// Hardware with what calibration fixed for each head.
#[derive(Clone, Debug)]
pub struct Simulated<'a> {
    laid: &'a Laid,
    seed: Seed,
    calibrations: Vec<Calibration>,
    finishes: Vec<Finish<'a>>,
}

impl<'a> Simulated<'a> {
    /// Calibrates every head from what a float pass over calibration samples recorded: scales and the
    /// ramp's full scale from all of them together, the converter of A x V from the longest.
    #[must_use]
    pub fn calibrate(laid: &'a Laid, seed: Seed, recorded: &[Recorded]) -> Self {
        let mut of_head: Vec<Vec<&Recorded>> = vec![Vec::new(); laid.layers * laid.heads];
        for one in recorded {
            if let Some(rows) = of_head.get_mut(laid.index(one.site)) {
                rows.push(one);
            }
        }
        let mut calibrations = Vec::with_capacity(of_head.len());
        let mut finishes = Vec::with_capacity(of_head.len());
        for (at, rows) in of_head.iter().enumerate() {
            let calibration = calibrate(&laid.longest, at, rows);
            let mut longest: Option<&Recorded> = None;
            for &one in rows {
                if longest.is_none_or(|other| one.k.ncols() > other.k.ncols()) {
                    longest = Some(one);
                }
            }
            let head = longest.map_or_else(empty_head, |one| {
                head_of(&one.q.as_view(), &one.k.as_view(), &one.v.as_view())
            });
            let attention = laid.by_length.get(&head.k.nrows()).unwrap_or(&laid.longest);
            let prepared = Prepared::of(attention, &head, calibration, 1);
            finishes.push(Finish::load(attention, laid.datapath, at, &prepared));
            calibrations.push(calibration);
        }
        Self {
            laid,
            seed,
            calibrations,
            finishes,
        }
    }

    /// The calibration of each head, layer by layer.
    #[must_use]
    pub fn calibrations(&self) -> &[Calibration] {
        &self.calibrations
    }

    /// Fabricates the chip of a trial. Shorter layouts are the first columns of the longest one, and
    /// their draws have the same addresses, so all of them are one chip.
    #[must_use]
    pub fn on_chip(&'a self, trial: u64) -> OnChip<'a> {
        let chips = self.laid.by_length.iter().map(|(tokens, attention)| {
            let chip = crossbar::Chip::fabricate(
                self.seed,
                trial,
                &attention.device,
                &attention.crossbar,
                attention.values.as_ref(),
            );
            let ladders = attention.ladders(&chip);
            (*tokens, (attention, chip, ladders))
        });
        OnChip {
            simulated: self,
            chips: chips.collect(),
        }
    }
}

impl Laid {
    const fn index(&self, site: HeadSite) -> usize {
        site.layer * self.heads + site.head
    }

    /// The address of a head's draws: no two heads of any two samples share one.
    const fn address(&self, site: HeadSite) -> u64 {
        site.sample * (self.layers * self.heads) as u64 + self.index(site) as u64
    }
}

/// Scales and full scale of one head, from all calibration samples together.
fn calibrate(attention: &Attention, head: usize, rows: &[&Recorded]) -> Calibration {
    let values = |of: fn(&Recorded) -> &Activations, factor: fn(&Recorded) -> f64| -> Vec<f64> {
        let scaled = rows.iter().flat_map(|one| {
            let factor = factor(one);
            of(one).iter().map(move |value| f64::from(*value) * factor)
        });
        scaled.collect()
    };
    let full_scale = match attention.ramp.full_scale() {
        FullScale::Scores(score) => *score,
        FullScale::PerHead(scores) => scores.get(head).copied().unwrap_or(1.0),
        FullScale::Percentile(percent) => {
            let mut positive = Vec::new();
            for one in rows {
                let head = head_of(&one.q.as_view(), &one.k.as_view(), &one.v.as_view());
                positive.extend(
                    Reference::scores(&head)
                        .iter()
                        .filter(|score| **score > 0.0),
                );
            }
            percentile(positive, *percent).unwrap_or(1.0)
        }
    };
    let quantise = &attention.quantise;
    Calibration {
        q: quantise
            .q
            .fit(&values(|one| &one.q, query_factor), NOMINAL_Q),
        k: quantise.k.fit(&values(|one| &one.k, |_| 1.0), NOMINAL_K),
        v: quantise.v.fit(&values(|one| &one.v, |_| 1.0), NOMINAL_V),
        full_scale,
        lsb: attention.ramp.lsb(full_scale),
    }
}

fn query_factor(one: &Recorded) -> f64 {
    1.0 / (one.q.nrows() as f64).sqrt()
}

fn empty_head() -> Head {
    Head {
        q: Matrix::zeros(1, 1),
        k: Matrix::zeros(1, 1),
        v: Matrix::zeros(1, 1),
        mask: Mask::default(),
        place: Place::default(),
    }
}

type View<'a> = nalgebra::DMatrixView<'a, f32>;

/// A head as the hardware takes it: 1/sqrt(d) folded into Q.
fn head_of(q: &View<'_>, k: &View<'_>, v: &View<'_>) -> Head {
    let factor = 1.0 / (q.nrows() as f64).sqrt();
    Head {
        q: q.map(|value| f64::from(value) * factor),
        k: Matrix::from_fn(k.ncols(), k.nrows(), |token, at| f64::from(k[(at, token)])),
        v: v.map(f64::from),
        mask: Mask::default(),
        place: Place::default(),
    }
}

/// What heads cost and how they were read, counted; joules only at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Spending {
    /// Counts by stage.
    pub ledger: Ledger,
    /// Busy time by stage.
    pub busy: StageTimes,
    /// Heads.
    pub heads: u64,
    /// Picoseconds of all makespans: heads run one after another on one macro.
    pub makespans: u128,
    /// Picoseconds times tiles, for leakage.
    pub leaking: u128,
    /// Steps executed by driven tiles.
    pub steps: u64,
    /// Driven tiles of all queries.
    pub tiles: u64,
    /// Sum over live columns of the squared deviation at the comparator, in LSB squared.
    pub noise_square: f64,
    /// Live columns.
    pub live: u64,
}

impl Default for Spending {
    fn default() -> Self {
        Self {
            ledger: Ledger::ZERO,
            busy: StageTimes::ZERO,
            heads: 0,
            makespans: 0,
            leaking: 0,
            steps: 0,
            tiles: 0,
            noise_square: 0.0,
            live: 0,
        }
    }
}

impl Trace for Spending {
    fn join(&mut self, later: Self) {
        self.ledger.add(&later.ledger);
        self.busy = self.busy.then(&later.busy);
        self.heads += later.heads;
        self.makespans += later.makespans;
        self.leaking += later.leaking;
        self.steps += later.steps;
        self.tiles += later.tiles;
        self.noise_square += later.noise_square;
        self.live += later.live;
    }
}

impl Spending {
    /// Energy of all heads in picojoules.
    #[must_use]
    pub fn energy_pj(&self, device: &Device, corner: Corner) -> f64 {
        let prices = &device.prices;
        let dynamic = prices.energy(&self.ledger, Picos::ZERO, 0, corner).si() * 1e12;
        // Watts times picoseconds are picojoules.
        dynamic + prices.leak(corner).si() * self.leaking as f64
    }

    /// Root mean square deviation at the comparator, in LSB.
    #[must_use]
    pub fn noise_lsb(&self) -> Option<f64> {
        (self.live > 0).then(|| (self.noise_square / self.live as f64).sqrt())
    }

    /// Steps executed over steps of a full ramp.
    #[must_use]
    pub fn alpha(&self, attention: &Attention) -> Option<f64> {
        let full = self.tiles as f64 * f64::from(attention.ramp.steps());
        (self.tiles > 0 && !attention.ramp.is_exact()).then(|| self.steps as f64 / full)
    }
}

/// The hardware with the chip of one trial.
#[derive(Clone, Debug)]
pub struct OnChip<'a> {
    simulated: &'a Simulated<'a>,
    chips: BTreeMap<usize, (&'a Attention, crossbar::Chip, Ladders)>,
}

impl Attend for OnChip<'_> {
    type Trace = Spending;

    fn attend(&self, site: HeadSite, operands: Operands<'_>) -> (Activations, Spending) {
        let Operands { q, k, v } = operands;
        let Simulated {
            laid,
            seed,
            calibrations,
            finishes,
        } = self.simulated;
        let at = laid.index(site);
        // Lengths were laid out before; a sample of another one has no layout and gets no output.
        let Some((attention, chip, ladders)) = self.chips.get(&k.ncols()) else {
            return (
                Activations::zeros(v.nrows(), v.ncols()),
                Spending::default(),
            );
        };
        let attention: &Attention = attention;
        let mut finish = finishes[at].clone();
        finish.attention = attention;
        finish.topk = &attention.topk[at];
        let address = laid.address(site);
        let prepared = prepare(attention, head_of(&q, &k, &v), calibrations[at]);
        let conversion = attention.convert(*seed, chip, ladders, address, &prepared);
        let stored = attention
            .values
            .as_ref()
            .map(|values| values.program(*seed, address, chip, &attention.device, &prepared.v));
        let counted = !attention.ramp.is_exact();
        let mut account = counted.then(|| Account::open(&finish, v.nrows()));
        let mut spending = Spending {
            heads: 1,
            noise_square: conversion.noise_square_sum,
            live: conversion.live,
            ..Spending::default()
        };
        let mut output = Activations::zeros(v.nrows(), q.ncols());
        for (query, mut column) in output.column_iter_mut().enumerate() {
            let trips = conversion.trips.column(query);
            let mut outcome = finish.select(trips.as_slice(), query, &prepared);
            finish.drive(
                *seed,
                chip,
                (address, query),
                &prepared,
                stored.as_ref(),
                &mut outcome,
            );
            for (out, value) in column.iter_mut().zip(&outcome.output) {
                *out = *value as f32;
            }
            if let Some(account) = &mut account {
                account.add(prepared.query(query), &outcome);
                for stop in outcome.tiles.iter().filter_map(|tile| tile.stop) {
                    spending.steps += stop as u64;
                    spending.tiles += 1;
                }
            }
        }
        if let Some(account) = account {
            let spent = account.close(q.ncols());
            let makespan = u128::from(spent.run.makespan.get());
            spending.ledger = spent.ledger;
            spending.busy = spent.run.busy;
            spending.makespans = makespan;
            spending.leaking = makespan * u128::from(spent.tiles);
        }
        (output, spending)
    }
}

/// A head as codes with its clean sums. References are left out: what is measured here stands at the
/// end of the encoder.
fn prepare(attention: &Attention, head: Head, calibration: Calibration) -> Prepared {
    let (q, k) = (calibration.q.codes(&head.q), calibration.k.codes(&head.k));
    Prepared {
        clean: crossbar::CleanSums::of(&attention.crossbar, &attention.device, &k, &q),
        calibration,
        q,
        k,
        v: calibration.v.codes(&head.v),
        mask: head.mask,
        reference: Reference {
            scores: Matrix::zeros(0, 0),
            probabilities: Matrix::zeros(0, 0),
            output: Matrix::zeros(0, 0),
        },
        place: head.place,
        live: 0,
        clipped: 0,
        true_order: Vec::new(),
    }
}
