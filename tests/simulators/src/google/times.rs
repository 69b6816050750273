//! Times as Google writes them: `{"date"}` or `{"dateTime", "timeZone"}`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::reply::Refusal;

/// A start or an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum When {
    Day(Date),
    At { instant: Timestamp, zone: String },
}

/// An instant with an offset, as RFC 3339 has it.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    // Jiff reads more forms than RFC 3339 has.
    let with_offset = text.ends_with('Z')
        || text.as_bytes().iter().rev().nth(5).is_some_and(|sign| matches!(sign, b'+' | b'-'));
    (with_offset && has_seconds(text)).then(|| text.parse().ok()).flatten()
}

/// Whether it is an instant with an offset, or a local time of that form.
pub(super) fn has_form_of_date_time(text: &str) -> bool {
    instant(text).is_some() || local(text).is_some()
}

fn local(text: &str) -> Option<DateTime> {
    (has_seconds(text) && text[19..].bytes().all(|b| b == b'.' || b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Whether a text begins as a date and a time to the second do.
fn has_seconds(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let fits =
        |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    text.is_ascii() && text.len() >= FORM.len() && text.bytes().zip(FORM).all(fits)
}

/// The zone of this IANA name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// The zone of this name, which was checked when it was written.
pub(super) fn known_zone(name: &str) -> TimeZone {
    zone(name).unwrap_or(TimeZone::UTC)
}

impl When {
    /// Reads a start or an end (`which`) in a calendar of this zone.
    pub fn read(value: Option<&Value>, which: &str, calendar_zone: &str) -> Result<Self, Refusal> {
        let field = |name: &str| value.and_then(|v| v.get(name)).and_then(Value::as_str);
        let named = match field("timeZone") {
            Some(name) if zone(name).is_none() => {
                return Err(Refusal::invalid(&format!(
                    "Invalid time zone definition for {which} time."
                )));
            }
            named => named,
        };
        match (field("date"), field("dateTime")) {
            (None, None) => Err(Refusal::required(&format!("Missing {which} time."))),
            (Some(_), Some(_)) => Err(Refusal::invalid(&format!("Invalid {which} time."))),
            (Some(date), None) => date
                .parse()
                .map(Self::Day)
                .map_err(|_| Refusal::invalid(&format!("Invalid value for: {which} date"))),
            (None, Some(text)) => {
                let zone = named.unwrap_or(calendar_zone).to_owned();
                let instant = match (instant(text), local(text)) {
                    (Some(instant), _) => instant,
                    (None, Some(local)) if named.is_some() => in_zone(local, &zone),
                    (None, Some(_)) => {
                        return Err(Refusal::required(&format!(
                            "Missing time zone definition for {which} time."
                        )));
                    }
                    (None, None) => {
                        return Err(Refusal::invalid(&format!(
                            "Invalid value for: {which} dateTime"
                        )));
                    }
                };
                // Parts of a second are ignored.
                let instant = Timestamp::from_second(instant.as_second()).unwrap_or(instant);
                Ok(Self::At { instant, zone })
            }
        }
    }

    /// As it is stored and sent, in this zone.
    pub fn write(&self, in_zone: &str) -> Value {
        match self {
            Self::Day(date) => json!({"date": date.to_string()}),
            Self::At { instant, zone } => {
                json!({"dateTime": rfc3339(*instant, in_zone), "timeZone": zone})
            }
        }
    }

    /// When it is in a calendar of this zone, where days begin at midnight.
    pub fn instant(&self, calendar_zone: &str) -> Timestamp {
        match self {
            Self::Day(date) => in_zone(date.at(0, 0, 0, 0), calendar_zone),
            Self::At { instant, .. } => *instant,
        }
    }

    /// The wall clock in its own zone: what rules of recurrence count in.
    pub fn wall(&self) -> DateTime {
        match self {
            Self::Day(date) => date.at(0, 0, 0, 0),
            Self::At { instant, zone } => known_zone(zone).to_datetime(*instant),
        }
    }

    /// A time of the same kind at another wall clock.
    pub fn at_wall(&self, wall: DateTime) -> Self {
        match self {
            Self::Day(_) => Self::Day(wall.date()),
            Self::At { zone, .. } => Self::At { instant: in_zone(wall, zone), zone: zone.clone() },
        }
    }

    /// What comes after the underscore in the id of an occurrence that starts then.
    pub fn stamp(&self) -> String {
        match self {
            Self::Day(date) => date.strftime("%Y%m%d").to_string(),
            Self::At { instant, .. } => instant.strftime("%Y%m%dT%H%M%SZ").to_string(),
        }
    }

    pub fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// The duration to an end of the same kind.
    pub fn until(&self, end: &Self) -> SignedDuration {
        match (self, end) {
            (Self::Day(start), Self::Day(end)) => end.duration_since(*start),
            _ => end.instant("UTC").duration_since(self.instant("UTC")),
        }
    }

    /// As much later. Hours are hours by the clock that ticks, as Google has it for the end of an
    /// occurrence.
    pub fn plus(&self, time: SignedDuration) -> Self {
        match self {
            Self::Day(date) => Self::Day(*date + time),
            Self::At { instant, zone } => Self::At { instant: *instant + time, zone: zone.clone() },
        }
    }
}

/// The instant of a wall clock; what the clocks skip is taken as later, what they repeat as the
/// first time.
pub(super) fn in_zone(wall: DateTime, zone: &str) -> Timestamp {
    known_zone(zone).to_timestamp(wall).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2026-03-10T10:00:00+02:00`, and `Z` in UTC.
pub(super) fn rfc3339(instant: Timestamp, zone: &str) -> String {
    let text = instant.to_zoned(known_zone(zone)).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    match text.strip_suffix("+00:00") {
        Some(rest) if matches!(zone, "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT" | "Z") => {
            format!("{rest}Z")
        }
        _ => text,
    }
}

/// `2026-03-10T08:00:00.000Z`, as `updated` and `created` are written.
pub(super) fn to_the_millisecond(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The start or end of a stored event, which was checked when it was stored.
pub(super) fn stored(event: &Map<String, Value>, name: &str) -> Option<When> {
    When::read(event.get(name), name, "UTC").ok()
}
