//! The same at Google, where a calendar has an id of its own, and events have ids that nobody can
//! use twice.

mod copies;
mod duplicates;

use anyhow::{Context as _, ensure};
use simulators::caldav::{CalDav, Manners};
use simulators::google::{Quotas, Server};
use simulators::person::Person;

use crate::support::accounts::USERS;
use crate::support::cli::{self, Cli, counts};
use crate::support::events::many;

const ANNA: &str = "anna@example.org";
const BEN: &str = "ben@example.org";

/// Anna at Google; Ben there too, or at a CalDAV server.
struct Street {
    google: Server,
    near: CalDav,
    cli: Cli,
    people: [Person; 2],
    ends: [String; 2],
}

/// Google to Google, to CalDAV, and from there.
const ENDS: [[bool; 2]; 3] = [[true, true], [true, false], [false, true]];

impl Street {
    async fn new(at_google: [bool; 2]) -> anyhow::Result<Self> {
        let google = Server::start().await?;
        google.manners(|manners| manners.quotas = Quotas::NONE);
        let near = CalDav::start(Manners::generic()).await?;
        let mut people = Vec::new();
        for (at_google, (user, password)) in at_google.into_iter().zip(USERS) {
            people.push(if at_google {
                Person::from(google.account(&format!("{user}@example.org")).primary())
            } else {
                Person::from(near.account(user, password).calendar(user, "main"))
            });
        }
        let people = people.try_into().ok().context("two people")?;
        let mut street =
            Self { google, near, cli: Cli::new()?, people, ends: [String::new(), String::new()] };
        street.set_up().await?;
        Ok(street)
    }

    /// Connects both accounts to a program that knows nothing yet.
    async fn set_up(&mut self) -> anyhow::Result<()> {
        self.cli = self
            .google
            .settings()
            .iter()
            .fold(Cli::new()?, |cli, (name, value)| cli.with(name, value));
        for side in [0, 1] {
            let (user, password) = USERS[side];
            self.ends[side] = match &self.people[side] {
                Person::Google(calendar) => {
                    let account = self.connect(&format!("{user}@example.org")).await?;
                    self.cli.calendar(&account, calendar.id()).await?
                }
                _ => {
                    self.cli
                        .calendar(
                            &self.cli.connect(self.near.url().as_str(), user, password).await?,
                            "main",
                        )
                        .await?
                }
            };
        }
        Ok(())
    }

    async fn connect(&self, user: &str) -> anyhow::Result<String> {
        let token = format!("{}\n", self.google.account(user).refresh_token());
        let added = self
            .cli
            .run_with(&["account", "add", "google", "--refresh-token-stdin", "--json"], &token)
            .await?;
        cli::id(&added.done()?)
    }

    async fn pair(&self, terms: &[&str]) -> anyhow::Result<String> {
        self.cli.pair_add(&self.ends[0], &self.ends[1], terms).await
    }

    async fn copied(
        ends: [bool; 2],
        events: usize,
        terms: &[&str],
    ) -> anyhow::Result<(Self, String)> {
        let street = Self::new(ends).await?;
        for (name, object) in many(events) {
            street.people[0].put(&name, &object).await?;
        }
        let pair = street.pair(terms).await?;
        let run = street.cli.sync().await?;
        ensure!(counts(&run) == [events as u64, 0, 0, 0], "{run}");
        Ok((street, pair))
    }

    async fn titles(&self) -> anyhow::Result<[Vec<String>; 2]> {
        Ok([titles(&self.people[0]).await?, titles(&self.people[1]).await?])
    }

    async fn at_rest(&self) -> anyhow::Result<()> {
        self.google.reset_counts();
        self.near.reset_counts();
        for pass in 1..=3 {
            for run in self.cli.sync_all(&[]).await? {
                ensure!(counts(&run)[..3] == [0; 3], "pass {pass} writes: {run}");
            }
        }
        ensure!(
            (self.google.counts().writes(), self.near.counts().writes()) == (0, 0),
            "a calendar was written to"
        );
        ensure!(
            (self.google.mails(), self.google.propagated(), self.google.violations())
                == (0, 0, Vec::new()),
            "Google complains"
        );
        Ok(())
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
