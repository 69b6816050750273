//! Days and times.

use engine::event::{Moment, Span, Zone};
use ical::Unreadable;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::super::wire::EventDateTime;

/// A day or a time as it was read.
pub(super) enum EventTime {
    /// A whole day.
    Day(Date),
    /// A time.
    Time(Moment),
}

/// Reads a start or an end. `repeats` says that its zone matters and not its instant alone.
pub(super) fn read(
    from: &EventDateTime,
    calendar: Option<&str>,
    repeats: bool,
) -> Result<EventTime, Unreadable> {
    let unreadable = || Unreadable("one of its times is neither a date nor a time".into());
    if let Some(text) = &from.date_time {
        return moment(text, from.time_zone.as_deref(), calendar, repeats)
            .map(EventTime::Time)
            .ok_or_else(unreadable);
    }
    let text = from.date.as_deref().ok_or_else(unreadable)?;
    text.parse().map(EventTime::Day).map_err(|_| unreadable())
}

fn moment(
    text: &str,
    named: Option<&str>,
    calendar: Option<&str>,
    repeats: bool,
) -> Option<Moment> {
    let zone = match named {
        Some(name) => engine::zone::resolve(name),
        None => calendar.and_then(engine::zone::resolve),
    };
    let Ok(instant) = text.parse::<Timestamp>() else {
        // Without an offset: a wall-clock time in the zone that is named.
        let local: DateTime = text.parse().ok()?;
        return Some(Moment {
            local: engine::zone::whole_seconds(local),
            zone: zone.unwrap_or(Zone::Floating),
        });
    };
    let zone = match zone {
        Some(zone) => zone,
        // A series in an unknown zone would drift, so it is not read at all.
        None if repeats && named.is_some() => return None,
        None => Zone::Utc,
    };
    Some(engine::zone::moment(instant, zone, repeats))
}

/// Start and end of a span.
pub(super) fn write(span: &Span) -> (EventDateTime, EventDateTime) {
    match span {
        Span::AllDay { start, end } => (day(*start), day(*end)),
        Span::Timed { start, end } => (time(start), time(end)),
    }
}

fn day(day: Date) -> EventDateTime {
    EventDateTime { date: Some(day.to_string()), ..EventDateTime::default() }
}

fn time(moment: &Moment) -> EventDateTime {
    let instant = engine::zone::instant(moment, None);
    let (zone, text) = match &moment.zone {
        Zone::Iana(name) => {
            let zoned = instant.to_zoned(engine::zone::rules(&moment.zone, None));
            // RFC 3339 has no seconds in an offset, the local mean times of old have.
            let in_minutes = zoned.offset().seconds() % 60 == 0;
            let text = if in_minutes {
                zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
            } else {
                rfc3339(instant)
            };
            (name.as_str(), text)
        }
        Zone::Utc | Zone::Floating => ("UTC", rfc3339(instant)),
    };
    EventDateTime {
        date_time: Some(text),
        time_zone: Some(zone.to_owned()),
        ..EventDateTime::default()
    }
}

/// An instant as a query wants it.
pub(in super::super) fn rfc3339(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
