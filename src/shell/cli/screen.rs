//! What a run shows while it goes on and when it has ended.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::print::{is_watched, out};
use crate::shell::config::Plan;
use crate::shell::report::{Entry, header};

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
const SHOWN: [(&str, &str); 7] = [
    ("recall_mean", "recall"),
    ("output_error_mean", "out. error"),
    ("alpha_mean", "alpha"),
    ("tie_rate_mean", "tie rate"),
    ("latency_ns_mean", "latency us"),
    ("energy_pj_mean", "energy nJ"),
    ("tops_per_w_mean", "TOPS/W"),
];

/// The same for a whole encoder.
const SHOWN_OF_ENCODER: [(&str, &str); 7] = [
    ("float", "float"),
    ("score_mean", "score"),
    ("delta_mean", "delta"),
    ("delta_low", "from"),
    ("delta_high", "to"),
    ("alpha", "alpha"),
    ("energy_nj", "nJ a sample"),
];

/// Most rows of the summary.
const MOST_ROWS: usize = 60;

/// The table of a run.
pub(super) fn say(plan: &Plan, entries: &[Entry], notes: &[String]) -> io::Result<()> {
    let mut out = out();
    writeln!(out, "{}", plan.params.question)?;
    for line in notes {
        writeln!(out, "{line}")?;
    }
    let header = header(plan);
    let keys = 1 + plan.swept.len();
    let mut lines: Vec<Vec<String>> = vec![header[..keys].to_vec()];
    let shown = if plan.params.model.is_some() {
        &SHOWN_OF_ENCODER
    } else {
        &SHOWN
    };
    lines[0].extend(shown.iter().map(|(_, name)| (*name).to_owned()));
    lines[0].push("noise LSB".to_owned());
    for entry in entries.iter().take(MOST_ROWS) {
        let mut line = entry.row[..keys].to_vec();
        for (column, name) in shown {
            let at = header.iter().position(|known| known == column).unwrap_or(0);
            let value = entry.row[at].parse::<f64>().ok();
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
            entry
                .noise_lsb
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
    if entries.len() > MOST_ROWS {
        writeln!(
            out,
            "... and {} more rows in rows.csv",
            entries.len() - MOST_ROWS
        )?;
    }
    Ok(())
}
