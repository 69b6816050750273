//! What is printed, and where.

use std::io::{self, BufWriter, Write};
use std::sync::OnceLock;

use jobs::report::Problem;
use serde::Serialize;

use super::Result;

/// How answers are wanted.
#[derive(Debug)]
pub struct Output {
    /// One JSON document instead of words.
    pub json: bool,
    subject: OnceLock<String>,
}

impl Output {
    /// As a document, or in words.
    pub fn new(json: bool) -> Self {
        Self { json, subject: OnceLock::new() }
    }

    /// Notes what the command made, for the audit trail.
    pub fn set_subject(&self, id: &impl ToString) {
        let _ = self.subject.set(id.to_string());
    }

    /// What the command made, if it said so.
    pub fn subject(&self) -> Option<&str> {
        self.subject.get().map(String::as_str)
    }

    /// The answer: the document, or the words.
    pub fn answer(&self, document: &impl Serialize, words: impl FnOnce() -> String) -> Result<()> {
        let mut stdout = BufWriter::new(io::stdout().lock());
        let written = if self.json {
            serde_json::to_writer(&mut stdout, document)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(stdout))
        } else {
            stdout.write_all(printable(&words()).as_bytes())
        };
        match written.and_then(|()| stdout.flush()) {
            // Whoever was reading has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                let message = format!(
                    "What was asked for was done, but the answer could not be written ({error})."
                );
                Err(Problem { code: "output".into(), message })
            }
            Ok(()) => Ok(()),
        }
    }

    /// A failure without an answer.
    pub fn failure(&self, problem: &Problem) {
        self.note(&problem.message);
        if self.json {
            // If that cannot be written either, the exit status still says it.
            let _ = self.answer(&Failure { error: problem }, String::new);
        }
    }

    /// A line for whoever reads stdout; one that nobody reads is no failure.
    pub fn line(&self, words: &str) {
        let mut stdout = io::stdout();
        let _ = writeln!(stdout, "{}", printable(words)).and_then(|()| stdout.flush());
    }

    /// Words beside the answer, on stderr.
    pub fn note(&self, words: &str) {
        let _ = writeln!(io::stderr(), "{}", printable(words).trim_end());
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    error: &'a Problem,
}

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

/// Text without what would move the cursor, ring the bell or reorder the line of a terminal.
pub fn printable(text: &str) -> String {
    let hostile = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
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
