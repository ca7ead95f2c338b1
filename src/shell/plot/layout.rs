//! How much room a panel needs: its texts, ticks, names and spans.

use super::axis::{Span, Tick, drawable, own};
use super::canvas::Look;
use super::text::{lines, shortened, width};
use super::{Panel, Point, Scale, Series};

pub(super) const TITLE: Look = Look::new(13.0).bold();
pub(super) const LABEL: Look = Look::new(12.0);
pub(super) const TICK: Look = Look::new(11.0);
pub(super) const LINE: f64 = 1.25;
pub(super) const TICK_GAP: f64 = 6.0;
/// Slanted names run up to the axis at this angle, in degrees.
pub(super) const SLANT: f64 = 40.0;
/// The longest a slanted name may be.
const NAME_ROOM: f64 = 150.0;

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

/// Everything about a panel that decides how much room it needs.
pub(super) struct Layout {
    pub(super) title: Vec<String>,
    pub(super) x_label: Vec<String>,
    pub(super) y_label: Vec<String>,
    pub(super) spans: Option<(Span, Span)>,
    pub(super) x_ticks: Vec<Tick>,
    pub(super) y_ticks: Vec<Tick>,
    pub(super) names: Names,
}

/// Names along x: none, level under their slots, or slanted where a slot is too narrow.
pub(super) enum Names {
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
    pub(super) fn of(panel: &Panel, plot_width: f64, plot_height: f64) -> Self {
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
    pub(super) fn below(&self) -> f64 {
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
pub(super) fn drawn<'a>(
    panel: &'a Panel,
    series: &'a Series,
) -> impl Iterator<Item = Option<Point>> + 'a {
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
pub(super) fn bar(point: Point) -> Option<(f64, f64)> {
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
