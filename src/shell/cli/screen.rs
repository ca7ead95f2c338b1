//! What a run shows while it goes on and when it has ended.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::print::{is_watched, out};
use crate::shell::config::Plan;
use crate::shell::experiment::{Part, Table};

/// A bar of trials, where somebody looks.
pub(super) fn progress(quiet: bool, length: u64) -> ProgressBar {
    if quiet || !is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} trials, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Columns of the summary on the screen.
const SHOWN: [(&str, Part, &str); 7] = [
    ("recall", Part::Mean, "recall"),
    ("output_error", Part::Mean, "out. error"),
    ("alpha", Part::Mean, "alpha"),
    ("tie_rate", Part::Mean, "tie rate"),
    ("latency_ns", Part::Mean, "latency us"),
    ("energy_pj", Part::Mean, "energy nJ"),
    ("tops_per_w", Part::Mean, "TOPS/W"),
];

/// The same for a whole encoder.
const SHOWN_OF_ENCODER: [(&str, Part, &str); 7] = [
    ("float", Part::Value, "float"),
    ("score", Part::Mean, "score"),
    ("delta", Part::Mean, "delta"),
    ("delta", Part::Low, "from"),
    ("delta", Part::High, "to"),
    ("alpha", Part::Value, "alpha"),
    ("energy_nj", Part::Value, "nJ a sample"),
];

/// Most rows of the summary.
const MOST_ROWS: usize = 60;

/// The table of a run.
pub(super) fn say(plan: &Plan, table: &Table, notes: &[String]) -> io::Result<()> {
    let mut out = out();
    writeln!(out, "{}", plan.params.question)?;
    for line in notes {
        writeln!(out, "{line}")?;
    }
    let keys = 1 + plan.swept.len();
    let heading = table.columns[..keys].iter().map(|column| column.name());
    let mut lines: Vec<Vec<String>> = vec![heading.collect()];
    let shown = if plan.params.model.is_some() {
        &SHOWN_OF_ENCODER
    } else {
        &SHOWN
    };
    lines[0].extend(shown.iter().map(|(.., name)| (*name).to_owned()));
    lines[0].push("noise LSB".to_owned());
    for row in table.rows.iter().take(MOST_ROWS) {
        let mut line: Vec<String> = row.cells[..keys].iter().map(ToString::to_string).collect();
        for (quantity, part, name) in shown {
            let value = table.number(row, quantity, *part);
            line.push(value.map_or_else(
                || "-".to_owned(),
                |value| match *name {
                    "latency us" | "energy nJ" => format!("{:.2}", value / 1e3),
                    "TOPS/W" => format!("{value:.2}"),
                    _ => format!("{value:.4}"),
                },
            ));
        }
        line.push(
            row.noise_lsb
                .map_or_else(|| "-".to_owned(), |noise| format!("{noise:.3}")),
        );
        lines.push(line);
    }
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|at| {
            lines
                .iter()
                .map(|line| line[at].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| {
                if at < keys {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    if table.rows.len() > MOST_ROWS {
        writeln!(
            out,
            "... and {} more rows in rows.csv",
            table.rows.len() - MOST_ROWS
        )?;
    }
    Ok(())
}
