//! Lists that are in order, and lists that are wrong.

use super::*;
use crate::base::vocabulary::mill::{Action, Mill, prices};

fn mistakes(list: PriceList<Mill>) -> Vec<String> {
    let found = list.check().unwrap_err();
    found.0.iter().map(ToString::to_string).collect()
}

#[test]
fn a_list_reads_checks_and_survives_writing() {
    let list = prices();
    let again: PriceList<Mill> = toml::from_str(&toml::to_string(&list).unwrap()).unwrap();
    assert_eq!(again, list);
    let prices = list.check().unwrap();
    assert_eq!(prices.explain(Action::Keep).contains, ["a keep"]);
    let ends = Corner::ALL.map(|corner| prices.price(Action::Add, corner).si() * 1e15);
    assert_eq!(ends.map(f64::round), [67.0, 0.0, 9000.0]);
}

#[test]
fn a_size_belongs_to_its_price() {
    let mut list = prices();
    let width = list
        .entry(Action::Multiply)
        .as_ref()
        .unwrap()
        .stated
        .clone();
    list.entry(Action::Keep).as_mut().unwrap().stated = width;
    let found = mistakes(list);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("keep.for.bits: has no width"),
        "{found:?}"
    );
}

#[test]
fn a_list_that_misses_an_action_does_not_load() {
    let mut list = prices();
    *list.entry(Action::Move) = None;
    *list.entry(Action::Multiply) = None;
    list.leakage = None;
    let found = mistakes(list);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("move: the list has no price"));
    assert!(found[1].starts_with("multiply: "));
    assert!(found[2].starts_with("leakage: "));
    assert_eq!(mistakes(PriceList::empty()).len(), Action::COUNT + 1);
}

#[test]
fn bad_numbers_are_named_all_at_once() {
    let mut list = prices();
    let change = |list: &mut PriceList<Mill>, action, energy| {
        let price = list.entry(action).as_mut().unwrap();
        price.energy = Joules::from_si(energy);
    };
    change(&mut list, Action::Move, -1e-15);
    change(&mut list, Action::Keep, f64::NAN);
    change(&mut list, Action::Multiply, 1e-9);
    list.entry(Action::Add).as_mut().unwrap().source = " ".into();
    list.leakage.as_mut().unwrap().high = Watts::from_si(f64::INFINITY);
    let found = mistakes(list);
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found[0].starts_with("move.energy = -1 fJ"), "{found:?}");
    assert!(found[1].starts_with("add.source = \"\""), "{found:?}");
    assert!(found[2].starts_with("multiply = 1 nJ"), "{found:?}");
    assert!(found[3].starts_with("keep.energy"), "{found:?}");
    assert!(found[4].starts_with("leakage.high"), "{found:?}");
}

#[test]
fn no_price_may_include_another_actions() {
    let mut list = prices();
    let stolen = list.entry(Action::Move).as_ref().unwrap().contains[0].to_uppercase();
    let thief = list.entry(Action::Keep).as_mut().unwrap();
    thief.contains.push(stolen);
    let found = mistakes(list);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("keep.contains"), "{found:?}");
    assert!(found[0].contains("`move`"), "{found:?}");
}

#[test]
fn a_price_holds_for_a_supply_above_0_v() {
    for volts in [0.0, -1.1, f64::INFINITY, f64::NAN] {
        let mut list = prices();
        list.entry(Action::Multiply).as_mut().unwrap().voltage = Volts::from_si(volts);
        let found = mistakes(list);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("multiply.voltage"), "{found:?}");
    }
}
