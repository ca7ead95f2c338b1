//! The rows as a table for a terminal.

use super::super::text::{number, put, wrap};
use super::{Group, MacroRow, Scope};

/// A fixed-width table of at most 120 columns: groups apart, the error of each, notes below.
#[must_use]
pub fn render(rows: &[MacroRow]) -> String {
    let mut text = String::from(
        "Silicon macros: published energy against the model's\n\
         Tags of the published number: F read in a file, A abstract, N second-hand, D derived from F or A.\n",
    );
    let mut notes: Vec<&str> = Vec::new();
    for group in Group::ALL {
        let members: Vec<&MacroRow> = rows.iter().filter(|row| row.group == group).collect();
        if members.is_empty() {
            continue;
        }
        put(&mut text, format_args!("\n{}\n", group.title()));
        put(
            &mut text,
            format_args!(
                "  {:<9} {:>4}  {:<36} {:>13} {:>11} {:>9}  {:<3} {:<4}\n",
                "macro", "nm", "energy of", "published pJ", "model pJ", "error %", "tag", "note"
            ),
        );
        for row in &members {
            let note = number(&mut notes, row.how);
            line(&mut text, row, note);
        }
        summary(&mut text, &members, group);
    }
    text.push_str("\nNotes\n");
    for (index, note) in notes.iter().enumerate() {
        wrap(&mut text, &format!("  {:>2}  ", index + 1), note);
    }
    if rows.iter().any(|row| row.model.is_err()) {
        text.push_str("\nRefused\n");
    }
    for row in rows {
        if let Err(refusal) = &row.model {
            wrap(
                &mut text,
                &format!("  {:<9} ", row.paper.id),
                &refusal.to_string(),
            );
        }
    }
    text.push_str("\nWhat this means\n");
    for remark in REMARKS {
        wrap(&mut text, "  - ", remark);
    }
    text.push_str("\nPapers\n");
    let mut seen: Vec<&str> = Vec::new();
    for row in rows {
        if !seen.contains(&row.paper.id) {
            seen.push(row.paper.id);
            wrap(
                &mut text,
                &format!("  {:<9} ", row.paper.id),
                row.paper.citation,
            );
        }
    }
    text
}

const REMARKS: [&str; 6] = [
    "Constants are blind to the held-out macros; the form is not. That a charge does not shrink with the node was \
     written down with Wang's numbers in view (the usual rule, energy falling with the node, misses its ADC by far). \
     Held-out errors are those of the constants, not of the choice of form.",
    "Range that holds up, on two held-out chips (Wang, CAP-RAM): charge-domain cells with a capacitor each and a \
     separate ADC of 7 or 8 b, 22 and 65 nm, 0.7 to 1.1 V: within a factor of two, components too.",
    "Range that does not: a SAR made of the cells themselves (CR-CIM), a flash of few levels (C3SRAM), bitlines \
     discharged by pulses in 7 nm (Sinangil): the model is too dear by the factor shown.",
    "CR-CIM's own two points differ by x2.0 where V^2 says x3.4, and the pairing of 400 TOPS/W with 1.1 V is inferred: \
     no charge model meets both.",
    "Digital logic: V^2 alone would miss Jia's datapath at 1.2 V by less than the Stillmaker-Baas quadratic does; \
     allow it 30 %.",
    "Left out: macros known by an efficiency without counts or a split (UCSD, CityU), simulated ones (MC2-RAM), \
     second-hand ones (HERMES, Liu), and the ramp macro of Yu, whose efficiency we have only from memory.",
];

fn line(text: &mut String, row: &MacroRow, note: usize) {
    let published = row.published.energy.si() * 1e12;
    let model = row
        .model_energy()
        .map_or_else(|| "refused".to_owned(), |energy| digits(energy.si() * 1e12));
    let error = match row.error_percent() {
        Some(error) if row.group == Group::Sets && error.abs() < 1e-9 => "set".to_owned(),
        Some(error) => format!("{error:+.1}"),
        None => "-".to_owned(),
    };
    put(
        text,
        format_args!(
            "  {:<9} {:>4}  {:<36} {:>13} {:>11} {:>9}  {:<3} {:>4}\n",
            row.paper.id,
            row.paper.node_nm,
            row.quantity,
            digits(published),
            model,
            error,
            row.tag(),
            note
        ),
    );
}

/// Four significant digits at most, three after the point.
fn digits(value: f64) -> String {
    match value {
        v if v >= 1000.0 => format!("{v:.0}"),
        v if v >= 100.0 => format!("{v:.1}"),
        v if v >= 10.0 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}

fn summary(text: &mut String, members: &[&MacroRow], group: Group) {
    if group == Group::Sets {
        return;
    }
    for (scope, name) in [
        (Scope::Whole, "whole macros"),
        (Scope::Component, "components"),
    ] {
        let rows: Vec<&MacroRow> = members
            .iter()
            .copied()
            .filter(|row| row.scope == scope)
            .collect();
        if let Some(Summary {
            rows,
            chips,
            by_row,
            by_chip,
            typical,
            worst,
        }) = summarise(&rows)
        {
            put(
                text,
                format_args!(
                    "  {name}: mean |error| {by_row:.0} % over {rows} rows, {by_chip:.0} % over {chips} chips; \
                     typical factor x{typical:.2}, worst x{worst:.2}\n"
                ),
            );
        }
    }
}

/// Errors of some rows, each row or each chip counting once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    /// Rows with an answer.
    pub rows: usize,
    /// Chips among them.
    pub chips: usize,
    /// Mean absolute error in percent, each row once.
    pub by_row: f64,
    /// The same, each chip once.
    pub by_chip: f64,
    /// Geometric mean of the factor between model and published (at least 1), each chip once.
    pub typical: f64,
    /// Largest such factor of any row.
    pub worst: f64,
}

/// None if no row has an answer.
pub(super) fn summarise(rows: &[&MacroRow]) -> Option<Summary> {
    let errors: Vec<(&str, f64)> = rows
        .iter()
        .filter_map(|row| Some((row.paper.id, row.error_percent()?)))
        .collect();
    let factor = |error: f64| (1.0 + error / 100.0).ln().abs();
    let mut chips: Vec<&str> = Vec::new();
    for (chip, _) in &errors {
        if !chips.contains(chip) {
            chips.push(chip);
        }
    }
    let per_chip = |value: &dyn Fn(f64) -> f64| {
        let means: Vec<f64> = chips
            .iter()
            .filter_map(|chip| {
                let own = errors.iter().filter(|(id, _)| id == chip);
                mean(&own.map(|&(_, error)| value(error)).collect::<Vec<_>>())
            })
            .collect();
        mean(&means)
    };
    let absolute: Vec<f64> = errors.iter().map(|(_, error)| error.abs()).collect();
    Some(Summary {
        rows: errors.len(),
        chips: chips.len(),
        by_row: mean(&absolute)?,
        by_chip: per_chip(&f64::abs)?,
        typical: per_chip(&factor)?.exp(),
        worst: errors
            .iter()
            .map(|&(_, error)| factor(error))
            .fold(0.0, f64::max)
            .exp(),
    })
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
