//! Whether a server has kept an object as it was sent, where it gives an ETag for it: it says so
//! then (RFC 4791 section 5.3.4), and not every server that says so does it.

use engine::etag;
use engine::event::{Event, EventId};

use super::dav::Condition;
use super::{CalDav, with_slash};
use crate::{Error, Found};
use engine::fidelity::{Fidelity, is_as_sent, is_made_of};

/// An object whose write was answered with success.
pub(super) struct Sent<'a> {
    pub object: &'a [u8],
    pub sequence: u32,
    /// What the write was conditional on.
    pub condition: Condition<'a>,
}

impl Sent<'_> {
    /// Whether an event that was read after the write is the one that the write was to replace. A
    /// server whose ETags follow from the content gives an equal object an equal ETag.
    pub(super) fn is_replaced(&self, sent: Option<&Event>, found: &Event) -> bool {
        let Condition::Version(replaced) = self.condition else { return false };
        etag::are_same(found.etag.as_deref(), Some(replaced))
            && found.sequence < self.sequence
            && !sent.is_some_and(|sent| is_as_sent(sent, found))
    }
}

/// What a server has made of an object.
pub(super) enum StoredObject {
    /// It is as it was sent, as far as is known.
    AsSent,
    /// It is another one, in the version that was named.
    Altered(Box<Event>),
    /// The ETag in the answer is not that of the stored event.
    Misleading,
    /// It still has the version that was to be replaced.
    NotStored,
    /// It has no such event.
    Missing,
    /// The event could not be read; the next listing shows it.
    Unknown,
}

impl CalDav {
    fn known_of(&self, calendar: &str, kinds: &Fidelity) -> Option<StoredObject> {
        let known = self.known();
        let fidelity = &known.get(&with_slash(calendar))?.fidelity;
        match fidelity.misleads {
            true => Some(StoredObject::Misleading),
            false => fidelity.covers(kinds).then_some(StoredObject::AsSent),
        }
    }

    /// The event that was sent.
    pub(super) fn sent_event(
        &self,
        calendar: &str,
        id: &EventId,
        sent: &Sent<'_>,
    ) -> Result<Event, ical::Unreadable> {
        self.parse(id, None, sent.object, self.zone_if_known(calendar).flatten().as_deref())
    }

    /// Reads what was written where the calendar is not known to keep everything of its kind.
    pub(super) async fn check_stored(
        &self,
        calendar: &str,
        id: &EventId,
        etag: &str,
        sent: &Sent<'_>,
    ) -> StoredObject {
        let event = || self.sent_event(calendar, id, sent);
        let Ok(kinds) = event().map(|event| Fidelity::of(&event)) else {
            return StoredObject::AsSent;
        };
        if let Some(kept) = self.known_of(calendar, &kinds) {
            return kept;
        }
        // One is read for all that are written side by side, unless each has to be.
        let _turn = self.verifies.lock().await;
        if let Some(kept) = self.known_of(calendar, &kinds) {
            return kept;
        }
        let Ok(raw) = self.read_one(calendar, id).await else { return StoredObject::Unknown };
        match self.require_version(calendar, id, raw, Some(etag)).await {
            Ok(raw) => match self.parse_found(calendar, id, raw).await {
                Ok(Found::Event(found)) if event().is_ok_and(|sent| is_as_sent(&sent, &found)) => {
                    self.learn(&with_slash(calendar), |known| known.fidelity.add(&kinds));
                    StoredObject::AsSent
                }
                Ok(Found::Event(found)) => StoredObject::Altered(found),
                _ => StoredObject::Unknown,
            },
            Err(Error::ChangedMeanwhile) => {
                let kept = self.in_another_version(calendar, id, sent).await;
                if matches!(kept, StoredObject::Misleading) {
                    self.learn(&with_slash(calendar), |known| known.fidelity.misleads = true);
                }
                kept
            }
            Err(_) => StoredObject::Unknown,
        }
    }

    /// What a stored event is that has not the version which the answer to its write has named.
    async fn in_another_version(
        &self,
        calendar: &str,
        id: &EventId,
        sent: &Sent<'_>,
    ) -> StoredObject {
        // No other client knows of an event that was just made, so none has written it.
        if matches!(sent.condition, Condition::Absent) {
            return StoredObject::Misleading;
        }
        let Ok(raw) = self.get(calendar, id).await else { return StoredObject::AsSent };
        match (self.parse_found(calendar, id, raw).await, self.sent_event(calendar, id, sent)) {
            // A server that answers with a new ETag has stored something, and may show it late.
            (Ok(Found::Event(found)), event) if sent.is_replaced(event.as_ref().ok(), &found) => {
                StoredObject::AsSent
            }
            // It may be what the server has made of what was sent, and no person's edit.
            (Ok(Found::Event(found)), Ok(event)) if is_made_of(&event, &found) => {
                StoredObject::Misleading
            }
            _ => StoredObject::AsSent,
        }
    }
}

#[cfg(test)]
mod tests;
