//! What a series says: its rules, further dates and changed occurrences, each known by its original
//! start.

use std::collections::BTreeMap;

use engine::event::{Content, Exception, Moment, OriginalStart, Series, Span, Stamps, Zone};
use jiff::Timestamp;
use jiff::civil::DateTime;

use super::reader::{ObjectReader, later};
use crate::error::Unreadable;
use crate::property::Property;
use crate::stamps::{sequence, stamp, stamps};
use crate::tree::Component;
use crate::value::{Duration, PropertyTime, TimeForm};
use crate::{layout, observance, people, ranges, until};

impl ObjectReader<'_> {
    pub(super) fn series(&self, content: &Content) -> Result<Option<Series>, Unreadable> {
        let (main, span) = (self.main(), &content.span);
        let mut series = Series::default();
        if !self.layout.orphaned {
            series.rules = self.rules(content);
            if let Some((local, clock)) = self.own_clock().filter(|_| !series.rules.is_empty()) {
                let rules = std::mem::take(&mut series.rules);
                series.extra = ranges::on_own_clock(
                    content,
                    local,
                    &rules,
                    &clock,
                    ranges::years(self.around(content)),
                )?;
                self.expanded.set(true);
            }
            series.extra.extend(self.dates(main, "RDATE", span)?);
            series.exceptions = self.periods(main, content);
            let excluded = self.dates(main, "EXDATE", span)?;
            series
                .exceptions
                .extend(excluded.into_iter().map(|start| (start, Exception::Cancelled)));
        }
        let mut changed = self.overrides(span)?;
        if !self.layout.orphaned {
            let is_excluded =
                |start: &OriginalStart| series.exceptions.get(start) == Some(&Exception::Cancelled);
            changed
                .retain(|start, (at, _)| !(is_excluded(start) && self.is_older_than_master(*at)));
        }
        if self.layout.orphaned {
            let takes_place =
                changed.iter().filter(|(_, (_, exception))| *exception != Exception::Cancelled);
            series.extra = takes_place.clone().map(|(start, _)| *start).collect();
            series.exceptions =
                takes_place.map(|(start, (_, exception))| (*start, exception.clone())).collect();
        } else {
            let following = changed.iter().filter(|(_, (at, _))| self.layout.ranges.contains(at));
            let following = following.map(|(start, (_, exception))| ranges::Following {
                from: *start,
                exception: exception.clone(),
            });
            let following: Vec<_> = following.collect();
            series
                .exceptions
                .extend(changed.into_iter().map(|(start, (_, exception))| (start, exception)));
            if !following.is_empty() {
                ranges::follow(
                    content,
                    &mut series,
                    following,
                    ranges::years(self.around(content)).end,
                    self.zones.floating(),
                )?;
                self.expanded.set(true);
            }
        }
        series.extra.sort_unstable();
        series.extra.dedup();
        Ok((series != Series::default()).then_some(series))
    }

    /// Whether what the series shows was worked out, and is more than its rule and its exceptions
    /// say.
    pub(crate) fn is_expanded(&self) -> bool {
        self.expanded.get()
    }

    /// The RRULEs, in the form in which they are written.
    fn rules(&self, content: &Content) -> Vec<String> {
        let (span, floating) = (&content.span, self.zones.floating());
        let rules = self
            .main()
            .properties("RRULE")
            .map(|rule| rule.value.trim().to_owned())
            .filter(|rule| !rule.is_empty());
        let in_form = |rule: String| match (span, &self.basis) {
            // An all-day series that is written with times: its UNTIL means a day in their zone.
            (Span::AllDay { .. }, PropertyTime::Time(local, form)) => {
                let start = Moment { local: *local, zone: Zone::Floating };
                let timed = Span::Timed { end: start.clone(), start };
                let zone = match self.zones.moment(*local, form).zone {
                    Zone::Iana(zone) => Some(zone),
                    _ => None,
                };
                until::normalised(
                    &until::normalised(&rule, &timed, zone.as_deref()),
                    span,
                    floating,
                )
            }
            _ => until::normalised(&rule, span, floating),
        };
        let tidy =
            |rule: String| engine::recurrence::normalised(&in_form(rule), &content.span, floating);
        rules.map(tidy).filter(|rule| !rule.is_empty()).collect()
    }

    /// The wall clock on which the series repeats, where it is that of no zone of the database, and
    /// what it shows at the first start.
    fn own_clock(&self) -> Option<(DateTime, std::rc::Rc<observance::Rules>)> {
        match &self.basis {
            PropertyTime::Time(local, form) => Some((*local, self.zones.own_rules(*local, form)?)),
            PropertyTime::Day(_) => None,
        }
    }

    /// The instant around which a series is expanded.
    fn around(&self, content: &Content) -> Timestamp {
        let Stamps { created, modified, stamped } = stamps(self.main());
        let start = engine::zone::start(&content.span, self.zones.floating());
        self.context.now.unwrap_or_else(|| {
            [created, modified, stamped].into_iter().flatten().fold(start, Timestamp::max)
        })
    }

    /// Whether a changed occurrence is older than the master.
    fn is_older_than_master(&self, at: usize) -> bool {
        let Some(event) = layout::component(self.calendar, at) else { return false };
        let (master, own) = (sequence(self.main()), sequence(event));
        let modified = |event: &Component| stamp(event, "LAST-MODIFIED");
        let is_later =
            || modified(self.main()).zip(modified(event)).is_some_and(|(master, own)| master > own);
        master > own || (master == own && is_later())
    }

    /// The further dates that have a length of their own (RDATE with periods), as changed
    /// occurrences.
    fn periods(&self, main: &Component, content: &Content) -> BTreeMap<OriginalStart, Exception> {
        let mut periods = BTreeMap::new();
        let Span::Timed { start: first, end } = &content.span else { return periods };
        let usual = engine::zone::length(&content.span, self.zones.floating());
        for property in main.properties("RDATE") {
            for value in property.value.split(',') {
                let Some(span) = self.period(value, &property, [&first.zone, &end.zone]) else {
                    continue;
                };
                if engine::zone::length(&span, self.zones.floating()) == usual {
                    continue;
                }
                let Some(start) = self.listed(value, &property, &content.span) else { continue };
                periods.insert(
                    start,
                    Exception::Changed(Box::new(Content { span, ..content.clone() })),
                );
            }
        }
        periods
    }

    /// A period (RFC 5545 section 3.3.9) in the zones of its series; `None` of anything else.
    fn period(&self, value: &str, property: &Property<'_>, [from, to]: [&Zone; 2]) -> Option<Span> {
        let (start, end) = value.split_once('/')?;
        let PropertyTime::Time(local, form) = PropertyTime::parse(start, property)? else {
            return None;
        };
        let start = self.zones.moment(local, &form);
        let end = match PropertyTime::parse(end, property) {
            Some(PropertyTime::Time(local, form)) => self.zones.moment(local, &form),
            Some(PropertyTime::Day(_)) => return None,
            None => later(&start, Duration::parse(end)?)?,
        };
        let instant = |moment: &Moment| engine::zone::instant(moment, self.zones.floating());
        if instant(&end) < instant(&start) {
            return None;
        }
        let within = |moment: Moment, zone: &Zone| match (&moment.zone, zone) {
            (Zone::Floating, _) | (_, Zone::Floating) => moment,
            _ => engine::zone::moment(instant(&moment), zone.clone(), false),
        };
        Some(Span::Timed { start: within(start, from), end: within(end, to) })
    }

    /// The changed occurrences: the place and the content of each. The newer of two for one
    /// occurrence counts.
    pub(crate) fn overrides(
        &self,
        span: &Span,
    ) -> Result<BTreeMap<OriginalStart, (usize, Exception)>, Unreadable> {
        let mut overrides: BTreeMap<OriginalStart, (usize, Exception)> = BTreeMap::new();
        for &at in &self.layout.overrides {
            let Some(event) = layout::component(self.calendar, at) else { continue };
            let original = self.recurrence_id(event, span)?;
            let exception = if layout::is_cancelled(event) || people::declined(event, self.context)
            {
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
    pub(crate) fn recurrence_id(
        &self,
        event: &Component,
        span: &Span,
    ) -> Result<OriginalStart, Unreadable> {
        let id = event.property("RECURRENCE-ID");
        let when = id.and_then(|id| PropertyTime::parse(id.value, &id));
        when.map(|when| self.original(&when, span))
            .ok_or_else(|| Unreadable("one of its RECURRENCE-IDs is no date or time".into()))
    }

    /// The occurrences that a list property names.
    fn dates(
        &self,
        event: &Component,
        name: &str,
        span: &Span,
    ) -> Result<Vec<OriginalStart>, Unreadable> {
        let mut dates = Vec::new();
        for property in event.properties(name) {
            for value in property.value.split(',').filter(|value| !value.trim().is_empty()) {
                let original = self.listed(value, &property, span);
                dates.push(
                    original.ok_or_else(|| {
                        Unreadable(format!("one of its {name}s is no date or time"))
                    })?,
                );
            }
        }
        Ok(dates)
    }

    /// One value of a list property; of a period its start.
    pub(crate) fn listed(
        &self,
        value: &str,
        property: &Property<'_>,
        span: &Span,
    ) -> Option<OriginalStart> {
        let start = value.split('/').next()?;
        Some(self.original(&PropertyTime::parse(start, property)?, span))
    }

    /// A date or time as the identity of an occurrence, in the kind that the series has.
    pub(crate) fn original(&self, when: &PropertyTime, span: &Span) -> OriginalStart {
        let start = match (span, when) {
            (Span::AllDay { .. }, PropertyTime::Day(day)) => return OriginalStart::Day(*day),
            (Span::AllDay { .. }, PropertyTime::Time(local, form)) => {
                // Of a series of days that is written with times, a time in another form means the
                // day in their zone.
                let (PropertyTime::Time(first, basis), Some(instant)) =
                    (&self.basis, self.zones.instant(*local, form))
                else {
                    return OriginalStart::Day(local.date());
                };
                let there = self.zones.moment(*first, basis);
                let is_same = basis == form || there.zone == Zone::Floating;
                let local = if is_same {
                    *local
                } else {
                    engine::zone::rules(&there.zone, None).to_datetime(instant)
                };
                return OriginalStart::Day(local.date());
            }
            (Span::Timed { start, .. }, _) => start,
        };
        let (local, form) = match when {
            PropertyTime::Day(day) => (day.to_datetime(start.local.time()), &TimeForm::Floating),
            PropertyTime::Time(local, form) => (*local, form),
        };
        let as_basis = matches!(&self.basis, PropertyTime::Time(_, basis) if basis == form);
        let instant = if as_basis && start.zone == Zone::Floating {
            None
        } else {
            self.zones.instant(local, form)
        };
        match (&start.zone, instant) {
            (Zone::Floating, None) => OriginalStart::Floating(local),
            (Zone::Floating, Some(instant)) => match self.zones.floating() {
                Some(zone) => OriginalStart::Floating(
                    engine::zone::rules(&Zone::Floating, Some(zone)).to_datetime(instant),
                ),
                None => OriginalStart::Floating(local),
            },
            (_, Some(instant)) => OriginalStart::At(instant),
            (zone, None) => OriginalStart::At(engine::zone::instant(
                &Moment { local, zone: zone.clone() },
                None,
            )),
        }
    }
}
