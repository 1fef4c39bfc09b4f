//! Tab-separated values for pipes: a header row, no colour, one line a row.

use super::view::{Cell, Column};

pub(super) fn draw(columns: &[Column], rows: &[Vec<Cell>]) -> String {
    let header = columns.iter().map(|column| column.name.to_owned()).collect::<Vec<_>>().join("\t");
    header + "\n" + &draw_rows(rows)
}

/// The rows alone.
pub(super) fn draw_rows(rows: &[Vec<Cell>]) -> String {
    let mut text = String::new();
    for row in rows {
        for (i, cell) in row.iter().enumerate() {
            if i > 0 {
                text.push('\t');
            }
            text.push_str(cell.plain_text());
        }
        text.push('\n');
    }
    text
}
