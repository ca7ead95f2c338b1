//! Texts of one quantity, written as people write them, as numbers in one unit.

use std::fmt::Display;
use std::str::FromStr;

use super::{
    Amperes, Fraction, Joules, Lsb, Ohms, Seconds, Siemens, Volts, Watts, WeightLsb, text::shifted,
};

/// The unit that texts of one quantity share, and their numbers in it: the one in which the smallest
/// of them that is not zero is written. None where a text is no quantity, or one of another kind.
///
/// ```
/// use topkima::base::units::in_one_unit;
/// let (unit, ages) = in_one_unit(&["10 s", "1 ks", "0 s"]).unwrap();
/// assert_eq!((unit.as_str(), ages), ("s", vec![10.0, 1000.0, 0.0]));
/// assert!(in_one_unit(&["10 s", "1 V"]).is_none());
/// ```
#[must_use]
pub fn in_one_unit(texts: &[&str]) -> Option<(String, Vec<f64>)> {
    if texts.is_empty() {
        return None;
    }
    of_kind(texts, Volts::si, Volts::from_si)
        .or_else(|| of_kind(texts, Amperes::si, Amperes::from_si))
        .or_else(|| of_kind(texts, Siemens::si, Siemens::from_si))
        .or_else(|| of_kind(texts, Ohms::si, Ohms::from_si))
        .or_else(|| of_kind(texts, Joules::si, Joules::from_si))
        .or_else(|| of_kind(texts, Watts::si, Watts::from_si))
        .or_else(|| of_kind(texts, Seconds::si, Seconds::from_si))
        .or_else(|| of_kind(texts, Fraction::si, Fraction::from_si))
        .or_else(|| of_kind(texts, Lsb::si, Lsb::from_si))
        .or_else(|| of_kind(texts, WeightLsb::si, WeightLsb::from_si))
}

fn of_kind<T: FromStr + Display>(
    texts: &[&str],
    si: fn(T) -> f64,
    from_si: fn(f64) -> T,
) -> Option<(String, Vec<f64>)> {
    let read = |text: &&str| text.parse::<T>().ok().map(si);
    let values: Vec<f64> = texts.iter().map(read).collect::<Option<_>>()?;
    let sizes = values.iter().map(|value| value.abs());
    let least = sizes.filter(|size| *size > 0.0).reduce(f64::min);
    let written = from_si(least.unwrap_or(0.0)).to_string();
    let unit = written.split_once(' ')?.1;
    let one = format!("1 {unit}").parse::<T>().ok().map(si)?;
    let power = one.log10().round() as i32;
    let numbers = values.iter().map(|value| shifted(*value, -power)).collect();
    Some((unit.to_owned(), numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_serves_every_prefix_and_no_digit_is_lost() {
        let check = |texts: &[&str], unit: &str, numbers: &[f64]| {
            let found = in_one_unit(texts).unwrap_or_else(|| panic!("{texts:?}"));
            assert_eq!(found, (unit.to_owned(), numbers.to_vec()), "{texts:?}");
        };
        check(
            &["10 s", "1 ks", "100 ks", "10 Ms"],
            "s",
            &[10.0, 1e3, 1e5, 1e7],
        );
        check(&["1 ks", "1000 s"], "ks", &[1.0, 1.0]);
        check(
            &["0.3 mV", "80 uV", "0 V", "-1 V"],
            "uV",
            &[300.0, 80.0, 0.0, -1e6],
        );
        check(&["80 nA", "0.1uA"], "nA", &[80.0, 100.0]);
        check(&["5 %", "0.7 %", "1e1 %"], "%", &[5.0, 0.7, 10.0]);
        check(
            &["0 weight-LSB", "0.07 weight-LSB"],
            "weight-LSB",
            &[0.0, 0.07],
        );
        check(&["0.25 LSB"], "LSB", &[0.25]);
        check(&["0 s"], "s", &[0.0]);
        check(
            &["4 ns", "2.08 ns", "500 ps"],
            "ps",
            &[4000.0, 2080.0, 500.0],
        );
    }

    #[test]
    fn what_is_no_quantity_or_another_one_has_no_unit() {
        for texts in [
            &["10 s", "10"][..],
            &["sram-65nm"],
            &["5 %", "0.3 LSB"],
            &["1 V", "1 A"],
            &["inf s"],
            &[""],
            &[],
        ] {
            assert_eq!(in_one_unit(texts), None, "{texts:?}");
        }
    }
}
