//! Rows of macros no constant in use was set on: each a published energy and a geometry.

use super::prices::{Breakdown, Calibration, Converter, Geometry};
use super::silicon::Paper;
use super::{Group, MacroRow, Scope, at, silicon};
use crate::base::energy::survey;
use crate::base::units::{Joules, Volts};
use crate::shell::published::Published;

/// Held-out macros priced by the calibration.
pub(super) fn rows(calibration: &Calibration) -> Vec<MacroRow> {
    let priced = |(paper, quantity, component, published, geometry, how): HeldOut| {
        let model = calibration.price(&geometry);
        MacroRow {
            paper,
            quantity,
            scope: component.map_or(Scope::Whole, |_| Scope::Component),
            published,
            model: match component {
                Some(component) => model.map(|parts| parts.only(component)),
                None => model,
            },
            group: Group::HeldOut,
            how,
        }
    };
    macros().into_iter().map(priced).collect()
}

/// A held-out row before it is priced: macro, quantity, component if not all, published, geometry,
/// how.
pub(super) type HeldOut = (
    Paper,
    String,
    Option<&'static str>,
    Published,
    Geometry,
    &'static str,
);

pub(super) fn macros() -> Vec<HeldOut> {
    let mut rows: Vec<HeldOut> = Vec::new();
    let wang = |supply| Geometry {
        cells: 64 * 8,
        converter: Converter::Sar { bits: 8, count: 1 },
        // 64 input converters serve 16 outputs.
        input_conversions: 64 / 16,
        supply,
    };
    for (supply, published) in silicon::WANG_POINTS {
        let quantity = format!("one output (64 products), {}", at(supply));
        rows.push((silicon::WANG, quantity, None, published, wang(supply), WANG));
    }
    for (component, published, how) in [
        ("array", silicon::WANG_ARRAY, FROM_JIA),
        ("ADC", silicon::WANG_ADC, FROM_JIA),
        ("input DAC", silicon::WANG_DAC, UNSCALED_DAC),
    ] {
        let supply = Volts::from_si(1.0);
        let quantity = format!("{component} of one output, {}", at(supply));
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
        let quantity = format!("column + conversion, {}", at(supply));
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
        let quantity = format!("macro pass, {}, output 6", at(point.supply));
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

/// Conversions priced by the survey regression alone.
pub(super) fn survey_alone() -> Vec<MacroRow> {
    let mut rows = Vec::new();
    // Columns of CAP-RAM's cycle convert together: one of 32.
    let cap_ram = Published {
        energy: Joules::from_si(silicon::CAP_RAM_ADC.energy.si() / 32.0),
        ..silicon::CAP_RAM_ADC
    };
    // To two digits, as a refusal prints it.
    let levels = (f64::from(silicon::C3SRAM_LEVELS).log2() * 100.0).round() / 100.0;
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
    rows
}

/// Supply taken where no source we hold states one: the nominal one of 65 nm.
const NOMINAL_65: Volts = Volts::from_si(1.1);
/// A rate below the crossing of the survey's two branches: any other gives the same energy.
const SLOW: f64 = 10e6;
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
const SINANGIL: &str = "4096 cells at Jia's charge, 16 flash converters of 15 comparators of 67 fJ: prices of a 65 nm \
     capacitor cell on 7 nm bitlines discharged by pulses; the constants set on this chip above are not used";
const SURVEY: &str = "regression at the node, nominal supply";
const SURVEY_BOUND: &str =
    "as above; the published energy holds the column too, so the true error is larger";
