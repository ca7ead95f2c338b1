//! A size that a price holds for: one value, or a range `[low, high]`.

use std::fmt;
use std::marker::PhantomData;

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One value, or all from a low to a high one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span<T> {
    /// Smallest value, included.
    pub low: T,
    /// Largest value, included.
    pub high: T,
}

impl<T: PartialOrd> Span<T> {
    /// Whether a value lies inside.
    pub fn holds(&self, value: &T) -> bool {
        self.low <= *value && *value <= self.high
    }

    /// Whether any value lies inside.
    pub fn holds_something(&self) -> bool {
        self.low <= self.high
    }
}

impl<T: PartialEq + fmt::Display> fmt::Display for Span<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low == self.high {
            write!(f, "{}", self.low)
        } else {
            write!(f, "{} to {}", self.low, self.high)
        }
    }
}

impl<T: PartialEq + Serialize> Serialize for Span<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.low == self.high {
            return self.low.serialize(serializer);
        }
        let mut both = serializer.serialize_seq(Some(2))?;
        both.serialize_element(&self.low)?;
        both.serialize_element(&self.high)?;
        both.end()
    }
}

impl<'de, T: Deserialize<'de> + Clone> Deserialize<'de> for Span<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrBoth(PhantomData))
    }
}

/// Takes a value or a list of two.
struct OneOrBoth<T>(PhantomData<T>);

impl<T: Clone> OneOrBoth<T> {
    fn one<'de, V, E>(value: V) -> Result<Span<T>, E>
    where
        T: Deserialize<'de>,
        V: de::IntoDeserializer<'de, E>,
        E: de::Error,
    {
        T::deserialize(value.into_deserializer()).map(|value| Span {
            low: value.clone(),
            high: value,
        })
    }
}

impl<'de, T: Deserialize<'de> + Clone> de::Visitor<'de> for OneOrBoth<T> {
    type Value = Span<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or a list of the lowest and the highest")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span<T>, E> {
        Self::one(text.to_owned())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Span<T>, E> {
        Self::one(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Span<T>, E> {
        Self::one(number)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Span<T>, A::Error> {
        match (list.next_element()?, list.next_element()?) {
            (Some(low), Some(high)) if list.next_element::<de::IgnoredAny>()?.is_none() => {
                Ok(Span { low, high })
            }
            _ => Err(de::Error::custom(
                "a range is a list of two, the lowest and the highest",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        bits: Span<u32>,
    }

    fn read(text: &str) -> Result<Span<u32>, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| file.bits)
    }

    #[test]
    fn a_size_is_a_value_or_a_range() {
        let bits = read("bits = [6, 10]").unwrap();
        assert!([6, 8, 10].iter().all(|bits_| bits.holds(bits_)));
        assert!(!bits.holds(&5) && !bits.holds(&11));
        assert_eq!(bits.to_string(), "6 to 10");
        assert_eq!(read("bits = 8").unwrap().to_string(), "8");
        for bad in ["bits = [1]", "bits = [1, 2, 3]", "bits = \"x\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(bits.holds_something() && !read("bits = [10, 6]").unwrap().holds_something());
    }
}
