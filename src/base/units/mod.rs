//! Physical quantities that carry their unit in the type and in the text.
//!
//! A quantity is stored as an `f64` in its base unit behind a private field. In a file it is text
//! with a unit, `"100 uS"`; a bare number is refused. Prefixes are the SI ones from `z` (1e-21) to
//! `T` (1e12); both micro signs, both ohm signs, `ohm` and the minus sign of a page are read too. Parsing joins the decimal digits and the prefix's exponent before rounding, so text
//! read and written again gives the same bits.
//!
//! ```
//! use topkima::base::units::{Siemens, Volts};
//! let g: Siemens = "100 uS".parse().unwrap();
//! let i = g * "0.2 V".parse::<Volts>().unwrap();
//! assert_eq!(i.to_string(), "20 uA");
//! assert!("100".parse::<Siemens>().unwrap_err().to_string().contains("has no unit"));
//! ```

mod alike;
mod picos;
mod text;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use text::{Notation, parse, write};

pub use alike::in_one_unit;
pub use picos::Picos;
pub use text::UnitError;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $base:literal, $power:literal, $prefixed:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            const NOTATION: Notation = Notation {
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
                text::read(deserializer, &Self::NOTATION)
            }
        }
    };
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
    /// Steps of a converter: the unit of its offset, noise and INL.
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

    /// Characters by their code points: an editor may change one that it shows like another.
    #[test]
    fn units_are_read_as_people_type_them() {
        for micro in ['u', '\u{b5}', '\u{3bc}'] {
            let siemens: Siemens = format!("20 {micro}S").parse().unwrap();
            assert_eq!(siemens.to_string(), "20 uS");
            let picos: Picos = format!("2 {micro}s").parse().unwrap();
            assert_eq!(picos, Picos::new(2_000_000));
        }
        for ohm in ["Ohm", "ohm", "ohms", "Ohms", "\u{3a9}", "\u{2126}"] {
            for (prefix, si) in [("", 2.5), ("k", 2500.0), ("m", 0.0025), ("M", 2.5e6)] {
                let text = format!("2.5 {prefix}{ohm}");
                assert_eq!(text.parse::<Ohms>().unwrap().si(), si, "{text}");
            }
        }
        for space in ['\u{a0}', '\u{202f}', '\u{2009}', '\u{3000}', '\t'] {
            assert_eq!(format!("3{space}mV").parse::<Volts>().unwrap().si(), 0.003);
        }
        assert_eq!("\u{2212}1.5 mV".parse::<Volts>().unwrap().si(), -0.0015);
        assert_eq!("1e\u{2212}9 s".parse::<Picos>().unwrap(), Picos::new(1000));
        assert_eq!("5 percent".parse::<Fraction>().unwrap().si(), 0.05);
        let joules = |text: &str| text.parse::<Joules>().unwrap().si();
        assert_eq!(
            ["180 aJ", "3 zJ", "2 TJ"].map(joules),
            [180e-18, 3e-21, 2e12]
        );
    }

    #[test]
    fn a_strange_character_is_named_by_its_code_point() {
        let message = |text: &str| text.parse::<Siemens>().unwrap_err().to_string();
        // Cyrillic Es, a zero-width space, a full-width digit: all look like what is right.
        assert!(message("20 u\u{421}").contains("`\u{421}` (U+0421) is not understood"));
        assert!(message("20 u\u{200b}S").contains("U+200B is not understood"));
        assert!(message("\u{ff12}0 uS").contains("U+FF12"));
        assert!(message("20 \u{2103}").contains("U+2103"));
        assert!(message("20 \u{3bc}V").contains("unit `uV` does not fit here"));
        assert!(message("20 US").contains("case matters: did you mean `uS`?"));
        // What is understood is not blamed.
        let ohms = |text: &str| text.parse::<Ohms>().unwrap_err().to_string();
        assert!(ohms("1 K\u{3a9}").contains("case matters: did you mean `kOhm`?"));
        assert!(
            message("40 \u{b5} S").contains("no space stands within a unit: did you mean `uS`?")
        );
        assert!(message("4 \u{b5}\u{421}").contains("`\u{421}` (U+0421) is not understood"));
        assert!(message("20 ms").contains("did you mean `mS` or `MS`?"));
        assert!(message("0,5 uS").contains("a number has a point and no spaces or commas: 1000.5"));
        assert!(message("1 000 uS").contains("a number has a point"));
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
