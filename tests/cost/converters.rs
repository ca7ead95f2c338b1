//! A converter behind A x V that answers for its own cost: values of the plain one, energy and time of its law.

use crate::setup::*;
use topkima::base::energy::Corner;
use topkima::base::notice::Weight;
use topkima::hardware::attention::{Attention, HeadCost};
use topkima::hardware::events::{Action, Stage};
use topkima::shell::config::Case;
use topkima::shell::experiment::{Part, Silent, run};

const TOPKIMA: usize = 2;

fn with(adc: &str, more: &[(&str, &str)]) -> (Case, HeadCost) {
    let set = [&[("av.tiles.adc", adc)], more].concat();
    let case = real(&set).case(0, TOPKIMA).unwrap();
    let spent = spent(&case, &paid(&case));
    (case, spent)
}

fn conversions(spent: &HeadCost) -> u64 {
    spent.ledger.total().count(Action::AdcConversion)
}

/// Joules of the conversions, from the bill.
fn joules((case, spent): &(Case, HeadCost), corner: Corner) -> f64 {
    let bill = spent.bill(&case.attention.device.prices, corner);
    let stages = Stage::ALL.iter();
    stages
        .map(|stage| bill.entry(*stage, Action::AdcConversion).si())
        .sum()
}

/// 2.86 V^2 (100 fF b + 1 aF 4^b), by hand, times what was counted; half and twice as much at the ends.
#[test]
fn a_conversion_costs_its_bits_and_its_supply() {
    for (bits, volts, picojoules) in [
        (5, 0.85, 2.86 * 0.7225 * 0.501_024),
        (8, 0.85, 2.86 * 0.7225 * 0.865_536),
        (8, 1.2, 2.86 * 1.44 * 0.865_536),
        (10, 0.6, 2.86 * 0.36 * 2.048_576),
    ] {
        let spent = with(
            &format!("{{ sar = {{ bits = {bits}, supply = \"{volts} V\" }} }}"),
            &[],
        );
        let counted = conversions(&spent.1) as f64;
        assert!(counted > 1e4);
        for (corner, factor) in [
            (Corner::Nominal, 1.0),
            (Corner::Low, 0.5),
            (Corner::High, 2.0),
        ] {
            let expected = counted * picojoules * factor * 1e-12;
            let found = joules(&spent, corner);
            assert!(
                (found / expected - 1.0).abs() < 1e-9,
                "{bits} {volts}: {found} {expected}"
            );
        }
    }
}

/// A tile's columns share converters: each waits for so many conversions of `bits` cycles. One a column waits for one.
#[test]
fn a_conversion_takes_a_cycle_a_bit_and_shared_ones_take_turns() {
    let busy = |bits: u32, columns: u32| {
        let adc = format!("{{ sar = {{ bits = {bits}, cycle = \"2 ns\" }} }}");
        let shared = columns.to_string();
        let (case, spent) = with(&adc, &[("av.tiles.columns_per_adc", &shared)]);
        let queries = case.heads().unwrap().workload.heads[0].q.ncols() as u64;
        (spent.busy.get(Stage::Av).get(), queries)
    };
    let ((one, queries), (eight, _), (shorter, _)) = (busy(8, 1), busy(8, 8), busy(6, 8));
    assert_eq!(eight - one, queries * 7 * 8 * 2000);
    assert_eq!(eight - shorter, queries * 8 * 2 * 2000);
}

/// The same bits give the same codes, whoever pays for them.
#[test]
fn its_values_are_those_of_the_plain_converter_in_both_modes() {
    for mode in ["{ exact = {} }", "{ fast = {} }"] {
        let rows = ["uniform", "sar"].map(|name| {
            let adc = format!("{{ {name} = {{ bits = 6 }} }}");
            let mut plan = real(&[("av.tiles.adc", &adc), ("mode", mode)]);
            let table = run(&mut plan, &mut Silent).unwrap().table;
            let values = ["recall", "output_error", "av_clip_rate", "a_underflow"];
            let of_row =
                |row| values.map(|value| table.number(row, value, Part::Mean).map(f64::to_bits));
            table.rows.iter().map(of_row).collect::<Vec<_>>()
        });
        assert!(rows[0].len() > 2 && rows[0][0][1].is_some());
        assert_eq!(rows[0], rows[1], "{mode}");
    }
}

fn told(adc: &str) -> Vec<String> {
    let plan = load("macro", &[("av.tiles.adc", adc)]);
    let warnings = plan.notices.of(Weight::Warning);
    warnings.iter().map(|said| (*said).to_owned()).collect()
}

/// Its price follows its bits, so that no other price is left behind; what is warned of is a law beyond its chips.
#[test]
fn its_bits_leave_no_price_and_a_law_beyond_its_chips_is_told() {
    for bits in [5, 6, 8, 10] {
        assert_eq!(told(&format!("{{ sar = {{ bits = {bits} }} }}")), [""; 0]);
    }
    for adc in [
        "{ sar = { bits = 12 } }",
        "{ sar = { supply = \"1.8 V\" } }",
    ] {
        let found = told(adc);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("is an extrapolation here"), "{found:?}");
    }
}

/// What explains a price names the law and its supply, not the device's file.
#[test]
fn its_price_says_where_it_comes_from() {
    let (case, _) = with("{ sar = { bits = 6, supply = \"1 V\" } }", &[]);
    let attention: &Attention = &case.attention;
    let price = attention.device.prices.explain(Action::AdcConversion);
    assert!(
        price.source.starts_with("fitted: 2.86 V^2"),
        "{}",
        price.source
    );
    assert_eq!(
        (price.voltage.to_string(), price.node.as_str()),
        ("1 V".to_owned(), "65 nm")
    );
    assert!(!price.contains.is_empty());
}
