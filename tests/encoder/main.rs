//! Does an encoder compute what the original does, and do its heads on the hardware follow it?

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod advice;
mod bad;
mod folder;
mod hardware;
mod meant;
mod own;
mod probe;
mod reference;
mod runs;
mod sentence;
mod setup;
mod tables;
mod words;
