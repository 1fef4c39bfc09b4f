//! Aligned tables for terminals: the only user of comfy-table.

use comfy_table::{Attribute, Cell as TableCell, Color, ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr;

use super::style::Tone;
use super::view::{Cell, Column};
use crate::domain::one_line;

/// Between two columns.
const GAP: u16 = 2;

/// Draws the rows in at most `width` columns: expendable columns go first, then cells wrap.
pub(super) fn draw(columns: &[Column], rows: &[Vec<Cell>], width: usize, colours: bool) -> String {
    let shown = fitting(columns, rows, width);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(shown.iter().map(|i| {
        let cell = TableCell::new(columns[*i].name);
        if colours { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    for row in rows {
        table.add_row(shown.iter().map(|i| styled(&row[*i], colours)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    // The padding of the last column, and cells that end in blanks, would be trailing white space.
    table.lines().map(|line| trimmed(&line) + "\n").collect()
}

/// The columns that are shown: the kept ones, then the others by rank as long as they fit.
fn fitting(columns: &[Column], rows: &[Vec<Cell>], width: usize) -> Vec<usize> {
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let cells = rows.iter().map(|row| one_line(&row[i].text).width());
            cells.chain([column.name.width()]).max().unwrap_or(0) + usize::from(GAP)
        })
        .collect();
    let mut by_rank: Vec<usize> = (0..columns.len()).collect();
    by_rank.sort_by_key(|i| columns[*i].expendable);
    let mut shown = Vec::new();
    let mut taken = 0;
    for column in by_rank {
        // The last column needs no gap behind it.
        if columns[column].expendable == 0 || taken + widths[column] <= width + usize::from(GAP) {
            taken += widths[column];
            shown.push(column);
        }
    }
    shown.sort_unstable();
    shown
}

fn styled(cell: &Cell, colours: bool) -> TableCell {
    let text = TableCell::new(one_line(&cell.text).as_ref());
    if !colours {
        return text;
    }
    match cell.tone {
        Tone::Plain => text,
        Tone::Good => text.fg(Color::DarkGreen),
        Tone::Warn => text.fg(Color::DarkYellow),
        Tone::Bad => text.fg(Color::DarkRed),
        Tone::Faint => text.add_attribute(Attribute::Dim),
        Tone::Strong => text.add_attribute(Attribute::Bold),
    }
}

/// Without trailing blanks, also where they stand before a final escape sequence.
fn trimmed(line: &str) -> String {
    let mut rest = line.trim_end();
    let mut tail = String::new();
    while let Some(start) = rest.rfind('\u{1b}').filter(|start| rest[*start..].ends_with('m')) {
        if rest[start..].chars().filter(|c| *c == 'm').count() != 1 {
            break;
        }
        tail.insert_str(0, &rest[start..]);
        rest = rest[..start].trim_end();
    }
    format!("{rest}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<Cell>> {
        vec![
            vec![
                Cell::new("staging"),
                Cell::new("https://api.staging.example.test/api/v1"),
                Cell::new("acme"),
            ],
            vec![Cell::new("prod"), Cell::new("https://api.example.test/api/v1"), Cell::absent()],
        ]
    }

    const COLUMNS: [Column; 3] =
        [Column::kept("PROFILE"), Column::kept("API URL"), Column::expendable("TENANT", 1)];

    #[test]
    fn columns_align_and_no_line_ends_in_blanks() {
        let text = draw(&COLUMNS, &rows(), 100, false);
        insta::assert_snapshot!(text, @r"
        PROFILE  API URL                                  TENANT
        staging  https://api.staging.example.test/api/v1  acme
        prod     https://api.example.test/api/v1          -
        ");
        assert!(text.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn a_narrow_terminal_loses_columns_first_and_then_wraps_within_its_width() {
        let text = draw(&COLUMNS, &rows(), 50, false);
        assert!(!text.contains("TENANT") && text.lines().count() == 3, "{text}");
        let text = draw(&COLUMNS, &rows(), 30, false);
        assert!(text.lines().all(|line| line.width() <= 30), "{text}");
        assert!(text.lines().count() > 3);
    }

    #[test]
    fn colour_changes_no_text_and_control_characters_do_not_get_through() {
        let rows = vec![vec![Cell::new("a\u{1b}[31m\nb").tone(Tone::Bad)]];
        let text = draw(&[Column::kept("X")], &rows, 80, true);
        assert!(!text.contains("\u{1b}[31m\n") && text.contains("a [31m b"), "{text:?}");
    }
}
