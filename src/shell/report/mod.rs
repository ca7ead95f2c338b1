//! Results as text: rows, breakdown, figures, and what a run says about itself.

mod accuracy;
mod figure;
mod rows;

pub use figure::figures;
pub use rows::{Entry, breakdown_csv, entry, header, rows_csv};
