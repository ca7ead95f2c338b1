//! How far the headline numbers rest on one baseline: a serial softmax, and prices that no one states.

use super::energy::{self, Designs};
use super::schedule::{self, SELECTED};
use super::{How, Row, paper};
use crate::base::energy::Corner;
use crate::base::mistake::Mistakes;
use crate::base::sourced::Sourced;
use crate::base::units::Picos;
use crate::hardware::device::DeviceParams;
use crate::hardware::timing::TimeConstants;

/// Times of one softmax element that are tried, in ps: the paper's is the last.
const ELEMENT_TIMES: [u64; 7] = [500, 1_000, 2_000, 3_000, 4_000, 5_000, 6_500];
/// Prices of one softmax element that are tried, in pJ.
const ELEMENT_PRICES: [f64; 6] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// Prices of one compare of the sorter that are tried, in pJ.
const COMPARE_PRICES: [f64; 4] = [0.1, 0.3, 1.0, 3.0];

/// All sensitivities.
pub(super) fn rows(device: &DeviceParams) -> Vec<Row> {
    let refused = |quantity, mistakes| vec![Row::refused(How::Sensitivity, quantity, &mistakes)];
    let mut rows = times(&device.timing).unwrap_or_else(|m| refused("latency over T_NL", m));
    rows.extend(energies(device).unwrap_or_else(|m| refused("energy over prices", m)));
    rows
}

/// Speed-up over the time of a softmax element, the same for both designs.
fn times(constants: &TimeConstants) -> Result<Vec<Row>, Mistakes> {
    let stops = schedule::mean_stops();
    ELEMENT_TIMES
        .into_iter()
        .map(|picos| {
            let element = Picos::new(picos);
            let constants = TimeConstants {
                softmax_element: Sourced::bare(element),
                ..constants.clone()
            };
            let heads = schedule::heads(&constants, SELECTED, &stops)?;
            let own = if element == paper::T_ELEMENT {
                ", the paper's"
            } else {
                ""
            };
            let text = format!("{:.2}x", heads.over_conventional());
            let quantity = format!("latency, softmax of {} ns an element{own}", element.nanoseconds());
            Ok(
                Row::new(How::Sensitivity, quantity, "about 15x", text).note(
                    "The paper's baseline takes one element after another. A softmax of 1 ns an element, pipelined or in \
                     6.5 lanes, leaves this much of the 15x. Selected reading; the same time in both designs.",
                ),
            )
        })
        .collect()
}

fn pj(joules: f64) -> String {
    let value = joules * 1e12;
    if value < 10.0 {
        format!("{value:.2} pJ")
    } else {
        format!("{value:.1} pJ")
    }
}

fn both(designs: &Designs, element: f64, compare: f64) -> String {
    let topkima = designs.topkima.with(element, compare);
    format!(
        "{:.1}x, {:.2}x",
        designs.conventional.with(element, compare) / topkima,
        designs.digital.with(element, compare) / topkima
    )
}

fn energies(device: &DeviceParams) -> Result<Vec<Row>, Mistakes> {
    let designs = energy::designs(device, Corner::Nominal)?;
    let mut rows = own(&designs, device)?;
    let row = |quantity: String, published: &str, model: String| {
        Row::new(How::Sensitivity, quantity, published, model)
    };
    let compare = designs.compare();
    for price in ELEMENT_PRICES {
        let text = both(&designs, price * 1e-12, compare);
        rows.push(
            row(format!("energy, {price} pJ a softmax element"), "30x, 3x", text).note(
                "Conventional / topkima and digital top-k / topkima. All else at the device's prices.",
            ),
        );
    }
    for price in COMPARE_PRICES {
        let text = both(&designs, designs.element(), price * 1e-12);
        rows.push(
            row(format!("energy, {price} pJ a compare of the sorter"), "30x, 3x", text).note(
                "Conventional / topkima and digital top-k / topkima. All else at the device's prices.",
            ),
        );
    }
    rows.extend(needed(&designs));
    Ok(rows)
}

/// The ratios with the device's own prices.
fn own(designs: &Designs, device: &DeviceParams) -> Result<Vec<Row>, Mistakes> {
    let ratio = |of: &Designs| {
        (
            of.conventional.total() / of.topkima.total(),
            of.digital.total() / of.topkima.total(),
        )
    };
    let (conventional, digital) = ratio(designs);
    let (low, high) = (
        ratio(&energy::designs(device, Corner::Low)?),
        ratio(&energy::designs(device, Corner::High)?),
    );
    let note = format!(
        "One head, 384 x 64, tiles 256 + 128, k = 3 + 2, alpha 0.31, no A x V, from the simulator's counts: {} nJ \
         conventional, {} nJ digital top-k, {} nJ topkima, of which comparators {:.0} %, {:.0} % and {:.0} %. An element \
         costs {} and a compare of the sorter {}. With all prices at their low ends {:.1}x and {:.2}x, at their high ends \
         {:.1}x and {:.2}x. A default is no reproduction: the paper prints no energy.",
        nj(designs.conventional.total()),
        nj(designs.digital.total()),
        nj(designs.topkima.total()),
        100.0 * designs.conventional.comparators / designs.conventional.total(),
        100.0 * designs.digital.comparators / designs.digital.total(),
        100.0 * designs.topkima.comparators / designs.topkima.total(),
        pj(designs.element()),
        pj(designs.compare()),
        low.0,
        low.1,
        high.0,
        high.1,
    );
    let row = |quantity: &str, words: &str, published, model: f64| {
        Row::new(How::Sensitivity, quantity, words, format!("{model:.2}x"))
            .against(published, model)
            .note(&note)
    };
    Ok(vec![
        row(
            "energy, conventional / topkima, the device's prices",
            "30x",
            paper::ENERGY_CONVENTIONAL,
            conventional,
        ),
        row(
            "energy, digital top-k / topkima, the device's prices",
            "3x",
            paper::ENERGY_DIGITAL,
            digital,
        ),
    ])
}

fn nj(joules: f64) -> String {
    format!("{:.0}", joules * 1e9)
}

/// The prices that would give the published ratios.
fn needed(designs: &Designs) -> Vec<Row> {
    let row = |quantity: String, price: Option<f64>, own: f64| {
        let text = price.map_or_else(
            || "no price does".to_owned(),
            |price| format!("{} ({:.1} x its price)", pj(price), price / own),
        );
        Row::new(How::Sensitivity, quantity, "not stated", text).note(
            "Solved from the counts, which are linear in each price. In brackets: against the device's own price.",
        )
    };
    let element = designs.element_for(paper::ENERGY_CONVENTIONAL);
    let at_own = designs.compare_for(paper::ENERGY_DIGITAL, designs.element());
    let mut rows = vec![
        row(
            "softmax element that gives 30x".into(),
            element,
            designs.element(),
        ),
        row(
            "compare that gives 3x, element at the device's price".into(),
            at_own,
            designs.compare(),
        ),
    ];
    if let Some(element) = element {
        rows.push(row(
            "compare that gives 3x, element as 30x needs it".into(),
            designs.compare_for(paper::ENERGY_DIGITAL, element),
            designs.compare(),
        ));
    }
    rows
}
