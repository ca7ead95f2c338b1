//! What a conversion of a successive-approximation ADC takes: its energy from its capacitors and its supply, its time
//! from its cycles.
//!
//! ```text
//! E(b, V) = 2.86 V^2 (100 fF b + 1 aF 4^b)      t(b) = b cycle
//! ```
//!
//! The bracket is the form that ZigZag-IMC prints for 28 nm (logic and comparator linear in bits, the array of
//! capacitors and its noise with 4^b). The factor is *fitted* to the ADC of Jia et al., 65 nm, 8 bits: 1.79 pJ at
//! 0.85 V and 3.56 pJ at 1.2 V both give it. Not fitted to: CR-CIM (65 nm, 10 bits) lies between 0.76 and 1.26 of it,
//! CAP-RAM (65 nm, 6.5 bits) at 1.8. So it is quoted from 5 to 10 bits and 0.6 to 1.2 V, within a factor of two either
//! way. A cycle is an eighth of the 14.3 ns that the same 8 bits take; converters of the literature are linear in bits.
//! Capacitors that differ are not modelled: at 8 bits units of 1 fF (6.6 % each, 28 nm) come to a step error of one LSB.

use crate::base::units::{Joules, Picos, Volts};

/// Bits for which the law was compared with silicon.
pub const SAR_BITS: std::ops::RangeInclusive<u32> = 5..=10;
/// Supplies in volts for which it was.
pub const SAR_SUPPLY: std::ops::RangeInclusive<f64> = 0.6..=1.2;

/// Factor of the law at 65 nm, without unit.
const NODE: f64 = 2.86;
/// Farads of a bit's logic and comparator.
const LOGIC: f64 = 100e-15;
/// Farads of the capacitors at 0 bits.
const ARRAY: f64 = 1e-18;
/// Silicon lies within this factor of the law.
const BAND: f64 = 2.0;

/// What one conversion takes.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnCost {
    /// Energy: nominal, low, high.
    pub energy: [Joules; 3],
    /// Node it is for.
    pub node: &'static str,
    /// Supply it is for.
    pub voltage: Volts,
    /// Where it comes from.
    pub source: &'static str,
    /// Duration.
    pub time: Picos,
}

/// A conversion of so many bits at a supply, a bit a cycle.
///
/// ```
/// use topkima::base::units::Picos;
/// use topkima::hardware::converter::sar_cost;
///
/// let cost = sar_cost(8, "0.85 V".parse().unwrap(), "1790 ps".parse().unwrap());
/// assert!((cost.energy[0].si() / 1.79e-12 - 1.0).abs() < 1e-3);
/// assert_eq!(cost.time, Picos::new(14_320));
/// ```
#[must_use]
pub fn sar_cost(bits: u32, supply: Volts, cycle: Picos) -> OwnCost {
    let charged = LOGIC * f64::from(bits) + ARRAY * 4.0_f64.powi(bits as i32);
    let energy = NODE * supply.si().powi(2) * charged;
    OwnCost {
        energy: [energy, energy / BAND, energy * BAND].map(Joules::from_si),
        node: "65 nm",
        voltage: supply,
        source: "fitted: 2.86 V^2 (100 fF b + 1 aF 4^b), to one chip of 65 nm at two supplies; other chips lie within a factor of two",
        time: cycle.times(u64::from(bits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picojoules(bits: u32, volts: f64) -> f64 {
        let cost = sar_cost(bits, Volts::from_si(volts), Picos::new(1790));
        cost.energy[0].si() * 1e12
    }

    /// Both points of the chip it is fitted to, to the digits that are printed.
    #[test]
    fn the_chip_it_is_fitted_to_is_met_at_both_supplies() {
        assert!((picojoules(8, 0.85) - 1.79).abs() < 0.005);
        assert!((picojoules(8, 1.2) - 3.56).abs() < 0.01);
    }

    /// Chips it is not fitted to, within the band: CR-CIM (10 bits, 0.6 V 2.66 pJ with its MAC, 1.1 V 5.4 pJ) and
    /// CAP-RAM (6.5 bits, so between 6 and 7, 3.4 pJ with control, 1 V assumed).
    #[test]
    fn chips_it_is_not_fitted_to_lie_in_its_band() {
        for (bits, volts, published) in [(10, 0.6, 2.66), (10, 1.1, 5.4), (7, 1.0, 3.4)] {
            let ratio = published / picojoules(bits, volts);
            assert!(
                (1.0 / BAND..=BAND).contains(&ratio),
                "{bits} bits, {volts} V: {ratio}"
            );
        }
    }

    /// By hand: 2.86 x 0.7225 x (500 fF + 1 aF x 1024) at 5 bits, and a capacitor array of 4.2 pJ at 10 bits.
    #[test]
    fn bits_cost_their_logic_and_then_their_capacitors() {
        assert!((picojoules(5, 0.85) - 1.0353).abs() < 1e-4);
        assert!((picojoules(10, 0.85) - 4.2331).abs() < 1e-4);
        let capacitors = |bits| picojoules(bits, 0.85) - picojoules(bits - 1, 0.85);
        assert!(capacitors(6) < 0.22 && capacitors(12) > 20.0);
    }
}
