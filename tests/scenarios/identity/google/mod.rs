//! Identity at Google, where a calendar has an id and the id of an event is never used again.

mod copies;
mod duplicates;

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use simulators::google::{Quotas, Server};
use simulators::person::Person;

use crate::support::builder::Builder;
use crate::support::cli::{Cli, counts};
use crate::support::cli_env::CliEnv;
use crate::support::events::many;
use crate::support::servers::{self, Provider};

const ANNA: &str = "anna@example.org";
const BEN: &str = "ben@example.org";

/// Anna at Google; Ben there too, or at a CalDAV server.
struct GoogleCliEnv {
    env: CliEnv<servers::Server>,
    google: Arc<Server>,
}

/// Google to Google, to CalDAV, and from there.
const PROVIDERS: [[Provider; 2]; 3] = [
    [Provider::Google, Provider::Google],
    [Provider::Google, Provider::CalDav],
    [Provider::CalDav, Provider::Google],
];

impl std::ops::Deref for GoogleCliEnv {
    type Target = CliEnv<servers::Server>;

    fn deref(&self) -> &CliEnv<servers::Server> {
        &self.env
    }
}

impl GoogleCliEnv {
    async fn new(providers: [Provider; 2]) -> anyhow::Result<Self> {
        let google = Arc::new(Server::start().await?);
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let env = Builder::providers(providers).google(google.clone()).build_cli().await?;
        Ok(Self { env, google })
    }

    /// The data directory is lost: both accounts are connected to a program that has stored nothing.
    async fn replace_program(&mut self) -> anyhow::Result<()> {
        let cli = Cli::for_google(&self.google)?;
        self.env.replace_program(cli).await
    }

    /// Connects an account at Google; its id.
    async fn connect(&self, user: &str) -> anyhow::Result<String> {
        self.cli.connect_google(&self.google.account(user).refresh_token()).await
    }

    async fn copied(
        providers: [Provider; 2],
        events: usize,
        terms: &[&str],
    ) -> anyhow::Result<(Self, String)> {
        let env = Self::new(providers).await?;
        for (name, object) in many(events) {
            env.people[0].put(&name, &object).await?;
        }
        let pair = env.pair(terms).await?;
        let run = env.cli.sync().await?;
        ensure!(counts(&run) == [events as u64, 0, 0, 0], "{run}");
        Ok((env, pair))
    }

    async fn titles(&self) -> anyhow::Result<[Vec<String>; 2]> {
        Ok([titles(&self.people[0]).await?, titles(&self.people[1]).await?])
    }

    /// Three further passes write nothing, no attendee was mailed, and no server complains.
    async fn check_unchanged(&self) -> anyhow::Result<()> {
        self.reset_counts();
        for pass in 1..=3 {
            for run in self.cli.sync_all(&[]).await? {
                ensure!(counts(&run)[..3] == [0; 3], "pass {pass} writes: {run}");
            }
        }
        ensure!(self.writes() == [0, 0], "a calendar was written to");
        self.check_servers()
    }
}

async fn titles(person: &Person) -> anyhow::Result<Vec<String>> {
    let mut titles: Vec<String> =
        person.agenda().await?.iter().map(simulators::agenda::Entry::summary).collect();
    titles.sort();
    Ok(titles)
}

async fn named(person: &Person, title: &str) -> anyhow::Result<String> {
    let agenda = person.agenda().await?;
    Ok(agenda
        .iter()
        .find(|entry| entry.summary() == title)
        .with_context(|| format!("no {title}"))?
        .name
        .clone())
}

async fn rename(person: &Person, title: &str, new: &str) -> anyhow::Result<()> {
    let name = named(person, title).await?;
    ensure!(
        person
            .edit(&name, |ics| ics
                .replace(&format!("SUMMARY:{title}\r\n"), &format!("SUMMARY:{new}\r\n")))
            .await?
    );
    Ok(())
}

async fn delete(person: &Person, title: &str) -> anyhow::Result<()> {
    ensure!(person.delete(&named(person, title).await?).await?);
    Ok(())
}
