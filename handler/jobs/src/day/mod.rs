//! What both calendars of a pair hold on one day, each event with its verdict: the answer to "why
//! is an event not there?" for a person who knows the day, and no id.
//!
//! # Properties
//! * The events are read now, from the providers, and only those of about this day: a provider that
//!   cannot search lists more, of which a bounded number is read.
//! * Nothing is written but what [`crate::explain()`] writes: rows of the first release are
//!   migrated.
//! * A recurring event is there once for each of its occurrences on that day, under the id of the
//!   series.
//! * A calendar that cannot be read does not keep the other one from being shown: most questions
//!   are about one of the two.
//! * Titles are in the answer for a page or a terminal alone: they are not serialized.

mod reading;
mod title;
mod zone_day;

use engine::calendar::{CalendarId, PairId};
use engine::pair::{Pair, PerSide, Side};
use engine::reason::Reason;
use jiff::Timestamp;
use jiff::civil::Date;
use records::account::Account;
use records::calendar::CalendarRecord;
use records::pair_state::PairStore;
use records::problem::Problem;
use serde::Serialize;

use crate::explain::{Explainer, PairPlaces, Verdict, migrate_rows};
use crate::keys::PairKeys;
use crate::next_step::{Told, neutral};
use crate::problem::problem_of_account;
use crate::{Error, Result, Scope, first_release};

pub use reading::MOST_EVENTS;
pub use title::Title;

use reading::{Listing, OnDay, read};
use zone_day::ZoneDay;

/// The answer of [`events`].
#[derive(Debug, Serialize)]
pub struct Day {
    pub pair: PairId,
    pub day: Date,
    pub zone: String,
    /// Whether the zone has this day: 30 December 2011 does not exist in Samoa. Then the all-day
    /// events of that date are in the answer.
    pub exists: bool,
    /// By their starts, at most [`MOST_EVENTS`].
    pub events: Vec<DayEvent>,
    /// There are more events.
    pub more: bool,
    /// The calendars that could not be read.
    pub unread: Vec<UnreadCalendar>,
}

/// An event of the day.
#[derive(Debug, Serialize)]
pub struct DayEvent {
    /// Its id; of an occurrence that of its series.
    pub event: String,
    /// The calendar that holds it.
    pub calendar: CalendarId,
    /// An instant, or a day; `None` where it cannot be read, or its rule cannot be followed.
    pub start: Option<String>,
    /// Exclusive.
    pub end: Option<String>,
    pub copied: bool,
    pub reason: Option<Reason>,
    /// For users of the command line; see [`Self::neutral_message`].
    pub message: String,
    /// The id of the copy.
    pub copy: Option<String>,
    #[serde(skip)]
    pub title: Title,
}

impl DayEvent {
    /// The message without any command.
    pub fn neutral_message(&self) -> String {
        neutral(&self.message)
    }
}

/// A calendar that could not be read.
#[derive(Debug, Serialize)]
pub struct UnreadCalendar {
    pub calendar: CalendarId,
    pub error: Problem,
    /// The error without any command.
    #[serde(skip)]
    pub told: Told,
}

/// What both calendars hold on a day of this zone.
///
/// # Errors
/// [`Error::NotFound`] where the pair or the zone is not known, [`Error::Request`] for a day that
/// is centuries away; the error of the first calendar where neither can be read.
pub async fn events(scope: &Scope, pair: &PairId, day: Date, zone: &str) -> Result<Day> {
    let on = ZoneDay::new(day, zone)?;
    let pair = scope.directory().pair(pair).await?;
    let rows = rows(scope, &pair).await?;
    let keys = PairKeys::new(scope, &pair).await?;
    let pair_store = PairStore::new(&*scope.store, &keys.marks, &pair);
    let bases = rows.as_ref().map(|(calendar, account)| first_release::base(account, calendar));
    migrate_rows(scope, &pair, &pair_store, bases).await?;
    let places = PairPlaces {
        kinds: rows.as_ref().map(|(_, account)| account.kind),
        zones: rows.as_ref().map(|(calendar, _)| calendar.zone.clone()),
    };
    let (from, to) = futures::join!(
        read(scope, &pair_store, Side::From, &rows.from, &on),
        read(scope, &pair_store, Side::To, &rows.to, &on)
    );
    let read = PerSide { from, to };
    if let (Err(_), Err(_)) = (&read.from, &read.to) {
        return Err(read.from.err().unwrap_or_else(|| Error::Damaged("of nothing".into())));
    }
    let explainer = Explainer::read(scope, &pair, &places, &keys, &pair_store).await?;
    let mut answer = Day {
        pair: pair.id.clone(),
        day,
        zone: zone.to_owned(),
        exists: on.exists(),
        events: Vec::new(),
        more: false,
        unread: Vec::new(),
    };
    let mut shown: Vec<(Side, OnDay)> = Vec::new();
    for (side, listing) in read {
        match listing {
            Ok(Listing { events, more }) => {
                answer.more |= more;
                shown.extend(events.into_iter().map(|event| (side, event)));
            }
            Err(error) => answer.unread.push(unread(&rows[side], &error, scope.clock.now())),
        }
    }
    shown.sort_by(|(_, one), (_, two)| one.order().cmp(&two.order()));
    answer.more |= shown.len() > MOST_EVENTS;
    shown.truncate(MOST_EVENTS);
    answer.events = verdicts(&explainer, &pair, shown).await?;
    Ok(answer)
}

type Rows = PerSide<(CalendarRecord, Account)>;

/// The rows of both calendars and of their accounts.
async fn rows(scope: &Scope, pair: &Pair) -> Result<Rows> {
    let directory = scope.snapshot().await?;
    PerSide::try_from_fn(|side| {
        let calendar = directory.calendar(pair.calendar(side))?;
        let calendar = calendar.ok_or(Error::Provider(providers::Error::CalendarMissing))?;
        let account = directory.account(&calendar.account)?;
        Ok((calendar, account))
    })
}

fn unread(
    (calendar, account): &(CalendarRecord, Account),
    error: &Error,
    now: Timestamp,
) -> UnreadCalendar {
    UnreadCalendar {
        calendar: calendar.id.clone(),
        error: problem_of_account(error, account.kind),
        told: Told::of_error(error, Some(&account.id), now),
    }
}

async fn verdicts(
    explainer: &Explainer<'_>,
    pair: &Pair,
    shown: Vec<(Side, OnDay)>,
) -> Result<Vec<DayEvent>> {
    let there: std::collections::BTreeSet<_> =
        shown.iter().map(|(side, event)| (*side, event.id.clone())).collect();
    let mut events = Vec::with_capacity(shown.len());
    for (side, event) in shown {
        let verdict = match (&event.mapping, &event.found) {
            (Some(mapping), _) => {
                let copies = mapping.side.other();
                // The day of the other calendar was read: what is on it is not gone.
                let is_emptied = mapping.is_live()
                    && explainer.emptied().contains(&copies)
                    && !there.contains(&(copies, mapping.copy.id.clone()));
                explainer.of_known(side, &event.id, mapping, is_emptied).await?
            }
            (None, found) => match explainer.of_found(side, &event.id, found).await? {
                Some(verdict) => verdict,
                None => continue,
            },
        };
        let Verdict { copied, reason, message, copy } = verdict;
        events.push(DayEvent {
            event: event.id.to_string(),
            calendar: pair.calendar(side).clone(),
            start: event.times.as_ref().map(|times| times.start.clone()),
            end: event.times.map(|times| times.end),
            copied,
            reason,
            message,
            copy,
            title: event.title,
        });
    }
    Ok(events)
}
