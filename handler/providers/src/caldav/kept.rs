//! Whether a server has kept an object as it was sent, where it gives an ETag for it: it says so then (RFC 4791 section 5.3.4), and not every server
//! that says so does it.

use engine::event::{Event, EventId};

use super::{CalDav, with_slash};
use crate::fidelity::is_as_sent;
use crate::{Error, Fidelity, Found};

/// What a server has made of an object.
pub(super) enum Kept {
    /// It is as it was sent, as far as is known.
    AsSent,
    /// It is another one, in the version that was named.
    Altered(Box<Event>),
    /// The version that was named is not that of what stands there.
    Misleading,
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
    pub(super) async fn kept(&self, calendar: &str, id: &EventId, etag: &str, object: &[u8], made: bool) -> Kept {
        let sent = || self.parse(id, None, object, self.zone_if_known(calendar).flatten().as_deref());
        let Ok(kinds) = sent().map(|sent| Fidelity::of(&sent)) else { return Kept::AsSent };
        if let Some(kept) = self.known_of(calendar, &kinds) {
            return kept;
        }
        // One is read for all that are written side by side, unless each has to be.
        let _turn = self.verifies.lock().await;
        if let Some(kept) = self.known_of(calendar, &kinds) {
            return kept;
        }
        let Ok(raw) = self.read_one(calendar, id).await else { return Kept::AsSent };
        let found = match self.in_version(calendar, id, raw, Some(etag)).await {
            Ok(raw) => self.understand(calendar, id, raw).await,
            // Nobody has seen yet what was just made, so nobody else has written it.
            Err(Error::ChangedMeanwhile) if made => {
                self.learn(&with_slash(calendar), |known| known.fidelity.misleads = true);
                return Kept::Misleading;
            }
            Err(error) => Err(error),
        };
        match found {
            Ok(Found::Event(event)) if sent().is_ok_and(|sent| is_as_sent(&sent, &event)) => {
                self.learn(&with_slash(calendar), |known| known.fidelity.add(&kinds));
                Kept::AsSent
            }
            Ok(Found::Event(event)) => Kept::Altered(event),
            _ => Kept::AsSent,
        }
    }
}

#[cfg(test)]
mod tests;
