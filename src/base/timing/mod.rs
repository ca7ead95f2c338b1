//! How long it takes: traces in, whole picoseconds out.
//!
//! [`TimeConstants`] (a device's, each with its source) and [`Switches`] (what the paper leaves
//! open) are checked together to a [`Timing`]. It gives the [`StageTimes`] of one query from the
//! query's own trace, and a [`Progress`] that lays queries one after another or over one another;
//! [`LaneProgress`] is their twin for 32 trials side by side.

mod closed;
mod constants;
mod lanes;
mod progress;
mod query;
mod ramp;
mod schedule;

pub use closed::Closed;
pub use constants::{Arbiter, RowTime, StartUp, Switches, TimeConstants, Timing};
pub use lanes::LaneProgress;
pub use progress::{Progress, Run};
pub use query::{HeadShape, StageTimes, pulse_units};
pub use ramp::{Request, Served, paper_max, queue, queue_time, stall};
pub use schedule::Schedule;
