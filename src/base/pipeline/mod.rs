//! How queries follow one another through the stages of a machine, in whole picoseconds.
//!
//! [`StageTimes`] are what one query takes. A [`Schedule`] lays queries one after another or over one another, and
//! [`Progress`] is a run of them under way.

mod progress;
mod schedule;
mod times;

pub use progress::{Progress, Run};
pub use schedule::Schedule;
pub use times::StageTimes;

#[cfg(test)]
pub(crate) use schedule::tests::stage_by_stage;
