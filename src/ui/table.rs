//! Aligned tables for terminals: the only user of comfy-table.

use comfy_table::{
    Attribute, Cell as TableCell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
    presets,
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::Tone;
use super::view::{Cell, Column};

/// Between two columns.
pub const GAP: u16 = 2;

/// To this width the cells of an expendable column may be cut before the column goes.
const LEAST: usize = 20;

/// Draws the rows in at most `width` columns: cells of expendable columns are cut, then such columns
/// go, then cells wrap. What is cut here is whole in every other format.
pub(super) fn draw(columns: &[Column], rows: &[Vec<Cell>], width: usize, colours: bool) -> String {
    Layout::fitting(columns, rows, width).draw(columns, rows, width, colours)
}

/// The rows alone, aligned, a line each, for a list to choose from.
pub fn lines(columns: &[Column], rows: &[Vec<Cell>], width: usize, colours: bool) -> Vec<String> {
    // Names that nobody sees take no room.
    let nameless: Vec<Column> = columns.iter().map(|column| Column { name: "", ..*column }).collect();
    let table = Layout::fitting(&nameless, rows, width).table(&nameless, rows, width, colours);
    table.lines().map(|line| trimmed(&line)).collect()
}

/// Which columns are shown, and how wide: what rows that come later must keep to.
pub(super) struct Layout(Vec<Shown>);

/// A column that is shown, and how wide its cells may be.
struct Shown {
    column: usize,
    width: usize,
}

impl Layout {
    /// The kept columns, then the others by rank as long as they fit when they are cut; what room is
    /// left gives them back, by rank, what they lost. After the first that doesn't fit comes none that
    /// matters less.
    pub(super) fn fitting(columns: &[Column], rows: &[Vec<Cell>], width: usize) -> Layout {
        let gap = usize::from(GAP);
        let whole = |column: usize| widest(rows, column).max(columns[column].name.width());
        let mut by_rank: Vec<(usize, usize)> =
            (0..columns.len()).map(|column| (column, whole(column))).collect();
        by_rank.sort_by_key(|(column, _)| columns[*column].expendable);
        // The last column needs no gap behind it.
        let mut room = width + gap;
        let mut shown = Vec::new();
        for (column, whole) in by_rank.iter().copied() {
            let kept = columns[column].expendable == 0;
            let width = if kept { whole } else { whole.min(LEAST) };
            if !kept && width + gap > room && !columns[column].asked {
                break;
            }
            room = room.saturating_sub(width + gap);
            shown.push(Shown { column, width });
        }
        for (shown, (_, whole)) in shown.iter_mut().zip(by_rank) {
            let more = room.min(whole - shown.width);
            shown.width += more;
            room -= more;
        }
        shown.sort_unstable_by_key(|shown| shown.column);
        Layout(shown)
    }

    /// The rows below their header.
    pub(super) fn draw(&self, columns: &[Column], rows: &[Vec<Cell>], width: usize, colours: bool) -> String {
        let mut table = self.table(columns, rows, width, colours);
        table.set_header(self.0.iter().map(|Shown { column, .. }| {
            let cell = TableCell::new(columns[*column].name);
            let cell = if columns[*column].right { cell.set_alignment(CellAlignment::Right) } else { cell };
            if colours { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        text(&table)
    }

    /// More rows, below those that were drawn before. A column that needs more room than any row
    /// before gets what there is.
    pub(super) fn draw_more(
        &mut self,
        columns: &[Column],
        rows: &[Vec<Cell>],
        width: usize,
        colours: bool,
    ) -> String {
        let gap = usize::from(GAP);
        let taken: usize = self.0.iter().map(|shown| shown.width + gap).sum();
        let mut room = (width + gap).saturating_sub(taken);
        let mut by_rank: Vec<&mut Shown> = self.0.iter_mut().collect();
        by_rank.sort_by_key(|shown| columns[shown.column].expendable);
        for shown in by_rank {
            let wanted = widest(rows, shown.column).saturating_sub(shown.width);
            let kept = columns[shown.column].expendable == 0;
            shown.width += if kept { wanted } else { wanted.min(room) };
            room = room.saturating_sub(wanted);
        }
        let mut table = self.table(columns, rows, width, colours);
        let whole: usize = self.0.iter().map(|shown| shown.width + gap).sum();
        if whole <= width + gap {
            for (column, shown) in table.column_iter_mut().zip(&self.0) {
                let width = u16::try_from(shown.width).unwrap_or(u16::MAX).saturating_add(GAP);
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
            }
        }
        text(&table)
    }

    fn table(&self, columns: &[Column], rows: &[Vec<Cell>], width: usize, colours: bool) -> Table {
        let mut table = Table::new();
        // The padding behind the last column is trimmed off again.
        let width = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(GAP);
        table.load_style(presets::NOTHING).set_width(width);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        for row in rows {
            table.add_row(self.0.iter().map(|shown| {
                let cell = styled(&row[shown.column], shown.width, colours);
                if columns[shown.column].right { cell.set_alignment(CellAlignment::Right) } else { cell }
            }));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        // What a row is about is the last to be broken where cells must wrap.
        if let (Some(column), Some(shown)) = (table.column_mut(0), self.0.first())
            && shown.width * 3 <= usize::from(width)
        {
            let whole = u16::try_from(shown.width).unwrap_or(u16::MAX).saturating_add(GAP);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(whole)));
        }
        table
    }
}

/// The padding of the last column, and cells that end in blanks, would be trailing white space.
fn text(table: &Table) -> String {
    table.lines().map(|line| trimmed(&line) + "\n").collect()
}

fn widest(rows: &[Vec<Cell>], column: usize) -> usize {
    rows.iter().map(|row| row[column].text().width()).max().unwrap_or(0)
}

/// `text` in at most `width` columns. It is the end that goes: addresses and names of one
/// organisation differ at their beginnings.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |c: &char| {
        taken += c.width().unwrap_or(0);
        taken < width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

fn styled(cell: &Cell, width: usize, colours: bool) -> TableCell {
    let text = TableCell::new(cut(cell.text(), width));
    if !colours {
        return text;
    }
    match cell.tone {
        Tone::Plain => text,
        Tone::Good => text.fg(Color::DarkGreen),
        Tone::Warn => text.fg(Color::DarkYellow),
        Tone::Bad => text.fg(Color::DarkRed),
        Tone::Guarded => text.fg(Color::DarkMagenta).add_attribute(Attribute::Bold),
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
    fn what_was_asked_for_stays_in_the_narrowest_terminal() {
        let columns = [COLUMNS[0], COLUMNS[1], Column::asked("CHECK"), Column::expendable("TENANT", 2)];
        let rows = rows().into_iter().map(|mut row| {
            row.insert(2, Cell::new("ok"));
            row
        });
        let text = draw(&columns, &rows.collect::<Vec<_>>(), 50, false);
        assert!(text.contains("CHECK") && !text.contains("TENANT"), "{text}");
        assert!(text.lines().all(|line| line.width() <= 50), "{text}");
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
    fn long_cells_are_cut_before_a_column_goes_and_none_that_matters_less_comes_in() {
        const COLUMNS: [Column; 6] = [
            Column::kept("PROFILE"),
            Column::expendable("API URL", 2),
            Column::expendable("TENANT", 4),
            Column::expendable("USER", 3),
            Column::kept("TOKEN"),
            Column::expendable("EXPIRES", 1),
        ];
        let row = |cells: [&str; 6]| cells.map(Cell::new).to_vec();
        let rows = [
            row([
                "staging",
                "https://api.staging.example.test/api/v1",
                "acme",
                "ada@example.test",
                "valid",
                "in 3 d",
            ]),
            row([
                "long",
                &format!("https://{}.test", "a".repeat(80)),
                "é",
                "m@x.test",
                "refreshable",
                "2 d ago",
            ]),
        ];
        insta::assert_snapshot!(draw(&COLUMNS, &rows, 60, false), @r"
        PROFILE  API URL                        TOKEN        EXPIRES
        staging  https://api.staging.example.…  valid        in 3 d
        long     https://aaaaaaaaaaaaaaaaaaaa…  refreshable  2 d ago
        ");
        insta::assert_snapshot!(draw(&COLUMNS, &rows, 80, false), @r"
        PROFILE  API URL                  TENANT  USER              TOKEN        EXPIRES
        staging  https://api.staging.ex…  acme    ada@example.test  valid        in 3 d
        long     https://aaaaaaaaaaaaaa…  é       m@x.test          refreshable  2 d ago
        ");
        insta::assert_snapshot!(draw(&COLUMNS, &rows, 200, false), @r"
        PROFILE  API URL                                                                                        TENANT  USER              TOKEN        EXPIRES
        staging  https://api.staging.example.test/api/v1                                                        acme    ada@example.test  valid        in 3 d
        long     https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test  é       m@x.test          refreshable  2 d ago
        ");
        for width in 40..200 {
            let text = draw(&COLUMNS, &rows, width, false);
            assert!(
                text.lines().all(|line| line.width() <= width) && text.lines().count() == 3,
                "{width}:\n{text}"
            );
        }
        assert_eq!((cut("漢字漢字", 5).as_str(), cut("漢字", 4).as_str()), ("漢字…", "漢字"));
    }

    #[test]
    fn rows_that_come_later_stand_below_the_first_and_numbers_to_the_right() {
        const COLUMNS: [Column; 3] =
            [Column::kept("ORDER"), Column::kept("TOTAL").right(), Column::expendable("STATUS", 1)];
        let row = |cells: [&str; 3]| cells.map(Cell::new).to_vec();
        let first = [row(["1", "2999.00", "pending"]), row(["2", "0.10", "failed"])];
        let mut layout = Layout::fitting(&COLUMNS, &first, 30);
        let mut text = layout.draw(&COLUMNS, &first, 30, false);
        text += &layout.draw_more(&COLUMNS, &[row(["3", "5.00", "x"])], 30, false);
        text += &layout.draw_more(&COLUMNS, &[row(["4", "1000000.00", "out_for_delivery"])], 30, false);
        text += &layout.draw_more(&COLUMNS, &[row(["5", "6.00", "y"])], 30, false);
        insta::assert_snapshot!(text, @r"
        ORDER    TOTAL  STATUS
        1      2999.00  pending
        2         0.10  failed
        3         5.00  x
        4      1000000.00  out_for_de…
        5            6.00  y
        ");
    }

    #[test]
    fn colour_changes_no_text_and_control_characters_do_not_get_through() {
        let rows = vec![vec![Cell::new("a\u{1b}[31m\nb").tone(Tone::Bad)]];
        let text = draw(&[Column::kept("X")], &rows, 80, true);
        assert!(!text.contains("\u{1b}[31m\n") && text.contains("a [31m b"), "{text:?}");
    }
}
