//! What became of an object after its write was answered with success: its name, its version, and
//! whether it was stored at all.
//!
//! # Properties
//! * A captive portal or a filter in front of a server may answer a write with success, and the
//!   server has never seen it. Where the answer names no version, and the event still has the one
//!   that was to be replaced and not what was sent, the write is an error, and the event is not
//!   taken for what the server has made of the write.
//! * That a new object is not found proves nothing by itself: some servers store it under a name of
//!   their own, or show it late.
//! * Where the answer was a web page, which no server gives that stores an object, the write counts
//!   if the event is read as it was written, and is an error otherwise.

use engine::event::EventId;

use super::super::dav::{Condition, Stored};
use super::super::fetch::Raw;
use super::super::stored_object::{Sent, StoredObject};
use super::super::{CalDav, name};
use crate::{Error, Found, Result, Written};

/// The error where a server has not stored what it was sent, and has answered that it has.
const NOT_STORED: &str = "it answered that it has stored the event as it was sent, and has not";

/// The error where an answer of success is none of a calendar server.
const WEB_PAGE: &str = "it answered the write with a web page, and does not show what was sent";

impl CalDav {
    /// After a write: which name the object has got, which version, and the stored event, where
    /// that may differ from what was sent. If the read fails, the write has succeeded nevertheless,
    /// and the next list of changes shows it.
    pub(super) async fn written(
        &self,
        calendar: &str,
        asked: &EventId,
        stored: Stored,
        sent: &Sent<'_>,
    ) -> Result<Written> {
        let made = matches!(sent.condition, Condition::Absent);
        // Where a server keeps the object under a name of its own, it is that name which will be
        // listed.
        let named = stored
            .location
            .and_then(|path| name::member(calendar, &path))
            .filter(|member| member.belongs);
        let id =
            named.map(|member| member.id).filter(|id| id != asked).unwrap_or_else(|| asked.clone());
        // Without an ETag the server says that it has changed the object on its way in (RFC 4791
        // section 5.3.4).
        let etag = stored.etag.filter(|_| !stored.is_web_page);
        let mut found = match &etag {
            Some(etag) => self.check_stored(calendar, &id, etag, sent).await,
            None => StoredObject::Misleading,
        };
        if matches!(found, StoredObject::Misleading) {
            found = self.read_written(calendar, &id, sent).await;
        }
        let sequence = sent.sequence;
        let unknown =
            Written { id, etag: None, sequence, event: None, rewritten: false, is_missing: false };
        match found {
            StoredObject::AsSent => Ok(Written { etag, ..unknown }),
            StoredObject::Altered(event) => Ok(Written {
                id: event.id.clone(),
                etag: event.etag.clone(),
                sequence: event.sequence.max(sequence),
                event: Some(event),
                rewritten: true,
                is_missing: false,
            }),
            StoredObject::NotStored => Err(Error::BadAnswer(NOT_STORED.into())),
            _ if stored.is_web_page => Err(Error::BadAnswer(WEB_PAGE.into())),
            StoredObject::Missing => Ok(Written { is_missing: made, ..unknown }),
            StoredObject::Misleading | StoredObject::Unknown => Ok(unknown),
        }
    }

    /// The event that was written, as the server has it: under its name, else wherever its UID is.
    async fn read_written(&self, calendar: &str, id: &EventId, sent: &Sent<'_>) -> StoredObject {
        let event = self.sent_event(calendar, id, sent);
        match self.read_one(calendar, id).await {
            Ok(Raw::Gone) => {
                let Ok(event) = event else { return StoredObject::Unknown };
                match self.search(calendar, &event.uid).await {
                    Ok(Some(event)) => StoredObject::Altered(event),
                    _ => StoredObject::Missing,
                }
            }
            Ok(raw) => match self.parse_found(calendar, id, raw).await {
                Ok(Found::Event(found)) if sent.is_replaced(event.ok().as_ref(), &found) => {
                    StoredObject::NotStored
                }
                Ok(Found::Event(found)) => StoredObject::Altered(found),
                _ => StoredObject::Unknown,
            },
            Err(_) => StoredObject::Unknown,
        }
    }
}
