//! What bad input gets: every mistake at once, each on a line that names file, key, value, what is
//! allowed and what to do; exit 2 (1 where the system fails); no panic, no wait, and nothing in the
//! output folder.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)]

mod arrays;
mod asked;
mod devices;
mod experiments;
mod mutations;
mod ranges;
mod rows;
mod setup;
mod sweeps;
