//! `rows.csv` and `breakdown.csv`. One row a point and design; units in the headers; a missing
//! value is an empty cell.

use crate::shell::experiment::{BREAKDOWN, Cell, Column, Table};

/// `rows.csv`.
#[must_use]
pub fn rows_csv(table: &Table) -> Vec<u8> {
    let header = table.columns.iter().map(Column::name).collect();
    csv(header, table.rows.iter().map(|row| &row.cells))
}

/// `breakdown.csv`.
#[must_use]
pub fn breakdown_csv(table: &Table) -> Vec<u8> {
    let header = BREAKDOWN.map(str::to_owned).to_vec();
    csv(header, table.rows.iter().flat_map(|row| &row.breakdown))
}

fn csv<'a>(header: Vec<String>, rows: impl Iterator<Item = &'a Vec<Cell>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory fails only for rows of unequal length, and every row has a cell a column.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(row.iter().map(Cell::to_string));
    }
    writer.into_inner().unwrap_or_default()
}
