//! A mailbox and a calendar of a CalDAV server, both simulated in this process, in one pair.

use std::path::Path;

use anyhow::ensure;
use simulators::caldav::{self, CalDav, Manners};
use simulators::graph::{self, Graph};
use simulators::traffic::{Counts, Kind};

use crate::calrelay::{Calrelay, id_of};
use crate::process::{self, Run};
use crate::push::{CONCURRENCY, LATENCY};

/// Invented.
const USER: &str = "carl";
/// Invented.
const PASSWORD: &str = "bench-secret-1907";

/// Both, with an installation that does not know them yet.
pub struct Mailbox {
    graph: Graph,
    dav: CalDav,
    calrelay: Calrelay,
    /// The mailbox's calendar.
    pub office: graph::Calendar,
    /// The CalDAV server's.
    pub desk: caldav::Calendar,
    token: String,
}

impl Mailbox {
    /// Starts both servers.
    pub async fn new(program: &Path) -> anyhow::Result<Self> {
        let graph = Graph::start().await?;
        graph.manners(|manners| manners.concurrency = CONCURRENCY);
        let dav = CalDav::start(Manners::generic()).await?;
        let account = graph.account("anna@example.org");
        let mut settings: Vec<(String, String)> =
            graph.settings().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        settings.push(("CALRELAY_ALLOW_PRIVATE_HOSTS".into(), "true".into()));
        Ok(Self {
            office: account.primary(),
            desk: dav.account(USER, PASSWORD).calendar(USER, "desk"),
            token: account.refresh_token(),
            calrelay: Calrelay::new(program, settings)?,
            graph,
            dav,
        })
    }

    /// Pairs the two calendars, one-way: out of the mailbox, or into it. Every call to Microsoft
    /// takes [`LATENCY`] from now on.
    pub async fn pair(&self, out: bool) -> anyhow::Result<()> {
        let office = self.calrelay.granted("microsoft", "Calendar", &self.token).await?;
        let listing = self.calrelay.account(&self.dav.url(), USER, PASSWORD).await?;
        let desk = id_of(&listing, "desk")
            .ok_or_else(|| anyhow::anyhow!("the calendar is not listed: {listing}"))?;
        let (from, to) = if out { (&office, &desk) } else { (&desk, &office) };
        self.calrelay.pair(from, to).await?;
        self.graph.manners(|manners| manners.latency = LATENCY);
        Ok(())
    }

    /// One pass, and what was asked of Microsoft in it.
    pub async fn pass(&self) -> anyhow::Result<(Run, Counts)> {
        self.graph.reset_counts();
        let run = process::run(self.calrelay.pass(), "").await?;
        ensure!(self.graph.violations().is_empty(), "{:?}", self.graph.violations());
        ensure!(self.graph.mails() == 0, "mails");
        Ok((run, self.graph.counts()))
    }

    /// How many requests were throttled so far.
    pub fn throttled(&self) -> u64 {
        self.graph.throttled()
    }
}

/// Requests that read, without those for tokens.
pub fn reads(counts: &Counts) -> u64 {
    counts.total() - counts.writes() - counts.of(Kind::Token)
}
