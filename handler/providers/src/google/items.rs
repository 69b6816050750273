//! One event without a server: an answer of `events.list` read, a copy written. For tools that look
//! at single events, such as fuzzers.

use engine::event::{Draft, Event};
use ical::Unreadable;

use super::convert::{self, EventContext};
use super::series::SeriesItems;
use super::wire;

/// Reads an answer of `events.list`: its first item is an event or the master of a series, the
/// others are exceptions of it.
///
/// # Errors
/// The item is no event; the text quotes none of it.
pub fn read(answer: &[u8]) -> Result<Event, Unreadable> {
    let strange = || Unreadable("it is not what Google describes as a list of events".into());
    let page: wire::Events = serde_json::from_slice(answer).map_err(|_| strange())?;
    let mut items =
        page.items.iter().map(|item| serde_json::from_str::<wire::WireEvent>(item.get()));
    let master = items.next().ok_or_else(strange)?.map_err(|_| strange())?;
    let exceptions = items
        .map(|item| item.map(|item| (item.id.clone(), item)))
        .collect::<Result<_, _>>()
        .map_err(|_| strange())?;
    let outsider = convert::is_withheld(page.access_role.as_deref());
    SeriesItems { master, exceptions }
        .event(EventContext { zone: page.time_zone.as_deref(), outsider })
}

/// A copy as the answer that lists it would have it. Changed occurrences, which Google keeps as
/// items of their own, are not part of it.
pub fn write(draft: &Draft, marker: &str) -> Vec<u8> {
    let mut body = convert::copy(draft, marker);
    body.insert("id".into(), "copy".into());
    serde_json::json!({ "accessRole": "owner", "items": [body] }).to_string().into_bytes()
}
