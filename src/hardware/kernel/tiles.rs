//! A x V on noisy tiles, one trial at a time: survivors' codes drive rows of cells, every column's sum goes
//! through a plain ADC with noise, bits are joined.
//!
//! Columns lie bit by bit, each bit padded to whole groups of 32. Cells and codes of A are held as i16 in
//! such units that their product `(a cell + 2^14) >> 15` counts [`Rounding::units`] to an LSB of the ADC, 256 or
//! what codes leave room for. Up to five rows are added in i16, which saturates beyond the ADC's range; of more,
//! each five so, and these sums in i32, which is cut to that range at the end.
//!
//! The ADC reads `code = round(x / LSB + sigma n)`, n normal. With x / LSB = m + f, m whole and f in
//! thirty-seconds, P(code <= m + j) = Phi((j + 1/2 - f) / sigma): one uniform of 16 bits against the few
//! thresholds of f that lie between 0 and 1 draws the code. Between thirty-seconds the uniform's last
//! bits take one or the other at random, so that the law goes straight from one to the next: it is right to
//! (1/32)^2 / 8 of its curvature, 3e-4 for a noise of 0.35 LSB. Probabilities are held to 2^-16, so the noise reaches
//! 4.2 sigma. Without noise nothing is drawn: `code = floor(x / LSB + 1/2)`.

use super::level::{Simd, for_each_level};
use super::{LANES, Lanes, Line};

/// Thirty-seconds of an LSB.
const FRACTIONS: usize = 32;

/// Rows that are added in i16.
pub(super) const TOGETHER: usize = 5;

/// Most bits of a sum below a thirty-second.
pub const FINEST: u32 = 3;

/// The plain ADC of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounding {
    /// Code below the lowest that noise reaches, relative to m.
    pub(super) lowest: i16,
    /// For each code from there the probability not to exceed it, in 2^-16, by f.
    pub(super) thresholds: Vec<Lanes<u16>>,
    /// Largest magnitude of a code.
    pub(super) max: i16,
    /// Bits of a sum below a thirty-second.
    pub(super) finer: u32,
    /// Bits of the uniform that choose between two thirty-seconds; none without noise.
    pub(super) beside: u16,
    /// Added to a sum before it is cut: half an LSB without noise, which needs no threshold.
    pub(super) half: u16,
}

impl Rounding {
    /// Units of a sum to an LSB.
    #[must_use]
    pub fn units(finer: u32) -> f64 {
        f64::from(32_u32 << finer)
    }

    /// From the noise in LSB, the largest code and the bits of a sum below a thirty-second, at most
    /// [`FINEST`]; `below` is the normal distribution function.
    #[must_use]
    pub fn of(sigma: f64, max: i16, finer: u32, below: impl Fn(f64) -> f64) -> Self {
        let finer = finer.min(FINEST);
        if sigma <= 0.0 {
            return Self {
                lowest: 0,
                thresholds: Vec::new(),
                max,
                finer,
                beside: 0,
                half: (FRACTIONS as u16 / 2) << finer,
            };
        }
        let chance =
            |j: i16, f: usize| below((f64::from(j) + 0.5 - f as f64 / FRACTIONS as f64) / sigma);
        let reach = (4.5 * sigma).ceil() as i16 + 1;
        let row = |j: i16| -> Lanes<u16> {
            std::array::from_fn(|f| (chance(j, f) * 65_536.0).round().min(65_535.0) as u16)
        };
        let useful =
            |row: &Lanes<u16>| row.iter().any(|t| *t > 0) && row.iter().any(|t| *t < 65_535);
        let mut lowest = -reach;
        while lowest < reach && row(lowest).iter().all(|t| *t == 0) {
            lowest += 1;
        }
        let thresholds = (lowest..=reach).map(row).take_while(useful).collect();
        Self {
            lowest,
            thresholds,
            max,
            finer,
            beside: (1 << finer) - 1,
            half: 0,
        }
    }
}

/// How a trial's cells come about: each token draws some of its columns, 32 to a draw, and spreads them
/// over its row; the others hold nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    columns: usize,
    /// Columns of a bit, padded to a multiple of 32.
    width: usize,
    bits: usize,
    tokens: Vec<TokenCells>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct TokenCells {
    /// Level and standard deviation of each drawn column, in units of an i16, to whole draws.
    law: Vec<(Lanes<f32>, Lanes<f32>)>,
    /// For each 32 columns where their values begin, and which of the 32 from there each column takes.
    spread: Vec<(u32, Lanes<u8>)>,
}

impl Cells {
    /// From the law of each cell, `law(token, bit, column)`: level and standard deviation in units of an
    /// i16, below 2^20 both. With `sparse` only cells whose law is not nothing are drawn, so that a draw belongs to a
    /// token's n-th conducting cell and no longer to a place.
    #[must_use]
    pub fn of(
        tokens: usize,
        [bits, columns]: [usize; 2],
        sparse: bool,
        law: impl Fn(usize, usize, usize) -> (f32, f32),
    ) -> Self {
        let width = columns.next_multiple_of(LANES);
        let token = |token: usize| {
            let mut own = TokenCells::default();
            let mut count = 0;
            for group in 0..bits * width / LANES {
                let first = count;
                let mut ranks = [u8::MAX; LANES];
                for (at, rank) in ranks.iter_mut().enumerate() {
                    let (bit, column) = (group * LANES / width, (group * LANES + at) % width);
                    let law = if column < columns {
                        law(token, bit, column)
                    } else {
                        (0.0, 0.0)
                    };
                    if sparse && law == (0.0, 0.0) {
                        continue;
                    }
                    *rank = (count - first) as u8;
                    if count % LANES == 0 {
                        own.law.push(([0.0; LANES], [0.0; LANES]));
                    }
                    let (means, gains) = &mut own.law[count / LANES];
                    (means[count % LANES], gains[count % LANES]) = law;
                    count += 1;
                }
                own.spread.push((first as u32, ranks));
            }
            own
        };
        Self {
            columns,
            width,
            bits,
            tokens: (0..tokens).map(token).collect(),
        }
    }

    /// Bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Columns of a bit, padded.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Groups of 32 columns of a token, and the most draws of one.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.bits * self.width / LANES
    }
}

/// The cells of a trial.
#[derive(Clone, Debug, Default)]
pub struct Written {
    cells: Vec<Line<Lanes<i16>>>,
    values: Vec<i16>,
}

for_each_level! {
    /// Writes V: token t draws its cells under `key`, from draw `first[t]` on.
    pub fn write_cells(cells: &Cells, key: u64, first: &[u64], written: &mut Written) = write
}

#[inline(always)]
fn write<S: Simd>(s: S, cells: &Cells, key: u64, first: &[u64], written: &mut Written) {
    let groups = cells.groups();
    written.cells.resize(first.len() * groups, Line([0; LANES]));
    // Room for the last group to read 32 values from wherever it begins.
    let most = cells.tokens.iter().map(|token| token.law.len());
    let most = most.max().unwrap_or(0);
    written.values.resize(LANES * (most + 1), 0);
    for ((token, first), row) in cells
        .tokens
        .iter()
        .zip(first)
        .zip(written.cells.chunks_mut(groups))
    {
        let (values, _) = written.values.as_chunks_mut::<LANES>();
        for (draw, ((means, gains), values)) in token.law.iter().zip(values).enumerate() {
            let normals = s.normals(key, first.wrapping_add(draw as u64));
            *values = s.cells(means, gains, &normals);
        }
        for ((first, ranks), row) in token.spread.iter().zip(row) {
            let values = &written.values[*first as usize..];
            if let Some(values) = values.first_chunk() {
                row.0 = s.spread(values, ranks);
            }
        }
    }
}

/// Room for a query: its sums, and the rows that a tile drives (where they begin, and their codes).
#[derive(Clone, Debug, Default)]
pub struct Joined {
    sums: Vec<Line<Lanes<i16>>>,
    starts: Vec<u32>,
    codes: Vec<i16>,
}

/// The queries of one trial.
#[derive(Clone, Copy, Debug)]
pub struct Driven<'a> {
    /// Token and code of A of each survivor, `token << 16 | code`, query by query; those of code 0 drive nothing.
    pub survivors: &'a [u32],
    /// Where the survivors of each query end.
    pub ends: &'a [u32],
    /// Key of the ADC's noise.
    pub key: u64,
    /// First of its draws, by query.
    pub first: &'a [u64],
    /// What a joined code is worth in the output, by query.
    pub gains: &'a [f32],
    /// Float output, query by query, padded to the width of a bit.
    pub float: &'a [f32],
}

for_each_level! {
    /// Adds the squared distance between the output and the float output to `squares`, and writes to `rows`
    /// how many rows are driven in each tile, query by query. Token t lies on tile t / `wordlines`. Tells how many
    /// sums lie beyond the largest code, by more than half an LSB.
    pub fn tile_product(
        cells: &Cells,
        written: &Written,
        rounding: &Rounding,
        wordlines: usize,
        driven: Driven<'_>,
        room: &mut Joined,
        squares: &mut [f32; 16],
        rows: &mut [u32],
    ) -> u64 = product
}

#[inline(always)]
fn product<S: Simd>(
    s: S,
    cells: &Cells,
    written: &Written,
    rounding: &Rounding,
    wordlines: usize,
    driven: Driven<'_>,
    room: &mut Joined,
    squares: &mut [f32; 16],
    rows: &mut [u32],
) -> u64 {
    let (groups, per_bit) = (cells.groups(), cells.width / LANES);
    room.sums.resize(per_bit + groups, Line([0; LANES]));
    let (joined, sums) = room.sums.split_at_mut(per_bit);
    let tiles = rows.len() / driven.first.len().max(1);
    let (mut begin, mut beyond) = (0, 0);
    for (query, (first, gain)) in driven.first.iter().zip(driven.gains).enumerate() {
        let survivors = &driven.survivors[begin..driven.ends[query] as usize];
        begin += survivors.len();
        if room.starts.len() < survivors.len() {
            room.starts.resize(survivors.len(), 0);
            room.codes.resize(survivors.len(), 0);
        }
        let (starts, codes) = (&mut room.starts[..], &mut room.codes[..]);
        joined.fill(Line([0; LANES]));
        for tile in 0..tiles {
            // Without a branch on what is drawn; a row of code 0 adds nothing and may come along.
            let (mut count, mut driving) = (0, 0);
            for survivor in survivors {
                let (token, code) = ((survivor >> 16) as usize, (survivor & 0xFFFF) as i16);
                let inside = token.wrapping_sub(tile * wordlines) < wordlines;
                starts[count] = (token * groups) as u32;
                codes[count] = code;
                count += usize::from(inside);
                driving += u32::from(inside & (code != 0));
            }
            rows[query * tiles + tile] = driving;
            if driving == 0 {
                continue;
            }
            let draw = first.wrapping_add((tile * groups.div_ceil(2)) as u64);
            s.drive(&written.cells, &starts[..count], &codes[..count], sums);
            beyond += count_beyond(sums, rounding);
            s.convert(sums, (driven.key, draw), rounding, cells.bits, joined);
        }
        // What the ADC reads where there is no column is no output.
        for column in cells.columns..cells.width {
            joined[column / LANES].0[column % LANES] = 0;
        }
        let float = driven.float[query * cells.width..][..cells.width].as_chunks::<LANES>();
        for (joined, float) in joined.iter().zip(float.0) {
            let halves = joined.0.as_chunks::<16>().0.iter();
            for (joined, float) in halves.zip(float.as_chunks::<16>().0) {
                for at in 0..16 {
                    let off = gain.mul_add(f32::from(joined[at]), -float[at]);
                    squares[at] = off.mul_add(off, squares[at]);
                }
            }
        }
    }
    beyond
}

/// How many sums lie beyond the largest code: more than half an LSB above it. Where there is no column the sum
/// is zero.
#[inline(always)]
fn count_beyond(sums: &[Line<Lanes<i16>>], rounding: &Rounding) -> u64 {
    let halves = 2 * rounding.max as u16 + 1;
    let most = (halves * (FRACTIONS as u16 / 2)) << rounding.finer;
    let mut beyond = [0_u16; LANES];
    for sums in sums {
        for (beyond, sum) in beyond.iter_mut().zip(&sums.0) {
            *beyond += u16::from(sum.unsigned_abs() > most);
        }
    }
    beyond.iter().map(|count| u64::from(*count)).sum()
}

#[cfg(test)]
mod tests;
