//! Where queries, keys and values come from.

pub mod arrays;
