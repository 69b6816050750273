//! What is written to a calendar: a new copy, or new values for parts of an event.

use crate::event::{Draft, Parts};

/// A copy to create, or to write again as a whole.
#[derive(Clone, Copy, Debug)]
pub struct NewCopy<'a> {
    /// The UID, which this program made.
    pub uid: &'a str,
    /// The loop mark.
    pub marker: &'a str,
    /// What the copy shows. Organizer and attendees are never written.
    pub draft: &'a Draft,
    /// The instant of the write, for DTSTAMP and LAST-MODIFIED.
    pub now: jiff::Timestamp,
}

/// New values for some parts of an event.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// The parts that change.
    pub parts: &'a Parts,
    /// The new values; everything outside `parts` is ignored.
    pub draft: &'a Draft,
    /// The loop mark to write (copies only).
    pub marker: Option<&'a str>,
    /// The instant of the write.
    pub now: jiff::Timestamp,
}
