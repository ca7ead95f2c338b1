//! The energy ledger, the system model and the table of rivals.

use approx::assert_relative_eq;

use super::super::energy::{Designs, designs};
use super::super::paper;
use super::super::system::system;
use super::*;
use crate::base::energy::Corner;
use crate::base::units::Joules;
use crate::hardware::events::Action;

fn shipped() -> Designs {
    designs(&device(), Corner::Nominal).unwrap()
}

/// The device with one price times `factor`.
fn dearer(action: Action, factor: f64) -> Designs {
    let mut device = device();
    let price = device.energy.entry(action).as_mut().unwrap();
    price.energy = Joules::from_si(price.energy.si() * factor);
    price.low = Joules::from_si(price.low.si().min(price.energy.si()));
    price.high = Joules::from_si(price.high.si().max(price.energy.si()));
    designs(&device, Corner::Nominal).unwrap()
}

#[test]
fn counts_of_the_papers_head_are_those_of_the_mapping() {
    let designs = shipped();
    assert_eq!(designs.conventional.elements, 384.0 * 384.0);
    assert_eq!(designs.digital.elements, 384.0 * 5.0);
    assert_eq!(designs.topkima.elements, 384.0 * 5.0);
    // min(d log2 d, d k) on 256 columns with k = 3 and on 128 with k = 2.
    assert_eq!(
        designs.digital.compares,
        384.0 * (256.0 * 3.0 + 128.0 * 2.0)
    );
    assert_eq!(
        (designs.conventional.compares, designs.topkima.compares),
        (0.0, 0.0)
    );
    // 67 fJ a live column and step.
    let decisions = 384.0 * 3809.0;
    assert_relative_eq!(
        designs.topkima.comparators,
        decisions * 67e-15,
        max_relative = 1e-9
    );
    let decisions = 384.0 * 384.0 * 32.0;
    assert_relative_eq!(
        designs.conventional.comparators,
        decisions * 67e-15,
        max_relative = 1e-9
    );
}

#[test]
fn an_element_is_what_the_price_list_says() {
    // Subtract, table, add, multiply; a reciprocal a row and 255 + 127 compares for the largest
    // score of each tile.
    let element = 0.15 + 0.7 + 0.56 + 2.3 + 5.6 / 384.0 + 0.0105 * 382.0 / 384.0;
    assert_relative_eq!(shipped().element() * 1e12, element, max_relative = 1e-9);
    assert_relative_eq!(shipped().compare() * 1e12, 0.13, max_relative = 1e-9);
}

#[test]
fn a_dearer_action_moves_only_its_own_part() {
    let (before, after) = (shipped(), dearer(Action::ExpLookup, 2.0));
    assert_eq!(before.conventional.rest, after.conventional.rest);
    assert_eq!(before.digital.sort, after.digital.sort);
    let more = after.conventional.softmax - before.conventional.softmax;
    assert_relative_eq!(more, 384.0 * 384.0 * 0.7e-12, max_relative = 1e-9);
    let after = dearer(Action::SortCompare, 2.0);
    assert_relative_eq!(
        after.digital.sort,
        2.0 * before.digital.sort,
        max_relative = 1e-12
    );
    assert_eq!(before.topkima, after.topkima);
    // A x V is no part of the macro.
    let after = dearer(Action::BufferWrite, 2.0);
    assert_eq!(before, after);
}

#[test]
fn prices_solved_for_give_the_published_ratios() {
    let designs = shipped();
    let element = designs.element_for(30.0).unwrap();
    let topkima = designs.topkima.with(element, 0.0);
    assert_relative_eq!(
        designs.conventional.with(element, 0.0) / topkima,
        30.0,
        max_relative = 1e-9
    );
    let compare = designs.compare_for(3.0, element).unwrap();
    assert_relative_eq!(
        designs.digital.with(element, compare) / topkima,
        3.0,
        max_relative = 1e-9
    );
    assert_relative_eq!(
        first(&find(&ROWS, "softmax element that gives 30x").model),
        element * 1e12,
        epsilon = 0.05
    );
    // 384 elements against 5: no price gives more than 76.8.
    assert_eq!(designs.element_for(77.0), None);
    assert!(designs.element_for(76.0).is_some());
}

#[test]
fn own_ratios_are_totals_over_totals() {
    let designs = shipped();
    let row = find(&ROWS, "energy, conventional / topkima, the device's");
    let ratio = designs.conventional.total() / designs.topkima.total();
    assert_eq!(row.model, format!("{ratio:.2}x"));
    assert_relative_eq!(
        row.error_percent.unwrap(),
        (ratio / 30.0 - 1.0) * 100.0,
        epsilon = 1e-9
    );
    let row = find(&ROWS, "energy, digital top-k / topkima, the device's");
    let ratio = designs.digital.total() / designs.topkima.total();
    assert_eq!(row.model, format!("{ratio:.2}x"));
    assert_eq!(row.how, How::Sensitivity);
}

#[test]
fn ratios_over_a_price_run_the_way_they_must() {
    let of = |start: &str, at: usize| -> Vec<f64> {
        let rows = ROWS
            .iter()
            .filter(|row| row.quantity.starts_with("energy, "));
        rows.filter(|row| row.quantity.ends_with(start))
            .map(|row| first(row.model.split(", ").nth(at).unwrap()))
            .collect()
    };
    let conventional = of("pJ a softmax element", 0);
    let digital = of("pJ a softmax element", 1);
    assert!(conventional.len() == 6 && conventional.is_sorted());
    assert!(digital.is_sorted_by(|a, b| a >= b));
    let by_compare = of("pJ a compare of the sorter", 1);
    assert!(by_compare.len() == 4 && by_compare.is_sorted());
}

#[test]
fn the_system_is_the_sum_of_its_parts_and_meets_what_it_was_fitted_to() {
    let system = system(&device()).unwrap();
    // 3 x 2 n D D and 12 x 2 x 2 n n d.
    let operations = 6.0 * 384.0 * 768.0 * 768.0 + 48.0 * 384.0 * 384.0 * 64.0;
    assert_eq!(system.operations, operations);
    assert_eq!(find(&ROWS, "operations of one module").model, "1.812 GOP");
    let parts = system.projection + system.macro_time + system.values + system.moving();
    assert_relative_eq!(system.time(), parts, max_relative = 1e-12);
    assert_relative_eq!(
        operations / system.time() * 1e-12,
        paper::TOPS,
        max_relative = 1e-9
    );
    let parts = system.projection_adc + system.values_adc + system.macros + system.buffers();
    assert_relative_eq!(system.energy(), parts, max_relative = 1e-12);
    let efficiency = operations / system.energy() * 1e-12;
    assert_relative_eq!(efficiency, paper::TOPS_PER_WATT, max_relative = 1e-9);
    assert_relative_eq!(system.time() * 1e6, 270.4, epsilon = 0.05);
    assert_relative_eq!(system.energy() * 1e6, 107.6, epsilon = 0.05);
    // 384 tokens x 5 bits x 8 columns x 5 ns.
    assert_relative_eq!(system.projection * 1e6, 76.8, max_relative = 1e-9);
    // 384 tokens x 3 matrices x 3 row tiles x 3072 columns x 5 bits at 0.94 pJ.
    let conversions = 384.0 * 3.0 * 3.0 * 3072.0 * 5.0;
    assert_relative_eq!(
        system.projection_adc,
        conversions * 0.94e-12,
        max_relative = 5e-3
    );
    assert_relative_eq!(
        first(&find(&ROWS, "share of the topkima macro").model),
        100.0 * system.macro_time / system.time(),
        epsilon = 0.05
    );
}

#[test]
fn fitted_constants_are_counted_and_bear_no_error() {
    let rows: Vec<&Row> = ROWS
        .iter()
        .filter(|row| row.how == How::System && row.model.contains("(fitted)"))
        .collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row.note.contains("2 constants fitted") && row.note.contains("explains nothing"));
        assert_eq!(row.error_percent, None);
    }
}

#[test]
fn rivals_are_the_published_ranges() {
    let speed = find(&ROWS, "speed over the rivals");
    let range = format!("{:.2}x to {:.1}x", 6.70 / 3.64, 6.70 / 0.08);
    assert_eq!(
        (speed.published.as_str(), speed.model.clone()),
        ("1.8x to 84x", range)
    );
    let efficiency = find(&ROWS, "efficiency over the rivals");
    assert_eq!(
        efficiency.model,
        format!("{:.2}x to {:.1}x", 16.84 / 13.44, 16.84 / 0.47)
    );
    assert!(speed.error_percent.unwrap().abs() < 4.0);
    assert!(efficiency.error_percent.unwrap().abs() < 4.0);
    let x_former = find(&ROWS, "over X-Former, 2023");
    assert!(x_former.note.contains("6.72") && x_former.note.contains("half"));
    assert_relative_eq!(2.0 * paper::X_FORMER_OWN, 13.44, max_relative = 1e-12);
}
