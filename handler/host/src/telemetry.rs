//! The log, as `RUST_LOG` says: to stderr for people; under the Functions host, which takes every
//! line of stderr for an error, to stdout as JSON.

use std::io::{self, IsTerminal, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::cli::progress;

/// The crates whose every word is known to hold no secret and no event content.
const OURS: [&str; 8] =
    ["calrelay", "engine", "vault", "providers", "store", "jobs", "functions", "host"];

/// Who reads the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogReader {
    /// Somebody who gave a command: warnings and errors.
    Command,
    /// Somebody who watches it serve: what was synced, too.
    Service,
    /// The Functions host.
    FunctionsHost,
}

/// Starts the log. The default stands in for a filter that cannot be read, which is said among the
/// settings' findings.
pub fn start(filter: Option<&str>, reader: LogReader, verbose: u8) {
    let default = || EnvFilter::new(usual(reader, verbose));
    let filter = filter.and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(default);
    let lines = match reader {
        LogReader::FunctionsHost => {
            fmt::layer().json().flatten_event(true).with_writer(io::stdout).boxed()
        }
        LogReader::Command | LogReader::Service => {
            fmt::layer().with_writer(|| Stderr).with_ansi(io::stderr().is_terminal()).boxed()
        }
    };
    // Whoever started a log before us keeps it.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines.with_filter(filter_fn(harmless)))
        .try_init();
}

/// What is said where no filter is set.
fn usual(reader: LogReader, verbose: u8) -> String {
    let level = match (reader, verbose) {
        (LogReader::Command, 0) => return "warn".into(),
        (_, 0) => return "warn,jobs=info,functions=info,calrelay=info".into(),
        (_, 1) => "info",
        _ => "debug",
    };
    let ours: String = OURS.iter().map(|name| format!(",{name}={level}")).collect();
    format!("warn{ours}")
}

/// At their most talkative level the crates below us may show bytes from the wire, and those hold
/// events and passwords.
fn harmless(line: &Metadata<'_>) -> bool {
    let origin = line.target().split("::").next().unwrap_or_default();
    *line.level() <= Level::DEBUG || OURS.contains(&origin)
}

/// Stderr, shared with the progress bar.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        progress::beside_the_bar(|| io::stderr().write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
