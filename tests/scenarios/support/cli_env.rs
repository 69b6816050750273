//! Two people on servers of ours in memory, and the program between them as its user runs it.

use anyhow::ensure;
use simulators::caldav::{CalDav, Calendar, Manners};

use crate::support::cli::Cli;
use crate::support::env::USERS;
use crate::support::env::checks::LAST_PASSES;

/// Everything connected; no pair yet.
pub struct Village {
    pub cli: Cli,
    pub servers: [CalDav; 2],
    /// Anna's calendar and Ben's.
    pub people: [Calendar; 2],
    pub accounts: [String; 2],
    /// Their calendars, as the program names them.
    pub calendars: [String; 2],
}

impl Village {
    /// Two servers with these manners.
    pub async fn new(manners: Manners) -> anyhow::Result<Self> {
        Self::of(Cli::new()?, manners).await
    }

    /// The same with a program that has settings.
    pub async fn of(cli: Cli, manners: Manners) -> anyhow::Result<Self> {
        let servers = [CalDav::start(manners.clone()).await?, CalDav::start(manners).await?];
        let people = [0, 1].map(|i| {
            let (user, password) = USERS[i];
            servers[i].account(user, password).calendar(user, "main")
        });
        let mut accounts = [String::new(), String::new()];
        let mut calendars = [String::new(), String::new()];
        for i in [0, 1] {
            let (user, password) = USERS[i];
            accounts[i] = cli.connect(servers[i].url().as_str(), user, password).await?;
            calendars[i] = cli.calendar(&accounts[i], "main").await?;
        }
        Ok(Self { cli, servers, people, accounts, calendars })
    }

    /// Pairs the two; the pair's id.
    pub async fn pair(&self, terms: &[&str]) -> anyhow::Result<String> {
        self.cli.pair_add(&self.calendars[0], &self.calendars[1], terms).await
    }

    /// Connected, and paired in this way.
    pub async fn paired(terms: &[&str]) -> anyhow::Result<(Self, String)> {
        let village = Self::new(Manners::generic()).await?;
        let pair = village.pair(terms).await?;
        Ok((village, pair))
    }

    /// Writes that the two servers were asked for since the counts were reset.
    pub fn writes(&self) -> [u64; 2] {
        [self.servers[0].counts().writes(), self.servers[1].counts().writes()]
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        self.servers.iter().for_each(CalDav::reset_counts);
    }

    /// What both people see, a line an event.
    pub fn agendas(&self) -> [Vec<String>; 2] {
        [0, 1].map(|i| self.people[i].agenda().iter().map(ToString::to_string).collect())
    }

    /// Three passes over all pairs write nothing, no guest was mailed, and no server has anything
    /// to complain about.
    pub async fn at_rest(&self) -> anyhow::Result<()> {
        for _ in 0..LAST_PASSES {
            self.reset_counts();
            let report = self.cli.json(&["sync"]).await?;
            ensure!(self.writes() == [0, 0], "not at rest: {report}");
        }
        self.assert_nobody_was_harmed();
        Ok(())
    }

    /// No guest was mailed, and no server has anything to complain about.
    #[track_caller]
    pub fn assert_nobody_was_harmed(&self) {
        for server in &self.servers {
            assert_eq!((server.mails_sent(), server.complaints()), (0, Vec::new()));
        }
    }
}
