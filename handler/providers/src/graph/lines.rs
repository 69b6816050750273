//! What pages have brought so far, and the lines of a listing.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::{Cursor, Listed};
use engine::event::{EventId, Span};
use engine::pair::Window;
use serde_json::value::RawValue;

use super::address::is_segment;
use super::convert::{self, EventContext};
use super::item::WholeItem;
use super::series::instance_id;
use super::wire::{ItemHead, MARKER, WireEvent};
use crate::ChangeSet;

/// The most content that one listing carries along, in bytes of JSON.
const CARRIED: usize = 16 << 20;

pub(super) fn parsed(json: &RawValue) -> Option<(ItemHead, Option<WireEvent>)> {
    let head: ItemHead = serde_json::from_str(json.get()).ok()?;
    is_segment(&head.id).then(|| (head, serde_json::from_str(json.get()).ok()))
}

/// What a round said last of an id.
pub(super) struct Entry {
    pub(super) head: ItemHead,
    /// Left out where there is no room for it.
    pub(super) json: Option<Box<RawValue>>,
}

#[derive(Default)]
pub(super) struct Changed {
    pub(super) entries: BTreeMap<String, Entry>,
    carried: usize,
}

impl Changed {
    pub(super) fn add(&mut self, head: ItemHead, json: &RawValue) {
        let is_content = !head.is_removed() && head.series().is_none() && !head.is_sparse();
        let fits = is_content && self.carried + json.get().len() <= CARRIED;
        if fits {
            self.carried += json.get().len();
        }
        let json = fits.then(|| json.to_owned());
        self.entries.insert(head.id.clone(), Entry { head, json });
    }
}

/// An occurrence of which it is not known yet whose its series is.
pub(super) struct HeldItem {
    pub(super) item: WireEvent,
    /// Its texts are there.
    pub(super) is_whole: bool,
}

impl HeldItem {
    pub(super) fn is_marked(&self) -> bool {
        self.item.extended_property(MARKER).is_some()
    }
}

/// Whether a series is one of whole days, as its unchanged occurrences show it.
pub(super) fn of_days(items: &[HeldItem]) -> Option<bool> {
    items.iter().find(|held| !held.item.is_exception()).and_then(|held| held.item.is_all_day)
}

/// What a view has shown so far.
#[derive(Default)]
pub(super) struct Viewed {
    pub(super) lines: Lines,
    pub(super) series: BTreeMap<String, Vec<HeldItem>>,
    carried: usize,
    seen: BTreeSet<String>,
}

impl Viewed {
    pub(super) fn add(&mut self, json: &RawValue, context: EventContext<'_>, window: Window) {
        let Some((head, item)) = parsed(json) else { return };
        // The parts of a long window overlap.
        if !self.seen.insert(head.id.clone()) {
            return;
        }
        match item {
            Some(mut item) if item.is_instance() => {
                let is_whole = self.carried + json.get().len() <= CARRIED;
                if is_whole {
                    self.carried += json.get().len();
                } else {
                    item.body = None;
                }
                let master = item.series_master_id.clone().unwrap_or_default();
                self.series.entry(master).or_default().push(HeldItem { item, is_whole });
            }
            Some(item) if !is_inside(&item, window) => {}
            _ => self.lines.single(&head, Some(json), context, true),
        }
    }
}

/// Whether an event lies in a window; one whose times cannot be read does.
fn is_inside(item: &WireEvent, window: Window) -> bool {
    let Ok(content) = convert::content(item, EventContext::default()) else { return true };
    match content.span {
        Span::AllDay { start, end } => start < window.end && end > window.start,
        span @ Span::Timed { .. } => {
            let (start, end) = (engine::zone::start(&span, None), engine::zone::end(&span, None));
            let (from, to) = (window.start_instant(), window.end_instant());
            start < to && (start >= from || end > from)
        }
    }
}

/// The lines of a listing, each id once.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) lines: BTreeMap<EventId, Listed>,
    pub(super) series: BTreeSet<EventId>,
    unmarked: BTreeSet<EventId>,
    carried: usize,
}

impl Lines {
    /// A single event.
    pub(super) fn single(
        &mut self,
        head: &ItemHead,
        json: Option<&RawValue>,
        context: EventContext<'_>,
        marks_shown: bool,
    ) {
        let item = json.and_then(|json| serde_json::from_str::<WireEvent>(json.get()).ok());
        let event = item
            .filter(|_| self.has_room(json.map_or(0, |json| json.get().len())))
            .and_then(|item| convert::event(&item, context).ok())
            .map(Box::new);
        // The version in an entry that only names an event is not the event's.
        let etag = head.etag.clone().filter(|_| !head.is_sparse());
        let id = EventId::new(head.id.as_str());
        self.put(Listed::Present { id: id.clone(), etag, event });
        if !marks_shown {
            self.unmarked.insert(id);
        }
    }

    /// An event or a series that was read by itself.
    pub(super) fn whole(&mut self, whole: &WholeItem, context: EventContext<'_>) {
        let etag = whole.item.etag.clone();
        let event = whole.event(context).ok().map(Box::new);
        let id = EventId::new(whole.item.id.as_str());
        self.put(Listed::Present { id, etag, event });
    }

    /// An occurrence of a series that this program did not write. `is_whole`: its texts are there.
    pub(super) fn instance(
        &mut self,
        item: &WireEvent,
        is_whole: bool,
        context: EventContext<'_>,
        window: Window,
    ) {
        if !is_inside(item, window) {
            return;
        }
        // Without its original start it cannot be named.
        let Some(id) = instance_id(item, context) else { return };
        let event = (is_whole && self.has_room(size(item)))
            .then(|| convert::event(item, context).ok().map(Box::new))
            .flatten();
        let etag = item.etag.clone();
        self.put(Listed::Present { id, etag, event });
    }

    /// An event without its content: the caller reads it by its id.
    pub(super) fn named(&mut self, id: &str, etag: Option<String>) {
        let id = EventId::new(id);
        self.put(Listed::Present { id, etag, event: None });
    }

    pub(super) fn removed(&mut self, id: &str) {
        self.put(Listed::Removed { id: EventId::new(id) });
    }

    fn put(&mut self, line: Listed) {
        self.unmarked.remove(line.id());
        self.lines.insert(line.id().clone(), line);
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        let fits = self.carried + bytes <= CARRIED;
        if fits {
            self.carried += bytes;
        }
        fits
    }

    pub(super) fn finish(self, cursor: Cursor) -> ChangeSet {
        ChangeSet {
            listed: self.lines.into_values().collect(),
            series: self.series.into_iter().collect(),
            unmarked: self.unmarked,
            cursor,
        }
    }
}

/// About how much an item holds.
fn size(item: &WireEvent) -> usize {
    let subject = item.subject.as_ref().map_or(0, String::len);
    subject + item.body.as_ref().map_or(0, |body| body.content.len()) + 256
}
