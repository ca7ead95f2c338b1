//! Does a folder belong to one run, and is nothing lost, mixed or harmed by another?

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/interrupted.rs"]
mod interrupted;
mod setup;

mod dump;
mod full;
mod journal;
mod names;
mod owner;
mod places;
mod printed;
mod resumed;
mod signals;
mod training;
