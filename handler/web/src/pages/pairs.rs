//! The list of pairs, and the first page without an account.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::response::Response;
use engine::calendar::CalendarId;
use engine::pair::Pair;
use jobs::Scope;
use jobs::report::PairState;
use maud::{Markup, html};
use records::calendar::CalendarRecord;
use records::problem::PairStatus;

use super::connect::Done;
use super::error::{PageError, with_code};
use super::layout::{Page, Section};
use super::time::when;
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;

/// The page.
pub async fn list(visitor: Visitor, Query(done): Query<Done>) -> Result<Response, PageError> {
    let status = jobs::status(&visitor.scope, visitor.scope.setup.poll_seconds).await?;
    if status.accounts.is_empty() {
        return Ok(welcome(&visitor));
    }
    let pairs = visitor.scope.directory().pairs().await?;
    let names = Names::read(&visitor.scope).await?;
    let name = |state: &PairState| {
        let pair = pairs.iter().find(|pair| pair.id == state.id);
        pair.map_or_else(|| state.id.to_string(), |pair| names.of_pair(pair))
    };
    let now = visitor.scope.clock.now();
    let [pair, state, last] = WORDS.pair_columns();
    let main = html! {
        @if status.pairs.is_empty() {
            p { (WORDS.no_pairs()) }
        } @else {
            table {
                caption { (WORDS.your_pairs()) }
                thead { tr { th scope="col" { (pair) } th scope="col" { (state) } th scope="col" { (last) } } }
                tbody {
                    @for state in &status.pairs {
                        tr {
                            th scope="row" { a href={ "/app/pairs/" (state.id) } { (name(state)) } }
                            td { (state_words(state)) }
                            td { (when(state.last_sync, now)) }
                        }
                    }
                }
            }
        }
        p.soft { (with_code(WORDS.pairs_by_command())) }
    };
    let mut page = Page::new(Section::Pairs, WORDS.pairs(), main);
    if done.done.as_deref() == Some("ended") {
        page.done = Some(WORDS.ended().to_owned());
    }
    Ok(page.into_answer())
}

fn welcome(visitor: &Visitor) -> Response {
    let main = html! {
        p { (WORDS.purpose()) }
        ol { @for (step, remark) in WORDS.steps() { li { b { (step) } " " (remark) } } }
        h2 { (WORDS.connect_first()) }
        (super::connect::choices(visitor))
        p.soft { (WORDS.promise()) }
    };
    Page::new(Section::Pairs, WORDS.welcome(), main).into_answer()
}

/// The state of a pair, in words.
pub fn state_words(state: &PairState) -> Markup {
    let class = match state.state {
        PairStatus::Ok => "state good",
        PairStatus::Held | PairStatus::NeedsReconnect => "state warn",
        PairStatus::Error => "state bad",
        PairStatus::Paused | PairStatus::Draft => "state",
    };
    html! {
        span class=(class) {
            @match (state.state, state.remaining) {
                (PairStatus::Ok, Some(left)) if left > 0 => (WORDS.first_sync(left)),
                (status, _) => (WORDS.state_of_pair(status)),
            }
        }
    }
}

/// The name of a calendar.
pub fn calendar_name(calendar: &CalendarRecord) -> &str {
    match calendar.name.trim() {
        "" => WORDS.unnamed(),
        name => name,
    }
}

/// The names of an owner's calendars, as they were listed last.
pub struct Names {
    /// Name, account's name and zone, by the calendar's id.
    calendars: BTreeMap<CalendarId, (String, String, Option<String>)>,
}

impl Names {
    /// Reads the names.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn read(scope: &Scope) -> Result<Self, PageError> {
        let directory = scope.snapshot().await?;
        let accounts: BTreeMap<_, _> =
            directory.accounts().into_iter().map(|account| (account.id, account.name)).collect();
        let named = |calendar: CalendarRecord| {
            let name = calendar_name(&calendar).to_owned();
            let account = accounts.get(&calendar.account).cloned().unwrap_or_default();
            (calendar.id, (name, account, calendar.zone))
        };
        Ok(Self { calendars: directory.calendars().into_iter().map(named).collect() })
    }

    /// The name of a calendar.
    pub fn of_calendar(&self, id: &CalendarId) -> String {
        let known = self.calendars.get(id);
        known.map_or_else(|| WORDS.missing_calendar().to_owned(), |(name, ..)| name.clone())
    }

    /// The name of a pair. Where both calendars have one name, each is followed by its account.
    pub fn of_pair(&self, pair: &Pair) -> String {
        let (from, to) = (self.of_calendar(&pair.from), self.of_calendar(&pair.to));
        if from != to {
            return WORDS.pair_name(&from, &to, pair.two_way);
        }
        let with_account = |id: &CalendarId, name: &str| {
            let account = self.calendars.get(id).map(|(_, account, _)| account.as_str());
            WORDS.calendar_of(name, account.unwrap_or_default())
        };
        let (from, to) = (with_account(&pair.from, &from), with_account(&pair.to, &to));
        WORDS.pair_name(&from, &to, pair.two_way)
    }

    /// The time zone in which times of a pair are shown: that of its first calendar.
    pub fn zone(&self, pair: &Pair) -> String {
        let zone = |id: &CalendarId| self.calendars.get(id).and_then(|(.., zone)| zone.clone());
        zone(&pair.from).or_else(|| zone(&pair.to)).unwrap_or_else(|| "UTC".to_owned())
    }
}
