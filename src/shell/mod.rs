//! Top floor: what touches files, threads and people.

#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod experiment;
pub mod journal;
pub mod plot;
pub mod published;
pub mod report;
pub mod training;
