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
    #[error("`{text}` does not begin with a number{hint}; write for instance `{example}`")]
    NoNumber {
        /// What was written.
        text: String,
        /// What is strange about it; begins with a comma, empty where nothing is.
        hint: String,
        /// A text that would be taken.
        example: &'static str,
    },
    /// The unit belongs to another quantity, or to none.
    #[error(
        "`{text}`: unit `{unit}` does not fit here, where `{base}` belongs{hint}; write for instance `{example}`"
    )]
    WrongUnit {
        /// What was written.
        text: String,
        /// The unit in it.
        unit: String,
        /// Its base unit.
        base: &'static str,
        /// What is strange about it, and what may be meant; begins with a comma, empty where nothing is.
        hint: String,
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

/// SI prefixes with their powers of ten; both micro signs are read as `u`.
const PREFIXES: [(&str, i32); 12] = [
    ("z", -21),
    ("a", -18),
    ("f", -15),
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
];

/// The text with what keyboards and copied pages put in the place of ASCII: the micro sign (U+00B5) and the
/// Greek mu (U+03BC) for `u`, the Greek omega (U+03A9) and the ohm sign (U+2126) for `Ohm`, the minus sign
/// (U+2212) for `-`. Spaces that do not break are spaces to `trim` already.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        match letter {
            '\u{b5}' | '\u{3bc}' => plain.push('u'),
            '\u{3a9}' | '\u{2126}' => plain.push_str("Ohm"),
            '\u{2212}' => plain.push('-'),
            other => plain.push(other),
        }
    }
    plain
}

/// The unit as it is written here, where it goes by other spellings: `ohm`, `ohms`, `percent`.
fn spelt(unit: &str) -> String {
    for (ending, ours) in [
        ("ohms", "Ohm"),
        ("Ohms", "Ohm"),
        ("ohm", "Ohm"),
        ("percent", "%"),
    ] {
        if let Some(prefix) = unit.strip_suffix(ending) {
            return format!("{prefix}{ours}");
        }
    }
    unit.to_owned()
}

/// What is strange about a text that is no quantity: a character outside ASCII by its code point, since two that
/// look alike may differ; a comma for the point; a letter in the wrong case, which is another prefix.
fn hint(text: &str, unit: &str, notation: &Notation) -> String {
    let understood = |c: &char| c.is_whitespace() || plain(&c.to_string()).is_ascii();
    if let Some(strange) = text.chars().find(|c| !understood(c)) {
        let code = u32::from(strange);
        return if strange.is_alphanumeric() || (code < 0x2000 && !strange.is_control()) {
            format!(", and `{strange}` (U+{code:04X}) is not understood")
        } else {
            // Some of these have no width: only the number shows that they are there.
            format!(", and the character U+{code:04X} is not understood")
        };
    }
    let mut after = unit.trim_start_matches([',', '_', '\'']).chars();
    if after.next().is_some_and(|c| c.is_ascii_digit()) {
        return ", and a number has a point and no spaces or commas: 1000.5".to_owned();
    }
    let whole = spelt(&unit.split_whitespace().collect::<String>());
    let meant: Vec<String> = PREFIXES
        .iter()
        .filter(|(prefix, _)| notation.prefixed || prefix.is_empty())
        .map(|(prefix, _)| format!("{prefix}{}", notation.base))
        .filter(|known| known.eq_ignore_ascii_case(&whole))
        .map(|known| format!("`{known}`"))
        .collect();
    let why = match whole == unit {
        true => "case matters",
        false => "no space stands within a unit",
    };
    if meant.is_empty() {
        String::new()
    } else {
        format!(", and {why}: did you mean {}?", meant.join(" or "))
    }
}

/// How the unit of a quantity is written.
pub(super) struct Notation {
    pub base: &'static str,
    /// Power of ten of the written base unit against the stored one (`%` is stored as a ratio: -2).
    pub power: i32,
    pub prefixed: bool,
    pub example: &'static str,
}

pub(super) fn parse(text: &str, notation: &Notation) -> Result<f64, UnitError> {
    let trimmed = &plain(text);
    let (text, example) = (text.to_owned(), notation.example);
    let split = (0..=trimmed.len())
        .rev()
        .filter(|&at| trimmed.is_char_boundary(at))
        .find(|&at| trimmed[..at].trim_end().parse::<f64>().is_ok());
    let Some(split) = split else {
        let hint = hint(&text, "", notation);
        return Err(UnitError::NoNumber {
            text,
            hint,
            example,
        });
    };
    let (number, unit) = (trimmed[..split].trim_end(), &spelt(trimmed[split..].trim()));
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
        let hint = hint(&text, unit, notation);
        return Err(UnitError::WrongUnit {
            text,
            hint,
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
