//! Figures of a run: its own rows, the first swept key of numbers across, a line a design and other keys.

use std::collections::BTreeSet;

use crate::base::notice::Notices;
use crate::shell::config::{Plan, Swept};
use crate::shell::experiment::{Column, Part, Row, Table};
use crate::shell::plot::{Axis, Figure, Panel, Point, Scale, Series, svg};
use crate::study::task::Metric;

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

/// The figures of a run by file name, and what they do not show; none without a sweep.
#[must_use]
pub fn figures(plan: &Plan, table: &Table) -> (Vec<(String, String)>, Notices) {
    let mut notices = Notices::none();
    let Some(across) = across(&plan.swept) else {
        return (Vec::new(), notices);
    };
    let key = &plan.swept[across];
    let x_of = |row: &Row| {
        let place = plan.places(row.point)[across];
        key.number(place).unwrap_or(place as f64)
    };
    let xs: Vec<f64> = table.rows.iter().map(x_of).collect();
    let x = Axis {
        label: label(key),
        scale: match key.is_number() {
            true => scale(xs.iter().copied()),
            false => Scale::Linear,
        },
    };
    let names = table.rows.iter().map(|row| series_name(plan, row, across));
    let names: Vec<String> = names.collect();
    let mut known = BTreeSet::new();
    let all = names.iter().map(String::as_str);
    let mut lines: Vec<&str> = all.filter(|name| known.insert(*name)).collect();
    let there_are = lines.len();
    lines.truncate(MOST_SERIES);
    let mut caption = caption(plan, table);
    if there_are > lines.len() {
        let drawn = format!("{} of {there_are} lines are drawn", lines.len());
        notices.note(format!("figure.svg: {drawn}; rows.csv holds all"));
        caption.push_str(&format!("; {drawn}, rows.csv holds all"));
    }
    let mut zero: Vec<String> = Vec::new();
    let mut panel = |(mean, column): (usize, &Column)| {
        let (quantity, title) = (column.quantity.as_str(), column.title?);
        let is_score = quantity == "score";
        let bars = Bars::of(plan, table, column);
        let mut series: Vec<Series> = Vec::new();
        for line in &lines {
            let rows = table.rows.iter().zip(&xs).zip(&names);
            let rows = rows.filter(|(_, name)| name == line);
            let points = rows.filter_map(|((row, x), _)| {
                let y = row.cells[mean].number()?;
                let bar = bars.bar(row, y);
                Some(Point { x: *x, y, bar })
            });
            series.extend(drawn(line, points.collect(), key));
        }
        if is_score {
            let line = float_heads(table, &xs, key);
            series.extend(line.and_then(|line| drawn("float heads", line, key)));
        }
        let points = series.iter().flat_map(|one| &one.points);
        let ys: Vec<f64> = points
            .map(|point| point.y)
            .filter(|y| y.is_finite())
            .collect();
        let (title, y) = match table.column("metric", Part::Value) {
            Some(at) if is_score => task_titles(&table.rows.first()?.cells[at].to_string()),
            _ => (title, quantity),
        };
        // A panel that is zero everywhere shows nothing.
        let has_height = ys.iter().any(|y| *y != 0.0);
        if !has_height && !ys.is_empty() {
            zero.push(quantity.to_owned());
        }
        has_height.then(|| Panel {
            title: title.to_owned(),
            x: x.clone(),
            y: Axis {
                label: y.to_owned(),
                scale: scale(ys.into_iter()),
            },
            series,
            x_names: (!key.is_number()).then(|| key.cells.clone()),
        })
    };
    let columns = table.columns.iter().enumerate();
    let panels: Vec<Panel> = columns.filter_map(&mut panel).collect();
    if !zero.is_empty() {
        let left = format!("no panel of {}, which is 0 in every row", zero.join(", "));
        notices.note(format!("figure.svg: {left}"));
        caption.push_str(&format!("; {left}"));
    }
    let is_in = |panel: &Panel, line: &str| panel.series.iter().any(|one| one.name == line);
    let lacks_one = |panel: &Panel| lines.iter().any(|line| !is_in(panel, line));
    if panels.iter().any(lacks_one) {
        caption.push_str("; a line that a panel lacks has no value there");
    }
    let figure = Figure {
        title: plan.params.question.clone(),
        caption,
        panels,
    };
    (vec![("figure.svg".to_owned(), svg(&figure))], notices)
}

/// The key along x: the first of numbers among those that have several values, or the first.
fn across(swept: &[Swept]) -> Option<usize> {
    let first = |wanted: fn(&Swept) -> bool| swept.iter().position(wanted);
    first(|key| key.is_number() && key.cells.len() > 1)
        .or_else(|| first(|key| key.cells.len() > 1))
        .or_else(|| first(Swept::is_number))
        .or((!swept.is_empty()).then_some(0))
}

/// What stands below the axis of a key.
fn label(key: &Swept) -> String {
    let named = AXES.iter().find(|(path, _)| *path == key.path);
    let name = named.map_or(key.path.as_str(), |(_, name)| name);
    match key.unit.as_str() {
        "" => name.to_owned(),
        unit => format!("{name} ({unit})"),
    }
}

/// Decades for values that are all positive and span one.
fn scale(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match low > 0.0 && high / low >= 16.0 {
        true => Scale::Log,
        false => Scale::Linear,
    }
}

/// A line with its points in the order of x: rising numbers, or one place for each name of the axis.
fn drawn(name: &str, mut points: Vec<Point>, key: &Swept) -> Option<Series> {
    if points.is_empty() {
        return None;
    }
    if key.is_number() {
        points.sort_by(|one, other| one.x.total_cmp(&other.x));
    } else {
        let at = |place: usize| points.iter().find(|point| point.x == place as f64);
        let none = Point {
            x: f64::NAN,
            y: f64::NAN,
            bar: None,
        };
        let places = 0..key.cells.len();
        points = places.map(|place| *at(place).unwrap_or(&none)).collect();
    }
    let name = name.to_owned();
    Some(Series { name, points })
}

fn caption(plan: &Plan, table: &Table) -> String {
    let (name, seed) = (&plan.name, plan.params.seed);
    let has = |quantity, part| table.column(quantity, part).is_some();
    match plan.params.trials {
        1 => format!(
            "{name}, seed {seed}, 1 trial{}",
            match has("score", Part::Low) {
                true => "; bars: 95 % interval over draws of the samples (bootstrap)",
                false => ", so no bars",
            }
        ),
        trials => format!(
            "{name}, seed {seed}, {trials} trials; bars: 95 % interval of the mean over trials{}",
            match has("latency_us", Part::Value) {
                true => "; alpha, time and energy of the first",
                false => "",
            }
        ),
    }
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
fn float_heads(table: &Table, xs: &[f64], key: &Swept) -> Option<Vec<Point>> {
    let at = table.column("float", Part::Value)?;
    let cell = &table.rows.first()?.cells[at];
    let same = table.rows.iter().all(|row| row.cells[at] == *cell);
    let y = cell.number().filter(|_| same)?;
    let mut xs = xs.to_vec();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    if key.is_number() && xs.len() > 2 {
        xs = vec![xs[0], xs[xs.len() - 1]];
    }
    let point = |x| Point { x, y, bar: None };
    Some(xs.into_iter().map(point).collect())
}

/// Where the ends of a point's bar stand: an interval over trials, or, of a single one, over draws of the samples; none
/// where only the first trial is known.
enum Bars {
    None,
    Half(usize),
    Ends(usize, usize),
}

impl Bars {
    fn of(plan: &Plan, table: &Table, column: &Column) -> Self {
        let at = |part| table.column(&column.quantity, part);
        if column.part != Part::Mean {
            Self::None
        } else if plan.params.trials > 1 {
            at(Part::HalfWidth).map_or(Self::None, Self::Half)
        } else {
            match (at(Part::Low), at(Part::High)) {
                (Some(low), Some(high)) => Self::Ends(low, high),
                _ => Self::None,
            }
        }
    }

    fn bar(&self, row: &Row, y: f64) -> Option<(f64, f64)> {
        let number = |at: usize| row.cells[at].number();
        match *self {
            Self::None => None,
            Self::Half(at) => number(at).map(|half| (y - half, y + half)),
            Self::Ends(low, high) => Some((number(low)?, number(high)?)),
        }
    }
}

/// Its design, and what the other keys are that take several values.
fn series_name(plan: &Plan, row: &Row, across: usize) -> String {
    let mut name = row.cells[0].to_string();
    for (at, key) in plan.swept.iter().enumerate() {
        if at != across && key.cells.len() > 1 {
            let (short, cell) = (short(&plan.swept, at), &row.cells[1 + at]);
            name.push_str(&format!(", {short} {cell}"));
            if !key.unit.is_empty() {
                name.push_str(&format!(" {}", key.unit));
            }
        }
    }
    name
}

/// As many words from the end of a path as tell it from the other keys; `value` is none.
fn short(swept: &[Swept], at: usize) -> String {
    let words = |key: &Swept| -> Vec<String> {
        let path = key.path.strip_suffix(".value").unwrap_or(&key.path);
        path.rsplit('.').map(str::to_owned).collect()
    };
    let own = words(&swept[at]);
    let alone = |count: &usize| {
        let others = swept.iter().enumerate().filter(|(other, _)| *other != at);
        others
            .map(|(_, key)| words(key))
            .all(|other| !other.starts_with(&own[..*count]))
    };
    let count = (1..own.len()).find(alone).unwrap_or(own.len());
    let mut kept = own[..count].to_vec();
    kept.reverse();
    kept.join(".")
}
