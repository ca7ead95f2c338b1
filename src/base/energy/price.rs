//! The price list: as written, and as checked.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::mistake::Mistakes;
use crate::base::units::{Joules, Volts, Watts};
use crate::base::vocabulary::{Named, Sizes, Vocabulary};

/// Key of the leakage in a price list.
pub const LEAKAGE: &str = "leakage";

/// Most an action may cost (1 J) and a unit may leak (1 W): beyond it a unit has slipped.
const CEILING: f64 = 1.0;

/// Which end of every range is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corner {
    /// The stated values.
    Nominal,
    /// Every price at its low end.
    Low,
    /// Every price at its high end.
    High,
}

impl Corner {
    /// All three.
    pub const ALL: [Corner; 3] = [Self::Nominal, Self::Low, Self::High];
}

/// What one action costs, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "S: Sizes")]
pub struct Price<S: Sizes> {
    /// Energy of one action, from 0 to 1 J.
    pub energy: Joules,
    /// Low end of the plausible range.
    pub low: Joules,
    /// High end of the plausible range.
    pub high: Joules,
    /// Technology node the energy is for, `65 nm`: a label, the energy does not follow it.
    pub node: String,
    /// Supply the energy is for: a label, the energy does not follow it.
    pub voltage: Volts,
    /// Where the energy comes from, beginning with `published`, `derived`, `fitted`, `measured` or `assumed`.
    pub source: String,
    /// The components the energy holds. A component belongs to one price only.
    pub contains: Vec<String>,
    /// The sizes the energy is for; beyond them a run warns.
    #[serde(default, rename = "for", skip_serializing_if = "is_empty")]
    pub stated: S,
}

/// Power that flows as long as the clock runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "S: Sizes")]
pub struct Leakage<S: Sizes> {
    /// Power of one unit (a tile with its share of the periphery), from 0 to 1 W.
    pub power: Watts,
    /// Low end of the plausible range.
    pub low: Watts,
    /// High end of the plausible range.
    pub high: Watts,
    /// Technology node the power is for.
    pub node: String,
    /// Supply the power is for.
    pub voltage: Volts,
    /// Where the power comes from.
    pub source: String,
    /// The components that leak; none of them may stand in a price as well.
    pub contains: Vec<String>,
    /// The sizes the power is for; beyond them a run warns.
    #[serde(default, rename = "for", skip_serializing_if = "is_empty")]
    pub stated: S,
}

fn is_empty<S: Sizes>(stated: &S) -> bool {
    *stated == S::default()
}

/// The price list as written: a table with one entry an action, and `leakage`.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceList<V: Vocabulary> {
    /// One an action, in the order of [`Named::ALL`].
    pub(super) prices: Vec<Option<Price<V::Sizes>>>,
    /// Power that flows as long as the clock runs.
    pub leakage: Option<Leakage<V::Sizes>>,
}

impl<V: Vocabulary> PriceList<V> {
    /// A list without entries.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            prices: vec![None; V::Action::ALL.len()],
            leakage: None,
        }
    }

    /// The entry of an action, to fill or to change.
    pub fn entry(&mut self, action: V::Action) -> &mut Option<Price<V::Sizes>> {
        &mut self.prices[action.place()]
    }

    /// Every action priced once, every range and source in order.
    ///
    /// # Errors
    /// All mistakes of the list at once, keys being the names of actions.
    pub fn check(self) -> Result<Prices<V>, Mistakes> {
        let mut mistakes = Mistakes::none();
        let mut owners: Vec<(String, &'static str)> = Vec::new();
        for (action, price) in V::Action::ALL.iter().zip(&self.prices) {
            let key = action.name();
            let Some(price) = price else {
                mistakes.add(
                    key,
                    "",
                    format!("the list has no price for this action ({})", action.about()),
                    format!(
                        "write {key} = {{ energy, low, high, node, voltage, source, contains }}"
                    ),
                );
                continue;
            };
            let range = [price.energy, price.low, price.high];
            check_range(&mut mistakes, key, "energy", range.map(Joules::si), range);
            check_origin(
                &mut mistakes,
                key,
                &price.node,
                price.voltage,
                &price.source,
            );
            check_parts(&mut mistakes, &mut owners, key, &price.contains);
            price.stated.check(key, &mut mistakes);
        }
        match &self.leakage {
            None => mistakes.add(
                LEAKAGE,
                "",
                "the list has no leakage",
                "write leakage = { power, low, high, node, voltage, source, contains }; \"0 W\" is allowed",
            ),
            Some(leak) => {
                let range = [leak.power, leak.low, leak.high];
                check_range(&mut mistakes, LEAKAGE, "power", range.map(Watts::si), range);
                check_origin(&mut mistakes, LEAKAGE, &leak.node, leak.voltage, &leak.source);
                check_parts(&mut mistakes, &mut owners, LEAKAGE, &leak.contains);
                leak.stated.check(LEAKAGE, &mut mistakes);
            }
        }
        // Missing entries are among the mistakes, so this collects all of them or is not reached.
        let prices: Vec<_> = self.prices.into_iter().flatten().collect();
        match self.leakage {
            Some(leakage) if mistakes.0.is_empty() => Ok(Prices { prices, leakage }),
            _ => Err(mistakes),
        }
    }
}

fn check_range<T: fmt::Display>(
    mistakes: &mut Mistakes,
    key: &str,
    field: &str,
    [value, low, high]: [f64; 3],
    [shown, shown_low, shown_high]: [T; 3],
) {
    // Inside the interval means neither negative nor NaN nor infinite.
    let inside = |x: f64| (0.0..=CEILING).contains(&x);
    let mut sane = true;
    for (name, x, shown) in [
        (field, value, &shown),
        ("low", low, &shown_low),
        ("high", high, &shown_high),
    ] {
        sane &= inside(x);
        mistakes.require(
            inside(x),
            &format!("{key}.{name}"),
            shown,
            "must be finite, not negative and at most 1 J or 1 W",
            "write for instance \"67 fJ\" or \"3 uW\"",
        );
    }
    mistakes.require(
        !sane || (low <= value && value <= high),
        key,
        format_args!("{shown} (low {shown_low}, high {shown_high})"),
        "the value lies outside its own range",
        format!("write low <= {field} <= high"),
    );
}

fn check_origin(mistakes: &mut Mistakes, key: &str, node: &str, voltage: Volts, source: &str) {
    mistakes.require(
        !source.trim().is_empty(),
        &format!("{key}.source"),
        "\"\"",
        "a number without a source cannot be followed",
        "say where it comes from, beginning with published, derived, fitted, measured or assumed",
    );
    mistakes.require(
        !node.trim().is_empty(),
        &format!("{key}.node"),
        "\"\"",
        "an energy holds for a technology node",
        "write for instance \"65 nm\"",
    );
    mistakes.require(
        voltage.si() > 0.0 && voltage.si().is_finite(),
        &format!("{key}.voltage"),
        voltage,
        "an energy holds for a supply above 0 V",
        "write for instance \"1.1 V\"",
    );
}

fn check_parts(
    mistakes: &mut Mistakes,
    owners: &mut Vec<(String, &'static str)>,
    key: &'static str,
    contains: &[String],
) {
    let at = format!("{key}.contains");
    mistakes.require(
        !contains.is_empty(),
        &at,
        "[]",
        "a price says what it holds, so that no two hold the same",
        "name at least one component",
    );
    for part in contains {
        // Spelling apart, the same words are the same component.
        let plain = part
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        mistakes.require(
            !plain.is_empty(),
            &at,
            "\"\"",
            "a component without a name",
            "name it",
        );
        if plain.is_empty() {
            continue;
        }
        match owners.iter().find(|(owned, _)| *owned == plain) {
            Some((_, owner)) => mistakes.add(
                &at,
                format_args!("\"{part}\""),
                format!(
                    "this component is in the price of `{owner}` already: it would be paid twice"
                ),
                "keep it in one of the two, and its energy too",
            ),
            None => owners.push((plain, key)),
        }
    }
}

/// A price list in which every action has a price and no price holds another's.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices<V: Vocabulary> {
    /// One an action, in the order of [`Named::ALL`].
    prices: Vec<Price<V::Sizes>>,
    leakage: Leakage<V::Sizes>,
}

impl<V: Vocabulary> Prices<V> {
    /// Where the price of an action comes from.
    #[must_use]
    pub fn explain(&self, action: V::Action) -> &Price<V::Sizes> {
        &self.prices[action.place()]
    }

    /// The list with another price of one action, of a unit that answers for its own. It holds the components of the
    /// one it replaces, so that still no two hold the same.
    #[must_use]
    pub fn with(&self, action: V::Action, price: Price<V::Sizes>) -> Self {
        let mut own = self.clone();
        let place = &mut own.prices[action.place()];
        *place = Price {
            contains: std::mem::take(&mut place.contains),
            ..price
        };
        own
    }

    /// Where the leakage comes from.
    #[must_use]
    pub fn leakage(&self) -> &Leakage<V::Sizes> {
        &self.leakage
    }

    /// The energy of one action.
    #[must_use]
    pub fn price(&self, action: V::Action, corner: Corner) -> Joules {
        let price = self.explain(action);
        match corner {
            Corner::Nominal => price.energy,
            Corner::Low => price.low,
            Corner::High => price.high,
        }
    }

    /// The leakage of one unit.
    #[must_use]
    pub fn leak(&self, corner: Corner) -> Watts {
        match corner {
            Corner::Nominal => self.leakage.power,
            Corner::Low => self.leakage.low,
            Corner::High => self.leakage.high,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
