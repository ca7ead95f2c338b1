//! What an ADC costs by the survey of published converters: energy and area by regression.
//!
//! Form and coefficients: Andrulis et al., arXiv 2404.06553, as coded in `hwcomponents-adc`
//! (commit 246af7e, MIT), fitted to Murmann's ADC survey 1997-2023 (BSD-3-Clause). With `f` the
//! rate of one converter in Hz, `b` its effective number of bits and `t` the node in nm:
//!
//! ```text
//! SNDR  = 6.0206 b + 1.7609                                                [dB]
//! FOM   = min(213.7807 - 2.87190 ln f, 128.3068 + 3.22052 ceil(b))         [dB]
//! E     = 10^((SNDR - FOM) / 10) / 2 * exp(26.04962 + 1.880037 ln t - 2.829126 ln b - 1.470202)  [pJ]
//! A     = exp(1.346192 + 0.993279 ln t + 0.180715 ln f + 0.299124 ln E)    [um2]
//! ```
//!
//! The rate enters `E` only where the first branch of the minimum is the smaller one: above
//! 1.07 GHz at 8 b; at 5 b that would be 31 GHz, so in range the energy of a 5 b conversion does not
//! depend on its rate.
//!
//! **Worth.** The fit is the best fifth of the survey, whose 65 nm entries below 7 b are nearly all
//! flash and time-interleaved converters of 250 MS/s and more. Beside the slow column converter
//! of an in-memory macro it is wrong by x0.28 to x3.6: use it to compare, not to predict.

use super::range::{OutOfRange, Range};
use crate::base::units::Joules;

const FORMULA: &str = "ADC survey regression";

/// Effective bits: the model refuses fewer than 4, the survey ends at 17.2.
pub const BITS: Range = Range {
    formula: FORMULA,
    quantity: "resolution",
    low: 4.0,
    high: 17.0,
    unit: "bits",
    fix: "price the comparators of a coarser converter one by one",
};

/// Conversions a second of one converter: the survey begins at 1 kS/s, the model ends at 10 GS/s.
pub const RATE: Range = Range {
    formula: FORMULA,
    quantity: "rate",
    low: 1e3,
    high: 1e10,
    unit: "Hz",
    fix: "spread the conversions over more, slower converters",
};

/// Nodes in the survey.
pub const NODE: Range = Range {
    formula: FORMULA,
    quantity: "node",
    low: 4.0,
    high: 1000.0,
    unit: "nm",
    fix: "the survey has no converter there",
};

/// Share of the energy that the source counts as leakage at full rate; the rest is the conversion.
/// [`adc_energy`] returns both together.
pub const LEAKAGE_SHARE: f64 = 0.2;

/// Energy of one conversion, leakage included, at the node's usual supply.
///
/// `enob` effective bits, `rate_hz` conversions a second of this one converter, `node_nm` the node.
/// Formula, source and worth are those of the [module](self).
///
/// # Errors
/// [`OutOfRange`] outside [`BITS`], [`RATE`] or [`NODE`].
pub fn adc_energy(enob: f64, rate_hz: f64, node_nm: f64) -> Result<Joules, OutOfRange> {
    let (enob, rate, node) = admit(enob, rate_hz, node_nm)?;
    Ok(Joules::from_si(picojoules(enob, rate, node) * 1e-12))
}

/// Area of one converter in square micrometres.
///
/// Arguments as for [`adc_energy`]; formula, source and worth are those of the [module](self).
///
/// # Errors
/// [`OutOfRange`] outside [`BITS`], [`RATE`] or [`NODE`].
pub fn adc_area_um2(enob: f64, rate_hz: f64, node_nm: f64) -> Result<f64, OutOfRange> {
    let (enob, rate, node) = admit(enob, rate_hz, node_nm)?;
    let energy = picojoules(enob, rate, node);
    Ok((1.346_192 + 0.993_279 * node.ln() + 0.180_715 * rate.ln() + 0.299_124 * energy.ln()).exp())
}

fn admit(enob: f64, rate_hz: f64, node_nm: f64) -> Result<(f64, f64, f64), OutOfRange> {
    Ok((
        BITS.admit(enob)?,
        RATE.admit(rate_hz)?,
        NODE.admit(node_nm)?,
    ))
}

fn picojoules(enob: f64, rate: f64, node: f64) -> f64 {
    let sndr = 6.0206 * enob + 1.7609;
    let by_rate = 213.7807 - 2.871_90 * rate.ln();
    let by_bits = 128.3068 + 3.220_52 * enob.ceil();
    let ideal = 10_f64.powf((sndr - by_rate.min(by_bits)) / 10.0) / 2.0;
    ideal * (26.049_62 + 1.880_037 * node.ln() - 2.829_126 * enob.ln() - 1.470_202).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    fn pj(enob: f64, rate: f64, node: f64) -> f64 {
        adc_energy(enob, rate, node).unwrap().si() * 1e12
    }

    #[test]
    fn agrees_with_the_reference_run_at_any_slow_rate() {
        // Reference run: 3.55 and 6.49 pJ at 65 nm, 0.94 and 1.71 pJ at 32 nm, for 5 and 8 b.
        for rate in [1e6, 1e8, 1e9] {
            assert_relative_eq!(pj(5.0, rate, 65.0), 3.55, max_relative = 2e-3);
            assert_relative_eq!(pj(8.0, rate, 65.0), 6.49, max_relative = 2e-3);
            assert_relative_eq!(pj(5.0, rate, 32.0), 0.94, max_relative = 5e-3);
            assert_relative_eq!(pj(8.0, rate, 32.0), 1.71, max_relative = 5e-3);
        }
    }

    #[test]
    fn rate_matters_only_above_the_crossing_of_the_two_branches() {
        assert_eq!(pj(8.0, 1.06e9, 65.0), pj(8.0, 1e3, 65.0));
        assert!(pj(8.0, 1.08e9, 65.0) > pj(8.0, 1.06e9, 65.0));
        assert_eq!(pj(5.0, 1e10, 65.0), pj(5.0, 1e3, 65.0));
    }

    #[test]
    fn area_follows_its_own_formula() {
        let area = adc_area_um2(8.0, 1e8, 65.0).unwrap();
        let by_hand = 1.346_192_f64.exp()
            * 65_f64.powf(0.993_279)
            * 1e8_f64.powf(0.180_715)
            * 6.494_4_f64.powf(0.299_124);
        assert_relative_eq!(area, by_hand, max_relative = 1e-4);
    }

    #[test]
    fn a_question_outside_the_survey_is_refused_by_name() {
        let quantity = |b, f, t| adc_energy(b, f, t).unwrap_err().quantity;
        assert_eq!(quantity(3.9, 1e6, 65.0), "resolution");
        assert_eq!(quantity(8.0, 2e10, 65.0), "rate");
        assert_eq!(quantity(8.0, 1e6, 3.0), "node");
        assert_eq!(quantity(f64::NAN, 1e6, 65.0), "resolution");
        assert!(adc_area_um2(8.0, 0.0, 65.0).is_err());
    }

    proptest! {
        #[test]
        fn a_finer_node_is_cheaper_and_a_faster_rate_never_is(
            bits in 4.0..17.0_f64, rate in 1e3..5e9_f64, node in 4.0..999.0_f64,
        ) {
            prop_assert!(pj(bits, rate, node) < pj(bits, rate, node + 1.0));
            prop_assert!(pj(bits, rate, node) <= pj(bits, 2.0 * rate, node));
        }
    }
}
