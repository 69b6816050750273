//! Series: which of them this program wrote, and what each shows.
//!
//! A series that this program wrote has its mark on its master, and is read as one event. Any other
//! series is read as its occurrences inside the window, each an event of its own: Microsoft
//! discards the exceptions of a series whenever it is moved, says of a deleted occurrence nothing,
//! and has rules that no other calendar has.

use std::collections::{BTreeMap, HashMap};

use engine::event::{EventId, OriginalStart};
use engine::pair::Window;
use futures::{StreamExt, TryStreamExt};
use serde_json::value::RawValue;

use super::GraphCalendar;
use super::address::TimeRange;
use super::api::PARALLEL;
use super::convert::{self, EventContext};
use super::item::{GraphItem, WholeItem, one};
use super::pages::{Walk, ranges};
use super::wire::{self, WireEvent};
use crate::Result;

/// What a series came to.
pub(super) enum SeriesRead {
    /// One event: this program wrote it.
    Whole(Box<WholeItem>),
    /// Its occurrences inside the window.
    Instances { items: Vec<WireEvent>, of_days: Option<bool> },
    /// It is a single event by now.
    Single(Box<WholeItem>),
    /// It is not there, or not in this calendar.
    Missing,
    /// It cannot be read.
    Strange { etag: Option<String> },
    /// Microsoft does not give it; a read of its id says why.
    Refused,
}

/// What is known of a series without its occurrences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SeriesKind {
    /// This program wrote it; its version.
    Own { etag: Option<String> },
    /// Another program or a person did; whether it is one of whole days.
    Foreign { of_days: Option<bool> },
}

impl SeriesKind {
    pub(super) fn of(master: &WireEvent) -> Self {
        if master.extended_property(wire::MARKER).is_some() {
            Self::Own { etag: master.etag.clone() }
        } else {
            Self::Foreign { of_days: master.is_all_day }
        }
    }
}

impl GraphCalendar {
    /// Reads a series. `is_doubted` is a series that a round of changes names as removed: a deleted
    /// one may go on answering, so it counts only where its calendar shows an occurrence of it.
    pub(super) async fn read_series(
        &self,
        calendar: &str,
        id: &str,
        window: Window,
        is_doubted: bool,
    ) -> Result<SeriesRead> {
        let whole = match self.read_master(id).await? {
            GraphItem::Gone => return Ok(SeriesRead::Missing),
            GraphItem::Strange { etag } => return Ok(SeriesRead::Strange { etag }),
            GraphItem::Refused(_) => return Ok(SeriesRead::Refused),
            GraphItem::There(whole) => whole,
        };
        if is_doubted && !self.is_in_calendar(calendar, &whole.item).await? {
            return Ok(SeriesRead::Missing);
        }
        if !whole.item.is_master() {
            return Ok(SeriesRead::Single(whole));
        }
        if whole.is_marked() {
            return Ok(SeriesRead::Whole(whole));
        }
        self.learn_foreign(id);
        let of_days = whole.item.is_all_day;
        match self.read_instances(id, window).await? {
            Ok(items) => Ok(SeriesRead::Instances { items, of_days }),
            Err(GraphItem::Gone) => Ok(SeriesRead::Missing),
            Err(GraphItem::Refused(_)) => Ok(SeriesRead::Refused),
            Err(_) => Ok(SeriesRead::Strange { etag: whole.item.etag.clone() }),
        }
    }

    /// The occurrences of a series that may lie in a window, by parts of it.
    pub(super) async fn read_instances(
        &self,
        id: &str,
        window: Window,
    ) -> Result<Result<Vec<WireEvent>, GraphItem>> {
        let mut by_id = BTreeMap::new();
        for range in ranges(window.start_instant(), window.end_instant()) {
            match self.instances(id, &range).await? {
                Ok(items) => by_id.extend(items.into_iter().map(|item| (item.id.clone(), item))),
                Err(nothing) => return Ok(Err(nothing)),
            }
        }
        Ok(Ok(by_id.into_values().collect()))
    }

    /// The occurrences of a series in a range, or why there are none.
    pub(super) async fn instances(
        &self,
        id: &str,
        range: &TimeRange,
    ) -> Result<Result<Vec<WireEvent>, GraphItem>> {
        let (mut items, mut is_readable) = (Vec::new(), true);
        let mut add = |json: &RawValue| match serde_json::from_str(json.get()) {
            Ok(item) => items.push(item),
            Err(_) => is_readable = false,
        };
        let walk = self.walk(self.api.addresses.instances(id, range)?, &mut add).await?;
        Ok(match walk {
            Walk::Read if is_readable => Ok(items),
            Walk::Read => Err(GraphItem::Strange { etag: None }),
            Walk::Refused(refusal) if refusal.is_gone() => Err(GraphItem::Gone),
            Walk::Refused(refusal) => Err(GraphItem::Refused(one(refusal.error())?)),
        })
    }

    /// What these series are: by one list of all marked events of the mailbox, and each that is not
    /// in it by itself. That a filter does not find a series is no proof that it has no mark. What
    /// cannot be read is left out.
    pub(super) async fn series_kinds(
        &self,
        mut wanted: Vec<String>,
    ) -> Result<HashMap<String, SeriesKind>> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let mut kinds = HashMap::new();
        let mut note = |json: &RawValue| {
            if let Ok(item) = serde_json::from_str::<WireEvent>(json.get())
                && item.is_master()
                && item.extended_property(wire::MARKER).is_some()
            {
                kinds.insert(item.id.clone(), SeriesKind::of(&item));
            }
        };
        match self.walk(self.api.addresses.all_marked()?, &mut note).await? {
            Walk::Read => {}
            // The filter is not taken: each series is read.
            Walk::Refused(refusal) if refusal.status.as_u16() == 400 => {}
            Walk::Refused(refusal) => return Err(refusal.error()),
        }
        wanted.retain(|id| !kinds.contains_key(id));
        let reads = wanted.into_iter().map(|id: String| async move {
            let item = self.read_kind(&id).await?;
            Result::Ok((id, item))
        });
        let read: Vec<_> = futures::stream::iter(reads).buffered(PARALLEL).try_collect().await?;
        kinds.extend(read.into_iter().filter_map(|(id, kind)| Some((id, kind?))));
        self.learn_kinds(&kinds);
        Ok(kinds)
    }

    /// Remembers the series that this program did not write.
    pub(super) fn learn_kinds(&self, kinds: &HashMap<String, SeriesKind>) {
        for (id, kind) in kinds {
            if matches!(kind, SeriesKind::Foreign { .. }) {
                self.learn_foreign(id);
            }
        }
    }

    async fn read_kind(&self, id: &str) -> Result<Option<SeriesKind>> {
        Ok(match self.read_plain(id).await? {
            GraphItem::There(whole) => Some(SeriesKind::of(&whole.item)),
            GraphItem::Gone | GraphItem::Strange { .. } | GraphItem::Refused(_) => None,
        })
    }
}

/// The occurrence with this original start. A series of days has none that starts at a time, and
/// the other way round: it was another series then.
pub(super) fn instance_at(items: &[WireEvent], start: OriginalStart) -> Option<&WireEvent> {
    let context = instance_context(start);
    let of_days = items.iter().find(|item| !item.is_exception()).and_then(|item| item.is_all_day);
    if of_days.is_some_and(|of_days| Some(of_days) != context.series_of_days) {
        return None;
    }
    items.iter().find(|item| convert::original_start(item, context) == Some(start))
}

/// How the items of a series with such a start are read.
pub(super) fn instance_context(start: OriginalStart) -> EventContext<'static> {
    EventContext {
        series_of_days: Some(matches!(start, OriginalStart::Day(_))),
        ..EventContext::default()
    }
}

/// The id of an occurrence as an event of its own, if it says which it is.
pub(super) fn instance_id(item: &WireEvent, context: EventContext<'_>) -> Option<EventId> {
    let master = item.series_master_id.as_deref()?;
    Some(EventId::instance(master, convert::original_start(item, context)?))
}
