//! Are the shipped results those of the shipped experiments?

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use topkima::shell::config::{Overrides, Plan};
use topkima::shell::experiment::{Column, Group, Shelf, columns, row, run_group};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn results() -> PathBuf {
    root().join("experiments/results")
}

fn experiment(name: &str) -> PathBuf {
    root().join(format!("experiments/{name}.toml"))
}

/// Header and rows of a shipped table.
fn table(name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(results().join(name).join("rows.csv")).unwrap();
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = cells(reader.headers().unwrap());
    let rows = reader.records().map(|row| cells(&row.unwrap())).collect();
    (header, rows)
}

/// Studies whose tables are shipped; the accuracies of a training are the other kind.
fn studies() -> Vec<String> {
    let entries = fs::read_dir(results()).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "train_vit").collect();
    names.sort();
    names
}

/// A plan as it was run, our own pairs of sentences in the place of STS-B, whose text is not ours to ship.
fn plan(name: &str) -> Plan {
    let file = experiment(name);
    let mut overrides = Overrides::default();
    if fs::read_to_string(&file).unwrap().contains("[task.sts]") {
        for (key, table) in [("path", "pairs"), ("calibration", "calibration")] {
            let table = root().join(format!("tests/encoder/reference/{table}.csv"));
            let table = toml::Value::String(table.display().to_string());
            overrides.set.push((format!("task.sts.{key}"), table));
        }
        let few = toml::Value::Integer(2);
        overrides
            .set
            .push(("task.calibration_samples".to_owned(), few));
    }
    Plan::load(&file, &overrides).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// A study that was changed and not run anew would have rows of designs, values or chips that it no longer has.
#[test]
fn every_shipped_table_has_the_rows_of_its_experiment() {
    let names = studies();
    assert!(names.len() >= 8, "{names:?}");
    let readme = fs::read_to_string(results().join("README.md")).unwrap();
    for name in names {
        let plan = plan(&name);
        let (head, rows) = table(&name);
        let wanted: Vec<String> = columns(&plan).iter().map(Column::name).collect();
        assert_eq!(head, wanted, "{name}");
        let cases = (0..plan.points())
            .flat_map(|point| (0..plan.designs()).map(move |design| (point, design)));
        let wanted: Vec<Vec<String>> = cases
            .map(|(point, design)| {
                let mut cells = vec![plan.params.design[design].name.clone()];
                cells.extend(plan.cells(point).into_iter().map(str::to_owned));
                cells.push(plan.params.trials.to_string());
                cells
            })
            .collect();
        let first = wanted[0].len();
        let found: Vec<Vec<String>> = rows.iter().map(|row| row[..first].to_vec()).collect();
        assert_eq!(found, wanted, "{name}: run it anew");
        assert!(results().join(&name).join("figure.svg").is_file(), "{name}");
        assert!(readme.contains(&format!("({name}/figure.svg)")), "{name}");
    }
}

/// Float products round otherwise on a processor with other vector instructions, so that an image in a hundred
/// may fall on the other side; what is counted comes out to the digit.
#[test]
fn a_shipped_row_comes_out_again() {
    let name = "accuracy_vs_k_vit";
    let mut plan = plan(name);
    let (header, rows) = table(name);
    let design = 5;
    let point = (0..plan.points())
        .find(|point| plan.cells(*point) == ["5"])
        .unwrap();
    let shipped = &rows[point * plan.designs() + design];
    let group = Group {
        cases: vec![(point, design)],
    };
    let (found, _) = run_group(&mut plan, &group, &mut Shelf::default(), &mut |_| {}).unwrap();
    let cells = row(&plan, &found[0], false).cells;
    let row: Vec<String> = cells.iter().map(ToString::to_string).collect();
    let number = |row: &[String], column: &str| -> f64 {
        let at = header.iter().position(|name| name == column).unwrap();
        row[at].parse().unwrap()
    };
    assert_eq!(row[..4], shipped[..4]);
    for (column, close) in [
        ("float", 0.41),
        ("score_mean", 0.41),
        ("score_low", 0.61),
        ("score_high", 0.61),
        ("alpha", 1e-3),
        ("noise_lsb", 1e-3),
        ("latency_us", 1.0),
        ("energy_nj", 1.0),
    ] {
        let (ours, shipped) = (number(&row, column), number(shipped, column));
        assert!(
            (ours - shipped).abs() <= close,
            "{column}: {ours}, {shipped}"
        );
    }
}

/// The table of the weights' README, whose columns stand in another order, against what the training wrote.
#[test]
fn the_weights_readme_tells_what_training_came_to() {
    let readme = fs::read_to_string(root().join("data/vit/README.md")).unwrap();
    let (header, rows) = table("train_vit");
    let columns = ["k=1", "k=2", "k=3", "k=5", "k=3+2", "k=8", "all", "own"];
    let at = |column: &str| {
        let name = format!("accuracy {column}");
        header.iter().position(|header| *header == name).unwrap()
    };
    let places = columns.map(at);
    assert!(rows.len() >= 16);
    for row in rows {
        let share = |at: &usize| format!("{:.2}", 100.0 * row[*at].parse::<f64>().unwrap());
        let cells: Vec<String> = places.iter().map(share).collect();
        let line = format!("| {} | {} | {} |", row[0], row[1], cells.join(" | "));
        assert!(readme.contains(&line), "{line}");
    }
}
