//! A number that says where it comes from and how far it may be off.
//!
//! In a file it is `{ value = "6.5 ns", low = "1 ns", high = "6.5 ns", source = "..." }`, or the
//! bare text `"4 ns"` for a value without range and source.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::mistake::Mistakes;

/// What a source begins with: how far a value can be trusted.
pub const KINDS: [&str; 5] = ["published", "derived", "fitted", "measured", "assumed"];

/// The kind that a source begins with, in small letters or large ones.
#[must_use]
pub fn kind(source: &str) -> Option<&'static str> {
    let first = source.split(|sign: char| !sign.is_alphabetic()).next()?;
    KINDS
        .into_iter()
        .find(|kind| kind.eq_ignore_ascii_case(first))
}

/// A value with its plausible range and its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced<T> {
    /// What the simulator uses.
    pub value: T,
    /// Low end of the plausible range; the value itself where none is given.
    pub low: T,
    /// High end of the plausible range; the value itself where none is given.
    pub high: T,
    /// Where the value comes from, beginning with one of [`KINDS`]; empty for the shorthand.
    pub source: String,
}

impl<T: Clone> Sourced<T> {
    /// A value without range and source.
    #[must_use]
    pub fn bare(value: T) -> Self {
        Self {
            low: value.clone(),
            high: value.clone(),
            value,
            source: String::new(),
        }
    }
}

impl<T: PartialOrd + fmt::Display> Sourced<T> {
    /// Records a range that does not hold the value. NaN lies in no range.
    pub fn check(&self, key: &str, mistakes: &mut Mistakes) {
        mistakes.require(
            self.low <= self.value && self.value <= self.high,
            key,
            format_args!("{} (low {}, high {})", self.value, self.low, self.high),
            "the value lies outside its own range",
            "write low, value and high, low <= value <= high; what is left out stays as the device or an included file has it",
        );
    }
}

/// The long form, as written in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Full<T> {
    value: T,
    low: Option<T>,
    high: Option<T>,
    source: String,
}

impl<T: Serialize + PartialEq> Serialize for Sourced<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        if self.source.is_empty() && self.low == self.value && self.high == self.value {
            return self.value.serialize(serializer);
        }
        let mut table = serializer.serialize_struct("Sourced", 4)?;
        table.serialize_field("value", &self.value)?;
        table.serialize_field("low", &self.low)?;
        table.serialize_field("high", &self.high)?;
        table.serialize_field("source", &self.source)?;
        table.end()
    }
}

impl<'de, T: Deserialize<'de> + Clone> Deserialize<'de> for Sourced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Takes the long form or the shorthand. By hand, because serde's `untagged` would hide the
/// message of the quantity (`has no unit`) behind "did not match any variant".
struct Either<T>(PhantomData<T>);

impl<T> Either<T> {
    fn shorthand<'de, V, E>(value: V) -> Result<Sourced<T>, E>
    where
        T: Deserialize<'de> + Clone,
        V: IntoDeserializer<'de, E>,
        E: de::Error,
    {
        T::deserialize(value.into_deserializer()).map(Sourced::bare)
    }
}

impl<'de, T: Deserialize<'de> + Clone> de::Visitor<'de> for Either<T> {
    type Value = Sourced<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a value with its unit, or a table {{ value, low, high, source }}"
        )
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Sourced<T>, E> {
        Self::shorthand(text.to_owned())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Sourced<T>, E> {
        Self::shorthand(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Sourced<T>, E> {
        Self::shorthand(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Sourced<T>, E> {
        Self::shorthand(number)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> Result<Sourced<T>, A::Error> {
        let full: Full<T> = Full::deserialize(MapAccessDeserializer::new(table))?;
        Ok(Sourced {
            low: full.low.unwrap_or_else(|| full.value.clone()),
            high: full.high.unwrap_or_else(|| full.value.clone()),
            value: full.value,
            source: full.source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Picos;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Table {
        clock: Sourced<Picos>,
    }

    fn read(text: &str) -> Result<Table, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn shorthand_and_long_form_survive_writing() {
        for text in [
            r#"clock = "4 ns""#,
            r#"clock = { value = "4 ns", source = "published: section IV" }"#,
            r#"clock = { value = "4 ns", low = "2 ns", high = "5 ns", source = "x" }"#,
        ] {
            let table = read(text).unwrap();
            assert_eq!(table.clock.value, Picos::new(4000));
            assert_eq!(read(&toml::to_string(&table).unwrap()).unwrap(), table);
        }
        let written = toml::to_string(&read(r#"clock = "4 ns""#).unwrap()).unwrap();
        assert_eq!(written.trim(), r#"clock = "4 ns""#);
    }

    #[test]
    fn the_message_of_the_quantity_is_kept() {
        let message = |text: &str| read(text).unwrap_err().to_string();
        assert!(message("clock = 4").contains("`4` has no unit"));
        assert!(message("clock = 4.5").contains("`4.5` has no unit"));
        assert!(message(r#"clock = "4 nJ""#).contains("unit `nJ`"));
        assert!(message(r#"clock = { value = "4 ns", from = "x" }"#).contains("`from`"));
        assert!(message(r#"clock = { value = "4 ns" }"#).contains("`source`"));
    }

    #[test]
    fn a_source_says_how_far_it_can_be_trusted() {
        for (source, own) in [
            ("measured", "measured"),
            ("Published: section IV", "published"),
            ("assumed; as for K", "assumed"),
            ("fitted to 8x", "fitted"),
        ] {
            assert_eq!(kind(source), Some(own));
        }
        for source in ["my guess", "", "measurement", "see published"] {
            assert_eq!(kind(source), None, "{source}");
        }
    }

    #[test]
    fn a_value_outside_its_range_is_a_mistake() {
        let table =
            read(r#"clock = { value = "4 ns", low = "5 ns", high = "6 ns", source = "x" }"#)
                .unwrap();
        let mut mistakes = Mistakes::none();
        table.clock.check("clock", &mut mistakes);
        assert_eq!(mistakes.0.len(), 1);
        assert!(mistakes.0[0].to_string().starts_with("clock = 4 ns"));
    }
}
