//! The XML namespaces of CalDAV, and the limits of an answer.

use std::time::Duration;

use crate::Error;

/// The largest calendar object that is read; Apple's servers stop at the same size.
pub(crate) const MAX_OBJECT: usize = 1 << 20;
/// The largest of all other texts, in bytes.
pub(super) const MAX_TEXT: usize = 64 << 10;
pub(super) const MAX_DEPTH: usize = 64;
pub(super) const MAX_ATTRIBUTES: usize = 64;
/// More entries than any calendar has; a listing is kept in memory by its caller.
pub(super) const MAX_ENTRIES: usize = 500_000;
/// How long the end of an answer is waited for, once all that matters has been read.
pub(super) const DRAIN: Duration = Duration::from_millis(250);
/// Addresses in one response (RFC 4918 allows several beside one status).
pub(super) const MAX_HREFS: usize = 4096;

pub(in super::super) const DAV: &str = "DAV:";
pub(super) const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
pub(super) const CALENDARSERVER: &str = "http://calendarserver.org/ns/";

pub(super) fn bad(why: &str) -> Error {
    Error::BadAnswer(format!("the WebDAV answer cannot be used: {why}"))
}
