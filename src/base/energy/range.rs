//! The range in which a fitted formula may be believed.
//!
//! A regression answers any question it is asked. A formula that was fitted to data says where the
//! data lay, and a question from outside is refused by name instead of being extrapolated.

/// A formula was asked for a value its data do not cover.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{formula}: {quantity} {value} is outside {low} .. {high} {unit}; {fix}")]
pub struct OutOfRange {
    /// The formula that refuses.
    pub formula: &'static str,
    /// The argument that lies outside.
    pub quantity: &'static str,
    /// What was asked.
    pub value: f64,
    /// Smallest value the formula answers for.
    pub low: f64,
    /// Largest value the formula answers for.
    pub high: f64,
    /// Unit of the three numbers.
    pub unit: &'static str,
    /// What to do instead.
    pub fix: &'static str,
}

/// One argument of a fitted formula and where its data lay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The formula the range belongs to.
    pub formula: &'static str,
    /// The argument.
    pub quantity: &'static str,
    /// Smallest value, included.
    pub low: f64,
    /// Largest value, included.
    pub high: f64,
    /// Unit of both.
    pub unit: &'static str,
    /// What to do with a value outside.
    pub fix: &'static str,
}

impl Range {
    /// Gives the value back if it lies inside.
    ///
    /// # Errors
    /// [`OutOfRange`] if it does not; NaN lies nowhere.
    pub fn admit(&self, value: f64) -> Result<f64, OutOfRange> {
        if value >= self.low && value <= self.high {
            Ok(value)
        } else {
            Err(OutOfRange {
                formula: self.formula,
                quantity: self.quantity,
                value,
                low: self.low,
                high: self.high,
                unit: self.unit,
                fix: self.fix,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITS: Range = Range {
        formula: "a fit",
        quantity: "resolution",
        low: 4.0,
        high: 17.0,
        unit: "bits",
        fix: "price the comparators",
    };

    #[test]
    fn both_ends_are_inside_and_nan_is_not() {
        assert_eq!(BITS.admit(4.0), Ok(4.0));
        assert_eq!(BITS.admit(17.0), Ok(17.0));
        assert!(BITS.admit(17.000_001).is_err());
        assert!(BITS.admit(f64::NAN).is_err());
    }

    #[test]
    fn the_message_says_what_is_allowed_and_what_to_do() {
        assert_eq!(
            BITS.admit(3.5).unwrap_err().to_string(),
            "a fit: resolution 3.5 is outside 4 .. 17 bits; price the comparators"
        );
    }
}
