//! The crossbar: how K lies on tiles, what a chip's cells are like, and the MAC of a column.
//!
//! K^T lies with one token a bitline. A weight takes `digits` cells of that bitline, one for each
//! digit of its magnitude in the cell's radix, whose inputs are pulse-width scaled by the digit's
//! place: three ternary cells at 1 : 2 : 4 for -7..7. Tokens are cut over tiles at `bitlines`. A
//! partial sum over d cannot be ranked, so d has to fit the rows of one tile.

mod chip;
mod digits;
mod keys;
mod law;
mod line;
mod values;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use chip::Chip;
pub use keys::{CleanSums, Keys};
pub use law::{WeightLaw, why_not_normal};
pub use line::{COARSE_LOSS, LineReading};
pub use values::{StoredValues, Values};

use super::device::Cell;
use crate::base::mistake::Mistakes;
use crate::hardware::address;
use crate::hardware::events::{Action, Cost};
use crate::hardware::quantise::NOMINAL_K;

/// Where tokens are cut into tiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Cut {
    /// Each tile is filled before the next: 384 tokens on 256 bitlines are 256 + 128.
    Fill {},
    /// As few tiles as hold the tokens, filled alike; the first ones take the rest.
    Even {},
    /// These many tokens a tile.
    Explicit(Vec<usize>),
}

/// What a fabricated draw belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Addressing {
    /// The physical slot, (tile, bitline): a study of chips.
    Physical {},
    /// The token: cells keep their noise when the tile size changes, for a study of tile sizes.
    Logical {},
}

/// `[crossbar]`: the tiles that hold K.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossbarParams {
    /// Rows of a tile, replicas included.
    pub wordlines: usize,
    /// Columns of a tile.
    pub bitlines: usize,
    /// Rows taken by ramp replicas.
    pub ramp_rows: usize,
    /// Rows taken by calibration replicas.
    pub calibration_rows: usize,
    /// Where tokens are cut.
    pub cut: Cut,
    /// What a fabricated draw belongs to.
    pub addressing: Addressing,
}

impl Default for CrossbarParams {
    fn default() -> Self {
        Self {
            wordlines: 256,
            bitlines: 256,
            ramp_rows: 32,
            calibration_rows: 32,
            cut: Cut::Fill {},
            addressing: Addressing::Physical {},
        }
    }
}

/// Most rows, and most columns, of a tile.
const MOST_LINES: usize = 65_536;

/// What has to be laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Keys.
    pub tokens: usize,
    /// Dimension of a key.
    pub d_head: usize,
    /// Largest code of a weight; none for an exact operand.
    pub k_max: Option<u32>,
    /// The cell that holds it.
    pub cell: Cell,
}

/// A checked layout of K on tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossbar {
    tiles: Vec<Range<usize>>,
    /// Dimension of a key.
    pub d_head: usize,
    /// Weight of each digit's cell at its full level.
    pub places: Vec<f64>,
    /// Constant added to a weight before it is stored, where a cell has no sign.
    pub(crate) offset: f64,
    /// Ramp replica cells of a column.
    pub ramp_cells: usize,
    bitlines: usize,
    addressing: Addressing,
}

impl CrossbarParams {
    /// Lays K out.
    ///
    /// # Errors
    /// Dimensions outside their range, a d that does not fit a tile's rows (with the weight levels
    /// that would fit), a cut that does not cover the tokens, an exact K on cells that hold digits.
    pub fn check(&self, layout: Layout) -> Result<Crossbar, Mistakes> {
        let mut mistakes = Mistakes::none();
        let m = &mut mistakes;
        for (key, value, low) in [
            ("wordlines", self.wordlines, 1),
            ("bitlines", self.bitlines, 1),
            ("ramp_rows", self.ramp_rows, 1),
            ("calibration_rows", self.calibration_rows, 0),
        ] {
            m.require(
                (low..=MOST_LINES).contains(&value),
                key,
                value,
                format!("must be from {low} to {MOST_LINES}"),
                "the paper's array has 256 wordlines, 256 bitlines, 32 ramp rows and 32 calibration rows",
            );
        }
        let tiles = self.tiles(layout.tokens, m);
        let places = Self::places(layout, m);
        let replicas = self.ramp_rows.saturating_add(self.calibration_rows);
        let free = self.wordlines.saturating_sub(replicas);
        let needed = layout.d_head * places.len();
        if needed > free {
            let fix = Self::room_for(layout, needed.saturating_add(replicas), free);
            m.add(
                "wordlines",
                self.wordlines,
                format!(
                    "d = {} in {} cells a weight needs {needed} rows and a tile has {free} beside its replicas; a sum split over tiles cannot be ranked",
                    layout.d_head,
                    places.len()
                ),
                fix,
            );
        }
        mistakes.or(|| Crossbar {
            tiles,
            d_head: layout.d_head,
            places,
            offset: if layout.cell.is_offset() {
                f64::from(layout.k_max.unwrap_or(NOMINAL_K))
            } else {
                0.0
            },
            ramp_cells: self.ramp_rows,
            bitlines: self.bitlines,
            addressing: self.addressing,
        })
    }

    /// What lets a key fit that needs `rows`: so many wordlines, or weights of fewer levels in the `free` ones. Each
    /// is accepted when it is followed.
    fn room_for(layout: Layout, rows: usize, free: usize) -> String {
        let wordlines = (rows <= MOST_LINES).then(|| format!("{rows} wordlines"));
        let fitting = free / layout.d_head.max(1);
        let codes = u64::from(layout.cell.radix())
            .saturating_pow(u32::try_from(fitting).unwrap_or(u32::MAX))
            - 1;
        // A cell without a sign holds `w + max`, twice as many levels.
        let codes = codes / if layout.cell.is_offset() { 2 } else { 1 };
        let fewer = (layout.k_max.is_some() && codes > 0).then(|| {
            let clip = if codes < 3 {
                "; a clip percentile of about 85 then keeps keys from all rounding to zero"
            } else {
                ""
            };
            format!("weights of at most {codes} (`quantise.k.uniform.max_code = {codes}`), as the paper does with ternary K on 128 rows{clip}")
        });
        match (wordlines, fewer) {
            (Some(wordlines), Some(fewer)) => format!("use {wordlines}, or {fewer}"),
            (Some(one), None) | (None, Some(one)) => format!("use {one}"),
            (None, None) => format!(
                "no tile of at most {MOST_LINES} wordlines holds it: take a smaller d, fewer levels of K, or cells of more bits"
            ),
        }
    }

    fn tiles(&self, tokens: usize, m: &mut Mistakes) -> Vec<Range<usize>> {
        let bitlines = self.bitlines.max(1);
        let sizes: Vec<usize> = match &self.cut {
            Cut::Fill {} => (0..tokens)
                .step_by(bitlines)
                .map(|start| bitlines.min(tokens - start))
                .collect(),
            Cut::Even {} => {
                let count = tokens.div_ceil(bitlines).max(1);
                (0..count)
                    .map(|at| tokens / count + usize::from(at < tokens % count))
                    .collect()
            }
            Cut::Explicit(sizes) => {
                let text = format!("{sizes:?}");
                m.require(
                    sizes.iter().copied().fold(0, usize::saturating_add) == tokens,
                    "cut.explicit",
                    &text,
                    format!("must add up to the {tokens} tokens of the workload"),
                    "change a tile's share, or use `fill = {}`",
                );
                m.require(
                    sizes.iter().all(|size| (1..=bitlines).contains(size)),
                    "cut.explicit",
                    &text,
                    format!("each tile holds from 1 to {bitlines} tokens"),
                    "change a tile's share, or raise `crossbar.bitlines`",
                );
                sizes.clone()
            }
        };
        let mut start = 0_usize;
        sizes
            .into_iter()
            .map(|size| {
                let tile = start..start.saturating_add(size);
                start = tile.end;
                tile
            })
            .collect()
    }

    /// Weight of each digit's cell at its full level, lowest first.
    fn places(layout: Layout, m: &mut Mistakes) -> Vec<f64> {
        let Some(max) = layout.k_max else {
            m.require(
                !matches!(layout.cell, Cell::Sram { .. }),
                "",
                "",
                "`quantise.k.exact` cannot be stored: an SRAM cell holds -1, 0 or +1",
                "use `quantise.k.uniform`, or a device with ideal or resistive cells",
            );
            let full = f64::from(NOMINAL_K);
            return vec![if layout.cell.is_offset() {
                2.0 * full
            } else {
                full
            }];
        };
        let radix = u64::from(layout.cell.radix());
        let span = if layout.cell.is_offset() {
            2 * u64::from(max)
        } else {
            u64::from(max)
        };
        let mut digits = 1_u32;
        while radix.saturating_pow(digits) - 1 < span {
            digits += 1;
        }
        if digits == 1 {
            // One cell uses its whole window whatever the number of levels.
            return vec![span as f64];
        }
        (0..digits)
            .map(|at| (radix.pow(at) * (radix - 1)) as f64)
            .collect()
    }
}

impl Crossbar {
    /// Tokens of each tile.
    #[must_use]
    pub fn tiles(&self) -> &[Range<usize>] {
        &self.tiles
    }

    /// Keys laid out.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.tiles.last().map_or(0, |tile| tile.end)
    }

    /// Cells of one bitline that hold a key.
    #[must_use]
    pub fn cells_per_column(&self) -> usize {
        self.d_head * self.places.len()
    }

    /// What writing each tile counts.
    pub fn writes(&self) -> Vec<Cost> {
        let written = |tile: &Range<usize>| (tile.len() * self.cells_per_column()) as u64;
        let tiles = self.tiles.iter();
        tiles
            .map(|tile| Cost::of(Action::CellWrite, written(tile)))
            .collect()
    }

    /// The address of each token's fabricated draws.
    pub(crate) fn slots(&self) -> Vec<u64> {
        match self.addressing {
            Addressing::Logical {} => (0..self.tokens()).map(address::slot_of_token).collect(),
            Addressing::Physical {} => self
                .tiles
                .iter()
                .zip(0_u64..)
                .flat_map(|(tile, at)| {
                    (0..tile.len() as u64).map(move |bitline| address::slot(at, bitline))
                })
                .collect(),
        }
    }

    /// Bitlines of a full tile.
    #[must_use]
    pub fn bitlines(&self) -> usize {
        self.bitlines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(tokens: usize, d_head: usize, k_max: u32) -> Layout {
        Layout {
            tokens,
            d_head,
            k_max: Some(k_max),
            cell: Cell::Sram { mismatch: 0.1 },
        }
    }

    #[test]
    fn the_papers_head_takes_256_and_128_columns() {
        let crossbar = CrossbarParams::default().check(layout(384, 64, 7)).unwrap();
        assert_eq!(crossbar.tiles(), [0..256, 256..384]);
        assert_eq!(crossbar.cells_per_column(), 192);
        assert_eq!(crossbar.places, [1.0, 2.0, 4.0]);
    }

    #[test]
    fn fifteen_levels_do_not_fit_128_rows_and_ternary_does() {
        let params = CrossbarParams {
            wordlines: 128,
            bitlines: 128,
            ..CrossbarParams::default()
        };
        let mistakes = params.check(layout(384, 64, 7)).unwrap_err();
        assert!(
            mistakes.0[0].fix.contains("max_code = 1"),
            "{}",
            mistakes.0[0]
        );
        assert_eq!(params.check(layout(384, 64, 1)).unwrap().tiles().len(), 3);
    }

    #[test]
    fn digits_add_up_to_the_weight() {
        let crossbar = CrossbarParams::default().check(layout(8, 4, 7)).unwrap();
        for code in -7..=7 {
            let mut levels = [0.0; 3];
            crossbar.digits(f64::from(code), Cell::Sram { mismatch: 0.0 }, &mut levels);
            let sum: f64 = levels
                .iter()
                .zip(&crossbar.places)
                .map(|(l, p)| l * p)
                .sum();
            assert_eq!(sum, f64::from(code));
            assert!(levels.iter().all(|l| [-1.0, 0.0, 1.0].contains(l)));
        }
    }

    #[test]
    fn a_cut_that_does_not_cover_the_tokens_is_named() {
        let params = CrossbarParams {
            cut: Cut::Explicit(vec![200, 300]),
            ..CrossbarParams::default()
        };
        let mistakes = params.check(layout(384, 64, 7)).unwrap_err();
        assert_eq!(mistakes.0.len(), 2);
        let even = CrossbarParams {
            cut: Cut::Even {},
            ..CrossbarParams::default()
        };
        assert_eq!(
            even.check(layout(257, 64, 7)).unwrap().tiles(),
            [0..129, 129..257]
        );
    }
}
