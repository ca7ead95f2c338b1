//! A swept key as tables and figures show it: quantities as numbers in one unit, which stands in the header.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::base::units::in_one_unit;
use crate::shell::config::tree;

/// A swept key and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Swept {
    /// Its path in the file.
    pub path: String,
    /// The unit of its numbers; empty for bare numbers and for text.
    pub unit: String,
    /// A cell for each value, in the order of the file.
    pub cells: Vec<String>,
    /// The number of each value, where all are bare numbers or quantities of one kind.
    pub numbers: Option<Vec<f64>>,
}

/// A number that carries its source counts as its value.
fn bare(value: &Value) -> &Value {
    let sourced = |table: &Table| {
        table
            .keys()
            .all(|key| ["value", "low", "high", "source"].contains(&key.as_str()))
    };
    match value {
        Value::Table(table) if sourced(table) => table.get("value").unwrap_or(value),
        other => other,
    }
}

/// A bare number of a file.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number).filter(|number| number.is_finite()),
        _ => None,
    }
}

impl Swept {
    pub(super) fn of(path: &str, values: &[Value]) -> Self {
        let bare: Vec<&Value> = values.iter().map(bare).collect();
        let texts: Option<Vec<&str>> = bare.iter().map(|value| value.as_str()).collect();
        let path = path.to_owned();
        match texts.and_then(|texts| in_one_unit(&texts)) {
            Some((unit, numbers)) => Self {
                path,
                unit,
                cells: numbers.iter().map(f64::to_string).collect(),
                numbers: Some(numbers),
            },
            None => Self {
                path,
                unit: String::new(),
                cells: bare.iter().map(|value| tree::cell(value)).collect(),
                numbers: bare.into_iter().map(number).collect(),
            },
        }
    }

    /// Its header: the path, and the unit after it. `device.age_s`, `device.with.column.offset_LSB`.
    #[must_use]
    pub fn header(&self) -> String {
        match self.unit.as_str() {
            "" => self.path.clone(),
            "%" => format!("{}_percent", self.path),
            unit => format!("{}_{unit}", self.path),
        }
    }

    /// Whether all its values are numbers.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.numbers.is_some()
    }

    /// The number of the value at a place, if all values are numbers.
    #[must_use]
    pub fn number(&self, at: usize) -> Option<f64> {
        self.numbers.as_ref().map(|numbers| numbers[at])
    }

    /// Two places of the same value, whose rows would be the same: `1` and `1.0`, "1 ks" and "1000 s".
    pub(super) fn repeated(&self, values: &[Value]) -> Option<(usize, usize)> {
        let mut known = BTreeMap::new();
        let same = |(at, value): (usize, &Value)| match self.number(at) {
            // Zero has two signs.
            Some(number) => (number + 0.0).to_string(),
            None => value.to_string(),
        };
        let mut alike = values.iter().enumerate().map(same).enumerate();
        alike.find_map(|(at, value)| known.insert(value, at).map(|before| (before, at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swept(list: &str) -> (Swept, Option<(usize, usize)>) {
        let table: Table = toml::from_str(&format!("list = {list}")).unwrap();
        let values = table["list"].as_array().unwrap();
        let swept = Swept::of("a.b", values);
        let twice = swept.repeated(values);
        (swept, twice)
    }

    #[test]
    fn quantities_are_numbers_in_one_unit_and_the_rest_stays_as_it_is_written() {
        for (list, header, cells) in [
            (
                "[\"10 s\", \"1 ks\", \"0.1 Ms\"]",
                "a.b_s",
                &["10", "1000", "100000"][..],
            ),
            ("[\"5 %\", \"0.5 %\"]", "a.b_percent", &["5", "0.5"]),
            (
                "[\"5 %\", { value = \"7 %\", low = \"5 %\", high = \"9 %\", source = \"assumed\" }]",
                "a.b_percent",
                &["5", "7"],
            ),
            ("[0, 0.5, 1e3]", "a.b", &["0", "0.5", "1000.0"]),
            ("[{ value = 2 }, 3]", "a.b", &["2", "3"]),
        ] {
            let (swept, twice) = swept(list);
            assert_eq!(swept.header(), header, "{list}");
            assert_eq!(swept.cells, cells, "{list}");
            assert!(swept.is_number() && twice.is_none(), "{list}");
        }
        for (list, cells) in [
            ("[true, false]", &["true", "false"][..]),
            ("[5, [1, 2]]", &["5", "1+2"]),
            (
                "[{ uniform = { max_code = 1 } }, { exact = {} }]",
                &["uniform max_code 1", "exact"],
            ),
            ("[\"5 %\", \"0.3 LSB\"]", &["5 %", "0.3 LSB"]),
            ("[\"5 %\", 0.05]", &["5 %", "0.05"]),
            ("[\"ideal\", \"sonos\"]", &["ideal", "sonos"]),
        ] {
            let (swept, twice) = swept(list);
            assert_eq!((swept.header(), twice), ("a.b".to_owned(), None), "{list}");
            assert_eq!(swept.cells, cells, "{list}");
            assert!(!swept.is_number(), "{list}");
        }
    }

    #[test]
    fn a_value_twice_is_seen_however_it_is_written() {
        for (list, places) in [
            ("[1, 2, 1.0]", (0, 2)),
            ("[0.0, -0.0]", (0, 1)),
            ("[\"10 s\", \"1 ks\", \"1000 s\"]", (1, 2)),
            ("[[1, 2], [1, 2]]", (0, 1)),
            ("[{ even = {} }, { even = {} }]", (0, 1)),
        ] {
            assert_eq!(swept(list).1, Some(places), "{list}");
        }
    }
}
