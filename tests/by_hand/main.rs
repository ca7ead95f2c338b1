//! Small heads whose numbers are worked out by hand, in both modes.
//!
//! Each truth here is one that a change of a single sign, place or count in the source breaks. What is expected is
//! written out from the definition: a count, a ladder of resistors, a law of probability; nothing is taken from a run.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod cells;
mod counts;
mod files;
mod metrics;
mod places;
mod pulses;
mod setup;
mod wires;
mod writes;
