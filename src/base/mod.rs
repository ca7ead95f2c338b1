//! Ground floor: what every other floor stands on, and no physics of any device.
//!
//! Import order, each room only from those above it: [`units`] · [`hex`] · [`kernel`] · [`mistake`] · [`notice`] ·
//! [`sourced`] · [`rng`] · [`range`] · [`survey`] · [`scaling`] · [`cost`] · [`energy`] · [`timing`].

pub mod cost;
pub mod energy;
pub mod hex;
pub mod kernel;
pub mod mistake;
pub mod notice;
pub mod range;
pub mod rng;
pub mod scaling;
pub mod sourced;
pub mod survey;
pub mod timing;
pub mod units;
