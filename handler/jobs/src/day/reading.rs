//! Reads the events of one day of one calendar.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::change::Listed;
use engine::event::{Event, EventId, Exception, Span};
use engine::mapping::{Mapping, Times};
use engine::pair::Side;
use engine::{recurrence, zone};
use jiff::Timestamp;
use providers::{ByOccurrence, ChangeSet, Found, Provider, Since};
use records::account::Account;
use records::calendar::CalendarRecord;
use records::pair_state::PairStore;

use super::title::Title;
use super::zone_day::ZoneDay;
use crate::{Error, Result, Scope, accounts};

/// The most events of an answer.
pub const MOST_EVENTS: usize = 200;

/// The most events that are read by their ids. A provider that cannot search lists all that a
/// calendar holds.
const MOST_READ: usize = 1_000;

/// What a calendar holds on a day.
pub(super) struct Listing {
    pub events: Vec<OnDay>,
    /// There is more.
    pub more: bool,
}

/// An event that is on the day.
pub(super) struct OnDay {
    pub id: EventId,
    /// `None` where it cannot be read, or its rule cannot be followed.
    pub times: Option<Times>,
    begin: Option<Timestamp>,
    pub title: Title,
    pub found: Arc<Found>,
    pub mapping: Option<Mapping>,
}

impl OnDay {
    /// The order of the answer: what has no time comes last.
    pub fn order(&self) -> (bool, Option<Timestamp>, &EventId) {
        (self.begin.is_none(), self.begin, &self.id)
    }
}

/// Reads the events of a day, with the mappings that they have.
pub(super) async fn read(
    scope: &Scope,
    pair_store: &PairStore<'_>,
    side: Side,
    (calendar, account): &(CalendarRecord, Account),
    on: &ZoneDay,
) -> Result<Listing> {
    let provider = open(scope, pair_store, side, (calendar, account), on).await?;
    let since = Since::Window(on.window());
    let changes = provider.list_changes(&calendar.address, since, None).await?;
    let ChangeSet { listed, unmarked, .. } = changes;
    let mut found = BTreeMap::new();
    let mut unread = Vec::new();
    for line in listed {
        match line {
            Listed::Present { id, event: Some(event), .. } => {
                found.insert(id, Found::Event(event));
            }
            Listed::Present { id, event: None, .. } => unread.push(id),
            Listed::Removed { .. } => {}
        }
    }
    let mut more = unread.len() > MOST_READ;
    unread.truncate(MOST_READ);
    found.extend(fetch(&*provider, &calendar.address, &unread).await?);
    let zone = calendar.zone.as_deref();
    let mut events: Vec<OnDay> =
        found.into_iter().flat_map(|(id, found)| on_day(id, found, on, zone)).collect();
    events.sort_by(|one, two| one.order().cmp(&two.order()));
    more |= events.len() > MOST_EVENTS;
    events.truncate(MOST_EVENTS);
    add_mappings(pair_store, side, &mut events).await?;
    // A listing may leave out the marks by which copies are recognised.
    let is_unmarked = |event: &&mut OnDay| event.mapping.is_none() && unmarked.contains(&event.id);
    let ids: Vec<EventId> =
        events.iter_mut().filter(is_unmarked).map(|event| event.id.clone()).collect();
    let marked = fetch(&*provider, &calendar.address, &ids).await?;
    let marked: BTreeMap<EventId, Arc<Found>> =
        marked.into_iter().map(|(id, found)| (id, Arc::new(found))).collect();
    for event in events.iter_mut().filter(is_unmarked) {
        if let Some(found) = marked.get(&event.id) {
            event.found = found.clone();
        }
    }
    Ok(Listing { events, more })
}

/// The provider of a calendar; series that the pair shows by their occurrences are shown so.
async fn open(
    scope: &Scope,
    pair_store: &PairStore<'_>,
    side: Side,
    (calendar, account): (&CalendarRecord, &Account),
    on: &ZoneDay,
) -> Result<Arc<dyn Provider>> {
    if let Some(wait) = account.suspended_for(scope.clock.now()) {
        return Err(Error::Provider(providers::Error::RateLimited { retry_after: Some(wait) }));
    }
    let provider = accounts::open(scope, account).await?;
    let series = std::mem::take(&mut pair_store.expanded().await?[side]);
    if series.is_empty() {
        return Ok(provider);
    }
    let zone = calendar.zone.as_deref();
    Ok(Arc::new(ByOccurrence::new(provider, series, on.window(), zone)))
}

async fn fetch(
    provider: &dyn Provider,
    calendar: &str,
    ids: &[EventId],
) -> Result<Vec<(EventId, Found)>> {
    let mut all = Vec::with_capacity(ids.len());
    for ids in ids.chunks(provider.batch().max(1)) {
        let found = provider.fetch(calendar, ids).await?;
        all.extend(found.into_iter().map(|fetched| (fetched.id, fetched.found)));
    }
    Ok(all)
}

/// What of an event is on the day: itself, or each occurrence of a series.
fn on_day(id: EventId, found: Found, on: &ZoneDay, zone: Option<&str>) -> Vec<OnDay> {
    let spans = match &found {
        Found::Event(event) => spans(event, on, zone),
        Found::NotFound | Found::NoEvent => Vec::new(),
        Found::Refused(_) | Found::Unreadable { .. } => vec![(None, String::new())],
    };
    let found = Arc::new(found);
    let one = |(span, title): (Option<Span>, String)| OnDay {
        id: id.clone(),
        times: span.as_ref().map(|span| times(span, zone)),
        begin: span.as_ref().map(|span| zone::start(span, zone)),
        title: Title(title),
        found: found.clone(),
        mapping: None,
    };
    spans.into_iter().map(one).collect()
}

/// The times that an event has on the day, with their titles. A series whose rule cannot be
/// followed has none: its provider says that it is on about that day.
fn spans(event: &Event, on: &ZoneDay, zone: Option<&str>) -> Vec<(Option<Span>, String)> {
    let title = &event.content.title;
    let Some(series) = &event.series else {
        let span = Some(event.content.span.clone()).filter(|span| on.has(span, zone));
        return span.map(|span| (Some(span), title.clone())).into_iter().collect();
    };
    let Ok(all) = recurrence::occurrences(&event.content, series, on.wide_range(), zone) else {
        return vec![(None, title.clone())];
    };
    let title = |original| match series.exceptions.get(&original) {
        Some(Exception::Changed(content)) => content.title.clone(),
        _ => title.clone(),
    };
    all.into_iter()
        .filter(|occurrence| on.has(&occurrence.span, zone))
        .map(|occurrence| (Some(occurrence.span), title(occurrence.original)))
        .collect()
}

/// The times of a span; floating ones are meant in the zone of their calendar.
fn times(span: &Span, zone: Option<&str>) -> Times {
    match span {
        Span::AllDay { .. } => Times::from(span),
        Span::Timed { .. } => Times {
            start: zone::start(span, zone).to_string(),
            end: zone::end(span, zone).to_string(),
        },
    }
}

async fn add_mappings(pair_store: &PairStore<'_>, side: Side, events: &mut [OnDay]) -> Result<()> {
    let ids: Vec<EventId> = events.iter().map(|event| event.id.clone()).collect();
    let known = pair_store.lookup(side, &ids).await?.known;
    for event in events {
        event.mapping = known.get(&event.id).cloned();
    }
    Ok(())
}
