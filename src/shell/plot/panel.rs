//! One panel: its frame, ticks, labels and series.

use super::axis::{Span, drawable};
use super::canvas::Canvas;
use super::layout::{LABEL, LINE, Layout, Names, SLANT, TICK, TICK_GAP, TITLE, bar, drawn};
use super::mark::Mark;
use super::text::width;
use super::{Panel, Point, Series};

const GRID: &str = "stroke=\"#dddddd\" stroke-width=\"1\"";
const FAINT: &str = "stroke=\"#f1f1f1\" stroke-width=\"1\"";

/// Where the plot of a panel lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
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
