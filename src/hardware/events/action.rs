//! The words of the analog macro: what can happen in it, and in which stage of a head.

use super::Stated;
use crate::base::vocabulary::{Stages, Vocabulary, named};

named!(
    /// One physical event that takes energy. No two contain each other: the charge of a wire is
    /// counted where it is drawn, once.
    ///
    /// Charges of long wires are counted *per cell on the wire*, so a price holds for every tile
    /// size: a wordline pulse is `bitlines` counts of [`Action::WordlineCharge`], a column's MAC
    /// is `wordlines` counts of [`Action::MacCharge`]. The same event in two stages (the wordlines
    /// of Q K^T, of the replicas and of A x V) is the same action, told apart by its [`Stage`].
    Action {
        CellWrite, "cell-write", "one cell (a dual ternary SRAM cell, a conductance pair) written";
        InputCode, "input-code", "the pulse width of one driven wordline made from its code, once a query";
        WordlineCharge, "wordline-charge", "one pulse on a wordline, for each cell that loads the wire";
        CellRead, "cell-read", "static current of one cell (a replica as well) between a driven wordline and a driven column during one pulse";
        MacCharge, "mac-charge", "both bitlines of a driven column charged back after a MAC, for each cell that loads them";
        CalibrationCharge, "calibration-charge", "the calibration pulses set the ramp's start on one driven column, for each cell that loads its bitline";
        RampCharge, "ramp-charge", "the ramp lowers one driven column by a 32nd of full scale, one step of 5 bits, for each cell that loads its bitline";
        ComparatorDecision, "comparator-decision", "the comparator of one live column decides once (one column, one ramp step)";
        CounterStep, "counter-step", "the step counter of one tile advances and its code is sent along the tile";
        RegisterBit, "register-bit", "one bit of a result register stored (a code, an address)";
        ArbiterGrant, "arbiter-grant", "one column granted: arbitration, address encoding, acknowledge";
        CodeCompare, "code-compare", "two step codes compared: minimum over tiles, merge of tile winners, find-max pass";
        SortCompare, "sort-compare", "one compare of the digital top-k sorter with the register moves it causes";
        LutWrite, "lut-write", "one entry of the exponential table loaded";
        Subtract, "subtract", "one score's distance from the largest";
        ExpLookup, "exp-lookup", "one entry of the exponential table read";
        Accumulate, "accumulate", "one addition into a running sum with its registers";
        Reciprocal, "reciprocal", "one reciprocal of a sum";
        Multiply, "multiply", "one digital multiplication, 8 x 16 bit";
        AdcConversion, "adc-conversion", "one conversion of the plain ADC behind A x V";
        ShiftAdd, "shift-add", "one ADC result shifted by its bit weight and added";
        BufferRead, "buffer-read", "one 64-bit word read from the local buffer";
        BufferWrite, "buffer-write", "one 64-bit word written to the local buffer";
    }
);

named!(
    /// Where in a head an action happens and time passes, in the order data flows.
    Stage {
        WriteK, "write-k", "K written into its tiles, once a head";
        Input, "input", "a query's pulses on the wordlines and the MAC they make";
        Ramp, "ramp", "the ramp steps of the in-memory ADC";
        Arbiter, "arbiter", "grants, as far as the ramp waits for them";
        Merge, "merge", "digital compares between tiles";
        Sort, "sort", "digital sorting (digital-topk)";
        LutLoad, "lut-load", "the exponential table loaded, once a head";
        Softmax, "softmax", "exponentials, their sum and the normalisation";
        WriteV, "write-v", "V written into its tiles, once a head";
        Av, "av", "A x V with its conversions";
    }
);

impl Stage {
    /// The stages every query passes, in order; the others happen once a head.
    pub const OF_A_QUERY: [Self; 7] = [
        Self::Input,
        Self::Ramp,
        Self::Arbiter,
        Self::Merge,
        Self::Sort,
        Self::Softmax,
        Self::Av,
    ];
}

impl Stages for Stage {
    const OF_A_QUERY: &'static [Self] = &Self::OF_A_QUERY;
    const ONCE: &'static [(Self, Self)] = &[
        (Self::WriteK, Self::Input),
        (Self::LutLoad, Self::Softmax),
        (Self::WriteV, Self::Av),
    ];

    /// The stations a head has without sample-and-hold on its bitlines: pulses, ramp and arbiter share the bitlines of a
    /// tile.
    fn stations() -> Vec<Vec<Self>> {
        vec![
            vec![Self::Input, Self::Ramp, Self::Arbiter],
            vec![Self::Merge],
            vec![Self::Sort],
            vec![Self::Softmax],
            vec![Self::Av],
        ]
    }
}

/// The analog macro: crossbars, a ramp that stops at the k-th crossing, a softmax of its survivors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Macro;

impl Vocabulary for Macro {
    type Action = Action;
    type Stage = Stage;
    type Sizes = Stated;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::vocabulary::Named;

    #[test]
    fn names_are_kebab_case_and_read_back() {
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(action));
            assert_eq!(Action::ALL[action as usize], action);
            let json = serde_json::to_string(&action).unwrap();
            assert_eq!(json, format!("\"{}\"", action.name()));
            assert_eq!(serde_json::from_str::<Action>(&json).unwrap(), action);
            // The rule of kebab case, so that a new variant cannot be named at will.
            let kebab: String = format!("{action:?}")
                .chars()
                .flat_map(|c| {
                    c.is_uppercase()
                        .then_some('-')
                        .into_iter()
                        .chain([c.to_ascii_lowercase()])
                })
                .collect();
            assert_eq!(kebab.trim_start_matches('-'), action.name());
        }
        for stage in Stage::ALL {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
            assert_eq!(Stage::ALL[stage as usize], stage);
        }
    }

    #[test]
    fn an_unknown_stage_is_refused_by_name() {
        let message = serde_json::from_str::<Stage>("\"rampe\"")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("`rampe`") && message.contains("`ramp`"),
            "{message}"
        );
    }
}
