//! Which columns a plan has, and the cells of a result: by what its cases run.

use super::encoder::{Accuracy, Spread};
use super::table::{Cell, Column, Part, Row};
use super::{Found, Result};
use crate::base::energy::Corner;
use crate::base::units::Picos;
use crate::hardware::events::{Action, Stage};
use crate::shell::config::{Plan, Swept};
use crate::study::metrics::{Metric, Moments, Summary, quantile, steps};

/// What hardware a row assumes, side by side.
const UNITS: [&str; 4] = ["key_tiles", "value_tiles", "sorters", "softmax_lanes"];

/// Quantiles that some metrics have beside their mean.
const QUANTILES: [(Part, f64); 3] = [
    (Part::Median, 0.5),
    (Part::Percentile95, 0.95),
    (Part::Largest, 1.0),
];

const fn has_quantiles(metric: Metric) -> bool {
    matches!(metric, Metric::StopStep | Metric::LatencyNs)
}

/// The panel that draws a metric of heads.
const fn title(metric: Metric) -> Option<&'static str> {
    match metric {
        Metric::Recall => Some("recall@k"),
        Metric::OutputError => Some("relative output error"),
        Metric::Alpha => Some("alpha (steps / full ramp)"),
        Metric::TieRate => Some("tie rate"),
        Metric::LatencyNs => Some("latency of a head (ns)"),
        Metric::EnergyPj => Some("energy of a head (pJ)"),
        _ => None,
    }
}

/// Columns of a plan's table: the design, the swept keys, the trials, then what was found.
#[must_use]
pub fn columns(plan: &Plan) -> Vec<Column> {
    let value = |name: &str| Column::of(name, Part::Value);
    let mut columns = vec![value("design")];
    columns.extend(plan.swept.iter().map(|key| value(&key.header())));
    columns.push(value("trials"));
    columns.extend(match plan.params.model {
        Some(_) => of_encoder(),
        None => of_heads(),
    });
    columns
}

fn of_heads() -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    columns.extend(UNITS.map(|unit| Column::of(unit, Part::Value)));
    for metric in Metric::ALL {
        let mean = Column::of(metric.name(), Part::Mean);
        columns.push(Column {
            title: title(metric),
            ..mean
        });
        columns.push(Column::of(metric.name(), Part::HalfWidth));
        let delta = format!("{}_delta", metric.name());
        columns.extend([Part::Mean, Part::HalfWidth].map(|part| Column::of(&delta, part)));
        if has_quantiles(metric) {
            columns.extend(QUANTILES.map(|(part, _)| Column::of(metric.name(), part)));
        }
    }
    columns
}

fn of_encoder() -> Vec<Column> {
    const SPREAD: [Part; 4] = [Part::Mean, Part::HalfWidth, Part::Low, Part::High];
    let value = |name: &str| Column::of(name, Part::Value);
    let mut columns = vec![
        value("samples"),
        Column::of("tokens", Part::Mean),
        value("metric"),
        value("float"),
    ];
    for quantity in ["score", "delta", "reference_delta"] {
        columns.extend(SPREAD.map(|part| Column::of(quantity, part)));
    }
    let score = &mut columns[4];
    score.title = Some("score of the task");
    columns.extend([
        value("alpha").drawn("alpha (steps / full ramp)"),
        value("noise_lsb"),
        value("latency_us").drawn("latency of a sample's heads (us)"),
        value("energy_nj").drawn("energy of a sample's heads (nJ)"),
        Column::of("energy_nj", Part::Low),
        Column::of("energy_nj", Part::High),
    ]);
    columns
}

/// The row of a result, with its breakdown if it is asked for.
#[must_use]
pub fn row(plan: &Plan, result: &Result, with_breakdown: bool) -> Row {
    let mut cells = vec![Cell::text(&plan.params.design[result.design].name)];
    let swept = plan.swept.iter().zip(plan.places(result.point));
    cells.extend(swept.map(|(key, at): (&Swept, usize)| Cell::Swept {
        text: key.cells[at].clone(),
        number: key.number(at),
    }));
    cells.push(Cell::Count(plan.params.trials));
    cells.extend(match &result.found {
        Found::Heads(summary) => cells_of_heads(plan, result, summary),
        Found::Encoder(accuracy) => cells_of_encoder(accuracy, result.noise_lsb),
    });
    Row {
        point: result.point,
        design: result.design,
        cells,
        breakdown: match with_breakdown {
            true => breakdown(plan, result),
            false => Vec::new(),
        },
        noise_lsb: result.noise_lsb,
    }
}

fn cells_of_heads(plan: &Plan, result: &Result, summary: &Summary) -> Vec<Cell> {
    let datapath = plan.params.design[result.design].datapath;
    let units = result.attention.units(datapath);
    let units = [
        units.key_tiles,
        units.value_tiles,
        units.sorters,
        units.softmax_lanes,
    ];
    let mut cells: Vec<Cell> = units.into_iter().map(Cell::from).collect();
    let pair = |moments: Option<&Moments>| {
        let moments = moments.filter(|moments| moments.count > 0);
        [
            Cell::from(moments.map(|moments| moments.mean)),
            Cell::from(moments.and_then(Moments::ci95)),
        ]
    };
    for metric in Metric::ALL {
        let at = metric as usize;
        cells.extend(pair(Some(&summary.values[at])));
        cells.extend(pair(summary.deltas.as_ref().map(|deltas| &deltas[at])));
        if has_quantiles(metric) {
            cells.extend(QUANTILES.map(|(_, share)| quantile_of(summary, metric, share).into()));
        }
    }
    cells
}

fn quantile_of(summary: &Summary, metric: Metric, share: f64) -> Option<f64> {
    match metric {
        Metric::StopStep => quantile(&steps(&summary.stop_steps), share).map(f64::from),
        Metric::LatencyNs => summary.latencies.quantile(share).map(Picos::nanoseconds),
        _ => None,
    }
}

fn cells_of_encoder(accuracy: &Accuracy, noise_lsb: Option<f64>) -> Vec<Cell> {
    let mut cells = vec![
        Cell::from(accuracy.units),
        Cell::from(Some(accuracy.tokens)),
        Cell::text(accuracy.metric.name()),
        Cell::from(accuracy.float),
    ];
    let spreads = [
        Some(&accuracy.score),
        Some(&accuracy.delta),
        accuracy.reference_delta.as_ref(),
    ];
    cells.extend(spreads.into_iter().flat_map(cells_of_spread));
    cells.extend([accuracy.alpha, noise_lsb, accuracy.latency_us].map(Cell::from));
    let energy = |corner: usize| accuracy.energy_nj.map(|energy| energy[corner]);
    cells.extend([0, 1, 2].map(|corner| Cell::from(energy(corner))));
    cells
}

fn cells_of_spread(spread: Option<&Spread>) -> [Cell; 4] {
    let trials = spread.map(|spread| spread.trials);
    let trials = trials.filter(|trials| trials.count > 0);
    let samples = spread.and_then(|spread| spread.samples);
    [
        trials.map(|trials| trials.mean),
        trials.as_ref().and_then(Moments::ci95),
        samples.map(|interval| interval.low),
        samples.map(|interval| interval.high),
    ]
    .map(Cell::from)
}

/// Where time and energy of one head go, averaged over the heads of the first trial: a row a stage
/// and action, the stage's time on its first row, and one row for leakage.
fn breakdown(plan: &Plan, result: &Result) -> Vec<Vec<Cell>> {
    let Some(spent) = &result.spent else {
        return Vec::new();
    };
    let heads = spent.heads.max(1) as f64;
    let bill = spent.bill(&result.attention.device.prices, Corner::Nominal);
    let leakage = bill.leakage().si() * 1e12 / heads;
    let total = bill.dynamic().si() * 1e12 / heads + leakage;
    let share = |energy: f64| if total > 0.0 { energy / total } else { 0.0 };
    let name = &plan.params.design[result.design].name;
    let line = |stage: &str, action: &str, count: Option<f64>, energy: f64, time: Option<f64>| {
        vec![
            Cell::from(result.point),
            Cell::text(name),
            Cell::text(stage),
            Cell::text(action),
            Cell::from(count),
            Cell::Number(energy),
            Cell::from(time),
            Cell::Number(share(energy)),
        ]
    };
    let mut lines = Vec::new();
    for stage in Stage::ALL {
        let mut time = Some(spent.busy.get(stage).nanoseconds() / heads).filter(|time| *time > 0.0);
        for action in Action::ALL {
            let count = spent.ledger.stage(stage).count(action);
            if count > 0 {
                let energy = bill.entry(stage, action).si() * 1e12 / heads;
                let count = Some(count as f64 / heads);
                lines.push(line(
                    stage.name(),
                    action.name(),
                    count,
                    energy,
                    time.take(),
                ));
            }
        }
        if time.is_some() {
            lines.push(line(stage.name(), "", None, 0.0, time));
        }
    }
    lines.push(line("", "leakage", None, leakage, None));
    lines
}
