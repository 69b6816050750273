//! What an edit of a series writes as its `recurrence`.

use engine::event::{Draft, Exception, OriginalStart, Series};
use ical::recurrence;
use serde_json::Value;

use super::super::convert;
use super::super::series::SeriesItems;
use crate::{Error, Result};

/// An edit that cancels more occurrences writes them all at once, as EXDATEs.
const MOST_DELETED: usize = 20;

/// A draft in which a further date gives each changed occurrence that no rule gives: Google shows
/// no other.
pub(super) fn with_strays(mut draft: Draft) -> Draft {
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

/// The `recurrence` to patch, if it has to change. Lines that say what they should stay as they
/// are.
pub(super) fn new_recurrence(
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
