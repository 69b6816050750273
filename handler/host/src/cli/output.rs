//! Tables, cells and times as text.

/// A table with aligned columns, a line a row. Without rows it is `none`, so that nobody waits for
/// them.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]], none: &str) -> String {
    if rows.is_empty() {
        return format!("{none}\n");
    }
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let mut widths = head.map(|title| title.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&head.map(str::to_owned)).chain(&rows) {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
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
    use crate::terminal::printable;

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
