//! The log, filtered by `RUST_LOG`: to stderr as text; under the Functions host, which treats every
//! line of stderr as an error, to stdout as JSON.

use std::io::{self, IsTerminal, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::progress;

/// The crates whose log lines hold no secret and no event content.
const OWN_CRATES: [&str; 10] = [
    "calrelay",
    "engine",
    "ical",
    "vault",
    "store",
    "providers",
    "records",
    "jobs",
    "functions",
    "host",
];

/// The reader of the log, which decides format and default filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogReader {
    /// The user of a command: warnings and errors.
    Command,
    /// The operator of a service: also what was synced.
    Service,
    /// The Functions host.
    FunctionsHost,
}

/// Starts the log. A filter that cannot be read is replaced by the default; the findings of the
/// settings report it.
pub fn start(filter: Option<&str>, reader: LogReader, verbose: u8) {
    let default = || EnvFilter::new(default_filter(reader, verbose));
    let filter = filter.and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(default);
    let lines = match reader {
        LogReader::FunctionsHost => {
            fmt::layer().json().flatten_event(true).with_writer(io::stdout).boxed()
        }
        LogReader::Command | LogReader::Service => fmt::layer()
            .with_writer(|| StderrBesideBar)
            .with_ansi(io::stderr().is_terminal())
            .boxed(),
    };
    // A log that was started before stays.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines.with_filter(filter_fn(is_safe)))
        .try_init();
}

/// The filter if none is set.
fn default_filter(reader: LogReader, verbose: u8) -> String {
    let level = match (reader, verbose) {
        (LogReader::Command, 0) => return "warn".into(),
        (_, 0) => return "warn,jobs=info,functions=info,calrelay=info".into(),
        (_, 1) => "info",
        _ => "debug",
    };
    let ours: String = OWN_CRATES.iter().map(|name| format!(",{name}={level}")).collect();
    format!("warn{ours}")
}

/// At the level `trace` other crates may log network data, which holds events and passwords.
fn is_safe(line: &Metadata<'_>) -> bool {
    let origin = line.target().split("::").next().unwrap_or_default();
    *line.level() <= Level::DEBUG || OWN_CRATES.contains(&origin)
}

/// Stderr, shared with the progress bar.
struct StderrBesideBar;

impl Write for StderrBesideBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        progress::suspend_bar(|| io::stderr().write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
