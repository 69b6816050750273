//! Tables, cells and times as text.

use std::io::{self, IsTerminal as _};

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};

use crate::terminal::printable;

/// A table with aligned columns, a line a row; on a terminal, long cells are wrapped to its width.
/// Without rows it is `none`, so that the reader does not wait for them.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]], none: &str) -> String {
    if rows.is_empty() {
        return format!("{none}\n");
    }
    laid_out(head, rows, terminal_width())
}

/// The width of the terminal that shows stdout, if one does and if it is wide enough to wrap cells.
/// Tests have none: their answers do not depend on where they run.
fn terminal_width() -> Option<u16> {
    const NARROWEST: u16 = 60;
    let is_shown = !cfg!(test) && io::stdout().is_terminal();
    let (_, columns) = is_shown.then(|| console::Term::stdout().size_checked()).flatten()?;
    (columns >= NARROWEST).then_some(columns)
}

fn laid_out<const N: usize>(head: [&str; N], rows: &[[String; N]], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head);
    for row in rows {
        table.add_row(row.each_ref().map(|cell| printable(&one_line(cell))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(width) = width {
        // An id or an instant in two pieces cannot be copied: only columns of words are wrapped.
        for (at, column) in table.column_iter_mut().enumerate() {
            if rows.iter().all(|row| !row[at].trim().contains(' ')) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        // A report indents its tables by two.
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width - 2);
    }
    table.trim_fmt() + "\n"
}

/// A cell: names come from servers and may hold anything.
pub fn one_line(cell: &str) -> String {
    if cell.is_empty() {
        return "-".to_owned();
    }
    cell.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).collect()
}

/// "yes" or "no".
pub fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// A span of seconds in the largest unit that it fills.
pub fn ago(seconds: i64) -> String {
    match seconds {
        ..0 => "in the future".to_owned(),
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [
            ["c1".to_owned(), "Übung".to_owned(), "yes".to_owned()],
            ["c22222".to_owned(), String::new(), "no".to_owned()],
        ];
        assert_eq!(
            table(["id", "name", "writable"], &rows, "none"),
            "id      name   writable\nc1      Übung  yes\nc22222  -      no\n"
        );
    }

    #[test]
    fn an_id_in_any_column_stays_in_one_piece() {
        let id = "6f1c7a52-9c0e-4a63-8a53-0d0e6c1b7f11.ics";
        let words = "the server refuses this event for good";
        let rows = [["create".to_owned(), words.to_owned(), "c1".to_owned(), id.to_owned()]];
        let shown = laid_out(["", "reason", "calendar", "event"], &rows, Some(80));
        assert!(shown.contains(id) && !shown.contains(words), "{shown}");
    }

    #[test]
    fn long_cells_are_wrapped_to_the_terminal() {
        let name = "A calendar whose name is much longer than a line of the terminal is wide";
        let rows = [["c1234567890123456789012345".to_owned(), name.to_owned(), "yes".to_owned()]];
        assert_eq!(
            laid_out(["id", "name", "writable"], &rows, Some(62)),
            "id                          name                  writable\n\
             c1234567890123456789012345  A calendar whose      yes\n\
             \u{20}                           name is much longer\n\
             \u{20}                           than a line of the\n\
             \u{20}                           terminal is wide\n"
        );
        assert_eq!(laid_out(["id", "name", "writable"], &rows, None).lines().count(), 2);
    }

    #[test]
    fn an_empty_table_is_said() {
        assert_eq!(table(["id"], &[], "There are no pairs."), "There are no pairs.\n");
    }

    #[test]
    fn a_name_cannot_take_over_the_terminal() {
        let rows = [["\u{1b}[2Jgone\nc9  forged".to_owned()]];
        let text = printable(&table(["name"], &rows, ""));
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\u{1b}'));
        assert_eq!(printable("a\u{202e}b\r"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn spans_are_said_in_their_largest_unit() {
        for (seconds, words) in [
            (0, "0 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7_200, "2 h ago"),
            (400_000, "4 days ago"),
            (-5, "in the future"),
        ] {
            assert_eq!(ago(seconds), words);
        }
    }
}
