//! What the program prints, and where.

use std::io::{self, BufWriter, Write};
use std::sync::OnceLock;

use engine::text::is_terminal_control;
use records::problem::Problem;
use serde::Serialize;

/// How a command prints its answer.
#[derive(Debug)]
pub struct Output {
    /// Whether the answer is one JSON document instead of text.
    pub json: bool,
    subject: OnceLock<String>,
    audit_outcome: OnceLock<&'static str>,
}

impl Output {
    /// Prints a JSON document, or text.
    pub fn new(json: bool) -> Self {
        Self { json, subject: OnceLock::new(), audit_outcome: OnceLock::new() }
    }

    /// Records what the command created, for the audit trail.
    pub fn set_subject(&self, id: &impl ToString) {
        let _ = self.subject.set(id.to_string());
    }

    /// What the command created, if it was recorded.
    pub fn subject(&self) -> Option<&str> {
        self.subject.get().map(String::as_str)
    }

    /// Records for the audit trail that the command was done, with another outcome than the usual
    /// one.
    pub fn set_audit_outcome(&self, outcome: &'static str) {
        let _ = self.audit_outcome.set(outcome);
    }

    /// The outcome of a command that was done, if it is not the usual one.
    pub fn audit_outcome(&self) -> Option<&'static str> {
        self.audit_outcome.get().copied()
    }

    /// Prints the answer: the document, or the text.
    pub fn answer(
        &self,
        document: &impl Serialize,
        words: impl FnOnce() -> String,
    ) -> Result<(), Problem> {
        let mut stdout = BufWriter::new(io::stdout().lock());
        let written = if self.json {
            serde_json::to_writer(&mut stdout, document)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(stdout))
        } else {
            stdout.write_all(printable(&words()).as_bytes())
        };
        match written.and_then(|()| stdout.flush()) {
            // The reader has closed the pipe.
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

    /// Prints a failure instead of an answer.
    pub fn failure(&self, problem: &Problem) {
        self.note(&problem.message);
        if self.json {
            // If this cannot be written either, the exit status still shows the failure.
            let _ = self.answer(&Failure { error: problem }, String::new);
        }
    }

    /// Prints a line to stdout. A closed stdout is no failure.
    pub fn line(&self, words: &str) {
        let mut stdout = io::stdout();
        let _ = writeln!(stdout, "{}", printable(words)).and_then(|()| stdout.flush());
    }

    /// Prints text to stderr, in addition to the answer.
    pub fn note(&self, words: &str) {
        let _ = writeln!(io::stderr(), "{}", printable(words).trim_end());
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    error: &'a Problem,
}

/// Replaces the characters that would move the cursor, ring the bell or reorder the line of a
/// terminal.
pub fn printable(text: &str) -> String {
    let replaced = |c: char| c != '\n' && is_terminal_control(c);
    text.chars().map(|c| if replaced(c) { '\u{fffd}' } else { c }).collect()
}
