//! A TOML tree before it has types: paths, overrides, and a typed reading that finds every mistake.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::base::mistake::{Mistake, Mistakes};

/// The value at a path such as `ramp.bits`.
#[must_use]
pub fn get<'a>(tree: &'a Table, path: &str) -> Option<&'a Value> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = tree.get(first)?;
    match (rest, value) {
        (None, value) => Some(value),
        (Some(rest), Value::Table(inner)) => get(inner, rest),
        (Some(rest), Value::Array(list)) => {
            let (index, rest) = rest
                .split_once('.')
                .map_or((rest, None), |(at, rest)| (at, Some(rest)));
            match (list.get(index.parse::<usize>().ok()?)?, rest) {
                (value, None) => Some(value),
                (Value::Table(inner), Some(rest)) => get(inner, rest),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Puts a value at a path, making tables on the way. A number that carries its source,
/// `{ value, low, high, source }`, is replaced by a bare value: its source no longer holds.
///
/// # Errors
/// The part of the path that is not a table.
pub fn set(tree: &mut Table, path: &str, value: Value) -> Result<(), String> {
    let mut tree = tree;
    let mut parts: Vec<&str> = path.split('.').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(path.to_owned());
    }
    let last = parts.pop().unwrap_or_default();
    for (at, part) in parts.iter().enumerate() {
        let inner = tree
            .entry(*part)
            .or_insert_with(|| Value::Table(Table::new()));
        match inner {
            Value::Table(inner) => tree = inner,
            _ => return Err(parts[..=at].join(".")),
        }
    }
    tree.insert(last.to_owned(), value);
    Ok(())
}

/// Takes the value at a path out of the tree.
fn remove(tree: &mut Table, path: &str) -> Option<Value> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(rest) = rest else {
        return tree.remove(first);
    };
    match tree.get_mut(first)? {
        Value::Table(inner) => remove(inner, rest),
        Value::Array(list) => {
            let (index, rest) = rest
                .split_once('.')
                .map_or((rest, None), |(at, rest)| (at, Some(rest)));
            let index = index.parse::<usize>().ok().filter(|at| *at < list.len())?;
            match (rest, &mut list[index]) {
                (Some(rest), Value::Table(inner)) => remove(inner, rest),
                _ => Some(list.remove(index)),
            }
        }
        _ => None,
    }
}

/// Keys of a device file that hold one choice of several: another choice replaces the first.
const CHOICES: [&str; 4] = ["cell", "programming", "drift", "read"];

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

/// Reads a tree into a type and goes on after each mistake, so that all of them are found: what
/// was wrong is taken out and the rest is read again.
///
/// # Errors
/// Every mistake of the tree, with the value if one could be made none the less.
pub fn read<T: DeserializeOwned>(tree: &Table) -> Result<T, (Option<T>, Mistakes)> {
    const MOST: usize = 64;
    let mut rest = tree.clone();
    let mut mistakes = Mistakes::none();
    let mut taken: Vec<String> = Vec::new();
    while mistakes.0.len() < MOST {
        let error = match serde_path_to_error::deserialize::<_, T>(Value::Table(rest.clone())) {
            Ok(value) if mistakes.0.is_empty() => return Ok(value),
            Ok(value) => return Err((Some(value), mistakes)),
            Err(error) => error,
        };
        let problem = error.inner().message().trim().replace('\n', " ");
        let mut path = error.path().to_string().replace('[', ".").replace(']', "");
        if path == "." {
            path.clear();
        }
        let named = |words: &str| {
            problem
                .strip_prefix(words)
                .and_then(|after| after.split('`').next())
                .map(|name| {
                    let inside = path.rsplit('.').next() == Some(name);
                    if path.is_empty() || inside {
                        if inside {
                            path.clone()
                        } else {
                            name.to_owned()
                        }
                    } else {
                        format!("{path}.{name}")
                    }
                })
        };
        if let Some(missing) = named("missing field `") {
            // What was wrong there has been said; the table it was taken from cannot be read at all.
            if taken.iter().any(|at| at.starts_with(&missing)) {
                if path.is_empty() || remove(&mut rest, &path).is_none() {
                    break;
                }
                taken.push(path);
                continue;
            }
            mistakes.add(
                &missing,
                "",
                "is missing",
                "write it; the shipped files show how",
            );
            break;
        }
        let unknown = named("unknown field `").or_else(|| named("unknown variant `"));
        let at = match unknown {
            Some(at) if get(&rest, &at).is_some() => at,
            _ => path.clone(),
        };
        // What is wrong only because something was taken out below it has been said.
        if !at.is_empty() && taken.iter().any(|out| out.starts_with(&format!("{at}."))) {
            if remove(&mut rest, &at).is_none() {
                break;
            }
            taken.push(at);
            continue;
        }
        let value = get(&rest, &at).map(show).unwrap_or_default();
        let is_choice = problem.starts_with("unknown variant") && at != path;
        let (problem, fix) = advise(&problem, &at);
        mistakes.0.push(Mistake {
            key: at.clone(),
            value,
            problem,
            fix,
        });
        // A choice that does not exist leaves nothing of its key.
        let out = match at.rsplit_once('.') {
            Some((parent, _)) if is_choice => parent.to_owned(),
            _ => at,
        };
        if out.is_empty() || remove(&mut rest, &out).is_none() {
            break;
        }
        taken.push(out);
    }
    Err((None, mistakes))
}

/// The reader's words for a problem, and what to do about it.
fn advise(problem: &str, at: &str) -> (String, String) {
    let name = at.rsplit('.').next().unwrap_or(at);
    for (kind, said) in [
        ("unknown field", "is not a key here"),
        ("unknown variant", "is not one of the choices here"),
    ] {
        if problem.starts_with(kind) {
            let listed: Vec<&str> = problem
                .split_once("expected")
                .map(|(_, after)| after.split('`').skip(1).step_by(2).collect())
                .unwrap_or_default();
            let nearest = listed
                .iter()
                .min_by_key(|known| distance(name, known))
                .filter(|known| distance(name, known) <= 3);
            let fix = match (nearest, listed.is_empty()) {
                (Some(nearest), _) => {
                    format!("did you mean `{nearest}`? allowed: {}", listed.join(", "))
                }
                (None, false) => format!("allowed: {}", listed.join(", ")),
                (None, true) => "take it out: nothing may stand here".to_owned(),
            };
            return (said.to_owned(), fix);
        }
    }
    let (problem, fix) = problem
        .split_once("; ")
        .unwrap_or((problem, "change the value"));
    (problem.to_owned(), fix.to_owned())
}

/// Number of letters to change, add or leave out to turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A value in one short line.
#[must_use]
pub fn show(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Table(table) => format!(
            "{{ {} }}",
            table.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
        Value::Array(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    };
    if text.chars().count() > LONGEST {
        format!("{} ...", text.chars().take(LONGEST).collect::<String>())
    } else {
        text
    }
}

/// A swept value as a CSV cell: a choice by its name, a list joined by `+`.
#[must_use]
pub fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
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
        match read::<AttentionParams>(&tree) {
            Ok(_) => Vec::new(),
            Err((_, mistakes)) => mistakes.0.iter().map(ToString::to_string).collect(),
        }
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
        quantise.q.uniform.max_code = -3: invalid value: integer `-3`, expected u32; change the value
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
        fn no_tree_panics(path in "[a-z.]{0,12}", text in "[ -~\n]{0,80}") {
            if let Ok(mut tree) = toml::from_str::<Table>(&text) {
                let _ = read::<AttentionParams>(&tree);
                let _ = get(&tree, &path);
                let _ = set(&mut tree, &path, Value::Boolean(true));
                let _ = remove(&mut tree, &path);
            }
        }
    }
}
