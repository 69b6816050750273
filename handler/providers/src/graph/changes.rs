//! What happened in a calendar, and what a window holds.
//!
//! # Properties
//! * A round of changes is a hint. Single events come whole and are taken, without their marks,
//!   which a round leaves out. Of a series only that it changed is believed: it is read once,
//!   however many of its occurrences are named.
//! * A window is a complete view of the calendar, a day wider and cut here, and a fresh round that
//!   begins before the view: what changes meanwhile is in the next round.
//! * A cursor is the link of a round that came to its end. A window of more than 1,800 days, and a
//!   round that does not end, have none: then the window is listed each time.
//! * What is listed is passed on with its content, as far as there is room (`lines`).
//!
//! # Without a window
//! Graph shows no calendar without one. Instead of everything, the last window is listed (where
//! there was none, 400 days back and 800 ahead), and each other event of the calendar that has a
//! mark: earlier copies, wherever they lie. Such a listing has no cursor: the next one lists the
//! window.

use std::collections::{BTreeMap, HashMap};

use engine::change::Cursor;
use engine::event::EventId;
use engine::pair::Window;
use futures::{StreamExt, TryStreamExt};
use serde_json::value::RawValue;

use super::GraphCalendar;
use super::address::PAGE;
use super::api::{ApiCall, PARALLEL};
use super::convert::EventContext;
use super::cursor::{DeltaPosition, cursor};
use super::delta::RoundEnd;
use super::item::GraphItem;
use super::lines::{Changed, Entry, HeldItem, Lines, Viewed, of_days, parsed};
use super::pages::{Walk, range_of_round, ranges};
use super::series::{SeriesKind, SeriesRead};
use super::wire::MARKER;
use crate::{ChangeSet, Error, Result, Since};

/// The most removals of one round of which it is asked whether they were series. Of the others
/// that is seen when the window is listed.
const MOST_REMOVED: usize = 1_000;

impl GraphCalendar {
    /// What happened since a cursor, or what there is.
    pub(super) async fn changes_since(
        &self,
        calendar: &str,
        since: Since<'_>,
    ) -> Result<ChangeSet> {
        match since {
            Since::Cursor(cursor) => self.changes_since_cursor(calendar, cursor).await,
            Since::Window(window) => self.whole_window(calendar, window).await,
            Since::Everything => self.everything(calendar).await,
        }
    }

    async fn changes_since_cursor(&self, calendar: &str, since: &Cursor) -> Result<ChangeSet> {
        let Some(DeltaPosition { link, window }) = DeltaPosition::read(since) else {
            return Err(Error::CursorExpired);
        };
        let first = self.api.addresses.link(&link).map_err(|_| Error::CursorExpired)?;
        let first = ApiCall::round(first, PAGE);
        self.learn_window(calendar, window);
        let mut changed = Changed::default();
        let end = self.round(first, &mut |head, json| changed.add(head, json)).await?;
        let link = match end {
            RoundEnd::Link(link) => link,
            RoundEnd::Lost => return Err(Error::CursorExpired),
            RoundEnd::Refused(refusal) => {
                return Err(match refusal.status.as_u16() {
                    400 => Error::CursorExpired,
                    // Either the calendar or the link is not known.
                    404 if refusal.is_gone() => match self.missing_error(calendar).await? {
                        Error::Gone => Error::CursorExpired,
                        error => error,
                    },
                    _ => refusal.error(),
                });
            }
        };
        let owner = self.owner();
        let context = self.context(calendar, &owner);
        let mut lines = Lines::default();
        let mut touched = BTreeMap::new();
        let mut removed = Vec::new();
        for (id, Entry { head, json }) in changed.entries {
            if let Some(series) = head.series() {
                self.learn_occurrences(series, std::iter::once(id.as_str()));
                touched.insert(series.to_owned(), false);
            } else if head.is_removed() {
                match self.series_of(&id) {
                    Some(series) => _ = touched.entry(series).or_insert(true),
                    None => removed.push(id),
                }
            } else {
                lines.single(&head, json.as_deref(), context, false);
            }
        }
        for id in self.sort_removed(removed, &mut lines).await? {
            touched.entry(id).or_insert(true);
        }
        let is_complete = self.read_touched(calendar, window, touched, &mut lines).await?;
        // Where a series could not be read, the next pass begins at this round again.
        Ok(lines.finish(if is_complete { cursor(Some(&link), window) } else { since.clone() }))
    }

    /// Lists what is removed, and returns those that are series: a round names a deleted series,
    /// and also a series or an event that lies outside the window, by its id alone.
    async fn sort_removed(&self, removed: Vec<String>, lines: &mut Lines) -> Result<Vec<String>> {
        let asked = removed.iter().take(MOST_REMOVED).cloned();
        let reads = asked.map(|id: String| async move {
            let item = self.read_plain(&id).await?;
            Result::Ok((id, item))
        });
        let read: Vec<_> = futures::stream::iter(reads).buffered(PARALLEL).try_collect().await?;
        let mut series = Vec::new();
        for (id, item) in read {
            match item {
                GraphItem::There(whole) if whole.item.is_master() => series.push(id),
                GraphItem::Gone => {
                    // It may have been a series.
                    lines.series.insert(EventId::new(id.as_str()));
                    lines.removed(&id);
                }
                GraphItem::There(_) | GraphItem::Strange { .. } | GraphItem::Refused(_) => {
                    lines.removed(&id)
                }
            }
        }
        removed.iter().skip(MOST_REMOVED).for_each(|id| lines.removed(id));
        Ok(series)
    }

    /// Reads the series that changed; with each, whether it is doubted that it is still there.
    /// Returns whether all of them could be read: one that a round shows and a read does not find
    /// is no deleted one.
    async fn read_touched(
        &self,
        calendar: &str,
        window: Window,
        touched: BTreeMap<String, bool>,
        lines: &mut Lines,
    ) -> Result<bool> {
        let owner = self.owner();
        let context = self.context(calendar, &owner);
        let reads = touched.into_iter().map(|(id, is_doubted)| async move {
            let read = self.read_series(calendar, &id, window, is_doubted).await?;
            Result::Ok((id, is_doubted, read))
        });
        let mut reads = futures::stream::iter(reads).buffered(PARALLEL);
        let mut is_complete = true;
        while let Some((id, is_doubted, read)) = reads.try_next().await? {
            match read {
                SeriesRead::Whole(whole) => lines.whole(&whole, context),
                SeriesRead::Single(whole) => {
                    lines.series.insert(EventId::new(id.as_str()));
                    lines.whole(&whole, context);
                }
                SeriesRead::Instances { items, of_days } => {
                    self.learn_occurrences(&id, items.iter().map(|item| item.id.as_str()));
                    lines.series.insert(EventId::new(id.as_str()));
                    let context = EventContext { series_of_days: of_days, ..context };
                    items.iter().for_each(|item| lines.instance(item, true, context, window));
                }
                SeriesRead::Missing if !is_doubted => is_complete = false,
                SeriesRead::Missing => {
                    lines.series.insert(EventId::new(id.as_str()));
                    lines.removed(&id);
                }
                SeriesRead::Strange { etag } => lines.named(&id, etag),
                SeriesRead::Refused => {
                    lines.named(&id, None);
                    is_complete = false;
                }
            }
        }
        Ok(is_complete)
    }

    async fn whole_window(&self, calendar: &str, window: Window) -> Result<ChangeSet> {
        self.learn_window(calendar, window);
        let link = self.fresh_link(calendar, window).await?;
        let Viewed { mut lines, series, .. } = self.viewed(calendar, window).await?;
        self.add_series(calendar, window, series, HashMap::new(), &mut lines).await?;
        Ok(lines.finish(cursor(link.as_deref(), window)))
    }

    /// The link of a round that begins now; `None` where there is none.
    async fn fresh_link(&self, calendar: &str, window: Window) -> Result<Option<String>> {
        let Some(range) = range_of_round(window) else { return Ok(None) };
        let first = ApiCall::round(self.api.addresses.delta(calendar, &range)?, PAGE);
        match self.round(first, &mut |_, _| {}).await? {
            RoundEnd::Link(link) => Ok(Some(link)),
            RoundEnd::Lost => Ok(None),
            RoundEnd::Refused(refusal) => match refusal.status.as_u16() {
                // No rounds in this calendar, or not now: the view shows the same.
                400 | 405 | 501 => Ok(None),
                404 if refusal.is_gone() => Err(match self.missing_error(calendar).await? {
                    Error::Gone => return Ok(None),
                    error => error,
                }),
                _ => Err(refusal.error()),
            },
        }
    }

    /// A complete view of a window.
    async fn viewed(&self, calendar: &str, window: Window) -> Result<Viewed> {
        let owner = self.owner();
        let context = self.context(calendar, &owner);
        let mut viewed = Viewed::default();
        for range in ranges(window.start_instant(), window.end_instant()) {
            let url = self.api.addresses.view(calendar, &range)?;
            let mut add = |json: &RawValue| viewed.add(json, context, window);
            self.walk(url, &mut add).await?.of_calendar()?;
        }
        Ok(viewed)
    }

    /// Lists the series of which a view has shown occurrences: our own by their masters, any other
    /// by its occurrences.
    async fn add_series(
        &self,
        calendar: &str,
        window: Window,
        series: BTreeMap<String, Vec<HeldItem>>,
        mut kinds: HashMap<String, SeriesKind>,
        lines: &mut Lines,
    ) -> Result<()> {
        let is_clear = |id: &str, items: &[HeldItem]| {
            self.is_foreign(id)
                && of_days(items).is_some()
                && !items.iter().any(HeldItem::is_marked)
        };
        let unclear = series
            .iter()
            .filter(|(id, items)| !kinds.contains_key(id.as_str()) && !is_clear(id, items));
        let unclear: Vec<String> = unclear.map(|(id, _)| id.clone()).collect();
        kinds.extend(self.series_kinds(unclear).await?);
        let owner = self.owner();
        let context = self.context(calendar, &owner);
        for (id, items) in series {
            self.learn_occurrences(&id, items.iter().map(|held| held.item.id.as_str()));
            let days = match kinds.get(&id) {
                Some(SeriesKind::Own { etag }) => {
                    lines.named(&id, etag.clone());
                    continue;
                }
                Some(SeriesKind::Foreign { of_days }) => *of_days,
                None if is_clear(&id, &items) => of_days(&items),
                // Its master cannot be read, so it is not known whose it is: a read says why.
                None => {
                    lines.named(&id, None);
                    continue;
                }
            };
            let context = EventContext { series_of_days: days, ..context };
            for HeldItem { item, is_whole } in &items {
                lines.instance(item, *is_whole, context, window);
            }
        }
        Ok(())
    }

    async fn everything(&self, calendar: &str) -> Result<ChangeSet> {
        let window = self.window(calendar, self.now().await?);
        let (mut kinds, mut marked) = (HashMap::new(), BTreeMap::new());
        let mut note = |json: &RawValue| {
            let Some((head, Some(item))) = parsed(json) else { return };
            if item.is_master() {
                kinds.insert(item.id.clone(), SeriesKind::of(&item));
            }
            if item.extended_property(MARKER).is_some() {
                marked.insert(head.id, head.etag);
            }
        };
        match self.walk(self.api.addresses.events()?, &mut note).await? {
            Walk::Read => {}
            Walk::Refused(refusal) => return Err(refusal.error()),
        }
        self.learn_kinds(&kinds);
        let mut viewed = self.viewed(calendar, window).await?;
        let series = std::mem::take(&mut viewed.series);
        let mut lines = viewed.lines;
        self.add_series(calendar, window, series, kinds, &mut lines).await?;
        marked.retain(|id, _| !lines.lines.contains_key(&EventId::new(id.as_str())));
        let places = marked.into_iter().map(|(id, etag): (String, Option<String>)| async move {
            let place = self.calendar_of(&id).await?;
            Result::Ok((id, etag, place))
        });
        let mut places = futures::stream::iter(places).buffered(PARALLEL);
        while let Some((id, etag, place)) = places.try_next().await? {
            if place.as_deref() == Some(calendar) {
                lines.named(&id, etag);
            }
        }
        drop(places);
        Ok(lines.finish(cursor(None, window)))
    }
}
