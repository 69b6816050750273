//! The Google provider on the simulated Google: what is asked, what a person sees, what is refused.

mod pairs;
mod random_changes;
mod reading;
mod refusals;
mod series;
mod stored_data;
mod writing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use engine::change::{Cursor, Listed};
use engine::event::{
    Busy, Content, Draft, Event, EventId, Field, Moment, OriginalStart, Parts, Series, Span,
    Visibility, Zone,
};
use engine::pair::Window;
use jiff::Timestamp;
use jiff::civil::date;
use providers::google::{AccessTokens, GoogleCalendar};
use providers::http::{AddressPolicy, Http};
use providers::{
    ChangeSet, Edit, Error, Found, NewCopy, Provider, Result, Since, Version, Written,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use simulators::google::{Account, Calendar, Quotas, Server};
use simulators::traffic::Kind;

/// The mark of every copy here.
const MARK: &str = "h1.test";

/// Tokens as a grant gives them: a new one once the old one is refused.
struct RenewedTokens {
    account: Account,
    held: Mutex<SecretString>,
}

#[async_trait::async_trait]
impl AccessTokens for RenewedTokens {
    async fn access_token(&self) -> Result<SecretString> {
        Ok(self.held.lock().unwrap().clone())
    }

    fn invalidate(&self, bearer: &SecretString) {
        let mut held = self.held.lock().unwrap();
        if held.expose_secret() == bearer.expose_secret() {
            *held = self.account.access_token().into();
        }
    }
}

/// Anna, her calendar at Google, and the product's way to it.
struct ClientEnv {
    server: Server,
    anna: Account,
    calendar: Calendar,
    client: GoogleCalendar,
}

impl ClientEnv {
    async fn new() -> Self {
        let http = Arc::new(Http::hurried(AddressPolicy { allow_private: true }).unwrap());
        let env = Self::through(&http).await;
        env.server.manners(|manners| manners.quotas = Quotas::NONE);
        env
    }

    /// With a client that keeps its pace in earnest.
    async fn in_earnest() -> Self {
        Self::through(&Arc::new(Http::new(AddressPolicy { allow_private: true }).unwrap())).await
    }

    async fn through(http: &Arc<Http>) -> Self {
        let server = Server::start().await.unwrap();
        server.clock().stand_at("2026-03-10T12:00:00Z".parse().unwrap());
        let anna = server.account("anna@example.org");
        let tokens = Arc::new(RenewedTokens {
            account: anna.clone(),
            held: Mutex::new(anna.access_token().into()),
        });
        let client = GoogleCalendar::new(http, &server.url(), anna.address(), tokens).unwrap();
        let calendar = anna.primary();
        Self { server, anna, calendar, client }
    }

    async fn listed(&self) -> ChangeSet {
        let window = Window { start: date(2025, 12, 10), end: date(2027, 3, 10) };
        self.client.list_changes(self.calendar.id(), Since::Window(window), None).await.unwrap()
    }

    async fn since(&self, cursor: &Cursor) -> ChangeSet {
        self.client.list_changes(self.calendar.id(), Since::Cursor(cursor), None).await.unwrap()
    }

    async fn create(&self, uid: &str, draft: &Draft) -> Result<Written> {
        let copy = NewCopy { uid, marker: MARK, draft, now: Timestamp::UNIX_EPOCH };
        self.client.create(self.calendar.id(), &copy).await
    }

    async fn rewrite(&self, written: &Written, draft: &Draft) -> Result<Written> {
        let copy = NewCopy { uid: "unused", marker: MARK, draft, now: Timestamp::UNIX_EPOCH };
        self.client.rewrite(self.calendar.id(), &written.id, &version(written), &copy).await
    }

    async fn edit(
        &self,
        id: &EventId,
        etag: Option<&str>,
        parts: Parts,
        draft: &Draft,
    ) -> Result<Written> {
        let version = Version { etag: etag.map(str::to_owned), sequence: 0 };
        let edit = Edit { parts: &parts, draft, marker: None, now: Timestamp::UNIX_EPOCH };
        self.client.edit(self.calendar.id(), id, &version, &edit).await
    }

    async fn delete(&self, id: &EventId, etag: Option<&str>) -> Result<()> {
        self.client.delete(self.calendar.id(), id, etag).await
    }

    /// Reads one event.
    async fn read(&self, id: &EventId) -> Found {
        self.client
            .fetch(self.calendar.id(), std::slice::from_ref(id))
            .await
            .unwrap()
            .pop()
            .unwrap()
            .found
    }

    /// Reads one event that is there.
    async fn event(&self, id: &EventId) -> Box<Event> {
        match self.read(id).await {
            Found::Event(event) => event,
            other => panic!("{other:?}"),
        }
    }

    fn asked(&self, kind: Kind) -> u64 {
        self.server.counts().of(kind)
    }

    /// No request breaks Google's rules, and no attendee was mailed.
    fn clean(&self) {
        assert_eq!(self.server.violations(), Vec::<String>::new());
        assert_eq!((self.server.mails(), self.server.propagated()), (0, 0), "guests");
    }
}

fn version(written: &Written) -> Version {
    Version { etag: written.etag.clone(), sequence: written.sequence }
}

fn id(text: &str) -> EventId {
    EventId::new(text)
}

/// An hour in Tallinn.
fn hour(day: (i16, i8, i8), at: i8) -> Span {
    let moment = |hour| Moment {
        local: date(day.0, day.1, day.2).at(hour, 0, 0, 0),
        zone: Zone::Iana("Europe/Tallinn".into()),
    };
    Span::Timed { start: moment(at), end: moment(at + 1) }
}

fn content(title: &str, span: Span) -> Content {
    Content {
        span,
        title: title.into(),
        description: "Bring <b> & pens".into(),
        location: "Room 5".into(),
        attendees: Vec::new(),
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

fn lunch() -> Draft {
    Draft { content: content("Lunch", hour((2026, 3, 11), 12)), series: None }
}

/// Every Tuesday at ten, as a person would put it into Google.
fn weekly() -> Value {
    json!({
        "summary": "Team",
        "start": { "dateTime": "2026-03-10T10:00:00+02:00", "timeZone": "Europe/Tallinn" },
        "end": { "dateTime": "2026-03-10T11:00:00+02:00", "timeZone": "Europe/Tallinn" },
        "recurrence": ["RRULE:FREQ=WEEKLY"],
    })
}

fn single(title: &str) -> Value {
    json!({
        "summary": title,
        "start": { "dateTime": "2026-03-11T12:00:00+02:00", "timeZone": "Europe/Tallinn" },
        "end": { "dateTime": "2026-03-11T13:00:00+02:00", "timeZone": "Europe/Tallinn" },
    })
}

fn at(instant: &str) -> OriginalStart {
    OriginalStart::At(instant.parse().unwrap())
}

fn parts(fields: &[Field], exceptions: &[OriginalStart]) -> Parts {
    Parts {
        fields: fields.iter().copied().collect(),
        exceptions: exceptions.iter().copied().collect(),
    }
}

/// What a survey says of each id: its title where its content came along, `?` where it is only
/// named, `-` where it was removed.
fn listed_titles(changes: &ChangeSet) -> BTreeMap<String, String> {
    let line = |listed: &Listed| match listed {
        Listed::Present { id, event: Some(event), .. } => {
            (id.to_string(), event.content.title.clone())
        }
        Listed::Present { id, event: None, .. } => (id.to_string(), "?".into()),
        Listed::Removed { id } => (id.to_string(), "-".into()),
    };
    changes.listed.iter().map(line).collect()
}

fn names(lines: &[(&str, &str)]) -> BTreeMap<String, String> {
    lines.iter().map(|(id, title)| ((*id).to_owned(), (*title).to_owned())).collect()
}
