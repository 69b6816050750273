//! What the program prints, and where.

use std::io::{self, BufWriter, Write};
use std::sync::OnceLock;

use engine::text::is_terminal_control;
use records::problem::Problem;
use serde::Serialize;

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

/// Replaces the characters that would move the cursor, ring the bell or reorder the line of a
/// terminal.
pub fn printable(text: &str) -> String {
    let replaced = |c: char| c != '\n' && is_terminal_control(c);
    text.chars().map(|c| if replaced(c) { '\u{fffd}' } else { c }).collect()
}
