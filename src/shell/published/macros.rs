//! `topkima reproduce macros`: silicon macros, published energy beside the model's.
//!
//! A number counts as predicted only if nothing was set on it. So rows come in four groups
//! ([`Group`]): the numbers that set a constant, other points of the same chips, whole macros no
//! constant has seen, and the ADC survey regression with no constant of ours at all. Every held-out
//! macro is a [`Geometry`]: counts and a supply. It cannot carry a factor of its own.

pub mod prices;
pub mod silicon;
mod table;

use crate::base::range::OutOfRange;
use crate::base::survey;
use crate::base::units::{Joules, Volts};

use super::{Published, Tag};
use prices::{Breakdown, Calibration, Converter, Geometry};
use silicon::Paper;
pub use table::render;

/// What the model knew of a row before it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Calibrated: the number sets a constant, its error is zero by construction.
    Sets,
    /// Calibrated: another point of a chip that set a constant.
    SameChip,
    /// Held out: a whole macro no constant has seen.
    HeldOut,
    /// Held out: the ADC survey regression, without any factor.
    Survey,
}

impl Group {
    /// All groups in the order of the table.
    pub const ALL: [Self; 4] = [Self::Sets, Self::SameChip, Self::HeldOut, Self::Survey];

    /// Whether no number of the row's macro entered any constant the row uses.
    #[must_use]
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::HeldOut | Self::Survey)
    }

    /// Heading in the table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sets => "CALIBRATED - numbers that set a constant (no error to speak of)",
            Self::SameChip => "CALIBRATED - other points of the same chips",
            Self::HeldOut => "HELD OUT - macros no constant has seen, no factor of their own",
            Self::Survey => "HELD OUT - ADC survey regression alone, no factor",
        }
    }
}

/// How much of a macro a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The whole analog macro.
    Whole,
    /// One component of it.
    Component,
}

/// One published energy beside the model's.
#[derive(Clone, Debug, PartialEq)]
pub struct MacroRow {
    /// Which macro, its citation and node.
    pub paper: Paper,
    /// What the energy is of.
    pub quantity: String,
    /// The whole macro or a component.
    pub scope: Scope,
    /// What the paper prints.
    pub published: Published,
    /// What the model says, by component, or why it does not answer.
    pub model: Result<Breakdown, OutOfRange>,
    /// What the model knew.
    pub group: Group,
    /// How the model's number was obtained.
    pub how: &'static str,
}

impl MacroRow {
    /// The model's energy, if it answers.
    #[must_use]
    pub fn model_energy(&self) -> Option<Joules> {
        self.model.as_ref().ok().map(Breakdown::total)
    }

    /// Model against published, signed, in percent.
    #[must_use]
    pub fn error_percent(&self) -> Option<f64> {
        let model = self.model_energy()?;
        Some((model.si() / self.published.energy.si() - 1.0) * 100.0)
    }

    /// How the published number reached this crate.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.published.tag
    }
}

/// All rows, group by group, always in the same order.
#[must_use]
pub fn macros() -> Vec<MacroRow> {
    let calibration = Calibration::shipped();
    let mut rows = Vec::new();
    jia(&calibration, &mut rows);
    neurram(&calibration, &mut rows);
    sinangil(&calibration, &mut rows);
    for (paper, quantity, component, published, geometry, how) in held_out() {
        let priced = calibration.price(&geometry);
        let scope = component.map_or(Scope::Whole, |_| Scope::Component);
        let model = match component {
            Some(component) => priced.map(|parts| parts.only(component)),
            None => priced,
        };
        let group = Group::HeldOut;
        rows.push(MacroRow {
            paper,
            quantity,
            scope,
            published,
            model,
            group,
            how,
        });
    }
    survey_alone(&mut rows);
    rows.sort_by_key(|row| row.group);
    rows
}

fn jia(calibration: &Calibration, rows: &mut Vec<MacroRow>) {
    for (index, point) in silicon::JIA_POINTS.iter().enumerate() {
        let geometry = Geometry {
            cells: silicon::JIA_ROWS,
            converter: Converter::Sar {
                bits: silicon::JIA_ADC_BITS,
                count: 1,
            },
            input_conversions: 0,
            supply: point.supply,
        };
        let column = calibration.price(&geometry);
        let only = |component| column.clone().map(|parts| parts.only(component));
        let mut add = |what: &str, scope, published, model, group, how| {
            rows.push(MacroRow {
                paper: silicon::JIA,
                quantity: format!("{what}, {}", point.supply),
                scope,
                published,
                model,
                group,
                how,
            });
        };
        let (group, cell, sar, datapath) = if index == 0 {
            (Group::Sets, SETS_CELL, SETS_SAR, SETS_DATAPATH)
        } else {
            (Group::SameChip, BY_SQUARE, BY_SQUARE, BY_SCALING)
        };
        let part = Scope::Component;
        add(
            "column of 2304 cells",
            part,
            point.column,
            only("array"),
            group,
            cell,
        );
        add("8 b conversion", part, point.adc, only("ADC"), group, sar);
        let scaled = calibration.datapath(point.supply);
        add(
            "digital datapath",
            part,
            point.datapath,
            scaled,
            group,
            datapath,
        );
        let both = Group::SameChip;
        add(
            "column + conversion",
            Scope::Whole,
            point.both,
            column.clone(),
            both,
            EFFICIENCY,
        );
    }
}

fn neurram(calibration: &Calibration, rows: &mut Vec<MacroRow>) {
    for point in &silicon::NEURRAM_POINTS {
        let model = calibration.neurram(point.out_bits, point.in_bits);
        let bits = format!("{} b in, {} b out", point.in_bits, point.out_bits);
        let mut add = |what: &str, scope, published, model, group, how| {
            rows.push(MacroRow {
                paper: silicon::NEURRAM,
                quantity: format!("{what}, {bits}"),
                scope,
                published,
                model: Ok(model),
                group,
                how,
            });
        };
        if let Some(input) = point.input {
            let (group, how) = if point == &silicon::NEURRAM_SETTING {
                (Group::Sets, SETS_PULSES)
            } else {
                (Group::SameChip, BY_PLANES)
            };
            let pulses = model.only("input pulses");
            add("input pulses", Scope::Component, input, pulses, group, how);
        }
        add(
            "core pass",
            Scope::Whole,
            point.total,
            model,
            Group::SameChip,
            NEURRAM_PASS,
        );
    }
}

fn sinangil(calibration: &Calibration, rows: &mut Vec<MacroRow>) {
    for (index, point) in silicon::SINANGIL_POINTS.iter().enumerate() {
        let (group, how) = match index {
            0 | 1 => (Group::Sets, SETS_CODE),
            _ => (Group::SameChip, BY_CODE),
        };
        rows.push(MacroRow {
            paper: silicon::SINANGIL,
            quantity: format!("macro pass, {}, output {}", point.supply, point.output),
            scope: Scope::Whole,
            published: point.total,
            model: Ok(calibration.sinangil(point.supply, point.output)),
            group,
            how,
        });
    }
}

/// A held-out row before it is priced: macro, quantity, component if not all, published, geometry,
/// how.
type HeldOut = (
    Paper,
    String,
    Option<&'static str>,
    Published,
    Geometry,
    &'static str,
);

fn held_out() -> Vec<HeldOut> {
    let mut rows: Vec<HeldOut> = Vec::new();
    let wang = |supply| Geometry {
        cells: 64 * 8,
        converter: Converter::Sar { bits: 8, count: 1 },
        // 64 input converters serve 16 outputs.
        input_conversions: 64 / 16,
        supply,
    };
    for (supply, published) in silicon::WANG_POINTS {
        let quantity = format!("one output (64 products), {supply}");
        rows.push((silicon::WANG, quantity, None, published, wang(supply), WANG));
    }
    for (component, published, how) in [
        ("array", silicon::WANG_ARRAY, FROM_JIA),
        ("ADC", silicon::WANG_ADC, FROM_JIA),
        ("input DAC", silicon::WANG_DAC, UNSCALED_DAC),
    ] {
        let supply = Volts::from_si(1.0);
        let quantity = format!("{component} of one output, {supply}");
        let geometry = wang(supply);
        rows.push((
            silicon::WANG,
            quantity,
            Some(component),
            published,
            geometry,
            how,
        ));
    }

    let cap_ram = Geometry {
        cells: 128 * 32,
        converter: Converter::Sar { bits: 7, count: 32 },
        input_conversions: 0,
        supply: NOMINAL_65,
    };
    for (what, component, published) in [
        ("array + ADC", None, silicon::CAP_RAM_BOTH),
        ("array", Some("array"), silicon::CAP_RAM_ARRAY),
        ("ADC", Some("ADC"), silicon::CAP_RAM_ADC),
    ] {
        let quantity = format!("{what} of one cycle");
        rows.push((
            silicon::CAP_RAM,
            quantity,
            component,
            published,
            cap_ram,
            CAP_RAM,
        ));
    }

    for (supply, published) in silicon::CR_CIM_POINTS {
        let geometry = Geometry {
            cells: 1088,
            converter: Converter::Sar { bits: 10, count: 1 },
            input_conversions: 0,
            supply,
        };
        let quantity = format!("column + conversion, {supply}");
        rows.push((silicon::CR_CIM, quantity, None, published, geometry, CR_CIM));
    }

    let c3sram = Geometry {
        cells: 256,
        converter: Converter::Flash {
            levels: silicon::C3SRAM_LEVELS,
        },
        input_conversions: 0,
        supply: NOMINAL_65,
    };
    let quantity = "column + conversion".to_owned();
    rows.push((
        silicon::C3SRAM,
        quantity,
        None,
        silicon::C3SRAM_COLUMN,
        c3sram,
        C3SRAM,
    ));

    for point in silicon::SINANGIL_POINTS
        .iter()
        .filter(|point| point.output == 6)
    {
        let geometry = Geometry {
            cells: 64 * 16 * 4,
            converter: Converter::Flash { levels: 16 * 15 },
            input_conversions: 0,
            supply: point.supply,
        };
        let quantity = format!("macro pass, {}, output 6", point.supply);
        rows.push((
            silicon::SINANGIL,
            quantity,
            None,
            point.total,
            geometry,
            SINANGIL,
        ));
    }
    rows
}

fn survey_alone(rows: &mut Vec<MacroRow>) {
    // Columns of CAP-RAM's cycle convert together: one of 32.
    let cap_ram = Published {
        energy: Joules::from_si(silicon::CAP_RAM_ADC.energy.si() / 32.0),
        ..silicon::CAP_RAM_ADC
    };
    let levels = f64::from(silicon::C3SRAM_LEVELS).log2();
    let jia = silicon::JIA_POINTS[0].adc;
    let (cr_cim, c3sram) = (silicon::CR_CIM_POINTS[0].1, silicon::C3SRAM_COLUMN);
    for (paper, quantity, bits, rate, published, how) in [
        (
            silicon::JIA,
            "8 b conversion, 0.85 V",
            8.0,
            SLOW,
            jia,
            SURVEY,
        ),
        (
            silicon::WANG,
            "8 b conversion, 1 V",
            8.0,
            SLOW,
            silicon::WANG_ADC,
            SURVEY,
        ),
        (
            silicon::CAP_RAM,
            "7 b conversion",
            7.0,
            silicon::CAP_RAM_RATE,
            cap_ram,
            SURVEY,
        ),
        (
            silicon::CR_CIM,
            "10 b conversion, 0.6 V",
            10.0,
            SLOW,
            cr_cim,
            SURVEY_BOUND,
        ),
        (
            silicon::C3SRAM,
            "11-level conversion",
            levels,
            SLOW,
            c3sram,
            SURVEY_BOUND,
        ),
    ] {
        let energy = survey::adc_energy(bits, rate, f64::from(paper.node_nm));
        rows.push(MacroRow {
            paper,
            quantity: quantity.to_owned(),
            scope: Scope::Component,
            published,
            model: energy.map(|energy| Breakdown(vec![("ADC", energy)])),
            group: Group::Survey,
            how,
        });
    }
}

/// Supply taken where no source we hold states one: the nominal one of 65 nm.
const NOMINAL_65: Volts = Volts::from_si(1.1);
/// A rate below the crossing of the survey's two branches: any other gives the same energy.
const SLOW: f64 = 10e6;

const SETS_CELL: &str = "sets the charge of a cell (5.83 fF at the supply)";
const SETS_SAR: &str = "sets the SAR's factor on 100 fF b + 1 aF 4^b";
const SETS_DATAPATH: &str = "sets the datapath's energy at 65 nm, 0.85 V";
const SETS_PULSES: &str = "sets the energy of one plane of input pulses";
const SETS_CODE: &str = "sets the idle charge and the charge an output code adds";
const BY_SQUARE: &str = "charge set at 0.85 V, times V^2";
const BY_SCALING: &str = "datapath set at 0.85 V, by the Stillmaker-Baas scaling of digital energy";
const EFFICIENCY: &str =
    "components set at 0.85 V, against the published efficiency (another measurement)";
const BY_PLANES: &str = "pulses set at 4 b in / 6 b out, times the planes";
const NEURRAM_PASS: &str = "wordlines by C V dV from published capacitances; pulses set at 4 b / 6 b; neuron \
     prices were fitted to this sweep by their own source (hwcomponents-library)";
const BY_CODE: &str = "set at 0.8 V and codes 0 and 15: linear in the code, times V^2";
const FROM_JIA: &str = "Jia's charge, not scaled with the node";
const UNSCALED_DAC: &str = "BRAHMS 40 nm 8 b DAC, not scaled";
const WANG: &str = "512 cells and one 8 b SAR at Jia's charges, 4 input conversions; the published 4 % \
     of control is not modelled";
const CAP_RAM: &str = "4096 cells and 32 SARs of 7 b at Jia's charges; supply not in a source we hold, so 1.1 V; \
     published array includes 4 b DACs and timing, published ADC its control";
const CR_CIM: &str = "1088 cells and one 10 b SAR at Jia's charges; the chip's cells are its SAR's capacitors \
     (1.5 fF each), so the model counts a second array";
const C3SRAM: &str =
    "256 cells at Jia's charge, 11 comparators of 67 fJ; supply not in a source we hold, so 1.1 V";
const SINANGIL: &str = "4096 cells at Jia's charge, 16 flash converters of 15 comparators of 67 fJ (65 nm): a 65 nm \
     capacitor cell against bitlines discharged in 7 nm";
const SURVEY: &str = "regression at the node, nominal supply";
const SURVEY_BOUND: &str =
    "as above; the published energy holds the column too, so the true error is larger";

#[cfg(test)]
mod tests;
