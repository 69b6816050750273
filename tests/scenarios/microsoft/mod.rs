//! Microsoft 365 on the simulated Entra and Graph, by the program as its user runs it.

mod all_pairs;
mod consent;
mod crossing;
mod day_at_rest;
mod day_shown;
mod edges;
mod faults;
mod named_faults;
mod pairs;
mod push;
mod rates;
mod series;
mod story;
mod switches;

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::caldav::{self, CalDav};
use simulators::expand::expand;
use simulators::google;
use simulators::graph::{self, Graph};

use crate::support::cli::{self, Cli};
use crate::support::events;

/// A calendar of a scenario.
pub(super) enum End {
    Microsoft(graph::Calendar),
    Google(google::Calendar),
    CalDav(caldav::Calendar),
}

/// What serves an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Microsoft,
    Google,
    CalDav,
}

/// A program that knows Microsoft and Google, and a CalDAV server.
pub(super) struct Office {
    pub(super) graph: Graph,
    pub(super) google: google::Server,
    pub(super) dav: CalDav,
    pub(super) cli: Cli,
}

impl Office {
    pub(super) async fn new() -> anyhow::Result<Self> {
        let graph = Graph::start().await?;
        let google = google::Server::start().await?;
        google.manners(|manners| manners.quotas = google::Quotas::NONE);
        let dav = CalDav::start(caldav::Manners::generic()).await?;
        let settings = graph.settings().into_iter().chain(google.settings());
        let cli = settings.fold(Cli::new()?, |cli, (name, value)| cli.with(name, &value));
        Ok(Self { graph, google, dav, cli })
    }

    /// The data directory is lost: another program takes the place of the first.
    pub(super) fn loses_its_data(&mut self) -> anyhow::Result<()> {
        let settings = self.graph.settings().into_iter().chain(self.google.settings());
        self.cli = settings.fold(Cli::new()?, |cli, (name, value)| cli.with(name, &value));
        Ok(())
    }

    /// Connects a person's account; the calendar and its id.
    pub(super) async fn end(&self, kind: Kind, person: &str) -> anyhow::Result<(End, String)> {
        let address = format!("{person}@example.org");
        let (end, account) = match kind {
            Kind::Microsoft => {
                let account = self.graph.account(&address);
                let added = self.cli.microsoft_add(&account.refresh_token()).await?.done()?;
                (End::Microsoft(account.primary()), cli::id(&added)?)
            }
            Kind::Google => {
                let account = self.google.account(&address);
                let id = self.cli.connect_google(&account.refresh_token()).await?;
                (End::Google(account.primary()), id)
            }
            Kind::CalDav => {
                let password = "carl-secret-9753";
                let calendar = self.dav.account(person, password).calendar(person, "desk");
                let id = self.cli.connect(self.dav.url().as_str(), person, password).await?;
                (End::CalDav(calendar), id)
            }
        };
        let listed = self.cli.json(&["calendars", "--account", &account]).await?;
        let calendars = listed["calendars"].as_array().context("calendars")?;
        let found = calendars.iter().find(|calendar| match kind {
            Kind::CalDav => calendar["name"].as_str().is_some_and(|name| name.ends_with("desk")),
            _ => true,
        });
        Ok((end, cli::id(found.with_context(|| listed.to_string())?)?))
    }

    /// A pass that succeeds: created, changed, deleted, skipped.
    pub(super) async fn sync(&self) -> anyhow::Result<[u64; 4]> {
        let run = self.cli.sync().await;
        Ok(cli::counts(&run.with_context(|| format!("{:?}", self.graph.violations()))?))
    }

    /// The next passes write nothing, and no server complains.
    #[track_caller]
    pub(super) fn is_clean(&self) {
        assert_eq!(self.graph.violations(), Vec::<String>::new());
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert_eq!(self.dav.complaints(), Vec::<String>::new());
        let mails = (self.graph.mails(), self.google.mails(), self.dav.mails_sent());
        assert_eq!(mails, (0, 0, 0), "guests");
        assert_eq!((self.graph.without_id_type(), self.graph.unconditional()), (0, 0));
    }

    /// Passes until nothing is written, at most three; fails where the ends still write then.
    pub(super) async fn rest(&self) -> anyhow::Result<()> {
        for _ in 0..2 {
            self.sync().await?;
        }
        self.graph.reset_counts();
        self.google.reset_counts();
        let done = self.sync().await?;
        let writes = self.graph.counts().writes() + self.google.counts().writes();
        assert_eq!((&done[..3], writes), (&[0; 3][..], 0), "at rest");
        self.is_clean();
        Ok(())
    }
}

impl End {
    pub(super) fn microsoft(&self) -> &graph::Calendar {
        let Self::Microsoft(calendar) = self else { panic!("this end is at Microsoft") };
        calendar
    }

    /// What a person sees: start and title of each occurrence, and how often.
    pub(super) fn shown(&self) -> Shown {
        let range = time("2026-10-01T00:00:00Z")..time("2027-09-01T00:00:00Z");
        let objects = match self {
            Self::Microsoft(calendar) => {
                let all = calendar.occurrences(range.start, range.end);
                return count(all.iter().map(|event| (start(event), text(&event["subject"]))));
            }
            Self::Google(calendar) => calendar.objects(),
            Self::CalDav(calendar) => calendar.objects(),
        };
        let shown = objects.iter().flat_map(|(name, object)| {
            expand(object, &range).unwrap_or_else(|| panic!("{name}: {object}")).occurrences
        });
        count(shown)
    }
}

/// Start and title of each occurrence, and how often it is shown.
pub(super) type Shown = BTreeMap<(Timestamp, String), usize>;

fn count(shown: impl Iterator<Item = (Timestamp, String)>) -> Shown {
    let mut counted = BTreeMap::new();
    shown.for_each(|one| *counted.entry(one).or_default() += 1);
    counted
}

fn start(event: &Value) -> Timestamp {
    let text = event["start"]["dateTime"].as_str().unwrap_or_default();
    time(&format!("{}Z", text.split('.').next().unwrap_or_default()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// An hour of a day, in Berlin, as Outlook makes it.
pub(super) fn outlook(day: &str, title: &str, more: Value) -> Value {
    let time = |hour| json!({"dateTime": format!("{day}T{hour}:00:00"), "timeZone": "W. Europe Standard Time"});
    let mut event = json!({
        "subject": title, "body": {"contentType": "text", "content": "Bring pens"},
        "location": {"displayName": "Room 5"}, "start": time(12), "end": time(13),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

/// A weekly series of so many occurrences from that day on.
pub(super) fn weekly(day: &str, weekday: &str, count: u32) -> Value {
    json!({"recurrence": {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [weekday],
            "firstDayOfWeek": "monday"},
        "range": {"type": "numbered", "startDate": day, "numberOfOccurrences": count,
            "recurrenceTimeZone": "W. Europe Standard Time"}
    }})
}

/// An iCalendar object with one event of these lines, and the rules of Berlin if they name it.
pub(super) fn object(uid: &str, lines: &str) -> String {
    let zone = if lines.contains("TZID=Europe/Berlin") { events::BERLIN } else { "" };
    events::calendar(&format!("{zone}{}", events::vevent(uid, lines)))
}
