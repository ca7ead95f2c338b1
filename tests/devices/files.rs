//! Every file reads, checks in every grade, and says where its numbers come from.

use crate::common::*;
use topkima::base::notice::Weight;
use topkima::hardware::device::{CellParams, Selection};

/// A device file in each grade it has, the file itself first.
fn grades_of(name: &str) -> Vec<(String, toml::Table)> {
    let (table, grades) = device_table(name);
    let mut all = vec![(String::new(), table.clone())];
    for (grade, keys) in grades {
        let mut table = table.clone();
        merge(&mut table, keys.as_table().unwrap().clone());
        all.push((grade, table));
    }
    all
}

#[test]
fn every_shipped_device_reads_and_checks_in_every_grade() {
    let found = std::fs::read_dir(folder()).unwrap();
    let files = found.filter(|entry| entry.as_ref().unwrap().path().is_file());
    assert_eq!(files.count(), DEVICES.len(), "a file without a test");
    for name in DEVICES {
        for (grade, table) in grades_of(name) {
            let params = typed(table);
            assert_eq!(params.name, name);
            for age in [0.0, 1.0, DAY, 2.0 * DAY] {
                let device = checked(&params, age, &Selection::default());
                let warnings = device.notices.of(Weight::Warning);
                assert!(warnings.is_empty(), "{name} {grade}: {warnings:?}");
            }
        }
    }
}

/// Calls `visit` for every table below `table`, with its path.
fn walk(path: &str, table: &toml::Table, visit: &mut impl FnMut(&str, &toml::Table)) {
    visit(path, table);
    for (key, value) in table {
        if let Some(inner) = value.as_table() {
            walk(&format!("{path}.{key}"), inner, visit);
        }
    }
}

/// Whether a table is a number or a formula, which has to name its source.
fn is_value(table: &toml::Table) -> bool {
    let priced = |key| table.get(key).is_some_and(toml::Value::is_str);
    let formula = ["value", "full", "t0"];
    formula.iter().any(|key| table.contains_key(*key)) || priced("energy") || priced("power")
}

#[test]
fn every_value_says_its_source() {
    let known = [
        "published: ",
        "derived: ",
        "fitted: ",
        "measured: ",
        "assumed: ",
    ];
    for name in DEVICES {
        for (grade, table) in grades_of(name) {
            let mut count = 0;
            walk(&format!("{name} {grade}"), &table, &mut |path, table| {
                if is_value(table) {
                    let source = table.get("source").and_then(toml::Value::as_str);
                    let source = source.unwrap_or_else(|| panic!("{path} has no source"));
                    assert!(
                        known.iter().any(|word| source.starts_with(word)),
                        "{path}: {source}"
                    );
                    count += 1;
                }
            });
            assert!(count > 40, "{name}: {count} values seen");
        }
    }
}

#[test]
fn every_value_of_a_device_is_written_in_full_with_its_range() {
    for name in DEVICES {
        for (grade, table) in grades_of(name) {
            for room in ["stuck_at", "line", "column", "timing"] {
                for (key, value) in table[room].as_table().unwrap() {
                    let value = value.as_table();
                    let value =
                        value.unwrap_or_else(|| panic!("{name} {grade}: {room}.{key} is bare"));
                    let ranged = ["low", "high"].iter().all(|end| value.contains_key(*end));
                    // A published duration of the shared periphery may stand without a range.
                    assert!(
                        ranged || room == "timing",
                        "{name} {grade}: {room}.{key} has no range"
                    );
                }
            }
        }
    }
}

#[test]
fn sram_has_three_grades_and_the_file_is_the_nominal_one() {
    let mismatch = |table: &toml::Table| match &typed(table.clone()).cell {
        CellParams::Sram { mismatch, .. } => mismatch.value.si(),
        other => panic!("{other:?}"),
    };
    let grades = grades_of("sram-65nm");
    let of = |name: &str| &grades.iter().find(|(grade, _)| grade == name).unwrap().1;
    assert_eq!(grades.len(), 4);
    assert_eq!(
        ["good", "", "nominal", "pessimistic"].map(|g| mismatch(of(g))),
        [0.05, 0.1, 0.1, 0.2]
    );
    assert_eq!(typed(of("nominal").clone()), typed(of("").clone()));
}
