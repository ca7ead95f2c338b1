//! What a figure shows: plain data, nothing about ink.

/// One measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Horizontal coordinate; not looked at where the panel has names along x.
    pub x: f64,
    /// Vertical coordinate.
    pub y: f64,
    /// Ends of the error bar; none is drawn for `None`, ends that are equal, NaN or infinity.
    pub bar: Option<(f64, f64)>,
}

/// Points of one kind, joined by a line in the order they stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in the legend; the same name in another panel is the same series.
    pub name: String,
    /// The points.
    pub points: Vec<Point>,
}

/// How values are laid along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long.
    Log,
}

/// One axis of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// What it shows, with the unit.
    pub label: String,
    /// How values are laid along it.
    pub scale: Scale,
}

/// One pair of axes with its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Line above the panel.
    pub title: String,
    /// Horizontal axis; only its label counts where there are `x_names`.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// What is drawn.
    pub series: Vec<Series>,
    /// Names along x: the k-th point of a series stands at the k-th name, and no lines are drawn.
    pub x_names: Option<Vec<String>>,
}

/// A whole picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Line above everything.
    pub title: String,
    /// Text below everything.
    pub caption: String,
    /// Laid out row by row, at most three to a row.
    pub panels: Vec<Panel>,
}
