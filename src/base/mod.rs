//! Ground floor: what every other floor stands on, and no physics of any device.
//!
//! Import order, each room only from those above it: [`units`] · [`mistake`] · [`rng`] ·
//! [`range`] · [`survey`] · [`scaling`].

pub mod mistake;
pub mod range;
pub mod rng;
pub mod scaling;
pub mod survey;
pub mod units;
