//! What a run does, counted: [`Action`]s by [`Stage`], and the trace from which time is read.
//!
//! Behaviour emits integers only. Integers add exactly and in any order, so a run cut into chunks
//! or threads counts the same, and one run can be priced again under another list. Joules are made
//! of the counts by [`energy`](super::energy), picoseconds of the trace by
//! [`timing`](super::timing).

mod action;
mod count;
mod trace;

pub use action::{Action, Stage};
pub use count::{Cost, Costed, Ledger};
pub use trace::{QueryTrace, RampShape, StepGrants, TileShape, TileTrace, sort_compares};
