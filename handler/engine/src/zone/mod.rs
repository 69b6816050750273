//! Time zones: what a name found in a calendar means, and which instant a wall-clock time is.
//!
//! Offsets come from jiff and the IANA database alone. Times that do not exist (clocks go forward)
//! move forward by the length of the gap, times that exist twice (clocks go back) are the first of
//! the two, as RFC 5545 section 3.3.5 has it.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::event::{Moment, OriginalStart, Span, Zone};

mod anchor;
mod like;
mod names;

pub use anchor::{anchored, anchored_start, floating, floating_start};
pub use like::{follows, zone_like};

/// The longest zone name that is looked at, in bytes.
const LONGEST_NAME: usize = 128;

/// The zone that a name means: an IANA name in any case, alone or at the end of a path
/// (`/freeassociation.sourceforge.net/Europe/Berlin`), a Windows name or what Windows shows for it,
/// an offset, or one of the many names of UTC; any of these with a number behind it too.
///
/// `None` for anything else, such as `Customized Time Zone 1`: then the rules in the object's own
/// VTIMEZONE decide, see [`zone_like`].
pub fn resolve(name: &str) -> Option<Zone> {
    let name = bare(name)?;
    meaning(name).or_else(|| names::unnumbered(name).and_then(meaning))
}

/// Whether a name is that of a place in the IANA database, alone or at the end of a path. The
/// database defines such a name; all other names ([`resolve`] knows many) are only conventions, and
/// a VTIMEZONE that says otherwise counts.
pub fn is_place(name: &str) -> bool {
    bare(name).is_some_and(|name| {
        let zone = iana(name).map(Zone::Iana).or_else(|| after_prefix(name));
        matches!(zone, Some(Zone::Iana(name)) if name.contains('/') && !name.starts_with("Etc/"))
    })
}

fn bare(name: &str) -> Option<&str> {
    let name = name.trim().trim_matches('"').trim();
    (!name.is_empty() && name.len() <= LONGEST_NAME).then_some(name)
}

fn meaning(name: &str) -> Option<Zone> {
    if names::is_utc(name) {
        return Some(Zone::Utc);
    }
    iana(name)
        .or_else(|| names::windows(name).and_then(iana))
        .or_else(|| names::shown(name).and_then(iana))
        .or_else(|| names::fixed_offset(name).as_deref().and_then(iana))
        .map(Zone::Iana)
        .or_else(|| after_prefix(name))
}

/// The name as the IANA database spells it, if it has it.
fn iana(name: &str) -> Option<String> {
    if names::is_no_place(name) {
        return None;
    }
    let zone = TimeZone::get(name).ok()?;
    if zone.is_unknown() {
        return None;
    }
    zone.iana_name().map(str::to_owned)
}

/// The zone at the end of a path, after a maker's prefix: the longest end that is a name wins.
fn after_prefix(name: &str) -> Option<Zone> {
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
    if parts.len() < 2 && !name.starts_with('/') {
        return None;
    }
    (1..=parts.len().min(3)).rev().find_map(|count| {
        let end = parts[parts.len() - count..].join("/");
        if names::is_utc(&end) { Some(Zone::Utc) } else { iana(&end).map(Zone::Iana) }
    })
}

/// The rules of a zone. A floating time is meant in `floating_zone`; without one, or where a name
/// is not known to this machine's database, in UTC.
pub fn rules(zone: &Zone, floating_zone: Option<&str>) -> TimeZone {
    let named = match zone {
        Zone::Utc => None,
        Zone::Iana(name) => Some(name.as_str()),
        Zone::Floating => floating_zone,
    };
    named.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
}

/// The instant of a wall-clock time in a zone; outside of the years that can be represented (-9999
/// to 9999), the nearest that can.
pub fn instant_in(local: DateTime, rules: &TimeZone) -> Timestamp {
    match rules.to_ambiguous_timestamp(local).compatible() {
        Ok(instant) => instant,
        Err(_) if local.year() < 0 => Timestamp::MIN,
        Err(_) => Timestamp::MAX,
    }
}

/// The moment of an instant in a zone, in whole seconds. The second of two hours of the same name
/// can be said in UTC only; a moment that `repeats` keeps its zone nevertheless.
pub fn moment(instant: Timestamp, zone: Zone, repeats: bool) -> Moment {
    let rules = rules(&zone, None);
    let local = whole_seconds(rules.to_datetime(instant));
    if !repeats && instant_in(local, &rules).as_second() != instant.as_second() {
        return Moment {
            local: whole_seconds(TimeZone::UTC.to_datetime(instant)),
            zone: Zone::Utc,
        };
    }
    Moment { local, zone }
}

/// The moment whose wall clock shows the same when it shows it for the second time, because clocks
/// go back; `None` where it shows that once.
pub fn second_pass(moment: &Moment) -> Option<Moment> {
    if moment.zone == Zone::Floating {
        return None;
    }
    let time = rules(&moment.zone, None).to_ambiguous_timestamp(moment.local);
    let AmbiguousOffset::Fold { .. } = time.offset() else { return None };
    Some(self::moment(time.later().ok()?, moment.zone.clone(), false))
}

/// A local time without fractions of a second.
pub fn whole_seconds(local: DateTime) -> DateTime {
    local.with().subsec_nanosecond(0).build().unwrap_or(local)
}

/// The instant of a moment; a floating one is meant in `floating_zone`, or in UTC.
pub fn instant(moment: &Moment, floating_zone: Option<&str>) -> Timestamp {
    instant_in(moment.local, &rules(&moment.zone, floating_zone))
}

/// The first instant of a day in UTC: all-day events are compared with windows this way, wherever
/// they are shown.
pub fn day_instant(day: Date) -> Timestamp {
    instant_in(day.to_datetime(jiff::civil::Time::midnight()), &TimeZone::UTC)
}

/// About when an occurrence begins by its rule.
pub fn near(start: OriginalStart) -> Timestamp {
    match start {
        OriginalStart::Day(day) => day_instant(day),
        OriginalStart::At(instant) => instant,
        OriginalStart::Floating(local) => day_instant(local.date()),
    }
}

/// The first instant of a span.
pub fn start(span: &Span, floating_zone: Option<&str>) -> Timestamp {
    match span {
        Span::AllDay { start, .. } => day_instant(*start),
        Span::Timed { start, .. } => instant(start, floating_zone),
    }
}

/// The first instant after a span, never before its start.
pub fn end(span: &Span, floating_zone: Option<&str>) -> Timestamp {
    let end = match span {
        Span::AllDay { end, .. } => day_instant(*end),
        Span::Timed { end, .. } => instant(end, floating_zone),
    };
    end.max(start(span, floating_zone))
}

/// How long a span is, in elapsed time.
pub fn length(span: &Span, floating_zone: Option<&str>) -> SignedDuration {
    end(span, floating_zone).duration_since(start(span, floating_zone))
}

#[cfg(test)]
mod tests;
