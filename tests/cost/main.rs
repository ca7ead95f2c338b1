//! Do cost and behaviour belong together: sums, threads, early stop, prices, and heads without numbers?

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "cli")]
mod commands;
mod converters;
mod laws;
mod nominal;
mod priced;
mod setup;
mod told;
mod traces;
