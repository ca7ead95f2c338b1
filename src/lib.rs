//! A behavioural simulator of attention on analog in-memory-computing crossbars.

pub mod base;
pub mod hardware;
pub mod shell;
pub mod study;
