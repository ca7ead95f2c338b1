//! Ground floor: what every other floor stands on, and no physics of any device.
//!
//! Import order, each room only from those above it: [`units`] · [`hex`] · [`mistake`] · [`json`] · [`notice`] · [`sourced`] ·
//! [`rng`] · [`vocabulary`] · [`cost`] · [`energy`] · [`pipeline`] · [`arrays`].

pub mod arrays;
pub mod cost;
pub mod energy;
pub mod hex;
pub mod json;
pub mod mistake;
pub mod notice;
pub mod pipeline;
pub mod rng;
pub mod sourced;
pub mod units;
pub mod vocabulary;
