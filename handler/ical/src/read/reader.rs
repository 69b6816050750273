//! One VCALENDAR being read: its layout, its zones, and what one component shows.

use std::cell::Cell;

use engine::event::{Busy, Content, Moment, Span, Visibility, Zone};
use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, ToSpan};

use crate::layout::{self, Layout};
use crate::tree::Component;
use crate::value::{Duration, PropertyTime, unescape};
use crate::zones::Zones;
use crate::{ObjectContext, Unreadable, people};

/// A VCALENDAR being read.
pub(crate) struct ObjectReader<'a> {
    pub(super) calendar: &'a Component,
    pub(super) context: ObjectContext<'a>,
    pub(super) zones: Zones<'a>,
    pub(crate) layout: Layout,
    /// How the main component's DTSTART is written: what the identities of occurrences are measured
    /// against.
    pub(super) basis: PropertyTime,
    /// The series was expanded: its rule alone does not say what it shows.
    pub(super) expanded: Cell<bool>,
}

impl<'a> ObjectReader<'a> {
    /// Opens a VCALENDAR.
    pub(crate) fn new(
        calendar: &'a Component,
        context: ObjectContext<'a>,
    ) -> Result<Self, Unreadable> {
        let layout = Layout::of(calendar)?;
        let zones = Zones::new(calendar, context.zone);
        let expanded = Cell::new(false);
        let mut reader = Self {
            calendar,
            context,
            zones,
            layout,
            basis: PropertyTime::Day(jiff::civil::Date::ZERO),
            expanded,
        };
        reader.basis = start(reader.main())?;
        Ok(reader)
    }

    /// The event or master, or what speaks for it.
    pub(crate) fn main(&self) -> &'a Component {
        layout::component(self.calendar, self.layout.main).unwrap_or(self.calendar)
    }

    /// What one component shows.
    pub(crate) fn content(&self, event: &Component) -> Result<Content, Unreadable> {
        let text = |name: &str| {
            event.property(name).map(|property| unescape(property.value)).unwrap_or_default()
        };
        Ok(Content {
            span: self.span(event)?,
            title: text("SUMMARY"),
            description: text("DESCRIPTION"),
            location: text("LOCATION"),
            attendees: people::attendees(event, self.context),
            visibility: visibility(event)
                .or_else(|| visibility(self.main()))
                .unwrap_or(Visibility::Public),
            busy: busy(event),
        })
    }

    fn span(&self, event: &Component) -> Result<Span, Unreadable> {
        let end = match event.property("DTEND") {
            Some(end) => Some(
                PropertyTime::parse(end.value, &end)
                    .ok_or_else(|| Unreadable("its DTEND is no date or time".into()))?,
            ),
            None => None,
        };
        let duration = match event.property("DURATION") {
            Some(duration) if end.is_none() => Some(
                Duration::parse(duration.value)
                    .ok_or_else(|| Unreadable("its DURATION is no duration".into()))?,
            ),
            _ => None,
        };
        let beyond = || Unreadable("it ends beyond the year 9999".into());
        match start(event)? {
            PropertyTime::Day(start) => {
                let end = match (end, duration) {
                    (Some(PropertyTime::Day(day)), _) => day,
                    (Some(PropertyTime::Time(local, _)), _) => local.date(),
                    (None, Some(duration)) => {
                        start.checked_add(days(duration)).map_err(|_| beyond())?
                    }
                    (None, None) => start,
                };
                let next = start.tomorrow().map_err(|_| beyond())?;
                Ok(Span::AllDay { start, end: end.max(next) })
            }
            PropertyTime::Time(local, form) => {
                if let Some(PropertyTime::Time(to, _)) = &end
                    && let Some(days) = days_of(event, local, *to)
                {
                    return Ok(days);
                }
                let start = self.zones.moment(local, &form);
                let end = match (end, duration) {
                    (Some(PropertyTime::Day(day)), _) => Moment {
                        local: day.to_datetime(Time::midnight()),
                        zone: start.zone.clone(),
                    },
                    (Some(PropertyTime::Time(local, form)), _) => {
                        let end = self.zones.moment(local, &form);
                        let either_floats =
                            (start.zone == Zone::Floating) != (end.zone == Zone::Floating);
                        if either_floats { Moment { local, zone: start.zone.clone() } } else { end }
                    }
                    (None, Some(duration)) => later(&start, duration).ok_or_else(beyond)?,
                    (None, None) => start.clone(),
                };
                let instant =
                    |moment: &Moment| engine::zone::instant(moment, self.zones.floating());
                let end = if instant(&end) < instant(&start) {
                    // It may be meant in the second of two hours of one name.
                    engine::zone::second_pass(&end)
                        .filter(|end| instant(end) > instant(&start))
                        .unwrap_or_else(|| start.clone())
                } else {
                    end
                };
                Ok(Span::Timed { start, end })
            }
        }
    }
}

/// The days of an event that is all-day by Microsoft's property alone.
fn days_of(event: &Component, from: DateTime, to: DateTime) -> Option<Span> {
    let says = event
        .property("X-MICROSOFT-CDO-ALLDAYEVENT")
        .is_some_and(|says| says.value.trim().eq_ignore_ascii_case("TRUE"));
    let midnights = from.time() == Time::midnight() && to.time() == Time::midnight() && to > from;
    (says && midnights).then(|| Span::AllDay { start: from.date(), end: to.date() })
}

fn start(event: &Component) -> Result<PropertyTime, Unreadable> {
    let start = event
        .property("DTSTART")
        .ok_or_else(|| Unreadable("its event has no start (DTSTART)".into()))?;
    PropertyTime::parse(start.value, &start)
        .ok_or_else(|| Unreadable("its DTSTART is no date or time".into()))
}

/// A duration in whole days.
fn days(duration: Duration) -> jiff::Span {
    (duration.days.saturating_add(duration.seconds / 86_400)).clamp(-7_000_000, 7_000_000).days()
}

/// A moment plus a duration: nominal days first, exact time then.
pub(super) fn later(start: &Moment, duration: Duration) -> Option<Moment> {
    let local: DateTime =
        start.local.checked_add(days(Duration { seconds: 0, ..duration })).ok()?;
    let exact = SignedDuration::from_secs(duration.seconds);
    if start.zone == Zone::Floating {
        return Some(Moment { local: local.checked_add(exact).ok()?, zone: Zone::Floating });
    }
    if duration.seconds == 0 {
        return Some(Moment { local, zone: start.zone.clone() });
    }
    let rules = engine::zone::rules(&start.zone, None);
    let end = engine::zone::instant_in(local, &rules).checked_add(exact).ok()?;
    Some(engine::zone::moment(end, start.zone.clone(), false))
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
    let word = |name: &str| {
        event
            .property(name)
            .map(|property| property.value.trim().to_ascii_uppercase())
            .unwrap_or_default()
    };
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
