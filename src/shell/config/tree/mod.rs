//! A TOML tree before it has types: paths, overrides, and a typed reading that finds every mistake.

mod fault;
mod reading;
pub mod words;

use toml::{Table, Value};

pub use fault::ONE_CHOICE;
pub use reading::{Reading, UNKNOWN, is_within, read};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into a list, counted from zero.
    Index(usize),
}

/// A path as messages show it: `design[0].datapath`, `sweep."topk.k"`.
#[must_use]
pub fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                let is_bare = !key.is_empty()
                    && key
                        .chars()
                        .all(|letter| letter.is_alphanumeric() || "-_?".contains(letter));
                if is_bare {
                    text.push_str(key);
                } else {
                    text.push_str(&format!("{key:?}"));
                }
            }
        }
    }
    text
}

/// A path as a person writes it: keys joined by points, `design[0].name` or `design.0.name`; points between quotes
/// belong to a key, `sweep."topk.k"`. Blanks about a point are as good as none, as in TOML.
fn steps(path: &str) -> Vec<Step> {
    let step = |part: &str| {
        let part = part.trim();
        part.parse()
            .map_or_else(|_| Step::Key(part.to_owned()), Step::Index)
    };
    let mut all = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    for letter in path.chars() {
        match letter {
            '"' => quoted = !quoted,
            ']' if !quoted => {}
            '.' | '[' if !quoted => all.push(step(&std::mem::take(&mut part))),
            _ => part.push(letter),
        }
    }
    all.push(step(&part));
    all
}

/// A person's path as messages show it.
#[must_use]
pub fn normal(path: &str) -> String {
    shown(&steps(path))
}

/// How many steps of a path there are in a tree, and how many it has.
#[must_use]
pub fn depth(tree: &Table, path: &str) -> (usize, usize) {
    let steps = steps(path);
    let there = (1..=steps.len())
        .take_while(|count| at(tree, &steps[..*count]).is_some())
        .count();
    (there, steps.len())
}

/// The value at a path.
#[must_use]
pub fn at<'a>(tree: &'a Table, path: &[Step]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let mut value = match first {
        Step::Key(key) => tree.get(key)?,
        Step::Index(index) => tree.get(&index.to_string())?,
    };
    for step in rest {
        value = match (value, step) {
            (Value::Table(table), Step::Key(key)) => table.get(key)?,
            (Value::Table(table), Step::Index(index)) => table.get(&index.to_string())?,
            (Value::Array(list), Step::Index(index)) => list.get(*index)?,
            _ => return None,
        };
    }
    Some(value)
}

/// What a value may lie in.
enum Place<'a> {
    Table(&'a mut Table),
    Array(&'a mut Vec<Value>),
}

/// The table or list at a path.
fn at_mut<'a>(tree: &'a mut Table, path: &[Step]) -> Option<Place<'a>> {
    let mut place = Place::Table(tree);
    for step in path {
        let value = match (place, step) {
            (Place::Table(table), Step::Key(key)) => table.get_mut(key)?,
            (Place::Table(table), Step::Index(index)) => table.get_mut(&index.to_string())?,
            (Place::Array(list), Step::Index(index)) => list.get_mut(*index)?,
            (Place::Array(_), Step::Key(_)) => return None,
        };
        place = match value {
            Value::Table(table) => Place::Table(table),
            Value::Array(list) => Place::Array(list),
            _ => return None,
        };
    }
    Some(place)
}

/// The value at a path such as `ramp.bits`.
#[must_use]
pub fn get<'a>(tree: &'a Table, path: &str) -> Option<&'a Value> {
    at(tree, &steps(path))
}

/// Puts a value at a path, making tables on the way. A number that carries its source,
/// `{ value, low, high, source }`, is replaced by a bare value: its source no longer holds.
///
/// # Errors
/// The part of the path that is no table and no list of that length.
pub fn set(tree: &mut Table, path: &str, value: Value) -> Result<(), String> {
    let steps = steps(path);
    if steps.contains(&Step::Key(String::new())) {
        return Err(path.to_owned());
    }
    let Some((last, above)) = steps.split_last() else {
        return Err(path.to_owned());
    };
    for count in 1..=above.len() {
        let (inner, outer) = (&above[count - 1], &above[..count - 1]);
        if let (Some(Place::Table(table)), Step::Key(key)) = (at_mut(tree, outer), inner) {
            table
                .entry(key.as_str())
                .or_insert_with(|| Value::Table(Table::new()));
        }
        if at_mut(tree, &above[..count]).is_none() {
            return Err(shown(&above[..count]));
        }
    }
    match (at_mut(tree, above), last) {
        (Some(Place::Table(table)), Step::Key(key)) => {
            table.insert(key.clone(), value);
            Ok(())
        }
        (Some(Place::Table(table)), Step::Index(index)) => {
            table.insert(index.to_string(), value);
            Ok(())
        }
        (Some(Place::Array(list)), Step::Index(index)) if *index < list.len() => {
            list[*index] = value;
            Ok(())
        }
        _ => Err(shown(above)),
    }
}

/// Keys of a device file that hold one choice of several: another choice replaces the first.
const CHOICES: [&str; 5] = ["cell", "mapping", "programming", "drift", "read"];

/// Lays `over` on `base`, table by table. A sourced number gives way to a bare one.
pub fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(over))
                if !CHOICES.contains(&key.as_str())
                    || over.keys().all(|choice| inner.contains_key(choice)) =>
            {
                merge(inner, over);
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A value in one short line.
#[must_use]
pub fn show(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Table(table) => format!(
            "{{ {} }}",
            table.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
        Value::Array(list) => format!(
            "[{}]",
            list.iter()
                .take(60)
                .map(show)
                .collect::<Vec<_>>()
                .join(", ")
        ),
        other => other.to_string(),
    };
    short(&text)
}

/// The beginning of a text, if it is long.
#[must_use]
pub fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() > LONGEST {
        format!("{} ...", text.chars().take(LONGEST).collect::<String>())
    } else {
        text.to_owned()
    }
}

/// A swept value as a CSV cell: a choice by its name, a list joined by `+`.
#[must_use]
pub fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join("+"),
        Value::Table(table) => {
            let part = |(key, value): (&String, &Value)| match value {
                Value::Table(inner) if inner.is_empty() => key.clone(),
                other => format!("{key} {}", cell(other)),
            };
            table.iter().map(part).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::attention::AttentionParams;
    use proptest::prelude::*;

    fn lines(text: &str) -> Vec<String> {
        let tree: Table = toml::from_str(text).unwrap();
        let mistakes = read::<AttentionParams>(&tree).mistakes;
        mistakes.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_found_and_named() {
        let found = lines(
            "[ramp]\nbitz = 5\nrange = { one-sidd = {} }\nsteps = { power-of-two = { extra = 1 } }\n\
             [quantise.q.uniform]\nmax_code = -3\n[sofmax]\n",
        );
        insta::assert_snapshot!(found.join("\n"), @r#"
        ramp.bitz = 5: is not a key here; did you mean `bits`? allowed: bits, steps, range, full_scale, below, decode, placement, comparator_noise, resolution
        ramp.range.one-sidd = {  }: is not one of the choices here; did you mean `one-sided`? allowed: one-sided, symmetric, explicit
        ramp.steps.power-of-two.extra = 1: is not a key here; take it out: nothing may stand here
        quantise.q.uniform.max_code = -3: must be a whole number, zero or above; write it without a sign, point or quotes, for instance 3
        sofmax = {  }: is not a key here; did you mean `softmax`? allowed: quantise, crossbar, ramp, topk, softmax, av, timing
        "#);
    }

    #[test]
    fn a_swept_value_is_one_short_cell() {
        let value =
            |text: &str| toml::from_str::<Table>(&format!("x = {text}")).unwrap()["x"].clone();
        assert_eq!(cell(&value("{ proportional = {} }")), "proportional");
        assert_eq!(cell(&value("{ explicit = [3, 2] }")), "explicit 3+2");
        assert_eq!(cell(&value("\"5 %\"")), "5 %");
    }

    #[test]
    fn a_path_through_a_number_is_refused() {
        let mut tree: Table = toml::from_str("ramp = 3").unwrap();
        assert_eq!(
            set(&mut tree, "ramp.bits", Value::Integer(5)),
            Err("ramp".to_owned())
        );
        assert!(set(&mut tree, "..", Value::Integer(5)).is_err());
    }

    proptest! {
        #[test]
        fn no_tree_panics(path in "[a-z0-9.\\[\\]]{0,12}", text in "[ -~\n]{0,80}") {
            if let Ok(mut tree) = toml::from_str::<Table>(&text) {
                let _ = read::<AttentionParams>(&tree);
                let _ = get(&tree, &path);
                let _ = set(&mut tree, &path, Value::Boolean(true));
            }
        }
    }
}
