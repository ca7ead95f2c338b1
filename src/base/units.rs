//! Physical quantities that carry their unit in the type and in the text.
//!
//! A quantity is stored as an `f64` in its base unit behind a private field. In a file it is text
//! with a unit, `"100 uS"`; a bare number is refused. Prefixes are the SI ones from `f` (1e-15) to
//! `G` (1e9). Parsing joins the decimal digits and the prefix's exponent before rounding, so text
//! read and written again gives the same bits.
//!
//! ```
//! use topkima::base::units::{Siemens, Volts};
//! let g: Siemens = "100 uS".parse().unwrap();
//! let i = g * "0.2 V".parse::<Volts>().unwrap();
//! assert_eq!(i.to_string(), "20 uA");
//! assert!("100".parse::<Siemens>().unwrap_err().to_string().contains("has no unit"));
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// A bare number.
    #[error("`{text}` has no unit; write for instance `{example}`")]
    NoUnit {
        /// What was written.
        text: String,
        /// A text that would be taken.
        example: &'static str,
    },
    /// The part before the unit is no number.
    #[error("`{text}` does not begin with a number; write for instance `{example}`")]
    NoNumber {
        /// What was written.
        text: String,
        /// A text that would be taken.
        example: &'static str,
    },
    /// The unit belongs to another quantity, or to none.
    #[error(
        "`{text}`: unit `{unit}` does not fit here, where `{base}` belongs; write for instance `{example}`"
    )]
    WrongUnit {
        /// What was written.
        text: String,
        /// The unit in it.
        unit: String,
        /// The quantity asked for.
        quantity: &'static str,
        /// Its base unit.
        base: &'static str,
        /// A text that would be taken.
        example: &'static str,
    },
    /// NaN, infinity, or beyond the range of `f64`.
    #[error("`{text}` is not a finite number; write for instance `{example}`")]
    NotFinite {
        /// What was written.
        text: String,
        /// A text that would be taken.
        example: &'static str,
    },
    /// A duration that is not a whole, non-negative number of picoseconds.
    #[error(
        "`{text}` is not a whole number of picoseconds from 0 to 1e6 s; write for instance `4 ns`"
    )]
    NotPicos {
        /// What was written.
        text: String,
    },
}

/// SI prefixes with their powers of ten; `µ` is read as `u`.
const PREFIXES: [(&str, i32); 10] = [
    ("f", -15),
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("µ", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
];

/// How the unit of a quantity is written.
struct Notation {
    quantity: &'static str,
    base: &'static str,
    /// Power of ten of the written base unit against the stored one (`%` is stored as a ratio: -2).
    power: i32,
    prefixed: bool,
    example: &'static str,
}

fn parse(text: &str, notation: &Notation) -> Result<f64, UnitError> {
    let trimmed = text.trim();
    let (text, example) = (text.to_owned(), notation.example);
    let split = (0..=trimmed.len())
        .rev()
        .filter(|&at| trimmed.is_char_boundary(at))
        .find(|&at| trimmed[..at].trim_end().parse::<f64>().is_ok());
    let Some(split) = split else {
        return Err(UnitError::NoNumber { text, example });
    };
    let (number, unit) = (trimmed[..split].trim_end(), trimmed[split..].trim());
    if unit.is_empty() {
        return Err(if number.parse::<f64>().is_ok_and(f64::is_finite) {
            UnitError::NoUnit { text, example }
        } else {
            UnitError::NotFinite { text, example }
        });
    }
    let power = PREFIXES
        .iter()
        .filter(|(prefix, _)| notation.prefixed || prefix.is_empty())
        .find(|(prefix, _)| unit.strip_prefix(prefix) == Some(notation.base))
        .map(|&(_, power)| power + notation.power);
    let Some(power) = power else {
        return Err(UnitError::WrongUnit {
            text,
            unit: unit.to_owned(),
            quantity: notation.quantity,
            base: notation.base,
            example,
        });
    };
    let (digits, exponent) = match number.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().unwrap_or(0)),
        None => (number, 0),
    };
    let value = format!("{digits}e{}", i64::from(exponent) + i64::from(power)).parse::<f64>();
    match value {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(UnitError::NotFinite { text, example }),
    }
}

/// Shortest digits that read back to the same bits, with the prefix that keeps one to three of
/// them before the point.
fn write(value: f64, notation: &Notation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent = if value == 0.0 {
        0
    } else {
        exponent.parse::<i32>().unwrap_or(0) - notation.power
    };
    let power = if notation.prefixed && value != 0.0 {
        (exponent.div_euclid(3) * 3).clamp(-15, 9)
    } else {
        0
    };
    let prefix = PREFIXES
        .iter()
        .find(|&&(_, p)| p == power)
        .map_or("", |&(prefix, _)| prefix);
    let shift = exponent - power;
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let bare: String = digits.chars().filter(|c| *c != '.').collect();
    let number = if shift < 0 {
        format!("0.{}{bare}", "0".repeat((-shift - 1) as usize))
    } else {
        let whole = shift as usize + 1;
        if bare.len() <= whole {
            format!("{bare}{}", "0".repeat(whole - bare.len()))
        } else {
            format!("{}.{}", &bare[..whole], &bare[whole..])
        }
    };
    write!(f, "{sign}{number} {prefix}{}", notation.base)
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $base:literal, $power:literal, $prefixed:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            const NOTATION: Notation = Notation {
                quantity: stringify!($name),
                base: $base,
                power: $power,
                prefixed: $prefixed,
                example: $example,
            };

            /// From the number of stored units (SI base unit; a ratio for fractions).
            #[must_use]
            pub const fn from_si(value: f64) -> Self {
                Self(value)
            }

            /// The number of stored units (SI base unit; a ratio for fractions).
            #[must_use]
            pub const fn si(self) -> f64 {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                parse(text, &Self::NOTATION).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write(self.0, &Self::NOTATION, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextWithUnit($example)).and_then(|text| {
                    text.parse().map_err(de::Error::custom)
                })
            }
        }
    };
}

/// Takes a text; a bare number is refused with the words a reader needs.
struct TextWithUnit(&'static str);

impl de::Visitor<'_> for TextWithUnit {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text with a unit such as \"{}\"", self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

quantity!(
    /// Electric potential.
    Volts, "V", 0, true, "0.5 V"
);
quantity!(
    /// Electric current.
    Amperes, "A", 0, true, "80 nA"
);
quantity!(
    /// Conductance.
    Siemens, "S", 0, true, "100 uS"
);
quantity!(
    /// Resistance.
    Ohms, "Ohm", 0, true, "1 Ohm"
);
quantity!(
    /// Energy.
    Joules, "J", 0, true, "12 fJ"
);
quantity!(
    /// Power.
    Watts, "W", 0, true, "3 uW"
);
quantity!(
    /// A time that is not a whole number of picoseconds of the hardware's clock: a retention, a drift.
    Seconds, "s", 0, true, "3600 s"
);
quantity!(
    /// A share or a relative deviation, written in percent and stored as a ratio.
    Fraction, "%", -2, false, "5 %"
);
quantity!(
    /// Steps of the ramp ADC: the unit of its offset, noise and INL.
    Lsb, "LSB", 0, false, "0.3 LSB"
);
quantity!(
    /// Steps between neighbouring weight levels.
    WeightLsb, "weight-LSB", 0, false, "0.3 weight-LSB"
);

macro_rules! product {
    ($left:ident * $right:ident = $result:ident) => {
        impl std::ops::Mul<$right> for $left {
            type Output = $result;
            fn mul(self, right: $right) -> $result {
                $result(self.0 * right.0)
            }
        }
        impl std::ops::Div<$right> for $result {
            type Output = $left;
            fn div(self, right: $right) -> $left {
                $left(self.0 / right.0)
            }
        }
    };
}

product!(Siemens * Volts = Amperes);
product!(Watts * Seconds = Joules);

/// A duration of the hardware in whole picoseconds: exact, ordered, and sums do not depend on order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Picos(u64);

impl Picos {
    /// No time.
    pub const ZERO: Picos = Picos(0);

    const NOTATION: Notation = Notation {
        quantity: "Picos",
        base: "s",
        power: 0,
        prefixed: true,
        example: "4 ns",
    };

    /// From whole picoseconds.
    #[must_use]
    pub const fn new(picoseconds: u64) -> Self {
        Self(picoseconds)
    }

    /// Whole picoseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same duration in nanoseconds.
    #[must_use]
    pub fn nanoseconds(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// The same duration as a physical quantity.
    #[must_use]
    pub fn seconds(self) -> Seconds {
        Seconds(self.0 as f64 * 1e-12)
    }

    /// `count` such durations one after another; stays at the largest value instead of wrapping.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl std::ops::Add for Picos {
    type Output = Self;
    fn add(self, right: Self) -> Self {
        Self(self.0.saturating_add(right.0))
    }
}

impl std::ops::AddAssign for Picos {
    fn add_assign(&mut self, right: Self) {
        *self = *self + right;
    }
}

impl std::iter::Sum for Picos {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, |sum, part| sum + part)
    }
}

impl FromStr for Picos {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let picoseconds = parse(text, &Self::NOTATION)? * 1e12;
        let whole = picoseconds.round();
        if !((0.0..=1e18).contains(&whole) && (picoseconds - whole).abs() <= 1e-6 * whole.max(1.0))
        {
            return Err(UnitError::NotPicos {
                text: text.to_owned(),
            });
        }
        Ok(Self(whole as u64))
    }
}

impl fmt::Display for Picos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{} ns", self.0 / 1000)
        } else {
            write!(f, "{} ps", self.0)
        }
    }
}

impl Serialize for Picos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Picos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(TextWithUnit("4 ns"))
            .and_then(|text| text.parse().map_err(de::Error::custom))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_carries_the_unit() {
        let check = |text: &str, si: f64, written: &str| {
            let value: Volts = text.parse().unwrap();
            assert_eq!((value.si(), value.to_string().as_str()), (si, written));
        };
        check("0.3 mV", 0.3e-3, "300 uV");
        check("300uV", 300e-6, "300 uV");
        check("-1.5e3 mV", -1.5, "-1.5 V");
        check("0 V", 0.0, "0 V");
        assert_eq!("5 %".parse::<Fraction>().unwrap().si(), 0.05);
        assert_eq!(Fraction::from_si(0.05).to_string(), "5 %");
        assert_eq!("2.08 ns".parse::<Picos>().unwrap(), Picos::new(2080));
    }

    #[test]
    fn a_message_says_what_to_write() {
        let message = |text: &str| text.parse::<Siemens>().unwrap_err().to_string();
        assert_eq!(
            message("100"),
            "`100` has no unit; write for instance `100 uS`"
        );
        assert_eq!(
            message("100 uV"),
            "`100 uV`: unit `uV` does not fit here, where `S` belongs; write for instance `100 uS`"
        );
        assert_eq!(
            message("nan S"),
            "`nan S` is not a finite number; write for instance `100 uS`"
        );
        assert!(message("wide").contains("does not begin with a number"));
        assert_eq!(Fraction::from_si(0.0).to_string(), "0 %");
        assert!("-4 ns".parse::<Picos>().is_err());
        assert!("0.5 ps".parse::<Picos>().is_err());
    }

    proptest! {
        #[test]
        fn text_written_and_read_again_is_the_same_bits(value in proptest::num::f64::NORMAL) {
            let written = Volts::from_si(value).to_string();
            prop_assert_eq!(written.parse::<Volts>().unwrap().si().to_bits(), value.to_bits(), "{}", written);
            let written = Fraction::from_si(value).to_string();
            prop_assert_eq!(written.parse::<Fraction>().unwrap().si().to_bits(), value.to_bits(), "{}", written);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Siemens>();
            let _ = text.parse::<Picos>();
        }
    }
}
