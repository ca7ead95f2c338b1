//! Top floor: what touches files, threads and people.

pub mod plot;
//! Top floor: everything that meets a person.

pub mod published;
