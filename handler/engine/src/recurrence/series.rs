//! Where a series is anchored, and its exceptions by original start.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::RuleUntil;
use crate::event::{Content, Exception, Moment, OriginalStart, Series, Span, Zone};
use crate::zone;

/// What all occurrences of a series share.
pub(super) struct Anchor<'a> {
    /// The first start (DTSTART) on the wall clock, in whole seconds; of an all-day series, its
    /// midnight.
    pub first: DateTime,
    span: &'a Span,
    form: Form,
    length: SignedDuration,
}

/// How the starts of a series are written.
enum Form {
    AllDay { days: i64 },
    Zoned { start: TimeZone, end: TimeZone },
    Floating { start: TimeZone, end: TimeZone },
}

impl<'a> Anchor<'a> {
    pub fn new(span: &'a Span, floating_zone: Option<&str>) -> Self {
        let length = zone::length(span, floating_zone);
        let (first, form) = match span {
            Span::AllDay { start, .. } => {
                (start.at(0, 0, 0, 0), Form::AllDay { days: length.as_hours() / 24 })
            }
            Span::Timed { start, end } => {
                let local = start.local;
                let first = local.date().at(local.hour(), local.minute(), local.second(), 0);
                let [from, to] =
                    [start, end].map(|moment| zone::rules(&moment.zone, floating_zone));
                let form = match start.zone {
                    Zone::Floating => Form::Floating { start: from, end: to },
                    Zone::Utc | Zone::Iana(_) => Form::Zoned { start: from, end: to },
                };
                (first, form)
            }
        };
        Self { first, span, form, length }
    }

    pub fn is_all_day(&self) -> bool {
        matches!(self.form, Form::AllDay { .. })
    }

    /// How long each occurrence is.
    pub fn length(&self) -> SignedDuration {
        self.length
    }

    /// The identity of the occurrence that starts then on the wall clock.
    pub fn original(&self, start: DateTime) -> OriginalStart {
        match &self.form {
            Form::AllDay { .. } => OriginalStart::Day(start.date()),
            Form::Zoned { start: rules, .. } => OriginalStart::At(zone::instant_in(start, rules)),
            Form::Floating { .. } => OriginalStart::Floating(start),
        }
    }

    /// The start in the form of the series, in whichever form it was written.
    pub fn in_form(&self, original: OriginalStart) -> OriginalStart {
        match (original, &self.form) {
            // An instant stays one: in a fold, the wall clock could not distinguish it from the
            // other.
            (OriginalStart::At(_), Form::Zoned { .. }) => original,
            _ => self.original(self.civil(original)),
        }
    }

    /// The wall-clock start, in whichever form it was written.
    pub fn civil(&self, original: OriginalStart) -> DateTime {
        match (original, &self.form) {
            (OriginalStart::Day(day), Form::AllDay { .. }) => day.at(0, 0, 0, 0),
            // A day in a series with times: that day, at the time of the series.
            (OriginalStart::Day(day), _) => day.to_datetime(self.first.time()),
            (OriginalStart::Floating(local), Form::AllDay { .. }) => local.date().at(0, 0, 0, 0),
            (OriginalStart::Floating(local), _) => local,
            (OriginalStart::At(instant), Form::AllDay { .. }) => {
                utc_civil(instant).date().at(0, 0, 0, 0)
            }
            (
                OriginalStart::At(instant),
                Form::Zoned { start: rules, .. } | Form::Floating { start: rules, .. },
            ) => rules.to_datetime(instant),
        }
    }

    /// The occurrence with this start, which must be in the form of the series.
    pub fn span_at(&self, original: OriginalStart) -> Span {
        if original == self.original(self.first) {
            return self.span.clone();
        }
        match (original, &self.form, self.span) {
            (OriginalStart::Day(start), Form::AllDay { days }, _) => {
                Span::AllDay { start, end: start.saturating_add(days.days()) }
            }
            (OriginalStart::Floating(start), _, Span::Timed { start: first, end: last })
                if last.zone == Zone::Floating =>
            {
                let length = last.local.duration_since(first.local).max(SignedDuration::ZERO);
                Span::Timed { start: floating(start), end: floating(start.saturating_add(length)) }
            }
            (
                original,
                Form::Zoned { start: from, end: to } | Form::Floating { start: from, end: to },
                Span::Timed { start: first, end: last },
            ) => {
                let instant = match original {
                    OriginalStart::At(instant) => instant,
                    other => zone::instant_in(self.civil(other), from),
                };
                let end = instant.saturating_add(self.length).unwrap_or(instant);
                let moment = |at, zone: &Zone, rules: &TimeZone| match zone {
                    Zone::Floating => floating(rules.to_datetime(at)),
                    zone => zone::moment(at, zone.clone(), false),
                };
                Span::Timed {
                    start: moment(instant, &first.zone, from),
                    end: moment(end, &last.zone, to),
                }
            }
            // Not reached: the form was made from the span.
            (_, _, span) => span.clone(),
        }
    }

    /// Whether a start is after the last one that UNTIL allows. UNTIL should have the form of
    /// DTSTART; where it has not, a day means its midnight, a local time is in the zone of the
    /// series, and an all-day series looks at the day only.
    pub fn is_after(&self, start: DateTime, until: RuleUntil) -> bool {
        match (&self.form, until) {
            (Form::AllDay { .. }, until) => start.date() > until_day(until),
            (_, RuleUntil::Day(day)) => start > day.at(0, 0, 0, 0),
            (_, RuleUntil::Local(local)) => start > local,
            (
                Form::Zoned { start: rules, .. } | Form::Floating { start: rules, .. },
                RuleUntil::Utc(instant),
            ) => zone::instant_in(start, rules) > instant,
        }
    }

    /// UNTIL on the wall clock, to within two days.
    pub fn until_civil(&self, until: RuleUntil) -> DateTime {
        match until {
            RuleUntil::Day(day) => day.at(0, 0, 0, 0),
            RuleUntil::Local(local) => local,
            RuleUntil::Utc(instant) => utc_civil(instant),
        }
    }
}

fn until_day(until: RuleUntil) -> Date {
    match until {
        RuleUntil::Day(day) => day,
        RuleUntil::Local(local) => local.date(),
        RuleUntil::Utc(instant) => utc_civil(instant).date(),
    }
}

fn floating(local: DateTime) -> Moment {
    Moment { local, zone: Zone::Floating }
}

/// What the clock shows in UTC.
pub(super) fn utc_civil(instant: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(instant)
}

/// The exceptions of a series, by original start in the form of the series.
pub(super) struct Excepted<'a> {
    /// Each with its original start as it was written.
    starts: BTreeMap<OriginalStart, (OriginalStart, &'a Exception)>,
    /// Whole days of a series with times: some programs cancel so.
    days: BTreeSet<Date>,
}

impl<'a> Excepted<'a> {
    pub fn new(series: &'a Series, anchor: &Anchor<'_>) -> Self {
        let mut excepted = Self { starts: BTreeMap::new(), days: BTreeSet::new() };
        for (original, exception) in &series.exceptions {
            match original {
                OriginalStart::Day(day)
                    if !anchor.is_all_day() && matches!(exception, Exception::Cancelled) =>
                {
                    excepted.days.insert(*day);
                }
                original => {
                    excepted.starts.insert(anchor.in_form(*original), (*original, exception));
                }
            }
        }
        excepted
    }

    /// Whether the occurrence with this start is cancelled or changed.
    pub fn contains(&self, original: OriginalStart, anchor: &Anchor<'_>) -> bool {
        let day = || self.days.contains(&anchor.civil(original).date());
        self.starts.contains_key(&original) || (!self.days.is_empty() && day())
    }

    /// The changed occurrences, by their keys in [`Series::exceptions`].
    pub fn changed(&self) -> impl Iterator<Item = (OriginalStart, &'a Content)> {
        self.starts.values().filter_map(|(original, exception)| match exception {
            Exception::Changed(content) => Some((*original, &**content)),
            Exception::Cancelled => None,
        })
    }
}
