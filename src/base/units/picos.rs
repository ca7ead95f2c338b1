//! Time of the hardware's clock, in whole picoseconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Seconds;
use super::text::{Notation, UnitError, parse, read};

/// A duration of the hardware in whole picoseconds: exact, ordered, and sums do not depend on order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Picos(u64);

impl Picos {
    /// No time.
    pub const ZERO: Picos = Picos(0);

    const NOTATION: Notation = Notation {
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
        Seconds::from_si(self.0 as f64 * 1e-12)
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
        read(deserializer, &Self::NOTATION)
    }
}
