//! Two calendars, at least one of them at Google, and a service in this process between them.

use anyhow::{Context as _, ensure};
use engine::pair::Side;
use jobs::SyncOptions;
use jobs::report::{PairStatus, Run};
use serde_json::{Value, json};
use simulators::caldav;
use simulators::google::{Calendar, Quotas, Server};
use simulators::person::Person;

use crate::support::env::checks::LAST_PASSES;
use crate::support::env::{Host, Stage, Terms};
use crate::support::google::{End, stage};

/// Both directions of each combination that has Google in it.
pub const ENDS: [[End; 2]; 4] = [
    [End::Google, End::Google],
    [End::Google, End::CalDav],
    [End::CalDav, End::Google],
    [End::Google, End::Icloud],
];

/// The two, connected and paired.
pub struct Desk {
    pub stage: Stage,
    pub ends: [End; 2],
}

impl Desk {
    pub async fn new(ends: [End; 2], terms: Terms) -> anyhow::Result<Self> {
        Self::with(ends, terms, |_| {}).await
    }

    /// Where Google is prepared first.
    pub async fn with(
        ends: [End; 2],
        terms: Terms,
        prepare: impl FnOnce(&Server),
    ) -> anyhow::Result<Self> {
        let prepared = |server: &Server| {
            server.manners(|manners| manners.quotas = Quotas::NONE);
            prepare(server);
        };
        Ok(Self { stage: Box::pin(stage(ends, terms, prepared)).await?, ends })
    }

    /// A side that is at Google.
    pub fn google(&self, side: usize) -> &Calendar {
        let Person::Google(calendar) = &self.stage.people[side] else {
            panic!("side {side} is not at Google")
        };
        calendar
    }

    /// A side that is not.
    pub fn caldav(&self, side: usize) -> &caldav::Calendar {
        let Person::Near(calendar) = &self.stage.people[side] else {
            panic!("side {side} is at Google")
        };
        calendar
    }

    /// Google itself.
    pub fn server(&self) -> &Server {
        let found = self.stage.hosts.iter().find_map(|host| {
            if let Host::Google(server) = host { Some(server.as_ref()) } else { None }
        });
        found.expect("Google is in every pair here")
    }

    pub async fn sync(&self) -> Run {
        self.stage.core.sync().await
    }

    pub async fn sync_with(&self, options: SyncOptions) -> Run {
        self.stage.core.sync_with(options).await
    }

    /// A pass that ends well: created, changed, deleted.
    pub async fn well(&self) -> anyhow::Result<[u64; 3]> {
        let run = self.sync().await;
        ensure!(run.error.is_none() && run.state == PairStatus::Ok, "{:?}: {run:?}", self.ends);
        Ok([run.created, run.changed, run.deleted])
    }

    /// The next three passes write nothing, both sides show the same, and no guest was mailed so
    /// far.
    pub async fn quiet(&self) -> anyhow::Result<()> {
        for _ in 0..LAST_PASSES {
            self.stage.hosts.iter().for_each(Host::reset_counts);
            let done = self.well().await?;
            let writes: u64 = self.stage.hosts.iter().map(|host| host.counts().writes()).sum();
            ensure!(
                (done, writes) == ([0; 3], 0),
                "{:?} is not at rest: {done:?}, {writes} writes",
                self.ends
            );
        }
        self.stage.in_step().await.with_context(|| format!("{:?}", self.ends))?;
        self.clean()
    }

    /// Nobody was told of anything, and no server complains.
    pub fn clean(&self) -> anyhow::Result<()> {
        for host in &self.stage.hosts {
            match host {
                Host::Google(server) => {
                    ensure!((server.mails(), server.propagated()) == (0, 0), "guests were told");
                    ensure!(server.violations().is_empty(), "{:?}", server.violations());
                }
                Host::Memory(server) => {
                    ensure!(server.mails_sent() == 0, "guests were mailed");
                    ensure!(server.complaints().is_empty(), "{:?}", server.complaints());
                }
                Host::Real { .. } => {}
            }
        }
        Ok(())
    }

    /// What a side shows under a title.
    pub async fn shown(&self, side: Side, title: &str) -> anyhow::Result<Shown> {
        let side = usize::from(side == Side::To);
        let agenda = self.stage.people[side].agenda().await?;
        let entry =
            agenda.iter().find(|entry| entry.original().is_none() && entry.summary() == title);
        let entry =
            entry.with_context(|| format!("{:?}: side {side} shows no {title}", self.ends))?;
        // Google's description is HTML, and shown as such.
        Ok(Shown {
            name: entry.name.clone(),
            words: ["CLASS", "TRANSP", "STATUS"].map(|name| entry.value(name).to_owned()),
            description: entry.text("DESCRIPTION"),
            location: entry.text("LOCATION"),
            times: [entry.start(), entry.end()],
        })
    }

    /// All that stands in a side, as text.
    pub async fn text(&self, side: usize) -> anyhow::Result<String> {
        Ok(self.stage.people[side]
            .objects()
            .await?
            .into_iter()
            .map(|(_, text)| text.replace("\r\n ", ""))
            .collect())
    }
}

/// One event as a person sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    pub name: String,
    /// CLASS, TRANSP, STATUS.
    pub words: [String; 3],
    pub description: String,
    pub location: String,
    pub times: [String; 2],
}

/// An hour on a day of the story, in Tallinn.
pub fn hour(day: &str, title: &str, more: Value) -> Value {
    let time =
        |hour| json!({ "dateTime": format!("{day}T{hour}:00:00"), "timeZone": "Europe/Tallinn" });
    let mut event = json!({ "summary": title, "start": time(12), "end": time(13) });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}
