//! Two calendars, at least one of them at Google, and an installation in this process between them.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use engine::pair::Side;
use records::problem::PairStatus;
use serde_json::{Value, json};
use simulators::caldav;
use simulators::google::{Calendar, Quotas, Server};
use simulators::person::Person;

use super::builder::Builder;
use super::env::Env;
use super::env_checks::LAST_PASSES;
use super::installation::Terms;
use super::servers::{self, Provider};

/// Both directions of each combination that has Google in it.
pub const ENDS: [[Provider; 2]; 4] = [
    [Provider::Google, Provider::Google],
    [Provider::Google, Provider::CalDav],
    [Provider::CalDav, Provider::Google],
    [Provider::Google, Provider::Icloud],
];

/// An environment in which Google serves at least one end.
pub struct GoogleEnv {
    pub env: Env<servers::Server>,
    pub providers: [Provider; 2],
}

impl std::ops::Deref for GoogleEnv {
    type Target = Env<servers::Server>;

    fn deref(&self) -> &Env<servers::Server> {
        &self.env
    }
}

impl std::ops::DerefMut for GoogleEnv {
    fn deref_mut(&mut self) -> &mut Env<servers::Server> {
        &mut self.env
    }
}

impl GoogleEnv {
    pub async fn new(providers: [Provider; 2], terms: Terms) -> anyhow::Result<Self> {
        Self::with(providers, terms, |_| {}).await
    }

    /// Prepares Google before any account is connected.
    pub async fn with(
        providers: [Provider; 2],
        terms: Terms,
        prepare: impl FnOnce(&Server),
    ) -> anyhow::Result<Self> {
        let google = Arc::new(Server::start().await?);
        google.manners(|manners| manners.quotas = Quotas::NONE);
        prepare(&google);
        let env = Builder::providers(providers).google(google).terms(terms).build();
        Ok(Self { env: Box::pin(env).await?, providers })
    }

    /// A side that is at Google.
    pub fn google(&self, side: usize) -> &Calendar {
        let Person::Google(calendar) = &self.people[side] else {
            panic!("side {side} is not at Google")
        };
        calendar
    }

    /// A side that is not.
    pub fn caldav(&self, side: usize) -> &caldav::Calendar {
        let Person::Near(calendar) = &self.people[side] else { panic!("side {side} is at Google") };
        calendar
    }

    /// Google itself.
    pub fn server(&self) -> &Server {
        self.servers.iter().find_map(servers::Server::google).expect("Google serves an end")
    }

    /// A pass that succeeds: created, changed, deleted.
    pub async fn sync_ok(&self) -> anyhow::Result<[u64; 3]> {
        let run = self.sync().await;
        ensure!(
            run.error.is_none() && run.state == PairStatus::Ok,
            "{:?}: {run:?}",
            self.providers
        );
        Ok([run.created, run.changed, run.deleted])
    }

    /// The next three passes write nothing, both sides show equal events, and no attendee was mailed.
    pub async fn check_at_rest(&self) -> anyhow::Result<()> {
        for _ in 0..LAST_PASSES {
            self.reset_counts();
            let done = self.sync_ok().await?;
            let writes: u64 = self.writes().iter().sum();
            ensure!(
                (done, writes) == ([0; 3], 0),
                "{:?} is not at rest: {done:?}, {writes} writes",
                self.providers
            );
        }
        self.compare_sides().await.with_context(|| format!("{:?}", self.providers))?;
        self.check_servers()
    }

    /// What a side shows under a title.
    pub async fn shown(&self, side: Side, title: &str) -> anyhow::Result<Shown> {
        let side = usize::from(side == Side::To);
        let agenda = self.people[side].agenda().await?;
        let entry =
            agenda.iter().find(|entry| entry.original().is_none() && entry.summary() == title);
        let entry =
            entry.with_context(|| format!("{:?}: side {side} shows no {title}", self.providers))?;
        // Google's description is HTML, and shown as such.
        Ok(Shown {
            name: entry.name.clone(),
            words: ["CLASS", "TRANSP", "STATUS"].map(|name| entry.value(name).to_owned()),
            description: entry.text("DESCRIPTION"),
            location: entry.text("LOCATION"),
            times: [entry.start(), entry.end()],
        })
    }

    /// All objects of a side, as text.
    pub async fn text(&self, side: usize) -> anyhow::Result<String> {
        Ok(self.people[side]
            .objects()
            .await?
            .into_iter()
            .map(|(_, text)| text.replace("\r\n ", ""))
            .collect())
    }
}

/// One event as the user of a calendar sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    pub name: String,
    /// CLASS, TRANSP, STATUS.
    pub words: [String; 3],
    pub description: String,
    pub location: String,
    pub times: [String; 2],
}

/// An hour on that day, in Tallinn.
pub fn hour(day: &str, title: &str, more: Value) -> Value {
    let time =
        |hour| json!({ "dateTime": format!("{day}T{hour}:00:00"), "timeZone": "Europe/Tallinn" });
    let mut event = json!({ "summary": title, "start": time(12), "end": time(13) });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}
