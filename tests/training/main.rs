//! Training from a file: are the weights a function of the file and the seed alone, does it learn, does
//! its forward pass agree with the reference, and what does bad input get?

#![cfg(feature = "cli")]
#![allow(missing_docs, clippy::unwrap_used)]

mod mistakes;
mod reference;
mod runs;
mod setup;
mod shipped;
