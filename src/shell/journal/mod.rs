//! Files that appear whole or not at all, what is run in a folder, and a journal to resume it from.

mod lines;
mod place;
mod title;

pub use lines::{Found, Head, Journal, Kept, Lies};
pub use place::{
    JournalError, clean, foreign, hold, is_part, no_file, no_folder, probe, same_file, unhold,
    write_whole,
};
pub use title::{Title, changes, shortened};
