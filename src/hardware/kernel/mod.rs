//! Fast loops over plain slices, each beside the scalar form that defines it.
//!
//! A loop is written once, generic over the instructions it may use, and compiled for three levels:
//! AVX-512 (with VNNI), AVX2 and portable. One binary holds all three and picks at run time. The bits
//! are the same on each: sums of products are integers, and every float operation is element by element
//! one that IEEE 754 rounds alike everywhere; what is fused is written `mul_add` and fused everywhere.
//!
//! [`LANES`] trials go side by side: a value that differs from trial to trial is an array of `LANES`.
//!
//! # Where the time of a trial goes
//!
//! One trial of `experiments/throughput.toml` (384 queries x 384 keys of 64 rows, k = 3 + 2): of 147 456 pairs
//! about 16 000 are converted. On one core of a Xeon with AVX-512 it takes 27 us, between a fifth and a quarter of the 126 us of the bare
//! f32 product of that shape:
//!
//! | part | share | floor it stands on |
//! |---|---|---|
//! | columns: normals, factors, codes ([`convert_jointly`]) | 40 % | one normal a pair: 39 instructions on two ports for 16 of them, 0.5 ns each; m^2/2 products a column with m pairs |
//! | A x V and its distance ([`plain_product`]) | 14 % | 5 x 64 products and 64 squares a query: 10 ns |
//! | softmax row and its sums ([`softmax_row`]) | 8 % | four fetches a survivor, 6 ns a query |
//! | lists, their places, columns left out ([`best`], [`unpack`], [`overtaken`]) | 16 % | 2 minima a key and place, one uniform a tile |
//! | stop steps, time and energy ([`take_stop`], [`pass_query`]) | 7 % | a count a tile, a maximum a station |
//! | the rest: start-up, allocation, statistics over trials, CSV | 15 % | |
//!
//! With errors that several heads of a chip share, or a column kept by more queries than twice its sources of error,
//! errors are drawn row by row and multiplied ([`convert_column`]): 64 normals and 32 products of pairs of i16 a pair of lanes instead.
//!
//! Beside the conventional design all pairs are converted, and its own softmax ([`softmax_all`]) and A x V take every
//! column: 0.8 ms a trial of the same head, half of it A x V, a quarter the columns.
//!
//! With V on noisy tiles (`experiments/throughput_nominal.toml`, 147 us) half of the time is [`tile_product`]: the plain
//! ADC converts 196 608 sums a trial, 0.3 ns each. Of the 29 instructions for 32 of them, 13 make the uniforms
//! (two 64-bit multiplications are six) and nine look up three thresholds. A fifth is [`write_cells`]: a normal for
//! each of 33 000 conducting cells.
//!
//! Bytes moved a block of 32 trials: 64 a converted pair (its keys), 1.3 MB of factors, the lists of a query stay
//! in registers; on tiles 200 kB of cells a trial are written and read from the second-level cache. Nothing grows with
//! the number of trials.
//!
//! # Unsafe
//!
//! This is the only room with `unsafe`. It is needed to call a copy compiled for instructions that the compiler does
//! not assume (a [`Level`] exists only if the processor has them), for the loads and stores of those instructions, and
//! to turn a number into a whole one without looking whether it fits, where it was cut to fit.

#![allow(unsafe_code)]
// Lanes are walked by index: it is what the compiler turns into vectors in every case.
#![allow(clippy::needless_range_loop, clippy::too_many_arguments)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod clock;
mod column;
mod level;
mod logarithm;
mod normal;
mod octave;
mod plain;
mod product;
mod rank;
mod row;
mod slot;
mod tiles;

pub use clock::{Granted, Passed, Station, Stops, TileClock, pass_query, take_stop};
pub use column::{
    Column, ColumnDraws, Factor, Pair, Source, Statics, StepMix, convert_column, convert_jointly,
};
pub use level::Level;
pub use logarithm::ln;
pub use normal::{fill_normals, normal, normals, words};
pub use product::{Rows, plain_product};
pub use rank::{EMPTY, best, overtaken};
pub use row::{Known, RowSums, RowTables, Weighing, softmax_all, softmax_row};
pub use slot::{Slot, merge, unpack};
pub use tiles::{Cells, Driven, FINEST, Joined, Rounding, Written, tile_product, write_cells};

/// Trials that go side by side.
pub const LANES: usize = 32;

/// A number for each lane.
pub type Lanes<T> = [T; LANES];

/// Numbers that begin on a cache line: a wide load that straddles two costs as much as two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
struct Line<T>(pub T);
