//! `rows.csv` and `breakdown.csv`. One row a point and design; units in the headers; a missing
//! value is an empty cell.

use serde::{Deserialize, Serialize};

use super::accuracy;
use crate::base::energy::Corner;
use crate::hardware::events::{Action, Stage};
use crate::shell::config::{Plan, Swept};
use crate::shell::experiment::{Found, Result};
use crate::study::metrics::{Metric, Moments, Summary, quantile, steps};

/// A finished row, as text, so that a resumed run writes the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Index of the point.
    pub point: usize,
    /// Index of the design.
    pub design: usize,
    /// Cells of `rows.csv`.
    pub row: Vec<String>,
    /// Rows of `breakdown.csv`.
    pub breakdown: Vec<Vec<String>>,
    /// Root mean square deviation at the comparator in LSB.
    pub noise_lsb: Option<f64>,
}

/// Quantiles that some metrics have beside their mean.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("max", 1.0)];

/// What hardware a row assumes, side by side.
const UNITS: [&str; 4] = ["key_tiles", "value_tiles", "sorters", "softmax_lanes"];

/// Headers of `rows.csv` of a plan.
#[must_use]
pub fn header(plan: &Plan) -> Vec<String> {
    let mut header = vec!["design".to_owned()];
    header.extend(plan.swept.iter().map(Swept::header));
    header.push("trials".to_owned());
    if plan.params.model.is_some() {
        header.extend(accuracy::COLUMNS.map(str::to_owned));
        return header;
    }
    header.extend(UNITS.map(str::to_owned));
    for metric in Metric::ALL {
        for part in ["mean", "ci95", "delta_mean", "delta_ci95"] {
            header.push(format!("{}_{part}", metric.name()));
        }
        if has_quantiles(metric) {
            header.extend(
                QUANTILES
                    .iter()
                    .map(|(name, _)| format!("{}_{name}", metric.name())),
            );
        }
    }
    header
}

const fn has_quantiles(metric: Metric) -> bool {
    matches!(metric, Metric::StopStep | Metric::LatencyNs)
}

pub(super) fn number(value: Option<f64>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(String::new, |value| value.to_string())
}

/// One result as text.
#[must_use]
pub fn entry(plan: &Plan, result: &Result) -> Entry {
    let mut row = vec![plan.params.design[result.design].name.clone()];
    row.extend(plan.cells(result.point).into_iter().map(str::to_owned));
    row.push(plan.params.trials.to_string());
    let summary = match &result.found {
        Found::Heads(summary) => summary,
        Found::Encoder(found) => {
            row.extend(accuracy::cells(found, result.noise_lsb));
            return Entry {
                point: result.point,
                design: result.design,
                row,
                breakdown: breakdown(plan, result),
                noise_lsb: result.noise_lsb,
            };
        }
    };
    let units = result
        .attention
        .units(plan.params.design[result.design].datapath);
    row.extend(
        [
            units.key_tiles,
            units.value_tiles,
            units.sorters,
            units.softmax_lanes,
        ]
        .map(|count| count.to_string()),
    );
    let pair = |moments: Option<&Moments>| {
        let moments = moments.filter(|moments| moments.count > 0);
        [
            number(moments.map(|moments| moments.mean)),
            number(moments.and_then(Moments::ci95)),
        ]
    };
    for metric in Metric::ALL {
        row.extend(pair(Some(&summary.values[metric as usize])));
        row.extend(pair(
            summary
                .deltas
                .as_ref()
                .map(|deltas| &deltas[metric as usize]),
        ));
        if has_quantiles(metric) {
            row.extend(
                QUANTILES
                    .iter()
                    .map(|(_, share)| number(quantile_of(summary, metric, *share))),
            );
        }
    }
    Entry {
        point: result.point,
        design: result.design,
        row,
        breakdown: breakdown(plan, result),
        noise_lsb: result.noise_lsb,
    }
}

fn quantile_of(summary: &Summary, metric: Metric, share: f64) -> Option<f64> {
    match metric {
        Metric::StopStep => quantile(&steps(&summary.stop_steps), share).map(f64::from),
        Metric::LatencyNs => summary
            .latencies
            .quantile(share)
            .map(crate::base::units::Picos::nanoseconds),
        _ => None,
    }
}

/// Where time and energy of one head go, averaged over the heads of the first trial: a row a stage
/// and action, the stage's time on its first row, and one row for leakage.
fn breakdown(plan: &Plan, result: &Result) -> Vec<Vec<String>> {
    let Some(spent) = &result.spent else {
        return Vec::new();
    };
    let heads = spent.heads.max(1) as f64;
    let bill = spent.bill(&result.attention.device.prices, Corner::Nominal);
    let leakage = bill.leakage().si() * 1e12 / heads;
    let total = bill.total().si() * 1e12 / heads;
    let share = |energy: f64| if total > 0.0 { energy / total } else { 0.0 };
    let name = &plan.params.design[result.design].name;
    let line = |stage: &str, action: &str, count: String, energy: f64, time: Option<f64>| {
        vec![
            result.point.to_string(),
            name.clone(),
            stage.to_owned(),
            action.to_owned(),
            count,
            energy.to_string(),
            number(time),
            share(energy).to_string(),
        ]
    };
    let mut lines = Vec::new();
    for stage in Stage::ALL {
        let mut time = Some(spent.busy.get(stage).nanoseconds() / heads).filter(|time| *time > 0.0);
        for action in Action::ALL {
            let count = spent.ledger.stage(stage).count(action);
            if count > 0 {
                let energy = bill.entry(stage, action).si() * 1e12 / heads;
                lines.push(line(
                    stage.name(),
                    action.name(),
                    (count as f64 / heads).to_string(),
                    energy,
                    time.take(),
                ));
            }
        }
        if time.is_some() {
            lines.push(line(stage.name(), "", String::new(), 0.0, time));
        }
    }
    lines.push(line("", "leakage", String::new(), leakage, None));
    lines
}

fn csv(header: &[String], rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory fails only for rows of unequal length, which `entry` cannot make.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(&row);
    }
    writer.into_inner().unwrap_or_default()
}

/// `rows.csv`, in the order of points and designs.
#[must_use]
pub fn rows_csv(plan: &Plan, entries: &[Entry]) -> Vec<u8> {
    csv(&header(plan), entries.iter().map(|entry| entry.row.clone()))
}

/// `breakdown.csv`.
#[must_use]
pub fn breakdown_csv(entries: &[Entry]) -> Vec<u8> {
    let header = [
        "point",
        "design",
        "stage",
        "action",
        "count",
        "energy_pj",
        "time_ns",
        "share",
    ]
    .map(str::to_owned);
    csv(
        &header,
        entries.iter().flat_map(|entry| entry.breakdown.clone()),
    )
}
