//! Both sides changed: what flows back to the origin, and what stands.
//!
//! # Properties
//! * Edits of different parts are merged; of the same part the origin's stands (clocks of clients cannot be trusted to order them).
//! * Time, rule and exceptions are one group: where the origin's changed, nothing of the copy's group flows back.
//! * From a private copy only times flow back; "Busy" never reaches an origin.
//! * What we took out of a description on the way out is put back on the way in.

use std::collections::BTreeMap;

use crate::event::{Content, Draft, Event, Exception, Field, OriginalStart, Parts, Series, Span};
use crate::{attendees, conference, zone};

/// Descriptions longer than this are carried over cut, so they never flow back.
const LONGEST_DESCRIPTION: usize = 64 * 1024;

/// What the copy's edits mean for the origin.
#[derive(Debug, PartialEq, Eq)]
pub struct Merge {
    /// The origin as it should be.
    pub origin: Draft,
    /// Edits of the copy that do not flow back and do not conflict: they stay until the copy is next written.
    pub ignored: bool,
}

/// Merges. `origin_changed` and `copy_changed` say which parts each side changed since they last agreed.
pub fn merge(origin: &Event, copy: &Event, origin_changed: &Parts, copy_changed: &Parts, private: bool) -> Merge {
    let mut flowing = copy_changed.clone();
    let origin_moved = origin_changed.fields.contains(&Field::Time);
    if origin_moved || (!origin_changed.exceptions.is_empty() && flowing.fields.contains(&Field::Time)) {
        flowing.fields.remove(&Field::Time);
        flowing.exceptions.retain(|start| !origin_moved && !origin_changed.exceptions.contains(start));
    }
    flowing.fields.retain(|field| !origin_changed.fields.contains(field));
    flowing.exceptions.retain(|start| !origin_changed.exceptions.contains(start));
    let wanted = flowing.clone();
    flowing.fields.remove(&Field::Attendees);
    if origin.content.description.len() > LONGEST_DESCRIPTION {
        flowing.fields.remove(&Field::Description);
    }
    if private {
        flowing.fields.retain(|field| *field == Field::Time);
        flowing.exceptions.retain(|start| !same_time(origin, *start, copy));
    }
    Merge { origin: flow_back(origin, copy, &flowing, private), ignored: flowing != wanted }
}

fn flow_back(origin: &Event, copy: &Event, parts: &Parts, private: bool) -> Draft {
    let mut draft = Draft::from(origin);
    for field in &parts.fields {
        take(*field, &mut draft.content, &copy.content);
    }
    let none = BTreeMap::new();
    let theirs = copy.series.as_ref().map_or(&none, |series| &series.exceptions);
    if parts.fields.contains(&Field::Time) {
        draft.series = copy.series.as_ref().map(|series| Series {
            rules: series.rules.clone(),
            extra: series.extra.clone(),
            exceptions: BTreeMap::new(),
        });
        if let Some(series) = &mut draft.series {
            for (start, exception) in theirs {
                series.exceptions.insert(*start, back(origin, *start, exception, private));
            }
        }
        return draft;
    }
    for start in &parts.exceptions {
        let series = draft.series.get_or_insert_default();
        match theirs.get(start) {
            Some(exception) => series.exceptions.insert(*start, back(origin, *start, exception, private)),
            None => series.exceptions.remove(start),
        };
    }
    draft
}

/// A copy's exception as the origin should have it.
fn back(origin: &Event, start: OriginalStart, exception: &Exception, private: bool) -> Exception {
    let Exception::Changed(theirs) = exception else { return Exception::Cancelled };
    let mut ours = match exception_of(origin, start) {
        Some(Exception::Changed(content)) => (**content).clone(),
        _ => origin.content.clone(),
    };
    let fields: &[Field] = if private { &[Field::Time] } else { &Field::ALL };
    for field in fields {
        take(*field, &mut ours, theirs);
    }
    Exception::Changed(Box::new(ours))
}

fn take(field: Field, ours: &mut Content, theirs: &Content) {
    match field {
        Field::Time => ours.span = theirs.span.clone(),
        Field::Title => ours.title.clone_from(&theirs.title),
        Field::Description => {
            let removed = conference::strip(&ours.description).removed;
            ours.description = conference::reattach(&attendees::remove(&theirs.description), &removed);
        }
        Field::Location => ours.location = conference::reattach_location(&theirs.location, &ours.location),
        Field::Attendees => {}
        Field::Visibility => ours.visibility = theirs.visibility,
        Field::Busy => ours.busy = theirs.busy,
    }
}

fn exception_of(event: &Event, start: OriginalStart) -> Option<&Exception> {
    event.series.as_ref()?.exceptions.get(&start)
}

/// Whether an occurrence takes place at the same time on both sides, whatever else its exception says.
fn same_time(origin: &Event, start: OriginalStart, copy: &Event) -> bool {
    match (occurrence(origin, start), occurrence(copy, start)) {
        (Some((a, b)), Some((c, d))) => a == c && b == d,
        (None, None) => true,
        _ => false,
    }
}

/// Start and length of an occurrence; `None` if it is cancelled.
fn occurrence(event: &Event, start: OriginalStart) -> Option<(OriginalStart, i64)> {
    match exception_of(event, start) {
        Some(Exception::Cancelled) => None,
        Some(Exception::Changed(content)) => Some((begin(&content.span), length(&content.span))),
        None => Some((start, length(&event.content.span))),
    }
}

fn begin(span: &Span) -> OriginalStart {
    match span {
        Span::AllDay { start, .. } => OriginalStart::Day(*start),
        Span::Timed { start, .. } if start.zone == crate::event::Zone::Floating => OriginalStart::Floating(start.local),
        Span::Timed { start, .. } => OriginalStart::At(zone::instant(start, None)),
    }
}

/// In seconds; days count as 24 hours, which only has to be the same on both sides.
fn length(span: &Span) -> i64 {
    match span {
        Span::AllDay { start, end } => i64::from(start.until(*end).map(|days| days.get_days()).unwrap_or_default()) * 86_400,
        Span::Timed { start, end } => zone::instant(end, None).as_second() - zone::instant(start, None).as_second(),
    }
}
