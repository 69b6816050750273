//! The id of an event.

use std::fmt;
use std::hash::{Hash, Hasher};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::original_start::OriginalStart;

/// What a provider calls an event: opaque to us, unique in its calendar.
///
/// For CalDAV this is the percent-decoded name of the resource within its calendar; two spellings
/// of one href are one id, and so are the hrefs of a calendar that is reached by two paths.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventId {
    key: String,
    /// The exact address to use in a request, kept only where it cannot be derived from `key`
    /// (a server that percent-encodes in its own way must get its own spelling back).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl EventId {
    /// An id whose address follows from itself.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), address: None }
    }

    /// An id with the server's own spelling of its address.
    pub fn with_address(key: impl Into<String>, address: impl Into<String>) -> Self {
        Self { key: key.into(), address: Some(address.into()) }
    }

    /// The id of one occurrence of a series whose occurrences are events of their own: the id of
    /// the series and the start that its rule gave the occurrence, so that both sort together.
    ///
    /// The start is in UTC (`YYYYMMDDTHHMMSSZ`, in whole seconds), a day (`YYYYMMDD`), or a floating
    /// time (`YYYYMMDDTHHMMSS`).
    pub fn instance(master: &str, start: OriginalStart) -> Self {
        let start = match start {
            OriginalStart::Day(day) => day.strftime("%Y%m%d").to_string(),
            OriginalStart::At(instant) => instant.strftime("%Y%m%dT%H%M%SZ").to_string(),
            OriginalStart::Floating(local) => local.strftime("%Y%m%dT%H%M%S").to_string(),
        };
        Self::new(format!("{master}/{start}"))
    }

    /// The series and the original start, where this is the id of one occurrence
    /// ([`EventId::instance`]); `None` for any other id.
    pub fn in_series(&self) -> Option<(&str, OriginalStart)> {
        let (master, start) = self.key.rsplit_once('/')?;
        (!master.is_empty()).then_some((master, parse_original_start(start)?))
    }

    /// The id as it is compared, stored and shown.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// The server's own spelling, if it differs from the canonical one.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }
}

/// Reads what [`EventId::instance`] writes, and nothing else.
fn parse_original_start(text: &str) -> Option<OriginalStart> {
    let number = |at: usize, length: usize| {
        let digits = text.get(at..at + length)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i16>().ok())?
    };
    let small = |at| number(at, 2).and_then(|number| i8::try_from(number).ok());
    let day = Date::new(number(0, 4)?, small(4)?, small(6)?).ok()?;
    if text.len() == 8 {
        return Some(OriginalStart::Day(day));
    }
    if text.as_bytes().get(8) != Some(&b'T') {
        return None;
    }
    let time = Time::new(small(9)?, small(11)?, small(13)?, 0).ok()?;
    let local = day.to_datetime(time);
    match text.get(15..)? {
        "" => Some(OriginalStart::Floating(local)),
        "Z" => local.to_zoned(TimeZone::UTC).ok().map(|zoned| OriginalStart::At(zoned.timestamp())),
        _ => None,
    }
}

impl PartialEq for EventId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for EventId {}
impl PartialOrd for EventId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for EventId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}
impl Hash for EventId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}
