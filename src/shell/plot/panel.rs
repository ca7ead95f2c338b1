//! One panel: its frame, ticks, labels and series.

use super::axis::{Span, Tick, drawable, own};
use super::canvas::{Canvas, Look};
use super::mark::Mark;
use super::text::{lines, shortened, width};
use super::{Panel, Point, Scale, Series};

const TITLE: Look = Look::new(13.0).bold();
const LABEL: Look = Look::new(12.0);
const TICK: Look = Look::new(11.0);
const LINE: f64 = 1.25;
const TICK_GAP: f64 = 6.0;
/// Slanted names run up to the axis at this angle, in degrees.
const SLANT: f64 = 40.0;
/// The longest a slanted name may be.
const NAME_ROOM: f64 = 150.0;
const GRID: &str = "stroke=\"#dddddd\" stroke-width=\"1\"";
const FAINT: &str = "stroke=\"#f1f1f1\" stroke-width=\"1\"";

/// Room around the plot of every panel of a figure, so that plots stand in line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Margins {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Margins {
    pub(super) fn for_all(panels: &[Panel], plot_width: f64, plot_height: f64) -> Self {
        let mut margins = Self {
            left: 30.0,
            right: 22.0,
            top: 18.0,
            bottom: 20.0,
        };
        for panel in panels {
            let layout = Layout::of(panel, plot_width, plot_height);
            let tick_width = layout
                .y_ticks
                .iter()
                .map(|tick| width(&tick.label, TICK.wide()))
                .fold(0.0, f64::max);
            let y_label = layout.y_label.len() as f64 * LABEL.size * LINE;
            margins.left = margins
                .left
                .max(y_label + 8.0 + tick_width + TICK_GAP)
                .max(layout.names.reach());
            margins.top = margins
                .top
                .max(16.0 + layout.title.len() as f64 * TITLE.size * LINE);
            let x_label = layout.x_label.len() as f64 * LABEL.size * LINE;
            margins.bottom = margins.bottom.max(layout.below() + x_label + 8.0);
        }
        margins
    }
}

/// Where the plot of a panel lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Everything about a panel that decides how much room it needs.
struct Layout {
    title: Vec<String>,
    x_label: Vec<String>,
    y_label: Vec<String>,
    spans: Option<(Span, Span)>,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    names: Names,
}

/// Names along x: none, level under their slots, or slanted where a slot is too narrow.
enum Names {
    None,
    Level(Vec<Vec<String>>),
    Slanted { names: Vec<String>, slot: f64 },
}

impl Names {
    fn of(names: Option<&[String]>, plot_width: f64) -> Self {
        let Some(names) = names.filter(|names| !names.is_empty()) else {
            return Self::None;
        };
        let slot = plot_width / names.len() as f64;
        let level: Vec<Vec<String>> = names
            .iter()
            .map(|name| lines(name, TICK.wide(), slot - 8.0, 3))
            .collect();
        if !level.iter().flatten().any(|line| line.ends_with('…')) {
            return Self::Level(level);
        }
        let names = names
            .iter()
            .map(|name| shortened(name, TICK.wide(), NAME_ROOM))
            .collect();
        Self::Slanted { names, slot }
    }

    /// How far the names reach to the left of the plot.
    fn reach(&self) -> f64 {
        match self {
            Self::None | Self::Level(_) => 0.0,
            Self::Slanted { names, slot } => (0..)
                .zip(names)
                .map(|(at, name)| {
                    let back = width(name, TICK.wide()) * SLANT.to_radians().cos();
                    back - slot * (f64::from(at) + 0.5)
                })
                .fold(0.0, f64::max),
        }
    }

    fn height(&self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Level(names) => {
                names.iter().map(Vec::len).max().unwrap_or(0) as f64 * TICK.size * LINE
            }
            Self::Slanted { names, .. } => names
                .iter()
                .map(|name| width(name, TICK.wide()) * SLANT.to_radians().sin())
                .fold(TICK.size, f64::max),
        }
    }
}

impl Layout {
    fn of(panel: &Panel, plot_width: f64, plot_height: f64) -> Self {
        let spans = spans(panel);
        let names = panel.x_names.as_deref();
        let x_ticks = match (&spans, names) {
            (Some((x, _)), None) => fitting(panel, x, plot_width),
            _ => Vec::new(),
        };
        Self {
            title: lines(&panel.title, TITLE.wide(), plot_width, 2),
            x_label: lines(&panel.x.label, LABEL.wide(), plot_width, 2),
            y_label: lines(&panel.y.label, LABEL.wide(), plot_height, 2),
            x_ticks,
            y_ticks: spans.map_or_else(Vec::new, |(_, y)| y.ticks(6)),
            names: Names::of(names, plot_width),
            spans,
        }
    }

    /// Room under the plot before the label of x.
    fn below(&self) -> f64 {
        let ticks = if self.x_ticks.is_empty() {
            0.0
        } else {
            TICK.size * LINE
        };
        TICK_GAP + self.names.height().max(ticks)
    }
}

/// As many ticks as can be written side by side: at the values themselves where they are few.
fn fitting(panel: &Panel, span: &Span, plot_width: f64) -> Vec<Tick> {
    let clear = |one: &Tick, next: &Tick| {
        let apart = (span.place(next.value) - span.place(one.value)) * plot_width;
        let labels = width(&one.label, TICK.wide()) + width(&next.label, TICK.wide());
        apart >= labels / 2.0 + 5.0
    };
    let points = panel.series.iter().flat_map(|series| drawn(panel, series));
    if let Some(values) = own(points.flatten().map(|point| point.x)) {
        let mut kept: Vec<Tick> = Vec::new();
        for (at, tick) in values.iter().enumerate() {
            if at + 1 == values.len() {
                // The last one is written in any case.
                while kept.len() > 1 && kept.last().is_some_and(|before| !clear(before, tick)) {
                    kept.pop();
                }
            }
            if kept.last().is_none_or(|before| clear(before, tick)) {
                kept.push(tick.clone());
            }
        }
        return kept;
    }
    let mut ticks = Vec::new();
    for most in (2..=7).rev() {
        ticks = span.ticks(most);
        if ticks.windows(2).all(|pair| clear(&pair[0], &pair[1])) {
            break;
        }
    }
    ticks
}

/// The points of a series that can be drawn, `None` where one is left out. Under names, x counts
/// the names.
fn drawn<'a>(panel: &'a Panel, series: &'a Series) -> impl Iterator<Item = Option<Point>> + 'a {
    let most = panel.x_names.as_ref().map_or(usize::MAX, Vec::len);
    (0..).zip(&series.points).take(most).map(|(at, &point)| {
        let x = match panel.x_names {
            Some(_) => f64::from(at),
            None => point.x,
        };
        let x_scale = match panel.x_names {
            Some(_) => Scale::Linear,
            None => panel.x.scale,
        };
        (drawable(x, x_scale) && drawable(point.y, panel.y.scale)).then_some(Point { x, ..point })
    })
}

/// Both ends of a point's error bar, if it has one.
fn bar(point: Point) -> Option<(f64, f64)> {
    let (low, high) = point.bar?;
    let there = low < high && drawable(low, Scale::Linear) && drawable(high, Scale::Linear);
    there.then_some((low, high))
}

/// The spans of both axes; none for a panel without a point.
fn spans(panel: &Panel) -> Option<(Span, Span)> {
    let points: Vec<Point> = panel
        .series
        .iter()
        .flat_map(|series| drawn(panel, series).flatten())
        .collect();
    let x_scale = match panel.x_names {
        Some(_) => Scale::Linear,
        None => panel.x.scale,
    };
    let x = Span::over(points.iter().map(|point| point.x), x_scale, false)?;
    let y = points.iter().flat_map(|&point| {
        let (low, high) = bar(point).unwrap_or((point.y, point.y));
        [point.y, low, high]
    });
    Some((x, Span::over(y, panel.y.scale, true)?))
}

/// Draws a panel; `mark` gives the look of a series by its name.
pub(super) fn draw(canvas: &mut Canvas, panel: &Panel, place: Place, mark: impl Fn(&str) -> Mark) {
    let layout = Layout::of(panel, place.width, place.height);
    let (right, bottom) = (place.left + place.width, place.top + place.height);
    let middle = (place.left + right) / 2.0;
    let title_top = place.top - 8.0 - (layout.title.len() as f64 - 1.0) * TITLE.size * LINE;
    for (line, y) in layout.title.iter().zip(steps(title_top, TITLE.size)) {
        canvas.text(middle, y, line, TITLE.centred());
    }
    if let Some((x, y)) = layout.spans {
        grid(canvas, panel, &layout, place, &x, &y);
    }
    canvas.raw(&format!(
        "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" fill=\"none\" \
         stroke=\"#777777\"/>\n",
        place.left, place.top, place.width, place.height
    ));
    names(canvas, &layout.names, place);
    let under = bottom + layout.below() + LABEL.size + 1.0;
    for (line, y) in layout.x_label.iter().zip(steps(under, LABEL.size)) {
        canvas.text(middle, y, line, LABEL.centred());
    }
    let tick_width = layout
        .y_ticks
        .iter()
        .map(|tick| width(&tick.label, TICK.wide()))
        .fold(0.0, f64::max);
    let beside = place.left - TICK_GAP - tick_width - 8.0;
    let centre = place.top + place.height / 2.0;
    for (line, x) in layout.y_label.iter().rev().zip(steps(-beside, LABEL.size)) {
        canvas.text(-x, centre, line, LABEL.centred().turned(-90.0));
    }
    match layout.spans {
        Some(spans) => {
            for (at, series) in panel.series.iter().enumerate() {
                points(canvas, panel, series, at, place, &spans, mark(&series.name));
            }
        }
        None => canvas.text(middle, centre, "no data to show", LABEL.grey().centred()),
    }
}

/// Baselines of lines of text, one under the other.
fn steps(first: f64, size: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |line| first + f64::from(line) * size * LINE)
}

fn grid(canvas: &mut Canvas, panel: &Panel, layout: &Layout, place: Place, x: &Span, y: &Span) {
    let (right, bottom) = (place.left + place.width, place.top + place.height);
    let across = |value| place.left + x.place(value) * place.width;
    let up = |value| bottom - y.place(value) * place.height;
    if !layout.x_ticks.is_empty() {
        for value in x.minor() {
            let at = across(value);
            canvas.line((at, place.top), (at, bottom), FAINT);
        }
    }
    if let Some(names) = &panel.x_names {
        for after in 1..names.len() {
            let at = place.left + place.width * after as f64 / names.len() as f64;
            canvas.line((at, place.top), (at, bottom), GRID);
        }
    }
    for value in y.minor() {
        canvas.line((place.left, up(value)), (right, up(value)), FAINT);
    }
    for tick in &layout.x_ticks {
        let at = across(tick.value);
        canvas.line((at, place.top), (at, bottom), GRID);
        canvas.text(
            at,
            bottom + TICK_GAP + TICK.size,
            &tick.label,
            TICK.centred(),
        );
    }
    for tick in &layout.y_ticks {
        let at = up(tick.value);
        canvas.line((place.left, at), (right, at), GRID);
        let baseline = at + TICK.size * 0.36;
        canvas.text(place.left - TICK_GAP, baseline, &tick.label, TICK.ending());
    }
}

fn names(canvas: &mut Canvas, names: &Names, place: Place) {
    let bottom = place.top + place.height;
    let slot = |at: usize, of: usize| place.left + place.width * (at as f64 + 0.5) / of as f64;
    match names {
        Names::None => {}
        Names::Level(all) => {
            for (at, name) in all.iter().enumerate() {
                let first = bottom + TICK_GAP + TICK.size;
                for (line, y) in name.iter().zip(steps(first, TICK.size)) {
                    canvas.text(slot(at, all.len()), y, line, TICK.centred());
                }
            }
        }
        Names::Slanted { names, .. } => {
            for (at, name) in names.iter().enumerate() {
                let x = slot(at, names.len()) + 4.0;
                let y = bottom + TICK_GAP + TICK.size * 0.6;
                canvas.text(x, y, name, TICK.ending().turned(-SLANT));
            }
        }
    }
}

/// Draws one series: line, error bars, then shapes on top.
fn points(
    canvas: &mut Canvas,
    panel: &Panel,
    series: &Series,
    at: usize,
    place: Place,
    (x, y): &(Span, Span),
    mark: Mark,
) {
    // Under names, series stand beside each other in a slot so that none hides another.
    let count = panel.series.len() as f64;
    let shift = (at as f64 - (count - 1.0) / 2.0) / count;
    let across = |point: Point| match &panel.x_names {
        Some(names) => {
            let slot = place.width / names.len() as f64;
            place.left + slot * (point.x + 0.5) + shift * (0.7 * slot).min(14.0 * count)
        }
        None => place.left + x.place(point.x) * place.width,
    };
    let up = |value: f64| place.top + (1.0 - y.place(value)) * place.height;
    let drawn: Vec<Option<Point>> = drawn(panel, series).collect();
    let colour = mark.colour();
    if panel.x_names.is_none() {
        for run in drawn.split(Option::is_none).filter(|run| run.len() > 1) {
            let corners: Vec<String> = run
                .iter()
                .flatten()
                .map(|&point| format!("{:.2},{:.2}", across(point), up(point.y)))
                .collect();
            canvas.raw(&format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" \
                 stroke-linejoin=\"round\"{}/>\n",
                corners.join(" "),
                mark.dash()
            ));
        }
    }
    let style = format!("stroke=\"{colour}\" stroke-width=\"1.3\"");
    for &point in drawn.iter().flatten() {
        if let Some((low, high)) = bar(point) {
            let at = across(point);
            canvas.line((at, up(low)), (at, up(high)), &style);
            // A bar that runs off a log axis has no end there.
            let seen = |end: &f64| drawable(*end, panel.y.scale);
            for end in [low, high].into_iter().filter(seen) {
                canvas.line((at - 3.5, up(end)), (at + 3.5, up(end)), &style);
            }
        }
    }
    for &point in drawn.iter().flatten() {
        canvas.raw(&mark.shape(across(point), up(point.y)));
    }
}
