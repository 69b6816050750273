//! The environment by the command line: two servers, and the real program between them.

use anyhow::ensure;
use serde_json::Value;
use simulators::caldav::{self, CalDav};
use simulators::google;
use simulators::person::Person;
use simulators::traffic::Counts;

use super::cli::Cli;
use super::env_checks::LAST_PASSES;
use super::servers::{Ends, Server, TestServer};

/// Anna and Ben with a calendar each. Both accounts are connected; there is no pair yet.
pub struct CliEnv<S: TestServer = CalDav> {
    pub cli: Cli,
    pub servers: [S; 2],
    /// Anna's calendar and Ben's.
    pub people: [S::Calendar; 2],
    /// The ids of the accounts.
    pub accounts: [String; 2],
    /// The ids of the calendars.
    pub calendars: [String; 2],
}

impl<S: TestServer> CliEnv<S> {
    /// Connects both accounts.
    pub async fn connect(cli: Cli, ends: Ends<S>) -> anyhow::Result<Self> {
        let mut accounts = [String::new(), String::new()];
        let mut calendars = [String::new(), String::new()];
        for (side, account) in ends.accounts.iter().enumerate() {
            let id = cli.connect_account(account).await?;
            let at_google = account.kind == engine::provider::ProviderKind::Google;
            let name = if at_google { &account.user } else { "main" };
            calendars[side] = cli.calendar(&id, name).await?;
            accounts[side] = id;
        }
        let Ends { servers, people, .. } = ends;
        Ok(Self { cli, servers, people, accounts, calendars })
    }

    /// Pairs the two calendars; the pair's id.
    pub async fn pair(&self, terms: &[&str]) -> anyhow::Result<String> {
        self.cli.pair_add(&self.calendars[0], &self.calendars[1], terms).await
    }

    /// One pass that has to succeed, and what both servers were asked in it.
    pub async fn sync(&self) -> anyhow::Result<(Value, [Counts; 2])> {
        self.reset_counts();
        let run = self.cli.sync().await?;
        Ok((run, self.servers.each_ref().map(S::counts)))
    }

    /// Writes that the two servers received since the counts were reset.
    pub fn writes(&self) -> [u64; 2] {
        self.servers.each_ref().map(|server| server.counts().writes())
    }

    pub fn reset_counts(&self) {
        self.servers.iter().for_each(S::reset_counts);
    }

    /// Three passes over all pairs write nothing, no attendee was mailed, and no server complains.
    pub async fn check_at_rest(&self) -> anyhow::Result<()> {
        for _ in 0..LAST_PASSES {
            self.reset_counts();
            let report = self.cli.json(&["sync"]).await?;
            ensure!(self.writes() == [0, 0], "not at rest: {report}");
        }
        self.check_servers()
    }

    /// Fails where an attendee was mailed, or a request broke a server's rules.
    pub fn check_servers(&self) -> anyhow::Result<()> {
        self.servers.iter().try_for_each(S::check)
    }

    /// Panics where an attendee was mailed, or a request broke a server's rules.
    #[track_caller]
    pub fn assert_no_harm(&self) {
        self.check_servers().expect("no attendee is mailed, and no server complains");
    }
}

impl CliEnv<CalDav> {
    /// What both people see, a line an event.
    pub fn agendas(&self) -> [Vec<String>; 2] {
        self.people.each_ref().map(agenda_lines)
    }
}

impl CliEnv<Server> {
    /// What both people see, a line an event.
    pub async fn agendas(&self) -> anyhow::Result<[Vec<String>; 2]> {
        Ok([lines(&self.people[0]).await?, lines(&self.people[1]).await?])
    }

    /// The simulated Google, which serves at least one end.
    pub fn google(&self) -> &google::Server {
        self.servers.iter().find_map(Server::google).expect("Google serves an end")
    }
}

/// What the user of a calendar sees, a line an event.
pub async fn lines(person: &Person) -> anyhow::Result<Vec<String>> {
    Ok(person.agenda().await?.iter().map(ToString::to_string).collect())
}

fn agenda_lines(calendar: &caldav::Calendar) -> Vec<String> {
    calendar.agenda().iter().map(ToString::to_string).collect()
}
