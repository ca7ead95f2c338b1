//! A parameter with its source and range.
//!
//! ```toml
//! mismatch = { value = "10 %", low = "5 %", high = "20 %", source = "assumed: ..." }
//! ```
//! A bare value, `mismatch = "10 %"`, is taken as a shorthand in a user's own file; every file that
//! is shipped gives all four, and a test holds that.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::mistake::Mistakes;

/// A value, the range in which it is believed, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sourced<T> {
    /// The value that is used.
    pub value: T,
    /// The smallest value that is plausible or allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<T>,
    /// The largest value that is plausible or allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<T>,
    /// Where the value comes from: published, derived or assumed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl<T> Sourced<T> {
    /// A value that nothing is said about.
    pub const fn bare(value: T) -> Self {
        Self {
            value,
            low: None,
            high: None,
            source: String::new(),
        }
    }
}

impl<T: Copy + PartialOrd + fmt::Display> Sourced<T> {
    /// The value, if it lies in its own range.
    ///
    /// # Errors
    /// A value outside `low ..= high`, or a range that is upside down.
    pub fn check(&self, key: &str, mistakes: &mut Mistakes) -> T {
        let range = |bound: &Option<T>| bound.map_or_else(|| "open".to_owned(), |b| b.to_string());
        let inside = self.low.is_none_or(|low| self.value >= low)
            && self.high.is_none_or(|high| self.value <= high);
        mistakes.require(
            inside,
            key,
            self.value,
            format!(
                "outside the range {} to {} that its source holds for",
                range(&self.low),
                range(&self.high)
            ),
            "write a value inside, or widen `low` and `high` and say why in `source`",
        );
        self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sourced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full<T> {
            value: T,
            low: Option<T>,
            high: Option<T>,
            #[serde(default)]
            source: String,
        }

        struct TextOrTable<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for TextOrTable<T> {
            type Value = Sourced<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text with a unit, or a table { value, low, high, source }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(Sourced::bare)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                T::deserialize(de::value::I64Deserializer::new(number)).map(Sourced::bare)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
                T::deserialize(de::value::F64Deserializer::new(number)).map(Sourced::bare)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let full = Full::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Sourced {
                    value: full.value,
                    low: full.low,
                    high: full.high,
                    source: full.source,
                })
            }
        }

        deserializer.deserialize_any(TextOrTable(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Fraction;

    #[derive(Deserialize)]
    struct File {
        sigma: Sourced<Fraction>,
    }

    #[test]
    fn a_bare_text_and_a_full_table_read_alike() {
        let bare: File = toml::from_str("sigma = '5 %'").unwrap();
        let full: File =
            toml::from_str("sigma = { value = '5 %', low = '1 %', high = '9 %', source = 's' }")
                .unwrap();
        assert_eq!(bare.sigma.value, full.sigma.value);
        assert!(toml::from_str::<File>("sigma = { value = '5 %', lwo = '1 %' }").is_err());
        let message = toml::from_str::<File>("sigma = 5")
            .err()
            .unwrap()
            .to_string();
        assert!(message.contains("has no unit"), "{message}");
    }

    #[test]
    fn a_value_outside_its_range_is_named() {
        let full: File = toml::from_str("sigma = { value = '50 %', high = '9 %' }").unwrap();
        let mut mistakes = Mistakes::none();
        full.sigma.check("sigma", &mut mistakes);
        assert_eq!(mistakes.0.len(), 1);
    }
}
