//! How far a stored level strays: the published formulas, as parameters of a device file.
//!
//! A level is the state relative to the largest one, `x = g / g_max` in 0..=1, and every standard
//! deviation here is relative to `g_max` too. Formulas hold for the technology they were measured
//! on and rescale with `g_max` (aihwkit does the same for its PCM model).

use serde::{Deserialize, Serialize};

use super::spread::{Drift, Spread, horner};
use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::base::units::{Amperes, Fraction, Seconds, Siemens, WeightLsb};

/// A value measured at some time after the write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aged<T> {
    /// Time since the write.
    pub age: Seconds,
    /// The coefficients then.
    pub coefficients: Vec<T>,
}

/// `[programming]`: how a write misses its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProgrammingParams {
    /// The target is met.
    None {},
    /// w = w_t + sigma n, the same for every weight; one draw a weight, not a cell.
    Additive {
        /// Standard deviation in weight levels.
        sigma: Sourced<WeightLsb>,
    },
    /// g = g_t (1 + sigma n).
    Proportional {
        /// Relative standard deviation.
        sigma: Sourced<Fraction>,
    },
    /// sigma(x) = c0 + c1 x + c2 x^2 + ..., coefficients as conductances at `g_max = full`.
    Polynomial {
        /// The g_max the coefficients were fitted at.
        full: Siemens,
        /// Coefficients by time since the write, linear in time between.
        ages: Vec<Aged<Siemens>>,
        /// Publication and figure.
        source: String,
    },
    /// sigma(I) = A (1 - exp(-I / B)), coefficients `[A, B]`.
    Saturating {
        /// The current of the largest level.
        full: Amperes,
        /// `[A, B]` by time since the write, linear in time between.
        ages: Vec<Aged<Amperes>>,
        /// Publication and figure.
        source: String,
    },
}

/// `[read]`: noise of the devices, new at each read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReadParams {
    /// A read repeats exactly.
    None {},
    /// sigma = f g.
    Proportional {
        /// Relative standard deviation.
        sigma: Sourced<Fraction>,
    },
    /// sigma(I) = A (1 - exp(-I / B)).
    Saturating {
        /// The current of the largest level.
        full: Amperes,
        /// A.
        amplitude: Amperes,
        /// B.
        knee: Amperes,
        /// Publication and figure.
        source: String,
    },
    /// 1/f noise: sigma = g Q sqrt(ln((t + t0 + t_r) / (2 t_r))), Q = min(q0 / max(x^p, 1e-3), q_max),
    /// t the time since the write, x the level as programmed.
    Flicker {
        /// q0.
        q0: f64,
        /// p.
        exponent: f64,
        /// q_max.
        q_max: f64,
        /// t0: when the first read after a write takes place.
        t0: Seconds,
        /// t_r: width of a read pulse.
        read_time: Seconds,
        /// Publication and figure.
        source: String,
    },
}

/// `[drift]`: how a stored level moves with time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DriftParams {
    /// It stays.
    None {},
    /// g(t) = g ((t + t0) / t0)^-nu, nu = |mu + s n|, mu and s each clip(a ln x + b, low, high),
    /// x the level that was meant.
    PowerLaw {
        /// t0: the drift is the identity at t = 0.
        t0: Seconds,
        /// `[a, b, low, high]` of the mean exponent.
        mean: [f64; 4],
        /// `[a, b, low, high]` of the exponent's spread.
        spread: [f64; 4],
        /// Publication and figure.
        source: String,
    },
    /// mean I(t) = I + d0 + d1 I + d2 I^2 + ..., coefficients in powers of nA, I the current that was
    /// meant. The spread of the write at that age lies around the shifted mean.
    Shift {
        /// The current of the largest level.
        full: Amperes,
        /// Coefficients (nA, 1, 1/nA, ...) by time since the write, linear in time between.
        ages: Vec<ShiftAge>,
        /// Publication and figure.
        source: String,
    },
}

/// One time of [`DriftParams::Shift`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftAge {
    /// Time since the write.
    pub age: Seconds,
    /// d0, d1, ... in nA, 1, 1/nA, ...
    pub per_nanoampere: Vec<f64>,
}

/// Rows of age in seconds and coefficients made relative.
fn relative<T: Copy>(ages: &[Aged<T>], number: impl Fn(T) -> f64) -> Vec<(f64, Vec<f64>)> {
    let row = |row: &Aged<T>| {
        let coefficients = row.coefficients.iter().map(|c| number(*c));
        (row.age.si(), coefficients.collect())
    };
    ages.iter().map(row).collect()
}

/// Coefficients at `age`, linear in time between the ages of the table.
fn at_age(table: &[(f64, Vec<f64>)], age: Seconds, key: &str, mistakes: &mut Mistakes) -> Vec<f64> {
    let count = table.first().map_or(0, |(_, row)| row.len());
    let well_formed = count > 0
        && table
            .iter()
            .all(|(_, row)| row.len() == count && row.iter().all(|c| c.is_finite()))
        && table.windows(2).all(|pair| pair[0].0 < pair[1].0);
    mistakes.require(
        well_formed,
        key,
        "",
        "needs at least one age, ages that rise, and the same number of finite coefficients at each",
        "see device_params/template.toml",
    );
    if !well_formed {
        return vec![0.0];
    }
    let (first, last) = (&table[0], &table[table.len() - 1]);
    let t = age.si();
    mistakes.require(
        table.len() == 1 || t <= last.0,
        key,
        age,
        format!(
            "measured up to {} after the write, not at {age}",
            Seconds::from_si(last.0)
        ),
        "set `device.age` inside the measured range",
    );
    if t <= first.0 || table.len() == 1 {
        return first.1.clone();
    }
    let after = table.partition_point(|(a, _)| *a < t).min(table.len() - 1);
    let ((t0, low), (t1, high)) = (&table[after - 1], &table[after]);
    let share = ((t - t0) / (t1 - t0)).clamp(0.0, 1.0);
    low.iter()
        .zip(high)
        .map(|(l, h)| l + share * (h - l))
        .collect()
}

fn positive(mistakes: &mut Mistakes, key: &str, value: f64, text: impl std::fmt::Display) {
    mistakes.require(
        value > 0.0 && value.is_finite(),
        key,
        text,
        "must be above zero",
        "see device_params/template.toml",
    );
}

fn sigma<T: Copy + PartialOrd + std::fmt::Display>(
    sourced: &Sourced<T>,
    number: impl Fn(T) -> f64,
    mistakes: &mut Mistakes,
) -> f64 {
    sourced.check("sigma", mistakes);
    let value = sourced.value;
    mistakes.require(
        number(value) >= 0.0,
        "sigma",
        value,
        "a standard deviation must not be negative",
        "write zero or more",
    );
    number(value)
}

impl ProgrammingParams {
    /// The formula at one age.
    ///
    /// # Errors
    /// Every value that is negative, not finite, or outside its range.
    pub fn check(&self, age: Seconds) -> Result<Spread, Mistakes> {
        let mut mistakes = Mistakes::none();
        let spread = match self {
            Self::None {} => Spread::None,
            Self::Additive { sigma: s } => Spread::Additive(sigma(s, WeightLsb::si, &mut mistakes)),
            Self::Proportional { sigma: s } => {
                Spread::Proportional(sigma(s, Fraction::si, &mut mistakes))
            }
            Self::Polynomial { full, ages, .. } => {
                positive(&mut mistakes, "full", full.si(), full);
                let table = relative(ages, |c| c.si() / full.si());
                let coefficients = at_age(&table, age, "ages", &mut mistakes);
                let at = |step: u32| f64::from(step) / 1000.0;
                let below = (0..=1000).find(|step| horner(&coefficients, at(*step)) < 0.0);
                if let (Some(step), true) = (below, full.si() > 0.0) {
                    mistakes.add(
                        "ages.coefficients",
                        "",
                        format!(
                            "the standard deviation at x = {} would be {}, below zero",
                            at(step),
                            Siemens::from_si(horner(&coefficients, at(step)) * full.si())
                        ),
                        "a fit holds for all levels from 0 to 1, or it is another fit",
                    );
                }
                Spread::Polynomial(coefficients)
            }
            Self::Saturating { full, ages, .. } => {
                positive(&mut mistakes, "full", full.si(), full);
                let table = relative(ages, |c| c.si() / full.si());
                match at_age(&table, age, "ages", &mut mistakes)[..] {
                    [a, b] if a >= 0.0 && b > 0.0 => Spread::Saturating { a, b },
                    _ => {
                        mistakes.add(
                            "ages.coefficients",
                            "",
                            "must be two currents [A, B], A not negative and B above zero",
                            "see device_params/sonos.toml",
                        );
                        Spread::None
                    }
                }
            }
        };
        mistakes.within("programming").or(|| spread)
    }
}

impl ReadParams {
    /// The formula at one age.
    ///
    /// # Errors
    /// Every value that is negative, not finite, or outside its range.
    pub fn check(&self, age: Seconds) -> Result<Spread, Mistakes> {
        let mut mistakes = Mistakes::none();
        let spread = match self {
            Self::None {} => Spread::None,
            Self::Proportional { sigma: s } => {
                Spread::Proportional(sigma(s, Fraction::si, &mut mistakes))
            }
            Self::Saturating {
                full,
                amplitude,
                knee,
                ..
            } => {
                for (key, value) in [("full", full), ("amplitude", amplitude), ("knee", knee)] {
                    positive(&mut mistakes, key, value.si(), value);
                }
                Spread::Saturating {
                    a: amplitude.si() / full.si(),
                    b: knee.si() / full.si(),
                }
            }
            Self::Flicker {
                q0,
                exponent,
                q_max,
                t0,
                read_time,
                ..
            } => {
                for (key, value) in [("q0", *q0), ("exponent", *exponent), ("q_max", *q_max)] {
                    positive(&mut mistakes, key, value, value);
                }
                positive(&mut mistakes, "t0", t0.si(), t0);
                positive(&mut mistakes, "read_time", read_time.si(), read_time);
                // Else the logarithm is below zero at age 0.
                mistakes.require(
                    t0.si() >= read_time.si(),
                    "t0",
                    t0,
                    format!("must be at least read_time = {read_time}: no read is over before it"),
                    "write for instance \"20 s\"",
                );
                let tr = read_time.si();
                Spread::Flicker {
                    q0: *q0,
                    exponent: *exponent,
                    q_max: *q_max,
                    root: ((age.si() + t0.si() + tr) / (2.0 * tr))
                        .ln()
                        .max(0.0)
                        .sqrt(),
                }
            }
        };
        mistakes.within("read").or(|| spread)
    }
}

impl DriftParams {
    /// The drift at one age; the identity at age zero.
    ///
    /// # Errors
    /// Every value that is not finite or outside its range.
    pub fn check(&self, age: Seconds) -> Result<Drift, Mistakes> {
        let mut mistakes = Mistakes::none();
        let drift = match self {
            Self::None {} => Drift::None,
            Self::PowerLaw {
                t0, mean, spread, ..
            } => {
                positive(&mut mistakes, "t0", t0.si(), t0);
                for (key, [a, b, low, high]) in [("mean", mean), ("spread", spread)] {
                    mistakes.require(
                        [a, b, low, high].iter().all(|c| c.is_finite()) && low <= high,
                        key,
                        format!("[{a}, {b}, {low}, {high}]"),
                        "must be four finite numbers [a, b, low, high] with low <= high",
                        "see device_params/pcm-joshi2020.toml",
                    );
                }
                Drift::PowerLaw {
                    log: (age.si() / t0.si()).ln_1p(),
                    mean: *mean,
                    spread: *spread,
                }
            }
            Self::Shift { full, ages, .. } => {
                positive(&mut mistakes, "full", full.si(), full);
                let nanoamperes = full.si() * 1e9;
                let mut table: Vec<(f64, Vec<f64>)> = ages
                    .iter()
                    .map(|row| {
                        let relative = row
                            .per_nanoampere
                            .iter()
                            .zip(0_i32..)
                            .map(|(c, power)| c * nanoamperes.powi(power - 1));
                        (row.age.si(), relative.collect())
                    })
                    .collect();
                // Nothing has moved at the time of the write.
                if table.first().is_some_and(|(first, _)| *first > 0.0) {
                    let count = table[0].1.len();
                    table.insert(0, (0.0, vec![0.0; count]));
                }
                Drift::Shift(at_age(&table, age, "ages", &mut mistakes))
            }
        };
        mistakes.within("drift").or(|| drift)
    }
}
