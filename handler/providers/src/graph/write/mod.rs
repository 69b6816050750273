//! Creates, replaces, edits and deletes events.
//!
//! # Properties
//! * Every change is conditional on a version (`If-Match`). A create has a `transactionId` that
//!   follows from its UID: a second one finds the first.
//! * A PATCH names only what changes. What other people take part in is not written to, and no body
//!   has a member for a guest.
//! * A PATCH that moves, re-zones or re-shapes a series makes Microsoft restore all its
//!   occurrences, the deleted ones included. So the same call then makes every exception and every
//!   deletion again: what an occurrence shows is compared with what it should show, and a call that
//!   was interrupted is finished by the next one.
//! * After a create of a series, and after a PATCH that reshapes it, its occurrences in the window
//!   are compared with those of its rule. Where they differ, the series is refused
//!   ([`Error::NotRepresentable`]), and deleted if it is new: Microsoft does not mean the same by
//!   its pattern.
//! * A zone that the mailbox does not know is not tried again; the next name for it is, and in the
//!   end UTC.

mod create;
mod editable;
mod exceptions;
mod occurrence;
mod wanted;

use std::collections::BTreeSet;
use std::ops::Range;

use engine::event::{Draft, Event, EventId, Field, Parts, Zone};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use url::Url;

use super::GraphCalendar;
use super::api::{ApiCall, ApiReply};
use super::convert::{self, WriteContext};
use super::errors::GraphRefusal;
use super::item::{GraphItem, STRANGE, WholeItem};
use super::recurrence::NotRepresentable;
use super::wire::{EventBody, WireEvent};
use super::zones::{self, ZoneNames};
use crate::overlay::{floats, is_same_copy, overlaid};
use crate::{Edit, Error, NewCopy, Result, Version, Written};
use wanted::Wanted;

/// Steps down the ladder of zones in one write.
const MAX_STEPS: usize = 8;
/// The longest range over which a series is compared.
const LONGEST_RANGE: SignedDuration = SignedDuration::from_hours(24 * 1_790);
/// How far ahead a series is compared that begins after the window.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 400);

impl GraphCalendar {
    /// Replaces a copy: all of it, or the parts that changed since it was written last.
    pub(super) async fn replace_copy(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
        parts: Option<&Parts>,
    ) -> Result<Written> {
        let draft = anchored(copy.draft);
        let read;
        let etag = match &version.etag {
            Some(etag) => etag,
            None => {
                read = self.version_of_copy(calendar, id, copy.marker).await?;
                &read
            }
        };
        let fields = parts.map_or_else(|| Field::ALL.into(), |parts| parts.fields.clone());
        let range = self.range_of(calendar, &draft, copy.now);
        let make = |context: &WriteContext<'_>| {
            let mut body = convert::patch(&draft, &fields, context)?;
            body.single_value_extended_properties = Some(convert::marker(copy.marker));
            Ok(body)
        };
        let url = self.api.addresses.change(id.as_str())?;
        let mut master: WireEvent =
            match self.send(Method::PATCH, &url, Some(etag), &range, &make).await? {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) => {
                    return Err(self.failed_condition(calendar, id, &refusal).await?);
                }
            };
        if master.is_master() && draft.series.is_none() {
            // It repeated before, which the draft does not show.
            let make = |_: &WriteContext<'_>| {
                Ok(EventBody { recurrence: Some(None), ..EventBody::default() })
            };
            let etag = master.etag.clone();
            master = match self.send(Method::PATCH, &url, etag.as_deref(), &range, &make).await? {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) => {
                    return Err(self.failed_condition(calendar, id, &refusal).await?);
                }
            };
        }
        let wanted = match parts {
            Some(parts) if !parts.fields.contains(&Field::Time) => Wanted::after(parts, &draft),
            _ => Wanted::All,
        };
        let whole = WholeItem::alone(master);
        self.finish(calendar, whole, &draft, wanted, Some(copy.marker), &range).await
    }

    /// The current version, where the caller knows none; only if the event is that copy.
    async fn version_of_copy(&self, calendar: &str, id: &EventId, marker: &str) -> Result<String> {
        let (whole, event) = self.read_editable(calendar, id).await?;
        let is_copy = event.marker.as_deref().is_some_and(|found| is_same_copy(found, marker));
        match whole.item.etag {
            Some(etag) if is_copy && !event.has_guests() => Ok(etag),
            _ => Err(Error::ChangedMeanwhile),
        }
    }

    /// Changes some parts of an event, or of one occurrence of a series that is not ours.
    pub(super) async fn edit_event(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        let (mut whole, event) = match edit.draft.series {
            Some(_) if id.in_series().is_none() => self.read_editable_series(calendar, id).await?,
            _ => self.read_editable(calendar, id).await?,
        };
        if event.has_guests() {
            return Err(Error::HasGuests);
        }
        if version.etag.is_some() && version.etag != event.etag {
            return Err(Error::ChangedMeanwhile);
        }
        let (old, new) = (Draft::from(&event), anchored(edit.draft));
        let target = overlaid(&old, &new, edit, &Zone::Utc);
        let range = self.range_of(calendar, &target, edit.now);
        let mut differ: BTreeSet<Field> = convert::differences(&old.content, &target.content)
            .intersection(&edit.parts.fields)
            .copied()
            .collect();
        let is_reshaped = edit.parts.fields.contains(&Field::Time)
            && (old.series.is_some() || target.series.is_some())
            && !self.has_same_shape(&whole, &event, &target, &range);
        if is_reshaped {
            differ.insert(Field::Time);
        } else if old.series.is_some() {
            // The same time in other words restores every occurrence.
            differ.remove(&Field::Time);
        }
        let marker = edit.marker.filter(|marker| event.marker.as_deref() != Some(*marker));
        let ends_series = is_reshaped && old.series.is_some() && target.series.is_none();
        let make = |context: &WriteContext<'_>| {
            let mut body = convert::patch(&target, &differ, context)?;
            if ends_series {
                body.recurrence = Some(None);
            }
            body.single_value_extended_properties = marker.map(convert::marker);
            Ok(body)
        };
        if !differ.is_empty() || marker.is_some() {
            let url = self.api.addresses.change(&whole.item.id)?;
            let etag = whole.item.etag.clone();
            let item: WireEvent =
                match self.send(Method::PATCH, &url, etag.as_deref(), &range, &make).await? {
                    ApiReply::Given(given) => given.json()?,
                    ApiReply::Refused(refusal) => {
                        return Err(self.failed_condition(calendar, id, &refusal).await?);
                    }
                };
            whole.item = WireEvent {
                cancelled_occurrences: std::mem::take(&mut whole.item.cancelled_occurrences),
                ..item
            };
        }
        let wanted = if is_reshaped {
            (whole.exceptions, whole.item.cancelled_occurrences) = (Vec::new(), Vec::new());
            Wanted::All
        } else if edit.parts.fields.contains(&Field::Time) && old.series.is_some() {
            Wanted::Reshaped(edit.parts.exceptions.clone())
        } else {
            Wanted::after(edit.parts, &target)
        };
        self.finish(calendar, whole, &target, wanted, edit.marker, &range).await
    }

    /// Whether a series has the time and the rule of a draft already.
    fn has_same_shape(
        &self,
        whole: &WholeItem,
        event: &Event,
        target: &Draft,
        range: &Range<Timestamp>,
    ) -> bool {
        let refused = self.refused_zones();
        let context =
            WriteContext { zones: ZoneNames { refused: &refused }, window: range.clone() };
        // A rule that cannot be written is another one; the write says why.
        convert::patch(target, &[Field::Time].into(), &context)
            .is_ok_and(|body| convert::same_series(&whole.item, event, target, &body, range))
    }

    /// Deletes an event without guests.
    pub(super) async fn delete_event(
        &self,
        calendar: &str,
        id: &EventId,
        etag: Option<&str>,
    ) -> Result<()> {
        let whole = match self.read_occurrence(id).await? {
            GraphItem::Gone => return self.check_calendar(calendar).await,
            GraphItem::Strange { .. } => return Err(Error::Refused(STRANGE.into())),
            GraphItem::Refused(error) => return Err(error),
            GraphItem::There(whole) => whole,
        };
        let event = self.event_of(calendar, &whole)?;
        if etag.is_some() && etag != whole.item.etag.as_deref() {
            // It is another version where it was deleted, too.
            return match self.is_in_calendar(calendar, &whole.item).await? {
                true => Err(Error::ChangedMeanwhile),
                false => Ok(()),
            };
        }
        if event.has_guests() {
            return Err(Error::HasGuests);
        }
        self.remove(calendar, &whole.item).await
    }

    /// Deletes what was read; what is gone already is a success.
    async fn remove(&self, calendar: &str, item: &WireEvent) -> Result<()> {
        let url = self.api.addresses.change(&item.id)?;
        let call = ApiCall::write(Method::DELETE, url, item.etag.as_deref(), None::<&EventBody>)?;
        match self.api.call(&call).await? {
            ApiReply::Given(_) => Ok(()),
            ApiReply::Refused(refusal) if refusal.is_gone() => self.check_calendar(calendar).await,
            // A deleted event answers by its id, may not be deleted again, and has another version.
            ApiReply::Refused(refusal)
                if refusal.has_code("ErrorCannotDeleteObject") || refusal.is_stale() =>
            {
                match self.is_in_calendar(calendar, item).await? {
                    true => Err(refusal.error()),
                    false => Ok(()),
                }
            }
            ApiReply::Refused(refusal) => Err(refusal.error()),
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
        refusal: &GraphRefusal,
    ) -> Result<Error> {
        if refusal.is_gone() {
            return self.missing_error(calendar).await;
        }
        if !refusal.is_stale() {
            return Ok(refusal.error());
        }
        Ok(match self.read_occurrence(id).await? {
            GraphItem::Gone => self.missing_error(calendar).await?,
            GraphItem::There(whole) if !self.is_in_calendar(calendar, &whole.item).await? => {
                Error::Gone
            }
            GraphItem::There(_) | GraphItem::Strange { .. } => Error::ChangedMeanwhile,
            GraphItem::Refused(error) => error,
        })
    }

    /// After the event or master: its exceptions, and what all of it left behind.
    async fn finish(
        &self,
        calendar: &str,
        mut whole: WholeItem,
        draft: &Draft,
        wanted: Wanted,
        marker: Option<&str>,
        range: &Range<Timestamp>,
    ) -> Result<Written> {
        let has_written = self.write_exceptions(calendar, &mut whole, draft, wanted, range).await?;
        let owner = self.owner();
        let mut event = whole.event(self.context(calendar, &owner)).ok().map(Box::new);
        // An edit of an occurrence gives its master another version, which no answer says.
        let etag = whole.item.etag.filter(|_| !has_written);
        if let Some(event) = &mut event {
            event.etag.clone_from(&etag);
            // Not in the answer to a write.
            if event.marker.is_none() {
                event.marker = marker.map(str::to_owned);
            }
        }
        let id =
            event.as_ref().map_or_else(|| EventId::new(whole.item.id.as_str()), |e| e.id.clone());
        Ok(Written { id, etag, sequence: 0, event, rewritten: false, is_missing: false })
    }

    /// Sends a body, and where the mailbox does not know the name of a zone in it, the next one.
    async fn send(
        &self,
        method: Method,
        url: &Url,
        etag: Option<&str>,
        range: &Range<Timestamp>,
        make: &(dyn Fn(&WriteContext<'_>) -> Result<EventBody, NotRepresentable> + Sync),
    ) -> Result<ApiReply> {
        let mut steps = 0;
        loop {
            let body = {
                let refused = self.refused_zones();
                let zones = ZoneNames { refused: &refused };
                make(&WriteContext { zones, window: range.clone() }).map_err(not_representable)?
            };
            let call = ApiCall::write(method.clone(), url.clone(), etag, Some(&body))?;
            match self.api.call(&call).await? {
                ApiReply::Refused(refusal)
                    if refusal.is_about_zone() && steps < MAX_STEPS && self.step_down(&body) =>
                {
                    steps += 1;
                }
                reply => return Ok(reply),
            }
        }
    }

    /// Remembers that the mailbox refuses the zones of a body. Whether there is a step down:
    /// another write may have remembered them meanwhile, and a name that is refused is not written
    /// again.
    fn step_down(&self, body: &EventBody) -> bool {
        let bounds = [&body.start, &body.end];
        let names = bounds.into_iter().flatten().filter_map(|bound| bound.time_zone.as_deref());
        let names: BTreeSet<&str> = names.filter(|name| *name != zones::UTC).collect();
        for name in &names {
            self.refuse_zone(name);
        }
        !names.is_empty()
    }

    /// Where the occurrences of a draft are looked at: inside the window, and at least for some
    /// time after its start.
    fn range_of(&self, calendar: &str, draft: &Draft, now: Timestamp) -> Range<Timestamp> {
        let window = self.window(calendar, now);
        let first = engine::zone::start(&draft.content.span, None);
        let start = first.max(window.start_instant());
        let later = |span| start.checked_add(span).unwrap_or(Timestamp::MAX);
        let end = match window.end_instant() {
            end if end > start => end.min(later(LONGEST_RANGE)),
            _ => later(AHEAD),
        };
        start..end
    }
}

/// A draft without floating times, which Graph does not have. They are taken to be UTC: the zone of
/// the mailbox is among the settings that this program may not read.
fn anchored(draft: &Draft) -> Draft {
    if floats(draft) { engine::zone::anchored(draft, &Zone::Utc) } else { draft.clone() }
}

fn not_representable(why: NotRepresentable) -> Error {
    Error::NotRepresentable(why.to_string())
}
