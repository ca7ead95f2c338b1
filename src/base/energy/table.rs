//! The price list in a file: a table whose keys are the actions.

use std::fmt;
use std::marker::PhantomData;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::PriceList;
use super::price::LEAKAGE;
use crate::base::vocabulary::{Named, Vocabulary};

impl<V: Vocabulary> Serialize for PriceList<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_map(None)?;
        for (action, price) in V::Action::ALL.iter().zip(&self.prices) {
            if let Some(price) = price {
                table.serialize_entry(action.name(), price)?;
            }
        }
        if let Some(leakage) = &self.leakage {
            table.serialize_entry(LEAKAGE, leakage)?;
        }
        table.end()
    }
}

impl<'de, V: Vocabulary> Deserialize<'de> for PriceList<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table(PhantomData))
    }
}

/// Reads the table by hand: its keys are the actions, known from their enum alone.
struct Table<V>(PhantomData<V>);

impl<'de, V: Vocabulary> de::Visitor<'de> for Table<V> {
    type Value = PriceList<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with one price an action, and `leakage`")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut table: A) -> Result<PriceList<V>, A::Error> {
        let mut list = PriceList::empty();
        while let Some(key) = table.next_key::<String>()? {
            if key == LEAKAGE {
                list.leakage = Some(table.next_value()?);
            } else if let Some(action) = V::Action::from_name(&key) {
                *list.entry(action) = Some(table.next_value()?);
            } else {
                let known: Vec<_> = V::Action::ALL.iter().map(|action| action.name()).collect();
                return Err(de::Error::custom(format_args!(
                    "`{key}` is no action; allowed are `{LEAKAGE}` and `{}`",
                    known.join("`, `")
                )));
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::vocabulary::mill::Mill;

    #[test]
    fn a_price_without_unit_or_with_a_slip_in_its_key_is_refused_when_read() {
        let with = |key: &str, energy: &str| {
            let text = format!(
                "{key} = {{ energy = {energy}, low = \"0 J\", high = \"1 pJ\", node = \"65 nm\", \
                 voltage = \"1 V\", source = \"x\", contains = [\"x\"] }}"
            );
            toml::from_str::<PriceList<Mill>>(&text).map_err(|e| e.to_string())
        };
        assert!(with("multiply", "\"1 fJ\"").is_ok());
        assert!(with("multiply", "1").unwrap_err().contains("has no unit"));
        assert!(
            with("multiply", "\"nan J\"")
                .unwrap_err()
                .contains("not a finite")
        );
        assert!(
            with("multiply", "\"4 ns\"")
                .unwrap_err()
                .contains("unit `ns`")
        );
        let unknown = with("multiplies", "\"1 fJ\"").unwrap_err();
        assert!(unknown.contains("`multiplies` is no action") && unknown.contains("`multiply`"));
        assert!(toml::from_str::<PriceList<Mill>>("multiply = { cost = \"1 fJ\" }").is_err());
    }

    #[test]
    fn what_is_no_table_is_told_what_to_hold() {
        #[derive(Debug, Deserialize)]
        struct File {
            #[serde(rename = "energy")]
            _energy: PriceList<Mill>,
        }
        let message = toml::from_str::<File>("energy = 3")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("expected a table with one price an action"),
            "{message}"
        );
    }
}
