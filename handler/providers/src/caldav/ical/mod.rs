//! iCalendar (RFC 5545) objects: read into the engine's words, written anew, and edited in place.

#[cfg(test)]
mod corpus_tests;
mod edit;
mod fields;
#[cfg(test)]
mod laws;
mod layout;
mod lines;
mod observance;
mod occurrences;
mod people;
mod property;
mod ranges;
mod read;
pub(crate) mod recurrence;
mod tree;
mod until;
mod value;
mod vtimezone;
mod write;
mod zones;

use engine::event::{Event, EventId};

use crate::{Edit, NewCopy};

/// What is needed to understand an object beyond its own text.
#[derive(Clone, Copy)]
pub struct ObjectContext<'a> {
    /// Whether an address (lower-cased, without `mailto:`) is the account's own.
    pub is_me: &'a (dyn Fn(&str) -> bool + Send + Sync),
    /// The IANA zone of the calendar, for floating times that must become instants.
    pub zone: Option<&'a str>,
    /// What time it is, for series that must be expanded; where it is not known, what the object
    /// says of its last change.
    pub now: Option<jiff::Timestamp>,
}

/// Why an object cannot be used; never quotes it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// How the server wants its objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectStyle {
    /// Put an inert alarm into copies, so that the server does not add its default alerts (Apple).
    pub inert_alarm: bool,
}

/// Why an edit was not made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditError {
    /// Other people take part; a server with scheduling would mail them (RFC 6638).
    #[error("other people take part in this event")]
    HasGuests,
    /// The object as it stands cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// An object after an edit.
#[derive(Debug)]
pub struct Edited {
    /// The whole object, to be stored.
    pub object: Vec<u8>,
    /// Its SEQUENCE now.
    pub sequence: u32,
}

/// Reads an object.
///
/// # Errors
/// What stands there is no event, or one that cannot be followed in full (`EXRULE`); see
/// [`Unreadable`].
pub fn read(
    id: EventId,
    etag: Option<String>,
    object: &[u8],
    context: ObjectContext<'_>,
) -> Result<Event, Unreadable> {
    let tree = tree::Object::parse(object)?;
    read::ObjectReader::new(layout::calendar(&tree)?, context)?.event(id, etag)
}

/// The zone of a calendar by its `calendar-timezone` (RFC 4791 section 5.2.2): a VTIMEZONE, in a
/// VCALENDAR or bare, by name, place or rules; or just a name, as some servers have it.
pub(super) fn calendar_zone(text: &str) -> Option<String> {
    let zone = match tree::Object::parse(text.as_bytes()) {
        Ok(object) => zones::of_calendar(&object).or_else(|| engine::zone::resolve(text)),
        Err(_) => None,
    };
    match zone? {
        engine::event::Zone::Iana(name) => Some(name),
        engine::event::Zone::Utc => Some("UTC".to_owned()),
        engine::event::Zone::Floating => None,
    }
}

/// Writes a copy from scratch.
pub fn write(copy: &NewCopy<'_>, sequence: u32, manners: ObjectStyle) -> Vec<u8> {
    write::object(copy, sequence, manners)
}

/// Changes parts of an object and keeps the rest byte for byte. Where everything is as the draft
/// wants it already, the object comes back unchanged, with the SEQUENCE that it had.
///
/// # Errors
/// [`EditError::HasGuests`] where other people take part, in a copy too: its owner may have invited
/// them.
pub fn edit(
    object: &[u8],
    edit: &Edit<'_>,
    context: ObjectContext<'_>,
) -> Result<Edited, EditError> {
    edit::object(object, edit, context)
}
