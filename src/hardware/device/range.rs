//! Ranges of single values: not negative, above zero, a share; and what the scale of a study makes of them.

use super::{Effect, Selection, Spread};
use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::base::units::Fraction;

/// A value that must not be negative, checked against its own range.
pub(super) fn at_least_zero<T: Copy + PartialOrd + std::fmt::Display>(
    sourced: &Sourced<T>,
    key: &str,
    number: impl Fn(T) -> f64,
    mistakes: &mut Mistakes,
) -> f64 {
    sourced.check(key, mistakes);
    let value = sourced.value;
    let number = number(value);
    mistakes.require(
        number >= 0.0 && number.is_finite(),
        key,
        value,
        "must be zero or above",
        "write 0 to switch it off, or name it in `device.without`",
    );
    number
}

/// A value that must be above zero, checked against its own range.
pub(super) fn above_zero<T: Copy + PartialOrd + std::fmt::Display>(
    sourced: &Sourced<T>,
    (key, example): (&str, &str),
    number: impl Fn(T) -> f64,
    mistakes: &mut Mistakes,
) -> f64 {
    sourced.check(key, mistakes);
    let value = sourced.value;
    let number = number(value);
    mistakes.require(
        number > 0.0 && number.is_finite(),
        key,
        value,
        "must be above zero",
        format!("write for instance \"{example}\""),
    );
    number
}

/// A share from 0 to `most`, as its effect is selected and scaled: what the scale takes beyond is refused, not cut.
pub(super) fn within(
    sourced: &Sourced<Fraction>,
    key: &str,
    most: f64,
    (effect, selection): (Effect, &Selection),
    m: &mut Mistakes,
) -> f64 {
    let own = at_least_zero(sourced, key, Fraction::si, m);
    let range = format!("must be from 0 % to {}", Fraction::from_si(most));
    if own > most {
        m.add(key, sourced.value, range, "write for instance \"1 %\"");
    } else {
        scaled_within((key, own), (most, &range), (effect, selection), m);
    }
    selection.noise(effect, own)
}

/// Whether what the scale of a study makes of a share that is within its range still is.
fn scaled_within(
    (key, own): (&str, f64),
    (most, range): (f64, &str),
    (effect, selection): (Effect, &Selection),
    m: &mut Mistakes,
) {
    let scaled = selection.noise(effect, own);
    // A scale that is no number is told where it stands.
    if scaled.is_nan() || scaled <= most {
        return;
    }
    // Twelve digits: 0.1 x 7 is 70 % and not 70.00000000000001 %.
    let percent = |share: f64| Fraction::from_si((share * 1e12).round() / 1e12);
    m.add(
        "noise_scale",
        selection.noise_scale,
        format!(
            "{key} = {} times noise_scale is {}, which {range}",
            percent(own),
            percent(scaled)
        ),
        format!(
            "lower device.noise_scale to at most {}, or {key}, or name {effect} in `device.without`",
            (most / own * 1e3).floor() / 1e3
        ),
    );
}

/// A level that strays by more than the largest one is no level.
pub(super) fn spread_within(
    spread: &Spread,
    section: &str,
    (effect, selection): (Effect, &Selection),
    m: &mut Mistakes,
) {
    let own = spread.largest();
    let key = match spread {
        Spread::Proportional(_) => format!("{section}.proportional.sigma"),
        _ => section.to_owned(),
    };
    let range = "must be from 0 % to 100 % of the largest level";
    if own > 1.0 {
        let value = Fraction::from_si((own * 1e12).round() / 1e12);
        m.add(&key, value, range, "give a smaller standard deviation");
    } else {
        scaled_within((&key, own), (1.0, range), (effect, selection), m);
    }
}
