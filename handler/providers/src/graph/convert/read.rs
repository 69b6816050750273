//! Events as they were read.

use engine::event::{
    Busy, Content, Event, EventId, Organizer, OriginalStart, Span, Stamps, Visibility,
};
use ical::Unreadable;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::wire::{EmailAddress, MARKER, WireAttendee, WireEvent};
use super::{EventContext, body, time};

/// What a calendar shows of an event whose details we may not see.
const WITHHELD: &str = "Busy";

/// A single event, or one occurrence of a series as an event of its own. [`super::series()`] reads
/// a master.
///
/// # Errors
/// It has no start, a time of it is none, or it does not say which occurrence it is.
pub(in super::super) fn event(
    item: &WireEvent,
    context: EventContext<'_>,
) -> Result<Event, Unreadable> {
    let id = match item.series_master_id.as_deref() {
        Some(master) if item.is_instance() => {
            let start = original_start(item, context).ok_or_else(|| {
                Unreadable("it does not say which occurrence of its series it is".into())
            })?;
            EventId::instance(master, start)
        }
        _ => EventId::new(item.id.as_str()),
    };
    let mine = item.is_organizer.unwrap_or(item.organizer.is_none());
    Ok(Event {
        id,
        uid: item.i_cal_uid.clone().unwrap_or_default(),
        etag: item.etag.clone(),
        sequence: 0,
        content: content(item, context)?,
        series: None,
        organizer: organizer(item, mine),
        others: has_others(item, mine, context),
        cancelled: item.is_cancelled,
        declined: !mine && is_declined(item),
        marker: item.extended_property(MARKER).map(|mark| mark.trim().to_owned()),
        stamps: stamps(item),
        updated: None,
        zone_guessed: false,
    })
}

/// What an item shows.
///
/// # Errors
/// It has no start, or a time of it is none.
pub(in super::super) fn content(
    item: &WireEvent,
    context: EventContext<'_>,
) -> Result<Content, Unreadable> {
    let text = |text: Option<&String>| text.map(|t| body::line_ends(t)).unwrap_or_default();
    let visibility = visibility(item);
    let span = span(item)?;
    let busy = busy(item);
    if context.outsider && visibility != Visibility::Default {
        return Ok(Content {
            span,
            title: WITHHELD.to_owned(),
            description: String::new(),
            location: String::new(),
            attendees: Vec::new(),
            visibility,
            busy,
        });
    }
    let place = item.location.as_ref().and_then(|location| location.display_name.as_ref());
    Ok(Content {
        span,
        title: text(item.subject.as_ref()),
        description: item.body.as_ref().map(body::text).unwrap_or_default(),
        location: text(place),
        attendees: attendees(item, context),
        visibility,
        busy,
    })
}

/// The start that the rule of its series gave an occurrence; `None` where the item does not say it.
pub(in super::super) fn original_start(
    item: &WireEvent,
    context: EventContext<'_>,
) -> Option<OriginalStart> {
    let of_days = context.series_of_days.or(item.is_all_day).unwrap_or(false);
    let Some(instant) = item.original_start.as_deref().and_then(time::instant) else {
        // An occurrence that departs from nothing is where its rule has it.
        let start = item.start.as_ref().filter(|_| !item.is_exception())?;
        return match of_days {
            true => time::day(start).map(OriginalStart::Day),
            false => time::instant_of(start).map(whole_seconds).map(OriginalStart::At),
        };
    };
    if !of_days {
        return Some(OriginalStart::At(whole_seconds(instant)));
    }
    // An occurrence of days that departs from nothing is where its rule has it.
    if item.is_all_day == Some(true)
        && !item.is_exception()
        && let Some(day) = item.start.as_ref().and_then(time::day)
    {
        return Some(OriginalStart::Day(day));
    }
    // Days are kept in UTC; where one is not, it is a midnight of the zone it was made in, which
    // the item does not always name.
    let utc = TimeZone::UTC.to_datetime(instant);
    let hint = item.original_start_time_zone.as_deref().and_then(engine::zone::resolve);
    let there = hint.map(|zone| engine::zone::rules(&zone, None).to_datetime(instant));
    let nearest = || utc.checked_add(SignedDuration::from_hours(12)).unwrap_or(utc);
    let is_midnight = |local: &jiff::civil::DateTime| local.time() == Time::midnight();
    let local =
        if is_midnight(&utc) { utc } else { there.filter(is_midnight).unwrap_or_else(nearest) };
    Some(OriginalStart::Day(local.date()))
}

fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

fn span(item: &WireEvent) -> Result<Span, Unreadable> {
    let start = item.start.as_ref().ok_or_else(|| Unreadable("it has no start".into()))?;
    let end = item.end.as_ref().unwrap_or(start);
    if item.is_all_day == Some(true) {
        let day =
            |bound| time::day(bound).ok_or_else(|| Unreadable("one of its days is no date".into()));
        let start = day(start)?;
        let next =
            time::next(start).ok_or_else(|| Unreadable("it ends beyond the year 9999".into()))?;
        return Ok(Span::AllDay { start, end: day(end)?.max(next) });
    }
    let moment = |bound, hint: &Option<String>| {
        let hint = hint.as_deref().filter(|hint| !hint.is_empty());
        time::moment(bound, hint, item.is_master())
            .ok_or_else(|| Unreadable("one of its times is no time in a known zone".into()))
    };
    let start = moment(start, &item.original_start_time_zone)?;
    let end_zone = item.original_end_time_zone.as_ref().or(item.original_start_time_zone.as_ref());
    let end = moment(end, &end_zone.cloned())?;
    let instant = |moment| engine::zone::instant(moment, None);
    let end = if instant(&end) < instant(&start) { start.clone() } else { end };
    Ok(Span::Timed { start, end })
}

/// What we do not know is private.
fn visibility(item: &WireEvent) -> Visibility {
    match item.sensitivity.as_deref() {
        None | Some("normal") => Visibility::Default,
        Some("confidential") => Visibility::Confidential,
        Some(_) => Visibility::Private,
    }
}

fn busy(item: &WireEvent) -> Busy {
    match item.show_as.as_deref() {
        Some("free") => Busy::Free,
        Some("tentative") => Busy::Tentative,
        Some("oof") => Busy::Oof,
        Some("workingElsewhere") => Busy::WorkingElsewhere,
        // `unknown`, and any later value: it blocks its time.
        _ => Busy::Busy,
    }
}

fn address(of: Option<&EmailAddress>) -> Option<String> {
    let address = of?.address.as_deref()?.trim().to_lowercase();
    (address.contains('@') && !address.contains(char::is_whitespace)).then_some(address)
}

/// The guests other than ourselves: by their addresses, or `None` where one has none.
fn guests<'a>(
    item: &'a WireEvent,
    context: EventContext<'a>,
) -> impl Iterator<Item = Option<String>> + 'a {
    let organizer = item.organizer.as_ref().and_then(|who| address(who.email_address.as_ref()));
    let organizer = organizer.filter(|_| item.is_organizer == Some(true));
    let me = context.me.map(|me| me.trim().to_lowercase());
    let people = item.attendees.iter().filter(|attendee| !is_room(attendee));
    people
        .map(|attendee| address(attendee.email_address.as_ref()))
        .filter(move |address| address.is_none() || (*address != organizer && *address != me))
}

fn attendees(item: &WireEvent, context: EventContext<'_>) -> Vec<String> {
    let mut addresses: Vec<String> = guests(item, context).flatten().collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn is_room(attendee: &WireAttendee) -> bool {
    attendee.kind.as_deref() == Some("resource")
}

/// Whether there are guests that [`attendees`] does not name.
fn has_others(item: &WireEvent, mine: bool, context: EventContext<'_>) -> bool {
    let withheld = context.outsider && visibility(item) != Visibility::Default;
    (item.hide_attendees && !mine)
        || item.attendees.iter().any(is_room)
        || guests(item, context).any(|address| address.is_none() || withheld)
}

fn organizer(item: &WireEvent, mine: bool) -> Option<Organizer> {
    let named = item.organizer.as_ref().and_then(|who| address(who.email_address.as_ref()));
    // An event that is not ours has an organizer, though the answer may not name them.
    (named.is_some() || !mine).then(|| Organizer { email: named.unwrap_or_default(), is_me: mine })
}

fn is_declined(item: &WireEvent) -> bool {
    let answer = item.response_status.as_ref().and_then(|status| status.response.as_deref());
    answer == Some("declined")
}

fn stamps(item: &WireEvent) -> Stamps {
    // The service says the year 1 for "never".
    let read = |text: &Option<String>| {
        text.as_deref().and_then(time::instant).filter(|instant| *instant > Timestamp::UNIX_EPOCH)
    };
    Stamps {
        created: read(&item.created_date_time),
        modified: read(&item.last_modified_date_time),
        stamped: None,
    }
}
