//! What is to be measured, and on what.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures calrelay against vdirsyncer and against its targets.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub struct Options {
    /// Events in the calendar that both programs sync.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(20..=100_000))]
    pub events: u64,
    /// Calendar sizes for the part on memory.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 50_000], value_parser = clap::value_parser!(u64).range(20..=200_000))]
    pub memory: Vec<u64>,
    /// Only these parts.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// The server on both sides.
    #[arg(long, default_value = "xandikos")]
    pub server: Kind,
    /// First syncs of each program, in turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    pub rounds: u64,
    /// Passes without a change of each program, in turn.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub repeats: u64,
    /// Starts of each program, in turn.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u64).range(1..=200))]
    pub starts: u64,
    /// Pairs that change at once.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=2_000))]
    pub pairs: u64,
    /// Take the programs as they are, and build nothing.
    #[arg(long)]
    pub no_build: bool,
    /// Measure this calrelay, such as the one in target/package.
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// Not to measure, but to be measured: answer HTTP at this port of the loopback, with as little
    /// as that takes.
    #[arg(long, hide = true, value_name = "PORT")]
    pub answer_at: Option<u16>,
}

/// A part of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The first sync of a calendar.
    First,
    /// The bare PUTs of the objects, for comparison.
    Puts,
    /// Passes without any change.
    None,
    /// Ten changed events.
    Ten,
    /// Large calendars on a server in memory.
    Memory,
    /// From the start to the first answer, as under the Functions host.
    Start,
    /// Memory under the Functions host when there is nothing to do.
    Idle,
    /// Many pairs that change at once.
    Load,
    /// Pushes from Google and Microsoft.
    Push,
    /// Series, large mailboxes and storms of notifications, at Microsoft.
    Microsoft,
}

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Xandikos 0.4.
    Xandikos,
    /// Radicale 3.9.
    Radicale,
    /// Our own, in memory: it costs next to nothing, so what is left is the program.
    Memory,
}

impl Options {
    /// Whether any of these parts is to be measured.
    pub fn wants(&self, parts: &[Part]) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| parts.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_measured_unless_parts_are_named() {
        let all = Options::parse_from(["bench"]);
        assert!(all.wants(&[Part::First]) && all.wants(&[Part::Memory]));
        assert_eq!((all.events, all.memory), (1_000, vec![10_000, 50_000]));
        let some = Options::parse_from([
            "bench", "--only", "none,ten", "--memory", "100,200", "--server", "memory",
        ]);
        assert!(
            some.wants(&[Part::Ten, Part::Memory]) && !some.wants(&[Part::First, Part::Memory])
        );
        assert_eq!((some.memory, some.server), (vec![100, 200], Kind::Memory));
    }

    #[test]
    fn an_empty_calendar_is_not_measured() {
        assert!(Options::try_parse_from(["bench", "--events", "0"]).is_err());
    }
}
