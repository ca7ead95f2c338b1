//! Top floor: what touches files, threads and people.

pub mod config;
pub mod experiment;
pub mod plot;
pub mod published;
