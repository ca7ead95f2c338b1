//! The growing text of a picture.

use super::text::escaped;

/// Size, weight, colour, anchor and turn of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) size: f64,
    weight: &'static str,
    fill: &'static str,
    anchor: &'static str,
    turn: f64,
}

impl Look {
    pub(super) const fn new(size: f64) -> Self {
        Self {
            size,
            weight: "normal",
            fill: "#222222",
            anchor: "start",
            turn: 0.0,
        }
    }

    pub(super) const fn bold(self) -> Self {
        Self {
            weight: "bold",
            ..self
        }
    }

    pub(super) const fn grey(self) -> Self {
        Self {
            fill: "#555555",
            ..self
        }
    }

    pub(super) const fn centred(self) -> Self {
        Self {
            anchor: "middle",
            ..self
        }
    }

    pub(super) const fn ending(self) -> Self {
        Self {
            anchor: "end",
            ..self
        }
    }

    /// Turned about its anchor, in degrees clockwise.
    pub(super) const fn turned(self, turn: f64) -> Self {
        Self { turn, ..self }
    }

    /// The size by which text is measured: bold letters are wider.
    pub(super) fn wide(self) -> f64 {
        if self.weight == "bold" {
            self.size * 1.1
        } else {
            self.size
        }
    }
}

/// The body of a picture.
#[derive(Debug, Default)]
pub(super) struct Canvas(String);

impl Canvas {
    /// An element that is already text.
    pub(super) fn raw(&mut self, element: &str) {
        self.0.push_str(element);
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        self.0.push_str(&format!(
            "<line x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\" {style}/>\n",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(super) fn text(&mut self, x: f64, y: f64, words: &str, look: Look) {
        let turn = if look.turn == 0.0 {
            String::new()
        } else {
            format!(" transform=\"rotate({} {x:.2} {y:.2})\"", look.turn)
        };
        self.0.push_str(&format!(
            "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{}\" font-weight=\"{}\" fill=\"{}\" \
             text-anchor=\"{}\"{turn}>{}</text>\n",
            look.size,
            look.weight,
            look.fill,
            look.anchor,
            escaped(words)
        ));
    }

    /// The whole picture, on white, with its title for those who can not see it.
    pub(super) fn finish(self, title: &str, width: f64, height: f64) -> String {
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\">\n\
             <title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.0
        )
    }
}
