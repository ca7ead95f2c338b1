//! Second floor: what is run on the hardware and what is measured.

pub mod metrics;
pub mod model;
pub mod task;
pub mod train;
pub mod workload;
