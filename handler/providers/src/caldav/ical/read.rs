//! Objects into the engine's words.
//!
//! Choices where calendar programs disagree: the first of two properties that may occur once counts; an occurrence that is both
//! excluded (EXDATE) and changed (RECURRENCE-ID) is changed, so that nothing is lost; a changed occurrence without CLASS has
//! that of its series, so that nothing private shows; one that the owner declined is cancelled; an all-day event that
//! does not end after it starts takes its day.

use std::collections::BTreeMap;

use engine::event::{Busy, Content, Event, EventId, Exception, Moment, OriginalStart, Series, Span, Stamps, Visibility, Zone};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

use super::layout::{self, Layout};
use super::property::Property;
use super::tree::Component;
use super::value::{Duration, Form, When, unescape};
use super::zones::Zones;
use super::{Context, Unreadable, people, until};

/// The property that carries the loop mark.
pub(super) const MARKER: &str = "X-CALRELAY-ORIGIN";

/// A VCALENDAR being read.
pub(super) struct Reader<'a> {
    calendar: &'a Component,
    context: Context<'a>,
    zones: Zones<'a>,
    pub(super) layout: Layout,
    /// How the main component's DTSTART is written: what the identities of occurrences are measured against.
    basis: When,
    repeats: bool,
}

impl<'a> Reader<'a> {
    /// Opens a VCALENDAR.
    pub(super) fn new(calendar: &'a Component, context: Context<'a>) -> Result<Self, Unreadable> {
        let layout = Layout::of(calendar)?;
        let zones = Zones::new(calendar, context.zone);
        let mut reader = Self { calendar, context, zones, layout, basis: When::Day(jiff::civil::Date::ZERO), repeats: false };
        let main = reader.main();
        let repeats = ["RRULE", "RDATE", "EXDATE"].iter().any(|name| main.property(name).is_some());
        let basis = start(main)?;
        reader.repeats = repeats || !reader.layout.overrides.is_empty();
        reader.basis = basis;
        Ok(reader)
    }

    /// The event or master, or what speaks for it.
    pub(super) fn main(&self) -> &'a Component {
        layout::component(self.calendar, self.layout.main).unwrap_or(self.calendar)
    }

    /// The whole event.
    pub(super) fn event(&self, id: EventId, etag: Option<String>) -> Result<Event, Unreadable> {
        let main = self.main();
        if main.property("EXRULE").is_some() {
            return Err(Unreadable("it excludes occurrences by a rule (EXRULE), which is not supported".into()));
        }
        let content = self.content(main)?;
        let series = self.series(&content.span)?;
        let marked = |event: &Component| event.property(MARKER).map(|marker| marker.value.trim().to_owned());
        Ok(Event {
            id,
            uid: layout::uid(main).unwrap_or_default().to_owned(),
            etag,
            sequence: sequence(main),
            content,
            series,
            organizer: people::organizer(main, self.context),
            cancelled: layout::is_cancelled(main),
            declined: people::declined(main, self.context),
            others: layout::events(self.calendar).iter().any(|(_, event)| people::has_others(event, self.context)),
            marker: marked(main).or_else(|| layout::events(self.calendar).into_iter().find_map(|(_, event)| marked(event))),
            stamps: stamps(main),
        })
    }

    fn series(&self, span: &Span) -> Result<Option<Series>, Unreadable> {
        let main = self.main();
        let mut series = Series::default();
        if !self.layout.orphaned {
            let rules = main.properties("RRULE").map(|rule| rule.value.trim().to_owned()).filter(|rule| !rule.is_empty());
            series.rules = rules.map(|rule| until::normalised(&rule, span, self.zones.floating())).collect();
            series.extra = self.dates(main, "RDATE", span)?;
            let excluded = self.dates(main, "EXDATE", span)?;
            series.exceptions = excluded.into_iter().map(|start| (start, Exception::Cancelled)).collect();
        }
        let changed = self.overrides(span)?;
        if self.layout.orphaned {
            let takes_place = changed.iter().filter(|(_, (_, exception))| *exception != Exception::Cancelled);
            series.extra = takes_place.clone().map(|(start, _)| *start).collect();
            series.exceptions = takes_place.map(|(start, (_, exception))| (*start, exception.clone())).collect();
        } else {
            series.exceptions.extend(changed.into_iter().map(|(start, (_, exception))| (start, exception)));
        }
        series.extra.sort_unstable();
        series.extra.dedup();
        Ok((series != Series::default()).then_some(series))
    }

    /// The changed occurrences: where each stands, and what it says. The first of two for one occurrence counts.
    pub(super) fn overrides(&self, span: &Span) -> Result<BTreeMap<OriginalStart, (usize, Exception)>, Unreadable> {
        let mut overrides = BTreeMap::new();
        for &at in &self.layout.overrides {
            let Some(event) = layout::component(self.calendar, at) else { continue };
            let original = self.recurrence_id(event, span)?;
            let exception = if layout::is_cancelled(event) || people::declined(event, self.context) {
                Exception::Cancelled
            } else {
                Exception::Changed(Box::new(self.content(event)?))
            };
            overrides.entry(original).or_insert((at, exception));
        }
        Ok(overrides)
    }

    /// Which occurrence a component changes.
    pub(super) fn recurrence_id(&self, event: &Component, span: &Span) -> Result<OriginalStart, Unreadable> {
        let id = event.property("RECURRENCE-ID");
        let when = id.and_then(|id| When::parse(id.value, &id));
        when.map(|when| self.original(&when, span)).ok_or_else(|| Unreadable("one of its RECURRENCE-IDs is no date or time".into()))
    }

    /// The occurrences that a list property names.
    fn dates(&self, event: &Component, name: &str, span: &Span) -> Result<Vec<OriginalStart>, Unreadable> {
        let mut dates = Vec::new();
        for property in event.properties(name) {
            for value in property.value.split(',').filter(|value| !value.trim().is_empty()) {
                let original = self.listed(value, &property, span);
                dates.push(original.ok_or_else(|| Unreadable(format!("one of its {name}s is no date or time")))?);
            }
        }
        Ok(dates)
    }

    /// One value of a list property; of a period its start.
    pub(super) fn listed(&self, value: &str, property: &Property<'_>, span: &Span) -> Option<OriginalStart> {
        let start = value.split('/').next()?;
        Some(self.original(&When::parse(start, property)?, span))
    }

    /// A date or time as the identity of an occurrence, in the kind that the series has.
    pub(super) fn original(&self, when: &When, span: &Span) -> OriginalStart {
        let start = match (span, when) {
            (Span::AllDay { .. }, When::Day(day)) => return OriginalStart::Day(*day),
            (Span::AllDay { .. }, When::Time(local, _)) => return OriginalStart::Day(local.date()),
            (Span::Timed { start, .. }, _) => start,
        };
        let (local, form) = match when {
            When::Day(day) => (day.to_datetime(start.local.time()), &Form::Floating),
            When::Time(local, form) => (*local, form),
        };
        let as_basis = matches!(&self.basis, When::Time(_, basis) if basis == form);
        let instant = if as_basis && start.zone == Zone::Floating { None } else { self.zones.instant(local, form) };
        match (&start.zone, instant) {
            (Zone::Floating, None) => OriginalStart::Floating(local),
            (Zone::Floating, Some(instant)) => match self.zones.floating() {
                Some(zone) => OriginalStart::Floating(engine::zone::rules(&Zone::Floating, Some(zone)).to_datetime(instant)),
                None => OriginalStart::Floating(local),
            },
            (_, Some(instant)) => OriginalStart::At(instant),
            (zone, None) => OriginalStart::At(engine::zone::instant(&Moment { local, zone: zone.clone() }, None)),
        }
    }

    /// What one component shows.
    pub(super) fn content(&self, event: &Component) -> Result<Content, Unreadable> {
        let text = |name: &str| event.property(name).map(|property| unescape(property.value)).unwrap_or_default();
        Ok(Content {
            span: self.span(event)?,
            title: text("SUMMARY"),
            description: text("DESCRIPTION"),
            location: text("LOCATION"),
            attendees: people::attendees(event, self.context),
            visibility: visibility(event).or_else(|| visibility(self.main())).unwrap_or(Visibility::Public),
            busy: busy(event),
        })
    }

    fn span(&self, event: &Component) -> Result<Span, Unreadable> {
        let end = match event.property("DTEND") {
            Some(end) => Some(When::parse(end.value, &end).ok_or_else(|| Unreadable("its DTEND is no date or time".into()))?),
            None => None,
        };
        let duration = match event.property("DURATION") {
            Some(duration) if end.is_none() => {
                Some(Duration::parse(duration.value).ok_or_else(|| Unreadable("its DURATION is no duration".into()))?)
            }
            _ => None,
        };
        let beyond = || Unreadable("it ends beyond the year 9999".into());
        match start(event)? {
            When::Day(start) => {
                let end = match (end, duration) {
                    (Some(When::Day(day)), _) => day,
                    (Some(When::Time(local, _)), _) => local.date(),
                    (None, Some(duration)) => start.checked_add(days(duration)).map_err(|_| beyond())?,
                    (None, None) => start,
                };
                let next = start.tomorrow().map_err(|_| beyond())?;
                Ok(Span::AllDay { start, end: end.max(next) })
            }
            When::Time(local, form) => {
                let start = self.zones.moment(local, &form, self.repeats);
                let end = match (end, duration) {
                    (Some(When::Day(day)), _) => Moment { local: day.to_datetime(Time::midnight()), zone: start.zone.clone() },
                    (Some(When::Time(local, form)), _) => {
                        let end = self.zones.moment(local, &form, self.repeats);
                        let either_floats = (start.zone == Zone::Floating) != (end.zone == Zone::Floating);
                        if either_floats { Moment { local, zone: start.zone.clone() } } else { end }
                    }
                    (None, Some(duration)) => later(&start, duration).ok_or_else(beyond)?,
                    (None, None) => start.clone(),
                };
                let instant = |moment: &Moment| engine::zone::instant(moment, self.zones.floating());
                let end = if instant(&end) < instant(&start) { start.clone() } else { end };
                Ok(Span::Timed { start, end })
            }
        }
    }
}

fn start(event: &Component) -> Result<When, Unreadable> {
    let start = event.property("DTSTART").ok_or_else(|| Unreadable("its event has no start (DTSTART)".into()))?;
    When::parse(start.value, &start).ok_or_else(|| Unreadable("its DTSTART is no date or time".into()))
}

/// A duration in whole days.
fn days(duration: Duration) -> jiff::Span {
    (duration.days.saturating_add(duration.seconds / 86_400)).clamp(-7_000_000, 7_000_000).days()
}

/// A moment plus a duration: nominal days first, exact time then.
fn later(start: &Moment, duration: Duration) -> Option<Moment> {
    let local: DateTime = start.local.checked_add(days(Duration { seconds: 0, ..duration })).ok()?;
    let exact = SignedDuration::from_secs(duration.seconds);
    if start.zone == Zone::Floating {
        return Some(Moment { local: local.checked_add(exact).ok()?, zone: Zone::Floating });
    }
    if duration.seconds == 0 {
        return Some(Moment { local, zone: start.zone.clone() });
    }
    let rules = engine::zone::rules(&start.zone, None);
    let end = engine::zone::instant_in(local, &rules).checked_add(exact).ok()?;
    Some(Moment { local: rules.to_datetime(end), zone: start.zone.clone() })
}

/// SEQUENCE; 0 where it is absent or no number.
pub(super) fn sequence(event: &Component) -> u32 {
    event.property("SEQUENCE").and_then(|sequence| sequence.value.trim().parse().ok()).unwrap_or(0)
}

/// The instants that it tells of itself; what is not in UTC, as it has to be, is none.
fn stamps(event: &Component) -> Stamps {
    let stamp = |name: &str| {
        let property = event.property(name)?;
        match When::parse(property.value, &property)? {
            When::Time(local, Form::Utc) => TimeZone::UTC.to_timestamp(local).ok(),
            _ => None,
        }
    };
    Stamps { created: stamp("CREATED"), modified: stamp("LAST-MODIFIED"), stamped: stamp("DTSTAMP") }
}

/// CLASS; what we do not know is private (RFC 5545 section 3.8.1.3).
fn visibility(event: &Component) -> Option<Visibility> {
    let class = event.property("CLASS")?;
    match class.value.trim().to_ascii_uppercase().as_str() {
        "" => None,
        "PUBLIC" => Some(Visibility::Public),
        "CONFIDENTIAL" => Some(Visibility::Confidential),
        _ => Some(Visibility::Private),
    }
}

/// TRANSP and STATUS, refined by what Outlook adds where that does not contradict them.
fn busy(event: &Component) -> Busy {
    let word = |name: &str| event.property(name).map(|property| property.value.trim().to_ascii_uppercase()).unwrap_or_default();
    let outlook = word("X-MICROSOFT-CDO-BUSYSTATUS");
    let transparency = word("TRANSP");
    let free = match transparency.as_str() {
        "" => matches!(outlook.as_str(), "FREE" | "WORKINGELSEWHERE"),
        transparency => transparency == "TRANSPARENT",
    };
    match (free, outlook.as_str()) {
        (true, "WORKINGELSEWHERE") => Busy::WorkingElsewhere,
        (true, _) => Busy::Free,
        (false, "OOF") => Busy::Oof,
        (false, "TENTATIVE") => Busy::Tentative,
        (false, _) if word("STATUS") == "TENTATIVE" => Busy::Tentative,
        (false, _) => Busy::Busy,
    }
}

#[cfg(test)]
mod tests;
