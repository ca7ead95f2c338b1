//! What is fixed from calibration rows before a run: scales and full scale.

use super::{Attention, Head, Reference};
use crate::base::mistake::Mistakes;
use crate::base::units::Volts;
use crate::hardware::converter::FullScale;
use crate::hardware::device::Line;
use crate::hardware::quantise::{
    Clip, NOMINAL_K, NOMINAL_Q, NOMINAL_V, Quantiser, Scale, percentile,
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
    /// An operand whose scale would be zero, heads without a full scale, a full scale that no line of the device can
    /// show, numbers that leave their range.
    pub fn check(heads: &[(u64, Self)], attention: &Attention) -> Result<(), Mistakes> {
        let (quantise, full_scale) = (&attention.quantise, attention.ramp.full_scale());
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
        if mistakes.0.is_empty() {
            check_swing(heads, full_scale, &attention.device.line, &mut mistakes);
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
}

/// Whether a line of the device goes as far as the full scale of every head: a ramp replica adds charge to the line as
/// a cell does, and so no ramp, in a column or outside, meets a line beyond its end.
fn check_swing(
    heads: &[(u64, Calibration)],
    full_scale: &FullScale,
    line: &Line,
    m: &mut Mistakes,
) {
    let charges = |one: &Calibration| one.full_scale_charges();
    let beyond = heads
        .iter()
        .filter(|(_, one)| charges(one) > line.headroom)
        .count();
    let largest = heads
        .iter()
        .max_by(|(_, a), (_, b)| charges(a).total_cmp(&charges(b)));
    let (Some((head, one)), true) = (largest, beyond > 0) else {
        return;
    };
    let swing = line.headroom * line.unit_discharge.si();
    let unit = rounded(line.unit_discharge.si(), f64::round);
    let scores = rounded_number(one.full_scale, f64::round);
    let of_all = match heads.len() {
        1 => String::new(),
        all => format!(", the largest of {beyond} of {all} heads"),
    };
    // What the rows fitted is not what the experiment could have written otherwise.
    let (key, value) = match full_scale {
        FullScale::Percentile(_) => ("device.with.line.unit_discharge", unit.to_string()),
        FullScale::Scores(_) | FullScale::PerHead(_) => ("ramp.full_scale", scores.to_string()),
    };
    m.add(
        key,
        value,
        format!(
            "a line has room for {:.1} unit charges, line.precharge - line.headroom = {} over line.unit_discharge = {unit}, and the full scale of head {head}{of_all}, {scores} in scores, is {:.1}",
            line.headroom,
            rounded(swing, f64::round),
            charges(one)
        ),
        format!(
            "set device.with.line.unit_discharge to at most \"{}\", or take a full scale of at most {} in scores, and less where a run warns of line.headroom: negative products need room beside it; or name headroom in `device.without`",
            rounded(swing / charges(one), f64::floor),
            rounded_number(one.full_scale * line.headroom / charges(one), f64::floor)
        ),
    );
}

/// Four digits of a number.
fn rounded_number(number: f64, round: fn(f64) -> f64) -> f64 {
    let digits = 3 - number.abs().log10().floor() as i32;
    // A power of ten below one is not exact, its reciprocal is.
    if digits >= 0 {
        round(number * 10_f64.powi(digits)) / 10_f64.powi(digits)
    } else {
        round(number / 10_f64.powi(-digits)) * 10_f64.powi(-digits)
    }
}

fn rounded(volts: f64, round: fn(f64) -> f64) -> Volts {
    Volts::from_si(rounded_number(volts, round))
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

impl Reference {
    /// The scores of a head, tokens x queries.
    #[must_use]
    pub fn scores(head: &Head) -> crate::hardware::quantise::Matrix {
        &head.k * &head.q
    }
}
