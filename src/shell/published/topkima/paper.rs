//! What the paper states: Dong et al., Topkima-Former, arXiv 2411.13050v1, full text.
//!
//! Only published numbers stand here; whatever the model says is computed. `S` is stated in the
//! text, `F` was read as loose text of a figure, `I` was inferred from stated numbers.

use crate::base::units::Picos;

/// Query rows of a BERT-base head, and its tokens (S).
pub(super) const ROWS: u64 = 384;
/// Dimension of a head (S).
pub(super) const D_HEAD: u64 = 64;
/// Heads of an attention module of BERT-base (S).
pub(super) const HEADS: u64 = 12;
/// Width of BERT-base: twelve heads of 64.
pub(super) const D_MODEL: u64 = HEADS * D_HEAD;
/// Levels of a query's magnitude: pulses of 0.5 ns up to 15.5 ns (S) are 31 (I).
pub(super) const Q_LEVELS: u32 = 31;
/// Ternary cells of one weight of K, inputs scaled 1 : 2 : 4 (S).
pub(super) const CELLS: u32 = 3;
/// Bits of X, A and V, and of the ADC (S).
pub(super) const BITS: u64 = 5;
/// Ramp steps, 2^5 (S).
pub(super) const STEPS: u32 = 32;
/// Winners of a row (S).
pub(super) const K: u64 = 5;
/// Mean early stop over the data set, steps executed over steps of a full ramp (S).
pub(super) const ALPHA: f64 = 0.31;

/// T_wr, K^T written (S).
pub(super) const T_WRITE: Picos = Picos::new(320_000);
/// T_pwm, the x4 row (S).
pub(super) const T_PULSE: Picos = Picos::new(62_000);
/// T_ima, 32 steps (S).
pub(super) const T_RAMP: Picos = Picos::new(128_000);
/// Bound of T_arb, arbiter and encoder (S).
pub(super) const T_ARBITER: Picos = Picos::new(2_080);
/// T_NL, one softmax element (S).
pub(super) const T_ELEMENT: Picos = Picos::new(6_500);

/// Speed against the conventional design, "about 15x" (S).
pub(super) const SPEED_CONVENTIONAL: f64 = 15.0;
/// Speed against the digital top-k, "about 8x" (S).
pub(super) const SPEED_DIGITAL: f64 = 8.0;
/// Sorting takes "at least 75 %" of the digital top-k's latency (S).
pub(super) const SORT_SHARE: f64 = 0.75;
/// Energy against the conventional design (S).
pub(super) const ENERGY_CONVENTIONAL: f64 = 30.0;
/// Energy against the digital top-k (S).
pub(super) const ENERGY_DIGITAL: f64 = 3.0;

/// SQuAD by BERT-base without and with the circuit's noise, in percent (S).
pub(super) const SQUAD: [f64; 2] = [86.7, 85.1];

/// Throughput of one attention module in 1e12 operations a second (S).
pub(super) const TOPS: f64 = 6.70;
/// Efficiency of one attention module in 1e12 operations a joule (S).
pub(super) const TOPS_PER_WATT: f64 = 16.84;
/// Clock of the system (S).
pub(super) const SYSTEM_CLOCK: Picos = Picos::new(5_000);
/// Node of the system in nm (S).
pub(super) const SYSTEM_NODE_NM: f64 = 32.0;
/// Rows and columns of an array (S).
pub(super) const ARRAY: u64 = 256;
/// Two-bit RRAM cells that hold an 8-bit weight (I, from both widths, which are S).
pub(super) const CELLS_PER_WEIGHT: u64 = 4;
/// The projections take "about 2x" the time of Q K^T or of A x V (S).
pub(super) const PROJECTION_SLOWER: f64 = 2.0;

/// One row of the paper's table of systems (S; alignment of its columns recovered from flat text).
pub(super) struct Rival {
    /// Name and year.
    pub name: &'static str,
    /// 1e12 operations a second, where printed.
    pub tops: Option<f64>,
    /// 1e12 operations a joule.
    pub tops_per_watt: f64,
    /// What a reader should know.
    pub note: &'static str,
}

/// X-Former's own efficiency, its Table IV, with sequence blocking.
pub(super) const X_FORMER_OWN: f64 = 6.72;

/// The systems the paper compares with.
pub(super) const RIVALS: [Rival; 5] = [
    Rival {
        name: "ELSA, 2021",
        tops: Some(1.09),
        tops_per_watt: 1.14,
        note: "",
    },
    Rival {
        name: "ReTransformer, 2020",
        tops: Some(0.08),
        tops_per_watt: 0.47,
        note: "Its own paper: 81.85 GOPS and 467.68 GOPS/W, on translation (WMT), not on SQuAD.",
    },
    Rival {
        name: "TranCIM, 2023",
        tops: Some(0.19),
        tops_per_watt: 5.10,
        note: "A fabricated chip, fully digital.",
    },
    Rival {
        name: "X-Former, 2023",
        tops: None,
        tops_per_watt: 13.44,
        note: "X-Former's own Table IV says 6.72 TOPS/W with sequence blocking, exactly half, as if the paper counted a \
               multiply-accumulate as two operations here. Its own table also says 1 GHz, not 200 MHz.",
    },
    Rival {
        name: "HARDSEA, 2023",
        tops: Some(3.64),
        tops_per_watt: 3.73,
        note: "",
    },
];

/// Speed against the rivals, smallest and largest (S).
pub(super) const RIVALS_SPEED: [f64; 2] = [1.8, 84.0];
/// Efficiency against the rivals, smallest and largest (S; the journal prints 1.2 and 36).
pub(super) const RIVALS_EFFICIENCY: [f64; 2] = [1.3, 35.0];
