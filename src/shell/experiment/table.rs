//! What a plan came to as a table of typed cells. CSV, figures, the screen and callers read the same one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value, or one that is not finite.
    None,
    /// A whole number.
    Count(u64),
    /// A number, in the unit of its column.
    Number(f64),
    /// A word.
    Text(String),
    /// A swept value as the experiment writes it, with its number in the unit of its column if it is one.
    Swept {
        /// As it is written.
        text: String,
        /// Its number.
        number: Option<f64>,
    },
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        let value = value.filter(|value| value.is_finite());
        value.map_or(Self::None, Self::Number)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl Cell {
    /// A word.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Its number, if it has one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::None | Self::Text(_) => None,
            Self::Count(count) => Some(*count as f64),
            Self::Number(number) => Some(*number),
            Self::Swept { number, .. } => *number,
        }
    }
}

/// As a cell of CSV: the shortest text that reads back to the same number, and nothing where there is no value.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) | Self::Swept { text, .. } => f.write_str(text),
        }
    }
}

/// What a column tells of its quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The quantity itself.
    Value,
    /// Its mean over trials.
    Mean,
    /// Half the width of the 95 % interval of that mean.
    HalfWidth,
    /// Lower end of its interval or range.
    Low,
    /// Upper end.
    High,
    /// Median over trials.
    Median,
    /// 95th percentile over trials.
    Percentile95,
    /// Largest of all trials.
    Largest,
}

impl Part {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Mean => "_mean",
            Self::HalfWidth => "_ci95",
            Self::Low => "_low",
            Self::High => "_high",
            Self::Median => "_p50",
            Self::Percentile95 => "_p95",
            Self::Largest => "_max",
        }
    }
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The quantity, its unit at the end: `latency_ns`.
    pub quantity: String,
    /// What of it.
    pub part: Part,
    /// The panel of a figure that draws it.
    pub title: Option<&'static str>,
}

impl Column {
    /// A column that no figure draws.
    #[must_use]
    pub fn of(quantity: &str, part: Part) -> Self {
        Self {
            quantity: quantity.to_owned(),
            part,
            title: None,
        }
    }

    /// The same, drawn on a panel of its own.
    #[must_use]
    pub fn drawn(self, title: &'static str) -> Self {
        Self {
            title: Some(title),
            ..self
        }
    }

    /// Its header in CSV.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}{}", self.quantity, self.part.suffix())
    }
}

/// One design at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Index of the point.
    pub point: usize,
    /// Index of the design.
    pub design: usize,
    /// One a column.
    pub cells: Vec<Cell>,
    /// Rows of the breakdown, where it was asked for: one cell a column of [`BREAKDOWN`].
    pub breakdown: Vec<Vec<Cell>>,
    /// Root mean square deviation at the comparator in LSB.
    pub noise_lsb: Option<f64>,
}

/// Columns of a breakdown: where time and energy of one head go, by stage and action.
pub const BREAKDOWN: [&str; 8] = [
    "point",
    "design",
    "stage",
    "action",
    "count",
    "energy_pj",
    "time_ns",
    "share",
];

/// Rows in the order of points and designs, with what their columns hold: the design, the swept keys, the trials, then
/// what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What cells hold.
    pub columns: Vec<Column>,
    /// One a point and design.
    pub rows: Vec<Row>,
}

impl Table {
    /// Where the column stands that tells this of a quantity.
    #[must_use]
    pub fn column(&self, quantity: &str, part: Part) -> Option<usize> {
        let is_it = |column: &Column| column.part == part && column.quantity == quantity;
        self.columns.iter().position(is_it)
    }

    /// What a row tells of a quantity.
    #[must_use]
    pub fn number(&self, row: &Row, quantity: &str, part: Part) -> Option<f64> {
        row.cells.get(self.column(quantity, part)?)?.number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_back_from_a_journal_as_they_were() {
        let swept = |text: &str, number| Cell::Swept {
            text: text.to_owned(),
            number,
        };
        let cells = vec![
            Cell::None,
            Cell::Count(5),
            Cell::Number(5.0),
            Cell::Number(0.1 + 0.2),
            Cell::Number(5e-324),
            Cell::Number(1.797_693_134_862_315_7e308),
            Cell::Number(-0.0),
            Cell::Count(u64::MAX),
            Cell::text("5"),
            swept("1.0", Some(1.0)),
            swept("exact", None),
        ];
        let text = serde_json::to_string(&cells).unwrap();
        let again: Vec<Cell> = serde_json::from_str(&text).unwrap();
        assert_eq!(again, cells);
        let shown: Vec<String> = again.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown[..5],
            [
                "",
                "5",
                "5",
                "0.30000000000000004",
                cells[4].to_string().as_str()
            ]
        );
        assert_eq!(shown[6], "-0");
        assert_eq!(shown[9..], ["1.0", "exact"]);
    }

    #[test]
    fn every_number_reads_back_to_the_bit() {
        use proptest::prelude::*;
        proptest!(|(bits: u64)| {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let text = serde_json::to_string(&Cell::Number(number)).unwrap();
            let Cell::Number(again) = serde_json::from_str(&text).unwrap() else {
                panic!("{text}");
            };
            prop_assert_eq!(again.to_bits(), bits, "{}", text);
        });
    }

    #[test]
    fn what_is_not_finite_has_no_cell() {
        assert_eq!(Cell::from(Some(f64::NAN)), Cell::None);
        assert_eq!(Cell::from(None), Cell::None);
        assert_eq!(Cell::from(Some(2.0)).number(), Some(2.0));
        assert_eq!(Cell::text("2").number(), None);
    }
}
