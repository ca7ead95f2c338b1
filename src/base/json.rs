//! JSON that another program wrote. A key that stands twice in a table is a mistake: which of its values counts
//! differs from reader to reader.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::mistake::Mistakes;

/// A table of JSON; `fix` is what to do about a file that is none.
///
/// # Errors
/// No JSON, another value than a table, a key that stands twice in one of its tables.
///
/// ```
/// use topkima::base::json;
///
/// assert_eq!(json::table(br#"{"k": 5}"#, "").unwrap()["k"], 5);
/// let twice = json::table(br#"{"k": 5, "k": 8}"#, "take it out").unwrap_err();
/// assert!(twice.0[0].problem.contains("key `k` stands twice"));
/// ```
pub fn table(text: &[u8], fix: &str) -> Result<Value, Mistakes> {
    value(text, "table", fix, Value::is_object)
}

/// A list of JSON, as [`table`].
///
/// # Errors
/// No JSON, another value than a list, a key that stands twice in one of its tables.
pub fn list(text: &[u8], fix: &str) -> Result<Value, Mistakes> {
    value(text, "list", fix, Value::is_array)
}

fn value(text: &[u8], kind: &str, fix: &str, fits: fn(&Value) -> bool) -> Result<Value, Mistakes> {
    let problem = match serde_json::from_slice::<Once>(text) {
        Ok(Once(value)) if fits(&value) => return Ok(value),
        Ok(_) => format!("is not a {kind} of JSON"),
        Err(error) if error.is_data() => error.to_string(),
        Err(error) => format!("is not a {kind} of JSON: {error}"),
    };
    let mut mistakes = Mistakes::none();
    mistakes.add("", "", problem, fix);
    Err(mistakes)
}

/// A value whose tables hold every key once.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((key, Once(value))) = table.next_entry::<String, Once>()? {
            if values.contains_key(&key) {
                return Err(de::Error::custom(format!("key `{key}` stands twice")));
            }
            values.insert(key, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> String {
        table(text.as_bytes(), "look").unwrap_err().0[0].to_string()
    }

    #[test]
    fn a_key_that_stands_twice_is_told_with_its_line() {
        assert!(told("{\n \"a\": 1,\n \"a\": 1}").contains("key `a` stands twice at line 3"));
        let inner = told(r#"{"x": [{"b": null, "c": {}, "b": null}]}"#);
        assert!(inner.contains("key `b` stands twice"), "{inner}");
        assert!(table(br#"{"a": {"b": 1}, "b": {"b": 1}}"#, "").is_ok());
    }

    #[test]
    fn another_value_is_told_from_none() {
        assert!(told("[1]").contains("is not a table of JSON"));
        assert!(told("{\"a\": }").contains("is not a table of JSON: expected value at line 1"));
        assert_eq!(
            list(b"{}", "look").unwrap_err().0[0].problem,
            "is not a list of JSON"
        );
    }

    proptest! {
        /// Whatever holds every key once is read as serde_json reads it.
        #[test]
        fn it_is_what_serde_reads(
            number in any::<f64>(), whole in any::<i64>(), word in ".*", keys in prop::collection::btree_set(".*", 0..5)
        ) {
            let inner: Map<String, Value> = keys.into_iter().map(|key| (key, Value::Null)).collect();
            let tree = serde_json::json!({"a": [number, whole, u64::MAX, true], "b": word, "c": inner});
            let text = serde_json::to_vec(&tree).unwrap();
            prop_assert_eq!(table(&text, "").unwrap(), serde_json::from_slice::<Value>(&text).unwrap());
        }
    }
}
