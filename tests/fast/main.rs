//! Do the two modes have one meaning?
//!
//! `exact` draws every cell and every column; `fast` draws what can matter, 32 trials at once. They share
//! no draw, so they are compared as laws: trial by trial numbers by Kolmogorov-Smirnov, mean and variance,
//! selections and stop steps cell by cell with a permutation test. Each comparison is made once more with
//! every sigma larger, by 1 % where noise decides much, and then has to fail. Seeds are fixed: nothing flickers.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

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
mod setup;
mod values;
