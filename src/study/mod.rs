//! Third floor: what is fed to the hardware, and what is measured of it.

pub mod workload;
