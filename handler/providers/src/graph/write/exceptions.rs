//! Occurrences that depart from their series, brought to what a draft wants.
//!
//! Microsoft restores all occurrences of a series that is moved, or keeps them. So nothing is
//! assumed: each occurrence that is to depart is compared with what it should show, and only
//! differences are written.
//!
//! # What Microsoft cannot do
//! * An occurrence cannot be moved past the day of its neighbour. A single event in its place would
//!   be a second event with the mark of one mapping.
//! * A deleted occurrence cannot be brought back by itself; only a series whose shape changes gets
//!   its occurrences back.
//!
//! Such a draft is [`Error::NotRepresentable`] once everything else is written: the caller copies
//! the occurrences of the series one by one.

use std::collections::BTreeSet;
use std::ops::Range;

use engine::event::{Content, Draft, Exception, Field, OriginalStart, Series};
use engine::recurrence::Occurrence;
use engine::zone::near;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;

use super::super::GraphCalendar;
use super::super::api::{ApiCall, ApiReply};
use super::super::convert::{self, EventContext, WriteContext};
use super::super::item::{GraphItem, WholeItem};
use super::super::pages::wider;
use super::super::series::{instance_at, instance_context};
use super::super::wire::{EventBody, WireEvent};
use super::occurrence::{OTHER_OCCURRENCES, day_of, single};
use super::wanted::Wanted;
use crate::{Error, Result};

/// A draft with more departures is refused: each is a write of its own.
const MOST: usize = 1_000;
const TOO_FAR: &str = "Microsoft does not allow one of its changed occurrences to pass the day of \
the occurrence before or after it";
const NOT_SHOWN: &str = "Microsoft does not show one of its changed occurrences: it was deleted \
there, or its rule does not give it";

/// What this call has written to occurrences of a series.
#[derive(Default)]
struct Progress {
    written: usize,
    /// The version of the last one that was written, if the answer has said it.
    version: Option<String>,
}

impl Progress {
    /// The version to which a write of an occurrence is bound.
    ///
    /// Occurrences that do not depart from their series have no version of their own but that of
    /// the series, which each write to any of them changes. After a write of this call, that is the
    /// version that its answer says, or any (RFC 9110 section 13.1.1), because the answer to a
    /// deletion says none.
    fn version(&self, item: &WireEvent) -> Option<String> {
        if item.is_exception() || self.written == 0 {
            return item.etag.clone();
        }
        Some(self.version.clone().unwrap_or_else(|| "*".to_owned()))
    }

    fn wrote(&mut self, version: Option<String>) {
        self.written += 1;
        self.version = version;
    }
}

impl GraphCalendar {
    /// Brings occurrences to what a draft wants. `whole` is the series as its master was written,
    /// and is kept up to date. Returns whether anything was written.
    pub(super) async fn write_exceptions(
        &self,
        calendar: &str,
        whole: &mut WholeItem,
        draft: &Draft,
        wanted: Wanted,
        range: &Range<Timestamp>,
    ) -> Result<bool> {
        let Some(series) = draft.series.as_ref().filter(|_| whole.item.is_master()) else {
            return Ok(false);
        };
        let Some((starts, items)) = self.compared(&whole.item.id, draft, wanted, range).await?
        else {
            return Ok(false);
        };
        let mut progress = Progress::default();
        let is_wanted = |start: &OriginalStart| match series.exceptions.get(start) {
            Some(Exception::Cancelled) => false,
            Some(Exception::Changed(_)) => true,
            None => plain_at(draft, *start).is_some(),
        };
        // What is deleted makes room for its neighbours.
        let (mut changes, deletions): (Vec<_>, Vec<_>) = starts.into_iter().partition(is_wanted);
        for start in deletions {
            match instance_at(&items, start) {
                Some(item) => {
                    self.cancel(calendar, whole, draft, start, item, &mut progress).await?
                }
                None => note_cancelled(whole, draft, start),
            }
        }
        let mut refused = None;
        loop {
            let (before, mut crossing) = (progress.written, Vec::new());
            for start in std::mem::take(&mut changes) {
                let plain;
                let content = match series.exceptions.get(&start) {
                    Some(Exception::Changed(content)) => content,
                    _ => match plain_at(draft, start) {
                        Some(content) => {
                            plain = content;
                            &plain
                        }
                        None => continue,
                    },
                };
                let Some(item) = instance_at(&items, start) else {
                    refused = Some(NOT_SHOWN);
                    continue;
                };
                if !self
                    .change(calendar, whole, item, (start, content), range, &mut progress)
                    .await?
                {
                    crossing.push(start);
                }
            }
            if crossing.is_empty() {
                break;
            }
            if before == progress.written {
                refused = Some(TOO_FAR);
                break;
            }
            // A neighbour that has moved meanwhile makes room.
            changes = crossing;
        }
        match refused {
            // Everything else is written by now.
            Some(words) => Err(Error::NotRepresentable(words.into())),
            None => Ok(progress.written > 0),
        }
    }

    /// The original starts of the occurrences that are compared, and what was read of them; `None`
    /// where nothing is to be compared.
    async fn compared(
        &self,
        master: &str,
        draft: &Draft,
        wanted: Wanted,
        range: &Range<Timestamp>,
    ) -> Result<Option<(Vec<OriginalStart>, Vec<WireEvent>)>> {
        let Some(series) = &draft.series else { return Ok(None) };
        let read = |read: Result<Vec<WireEvent>, GraphItem>| match read {
            Ok(items) => Ok(items),
            Err(GraphItem::Refused(error)) => Err(error),
            Err(_) => Err(Error::ChangedMeanwhile),
        };
        let too_many = |count: usize| {
            let words = format!("more than {MOST} of its occurrences depart from its rule");
            if count > MOST { Err(Error::Refused(words)) } else { Ok(()) }
        };
        too_many(series.exceptions.len())?;
        let mut items = match wanted {
            Wanted::Only(starts) if starts.is_empty() => return Ok(None),
            Wanted::Only(starts) => {
                too_many(starts.len())?;
                let starts: Vec<OriginalStart> = starts.into_iter().collect();
                let items = read(self.find_occurrences(master, &starts).await?)?;
                return Ok(Some((starts, items)));
            }
            Wanted::Among(items) => items,
            Wanted::All => {
                let items = read(self.instances(master, &wider(range.start, range.end)).await?)?;
                check_rule(draft, &items, range, false)?;
                items
            }
            Wanted::Reshaped(starts) => {
                let items = read(self.instances(master, &wider(range.start, range.end)).await?)?;
                check_rule(draft, &items, range, true)?;
                let wanted = Wanted::Only(starts);
                return Box::pin(self.compared(master, draft, wanted, range)).await;
            }
        };
        let mut starts: BTreeSet<OriginalStart> = series.exceptions.keys().copied().collect();
        // Those that depart and should not.
        let is_of_days = starts.first().is_some_and(|start| matches!(start, OriginalStart::Day(_)));
        starts.extend(items.iter().filter(|item| item.is_exception()).filter_map(|item| {
            let days = is_of_days || items.iter().any(is_plain_day);
            let context = EventContext { series_of_days: Some(days), ..EventContext::default() };
            convert::original_start(item, context)
        }));
        let is_outside = |start: &OriginalStart| {
            let at = near(*start);
            at < range.start || at >= range.end
        };
        let absent: Vec<OriginalStart> = starts
            .iter()
            .filter(|start| instance_at(&items, **start).is_none())
            .filter(|start| {
                is_outside(start)
                    || matches!(series.exceptions.get(*start), Some(Exception::Changed(_)))
            })
            .copied()
            .collect();
        if !absent.is_empty() {
            items.extend(read(self.find_occurrences(master, &absent).await?)?);
        }
        Ok((!starts.is_empty()).then(|| (starts.into_iter().collect(), items)))
    }

    /// Makes an occurrence show this, if it does not; `false` where it would pass its neighbour.
    async fn change(
        &self,
        calendar: &str,
        whole: &mut WholeItem,
        item: &WireEvent,
        (start, wanted): (OriginalStart, &Content),
        range: &Range<Timestamp>,
        progress: &mut Progress,
    ) -> Result<bool> {
        let differ = match content_of(item, start) {
            Some(found) => convert::differences(&found, wanted),
            None => Field::ALL.into(),
        };
        if differ.is_empty() {
            keep(whole, item.clone());
            return Ok(true);
        }
        self.check_alone(calendar, item)?;
        let draft = single(wanted);
        let make = |context: &WriteContext<'_>| convert::patch(&draft, &differ, context);
        let url = self.api.addresses.change(&item.id)?;
        let mut etag = progress.version(item);
        for is_again in [false, true] {
            match self.send(Method::PATCH, &url, etag.as_deref(), range, &make).await? {
                ApiReply::Given(given) => {
                    let written: WireEvent = given.json()?;
                    progress.wrote(written.etag.clone());
                    keep(whole, written);
                    return Ok(true);
                }
                ApiReply::Refused(refusal) if refusal.is_crossing() => return Ok(false),
                ApiReply::Refused(refusal) if refusal.is_stale() && !is_again => {
                    etag = self.fresh_version(item, start).await?;
                }
                ApiReply::Refused(refusal) if refusal.is_gone() => {
                    return Err(Error::ChangedMeanwhile);
                }
                ApiReply::Refused(refusal) => return Err(refusal.error()),
            }
        }
        Err(Error::ChangedMeanwhile)
    }

    /// Takes an occurrence out.
    async fn cancel(
        &self,
        calendar: &str,
        whole: &mut WholeItem,
        draft: &Draft,
        start: OriginalStart,
        item: &WireEvent,
        progress: &mut Progress,
    ) -> Result<()> {
        self.check_alone(calendar, item)?;
        let url = self.api.addresses.change(&item.id)?;
        let mut etag = progress.version(item);
        for is_again in [false, true] {
            let call =
                ApiCall::write(Method::DELETE, url.clone(), etag.as_deref(), None::<&EventBody>)?;
            match self.api.call(&call).await? {
                ApiReply::Refused(refusal) if refusal.is_stale() && !is_again => {
                    etag = self.fresh_version(item, start).await?;
                }
                ApiReply::Refused(refusal) if !refusal.is_gone() => return Err(refusal.error()),
                ApiReply::Given(_) | ApiReply::Refused(_) => {
                    progress.wrote(None);
                    whole.exceptions.retain(|exception| exception.id != item.id);
                    note_cancelled(whole, draft, start);
                    return Ok(());
                }
            }
        }
        Err(Error::ChangedMeanwhile)
    }

    /// The version of an occurrence that still shows what it showed: a write to its neighbour may
    /// have given it another one.
    async fn fresh_version(
        &self,
        item: &WireEvent,
        start: OriginalStart,
    ) -> Result<Option<String>> {
        match self.read_plain(&item.id).await? {
            GraphItem::There(now) if is_unchanged(item, &now.item, start) => Ok(now.item.etag),
            GraphItem::Refused(error) => Err(error),
            _ => Err(Error::ChangedMeanwhile),
        }
    }

    /// A guest may have been added to this occurrence.
    fn check_alone(&self, calendar: &str, item: &WireEvent) -> Result<()> {
        let owner = self.owner();
        match convert::event(item, self.context(calendar, &owner)) {
            Ok(event) if event.has_guests() => Err(Error::HasGuests),
            Ok(_) => Ok(()),
            Err(why) => Err(Error::Refused(why.0)),
        }
    }
}

/// Microsoft may mean another thing by its pattern.
fn check_rule(
    draft: &Draft,
    items: &[WireEvent],
    range: &Range<Timestamp>,
    may_lack: bool,
) -> Result<()> {
    match convert::follows_rule(draft, items, range, may_lack) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::NotRepresentable(OTHER_OCCURRENCES.into())),
        Err(why) => Err(Error::Refused(why.to_string())),
    }
}

/// An occurrence of whole days that departs from nothing.
fn is_plain_day(item: &WireEvent) -> bool {
    !item.is_exception() && item.is_all_day == Some(true)
}

fn content_of(item: &WireEvent, start: OriginalStart) -> Option<Content> {
    convert::content(item, instance_context(start)).ok()
}

fn is_unchanged(before: &WireEvent, now: &WireEvent, start: OriginalStart) -> bool {
    match (content_of(before, start), content_of(now, start)) {
        (Some(before), Some(now)) => {
            before.attendees == now.attendees && convert::differences(&before, &now).is_empty()
        }
        _ => false,
    }
}

/// What an occurrence shows that does not depart; `None` where the rule does not give it.
fn plain_at(draft: &Draft, start: OriginalStart) -> Option<Content> {
    let series = draft.series.as_ref()?;
    let bare = Series { exceptions: Default::default(), ..series.clone() };
    let from = near(start);
    let to = from.checked_add(SignedDuration::from_secs(1)).ok()?;
    let shown = engine::recurrence::occurrences(&draft.content, &bare, from..to, None).ok()?;
    let found: Occurrence = shown.into_iter().find(|occurrence| occurrence.original == start)?;
    Some(Content { span: found.span, ..draft.content.clone() })
}

/// Keeps what an occurrence shows now.
fn keep(whole: &mut WholeItem, item: WireEvent) {
    whole.exceptions.retain(|exception| exception.id != item.id);
    if item.is_exception() {
        whole.exceptions.push(item);
    }
}

/// Keeps that an occurrence is cancelled, as Microsoft says it.
fn note_cancelled(whole: &mut WholeItem, draft: &Draft, start: OriginalStart) {
    let text = format!("OID.{}.{}", whole.item.id, day_of(draft, start));
    let day = text.rsplit('.').next().map(str::to_owned);
    let is_known = whole
        .item
        .cancelled_occurrences
        .iter()
        .any(|known| known.rsplit('.').next() == day.as_deref());
    if !is_known {
        whole.item.cancelled_occurrences.push(text);
    }
}
