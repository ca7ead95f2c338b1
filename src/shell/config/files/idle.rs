//! Keys of a device that an experiment sets and that do nothing to it.

use toml::{Table, Value};

use crate::base::notice::Notices;
use crate::hardware::device::{Device, DeviceParams, Selection};
use crate::shell::config::{DeviceChoice, tree};

/// Keys that an experiment sets otherwise than the device file and that change nothing of what is left of the device:
/// each is taken back alone, and the whole device is another, but what the study leaves of it is the same. `bare` is the
/// file, `params` the file with all of them.
pub(super) fn idle(bare: &Table, params: &DeviceParams, choice: &DeviceChoice) -> Vec<String> {
    let same = |other: &DeviceParams, selection: &Selection| {
        let built = |params: &DeviceParams| {
            let device = params.check(choice.age, selection).ok()?;
            Some(Device {
                notices: Notices::none(),
                ..device
            })
        };
        built(params)
            .zip(built(other))
            .map(|(one, other)| one == other)
    };
    let left = choice.selection();
    let mut idle = Vec::new();
    for key in PHYSICS
        .iter()
        .flat_map(|(section, depth)| keys(&choice.with, section, *depth))
    {
        let mut with = choice.with.clone();
        let steps: Vec<&str> = key.split('.').collect();
        take_out(&mut with, &steps);
        let mut tree = bare.clone();
        tree::merge(&mut tree, &with);
        let Some(other) = tree::read::<DeviceParams>(&tree).value else {
            continue;
        };
        let whole = same(&other, &Selection::default());
        if same(&other, &left) == Some(true) && whole == Some(false) {
            idle.push(key);
        }
    }
    idle
}

/// Sections of a device whose keys are physics, and how many steps it takes to a key that means something alone.
const PHYSICS: [(&str, usize); 7] = [
    ("cell", 3),
    ("programming", 1),
    ("drift", 1),
    ("read", 1),
    ("stuck_at", 2),
    ("line", 2),
    ("column", 2),
];

/// Paths of `depth` steps into a section of a tree.
fn keys(tree: &Table, section: &str, depth: usize) -> Vec<String> {
    let mut found: Vec<(String, Option<&Value>)> = vec![(section.to_owned(), tree.get(section))];
    for _ in 1..depth {
        let inner = found.iter().flat_map(|(path, value)| {
            let table = value.and_then(Value::as_table).into_iter().flatten();
            table.map(move |(key, value)| (format!("{path}.{key}"), Some(value)))
        });
        found = inner.collect();
    }
    found.retain(|(_, value)| value.is_some());
    found.into_iter().map(|(path, _)| path).collect()
}

fn take_out(tree: &mut Table, steps: &[&str]) {
    match steps {
        [] => {}
        [last] => {
            tree.remove(*last);
        }
        [first, rest @ ..] => {
            if let Some(Value::Table(inner)) = tree.get_mut(*first) {
                take_out(inner, rest);
            }
        }
    }
}
