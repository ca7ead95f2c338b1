//! The heads of an encoder on the simulated hardware: the only file that runs them there.
//!
//! [`Simulated`] adds to the layouts what calibration samples fix, and [`OnChip`] one trial's chip, to
//! which every head of every sample is written in turn.

use std::collections::BTreeMap;

use super::{Activations, Attend, HeadSite, Laid, Operands, Recorded, Spending};
use crate::base::mistake::Mistakes;
use crate::base::rng::Seed;
use crate::hardware::attention::{
    Attention, Calibration, Datapath, Few, Finish, Head, Mask, Met, Place, Prepared, Reference,
    Stopped, Trial,
};
use crate::hardware::converter::FullScale;
use crate::hardware::crossbar;
use crate::hardware::quantise::{Matrix, NOMINAL_K, NOMINAL_Q, NOMINAL_V, percentile};

/// Hardware with what calibration fixed for each head.
#[derive(Clone, Debug)]
pub struct Simulated<'a> {
    laid: &'a Laid,
    seed: Seed,
    calibrations: Vec<Calibration>,
    finishes: Vec<Finish<'a>>,
    few: Vec<Few>,
    stopped: Vec<Stopped>,
    met: Vec<Met>,
}

impl<'a> Simulated<'a> {
    /// Calibrates every head from what a float pass over calibration samples recorded: scales and the
    /// ramp's full scale from all of them together, the converter of A x V from the longest.
    ///
    /// # Errors
    /// Heads whose samples give no scale or no full scale. Heads count layer by layer.
    pub fn calibrate(laid: &'a Laid, seed: Seed, recorded: &[Recorded]) -> Result<Self, Mistakes> {
        let mut of_head: Vec<Vec<&Recorded>> = vec![Vec::new(); laid.heads()];
        for one in recorded {
            if let Some(rows) = of_head.get_mut(laid.index(one.site)) {
                rows.push(one);
            }
        }
        let attention = &laid.longest;
        let fitted = of_head.iter().zip(0_u64..);
        let fitted: Vec<(u64, Calibration)> = fitted
            .map(|(rows, head)| (head, calibrate(attention, head as usize, rows)))
            .collect();
        Calibration::check(&fitted, attention)?;
        let mut finishes = Vec::with_capacity(of_head.len());
        let (mut few, mut stopped, mut met) = (Vec::new(), Vec::new(), Vec::new());
        let chooses = laid.datapath != Datapath::Conventional {};
        let is_cut = chooses && attention.ramp.is_one_sided() && !attention.ramp.is_exact();
        for (at, (rows, (head, calibration))) in of_head.iter().zip(&fitted).enumerate() {
            let longest = rows.iter().rev().max_by_key(|one| one.k.ncols());
            let longest = longest.map_or_else(empty_head, |one| recorded_head(one));
            let laid_for = laid.of_length(longest.k.nrows()).unwrap_or(attention);
            let prepared = Prepared::of(laid_for, &longest, *calibration, 1);
            stopped.push(Stopped::of(*head, laid_for, &prepared));
            met.push(Met::of(laid_for, &prepared));
            finishes.push(Finish::load(laid_for, laid.datapath, at, &prepared));
            if is_cut {
                let counted = rows.iter().flat_map(|one| Few::count(&recorded_head(one)));
                let counted: Vec<_> = counted.collect();
                few.push(Few::of(*head, attention.topk[at].k, &counted));
            }
        }
        Ok(Self {
            laid,
            seed,
            calibrations: fitted.into_iter().map(|(_, one)| one).collect(),
            finishes,
            few,
            stopped,
            met,
        })
    }

    /// The calibration of each head, layer by layer.
    #[must_use]
    pub fn calibrations(&self) -> &[Calibration] {
        &self.calibrations
    }

    /// How often calibration samples give a query too few positive scores, head by head, where that matters.
    #[must_use]
    pub fn few(&self) -> &[Few] {
        &self.few
    }

    /// Of each head's longest calibration sample, the scores that the end of a line moves.
    #[must_use]
    pub fn stopped(&self) -> &[Stopped] {
        &self.stopped
    }

    /// Of the same samples, how much of the scores the ramps tell apart.
    #[must_use]
    pub fn met(&self) -> &[Met] {
        &self.met
    }

    /// Fabricates the chip of a trial. Shorter layouts are the first columns of the longest one, and
    /// their draws have the same addresses, so all of them are one chip.
    #[must_use]
    pub fn on_chip(&'a self, number: u64) -> OnChip<'a> {
        let trials = self.laid.lengths().map(|(tokens, attention)| {
            let trial = attention.trial(self.seed, number);
            (tokens, (attention, trial))
        });
        OnChip {
            simulated: self,
            trials: trials.collect(),
        }
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
        FullScale::Scores(score) => Some(*score),
        FullScale::PerHead(scores) => scores.get(head).copied(),
        FullScale::Percentile(percent) => {
            let mut positive = Vec::new();
            for one in rows {
                let scores = Reference::scores(&recorded_head(one));
                positive.extend(scores.iter().filter(|score| **score > 0.0));
            }
            percentile(positive, *percent)
        }
    };
    let full_scale = full_scale.unwrap_or(f64::NAN);
    let quantise = &attention.quantise;
    let keys = values(|one| &one.k, |_| 1.0);
    let k = quantise.k.fit(&keys, NOMINAL_K);
    Calibration {
        key_current: attention.key_current(k, &keys),
        q: quantise
            .q
            .fit(&values(|one| &one.q, query_factor), NOMINAL_Q),
        k,
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

fn recorded_head(one: &Recorded) -> Head {
    head_of(&one.q.as_view(), &one.k.as_view(), &one.v.as_view())
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

/// The hardware with the chip of one trial.
#[derive(Clone, Debug)]
pub struct OnChip<'a> {
    simulated: &'a Simulated<'a>,
    trials: BTreeMap<usize, (&'a Attention, Trial<'a>)>,
}

impl Attend for OnChip<'_> {
    type Trace = Spending;

    fn attend(&self, site: HeadSite, operands: Operands<'_>) -> (Activations, Spending) {
        let Operands { q, k, v } = operands;
        let Simulated {
            laid,
            calibrations,
            finishes,
            ..
        } = self.simulated;
        let at = laid.index(site);
        // Lengths were laid out before; a sample of another one has no layout and gets no output.
        let Some((attention, trial)) = self.trials.get(&k.ncols()) else {
            return (
                Activations::zeros(v.nrows(), v.ncols()),
                Spending::default(),
            );
        };
        let attention: &Attention = attention;
        let mut finish = finishes[at].clone();
        finish.attention = attention;
        finish.topk = &attention.topk[at];
        let mut head = head_of(&q, &k, &v);
        head.place.head = laid.address(site);
        let prepared = prepare(attention, head, calibrations[at]);
        let written = trial.write(&prepared);
        let mut spending = Spending {
            noise_square: written.conversion.noise_square_sum,
            live: written.conversion.live,
            ..Spending::default()
        };
        let mut output = Activations::zeros(v.nrows(), q.ncols());
        let (mut steps, mut tiles) = (0, 0);
        let spent = written.head(&finish, |query, outcome| {
            for (out, value) in output.column_mut(query).iter_mut().zip(&outcome.output) {
                *out = *value as f32;
            }
            for stop in outcome.tiles.iter().filter_map(|tile| tile.stop) {
                steps += stop as u64;
                tiles += 1;
            }
        });
        if let Some(spent) = spent {
            (spending.steps, spending.tiles) = (steps, tiles);
            spending.cost = spent;
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
        inputs: q
            .column_iter()
            .map(|codes| codes.iter().filter(|code| **code != 0.0).count() as u32)
            .collect(),
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
