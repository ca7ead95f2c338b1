//! Training of a small vision transformer whose attention keeps the k largest scores of a row.
//!
//! Forward and backward are written out by hand on f32 slices; the products are the matrix library's.
//! Nothing here opens a file, reads a clock or starts a thread: a [`Crew`] of the shell does the parts
//! of a batch, and the gradients are added in the order of the parts. The same seed gives the same
//! weights for any crew on machines whose products round alike (with or without fused
//! multiply-add, which the matrix library chooses).
//!
//! - [`NetParams`] sizes, [`AttentionParams`] which scores are kept, which gradient goes back and what is
//!   quantised, [`ScheduleParams`] how long and how; each is checked before anything runs.
//! - [`Trainer`] takes steps, [`accuracy`] counts right answers.

mod adamw;
mod attention;
mod checkpoint;
mod gemm;
mod images;
mod layer;
mod layout;
mod math;
mod net;
mod select;
#[cfg(test)]
mod tests;
mod trainer;
mod way;

pub use adamw::{Moments, ScheduleParams};
pub use checkpoint::{Metadata, read_state, read_weights, rounded, write_state, write_weights};
pub use images::Images;
pub use layout::{Net, NetParams, Tensor};
pub use net::{Loss, Model, Tape, best};
pub use select::{Keep, TopParams};
pub use trainer::{
    Alone, Crew, Diverged, GRAIN, State, Task, Trainer, accuracy, classify, first_weights, units,
};
pub use way::{Attend, AttentionParams, Gradient, QatParams, Units};
