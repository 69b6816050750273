//! Lists one calendar.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::{Cursor, Listed};
use engine::event::{Event, EventId};
use providers::{Error, Since};

use super::ends::EndState;
use crate::Result;

/// How much of both ends is listed.
#[derive(Clone, Copy)]
pub(super) struct ListingOptions {
    /// List the window as a whole, besides the changes since the cursor: in the first pass of a
    /// day.
    pub relist: bool,
    /// List the window as a whole even with a cursor, and add all mappings that drifted.
    pub full: bool,
    /// A server that cannot list the changes since the cursor is taken to have forgotten it: some
    /// answer an unusable sync token with a failure instead of the error of RFC 6578, 3.8.
    pub doubts_cursor: bool,
}

/// One event of a listing.
pub(super) struct ListedLine {
    /// Version and event; `None` for an id that was named as removed.
    pub present: Option<(Option<String>, Option<Box<Event>>)>,
    pub is_new: bool,
    /// The provider names it as changed since the cursor.
    pub is_changed: bool,
}

impl ListedLine {
    /// An event that has changed, in a version that is not known.
    pub fn changed() -> Self {
        Self { present: Some((None, None)), is_new: true, is_changed: true }
    }
}

pub(super) type ById = BTreeMap<EventId, ListedLine>;

/// What the provider listed of one calendar, each id once.
pub(super) struct CalendarListing {
    pub by_id: ById,
    /// Series of which all occurrences inside the window are listed.
    pub series: Vec<EventId>,
    /// Events that are listed without the loop marks that they may have.
    pub unmarked: BTreeSet<EventId>,
    pub cursor: Cursor,
    pub is_whole: bool,
    /// The owner wants the calendar read anew, and it has changed since the cursor.
    pub has_moved: bool,
}

/// Lists one calendar: what changed since the cursor; `whole` where there is no cursor or with
/// `full`; and both with `relist`. `None` where nothing changed.
pub(super) async fn list(
    state: &mut EndState,
    cursor: Option<&Cursor>,
    whole: Since<'_>,
    options: ListingOptions,
) -> Result<Option<CalendarListing>> {
    let ListingOptions { relist, full, doubts_cursor } = options;
    let EndState { end, tag, is_quiet, prefetched } = state;
    let tag = tag.as_ref();
    let (provider, address) = (&end.provider, &end.calendar.address);
    let has_moved = full
        && matches!((cursor, tag), (Some(cursor), Some(tag)) if !provider.is_current(cursor, tag));
    let cursor = cursor.filter(|_| !full);
    let mut since_cursor = None;
    let mut is_current = false;
    if let Some(cursor) = cursor {
        is_current = *is_quiet || tag.is_some_and(|tag| provider.is_current(cursor, tag));
        if is_current && !relist {
            return Ok(None);
        }
        if !is_current {
            let changes = match prefetched.take().filter(|ahead| ahead.cursor == *cursor) {
                Some(ahead) => Ok(ahead.changes),
                None => provider.list_changes(address, Since::Cursor(cursor), tag).await,
            };
            match changes {
                Ok(changes) => since_cursor = Some(changes),
                Err(Error::CursorExpired) => {
                    tracing::info!(calendar = %end.calendar.id, "the server cannot list what \
                    changed in this calendar since the last pass; listing it as a whole");
                }
                Err(Error::Unreachable(why) | Error::BadAnswer(why)) if doubts_cursor => {
                    tracing::info!(calendar = %end.calendar.id, %why, "the server has failed \
                    repeatedly to list what changed in this calendar; listing it as a whole");
                }
                Err(error) => return Err(error.into()),
            }
            if !relist && let Some(changes) = since_cursor {
                return Ok(Some(CalendarListing {
                    by_id: changed_by_id(changes.listed),
                    series: changes.series,
                    unmarked: changes.unmarked,
                    cursor: changes.cursor,
                    is_whole: false,
                    has_moved,
                }));
            }
        }
    }
    let whole = provider.list_changes(address, whole, tag).await?;
    // Where the changes are known, or that there are none, the rest of the listing is old.
    let mut lines = by_id(whole.listed, since_cursor.is_none() && !is_current);
    let mut unmarked = whole.unmarked;
    // The changes name what the window does not: removals, and changes outside the window.
    if let Some(changes) = since_cursor {
        unmarked.extend(changes.unmarked.into_iter().filter(|id| !lines.contains_key(id)));
        for (id, line) in changed_by_id(changes.listed) {
            let line = lines.entry(id).or_insert(line);
            (line.is_new, line.is_changed) = (true, true);
        }
    }
    Ok(Some(CalendarListing {
        by_id: lines,
        series: Vec::new(),
        unmarked,
        cursor: whole.cursor,
        is_whole: true,
        has_moved,
    }))
}

fn changed_by_id(listed: Vec<Listed>) -> ById {
    let mut lines = by_id(listed, true);
    lines.values_mut().for_each(|line| line.is_changed = true);
    lines
}

pub(super) fn by_id(listed: Vec<Listed>, is_new: bool) -> ById {
    let line = |listed| match listed {
        Listed::Present { id, etag, event } => {
            (id, ListedLine { present: Some((etag, event)), is_new, is_changed: false })
        }
        Listed::Removed { id } => (id, ListedLine { present: None, is_new, is_changed: false }),
    };
    listed.into_iter().map(line).collect()
}
