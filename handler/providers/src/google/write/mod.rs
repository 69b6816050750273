//! Copies made, written anew, changed in part, and deleted.
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

use engine::event::{Draft, Event, EventId, Exception, Field, OriginalStart, Series, Span, Zone};
use ical::recurrence;
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
use crate::{Edit, Error, NewCopy, Result, Version, Written};

/// An edit that cancels more occurrences writes them all at once, as EXDATEs.
const MOST_DELETED: usize = 20;

const STRANGE: &str = "it is not what Google describes as an event";

impl GoogleCalendar {
    /// Makes a copy.
    pub(super) async fn make(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written> {
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
                return self.revive(calendar, &id, &draft, copy.marker).await;
            }
            ApiReply::Refused(refusal) if refusal.is_gone() => return Err(Error::CalendarMissing),
            ApiReply::Refused(refusal) => return Err(refusal.error()),
        };
        self.finish(calendar, SeriesItems::alone(master), &draft, Some(copy.marker)).await
    }

    /// An id stays with an event that was deleted: what stands under it is brought back to life
    /// with the new content.
    async fn revive(
        &self,
        calendar: &str,
        id: &EventId,
        draft: &Draft,
        marker: &str,
    ) -> Result<Written> {
        let GoogleItem::Gone { tombstone: Some(etag) } = self.stands(calendar, id).await? else {
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
            // Somebody else was faster.
            ApiReply::Refused(refusal) if refusal.is_gone() || refusal.status.as_u16() == 412 => {
                return Err(Error::Exists);
            }
            ApiReply::Refused(refusal) => return Err(refusal.error()),
        };
        let whole = self.reread(calendar, master).await?;
        self.finish(calendar, whole, draft, Some(marker)).await
    }

    /// Writes a copy anew, whole.
    pub(super) async fn write_anew(
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
                return Err(self.not_changed(calendar, id, &refusal).await?);
            }
        };
        let whole = if series::has_exceptions(version) {
            self.reread(calendar, master).await?
        } else {
            SeriesItems::alone(master)
        };
        self.finish(calendar, whole, &draft, Some(copy.marker)).await
    }

    /// The version that stands there now, where the caller knows none; only if it is that copy.
    async fn version_of_copy(&self, calendar: &str, id: &EventId, marker: &str) -> Result<String> {
        let (whole, event) = self.living(calendar, id).await?;
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
    pub(super) async fn change(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        let (mut whole, event) = self.living(calendar, id).await?;
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
                    return Err(self.not_changed(calendar, id, &refusal).await?);
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

    /// Deletes an event in which nobody else takes part. Of our own copies the caller has seen as
    /// much by their version, but for series: Google leaves the version of a master as it is when
    /// somebody edits one occurrence, and that edit would go with it.
    pub(super) async fn remove(
        &self,
        calendar: &str,
        id: &EventId,
        etag: Option<&str>,
    ) -> Result<()> {
        let read;
        let condition = match etag {
            Some(version) if is_ours(id) && !series::is_series(version) => Some(version),
            _ => match self.stands(calendar, id).await? {
                GoogleItem::Gone { tombstone: Some(_) } => return Ok(()),
                GoogleItem::Gone { tombstone: None } => return self.gone_for_good(calendar).await,
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
            ApiReply::Refused(refusal) if refusal.is_gone() => self.gone_for_good(calendar).await,
            ApiReply::Refused(refusal) => match self.not_changed(calendar, id, &refusal).await? {
                Error::Gone => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn gone_for_good(&self, calendar: &str) -> Result<()> {
        match self.gone(calendar).await? {
            Error::Gone => Ok(()),
            error => Err(error),
        }
    }

    /// What a refused change means.
    async fn not_changed(
        &self,
        calendar: &str,
        id: &EventId,
        refusal: &GoogleRefusal,
    ) -> Result<Error> {
        match refusal.status.as_u16() {
            404 | 410 => self.gone(calendar).await,
            412 => Ok(match self.stands(calendar, id).await? {
                GoogleItem::Gone { .. } => self.gone(calendar).await?,
                GoogleItem::There(..) | GoogleItem::Strange { .. } => Error::ChangedMeanwhile,
                GoogleItem::Refused(error) => error,
            }),
            _ => Ok(refusal.error()),
        }
    }

    /// An event that is there and can be read.
    async fn living(&self, calendar: &str, id: &EventId) -> Result<(SeriesItems, Event)> {
        match self.stands(calendar, id).await? {
            GoogleItem::There(whole, info) => {
                let event = whole.event(info.context()).map_err(|why| Error::Refused(why.0))?;
                Ok((*whole, event))
            }
            GoogleItem::Strange { .. } => Err(Error::Refused(STRANGE.into())),
            GoogleItem::Refused(error) => Err(error),
            GoogleItem::Gone { tombstone: Some(_) } => Err(Error::Gone),
            GoogleItem::Gone { tombstone: None } => Err(self.gone(calendar).await?),
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
        match self.stands(calendar, &EventId::new(master.id.as_str())).await? {
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
        self.settle_exceptions(calendar, &mut whole, draft, marker).await?;
        let event = whole.event(self.info(calendar).context()).ok().map(Box::new);
        let etag = whole.version();
        let sequence = whole.master.sequence.unwrap_or(0);
        Ok(Written { id: EventId::new(whole.master.id), etag, sequence, event, rewritten: false })
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

/// Whether two marks name the same mapping, whatever their form.
fn is_same_copy(one: &str, other: &str) -> bool {
    let mapping = |mark: &str| mark.split('.').nth(2).map(str::to_owned);
    one == other || (mapping(one).is_some() && mapping(one) == mapping(other))
}

/// A draft in which a further date gives each changed occurrence that no rule gives: Google shows
/// no other.
fn with_strays(mut draft: Draft) -> Draft {
    let Draft { content, series: Some(series) } = &mut draft else { return draft };
    let changed = series
        .exceptions
        .iter()
        .filter(|(_, exception)| matches!(exception, Exception::Changed(_)))
        .map(|(start, _)| start);
    let strays = engine::recurrence::strays(content, series, changed, None).unwrap_or_default();
    series.extra.extend(strays);
    series.extra.sort_unstable();
    series.extra.dedup();
    draft
}

fn floats(draft: &Draft) -> bool {
    let floating = |span: &Span| matches!(span, Span::Timed { start, end } if start.zone == Zone::Floating || end.zone == Zone::Floating);
    let exceptions = draft.series.iter().flat_map(|series| series.exceptions.values());
    floating(&draft.content.span)
        || exceptions.into_iter().any(
            |exception| matches!(exception, Exception::Changed(content) if floating(&content.span)),
        )
}

/// The event as it should be: some parts of the new one, the rest as it was.
fn overlaid(old: &Draft, new: &Draft, edit: &Edit<'_>, floating: &Zone) -> Draft {
    let mut target = old.clone();
    for field in &edit.parts.fields {
        let (to, from) = (&mut target.content, &new.content);
        match field {
            Field::Time => to.span.clone_from(&from.span),
            Field::Title => to.title.clone_from(&from.title),
            Field::Description => to.description.clone_from(&from.description),
            Field::Location => to.location.clone_from(&from.location),
            Field::Visibility => to.visibility = from.visibility,
            Field::Busy => to.busy = from.busy,
            Field::Attendees => {}
        }
    }
    let mut series = target.series.take().unwrap_or_default();
    let wanted = new.series.clone().unwrap_or_default();
    if edit.parts.fields.contains(&Field::Time) {
        series.rules = wanted.rules;
        series.extra = wanted.extra;
    }
    for start in &edit.parts.exceptions {
        let start = engine::zone::anchored_start(*start, floating);
        match wanted.exceptions.get(&start) {
            Some(exception) => series.exceptions.insert(start, exception.clone()),
            None => series.exceptions.remove(&start),
        };
    }
    target.series = convert::repeats(&series).then_some(series);
    target
}

/// The `recurrence` to patch, if it has to change. Lines that say what they should stay as they
/// are.
fn new_recurrence(
    whole: &SeriesItems,
    old: &Draft,
    target: &Draft,
    moved: bool,
) -> Result<Option<Value>> {
    let unreadable = |why: ical::Unreadable| Error::Refused(why.0);
    let Some(series) = &target.series else {
        return Ok(old.series.is_some().then_some(Value::Null));
    };
    let span = &target.content.span;
    let same_rules = old
        .series
        .as_ref()
        .is_some_and(|old| old.rules == series.rules && old.extra == series.extra);
    if moved || !same_rules {
        return Ok(Some(convert::recurrence(series, span).into()));
    }
    let lines = &whole.master.recurrence;
    let excluded =
        recurrence::series(lines, span).map_err(unreadable)?.unwrap_or_default().exceptions;
    let items = whole.by_start(span, convert::EventContext::default()).map_err(unreadable)?;
    let is_wanted =
        |start: &OriginalStart| series.exceptions.get(start) == Some(&Exception::Cancelled);
    let cancelled = || series.exceptions.keys().filter(|start| is_wanted(start));
    let missing: Vec<&OriginalStart> = cancelled()
        .filter(|start| !excluded.contains_key(start) && !items.contains_key(start))
        .collect();
    // What the rule does not give cannot be deleted.
    let is_deletable = |start: &OriginalStart| {
        convert::is_occurrence(&target.content, series, *start) == Some(true)
    };
    let by_deletion =
        missing.len() <= MOST_DELETED && missing.iter().all(|start| is_deletable(start));
    let superfluous = excluded.keys().any(|start| !is_wanted(start));
    if by_deletion && !superfluous {
        return Ok(None);
    }
    let kept = lines
        .iter()
        .filter(|line| !line.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("EXDATE")))
        .cloned();
    // Those too that have an item of their own: the items may be discarded.
    let exceptions = cancelled().map(|start| (*start, Exception::Cancelled));
    let bare = Series { exceptions: exceptions.collect(), ..Series::default() };
    Ok(Some(kept.chain(recurrence::lines(&bare, span)).collect::<Vec<_>>().into()))
}

#[cfg(test)]
mod tests;
