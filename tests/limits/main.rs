//! Known truths: what a head comes to where the answer is known without the simulator.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod advice;
mod bits;
mod float;
mod lines;
mod ramp;
mod range;
mod selection;
mod setup;
mod softmax;
mod wires;
