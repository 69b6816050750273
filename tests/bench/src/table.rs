//! What was measured, as it is printed.

use std::fmt;

/// A table: measures down, programs across.
#[derive(Debug)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Row>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Row {
    what: String,
    cells: Vec<String>,
    target: Option<(String, bool)>,
}

/// Whether a target was met.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Which.
    pub what: String,
    /// Whether it was.
    pub met: bool,
}

impl Table {
    /// An empty table.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a measure. An empty cell was not measured.
    pub fn row<const N: usize>(&mut self, what: &str, cells: [String; N]) -> &mut Self {
        self.rows.push(Row { what: what.to_owned(), cells: cells.to_vec(), target: None });
        self
    }

    /// Sets a target beside the measure that was added last.
    pub fn target(&mut self, target: impl Into<String>, met: bool) -> &mut Self {
        if let Some(row) = self.rows.last_mut() {
            row.target = Some((target.into(), met));
        }
        self
    }

    /// Adds a line under the table.
    pub fn note(&mut self, note: String) -> &mut Self {
        self.notes.push(note);
        self
    }

    /// All targets of this table.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |row: &Row| {
            let (target, met) = row.target.as_ref()?;
            Some(Verdict { what: format!("{}: {} ({target})", self.title, row.what), met: *met })
        };
        self.rows.iter().filter_map(verdict).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let wide = |text: &str| text.chars().count();
        let first = self.rows.iter().map(|row| wide(&row.what)).max().unwrap_or(0);
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(n, name)| {
                self.rows
                    .iter()
                    .filter_map(|row| row.cells.get(n))
                    .map(|cell| wide(cell))
                    .chain([wide(name)])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut line = |what: &str, cells: &[String], target: &str| {
            let mut text = format!("  {what:first$}");
            for (n, width) in widths.iter().enumerate() {
                text.push_str(&format!("  {:>width$}", cells.get(n).map_or("", String::as_str)));
            }
            text.push_str(&format!("  {target}"));
            writeln!(f, "{}", text.trim_end())
        };
        line("", &self.columns, "")?;
        for row in &self.rows {
            let target = row
                .target
                .as_ref()
                .map(|(target, met)| format!("{target}: {}", if *met { "met" } else { "MISSED" }));
            line(&row.what, &row.cells, target.as_deref().unwrap_or_default())?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_knows_its_targets() {
        let mut table = Table::new("First sync", &["calrelay", "peer"]);
        table.row("time", ["1.0 s".into(), "12.0 s".into()]);
        table.row("peak memory", ["80 MiB".into(), String::new()]).target("below 64 MiB", false);
        table.note("that is all".into());
        let lines = [
            "First sync",
            "               calrelay    peer",
            "  time            1.0 s  12.0 s",
            "  peak memory    80 MiB          below 64 MiB: MISSED",
            "  that is all",
            "",
        ];
        assert_eq!(table.to_string(), lines.join("\n"));
        assert_eq!(
            table.verdicts(),
            [Verdict { what: "First sync: peak memory (below 64 MiB)".into(), met: false }]
        );
    }
}
