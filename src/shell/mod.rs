//! Top floor: everything that meets a person.

pub mod published;
