//! Second floor: what is run on the hardware and what is measured.

pub mod metrics;
//! Third floor: what is fed to the hardware, and what is measured of it.

pub mod workload;
