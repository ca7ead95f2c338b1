//! Fast loops over plain slices, each beside the scalar form that defines it.
//!
//! A loop is written once, generic over the instructions it may use, and compiled for three levels:
//! AVX-512 (with VNNI), AVX2 and portable. One binary holds all three and picks at run time. The bits
//! are the same on each: sums of products are integers, and every float operation is element by element
//! one that IEEE 754 rounds alike everywhere; what is fused is written `mul_add` and fused everywhere.
//!
//! [`LANES`] trials go side by side: a value that differs from trial to trial is an array of `LANES`.
//!
//! This is the only room with `unsafe`. It is needed for two things: to call a copy compiled for
//! instructions that the compiler does not assume (a [`Level`] exists only if the processor has them),
//! and for the loads of those instructions.

#![allow(unsafe_code)]
// Lanes are walked by index: it is what the compiler turns into vectors in every case.
#![allow(clippy::needless_range_loop, clippy::too_many_arguments)]

mod clock;
mod column;
mod level;
mod normal;
mod octave;
mod product;
mod rank;
mod row;
mod tiles;

pub use clock::{Slowest, TileClock, take_slowest};
pub use column::{
    Column, ColumnDraws, Factor, Pair, Source, Statics, StepMix, convert_column, convert_jointly,
};
pub use level::Level;
pub use normal::{fill_normals, normal, normals, words};
pub use product::{MOST, Rows, plain_product};
pub use rank::{EMPTY, best, overtaken};
pub use row::{Known, RowSums, RowTables, Slot, Weighing, ln, merge, softmax_row, unpack};

pub use tiles::{Cells, Driven, GRID, Rounding, Written, tile_product, write_cells};

/// Trials that go side by side.
pub const LANES: usize = 32;

/// A number for each lane.
pub type Lanes<T> = [T; LANES];
