//! Rules and exceptions in a form that other calendars take.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use jiff::{SignedDuration, Timestamp};

use super::civil::{self, WantedStarts};
use super::rule::{self, Frequency, Rule};
use super::series::Anchor;
use super::{SLACK, Unsupported, anchored_rules, each, occurrences};
use crate::event::{Content, Draft, OriginalStart, Series, Span};
use crate::zone;

/// The most dates that a series is written with in the place of its rule.
const MOST_DATES: usize = 1_000;

/// A rule as it is written: in capitals, without blanks and parts that have no meaning (`X-`, empty
/// ones, a COUNT below zero), and with the one of COUNT and UNTIL that ends it first (RFC 5545
/// section 3.3.10 allows no more). A rule that cannot be followed keeps both.
pub fn normalised(rule: &str, span: &Span, floating_zone: Option<&str>) -> String {
    let tidy = |part: &str| {
        part.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase()
    };
    let mut parts: Vec<String> =
        rule::parts(rule).map(tidy).filter(|part| !part.ends_with('=')).collect();
    let has = |name: &str| parts.iter().any(|part| part.starts_with(name));
    if has("COUNT=") && has("UNTIL=") {
        match is_counted_out(&parts.join(";"), span, floating_zone) {
            Ok(true) => parts.retain(|part| !part.starts_with("UNTIL=")),
            Ok(false) => parts.retain(|part| !part.starts_with("COUNT=")),
            Err(_) => {}
        }
    }
    parts.join(";")
}

/// Whether COUNT ends a rule before UNTIL does.
fn is_counted_out(
    rule: &str,
    span: &Span,
    floating_zone: Option<&str>,
) -> Result<bool, Unsupported> {
    let anchor = Anchor::new(span, floating_zone);
    let rule = Rule::parse(rule)?.anchored(anchor.first, anchor.is_all_day())?;
    let (Some(count), Some(until)) = (rule.count, rule.until) else {
        return Ok(rule.count.is_some());
    };
    let to = anchor.until_civil(until).saturating_add(SLACK);
    let mut left = count;
    let mut before_first = true;
    for start in civil::starts(&rule, WantedStarts { first: anchor.first, from: anchor.first, to })?
    {
        let start = start?;
        if std::mem::take(&mut before_first) && start != anchor.first {
            left -= 1;
        }
        if left == 0 {
            return Ok(true);
        }
        if start > to || anchor.is_after(start, until) {
            return Ok(false);
        }
        left -= 1;
    }
    Ok(left == 0)
}

/// Which of some changed occurrences neither a rule nor a further date gives.
///
/// # Errors
/// A rule is refused.
pub fn strays<'a>(
    content: &Content,
    series: &Series,
    changed: impl Iterator<Item = &'a OriginalStart>,
    floating_zone: Option<&str>,
) -> Result<Vec<OriginalStart>, Unsupported> {
    let anchor = Anchor::new(&content.span, floating_zone);
    let mut left: BTreeMap<OriginalStart, OriginalStart> =
        changed.map(|start| (anchor.in_form(*start), *start)).collect();
    let starts = || left.keys().map(|start| zone::start(&anchor.span_at(*start), floating_zone));
    let (Some(first), Some(last)) = (starts().min(), starts().max()) else { return Ok(Vec::new()) };
    let bare = Series { exceptions: BTreeMap::new(), ..series.clone() };
    let range = first..last.checked_add(SignedDuration::from_secs(1)).unwrap_or(last);
    each(content, &bare, range, floating_zone, &mut |occurrence| {
        left.remove(&occurrence.original);
        if left.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(left.into_values().collect())
}

/// The starts that rules and further dates give in a range, exceptions or not.
///
/// # Errors
/// A rule is refused, or there are too many.
pub fn dates(
    content: &Content,
    series: &Series,
    range: Range<Timestamp>,
    floating_zone: Option<&str>,
) -> Result<Vec<OriginalStart>, Unsupported> {
    let bare = Series { exceptions: BTreeMap::new(), ..series.clone() };
    Ok(occurrences(content, &bare, range, floating_zone)?
        .into_iter()
        .map(|occurrence| occurrence.original)
        .collect())
}

/// A draft without rules that repeat more often than every day, for calendars that have none: they
/// are replaced by the dates that they give in the range. `None` where there is no such rule.
///
/// # Errors
/// A rule is refused, or gives more dates than an event may have.
pub fn by_dates(
    draft: &Draft,
    range: Range<Timestamp>,
    floating_zone: Option<&str>,
) -> Result<Option<Draft>, Unsupported> {
    let Some(series) = draft.series.as_ref().filter(|series| {
        series.rules.iter().any(|rule| rule.to_ascii_uppercase().contains("HOURLY"))
    }) else {
        return Ok(None);
    };
    let anchor = Anchor::new(&draft.content.span, floating_zone);
    if anchored_rules(series, &anchor)?.iter().all(|rule| rule.frequency != Frequency::Hourly) {
        return Ok(None);
    }
    let mut extra = dates(&draft.content, series, range, floating_zone)?;
    extra.extend(series.extra.iter().map(|start| anchor.in_form(*start)));
    extra.sort_unstable();
    extra.dedup();
    extra.retain(|start| *start != anchor.original(anchor.first));
    if extra.len() > MOST_DATES {
        return Err(Unsupported::TooMany);
    }
    let series = Series { rules: Vec::new(), extra, exceptions: series.exceptions.clone() };
    Ok(Some(Draft { content: draft.content.clone(), series: Some(series) }))
}
