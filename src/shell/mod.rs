//! Top floor: what touches files, threads and people.

pub mod plot;
pub mod published;
