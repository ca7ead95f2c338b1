//! The shipped device files: that they read, and that their cells do what was published.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod cells;
mod effects;
mod files;
mod laws;
mod published;
mod ranges;
mod told;
