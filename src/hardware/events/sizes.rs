//! The sizes that a price of this macro was made for, as a price list states them: `for = { bits = 8 }`.
//!
//! A price is a number for one converter, one table, one tile; a run may ask for others, and the number does not
//! follow. So a price says for which sizes it holds, one value or a range `[low, high]`, and whoever knows the sizes
//! of a run compares ([`Stated`] knows none). A price that states nothing is compared with nothing.

use serde::{Deserialize, Serialize};

use crate::base::energy::Span;
use crate::base::mistake::Mistakes;
use crate::base::units::{Picos, Siemens, Volts};
use crate::base::vocabulary::Sizes;

/// Whether a stated size can be met.
trait Holds {
    fn something(&self) -> bool;
}

impl<T: PartialOrd> Holds for Span<T> {
    fn something(&self) -> bool {
        self.holds_something()
    }
}

impl Holds for CellKind {
    fn something(&self) -> bool {
        true
    }
}

/// The technology of a cell, as far as a price depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellKind {
    /// A dual SRAM cell.
    Sram,
    /// A conductance.
    Resistive,
}

macro_rules! sizes {
    ($($(#[$doc:meta])* $name:ident: $type:ty, of $($owner:literal),+;)*) => {
        /// The sizes a price was made for. Each belongs to the prices that may state it.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Stated {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)*
        }

        impl Stated {
            /// Names of the sizes that are stated, each with the prices that may state it.
            fn given(&self) -> Vec<(&'static str, &'static [&'static str])> {
                let mut given: Vec<(&'static str, &'static [&'static str])> = Vec::new();
                $(if self.$name.is_some() { given.push((stringify!($name), &[$($owner),+])); })*
                given
            }

            /// Names of the sizes whose range holds nothing.
            fn empty(&self) -> Vec<&'static str> {
                let all = [$((stringify!($name), self.$name.as_ref().is_none_or(Holds::something))),*];
                all.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
            }

            /// Names of the sizes that a price may state.
            fn allowed(price: &str) -> Vec<&'static str> {
                let all: &[(&'static str, &[&str])] = &[$((stringify!($name), &[$($owner),+])),*];
                all.iter().filter(|(_, owners)| owners.contains(&price)).map(|(name, _)| *name).collect()
            }
        }
    };
}

sizes!(
    /// Technology of the cell.
    cell: CellKind, of "cell-write", "cell-read";
    /// Largest conductance of a cell.
    g_max: Span<Siemens>, of "cell-read";
    /// Smallest conductance of a cell.
    g_min: Span<Siemens>, of "cell-read";
    /// Longest pulse on a wordline.
    pulse: Span<Picos>, of "cell-read";
    /// Longest pulse on a wordline, in unit pulses.
    units: Span<u64>, of "input-code";
    /// Largest code that drives a wordline.
    code: Span<u32>, of "mac-charge";
    /// Voltage that a unit charge takes from its line.
    unit_discharge: Span<Volts>, of "mac-charge", "calibration-charge", "ramp-charge";
    /// Voltage to which a line is charged.
    precharge: Span<Volts>, of "mac-charge", "calibration-charge", "ramp-charge";
    /// Bits: of a converter, a counter, a code, a table's index, a reciprocal.
    bits: Span<u32>, of "counter-step", "code-compare", "sort-compare", "lut-write", "exp-lookup", "reciprocal", "multiply", "adc-conversion";
    /// Bits of a table's entry.
    width: Span<u32>, of "lut-write", "exp-lookup", "accumulate";
    /// Keys that a sorter keeps.
    k: Span<usize>, of "sort-compare";
    /// Lanes of the softmax.
    lanes: Span<u32>, of "lut-write";
    /// Rows of a tile.
    wordlines: Span<usize>, of "leakage";
    /// Columns of a tile.
    bitlines: Span<usize>, of "counter-step", "arbiter-grant", "leakage";
    /// Columns that share an ADC.
    columns_per_adc: Span<usize>, of "leakage";
);

impl Sizes for Stated {
    fn check(&self, price: &'static str, mistakes: &mut Mistakes) {
        for (name, owners) in self.given() {
            let allowed = Self::allowed(price);
            mistakes.require(
                owners.contains(&price),
                &format!("{price}.for.{name}"),
                "",
                "this price is not compared with that size",
                if allowed.is_empty() {
                    "take it out: the price holds for every size".to_owned()
                } else {
                    format!("it may state {}", allowed.join(", "))
                },
            );
        }
        for name in self.empty() {
            mistakes.add(
                &format!("{price}.for.{name}"),
                "",
                "the range is empty",
                "write [lowest, highest], or one value",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::*;
    use crate::base::energy::LEAKAGE;
    use crate::base::vocabulary::Named;

    #[test]
    fn every_size_belongs_to_a_price_that_exists() {
        let is_price = |name: &str| name == LEAKAGE || Action::from_name(name).is_some();
        let all = Action::ALL.map(Action::name).into_iter().chain([LEAKAGE]);
        assert!(
            all.map(Stated::allowed)
                .map(|names| names.len())
                .sum::<usize>()
                > 13
        );
        let text = "cell = \"sram\"\ng_max = \"1 uS\"\ng_min = \"0 S\"\npulse = \"1 ns\"\nunits = 1\ncode = 1\n\
                    bits = [1, 8]\nwidth = 1\nk = 5\nlanes = 1\nwordlines = 1\nbitlines = 1\ncolumns_per_adc = 1";
        let stated: Stated = toml::from_str(text).unwrap();
        assert_eq!(stated.given().len(), text.lines().count());
        assert!(
            stated
                .given()
                .iter()
                .all(|(_, owners)| owners.iter().all(|name| is_price(name)))
        );
        assert_eq!(
            toml::from_str::<Stated>(&toml::to_string(&stated).unwrap()).unwrap(),
            stated
        );
    }

    #[test]
    fn a_size_belongs_to_its_price() {
        let read = |text: &str| toml::from_str::<Stated>(text);
        for bad in ["bits = \"x\"", "bit = 8", "g_max = 4"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let told = |text: &str, price| {
            let mut mistakes = Mistakes::none();
            read(text).unwrap().check(price, &mut mistakes);
            mistakes
                .0
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(told("bits = 8", "adc-conversion"), "");
        assert!(told("k = 8", "adc-conversion").contains("it may state bits"));
        assert!(told("bits = 8", "buffer-read").contains("holds for every size"));
        assert!(told("bits = [8, 6]", "adc-conversion").contains("range is empty"));
    }
}
