//! Results as text: rows, breakdown and figures.

mod figure;
mod rows;

pub use figure::figures;
pub use rows::{breakdown_csv, rows_csv};
