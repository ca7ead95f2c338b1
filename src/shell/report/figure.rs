//! Figures of a run: its own rows, the first swept key across, a line a design and other keys.

use super::rows::{Entry, header};
use crate::shell::config::Plan;
use crate::shell::plot::{Axis, Figure, Panel, Point, Scale, Series, svg};
use crate::study::task::Metric;

/// What is worth a panel, and how its axis is called.
const PANELS: [(&str, &str); 9] = [
    ("score", "score of the task"),
    ("recall", "recall@k"),
    ("output_error", "relative output error"),
    ("alpha", "alpha (steps / full ramp)"),
    ("tie_rate", "tie rate"),
    ("latency_ns", "latency of a head (ns)"),
    ("energy_pj", "energy of a head (pJ)"),
    ("latency_us", "latency of a sample's heads (us)"),
    ("energy_nj", "energy of a sample's heads (nJ)"),
];

/// What a key is called where it is swept; any other stands as it is.
const AXES: [(&str, &str); 7] = [
    ("topk.k", "k"),
    ("ramp.bits", "bits of the ramp"),
    ("device.noise_scale", "noise, times that of the device"),
    (
        "device.with.programming.additive.sigma.value",
        "error of a written weight",
    ),
    ("crossbar.bitlines", "columns of a tile"),
    ("workload.shape.tokens", "tokens"),
    ("timing.softmax_lanes", "lanes of the softmax macro"),
];

/// Most lines in one figure.
const MOST_SERIES: usize = 32;

/// The figures of a run by file name; none without a sweep.
#[must_use]
pub fn figures(plan: &Plan, entries: &[Entry]) -> Vec<(String, String)> {
    let header = header(plan);
    let across = plan
        .swept
        .iter()
        .position(|path| numeric(entries, 1 + column_of(plan, path)))
        .unwrap_or(0);
    let Some(path) = plan.swept.get(across) else {
        return Vec::new();
    };
    let at = 1 + across;
    let x_is_number = numeric(entries, at);
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        if !x_is_number && !names.contains(&entry.row[at]) {
            names.push(entry.row[at].clone());
        }
    }
    let x_of = |entry: &Entry| {
        if x_is_number {
            leading_number(&entry.row[at]).unwrap_or(f64::NAN)
        } else {
            names
                .iter()
                .position(|name| *name == entry.row[at])
                .unwrap_or(0) as f64
        }
    };
    let unit = entries
        .first()
        .and_then(|entry| entry.row[at].split_once(' '))
        .map_or("", |(_, unit)| unit);
    let named = AXES.iter().find(|(key, _)| key == path);
    let label = named.map_or(path.as_str(), |(_, name)| name);
    let label = if x_is_number && !unit.is_empty() {
        format!("{label} ({unit})")
    } else {
        label.to_owned()
    };
    let xs: Vec<f64> = entries.iter().map(x_of).collect();
    let (low, high) = xs.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), x| {
        (low.min(*x), high.max(*x))
    });
    let scale = if x_is_number && low > 0.0 && high / low >= 16.0 {
        Scale::Log
    } else {
        Scale::Linear
    };
    let panels: Vec<Panel> = PANELS
        .iter()
        .filter_map(|(metric, title)| {
            let mean =
                column(&header, &format!("{metric}_mean")).or_else(|| column(&header, metric))?;
            let mut series: Vec<Series> = Vec::new();
            for (entry, x) in entries.iter().zip(&xs) {
                let Ok(y) = entry.row[mean].parse::<f64>() else {
                    continue;
                };
                let name = series_name(plan, entry, across);
                let point = Point {
                    x: *x,
                    y,
                    bar: bar(plan, &header, entry, (*metric, mean, y)),
                };
                match series.iter_mut().find(|one| one.name == name) {
                    Some(one) => one.points.push(point),
                    None => series.push(Series {
                        name,
                        points: vec![point],
                    }),
                }
            }
            series.truncate(MOST_SERIES);
            if *metric == "score" {
                series.extend(float_heads(&header, entries, &xs));
            }
            let all = || {
                series
                    .iter()
                    .flat_map(|one| &one.points)
                    .map(|point| point.y)
            };
            let (least, most) = (
                all().fold(f64::INFINITY, f64::min),
                all().fold(0.0, f64::max),
            );
            let metric_of_task = header.iter().position(|name| name == "metric");
            let (title, y) = match metric_of_task {
                Some(at) if *metric == "score" => task_titles(&entries.first()?.row[at]),
                _ => (*title, *metric),
            };
            // A panel that is zero everywhere says nothing.
            (most > 0.0).then(|| Panel {
                title: title.to_owned(),
                x: Axis {
                    label: label.clone(),
                    scale,
                },
                y: Axis {
                    label: y.to_owned(),
                    scale: if least > 0.0 && most / least >= 16.0 {
                        Scale::Log
                    } else {
                        Scale::Linear
                    },
                },
                series,
                x_names: (!x_is_number).then(|| names.clone()),
            })
        })
        .collect();
    let figure = Figure {
        title: plan.params.question.clone(),
        caption: match plan.params.trials {
            1 => format!(
                "{}, seed {}, 1 trial{}",
                plan.name,
                plan.params.seed,
                match column(&header, "score_low") {
                    Some(_) => "; bars: 95 % interval over draws of the samples (bootstrap)",
                    None => ", so no bars",
                }
            ),
            trials => format!(
                "{}, seed {}, {trials} trials; bars: 95 % interval of the mean over trials{}",
                plan.name,
                plan.params.seed,
                match column(&header, "latency_us") {
                    Some(_) => "; alpha, time and energy of the first",
                    None => "",
                }
            ),
        },
        panels,
    };
    vec![("figure.svg".to_owned(), svg(&figure))]
}

/// Titles of the panel of a task's score and of its axis.
fn task_titles(metric: &str) -> (&'static str, &'static str) {
    if metric == Metric::Spearman.name() {
        ("similarity of sentences", "Spearman x 100")
    } else {
        ("right answers", "right (%)")
    }
}

/// What float heads give, a flat line over the same axis; none if it differs between rows.
fn float_heads(header: &[String], entries: &[Entry], xs: &[f64]) -> Option<Series> {
    let at = header.iter().position(|name| name == "float")?;
    let cell = &entries.first()?.row[at];
    let same = entries.iter().all(|entry| entry.row[at] == *cell);
    let y = cell.parse().ok().filter(|_| same)?;
    let ends = [f64::min, f64::max].map(|end| xs.iter().copied().reduce(end));
    let points = ends
        .into_iter()
        .flatten()
        .map(|x| Point { x, y, bar: None });
    Some(Series {
        name: "float heads".to_owned(),
        points: points.collect(),
    })
}

/// The ends of a point's bar: an interval over trials, or, of a single one, over draws of the samples; none where
/// only the first trial is known.
fn bar(
    plan: &Plan,
    header: &[String],
    entry: &Entry,
    (metric, mean, y): (&str, usize, f64),
) -> Option<(f64, f64)> {
    if header[mean] == metric {
        return None;
    }
    if plan.params.trials > 1 {
        let half: f64 = entry.row[mean + 1].parse().ok()?;
        return Some((y - half, y + half));
    }
    let end = |name: &str| {
        entry.row[column(header, &format!("{metric}_{name}"))?]
            .parse()
            .ok()
    };
    Some((end("low")?, end("high")?))
}

fn column(header: &[String], name: &str) -> Option<usize> {
    header.iter().position(|other| other == name)
}

fn column_of(plan: &Plan, path: &str) -> usize {
    plan.swept
        .iter()
        .position(|other| other == path)
        .unwrap_or(0)
}

fn leading_number(cell: &str) -> Option<f64> {
    let number = cell.split_once(' ').map_or(cell, |(number, _)| number);
    number.parse::<f64>().ok().filter(|value| value.is_finite())
}

fn numeric(entries: &[Entry], at: usize) -> bool {
    entries
        .iter()
        .all(|entry| leading_number(&entry.row[at]).is_some())
}

fn series_name(plan: &Plan, entry: &Entry, across: usize) -> String {
    let mut name = entry.row[0].clone();
    for (at, path) in plan.swept.iter().enumerate() {
        if at != across {
            let short = path.rsplit('.').next().unwrap_or(path);
            name.push_str(&format!(", {short} {}", entry.row[1 + at]));
        }
    }
    name
}
