//! Creates, replaces, edits and deletes events.
//!
//! # Properties
//! * Every write but a create is conditional on the version that its caller has seen, and every
//!   create gives its own id: a second one finds the first.
//! * A copy is written whole by PUT, which costs a third of a PATCH; what a person may have touched
//!   is patched, and only where it differs.
//! * Nothing is written to what other people take part in.
//! * A master that is written whole, or whose start or rule changes, is written with an EXDATE for
//!   every cancelled occurrence: they cost no write of their own, and stay. Google may discard all
//!   exceptions of a series whenever its `recurrence` changes, so a cancellation by itself deletes
//!   that occurrence and leaves `recurrence` alone.
//! * After each write of a master its exceptions are compared with those wanted, and written again
//!   where they are missing (`exceptions`).

mod merge;
#[cfg(test)]
mod tests;

use engine::event::{Draft, Event, EventId, Field, OriginalStart, Zone};
use reqwest::Method;
use serde_json::{Map, Value};
use url::Url;

use super::address::{id_of_copy, is_ours};
use super::api::{ApiCall, ApiReply};
use super::convert::{self, Purpose};
use super::errors::GoogleRefusal;
use super::fetch::GoogleItem;
use super::series::{self, SeriesItems};
use super::{GoogleCalendar, wire};
use crate::overlay::{floats, is_same_copy, overlaid};
use crate::{Edit, Error, NewCopy, Result, Version, Written};
use merge::{new_recurrence, with_strays};

const STRANGE: &str = "it is not what Google describes as an event";

impl GoogleCalendar {
    /// Makes a copy.
    pub(super) async fn create_copy(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written> {
        let draft = self.anchored(calendar, copy.draft).await?;
        let id = id_of_copy(copy.uid);
        let mut body = convert::copy(&draft, copy.marker);
        body.insert("id".into(), id.as_str().into());
        let master = match self
            .write(calendar, Method::POST, self.api.addresses.insert(calendar)?, None, Some(&body))
            .await?
        {
            ApiReply::Given(given) => given.json()?,
            ApiReply::Refused(refusal) if refusal.status.as_u16() == 409 => {
                return self.restore_deleted(calendar, &id, &draft, copy.marker).await;
            }
            ApiReply::Refused(refusal) if refusal.is_gone() => return Err(Error::CalendarMissing),
            ApiReply::Refused(refusal) => return Err(refusal.error()),
        };
        self.finish(calendar, SeriesItems::alone(master), &draft, Some(copy.marker)).await
    }

    /// An id stays with a deleted event: the deleted event is restored with the new content.
    async fn restore_deleted(
        &self,
        calendar: &str,
        id: &EventId,
        draft: &Draft,
        marker: &str,
    ) -> Result<Written> {
        let GoogleItem::Gone { tombstone: Some(etag) } = self.read_item(calendar, id).await? else {
            return Err(Error::Exists);
        };
        let etag = Some(etag).filter(|etag| !etag.is_empty());
        let url = self.api.addresses.change(calendar, id.as_str())?;
        let body = convert::copy(draft, marker);
        let master: wire::WireEvent = match self
            .write(calendar, Method::PUT, url, etag.as_deref(), Some(&body))
            .await?
        {
            ApiReply::Given(given) => given.json()?,
            // Another client was faster.
            ApiReply::Refused(refusal) if refusal.is_gone() || refusal.status.as_u16() == 412 => {
                return Err(Error::Exists);
            }
            ApiReply::Refused(refusal) => return Err(refusal.error()),
        };
        let whole = self.reread(calendar, master).await?;
        self.finish(calendar, whole, draft, Some(marker)).await
    }

    /// Replaces a copy as a whole.
    pub(super) async fn replace_copy(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
    ) -> Result<Written> {
        let draft = self.anchored(calendar, copy.draft).await?;
        let read;
        let version = match &version.etag {
            Some(version) => version,
            None => {
                read = self.version_of_copy(calendar, id, copy.marker).await?;
                &read
            }
        };
        let url = self.api.addresses.change(calendar, id.as_str())?;
        let body = convert::copy(&draft, copy.marker);
        let master = match self
            .write(calendar, Method::PUT, url, Some(series::master_version(version)), Some(&body))
            .await?
        {
            ApiReply::Given(given) => given.json()?,
            ApiReply::Refused(refusal) => {
                return Err(self.failed_condition(calendar, id, &refusal).await?);
            }
        };
        let whole = if series::has_exceptions(version) {
            self.reread(calendar, master).await?
        } else {
            SeriesItems::alone(master)
        };
        self.finish(calendar, whole, &draft, Some(copy.marker)).await
    }

    /// The current version, where the caller knows none; only if the event is that copy.
    async fn version_of_copy(&self, calendar: &str, id: &EventId, marker: &str) -> Result<String> {
        let (whole, event) = self.read_editable(calendar, id).await?;
        match whole.version() {
            Some(version)
                if event.marker.as_deref().is_some_and(|found| is_same_copy(found, marker))
                    && !whole.involves_others() =>
            {
                Ok(version)
            }
            _ => Err(Error::ChangedMeanwhile),
        }
    }

    /// Changes some parts of an event.
    pub(super) async fn edit_event(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        let (mut whole, event) = self.read_editable(calendar, id).await?;
        if whole.involves_others() {
            return Err(Error::HasGuests);
        }
        if version.etag.is_some() && version.etag != event.etag {
            return Err(Error::ChangedMeanwhile);
        }
        if whole.master.locked {
            return Err(Error::Refused("it is locked at Google".into()));
        }
        let new = self.anchored(calendar, edit.draft).await?;
        let old = Draft::from(&event);
        let target = with_strays(overlaid(&old, &new, edit, &self.floating(calendar, edit).await?));
        let differ = convert::differences(&old.content, &target.content)
            .intersection(&edit.parts.fields)
            .copied()
            .collect();
        let mut body = convert::fields(&target.content, &differ, Purpose::Patch);
        if let Some(lines) = new_recurrence(&whole, &old, &target, differ.contains(&Field::Time))? {
            body.insert("recurrence".into(), lines);
        }
        if let Some(marker) = edit.marker.filter(|marker| event.marker.as_deref() != Some(*marker))
        {
            convert::marker(&mut body, marker);
        }
        if !body.is_empty() {
            let url = self.api.addresses.change(calendar, id.as_str())?;
            let master: wire::WireEvent = match self
                .write(calendar, Method::PATCH, url, whole.master.etag.as_deref(), Some(&body))
                .await?
            {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) => {
                    return Err(self.failed_condition(calendar, id, &refusal).await?);
                }
            };
            whole = if whole.exceptions.is_empty() {
                SeriesItems::alone(master)
            } else {
                self.reread(calendar, master).await?
            };
        }
        self.finish(calendar, whole, &target, edit.marker).await
    }

    /// Deletes an event without guests. Of our own copies the caller has seen as much by their
    /// version, but for series: Google does not change the version of a master when one occurrence
    /// is edited, and that edit would be deleted with it.
    pub(super) async fn delete_event(
        &self,
        calendar: &str,
        id: &EventId,
        etag: Option<&str>,
    ) -> Result<()> {
        let read;
        let condition = match etag {
            Some(version) if is_ours(id) && !series::is_series(version) => Some(version),
            _ => match self.read_item(calendar, id).await? {
                GoogleItem::Gone { tombstone: Some(_) } => return Ok(()),
                GoogleItem::Gone { tombstone: None } => return self.check_calendar(calendar).await,
                GoogleItem::Strange { .. } => return Err(Error::Refused(STRANGE.into())),
                GoogleItem::Refused(error) => return Err(error),
                GoogleItem::There(whole, _) => {
                    if etag.is_some() && etag != whole.version().as_deref() {
                        return Err(Error::ChangedMeanwhile);
                    }
                    if whole.involves_others() {
                        return Err(Error::HasGuests);
                    }
                    read = whole.master.etag;
                    read.as_deref()
                }
            },
        };
        match self
            .write(
                calendar,
                Method::DELETE,
                self.api.addresses.delete(calendar, id.as_str())?,
                condition,
                None,
            )
            .await?
        {
            ApiReply::Given(_) => Ok(()),
            ApiReply::Refused(refusal) if refusal.is_gone() => self.check_calendar(calendar).await,
            ApiReply::Refused(refusal) => {
                match self.failed_condition(calendar, id, &refusal).await? {
                    Error::Gone => Ok(()),
                    error => Err(error),
                }
            }
        }
    }

    async fn check_calendar(&self, calendar: &str) -> Result<()> {
        match self.missing_error(calendar).await? {
            Error::Gone => Ok(()),
            error => Err(error),
        }
    }

    /// What a refused change means.
    async fn failed_condition(
        &self,
        calendar: &str,
        id: &EventId,
        refusal: &GoogleRefusal,
    ) -> Result<Error> {
        match refusal.status.as_u16() {
            404 | 410 => self.missing_error(calendar).await,
            412 => Ok(match self.read_item(calendar, id).await? {
                GoogleItem::Gone { .. } => self.missing_error(calendar).await?,
                GoogleItem::There(..) | GoogleItem::Strange { .. } => Error::ChangedMeanwhile,
                GoogleItem::Refused(error) => error,
            }),
            _ => Ok(refusal.error()),
        }
    }

    /// An event that is there and can be read.
    async fn read_editable(&self, calendar: &str, id: &EventId) -> Result<(SeriesItems, Event)> {
        match self.read_item(calendar, id).await? {
            GoogleItem::There(whole, info) => {
                let event = whole.event(info.context()).map_err(|why| Error::Refused(why.0))?;
                Ok((*whole, event))
            }
            GoogleItem::Strange { .. } => Err(Error::Refused(STRANGE.into())),
            GoogleItem::Refused(error) => Err(error),
            GoogleItem::Gone { tombstone: Some(_) } => Err(Error::Gone),
            GoogleItem::Gone { tombstone: None } => Err(self.missing_error(calendar).await?),
        }
    }

    /// A series after its master was written: what has become of its exceptions.
    pub(super) async fn reread(
        &self,
        calendar: &str,
        master: wire::WireEvent,
    ) -> Result<SeriesItems> {
        if !master.is_master() {
            return Ok(SeriesItems::alone(master));
        }
        match self.read_item(calendar, &EventId::new(master.id.as_str())).await? {
            GoogleItem::There(whole, _) => Ok(*whole),
            GoogleItem::Strange { .. } | GoogleItem::Gone { .. } => Err(Error::ChangedMeanwhile),
            GoogleItem::Refused(error) => Err(error),
        }
    }

    /// After the master: its exceptions, and what all of it left behind.
    async fn finish(
        &self,
        calendar: &str,
        mut whole: SeriesItems,
        draft: &Draft,
        marker: Option<&str>,
    ) -> Result<Written> {
        self.write_exceptions(calendar, &mut whole, draft, marker).await?;
        let event = whole.event(self.info(calendar).context()).ok().map(Box::new);
        let etag = whole.version();
        let sequence = whole.master.sequence.unwrap_or(0);
        Ok(Written {
            id: EventId::new(whole.master.id),
            etag,
            sequence,
            event,
            rewritten: false,
            is_missing: false,
        })
    }

    /// A write, in the turn of its calendar.
    pub(super) async fn write(
        &self,
        calendar: &str,
        method: Method,
        url: Url,
        etag: Option<&str>,
        body: Option<&Map<String, Value>>,
    ) -> Result<ApiReply> {
        let call = ApiCall::write(method, url, etag, body)?;
        let _turn = self.api.turn(calendar).await?;
        self.api.call(&call).await
    }

    /// A draft without floating times and strays, which Google does not have.
    async fn anchored(&self, calendar: &str, draft: &Draft) -> Result<Draft> {
        if !floats(draft) {
            return Ok(with_strays(draft.clone()));
        }
        Ok(with_strays(engine::zone::anchored(draft, &self.zone(calendar).await?)))
    }

    /// The zone in which the floating times of an edit are meant; any, where it has none.
    async fn floating(&self, calendar: &str, edit: &Edit<'_>) -> Result<Zone> {
        let any =
            edit.parts.exceptions.iter().any(|start| matches!(start, OriginalStart::Floating(_)));
        if any { self.zone(calendar).await } else { Ok(Zone::Utc) }
    }
}
