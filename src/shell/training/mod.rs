//! Training ways x seeds: steps, a log, checkpoints to resume from, finished weights and their table.

mod checkpoint;
mod run;
mod table;

pub use run::{ENDINGS, Pool, Run, Stand, Stands, TrainingError};
pub use table::{header, row};
