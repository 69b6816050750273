//! Objects into the engine's words.
//!
//! Choices where calendar programs disagree: the first of two properties that may occur once counts; of two components for the same
//! thing the newer one counts (SEQUENCE, then DTSTAMP); an occurrence that is both excluded (EXDATE) and changed (RECURRENCE-ID) is
//! excluded where the master is the newer part (SEQUENCE, then LAST-MODIFIED), and else changed, so that nothing is lost; a changed
//! occurrence without CLASS has that of its series, so that nothing private shows; one that the owner declined is cancelled; an
//! all-day event that does not end after it starts takes its day; midnight to midnight is all-day where Microsoft's property says so.

use std::cell::Cell;
use std::collections::BTreeMap;

use engine::event::{Busy, Content, Event, EventId, Exception, Moment, OriginalStart, Series, Span, Stamps, Visibility, Zone};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::layout::{self, Layout};
use super::property::Property;
use super::tree::Component;
use super::value::{Duration, Form, When, unescape};
use super::zones::Zones;
use super::{Context, Unreadable, people, ranges, until};

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
    /// The series was expanded: its rule alone does not say what it shows.
    expanded: Cell<bool>,
}

impl<'a> Reader<'a> {
    /// Opens a VCALENDAR.
    pub(super) fn new(calendar: &'a Component, context: Context<'a>) -> Result<Self, Unreadable> {
        let layout = Layout::of(calendar)?;
        let zones = Zones::new(calendar, context.zone);
        let expanded = Cell::new(false);
        let mut reader = Self { calendar, context, zones, layout, basis: When::Day(jiff::civil::Date::ZERO), expanded };
        reader.basis = start(reader.main())?;
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
        let series = self.series(&content)?;
        let marked = |event: &Component| event.property(MARKER).map(|marker| marker.value.trim().to_owned());
        Ok(Event {
            id,
            uid: layout::uid_of(self.calendar).unwrap_or_default().to_owned(),
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
            zone_guessed: self.zones.guessed(),
        })
    }

    fn series(&self, content: &Content) -> Result<Option<Series>, Unreadable> {
        let (main, span) = (self.main(), &content.span);
        let mut series = Series::default();
        if !self.layout.orphaned {
            series.rules = self.rules(content);
            if let Some((local, clock)) = self.own_clock().filter(|_| !series.rules.is_empty()) {
                let rules = std::mem::take(&mut series.rules);
                series.extra = ranges::on_own_clock(content, local, &rules, &clock, ranges::years(self.around(content)))?;
                self.expanded.set(true);
            }
            series.extra.extend(self.dates(main, "RDATE", span)?);
            series.exceptions = self.periods(main, content);
            let excluded = self.dates(main, "EXDATE", span)?;
            series.exceptions.extend(excluded.into_iter().map(|start| (start, Exception::Cancelled)));
        }
        let mut changed = self.overrides(span)?;
        if !self.layout.orphaned {
            let is_excluded = |start: &OriginalStart| series.exceptions.get(start) == Some(&Exception::Cancelled);
            changed.retain(|start, (at, _)| !(is_excluded(start) && self.is_older_than_master(*at)));
        }
        if self.layout.orphaned {
            let takes_place = changed.iter().filter(|(_, (_, exception))| *exception != Exception::Cancelled);
            series.extra = takes_place.clone().map(|(start, _)| *start).collect();
            series.exceptions = takes_place.map(|(start, (_, exception))| (*start, exception.clone())).collect();
        } else {
            let following = changed.iter().filter(|(_, (at, _))| self.layout.ranges.contains(at));
            let following = following.map(|(start, (_, exception))| ranges::Following { from: *start, exception: exception.clone() });
            let following: Vec<_> = following.collect();
            series.exceptions.extend(changed.into_iter().map(|(start, (_, exception))| (start, exception)));
            if !following.is_empty() {
                ranges::follow(content, &mut series, following, ranges::years(self.around(content)).end, self.zones.floating())?;
                self.expanded.set(true);
            }
        }
        series.extra.sort_unstable();
        series.extra.dedup();
        Ok((series != Series::default()).then_some(series))
    }

    /// Whether what the series shows was worked out, and is more than its rule and its exceptions say.
    pub(super) fn is_expanded(&self) -> bool {
        self.expanded.get()
    }

    /// The RRULEs, in the form in which they are written.
    fn rules(&self, content: &Content) -> Vec<String> {
        let (span, floating) = (&content.span, self.zones.floating());
        let rules = self.main().properties("RRULE").map(|rule| rule.value.trim().to_owned()).filter(|rule| !rule.is_empty());
        let in_form = |rule: String| match (span, &self.basis) {
            // An all-day series that is written with times: its UNTIL means a day in their zone.
            (Span::AllDay { .. }, When::Time(local, form)) => {
                let start = Moment { local: *local, zone: Zone::Floating };
                let timed = Span::Timed { end: start.clone(), start };
                let zone = match self.zones.moment(*local, form).zone {
                    Zone::Iana(zone) => Some(zone),
                    _ => None,
                };
                until::normalised(&until::normalised(&rule, &timed, zone.as_deref()), span, floating)
            }
            _ => until::normalised(&rule, span, floating),
        };
        let tidy = |rule: String| engine::recurrence::normalised(&in_form(rule), &content.span, floating);
        rules.map(tidy).filter(|rule| !rule.is_empty()).collect()
    }

    /// The wall clock on which the series repeats, where it is that of no zone of the database, and what it shows at the first start.
    fn own_clock(&self) -> Option<(DateTime, std::rc::Rc<super::observance::Rules>)> {
        match &self.basis {
            When::Time(local, form) => Some((*local, self.zones.own_rules(*local, form)?)),
            When::Day(_) => None,
        }
    }

    /// The instant around which a series is expanded.
    fn around(&self, content: &Content) -> Timestamp {
        let Stamps { created, modified, stamped } = stamps(self.main());
        let start = engine::zone::start(&content.span, self.zones.floating());
        self.context.now.unwrap_or_else(|| [created, modified, stamped].into_iter().flatten().fold(start, Timestamp::max))
    }

    /// Whether a changed occurrence is older than the master.
    fn is_older_than_master(&self, at: usize) -> bool {
        let Some(event) = layout::component(self.calendar, at) else { return false };
        let (master, own) = (sequence(self.main()), sequence(event));
        let modified = |event: &Component| stamp(event, "LAST-MODIFIED");
        let is_later = || modified(self.main()).zip(modified(event)).is_some_and(|(master, own)| master > own);
        master > own || (master == own && is_later())
    }

    /// The further dates that have a length of their own (RDATE with periods), as changed occurrences.
    fn periods(&self, main: &Component, content: &Content) -> BTreeMap<OriginalStart, Exception> {
        let mut periods = BTreeMap::new();
        let Span::Timed { start: first, end } = &content.span else { return periods };
        let usual = engine::zone::length(&content.span, self.zones.floating());
        for property in main.properties("RDATE") {
            for value in property.value.split(',') {
                let Some(span) = self.period(value, &property, [&first.zone, &end.zone]) else { continue };
                if engine::zone::length(&span, self.zones.floating()) == usual {
                    continue;
                }
                let Some(start) = self.listed(value, &property, &content.span) else { continue };
                periods.insert(start, Exception::Changed(Box::new(Content { span, ..content.clone() })));
            }
        }
        periods
    }

    /// A period (RFC 5545 section 3.3.9) in the zones of its series; `None` of anything else.
    fn period(&self, value: &str, property: &Property<'_>, [from, to]: [&Zone; 2]) -> Option<Span> {
        let (start, end) = value.split_once('/')?;
        let When::Time(local, form) = When::parse(start, property)? else { return None };
        let start = self.zones.moment(local, &form);
        let end = match When::parse(end, property) {
            Some(When::Time(local, form)) => self.zones.moment(local, &form),
            Some(When::Day(_)) => return None,
            None => later(&start, Duration::parse(end)?)?,
        };
        let instant = |moment: &Moment| engine::zone::instant(moment, self.zones.floating());
        if instant(&end) < instant(&start) {
            return None;
        }
        let within = |moment: Moment, zone: &Zone| match (&moment.zone, zone) {
            (Zone::Floating, _) | (_, Zone::Floating) => moment,
            _ => Moment { local: engine::zone::rules(zone, None).to_datetime(instant(&moment)), zone: zone.clone() },
        };
        Some(Span::Timed { start: within(start, from), end: within(end, to) })
    }

    /// The changed occurrences: where each stands, and what it says. The newer of two for one occurrence counts.
    pub(super) fn overrides(&self, span: &Span) -> Result<BTreeMap<OriginalStart, (usize, Exception)>, Unreadable> {
        let mut overrides: BTreeMap<OriginalStart, (usize, Exception)> = BTreeMap::new();
        for &at in &self.layout.overrides {
            let Some(event) = layout::component(self.calendar, at) else { continue };
            let original = self.recurrence_id(event, span)?;
            let exception = if layout::is_cancelled(event) || people::declined(event, self.context) {
                Exception::Cancelled
            } else {
                Exception::Changed(Box::new(self.content(event)?))
            };
            let version = |at: usize| layout::component(self.calendar, at).map(layout::version);
            match overrides.get(&original) {
                Some((other, _)) if version(*other) >= version(at) => {}
                _ => drop(overrides.insert(original, (at, exception))),
            }
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
            (Span::AllDay { .. }, When::Time(local, form)) => {
                // Of a series of days that is written with times, a time in another form means the day in their zone.
                let (When::Time(first, basis), Some(instant)) = (&self.basis, self.zones.instant(*local, form)) else {
                    return OriginalStart::Day(local.date());
                };
                let there = self.zones.moment(*first, basis);
                let is_same = basis == form || there.zone == Zone::Floating;
                let local = if is_same { *local } else { engine::zone::rules(&there.zone, None).to_datetime(instant) };
                return OriginalStart::Day(local.date());
            }
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
                if let Some(When::Time(to, _)) = &end
                    && let Some(days) = days_of(event, local, *to)
                {
                    return Ok(days);
                }
                let start = self.zones.moment(local, &form);
                let end = match (end, duration) {
                    (Some(When::Day(day)), _) => Moment { local: day.to_datetime(Time::midnight()), zone: start.zone.clone() },
                    (Some(When::Time(local, form)), _) => {
                        let end = self.zones.moment(local, &form);
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

/// The days of an event that is all-day by Microsoft's property alone.
fn days_of(event: &Component, from: DateTime, to: DateTime) -> Option<Span> {
    let says = event.property("X-MICROSOFT-CDO-ALLDAYEVENT").is_some_and(|says| says.value.trim().eq_ignore_ascii_case("TRUE"));
    let midnights = from.time() == Time::midnight() && to.time() == Time::midnight() && to > from;
    (says && midnights).then(|| Span::AllDay { start: from.date(), end: to.date() })
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
    let stamp = |name: &str| stamp(event, name);
    Stamps { created: stamp("CREATED"), modified: stamp("LAST-MODIFIED"), stamped: stamp("DTSTAMP") }
}

/// One of them.
pub(super) fn stamp(event: &Component, name: &str) -> Option<Timestamp> {
    let property = event.property(name)?;
    match When::parse(property.value, &property)? {
        When::Time(local, Form::Utc) => TimeZone::UTC.to_timestamp(local).ok(),
        _ => None,
    }
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
