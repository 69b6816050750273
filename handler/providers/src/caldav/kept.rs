//! Whether a server has kept an object as it was sent, where it gives an ETag for it: it says so
//! then (RFC 4791 section 5.3.4), and not every server that says so does it.

use engine::event::{Event, EventId};

use super::{CalDav, with_slash};
use crate::fidelity::{is_as_sent, is_made_of};
use crate::{Error, Fidelity, Found};

/// What a server has made of an object.
pub(super) enum Kept {
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
    fn known_of(&self, calendar: &str, kinds: &Fidelity) -> Option<Kept> {
        let known = self.known();
        let fidelity = &known.get(&with_slash(calendar))?.fidelity;
        match fidelity.misleads {
            true => Some(Kept::Misleading),
            false => fidelity.covers(kinds).then_some(Kept::AsSent),
        }
    }

    /// Reads what was written where the calendar is not known to keep everything of its kind.
    pub(super) async fn kept(
        &self,
        calendar: &str,
        id: &EventId,
        etag: &str,
        object: &[u8],
        made: bool,
    ) -> Kept {
        let sent =
            || self.parse(id, None, object, self.zone_if_known(calendar).flatten().as_deref());
        let Ok(kinds) = sent().map(|sent| Fidelity::of(&sent)) else { return Kept::AsSent };
        if let Some(kept) = self.known_of(calendar, &kinds) {
            return kept;
        }
        // One is read for all that are written side by side, unless each has to be.
        let _turn = self.verifies.lock().await;
        if let Some(kept) = self.known_of(calendar, &kinds) {
            return kept;
        }
        let Ok(raw) = self.read_one(calendar, id).await else { return Kept::Unknown };
        match self.in_version(calendar, id, raw, Some(etag)).await {
            Ok(raw) => match self.understand(calendar, id, raw).await {
                Ok(Found::Event(event)) if sent().is_ok_and(|sent| is_as_sent(&sent, &event)) => {
                    self.learn(&with_slash(calendar), |known| known.fidelity.add(&kinds));
                    Kept::AsSent
                }
                Ok(Found::Event(event)) => Kept::Altered(event),
                _ => Kept::Unknown,
            },
            // No other client knows of an event that was just made, so none has written it.
            Err(Error::ChangedMeanwhile)
                if made || self.is_made_of(calendar, id, sent().ok().as_ref()).await =>
            {
                self.learn(&with_slash(calendar), |known| known.fidelity.misleads = true);
                Kept::Misleading
            }
            Err(Error::ChangedMeanwhile) => Kept::AsSent,
            Err(_) => Kept::Unknown,
        }
    }

    /// Whether the stored event, in another version, may be what the server has made of what was
    /// sent, and no person's edit.
    async fn is_made_of(&self, calendar: &str, id: &EventId, sent: Option<&Event>) -> bool {
        let Ok(raw) = self.get(calendar, id).await else { return false };
        match (self.understand(calendar, id, raw).await, sent) {
            (Ok(Found::Event(event)), Some(sent)) => is_made_of(sent, &event),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
