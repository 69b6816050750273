//! Whether a server has kept an object as it was sent, where it gives an ETag for it: it says so
//! then (RFC 4791 section 5.3.4), and not every server that says so does it.

use engine::event::{Event, EventId};

use super::{CalDav, with_slash};
use crate::{Error, Found};
use engine::fidelity::{Fidelity, is_as_sent, is_made_of};

/// What a server has made of an object.
pub(super) enum StoredObject {
    /// It is as it was sent, as far as is known.
    AsSent,
    /// It is another one, in the version that was named.
    Altered(Box<Event>),
    /// The ETag in the answer is not that of the stored event.
    Misleading,
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

    /// Reads what was written where the calendar is not known to keep everything of its kind.
    pub(super) async fn check_stored(
        &self,
        calendar: &str,
        id: &EventId,
        etag: &str,
        object: &[u8],
        made: bool,
    ) -> StoredObject {
        let sent =
            || self.parse(id, None, object, self.zone_if_known(calendar).flatten().as_deref());
        let Ok(kinds) = sent().map(|sent| Fidelity::of(&sent)) else { return StoredObject::AsSent };
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
                Ok(Found::Event(event)) if sent().is_ok_and(|sent| is_as_sent(&sent, &event)) => {
                    self.learn(&with_slash(calendar), |known| known.fidelity.add(&kinds));
                    StoredObject::AsSent
                }
                Ok(Found::Event(event)) => StoredObject::Altered(event),
                _ => StoredObject::Unknown,
            },
            // No other client knows of an event that was just made, so none has written it.
            Err(Error::ChangedMeanwhile)
                if made || self.is_made_of(calendar, id, sent().ok().as_ref()).await =>
            {
                self.learn(&with_slash(calendar), |known| known.fidelity.misleads = true);
                StoredObject::Misleading
            }
            Err(Error::ChangedMeanwhile) => StoredObject::AsSent,
            Err(_) => StoredObject::Unknown,
        }
    }

    /// Whether the stored event, in another version, may be what the server has made of what was
    /// sent, and no person's edit.
    async fn is_made_of(&self, calendar: &str, id: &EventId, sent: Option<&Event>) -> bool {
        let Ok(raw) = self.get(calendar, id).await else { return false };
        match (self.parse_found(calendar, id, raw).await, sent) {
            (Ok(Found::Event(event)), Some(sent)) => is_made_of(sent, &event),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
