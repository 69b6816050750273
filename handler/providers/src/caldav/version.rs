//! Which ETag a condition takes, where a server has more than one for a version.
//!
//! # Properties
//! * A condition names the version that the caller has seen, in the form in which it was listed. A
//!   server may list no other than weak tags, which match in no condition (RFC 9110 section
//!   13.1.1), or give another tag with a GET than in its listings, and take one of the two.
//! * The other tag of a version is sent only where the object that it was read with is the one that
//!   was judged. So each write has a condition that fails after a write by another client.

use std::sync::atomic::Ordering;

use engine::etag;
use engine::event::EventId;

use super::CalDav;
use super::dav::{Condition, DavRefusal};
use super::fetch::Raw;
use crate::{Error, Result};

/// The error where a server refuses a condition that holds.
pub(super) const NOT_TAKEN: &str =
    "the server does not take the version that it lists as the condition of a write";

impl CalDav {
    /// One object by itself, with the ETag of listings where the server is known to have others.
    pub(super) async fn read_one(&self, calendar: &str, id: &EventId) -> Result<Raw> {
        if self.tags_differ.load(Ordering::Relaxed)
            && let Some((etag, body)) = self.as_listed(calendar, id).await
        {
            return Ok(Raw::Object { etag: Some(etag), body, cut: false });
        }
        self.get(calendar, id).await
    }

    /// What was read, if it has the version that the caller has seen; else what listings have, if
    /// that has it.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] where neither has.
    pub(super) async fn require_version(
        &self,
        calendar: &str,
        id: &EventId,
        raw: Raw,
        expected: Option<&str>,
    ) -> Result<Raw> {
        let (etag, body, cut, expected) = match (raw, expected) {
            (Raw::Object { etag, body, cut }, Some(expected)) => (etag, body, cut, expected),
            (raw, _) => return Ok(raw),
        };
        let found = match etag {
            Some(found) if !etag::is_same(&found, expected) => found,
            // Of two forms of a tag the strong one, which a condition may demand.
            Some(found) if expected != etag::strong(expected) => {
                return Ok(Raw::Object { etag: Some(found), body, cut });
            }
            _ => return Ok(Raw::Object { etag: Some(expected.to_owned()), body, cut }),
        };
        match self.as_listed(calendar, id).await {
            Some((listed, body)) if etag::is_same(&listed, expected) => {
                tracing::debug!(%found, %listed, "the server gives another ETag with an event \
                than in its listings");
                self.tags_differ.store(true, Ordering::Relaxed);
                Ok(Raw::Object { etag: Some(listed), body, cut: false })
            }
            _ => Err(Error::ChangedMeanwhile),
        }
    }

    /// Another tag of the version that a condition named, where that failed although the object has
    /// it still. `judged` is the object that the caller has read in that version, if it has read
    /// it.
    pub(super) async fn in_another_form(
        &self,
        calendar: &str,
        id: &EventId,
        condition: Condition<'_>,
        refusal: &DavRefusal,
        judged: Option<&[u8]>,
    ) -> Result<Option<String>> {
        let Condition::Version(sent) = condition else { return Ok(None) };
        if refusal.status.as_u16() != 412 || !refusal.conditions.is_empty() {
            return Ok(None);
        }
        let (found, body) = match self.get(calendar, id).await? {
            Raw::Object { etag, body, .. } => (etag, Some(body)),
            Raw::TooLarge { etag } => (etag, None),
            // A condition also fails where there is nothing any more.
            Raw::Gone => return Err(self.missing_error(calendar).await?),
        };
        let is_there = etag::are_same(found.as_deref(), Some(sent));
        if let Some(strong) = Some(etag::strong(sent)).filter(|strong| is_there && strong != sent) {
            return Ok(Some(strong));
        }
        let neither =
            if is_there { Error::Refused(NOT_TAKEN.into()) } else { Error::ChangedMeanwhile };
        let (Some(found), Some(body), Some((listed, as_listed))) =
            (found, body, self.as_listed(calendar, id).await)
        else {
            return Err(neither);
        };
        let is_one = is_same_object(&body, &as_listed)
            && judged.is_none_or(|judged| is_same_object(judged, &body));
        match (is_there, etag::is_same(&listed, sent)) {
            _ if !is_one => Err(Error::ChangedMeanwhile),
            (true, false) => {
                self.tags_differ.store(true, Ordering::Relaxed);
                Ok(Some(listed))
            }
            (false, true) => Ok(Some(found)),
            _ => Err(neither),
        }
    }

    /// An object with the ETag of listings, both from one answer. `None` also where the server does
    /// not say.
    async fn as_listed(&self, calendar: &str, id: &EventId) -> Option<(String, Vec<u8>)> {
        let found = self.multiget(calendar, std::slice::from_ref(id)).await.ok()?;
        match found.into_values().next()? {
            Raw::Object { etag, body, .. } => Some((etag?, body)),
            Raw::TooLarge { .. } | Raw::Gone => None,
        }
    }
}

/// Whether two answers have the same object: XML changes ends of lines, and some servers stamp each
/// answer.
fn is_same_object(one: &[u8], other: &[u8]) -> bool {
    let lines = |object: &[u8]| -> Vec<u8> {
        let text: Vec<u8> = object.iter().copied().filter(|byte| *byte != b'\r').collect();
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty() && !line.starts_with(b"DTSTAMP"));
        lines.flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
    };
    lines(one) == lines(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_lines_and_stamps_are_no_change() {
        let object = b"BEGIN:VEVENT\r\nDTSTAMP:20261101T000000Z\r\nSUMMARY:A\r\n";
        assert!(is_same_object(object, b"BEGIN:VEVENT\nDTSTAMP:20261130T000000Z\nSUMMARY:A"));
        assert!(!is_same_object(object, b"BEGIN:VEVENT\nDTSTAMP:20261101T000000Z\nSUMMARY:B\n"));
    }
}
