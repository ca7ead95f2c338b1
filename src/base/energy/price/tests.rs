//! The shipped price list, and lists that are wrong.

use super::*;

#[derive(Deserialize)]
struct Periphery {
    energy: PriceList,
}

pub fn default_list() -> PriceList {
    let text = include_str!("../../../../device_params/shared/periphery-65nm.toml");
    toml::from_str::<Periphery>(text).unwrap().energy
}

fn mistakes(list: PriceList) -> Vec<String> {
    let found = list.check().unwrap_err();
    found.0.iter().map(ToString::to_string).collect()
}

#[test]
fn the_default_list_reads_checks_and_survives_writing() {
    let list = default_list();
    let again: PriceList = toml::from_str(&toml::to_string(&list).unwrap()).unwrap();
    assert_eq!(again, list);
    let prices = list.check().unwrap();
    for action in Action::ALL {
        let Price { source, node, .. } = prices.explain(action);
        let tagged = ["published", "derived", "assumed"]
            .iter()
            .any(|tag| source.starts_with(tag));
        assert!(tagged && node == "65 nm", "{action}: {source}");
    }
}

#[test]
fn a_list_that_misses_an_action_does_not_load() {
    let mut list = default_list();
    *list.entry(Action::RampCharge) = None;
    *list.entry(Action::Multiply) = None;
    list.leakage = None;
    let found = mistakes(list);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("ramp-charge: the list has no price"));
    assert!(found[1].starts_with("multiply: "));
    assert!(found[2].starts_with("leakage: "));
    assert_eq!(mistakes(PriceList::empty()).len(), Action::COUNT + 1);
}

#[test]
fn bad_numbers_are_named_all_at_once() {
    let mut list = default_list();
    let change = |list: &mut PriceList, action, energy| {
        let price = list.entry(action).as_mut().unwrap();
        price.energy = Joules::from_si(energy);
    };
    change(&mut list, Action::Subtract, -1e-15);
    change(&mut list, Action::Multiply, f64::NAN);
    change(&mut list, Action::ExpLookup, 1e-9);
    list.entry(Action::LutWrite).as_mut().unwrap().source = " ".into();
    list.leakage.as_mut().unwrap().high = Watts::from_si(f64::INFINITY);
    let found = mistakes(list);
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found[0].starts_with("lut-write.source = \"\""), "{found:?}");
    assert!(found[1].starts_with("subtract.energy = -1 fJ"), "{found:?}");
    assert!(found[2].starts_with("exp-lookup = 1 nJ"), "{found:?}");
    assert!(found[3].starts_with("multiply.energy"), "{found:?}");
    assert!(found[4].starts_with("leakage.high"), "{found:?}");
}

#[test]
fn no_price_may_include_another_actions() {
    let mut list = default_list();
    let stolen = list.entry(Action::RampCharge).as_ref().unwrap().contains[0].to_uppercase();
    let thief = list.entry(Action::ComparatorDecision).as_mut().unwrap();
    thief.contains.push(stolen);
    let found = mistakes(list);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("comparator-decision.contains"),
        "{found:?}"
    );
    assert!(found[0].contains("`ramp-charge`"), "{found:?}");
}

#[test]
fn a_price_holds_for_a_supply_above_0_v() {
    for volts in [0.0, -1.1, f64::INFINITY, f64::NAN] {
        let mut list = default_list();
        list.entry(Action::Multiply).as_mut().unwrap().voltage = Volts::from_si(volts);
        let found = mistakes(list);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("multiply.voltage"), "{found:?}");
    }
}
