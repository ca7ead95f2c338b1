//! What is fixed from calibration rows before a run: scales and full scale.

use super::{Attention, Head, Reference};
use crate::base::mistake::Mistakes;
use crate::base::notice::Notices;
use crate::hardware::converter::FullScale;
use crate::hardware::crossbar::COARSE_LOSS;
use crate::hardware::quantise::{
    Clip, NOMINAL_K, NOMINAL_Q, NOMINAL_V, QuantiseParams, Quantiser, Scale, percentile,
};

/// Unit charges of one LSB within which depths in LSB keep their digits in 32 bits: a sum of 2^31 charges is 2e15
/// LSB of the smallest.
const LSB_CHARGES: std::ops::RangeInclusive<f64> = 1e-6..=1e12;
/// What a scale may stand for: products and squares of two such stay within those of an `f64`.
const UNITS: std::ops::RangeInclusive<f64> = 1e-66..=1e60;

/// Calibration of one head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Scale of Q.
    pub q: Scale,
    /// Scale of K.
    pub k: Scale,
    /// Scale of V.
    pub v: Scale,
    /// Full scale of the ramp in scores.
    pub full_scale: f64,
    /// One LSB of the ramp in scores.
    pub lsb: f64,
    /// Mean current of the cells that hold the calibration rows' K, relative to a full one.
    pub key_current: f64,
}

/// What one clock of the ramp can discharge, against what a step needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockReach {
    /// Unit charges of one step.
    pub needed: f64,
    /// Unit charges that the replicas of one step can take in one clock.
    pub available: f64,
}

impl Calibration {
    /// Calibrates a head from its calibration rows: scales from their magnitudes, full scale from
    /// the positive scores of calibration queries and keys, live pairs only. `head` counts heads. Rows that give
    /// no scale or no full scale give 0 or NaN, which [`Calibration::check`] refuses.
    #[must_use]
    pub fn of(attention: &Attention, rows: &Head, head: usize) -> Self {
        let scores = Reference::scores(rows);
        let tokens = rows.k.nrows();
        let live = |at: &usize| rows.mask.is_live(at / tokens, at % tokens, tokens);
        let full_scale = match attention.ramp.full_scale() {
            FullScale::Scores(score) => *score,
            FullScale::PerHead(scores) => scores.get(head).copied().unwrap_or(f64::NAN),
            FullScale::Percentile(percent) => {
                let positive = scores
                    .iter()
                    .enumerate()
                    .filter(|(at, score)| **score > 0.0 && live(at));
                percentile(positive.map(|(_, score)| *score).collect(), *percent)
                    .unwrap_or(f64::NAN)
            }
        };
        let k = attention.quantise.k.fit(rows.k.as_slice(), NOMINAL_K);
        Self {
            key_current: attention.key_current(k, rows.k.as_slice()),
            q: attention.quantise.q.fit(rows.q.as_slice(), NOMINAL_Q),
            k,
            v: attention.quantise.v.fit(rows.v.as_slice(), NOMINAL_V),
            full_scale,
            lsb: attention.ramp.lsb(full_scale),
        }
    }

    /// Whether heads can be run with these calibrations, each by the number a reader knows the head by.
    ///
    /// # Errors
    /// An operand whose scale would be zero, heads without a full scale, numbers that leave their range.
    pub fn check(
        heads: &[(u64, Self)],
        quantise: &QuantiseParams,
        full_scale: &FullScale,
    ) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        for (head, one) in heads {
            for (key, name, quantiser, scale) in [
                ("quantise.q", "Q", quantise.q, one.q),
                ("quantise.k", "K", quantise.k, one.k),
                ("quantise.v", "V", quantise.v, one.v),
            ] {
                check_scale(*head, (key, name), (quantiser, scale), m);
            }
        }
        let silent = heads.iter().filter(|(_, one)| one.full_scale.is_nan());
        let silent: Vec<u64> = silent.map(|(head, _)| *head).collect();
        if let (FullScale::Percentile(percent), false) = (full_scale, silent.is_empty()) {
            m.add(
                "ramp.full_scale.percentile",
                percent,
                format!("the calibration rows of heads {silent:?} of this workload hold no positive live score, so no percentile of them is a full scale"),
                "give `full_scale = { scores = ... }` or `{ per-head = [...] }`, or other calibration rows",
            );
        }
        if m.0.is_empty() {
            for (head, one) in heads {
                let charges = one.lsb_charges();
                m.require(
                    LSB_CHARGES.contains(&charges),
                    "ramp.full_scale",
                    format!("{:e}", one.full_scale),
                    format!(
                        "this full scale, in scores, makes one LSB of head {head} {charges:e} unit charges; from {:e} to {:e} are taken",
                        LSB_CHARGES.start(),
                        LSB_CHARGES.end()
                    ),
                    "take a full scale nearer to the largest scores of the calibration rows",
                );
            }
        }
        mistakes.or(|| ())
    }

    /// Score of one unit charge.
    #[must_use]
    pub fn score_per_charge(&self) -> f64 {
        self.q.unit * self.k.unit
    }

    /// Full scale in unit charges.
    #[must_use]
    pub fn full_scale_charges(&self) -> f64 {
        self.full_scale / self.score_per_charge()
    }

    /// One LSB in unit charges.
    #[must_use]
    pub fn lsb_charges(&self) -> f64 {
        self.lsb / self.score_per_charge()
    }
}

impl Attention {
    /// Mean current of the cells that hold these values of K, relative to a full one.
    #[must_use]
    pub fn key_current(&self, scale: Scale, values: &[f64]) -> f64 {
        let codes: Vec<f64> = values.iter().map(|value| scale.code(*value)).collect();
        self.crossbar.mean_current(codes.iter())
    }

    /// Says where a cell of these heads loses more of its voltage in the wires than the first order is good for.
    pub fn tell_wires(&self, heads: &[Calibration], notices: &mut Notices) {
        let currents = heads.iter().map(|head| head.key_current);
        let mean = currents.fold(0.0, f64::max);
        let [wordline, bitline] = self.crossbar.largest_losses(&self.device, mean);
        let largest = wordline.max(bitline);
        if largest <= COARSE_LOSS {
            return;
        }
        let percent = |loss: f64| format!("{:.0} %", 100.0 * loss);
        notices.warn_worst(
            "line.wire",
            largest,
            format!(
                "line.wire: the farthest cell of a tile loses {} of its voltage along its wordline and {} along its bitline; the loss is first-order and coarse above {}, and what loses 100 % counts as nothing: a smaller device.with.line.wire, {} or tile keeps it below",
                percent(wordline),
                percent(bitline),
                percent(COARSE_LOSS),
                self.device.cell.conductance_key(),
            ),
        );
    }
}

/// Whether an operand has a scale.
fn check_scale(
    head: u64,
    (key, name): (&str, &str),
    (quantiser, scale): (Quantiser, Scale),
    m: &mut Mistakes,
) {
    let clip = match quantiser {
        Quantiser::Uniform {
            clip: Clip::Percentile(percent),
            ..
        } => Some(percent),
        _ => None,
    };
    match (scale.unit == 0.0, clip) {
        (true, None) => m.add(
            key,
            "",
            format!("the calibration rows of head {head} hold no {name} but zero, so there is no scale"),
            "take other calibration rows, or leave the head out",
        ),
        (true, Some(percent)) => m.add(
            key,
            format!("{percent} %"),
            format!("this percentile of the magnitudes of {name} is zero in the calibration rows of head {head}, so there is no scale"),
            "take a higher percentile or other calibration rows, or leave the head out",
        ),
        (false, _) => m.require(
            UNITS.contains(&scale.unit),
            key,
            "",
            format!(
                "the calibration rows of head {head} give one code of {name} the value {:e}; from {:e} to {:e} are taken",
                scale.unit,
                UNITS.start(),
                UNITS.end()
            ),
            "scale the array, or check how it was written",
        ),
    }
}

/// Queries with fewer positive live scores than they may keep keys, among those that see more keys than that: a
/// one-sided ramp reads every score below zero as its last code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Few {
    /// The number a reader knows the head by.
    pub head: u64,
    /// Keys that a query keeps.
    pub k: usize,
    /// Queries with too few.
    pub few: usize,
    /// All queries.
    pub queries: usize,
}

impl Few {
    /// Of each query of a head, the positive live scores and the live ones.
    #[must_use]
    pub fn count(rows: &Head) -> Vec<[usize; 2]> {
        let scores = Reference::scores(rows);
        let tokens = scores.nrows();
        let count = |query: usize| {
            let column = scores.column(query);
            let live = column
                .iter()
                .enumerate()
                .filter(|(token, _)| rows.mask.is_live(query, *token, tokens));
            live.fold([0, 0], |[positive, live], (_, score)| {
                [positive + usize::from(*score > 0.0), live + 1]
            })
        };
        (0..scores.ncols()).map(count).collect()
    }

    /// Of a head whose queries were counted.
    #[must_use]
    pub fn of(head: u64, k: usize, counted: &[[usize; 2]]) -> Self {
        let few = counted
            .iter()
            .filter(|[positive, live]| *positive < k && k < *live);
        Self {
            head,
            k,
            few: few.count(),
            queries: counted.len(),
        }
    }

    /// Says of heads on a one-sided ramp what share of their queries has too few; nothing if every query has enough.
    pub fn tell(heads: &[Self], notices: &mut Notices) {
        let sum = |of: fn(&Self) -> usize| heads.iter().map(of).sum::<usize>();
        let (few, queries) = (sum(|one| one.few), sum(|one| one.queries));
        if few == 0 {
            return;
        }
        let share = |few: usize, queries: usize| 100.0 * few as f64 / queries.max(1) as f64;
        let worst = heads.iter().rev().max_by(|a, b| {
            let [a, b] = [a, b].map(|one| share(one.few, one.queries));
            a.total_cmp(&b)
        });
        let most = match worst.filter(|_| heads.len() > 1) {
            Some(one) => format!(
                ", in head {} {:.1} %",
                one.head,
                share(one.few, one.queries)
            ),
            None => String::new(),
        };
        let ks = || heads.iter().map(|one| one.k);
        let k = match (ks().min(), ks().max()) {
            (Some(low), Some(high)) if low < high => format!("k = {low} to {high}"),
            (low, _) => format!("k = {}", low.unwrap_or(0)),
        };
        let all = share(few, queries);
        notices.warn_worst(
            "ramp.range",
            all,
            format!(
                "ramp.range: up to {all:.1} % of the calibration queries ({few} of {queries}{most}) have fewer positive live scores than {k}, and more keys; a one-sided ramp reads all other scores as its last code, and of these the lowest address wins: `ramp.range = {{ symmetric = {{}} }}` tells them apart"
            ),
        );
    }
}

impl Reference {
    /// The scores of a head, tokens x queries.
    #[must_use]
    pub fn scores(head: &Head) -> crate::hardware::quantise::Matrix {
        &head.k * &head.q
    }
}
