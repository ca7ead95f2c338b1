//! What the papers of the silicon macros print, and nothing computed from it but unit changes.
//!
//! Numbers marked `cimloop` were read in the test files of CiMLoop (commit d6e1390, MIT), which
//! quote the tables and figures of the papers. No number here comes from NeuroSim (CC BY-NC) or
//! from a source without a licence.

use super::super::{Published, Tag};
use crate::base::units::Volts;

/// Which macro, and where to read about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Short name in tables.
    pub id: &'static str,
    /// Where it was published.
    pub citation: &'static str,
    /// Node in nm.
    pub node_nm: u32,
}

/// Charge-domain SRAM, 2304 x 256, 1 b x 1 b a column pass, 8 b SAR.
pub const JIA: Paper = Paper {
    id: "Jia",
    citation: "H. Jia et al., JSSC 55(9) 2020, doi 10.1109/JSSC.2020.2987714",
    node_nm: 65,
};
/// RRAM, 48 cores of 256 x 256, integrating neurons.
pub const NEURRAM: Paper = Paper {
    id: "NeuRRAM",
    citation: "W. Wan et al., Nature 608 (2022) 504-512",
    node_nm: 130,
};
/// SRAM whose bitlines are discharged by pulses, 64 x 16 x 4 b, 4 b flash.
pub const SINANGIL: Paper = Paper {
    id: "Sinangil",
    citation: "M. E. Sinangil et al., JSSC 56(1) 2021, doi 10.1109/JSSC.2020.3031290",
    node_nm: 7,
};
/// Charge-domain SRAM with C-2C ladders, 64 rows at a time, 8 b x 8 b, 8 b ADC.
pub const WANG: Paper = Paper {
    id: "Wang",
    citation: "H. Wang et al., VLSI 2022, doi 10.1109/VLSITechnologyandCir46769.2022.9830322",
    node_nm: 22,
};
/// Charge-domain 6T SRAM, 128 x 32 at a time, 4 b x 1 b, 7 b charge-injection SAR.
pub const CAP_RAM: Paper = Paper {
    id: "CAP-RAM",
    citation: "Z. Chen et al., JSSC 2021, arXiv 2107.02388",
    node_nm: 65,
};
/// Charge-domain SRAM whose cell capacitors are also the 10 b SAR's, 1088 x 78.
pub const CR_CIM: Paper = Paper {
    id: "CR-CIM",
    citation: "K. Yoshioka, VLSI 2023, arXiv 2302.06463",
    node_nm: 65,
};
/// Capacitive-coupling SRAM, 256 x 64, 1 b x 1 b, 11-level flash.
pub const C3SRAM: Paper = Paper {
    id: "C3SRAM",
    citation: "Z. Jiang et al., JSSC 55(7) 2020",
    node_nm: 65,
};

/// What so many operations take at a published efficiency in TOPS/W, which is operations a picojoule.
const fn at_efficiency(operations: f64, tops_per_w: f64, source: &'static str) -> Published {
    Published::pj(operations / tops_per_w, Tag::Derived, source)
}

/// Rows of a Jia column: one 1 b cell each.
pub const JIA_ROWS: u32 = 2304;
/// Bits of its SAR.
pub const JIA_ADC_BITS: u32 = 8;

/// One supply of Jia, per column and pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JiaPoint {
    /// Supply.
    pub supply: Volts,
    /// Column of cells with its drivers.
    pub column: Published,
    /// One conversion.
    pub adc: Published,
    /// Digital datapath of one output.
    pub datapath: Published,
    /// Column and conversion together, from the efficiency: 4608 operations / (TOPS/W).
    pub both: Published,
}

const JIA_TABLE: &str = "cimloop jia_jssc_2020/_tests.py, Table I of the paper";
const JIA_SUM: &str = "4608 operations / published 1b-TOPS/W";

const fn jia(supply: f64, [column, adc, datapath]: [f64; 3], tops_per_w: f64) -> JiaPoint {
    JiaPoint {
        supply: Volts::from_si(supply),
        column: Published::pj(column, Tag::File, JIA_TABLE),
        adc: Published::pj(adc, Tag::File, JIA_TABLE),
        datapath: Published::pj(datapath, Tag::File, JIA_TABLE),
        both: at_efficiency(4608.0, tops_per_w, JIA_SUM),
    }
}

/// 0.85 V (400 TOPS/W) and 1.2 V (192 TOPS/W).
pub const JIA_POINTS: [JiaPoint; 2] = [
    jia(0.85, [9.7, 1.79, 8.3], 400.0),
    jia(1.2, [20.4, 3.56, 14.7], 192.0),
];

/// Operations of one NeuRRAM core pass: 256 x 128 differential weights, two each.
pub const NEURRAM_OPS: f64 = 65_536.0;

/// One setting of NeuRRAM, per core and pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeurramPoint {
    /// Bits out of the neuron.
    pub out_bits: u32,
    /// Bits in, sign included.
    pub in_bits: u32,
    /// Whole core.
    pub total: Published,
    /// Input pulses alone, where this table holds the split.
    pub input: Option<Published>,
}

const NEURRAM_TOTAL: &str =
    "65536 operations / published TOPS/W; cimloop wan_nature_2022/_tests.py, Fig. 12d";
const NEURRAM_SPLIT: &str =
    "65536 operations x published fJ; cimloop wan_nature_2022/_tests.py, Fig. 12b";

const fn neurram(out_bits: u32, in_bits: u32, tops_per_w: f64) -> NeurramPoint {
    NeurramPoint {
        out_bits,
        in_bits,
        total: at_efficiency(NEURRAM_OPS, tops_per_w, NEURRAM_TOTAL),
        input: None,
    }
}

const fn with_input(mut point: NeurramPoint, fj_per_op: f64) -> NeurramPoint {
    let energy = NEURRAM_OPS * fj_per_op * 1e-3;
    point.input = Some(Published::pj(energy, Tag::Derived, NEURRAM_SPLIT));
    point
}

/// The setting whose input pulses set the price of one.
pub const NEURRAM_SETTING: NeurramPoint = with_input(neurram(6, 4, 15.95), 11.51);

/// The settings the efficiency is published at.
pub const NEURRAM_POINTS: [NeurramPoint; 5] = [
    neurram(3, 1, 43.08),
    neurram(4, 2, 40.33),
    neurram(5, 3, 23.09),
    NEURRAM_SETTING,
    with_input(neurram(10, 8, 6.44), 27.5),
];

/// One point of Sinangil's Table I, per pass of the whole macro.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinangilPoint {
    /// Supply.
    pub supply: Volts,
    /// Average output code, 0 .. 15.
    pub output: u32,
    /// Whole macro: 2048 operations / (TOPS/W).
    pub total: Published,
}

const fn sinangil(supply: f64, output: u32, tops_per_w: f64) -> SinangilPoint {
    SinangilPoint {
        supply: Volts::from_si(supply),
        output,
        total: at_efficiency(
            2048.0,
            tops_per_w,
            "2048 operations / published TOPS/W; cimloop sinangil_jssc_2021/_tests.py, Table I",
        ),
    }
}

/// Table I: idle and full output at 0.8 V first, then the points that follow from them.
pub const SINANGIL_POINTS: [SinangilPoint; 6] = [
    sinangil(0.8, 0, 610.5),
    sinangil(0.8, 15, 262.3),
    sinangil(0.8, 6, 351.0),
    sinangil(1.0, 0, 435.5),
    sinangil(1.0, 6, 321.0),
    sinangil(1.0, 15, 189.3),
];

/// Operations behind one output of Wang: 64 products of 8 b x 8 b.
pub const WANG_OPS: f64 = 128.0;

const WANG_SWEEP: &str =
    "128 operations / published TOPS/W; cimloop wang_vlsi_2022/_tests.py, Fig. 23";
const WANG_SPLIT: &str =
    "share of 128 operations / 16.376 TOPS/W; cimloop wang_vlsi_2022/_tests.py, Fig. 22a";

/// One output of Wang at each supply.
pub const WANG_POINTS: [(Volts, Published); 5] = [
    (
        Volts::from_si(0.7),
        at_efficiency(WANG_OPS, 31.998, WANG_SWEEP),
    ),
    (
        Volts::from_si(0.8),
        at_efficiency(WANG_OPS, 22.590, WANG_SWEEP),
    ),
    (
        Volts::from_si(0.9),
        at_efficiency(WANG_OPS, 18.439, WANG_SWEEP),
    ),
    (
        Volts::from_si(1.0),
        at_efficiency(WANG_OPS, 16.376, WANG_SWEEP),
    ),
    (
        Volts::from_si(1.1),
        at_efficiency(WANG_OPS, 15.467, WANG_SWEEP),
    ),
];
/// Conversion behind one output of Wang at 1.0 V: 34 %.
pub const WANG_ADC: Published = at_efficiency(0.34 * WANG_OPS, 16.376, WANG_SPLIT);
/// Input converters' share of one output of Wang at 1.0 V: 22 %.
pub const WANG_DAC: Published = at_efficiency(0.22 * WANG_OPS, 16.376, WANG_SPLIT);
/// Cells, ladders and drivers behind one output of Wang at 1.0 V: 40 %.
pub const WANG_ARRAY: Published = at_efficiency(0.40 * WANG_OPS, 16.376, WANG_SPLIT);

/// What a published power is a cycle of 70 MHz.
const fn cap_ram(microwatts: f64) -> Published {
    Published::pj(
        microwatts / 70.0,
        Tag::Derived,
        "published mW / 70 MHz, arXiv 2107.02388",
    )
}

/// CAP-RAM a cycle: array, input converters and timing, 3.60 mW.
pub const CAP_RAM_ARRAY: Published = cap_ram(3600.0);
/// CAP-RAM a cycle: 32 converters with their control, 7.56 mW.
pub const CAP_RAM_ADC: Published = cap_ram(7560.0);
/// CAP-RAM a cycle: both, without the digital accumulators.
pub const CAP_RAM_BOTH: Published = cap_ram(11_160.0);
/// Conversions a second of one converter of CAP-RAM.
pub const CAP_RAM_RATE: f64 = 70e6;

const CR_CIM_COLUMN: &str = "2176 operations / published 1b-TOPS/W, arXiv 2302.06463";

/// One column of CR-CIM with its conversion. The pairing of 400 TOPS/W with 1.1 V is inferred from
/// the figure.
pub const CR_CIM_POINTS: [(Volts, Published); 2] = [
    (
        Volts::from_si(0.6),
        at_efficiency(2176.0, 818.0, CR_CIM_COLUMN),
    ),
    (
        Volts::from_si(1.1),
        at_efficiency(2176.0, 400.0, CR_CIM_COLUMN),
    ),
];

/// One column of C3SRAM with its conversion.
pub const C3SRAM_COLUMN: Published =
    at_efficiency(512.0, 672.0, "512 operations / the abstract's 672 TOPS/W");
/// Levels of its flash converter.
pub const C3SRAM_LEVELS: u32 = 11;
