//! Ground floor: what every other floor stands on, and no physics of any device.
//!
//! Import order, each room only from those above it: [`units`] · [`mistake`] · [`sourced`] ·
//! [`rng`] · [`cost`] · [`energy`] · [`timing`].
//! Import order, each room only from those above it: [`units`] · [`mistake`] · [`rng`] ·
//! [`range`] · [`survey`] · [`scaling`].

pub mod cost;
pub mod energy;
pub mod mistake;
pub mod range;
pub mod rng;
pub mod sourced;
pub mod timing;
pub mod scaling;
pub mod survey;
pub mod units;
