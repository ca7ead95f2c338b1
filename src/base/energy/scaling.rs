//! How the energy of digital logic scales from one node and supply to another.
//!
//! A. Stillmaker and B. Baas, Integration 58 (2017) 74-81: a quadratic in the supply for each node,
//! `factor(node, V) = a V^2 + b V + c`, and `E(Y) = E(X) factor(Y) / factor(X)`. Coefficients as in
//! `hwcomponents/scaling/techscaling.py` (MIT). Between two nodes of the table the factor is
//! interpolated linearly in the node at the same supply, as that code does.
//!
//! **Range.** Digital energy only: an analog charge is set by matching and noise, not by the node,
//! and must not be scaled with this. Nodes 7 .. 130 nm. Supply from 0.6 V to 1.2 times the node's
//! nominal one: the quadratic of 65 nm turns round at 0.586 V and would make less supply cost more.
//! The lower end is ours, and a test shows that every factor rises with the supply inside.
//!
//! **Say the supply.** 28 -> 65 nm is x2.42 with both at 0.8 V and x3.93 from 0.9 V to 1.1 V.

use super::range::{OutOfRange, Range};
use crate::base::units::{Joules, Volts};

const FORMULA: &str = "digital energy scaling";

/// One row of the table: node in nm, a, b, c, nominal supply in V.
type Row = (f64, f64, f64, f64, f64);

/// Coarse to fine.
const TABLE: [Row; 10] = [
    (130.0, 7.171, -6.709, 2.904, 1.3),
    (90.0, 4.762, -4.781, 2.092, 1.2),
    (65.0, 3.755, -4.398, 1.975, 1.1),
    (45.0, 1.103, -0.362, 0.2767, 1.0),
    (32.0, 0.9559, -0.7823, 0.471, 0.9),
    (20.0, 0.373, -0.1582, 0.04104, 0.85),
    (16.0, 0.2958, -0.1241, 0.03024, 0.8),
    (14.0, 0.2363, -0.09675, 0.02239, 0.8),
    (10.0, 0.2068, -0.09311, 0.02375, 0.75),
    (7.0, 0.1776, -0.09097, 0.02447, 0.7),
];

/// Nodes of the table.
pub const NODE: Range = Range {
    formula: FORMULA,
    quantity: "node",
    low: 7.0,
    high: 130.0,
    unit: "nm",
    fix: "price the logic at a node of the table",
};

/// Smallest supply the factors are used at.
const LOWEST_SUPPLY: f64 = 0.6;

/// Largest supply, in nominal ones.
const OVERDRIVE: f64 = 1.2;

/// A node with the supply its logic runs at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    /// Node in nm.
    pub node_nm: f64,
    /// Supply of the logic.
    pub supply: Volts,
}

/// Nominal supply of a node, 130 nm 1.3 V to 7 nm 0.7 V, linear between the nodes of the table.
///
/// # Errors
/// [`OutOfRange`] outside [`NODE`].
pub fn nominal_supply(node_nm: f64) -> Result<Volts, OutOfRange> {
    let node = NODE.admit(node_nm)?;
    Ok(Volts::from_si(between(node, |row| row.4)))
}

/// Relative energy of one logic operation: `a V^2 + b V + c`, without unit; only quotients mean
/// anything.
///
/// # Errors
/// [`OutOfRange`] for a node outside [`NODE`], or a supply outside 0.6 V .. 1.2 x nominal.
pub fn factor(process: Process) -> Result<f64, OutOfRange> {
    let node = NODE.admit(process.node_nm)?;
    let supply = Range {
        formula: FORMULA,
        quantity: "supply",
        low: LOWEST_SUPPLY,
        high: OVERDRIVE * between(node, |row| row.4),
        unit: "V",
        fix: "the fit turns round below and has no data above",
    };
    let v = supply.admit(process.supply.si())?;
    Ok(between(node, |(_, a, b, c, _)| (a * v + b) * v + c))
}

/// Energy of the same logic at another node and supply.
///
/// # Errors
/// [`OutOfRange`] if either process lies outside the range of [`factor`].
pub fn digital_energy(energy: Joules, from: Process, to: Process) -> Result<Joules, OutOfRange> {
    Ok(Joules::from_si(energy.si() * factor(to)? / factor(from)?))
}

/// `value` at a node of the table, linear in the node between two of them.
fn between(node: f64, value: impl Fn(Row) -> f64) -> f64 {
    let finer = TABLE.iter().position(|row| row.0 <= node).unwrap_or(0);
    let low = TABLE[finer];
    if low.0 == node || finer == 0 {
        return value(low);
    }
    let high = TABLE[finer - 1];
    let share = (node - low.0) / (high.0 - low.0);
    value(low) + share * (value(high) - value(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn at(node_nm: f64, supply: f64) -> Process {
        Process {
            node_nm,
            supply: Volts::from_si(supply),
        }
    }

    const NODES: [f64; 10] = [130.0, 90.0, 65.0, 45.0, 32.0, 20.0, 16.0, 14.0, 10.0, 7.0];

    #[test]
    fn agrees_with_the_table_at_nominal_supply_against_65_nm() {
        let table = [
            3.749, 1.911, 1.0, 0.606, 0.322, 0.105, 0.072, 0.057, 0.042, 0.028,
        ];
        let reference = factor(at(65.0, 1.1)).unwrap();
        for (node, expected) in NODES.into_iter().zip(table) {
            let nominal = nominal_supply(node).unwrap().si();
            let ratio = factor(at(node, nominal)).unwrap() / reference;
            assert!((ratio - expected).abs() < 6e-4, "{node} nm: {ratio}");
        }
    }

    #[test]
    fn agrees_with_the_table_at_0v8() {
        let table = [
            2.126, 1.315, 0.860, 0.693, 0.457, 0.153, 0.120, 0.096, 0.082, 0.065,
        ];
        for (node, expected) in NODES.into_iter().zip(table) {
            let found = factor(at(node, 0.8)).unwrap();
            assert!((found - expected).abs() < 6e-4, "{node} nm: {found}");
        }
    }

    #[test]
    fn an_answer_between_two_nodes_depends_on_the_supply_as_stated() {
        let energy = Joules::from_si(1.0);
        let flat = digital_energy(energy, at(28.0, 0.8), at(65.0, 0.8)).unwrap();
        assert_relative_eq!(flat.si(), 2.42, max_relative = 2e-3);
        let nominal = digital_energy(energy, at(28.0, 0.9), at(65.0, 1.1)).unwrap();
        assert_relative_eq!(nominal.si(), 3.93, max_relative = 2e-3);
    }

    #[test]
    fn a_40_nm_register_bit_costs_at_65_nm_what_the_reference_run_says() {
        // Aladdin: 0.009 pJ at 40 nm; the reference run scaled at 0.8 V gives 0.0129 pJ.
        let bit = Joules::from_si(0.009e-12);
        let scaled = digital_energy(bit, at(40.0, 0.8), at(65.0, 0.8)).unwrap();
        assert_relative_eq!(scaled.si(), 0.0129e-12, max_relative = 5e-3);
    }

    #[test]
    fn there_and_back_is_the_same_energy() {
        let energy = Joules::from_si(3.3e-12);
        let there = digital_energy(energy, at(65.0, 1.1), at(14.0, 0.7)).unwrap();
        let back = digital_energy(there, at(14.0, 0.7), at(65.0, 1.1)).unwrap();
        assert_relative_eq!(back.si(), energy.si(), max_relative = 1e-14);
    }

    #[test]
    fn more_supply_never_costs_less_inside_the_range() {
        for node in 7..=130 {
            let node = f64::from(node);
            let top = OVERDRIVE * nominal_supply(node).unwrap().si();
            let mut last = 0.0;
            for step in 0..=100 {
                let v = LOWEST_SUPPLY + (top - LOWEST_SUPPLY) * f64::from(step) / 101.0;
                let found = factor(at(node, v)).unwrap();
                assert!(found > last, "{node} nm at {v} V: {found} after {last}");
                last = found;
            }
        }
    }

    #[test]
    fn a_node_or_supply_outside_is_refused_by_name() {
        let quantity = |node, v| factor(at(node, v)).unwrap_err().quantity;
        assert_eq!(quantity(180.0, 1.1), "node");
        assert_eq!(quantity(5.0, 0.7), "node");
        assert_eq!(quantity(f64::NAN, 0.7), "node");
        assert_eq!(quantity(65.0, 0.5), "supply");
        assert_eq!(quantity(65.0, 1.4), "supply");
    }
}
