//! Ground floor: what every other floor stands on, and no physics of any device.
//!
//! Import order, each room only from those above it: [`units`] · [`mistake`] · [`sourced`] ·
//! [`rng`] · [`cost`] · [`energy`] · [`timing`].

pub mod cost;
pub mod energy;
pub mod mistake;
pub mod rng;
pub mod sourced;
pub mod timing;
pub mod units;
