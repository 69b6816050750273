//! Events as they were read.

use engine::event::{
    Busy, Content, Event, EventId, Organizer, OriginalStart, Span, Stamps, Visibility,
};
use ical::{Unreadable, recurrence};
use jiff::ToSpan;

use super::super::wire;
use super::time::{self, EventTime};
use super::{EventContext, MARKER};
use crate::html;

/// What a calendar shows of an event whose details we may not see.
const WITHHELD: &str = "Busy";

/// Whether an item is an event of its owner at all: places of work and birthdays only look like
/// events.
pub(in super::super) fn is_event(item: &wire::WireEvent) -> bool {
    !matches!(item.event_type.as_deref(), Some("workingLocation" | "birthday"))
}

/// Whether a list shows us less than the owner sees.
pub(in super::super) fn is_withheld(role: Option<&str>) -> bool {
    !matches!(role, Some("owner" | "writer"))
}

/// An event, or a master with the occurrences that its `recurrence` cancels. Other exceptions are
/// items of their own.
///
/// # Errors
/// It has no start, a time of it is none, or its rule cannot be followed.
pub(in super::super) fn event(
    item: &wire::WireEvent,
    context: EventContext<'_>,
) -> Result<Event, Unreadable> {
    let content = content(item, context)?;
    let series =
        if item.is_master() { recurrence::series(&item.recurrence, &content.span)? } else { None };
    let properties = item.extended_properties.as_ref();
    Ok(Event {
        id: EventId::new(item.id.as_str()),
        uid: item.i_cal_uid.clone().unwrap_or_default(),
        etag: item.etag.clone(),
        sequence: item.sequence.unwrap_or(0),
        content,
        series,
        organizer: item.organizer.as_ref().map(organizer),
        cancelled: item.is_cancelled(),
        declined: is_declined(item),
        others: false,
        marker: properties
            .and_then(|properties| properties.private.get(MARKER))
            .map(|marker| marker.trim().to_owned()),
        stamps: Stamps::default(),
        updated: item.updated.as_deref().and_then(|updated| updated.parse().ok()),
        zone_guessed: false,
    })
}

/// What an item shows.
pub(in super::super) fn content(
    item: &wire::WireEvent,
    context: EventContext<'_>,
) -> Result<Content, Unreadable> {
    let text = |text: &Option<String>| text.as_deref().map(line_ends).unwrap_or_default();
    let visibility = visibility(item);
    let withheld = context.outsider && item.summary.is_none();
    Ok(Content {
        span: span(item, context)?,
        title: if withheld { WITHHELD.to_owned() } else { text(&item.summary) },
        description: item
            .description
            .as_deref()
            .map(|html| line_ends(&html::to_text(html)))
            .unwrap_or_default(),
        location: text(&item.location),
        attendees: attendees(item),
        visibility,
        busy: busy(item),
    })
}

/// The occurrence that an exception changes, in the form of its series.
pub(in super::super) fn original_start(
    item: &wire::WireEvent,
    master: &Span,
    context: EventContext<'_>,
) -> Option<OriginalStart> {
    let when = time::read(item.original_start_time.as_ref()?, context.zone, false).ok()?;
    Some(match (master, when) {
        (Span::AllDay { .. }, EventTime::Day(day)) => OriginalStart::Day(day),
        (Span::AllDay { .. }, EventTime::Time(moment)) => OriginalStart::Day(moment.local.date()),
        (Span::Timed { start, .. }, EventTime::Day(day)) => {
            let moment = engine::event::Moment {
                local: day.to_datetime(start.local.time()),
                zone: start.zone.clone(),
            };
            OriginalStart::At(engine::zone::instant(&moment, context.zone))
        }
        (Span::Timed { .. }, EventTime::Time(moment)) => {
            OriginalStart::At(engine::zone::instant(&moment, context.zone))
        }
    })
}

fn span(item: &wire::WireEvent, context: EventContext<'_>) -> Result<Span, Unreadable> {
    let repeats = item.is_master();
    let start = item.start.as_ref().ok_or_else(|| Unreadable("it has no start".into()))?;
    let start = time::read(start, context.zone, repeats)?;
    let end = item.end.as_ref().map(|end| time::read(end, context.zone, repeats)).transpose()?;
    Ok(match start {
        EventTime::Day(start) => {
            let next = start
                .checked_add(1.day())
                .map_err(|_| Unreadable("it ends beyond the year 9999".into()))?;
            let end = match end {
                Some(EventTime::Day(end)) => end,
                Some(EventTime::Time(end)) => end.local.date(),
                None => next,
            };
            Span::AllDay { start, end: end.max(next) }
        }
        EventTime::Time(start) => {
            let end = match end {
                Some(EventTime::Time(end)) => end,
                Some(EventTime::Day(end)) => engine::event::Moment {
                    local: end.to_datetime(jiff::civil::Time::midnight()),
                    zone: start.zone.clone(),
                },
                None => start.clone(),
            };
            let instant = |moment| engine::zone::instant(moment, context.zone);
            let end = if instant(&end) < instant(&start) { start.clone() } else { end };
            Span::Timed { start, end }
        }
    })
}

/// What we do not know is private.
fn visibility(item: &wire::WireEvent) -> Visibility {
    match item.visibility.as_deref() {
        None | Some("default") => Visibility::Default,
        Some("public") => Visibility::Public,
        Some("confidential") => Visibility::Confidential,
        Some(_) => Visibility::Private,
    }
}

fn busy(item: &wire::WireEvent) -> Busy {
    if item.transparency.as_deref() == Some("transparent") {
        return Busy::Free;
    }
    match (item.event_type.as_deref(), item.status.as_deref()) {
        (Some("outOfOffice"), _) => Busy::Oof,
        (_, Some("tentative")) => Busy::Tentative,
        _ => Busy::Busy,
    }
}

fn attendees(item: &wire::WireEvent) -> Vec<String> {
    let people = item.attendees.iter().filter(|attendee| !attendee.is_self && !attendee.resource);
    let addresses = people
        .filter_map(|attendee| attendee.email.as_deref())
        .map(|email| email.trim().to_lowercase());
    let mut addresses: Vec<String> = addresses
        .filter(|email| email.contains('@') && !email.contains(char::is_whitespace))
        .collect();
    addresses.retain(|email| !email.ends_with("@resource.calendar.google.com"));
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn organizer(organizer: &wire::WireOrganizer) -> Organizer {
    Organizer {
        email: organizer.email.as_deref().unwrap_or_default().trim().to_lowercase(),
        is_me: organizer.is_self,
    }
}

/// Whether the owner of the account declined.
pub(in super::super) fn is_declined(item: &wire::WireEvent) -> bool {
    item.attendees
        .iter()
        .any(|attendee| attendee.is_self && attendee.response_status.as_deref() == Some("declined"))
}

fn line_ends(text: &str) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}
