//! Figures: tidy data to the text of an SVG picture.
//!
//! A figure is a grid of panels under one legend. A series keeps its colour and shape in every
//! panel, by its name. The same figure gives the same bytes. A point with a coordinate that is NaN,
//! infinite, beyond 1e300, or not positive on a log axis, is left out and its line broken there.
//!
//! ```
//! use topkima::shell::plot::{Axis, Figure, Panel, Point, Scale, Series, svg};
//! let axis = |label: &str| Axis { label: label.to_owned(), scale: Scale::Linear };
//! let figure = Figure {
//!     title: "Recall".to_owned(),
//!     caption: String::new(),
//!     panels: vec![Panel {
//!         title: "one head".to_owned(),
//!         x: axis("k"),
//!         y: axis("recall (1)"),
//!         series: vec![Series {
//!             name: "topkima".to_owned(),
//!             points: vec![Point { x: 5.0, y: 0.93, bar: Some((0.92, 0.94)) }],
//!         }],
//!         x_names: None,
//!     }],
//! };
//! assert!(svg(&figure).starts_with("<svg "));
//! ```

mod axis;
mod canvas;
mod figure;
mod layout;
mod mark;
mod panel;
mod text;

pub use figure::{Axis, Figure, Panel, Point, Scale, Series};

use canvas::{Canvas, Look};
use layout::Margins;
use mark::Mark;
use panel::Place;

const EDGE: f64 = 14.0;
const TITLE: Look = Look::new(17.0).bold();
const LEGEND: Look = Look::new(12.5);
const CAPTION: Look = Look::new(12.0).grey();

/// The text of a figure as SVG.
#[must_use]
pub fn svg(figure: &Figure) -> String {
    let columns = match figure.panels.len() {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    let (plot_width, plot_height) = match columns {
        1 => (440.0, 270.0),
        2 => (330.0, 215.0),
        _ => (270.0, 185.0),
    };
    let names = names(figure);
    let margins = Margins::for_all(&figure.panels, plot_width, plot_height);
    let cell_width = margins.left + plot_width + margins.right;
    let cell_height = margins.top + plot_height + margins.bottom;
    let width = 2.0 * EDGE + columns as f64 * cell_width;

    let mut canvas = Canvas::default();
    let mut y = EDGE;
    for line in text::lines(&figure.title, TITLE.wide(), width - 2.0 * EDGE, 3) {
        y += TITLE.size * 1.15;
        canvas.text(EDGE, y, &line, TITLE);
    }
    y = legend(&mut canvas, &names, width, y + 6.0);
    for (row, panels) in figure.panels.chunks(columns).enumerate() {
        for (column, panel) in panels.iter().enumerate() {
            let place = Place {
                left: EDGE + column as f64 * cell_width + margins.left,
                top: y + row as f64 * cell_height + margins.top,
                width: plot_width,
                height: plot_height,
            };
            panel::draw(&mut canvas, panel, place, |name| {
                Mark(names.iter().position(|known| *known == name).unwrap_or(0))
            });
        }
    }
    y += figure.panels.len().div_ceil(columns) as f64 * cell_height;
    let caption = text::lines(&figure.caption, CAPTION.wide(), width - 2.0 * EDGE, 12);
    for line in &caption {
        y += CAPTION.size * 1.4;
        canvas.text(EDGE, y, line, CAPTION);
    }
    canvas.finish(&figure.title, width, y + EDGE)
}

/// Names of all series, each once, in the order they first appear.
fn names(figure: &Figure) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for series in figure.panels.iter().flat_map(|panel| &panel.series) {
        if !names.contains(&series.name.as_str()) {
            names.push(&series.name);
        }
    }
    names
}

/// Draws the legend from `y` down and gives where it ends.
fn legend(canvas: &mut Canvas, names: &[&str], width: f64, y: f64) -> f64 {
    const KEY: f64 = 30.0;
    const GAP: f64 = 20.0;
    const LINE: f64 = 20.0;
    if names.is_empty() {
        return y;
    }
    let room = width - 2.0 * EDGE;
    let (mut x, mut middle) = (EDGE, y + LINE / 2.0);
    for (at, name) in names.iter().enumerate() {
        let name = text::shortened(name, LEGEND.wide(), room - KEY);
        let length = KEY + text::width(&name, LEGEND.wide());
        if x > EDGE && x + length > EDGE + room {
            x = EDGE;
            middle += LINE;
        }
        let mark = Mark(at);
        canvas.line(
            (x, middle),
            (x + KEY - 6.0, middle),
            &format!(
                "stroke=\"{}\" stroke-width=\"1.8\"{}",
                mark.colour(),
                mark.dash()
            ),
        );
        canvas.raw(&mark.shape(x + (KEY - 6.0) / 2.0, middle));
        canvas.text(x + KEY, middle + LEGEND.size * 0.36, &name, LEGEND);
        x += length + GAP;
    }
    middle + LINE / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn axis(label: &str, scale: Scale) -> Axis {
        Axis {
            label: label.to_owned(),
            scale,
        }
    }

    fn panel(series: Vec<Series>) -> Panel {
        Panel {
            title: "panel".to_owned(),
            x: axis("x", Scale::Linear),
            y: axis("y", Scale::Linear),
            series,
            x_names: None,
        }
    }

    fn series(name: &str, points: &[(f64, f64, Option<f64>)]) -> Series {
        Series {
            name: name.to_owned(),
            points: points
                .iter()
                .map(|&(x, y, half)| Point {
                    x,
                    y,
                    bar: half.map(|half| (y - half, y + half)),
                })
                .collect(),
        }
    }

    fn figure(panels: Vec<Panel>) -> Figure {
        Figure {
            title: "title".to_owned(),
            caption: "caption".to_owned(),
            panels,
        }
    }

    /// Panics unless the text is one element of well-formed XML; gives the words between tags.
    fn words(mut xml: &str) -> Vec<String> {
        let mut open = Vec::new();
        let mut words = Vec::new();
        while let Some(start) = xml.find('<') {
            words.push(unescaped(&xml[..start]));
            let end = xml.find('>').unwrap();
            let tag = &xml[start + 1..end];
            xml = &xml[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
                assert!(!open.is_empty() || xml.trim().is_empty());
                continue;
            }
            let inside = tag.trim_end_matches('/');
            let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
            assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()), "{tag}");
            let mut keys = BTreeSet::new();
            while let Some((key, after)) = rest.trim_start().split_once("=\"") {
                assert!(keys.insert(key), "{key} twice in {tag}");
                let (value, after) = after.split_once('"').unwrap();
                assert!(!value.contains("NaN") && !value.contains("inf"), "{tag}");
                unescaped(value);
                rest = after;
            }
            assert!(rest.trim().is_empty(), "{tag}");
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty() && xml.trim().is_empty());
        words
    }

    fn unescaped(text: &str) -> String {
        for piece in text.split('&').skip(1) {
            let entity = piece.split_once(';').unwrap().0;
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&entity));
        }
        assert!(!text.contains(
            |mark| matches!(mark, '\0'..='\u{8}' | '\u{B}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
        ));
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    }

    fn count(svg: &str, element: &str) -> usize {
        svg.matches(element).count()
    }

    #[test]
    fn a_point_that_is_not_finite_never_reaches_the_text() {
        let odd = series(
            "s",
            &[
                (0.0, 1.0, Some(f64::NAN)),
                (1.0, f64::NAN, None),
                (2.0, 1.5, Some(f64::INFINITY)),
                (3.0, 2.0, Some(0.5)),
                (f64::INFINITY, 1.0, None),
                (4.0, f64::NEG_INFINITY, Some(1.0)),
                (5.0, 1e307, None),
            ],
        );
        let text = svg(&figure(vec![panel(vec![odd])]));
        words(&text);
        // Three points and the one in the legend; one line between the two that stand together.
        assert_eq!(count(&text, "<circle"), 4);
        assert_eq!(count(&text, "<polyline"), 1);
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn a_log_axis_leaves_out_what_is_not_positive() {
        let mut log = panel(vec![series(
            "s",
            &[(0.0, 1.0, None), (1.0, -1.0, None), (10.0, 2.0, Some(5.0))],
        )]);
        log.x.scale = Scale::Log;
        log.y.scale = Scale::Log;
        let text = svg(&figure(vec![log]));
        words(&text);
        assert_eq!(count(&text, "<circle"), 2);
    }

    #[test]
    fn an_empty_panel_says_so() {
        for series in [vec![], vec![series("s", &[(f64::NAN, 1.0, None)])]] {
            let text = svg(&figure(vec![panel(series)]));
            assert!(words(&text).iter().any(|word| word == "no data to show"));
        }
        words(&svg(&figure(vec![])));
    }

    #[test]
    fn a_series_keeps_its_look_in_every_panel_and_stands_once_in_the_legend() {
        let a = series("a", &[(0.0, 1.0, None)]);
        let b = series("b", &[(0.0, 2.0, None)]);
        let text = svg(&figure(vec![
            panel(vec![a.clone(), b.clone()]),
            panel(vec![b, a]),
        ]));
        assert_eq!(count(&text, "<circle"), 3);
        assert_eq!(words(&text).iter().filter(|word| *word == "b").count(), 1);
    }

    #[test]
    fn named_places_take_points_by_their_number() {
        let mut named = panel(vec![series(
            "s",
            &[
                (f64::NAN, 1.0, None),
                (0.0, f64::NAN, None),
                (9.0, 2.0, None),
                (0.0, 3.0, None),
            ],
        )]);
        named.x_names = Some(["SRAM", "PCM", "RRAM"].map(str::to_owned).to_vec());
        let text = svg(&figure(vec![named.clone()]));
        let words = words(&text);
        assert!(
            ["SRAM", "PCM", "RRAM"]
                .iter()
                .all(|n| words.iter().any(|w| w == n))
        );
        // The first and third; the fourth has no name. No line joins names.
        assert_eq!(count(&text, "<circle"), 3);
        assert_eq!(count(&text, "<polyline"), 0);
        named.x_names = Some(vec![]);
        assert!(svg(&figure(vec![named])).contains("no data to show"));
    }

    #[test]
    fn no_text_is_smaller_than_eleven() {
        let text = svg(&figure(vec![panel(vec![series(
            "s",
            &[(1.0, 2.0, Some(1.0))],
        )])]));
        for size in text.split("font-size=\"").skip(1) {
            let size: f64 = size.split_once('"').unwrap().0.parse().unwrap();
            assert!(size >= 11.0);
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,40}",
            "[<>&\"'/=\u{0}-\u{20}a\u{FFFF}]{0,20}",
            "[a-z ]{0,200}"
        ]
    }

    fn any_figure() -> impl Strategy<Value = Figure> {
        let number = || {
            prop_oneof![
                prop::num::f64::ANY,
                -100.0..100.0_f64,
                Just(f64::NAN),
                Just(0.0)
            ]
        };
        let bar = prop::option::of((number(), number()));
        let point = (number(), number(), bar).prop_map(|(x, y, bar)| Point { x, y, bar });
        let series = (any_text(), prop::collection::vec(point, 0..6))
            .prop_map(|(name, points)| Series { name, points });
        let scale = || prop_oneof![Just(Scale::Linear), Just(Scale::Log)];
        let axis = move || (any_text(), scale()).prop_map(|(label, scale)| Axis { label, scale });
        let panel = (
            any_text(),
            axis(),
            axis(),
            prop::collection::vec(series, 0..4),
            prop::option::of(prop::collection::vec(any_text(), 0..6)),
        )
            .prop_map(|(title, x, y, series, x_names)| Panel {
                title,
                x,
                y,
                series,
                x_names,
            });
        (any_text(), any_text(), prop::collection::vec(panel, 0..6)).prop_map(
            |(title, caption, panels)| Figure {
                title,
                caption,
                panels,
            },
        )
    }

    proptest! {
        #[test]
        fn every_figure_is_well_formed_and_the_same_again(figure in any_figure()) {
            let text = svg(&figure);
            words(&text);
            prop_assert_eq!(&text, &svg(&figure));
        }
    }
}
