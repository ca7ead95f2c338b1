//! How long it takes: traces in, whole picoseconds out.
//!
//! [`TimeConstants`] (a device's, each with its source) and [`Switches`] (what the paper leaves
//! open) are checked together to a [`Timing`]. It gives the [`StageTimes`](super::events::StageTimes) of one query from
//! the query's own trace; [`pipeline`](crate::base::pipeline) lays queries one after another or over one another, and
//! [`LaneProgress`] is its twin for 32 trials side by side.

mod closed;
mod constants;
mod lanes;
mod query;
mod ramp;

pub use closed::Closed;
pub use constants::{Arbiter, RowTime, StartUp, Switches, TimeConstants, Timing};
pub use lanes::LaneProgress;
pub use query::{HeadShape, pulse_units};
pub use ramp::{Request, Served, paper_max, queue, queue_time, stall};
