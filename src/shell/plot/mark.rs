//! How a series is told from the others: colour, shape and dash.
//!
//! Colours: Okabe and Ito, "Color Universal Design" (2008), told apart with any common colour
//! vision; yellow is left to the end because it is faint on white.

const COLOURS: [&str; 8] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442",
];
const DASHES: [&str; 4] = ["", "6 3", "2 3", "8 3 2 3"];

/// The look of the series at this place of the legend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(pub(super) usize);

impl Mark {
    pub(super) fn colour(self) -> &'static str {
        COLOURS[self.0 % COLOURS.len()]
    }

    /// Dashes set apart series that share a colour.
    pub(super) fn dash(self) -> String {
        match DASHES[self.0 / COLOURS.len() % DASHES.len()] {
            "" => String::new(),
            dash => format!(" stroke-dasharray=\"{dash}\""),
        }
    }

    /// The shape around a point.
    pub(super) fn shape(self, x: f64, y: f64) -> String {
        let colour = self.colour();
        let solid = format!("fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"0.8\"");
        let polygon = |corners: &[(f64, f64)]| {
            let points: Vec<String> = corners
                .iter()
                .map(|(right, down)| format!("{:.2},{:.2}", x + right, y + down))
                .collect();
            format!("<polygon points=\"{}\" {solid}/>\n", points.join(" "))
        };
        let strokes = |path: String| {
            format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n")
        };
        // A shape of its own for each colour, and another pairing in the next round of colours.
        match (self.0 + self.0 / COLOURS.len()) % 8 {
            0 => format!("<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"4.2\" {solid}/>\n"),
            1 => polygon(&[(-3.8, -3.8), (3.8, -3.8), (3.8, 3.8), (-3.8, 3.8)]),
            2 => polygon(&[(0.0, -5.0), (4.8, 3.6), (-4.8, 3.6)]),
            3 => polygon(&[(0.0, -5.4), (5.0, 0.0), (0.0, 5.4), (-5.0, 0.0)]),
            4 => polygon(&[(0.0, 5.0), (4.8, -3.6), (-4.8, -3.6)]),
            5 => strokes(format!(
                "M{:.2} {:.2}l7.6 7.6m0 -7.6l-7.6 7.6",
                x - 3.8,
                y - 3.8
            )),
            6 => strokes(format!("M{:.2} {y:.2}h9.2m-4.6 -4.6v9.2", x - 4.6)),
            _ => polygon(&[
                (0.0, -5.0),
                (4.8, -1.5),
                (2.9, 4.0),
                (-2.9, 4.0),
                (-4.8, -1.5),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn thirty_two_series_look_different_and_eight_differ_in_shape_alone() {
        let looks: BTreeSet<_> = (0..32)
            .map(|at| (Mark(at).colour(), Mark(at).dash(), Mark(at).shape(0.0, 0.0)))
            .collect();
        assert_eq!(looks.len(), 32);
        let shapes: BTreeSet<_> = (0..8)
            .map(|at| {
                let mark = Mark(at);
                mark.shape(0.0, 0.0).replace(mark.colour(), "")
            })
            .collect();
        assert_eq!(shapes.len(), 8);
    }
}
