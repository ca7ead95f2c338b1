//! Every noise source against its formula: mean, standard deviation, distribution, lifetime.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod alphas;
mod cells;
mod columns;
mod lifetimes;
mod setup;
mod values;
