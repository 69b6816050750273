//! Both sides changed: what flows back to the origin, and what is kept.
//!
//! # Properties
//! * Edits of different parts are merged; of one part the origin's is kept (clocks of clients
//!   cannot be trusted to order them).
//! * Time, rule and exceptions are one group: where the origin's rule changed, nothing of the
//!   copy's group flows back; where the copy's new rule does not flow, no exception that is keyed
//!   to it does. Where the copy's series moved, exceptions move along (`series`), also those that
//!   the origin has changed meanwhile; where the copy's rule has no place for one of these, the
//!   origin's rule is kept.
//! * From a private copy only times flow back; "Busy" never reaches an origin, and neither do the
//!   words of a series an exception that has its own.
//! * What we took out of a description on the way out is put back on the way in, and what a copy
//!   shows as it was projected to it stays as it is at home.

use std::collections::BTreeSet;

use crate::copy::{CopyStyle, in_origin_terms, project};
use crate::event::{Content, Draft, Event, Exception, Field, OriginalStart, Parts, Series, Span};
use crate::{attendees, conference, text, zone};

mod series;

/// Descriptions longer than this are carried over cut, so they never flow back.
const LONGEST_DESCRIPTION: usize = 64 * 1024;

/// What the copy's edits mean for the origin.
#[derive(Debug, PartialEq, Eq)]
pub struct Merge {
    /// The origin as it should be.
    pub origin: Draft,
    /// Edits of the copy that do not flow back, because the origin has changed the same part.
    pub overruled: Parts,
    /// Edits of the copy that do not flow back and do not conflict: they stay until the copy is
    /// next written.
    pub ignored: bool,
}

/// An origin and its copy, of which both may have changed.
pub struct Sides<'a> {
    /// The origin.
    pub origin: &'a Event,
    /// The copy, in the words and the forms of the origin ([`crate::copy::in_origin_terms`]).
    pub copy: &'a Draft,
    /// How the copy is to look.
    pub look: CopyStyle<'a>,
    /// Its provider keeps less of it than was written.
    pub keeps_less: bool,
}

/// Merges. `origin_changed` and `copy_changed` say which parts each side changed since they last
/// agreed.
pub fn merge(sides: &Sides<'_>, origin_changed: &Parts, copy_changed: &Parts) -> Merge {
    let private = sides.look.private;
    let mut flowing = copy_changed.clone();
    let origin_moved = origin_changed.fields.contains(&Field::Time);
    let loses = || {
        flowing.fields.contains(&Field::Time) && !sides.has_place_for(&origin_changed.exceptions)
    };
    if origin_moved || loses() {
        flowing.fields.remove(&Field::Time);
        flowing.exceptions.clear();
    }
    flowing.fields.retain(|field| !origin_changed.fields.contains(field));
    flowing.exceptions.retain(|start| !origin_changed.exceptions.contains(start));
    let mut overruled = copy_changed.clone();
    overruled.fields.retain(|field| {
        !flowing.fields.contains(field)
            && *field != Field::Attendees
            && (!private || *field == Field::Time)
    });
    let stays = |start: &OriginalStart| {
        flowing.exceptions.contains(start) || (private && sides.same_time(*start))
    };
    overruled.exceptions.retain(|start| !stays(start));
    let wanted = flowing.clone();
    flowing.fields.remove(&Field::Attendees);
    if sides.origin.content.description.len() > LONGEST_DESCRIPTION {
        flowing.fields.remove(&Field::Description);
    }
    if private {
        flowing.fields.retain(|field| *field == Field::Time);
        flowing.exceptions.retain(|start| !sides.same_time(*start));
    }
    Merge {
        origin: sides.flow_back(&flowing, &origin_changed.exceptions),
        overruled,
        ignored: flowing != wanted,
    }
}

impl Sides<'_> {
    /// `fixed` are exceptions that the origin has changed.
    fn flow_back(&self, parts: &Parts, fixed: &BTreeSet<OriginalStart>) -> Draft {
        let mut draft = Draft::from(self.origin);
        for field in &parts.fields {
            take(*field, &mut draft.content, &self.copy.content);
        }
        if parts.fields.contains(&Field::Time) {
            draft.series = self.moved(&draft.content, &parts.exceptions, fixed);
            return draft;
        }
        for start in &parts.exceptions {
            let back = self.exception_back(&draft.content, *start);
            let series = draft.series.get_or_insert_default();
            match back {
                Some(exception) => series.exceptions.insert(*start, exception),
                None => series.exceptions.remove(start),
            };
        }
        draft
    }

    /// What of this an origin's content would be on the copy, in the words and the forms of the
    /// origin.
    fn shown(&self, ours: &Content) -> Content {
        let CopyStyle { source, target, .. } = self.look;
        in_origin_terms(
            &project(&Draft { content: ours.clone(), series: None }, self.look),
            target,
            source,
        )
        .content
    }

    /// A copy's exception as the origin should have it, whose own is `ours`, if it has one;
    /// `master` is what its series says.
    fn back(&self, master: &Content, ours: Option<&Exception>, theirs: &Exception) -> Exception {
        let Exception::Changed(theirs) = theirs else { return Exception::Cancelled };
        let own = match ours {
            Some(Exception::Changed(content)) => Some(&**content),
            Some(Exception::Cancelled) | None => None,
        };
        let mut back = own.unwrap_or(master).clone();
        let shown = self.shown(&back);
        let fields: &[Field] = if self.look.private { &[Field::Time] } else { &Field::ALL };
        for field in fields {
            let is_kept = match field {
                Field::Time => is_same(Field::Time, theirs, &back),
                // A value that the server has altered while storing it is no edit of the exception.
                field => {
                    let as_its_series =
                        || own.is_none() && is_same(*field, theirs, &self.copy.content);
                    is_same(*field, theirs, &shown)
                        || (self.keeps_less
                            && (as_its_series() || keeps_less(*field, theirs, &shown)))
                }
            };
            if !is_kept {
                take(*field, &mut back, theirs);
            }
        }
        Exception::Changed(Box::new(back))
    }

    /// Whether an occurrence takes place at the same time on both sides, apart from the rest of its
    /// exception.
    fn same_time(&self, start: OriginalStart) -> bool {
        let ours = occurrence(
            &self.origin.content,
            exception_of(self.origin.series.as_ref(), start),
            start,
        );
        ours == occurrence(
            &self.copy.content,
            exception_of(self.copy.series.as_ref(), start),
            start,
        )
    }
}

fn take(field: Field, ours: &mut Content, theirs: &Content) {
    match field {
        Field::Time => ours.span = theirs.span.clone(),
        Field::Title => ours.title.clone_from(&theirs.title),
        Field::Description => {
            let removed = conference::strip(&ours.description).removed;
            ours.description =
                conference::reattach(&attendees::remove(&theirs.description), &removed);
        }
        Field::Location => {
            ours.location = conference::reattach_location(&theirs.location, &ours.location)
        }
        Field::Attendees => {}
        Field::Visibility => ours.visibility = theirs.visibility,
        Field::Busy => ours.busy = theirs.busy,
    }
}

fn is_same(field: Field, one: &Content, other: &Content) -> bool {
    match field {
        Field::Time => {
            (begin(&one.span), length(&one.span)) == (begin(&other.span), length(&other.span))
        }
        Field::Title | Field::Description | Field::Location => {
            words(field, one) == words(field, other)
        }
        Field::Attendees => true,
        Field::Visibility => one.visibility == other.visibility,
        Field::Busy => one.busy == other.busy,
    }
}

/// A text as it is compared.
fn words(field: Field, content: &Content) -> String {
    let text = match field {
        Field::Title => &content.title,
        Field::Description => &attendees::remove(&content.description),
        _ => &content.location,
    };
    text::normalise(text).trim_start().to_owned()
}

/// Whether `shown` may be what a provider has made of what was written: a text that ends earlier or
/// is not there, a time without its seconds.
pub fn keeps_less(field: Field, shown: &Content, written: &Content) -> bool {
    match field {
        Field::Title | Field::Description | Field::Location => {
            words(field, written).starts_with(&words(field, shown))
        }
        Field::Time => match (&shown.span, &written.span) {
            (Span::Timed { start: one, end: two }, Span::Timed { start: three, end: four }) => {
                [(one, three), (two, four)].iter().all(|(shown, written)| {
                    zone::instant(shown, None)
                        .duration_since(zone::instant(written, None))
                        .as_secs()
                        .abs()
                        < 60
                })
            }
            _ => false,
        },
        Field::Attendees | Field::Visibility | Field::Busy => false,
    }
}

/// Whether all that a changed occurrence shows is what a provider may have made of what was
/// written.
pub fn is_made_of(shown: &Content, written: &Content) -> bool {
    Field::ALL
        .iter()
        .all(|field| is_same(*field, shown, written) || keeps_less(*field, shown, written))
}

fn exception_of(series: Option<&Series>, start: OriginalStart) -> Option<&Exception> {
    series?.exceptions.get(&start)
}

/// Start and length of an occurrence; `None` if it is cancelled.
fn occurrence(
    master: &Content,
    exception: Option<&Exception>,
    start: OriginalStart,
) -> Option<(OriginalStart, i64)> {
    match exception {
        Some(Exception::Cancelled) => None,
        Some(Exception::Changed(content)) => Some((begin(&content.span), length(&content.span))),
        None => Some((start, length(&master.span))),
    }
}

fn begin(span: &Span) -> OriginalStart {
    match span {
        Span::AllDay { start, .. } => OriginalStart::Day(*start),
        Span::Timed { start, .. } if start.zone == crate::event::Zone::Floating => {
            OriginalStart::Floating(start.local)
        }
        Span::Timed { start, .. } => OriginalStart::At(zone::instant(start, None)),
    }
}

/// In seconds; days count as 24 hours, which only has to be equal on both sides.
fn length(span: &Span) -> i64 {
    match span {
        Span::AllDay { start, end } => {
            i64::from(start.until(*end).map(|days| days.get_days()).unwrap_or_default()) * 86_400
        }
        Span::Timed { start, end } => {
            zone::instant(end, None).as_second() - zone::instant(start, None).as_second()
        }
    }
}

#[cfg(test)]
mod tests;
