//! Do the two modes have one meaning?
//!
//! `exact` draws every cell and every column; `fast` draws what can matter, 32 trials at once. They share
//! no draw, so they are compared as laws: trial by trial numbers by Kolmogorov-Smirnov, mean and variance,
//! selections and stop steps cell by cell with a permutation test. Each comparison is made twice more with every
//! sigma larger, where noise decides much by 1 %, when some number has to be five standard errors off, and by 5 %, when
//! selections, recall, survivor error and stop steps have to tell it each by itself, in every design; where less hangs on
//! noise (a peaked head, a real one, one query) by two to ten times as much. Seeds are fixed: nothing flickers.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "cli")]
#[path = "../common/interrupted.rs"]
mod interrupted;

#[cfg(feature = "cli")]
mod bytes;
mod chips;
mod clean;
mod compare;
mod cuts;
mod factors;
mod heads;
mod laws;
mod modes;
mod money;
mod range;
mod setup;
mod values;
