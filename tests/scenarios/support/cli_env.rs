//! The environment by the command line: two servers, and the real program between them.

use anyhow::ensure;
use engine::provider::ProviderKind;
use serde_json::Value;
use simulators::caldav::{self, CalDav};
use simulators::person::Person;
use simulators::traffic::Counts;

use super::accounts::Account;
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
    logins: [Account; 2],
}

impl<S: TestServer> CliEnv<S> {
    /// Connects both accounts.
    pub async fn connect(cli: Cli, ends: Ends<S>) -> anyhow::Result<Self> {
        let Ends { servers, people, accounts: logins } = ends;
        let [accounts, calendars] = connect(&cli, &logins).await?;
        Ok(Self { cli, servers, people, accounts, calendars, logins })
    }

    /// Puts another program in the place of the first one and connects both accounts again.
    pub async fn replace_program(&mut self, cli: Cli) -> anyhow::Result<()> {
        [self.accounts, self.calendars] = connect(&cli, &self.logins).await?;
        self.cli = cli;
        Ok(())
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
}

/// Connects both accounts; the ids of the accounts, and of the calendars `main` or, at Google, the
/// primary ones.
async fn connect(cli: &Cli, logins: &[Account; 2]) -> anyhow::Result<[[String; 2]; 2]> {
    let (mut accounts, mut calendars) = <([String; 2], [String; 2])>::default();
    for (side, login) in logins.iter().enumerate() {
        accounts[side] = cli.connect_account(login).await?;
        let name = if login.kind == ProviderKind::Google { &login.user } else { "main" };
        calendars[side] = cli.calendar(&accounts[side], name).await?;
    }
    Ok([accounts, calendars])
}

/// What the user of a calendar sees, a line an event.
pub async fn lines(person: &Person) -> anyhow::Result<Vec<String>> {
    Ok(person.agenda().await?.iter().map(ToString::to_string).collect())
}

fn agenda_lines(calendar: &caldav::Calendar) -> Vec<String> {
    calendar.agenda().iter().map(ToString::to_string).collect()
}
