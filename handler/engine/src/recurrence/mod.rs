//! Series: which occurrences there are in a range of time, and which rules may be carried over.
//!
//! Properties:
//! * The first start (DTSTART) is always an occurrence, and the first that COUNT counts (RFC 5545
//!   section 3.3.10).
//! * Rules are followed on the wall clock and the zone is applied afterwards: a meeting at nine
//!   stays at nine. A start in a gap moves forward, one in a fold is the first of the two (section
//!   3.3.5). The RFC would leave out starts in gaps; calendars show them, and a person expects the
//!   meeting.
//! * All occurrences last equally long in elapsed time (section 3.8.5.3), all-day ones in days.
//! * An exception is found by the instant of its original start, in whichever form or zone it was
//!   written in. A changed occurrence is where it was moved to, not where the rule had it.
//! * Cost is bounded for any rule: see [`Unsupported`] and [`MAX_OCCURRENCES`]. Nothing panics.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use jiff::{SignedDuration, Timestamp};

use crate::event::{Content, Draft, OriginalStart, Series, Span};
use crate::pair::Window;
use crate::zone;

mod carry;
mod civil;
mod limits;
mod moved;
mod rule;
mod series;
mod unchanged;
mod unsupported;

pub use carry::{by_dates, dates, normalised, strays};
pub use limits::MAX_OCCURRENCES;
pub use moved::Moved;
pub use unchanged::unchanged;
pub use unsupported::Unsupported;

use civil::WantedStarts;
use limits::MAX_RULES;
use rule::{Rule, RuleUntil};
use series::{Anchor, Excepted};

/// The margin between a local time read as UTC and the instant in its zone: more than any UTC
/// offset.
const SLACK: SignedDuration = SignedDuration::from_hours(48);
/// No range is followed longer than this: a century.
const LONGEST_RANGE: SignedDuration = SignedDuration::from_hours(24 * 36_525);

/// One occurrence of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The start that the rule gave it: its identity within the series.
    pub original: OriginalStart,
    /// When it takes place.
    pub span: Span,
    /// It departs from the series: its content is in [`Series::exceptions`], under
    /// [`Occurrence::original`].
    pub changed: bool,
}

/// The occurrences of a series that overlap a range, by their start, each once.
///
/// `floating_zone` is the zone in which floating times are meant (UTC without one). A range longer
/// than a century is cut.
///
/// # Errors
/// A rule is refused, or there are more than [`MAX_OCCURRENCES`] occurrences in the range.
pub fn occurrences(
    content: &Content,
    series: &Series,
    range: Range<Timestamp>,
    floating_zone: Option<&str>,
) -> Result<Vec<Occurrence>, Unsupported> {
    let mut found: BTreeMap<OriginalStart, Occurrence> = BTreeMap::new();
    each(content, series, range, floating_zone, &mut |occurrence| {
        found.insert(occurrence.original, occurrence);
        if found.len() > MAX_OCCURRENCES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if found.len() > MAX_OCCURRENCES {
        return Err(Unsupported::TooMany);
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|occurrence| {
        (zone::start(&occurrence.span, floating_zone), occurrence.original)
    });
    Ok(found)
}

/// Whether an event, or any occurrence of a series, overlaps a window. Ends at the first that does.
///
/// # Errors
/// A rule is refused.
pub fn any_in_window(
    draft: &Draft,
    window: Window,
    floating_zone: Option<&str>,
) -> Result<bool, Unsupported> {
    any_in_range(draft, window.start_instant()..window.end_instant(), floating_zone)
}

/// Whether an event, or any occurrence of a series, overlaps a range (the first century of it).
/// Ends at the first that does, so `from..Timestamp::MAX` asks whether a series goes on.
///
/// # Errors
/// A rule is refused.
pub fn any_in_range(
    draft: &Draft,
    range: Range<Timestamp>,
    floating_zone: Option<&str>,
) -> Result<bool, Unsupported> {
    let Some(series) = &draft.series else {
        return Ok(overlaps(&draft.content.span, &range, floating_zone));
    };
    let mut any = false;
    each(&draft.content, series, range, floating_zone, &mut |_| {
        any = true;
        ControlFlow::Break(())
    })?;
    Ok(any)
}

/// A rule as it is carried over to a copy: unchanged, but for parts that have no meaning (`X-`,
/// empty ones).
///
/// # Errors
/// The rule is refused.
pub fn validate(rule: &str) -> Result<String, Unsupported> {
    civil::check(&Rule::parse(rule)?)?;
    Ok(rule::parts(rule).collect::<Vec<_>>().join(";"))
}

/// Receives each occurrence, and may end the search.
type Visit<'a> = dyn FnMut(Occurrence) -> ControlFlow<()> + 'a;

/// Visits the occurrences that overlap the range, in no order; one may come more than once.
fn each(
    content: &Content,
    series: &Series,
    range: Range<Timestamp>,
    floating_zone: Option<&str>,
    visit: &mut Visit<'_>,
) -> Result<(), Unsupported> {
    let anchor = Anchor::new(&content.span, floating_zone);
    let rules = anchored_rules(series, &anchor)?;
    let range = range.start
        ..range.end.min(range.start.checked_add(LONGEST_RANGE).unwrap_or(Timestamp::MAX));
    let excepted = Excepted::new(series, &anchor);
    for (original, changed) in excepted.changed() {
        if overlaps(&changed.span, &range, floating_zone) {
            let occurrence = Occurrence { original, span: changed.span.clone(), changed: true };
            if visit(occurrence).is_break() {
                return Ok(());
            }
        }
    }
    let mut offer = |original| {
        if excepted.contains(original, &anchor) {
            return ControlFlow::Continue(());
        }
        let span = anchor.span_at(original);
        if !overlaps(&span, &range, floating_zone) {
            return ControlFlow::Continue(());
        }
        visit(Occurrence { original, span, changed: false })
    };
    if offer(anchor.original(anchor.first)).is_break() {
        return Ok(());
    }
    for extra in &series.extra {
        if offer(anchor.in_form(*extra)).is_break() {
            return Ok(());
        }
    }
    for rule in &rules {
        if follow(rule, &anchor, &range, &mut offer)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn anchored_rules(series: &Series, anchor: &Anchor<'_>) -> Result<Vec<Rule>, Unsupported> {
    if series.rules.len() > MAX_RULES {
        return Err(Unsupported::TooManyRules);
    }
    series
        .rules
        .iter()
        .map(|rule| Rule::parse(rule)?.anchored(anchor.first, anchor.is_all_day()))
        .collect()
}

/// Offers the starts of one rule that may overlap the range.
fn follow(
    rule: &Rule,
    anchor: &Anchor<'_>,
    range: &Range<Timestamp>,
    offer: &mut impl FnMut(OriginalStart) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Unsupported> {
    let earliest = range.start.checked_sub(anchor.length()).unwrap_or(Timestamp::MIN);
    let from = series::utc_civil(earliest).saturating_sub(SLACK);
    let mut to = series::utc_civil(range.end).saturating_add(SLACK);
    if let Some(until) = rule.until {
        to = to.min(anchor.until_civil(until).saturating_add(SLACK));
    }
    if to < anchor.first || to < from {
        return Ok(ControlFlow::Continue(()));
    }
    let mut left = rule.count;
    let mut before_first = true;
    for start in civil::starts(rule, WantedStarts { first: anchor.first, from, to })? {
        let start = start?;
        if std::mem::take(&mut before_first) && start != anchor.first {
            // The first start counts, even where the rule does not give it.
            left = left.map(|left| left - 1);
        }
        let ended =
            left == Some(0) || rule.until.is_some_and(|until| anchor.is_after(start, until));
        if ended || start > to {
            break;
        }
        left = left.map(|left| left - 1);
        if start >= from && offer(anchor.original(start)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn overlaps(span: &Span, range: &Range<Timestamp>, floating_zone: Option<&str>) -> bool {
    let start = zone::start(span, floating_zone);
    start < range.end && (start >= range.start || zone::end(span, floating_zone) > range.start)
}

#[cfg(test)]
mod tests;
