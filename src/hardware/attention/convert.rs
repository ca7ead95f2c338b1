//! K written, the MAC, the lines, the ramp: one trial of one head up to its trip steps.

use super::{Attention, Calibration, Head, Reference};
use crate::base::rng::{Purpose, Seed};
use crate::hardware::address;
use crate::hardware::converter::Ladders;
use crate::hardware::crossbar::{Chip, CleanSums, Keys, LineReading};
use crate::hardware::events::Cost;
use crate::hardware::quantise::{Matrix, Quantiser};
use crate::hardware::topk;

/// A head as codes, with its references; the same for every trial.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Calibration.
    pub calibration: Calibration,
    /// Codes of Q, d x queries.
    pub q: Matrix,
    /// Inputs of each query that are not zero.
    pub inputs: Vec<u32>,
    /// Codes of K, tokens x d.
    pub k: Matrix,
    /// Codes of V, d_v x tokens.
    pub v: Matrix,
    /// Which keys a query may see.
    pub mask: super::Mask,
    /// Sums without any noise.
    pub clean: CleanSums,
    /// The exact head.
    pub reference: Reference,
    /// Where the head stands in its file.
    pub place: super::Place,
    /// Live pairs.
    pub live: u64,
    /// Live pairs whose clean sum lies above the ramp's start.
    pub clipped: u64,
    /// Tokens of each query in falling order of their float scores, ties to the lower index; as
    /// many as asked for.
    pub true_order: Vec<Vec<usize>>,
}

/// One trial of one head after the ramp.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Trip of every column, tokens x queries: a step, infinite if it never trips or is masked.
    pub trips: Matrix,
    /// What writing K counted, tile by tile; what a query's pulses and ramp count depends on the
    /// design and is told by [`Finish::select`](super::Finish::select).
    pub written: Vec<Cost>,
    /// Sum over live columns of the squared deviation at the comparator, in LSB squared.
    pub noise_square_sum: f64,
    /// Live columns.
    pub live: u64,
}

impl Prepared {
    /// Quantises a head and takes its references. `largest_k` bounds the true order.
    #[must_use]
    pub fn of(
        attention: &Attention,
        head: &Head,
        calibration: Calibration,
        largest_k: usize,
    ) -> Self {
        let (q, k, v) = (
            calibration.q.codes(&head.q),
            calibration.k.codes(&head.k),
            calibration.v.codes(&head.v),
        );
        let clean = CleanSums::of(&attention.crossbar, &attention.device, &k, &q);
        let reference = Reference::of(head);
        let tokens = head.k.nrows();
        let true_order = (0..head.q.ncols())
            .map(|query| {
                let scores = reference.scores.column(query);
                topk::exact(
                    scores.as_slice(),
                    |token| head.mask.is_live(query, token, tokens),
                    largest_k,
                )
            })
            .collect();
        let start = calibration.full_scale_charges();
        let (mut live, mut clipped) = (0, 0);
        for (at, sum) in clean.signed.iter().enumerate() {
            if head.mask.is_live(at / tokens, at % tokens, tokens) {
                live += 1;
                clipped += u64::from(*sum > start);
            }
        }
        Self {
            calibration,
            inputs: q
                .column_iter()
                .map(|codes| codes.iter().filter(|code| **code != 0.0).count() as u32)
                .collect(),
            q,
            k,
            v,
            mask: head.mask.clone(),
            clean,
            reference,
            place: head.place,
            live,
            clipped,
            true_order,
        }
    }

    /// The address of a query's draws.
    pub(crate) fn address(&self, query: usize) -> u64 {
        (self.place.first_query + query) as u64
    }

    /// A power of two that brings the largest magnitude of the float output to between 1 and 2, for sums of squares in
    /// 32 bits: those of V have any unit, and ratios of them have none.
    pub(crate) fn output_factor(&self) -> f64 {
        let output = self.reference.output.iter();
        let largest = output.fold(0.0_f64, |top, x| top.max(x.abs()));
        if largest > 0.0 {
            (-largest.log2().floor()).exp2()
        } else {
            1.0
        }
    }

    /// Depth of a clean sum below the ramp's start, in LSB.
    #[must_use]
    pub fn clean_depth(&self, token: usize, query: usize) -> f64 {
        (self.calibration.full_scale_charges() - self.clean.signed[(token, query)])
            / self.calibration.lsb_charges()
    }
}

impl Attention {
    /// Whether heads prepared for this hardware are the same for other hardware: noise is no part of them, and what
    /// pulses lose only where some of them are shorter than that.
    #[must_use]
    pub fn prepares_like(&self, other: &Self) -> bool {
        let shortest = match self.quantise.q {
            Quantiser::Exact {} => 0.0,
            Quantiser::Uniform { .. } => 1.0,
        };
        let lost = |one: &Self| one.device.line.pulse_loss.max(shortest);
        self.quantise == other.quantise
            && lost(self) == lost(other)
            && self.ramp == other.ramp
            && self.crossbar == other.crossbar
            && self.device.cell == other.device.cell
            && CleanSums::needs(&self.device) == CleanSums::needs(&other.device)
    }

    /// The ladders of a chip's columns.
    #[must_use]
    pub fn ladders(&self, chip: &Chip) -> Ladders {
        self.ramp.ladders(
            self.device.column.replica_mismatch,
            &chip.replica,
            self.crossbar.ramp_cells,
        )
    }

    /// Writes K to the chip and converts every query.
    #[must_use]
    pub fn convert(
        &self,
        seed: Seed,
        chip: &Chip,
        ladders: &Ladders,
        head: u64,
        prepared: &Prepared,
    ) -> Conversion {
        let device = &self.device;
        let calibration = &prepared.calibration;
        let written = Keys::program(seed, head, chip, device, &self.crossbar, &prepared.k);
        let keys = written.value;
        let mut sums = &keys.weights * &prepared.q;
        let lines = LineReading {
            line: &device.line,
            mismatch: &chip.line,
            full_scale: calibration.full_scale_charges(),
            in_column: self.ramp.is_in_column(),
        };
        let (start, lsb) = (calibration.full_scale_charges(), calibration.lsb_charges());
        let tokens = sums.nrows();
        let noise = device.column.noise;
        let mut noise_square_sum = 0.0;
        let mut live_columns = 0;
        let (mut depths, mut draws) = (vec![0.0; tokens], vec![0.0; tokens]);
        for query in 0..sums.ncols() {
            let mut sums = sums.column_mut(query);
            let sums = sums.as_mut_slice();
            keys.add_read_noise(
                seed,
                chip.trial,
                head,
                prepared.address(query),
                prepared.q.column(query).as_slice(),
                sums,
            );
            let slopes = lines.apply(&prepared.clean, query, sums);
            let slopes = slopes.as_deref();
            for (depth, sum) in depths.iter_mut().zip(&*sums) {
                *depth = (start - sum) / lsb;
            }
            rise(&mut depths, device.column.offset, &chip.offset, slopes);
            let each_step = self.ramp.draws_each_step();
            if noise > 0.0 && !each_step {
                let site = address::query(head, prepared.address(query));
                let mut comparator = seed.stream(Purpose::Comparator, chip.trial, site);
                comparator.fill_normal(&mut draws);
                rise(&mut depths, noise, &draws, slopes);
            }
            for (token, (sum, &depth)) in sums.iter_mut().zip(&depths).enumerate() {
                if !prepared.mask.is_live(query, token, tokens) {
                    *sum = f64::INFINITY;
                    continue;
                }
                let ladder = ladders.of(token);
                let mut drawn_later = 0.0;
                *sum = if each_step {
                    drawn_later = slopes.map_or(noise, |slopes| noise / slopes[token]);
                    let site = address::steps(head, prepared.address(query), token);
                    let mut stream = seed.stream(Purpose::Comparator, chip.trial, site);
                    self.ramp
                        .trip_with_step_noise(depth, ladder, drawn_later, &mut stream)
                } else {
                    self.ramp.trip(depth, ladder)
                };
                let deviation =
                    depth - prepared.clean_depth(token, query) - self.ramp.deviation(*sum, ladder);
                noise_square_sum += deviation * deviation + drawn_later * drawn_later;
                live_columns += 1;
            }
        }
        Conversion {
            trips: sums,
            written: written.cost,
            noise_square_sum,
            live: live_columns,
        }
    }
}

/// What columns are read too high by, taken from their depths in LSB: `sigma` times each one's draw over the
/// slope of its line. Without draws nothing is.
fn rise(depths: &mut [f64], sigma: f64, draws: &[f64], slopes: Option<&[f64]>) {
    let columns = depths.iter_mut().zip(draws);
    match slopes {
        Some(slopes) => {
            for ((depth, draw), slope) in columns.zip(slopes) {
                *depth -= sigma * draw / slope;
            }
        }
        None => {
            for (depth, draw) in columns {
                *depth -= sigma * draw;
            }
        }
    }
}
