//! How a quantity is read from text and written to it, and what is said of a text that is none.

use std::fmt;
use std::str::FromStr;

use serde::{Deserializer, de};

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
pub(super) struct Notation {
    pub base: &'static str,
    /// Power of ten of the written base unit against the stored one (`%` is stored as a ratio: -2).
    pub power: i32,
    pub prefixed: bool,
    pub example: &'static str,
}

pub(super) fn parse(text: &str, notation: &Notation) -> Result<f64, UnitError> {
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
pub(super) fn write(value: f64, notation: &Notation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// A value times a power of ten, by its shortest digits: `0.3e-3` and 6 give 300.
pub(super) fn shifted(value: f64, power: i32) -> f64 {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0) + power;
    format!("{digits}e{exponent}").parse().unwrap_or(value)
}

/// A quantity from a text of a file.
pub(super) fn read<'de, T, D>(deserializer: D, notation: &Notation) -> Result<T, D::Error>
where
    T: FromStr<Err = UnitError>,
    D: Deserializer<'de>,
{
    deserializer
        .deserialize_any(TextWithUnit(notation.example))
        .and_then(|text| text.parse().map_err(de::Error::custom))
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
