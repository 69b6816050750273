//! What the provider lists of one calendar, line by line.

use std::collections::BTreeMap;

use engine::change::{Cursor, Listed, StateTag};
use engine::event::{Event, EventId};
use providers::Since;

use super::End;
use crate::Result;

/// What was read of a calendar before the leases were taken, and since when. Of use where the
/// cursor is still the same under them.
pub(super) struct Prefetched {
    pub cursor: Cursor,
    pub survey: providers::ChangeSet,
}

/// A line of a listing: version and event; nothing for an id that was named as removed.
pub(super) struct ListedLine {
    pub there: Option<(Option<String>, Option<Box<Event>>)>,
    pub fresh: bool,
    /// The provider names it as changed since the cursor.
    pub changed: bool,
}

pub(super) type ById = BTreeMap<EventId, ListedLine>;

/// The lines of one calendar: what the provider listed, each id once.
pub(super) struct CalendarListing {
    pub by_id: ById,
    pub cursor: Cursor,
    pub whole: bool,
    /// The owner wants the calendar read anew, and something has happened in it since the cursor.
    pub moved: bool,
}

/// What was seen of one end.
pub(super) struct EndState<'a> {
    pub tip: Option<&'a StateTag>,
    pub quiet: bool,
    pub ahead: Option<Prefetched>,
}

impl<'a> EndState<'a> {
    pub fn of(tip: Option<&'a StateTag>) -> Self {
        Self { tip, quiet: false, ahead: None }
    }
}

/// Lists one calendar: what happened since the cursor, or the whole of it, or both on the first
/// pass of a day. `None` where nothing happened.
pub(super) async fn read(
    end: &End,
    cursor: Option<&Cursor>,
    eye: EndState<'_>,
    whole: Since<'_>,
    full: bool,
    roll: bool,
) -> Result<Option<CalendarListing>> {
    let EndState { tip, quiet, ahead } = eye;
    let provider = &end.provider;
    let address = &end.calendar.address;
    let moved = full
        && matches!((cursor, tip), (Some(cursor), Some(tip)) if !provider.is_current(cursor, tip));
    let cursor = cursor.filter(|_| !full);
    let mut since_cursor = None;
    let mut is_current = false;
    if let Some(cursor) = cursor {
        is_current = quiet || tip.is_some_and(|tip| provider.is_current(cursor, tip));
        if is_current && !roll {
            return Ok(None);
        }
        if !is_current {
            let survey = match ahead.filter(|ahead| ahead.cursor == *cursor) {
                Some(ahead) => Ok(ahead.survey),
                None => provider.list_changes(address, Since::Cursor(cursor), tip).await,
            };
            match survey {
                Ok(survey) => since_cursor = Some(survey),
                Err(providers::Error::CursorExpired) => {
                    tracing::info!(calendar = %end.calendar.id, "the server has forgotten how far \
                    this calendar was read; listing it as a whole");
                }
                Err(error) => return Err(error.into()),
            }
            if !roll && let Some(survey) = since_cursor {
                return Ok(Some(CalendarListing {
                    by_id: changed(survey.listed),
                    cursor: survey.cursor,
                    whole: false,
                    moved,
                }));
            }
        }
    }
    let whole = provider.list_changes(address, whole, tip).await?;
    // Where it is known what has happened, or that nothing has, the rest of the listing is old.
    let mut lines = by_id(whole.listed, since_cursor.is_none() && !is_current);
    // What the cursor brought and the window did not: removals, and changes outside the window.
    for (id, line) in since_cursor.map(|survey| changed(survey.listed)).unwrap_or_default() {
        let line = lines.entry(id).or_insert(line);
        (line.fresh, line.changed) = (true, true);
    }
    Ok(Some(CalendarListing { by_id: lines, cursor: whole.cursor, whole: true, moved }))
}

fn changed(listed: Vec<Listed>) -> ById {
    let mut lines = by_id(listed, true);
    lines.values_mut().for_each(|line| line.changed = true);
    lines
}

pub(super) fn by_id(listed: Vec<Listed>, fresh: bool) -> ById {
    let line = |listed| match listed {
        Listed::Present { id, etag, event } => {
            (id, ListedLine { there: Some((etag, event)), fresh, changed: false })
        }
        Listed::Removed { id } => (id, ListedLine { there: None, fresh, changed: false }),
    };
    listed.into_iter().map(line).collect()
}
