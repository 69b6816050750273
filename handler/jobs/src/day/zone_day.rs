//! One day in a zone: which instants it has, and which events are on it.

use std::ops::Range;

use engine::event::Span;
use engine::pair::Window;
use engine::zone;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::{Error, Result};

/// The years whose days can be asked for. No provider is asked for others.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// One day in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZoneDay {
    pub day: Date,
    /// From its first instant to the first instant after it: 23 or 25 hours where clocks change,
    /// and none where the zone has left the day out.
    pub range: Range<Timestamp>,
}

impl ZoneDay {
    /// # Errors
    /// [`Error::NotFound`] where the zone is not known, [`Error::Request`] for a day so far away
    /// that no calendar has events on it.
    pub fn new(day: Date, zone: &str) -> Result<Self> {
        let known = TimeZone::get(zone).ok().filter(|rules| !rules.is_unknown());
        let rules = known.ok_or_else(|| {
            let name: String = zone.chars().filter(|c| !c.is_control()).take(40).collect();
            Error::NotFound(format!(
                "there is no time zone {name:?}; give the name of one as in Europe/Berlin"
            ))
        })?;
        if !YEARS.contains(&day.year()) {
            return Err(Error::Request(format!(
                "{day} is too far away; give a day of the years {} to {}",
                YEARS.start(),
                YEARS.end()
            )));
        }
        let begin = |day: Date| zone::instant_in(day.to_datetime(Time::midnight()), &rules);
        Ok(Self { day, range: begin(day)..begin(next(day)) })
    }

    /// Whether the zone has this day. Samoa left out 30 December 2011.
    pub fn exists(&self) -> bool {
        !self.range.is_empty()
    }

    /// Whether any of a span is on this day. All-day events have no zone: their days are compared.
    pub fn has(&self, span: &Span, floating_zone: Option<&str>) -> bool {
        let (range, start) = match span {
            Span::AllDay { .. } => (self.whole_day(), zone::start(span, None)),
            Span::Timed { .. } => (self.range.clone(), zone::start(span, floating_zone)),
        };
        start < range.end
            && !range.is_empty()
            && (start >= range.start || zone::end(span, floating_zone) > range.start)
    }

    /// The range of instants in which events of this day, of either kind, are found.
    pub fn wide_range(&self) -> Range<Timestamp> {
        let Range { start, end } = self.whole_day();
        self.range.start.min(start)..self.range.end.max(end)
    }

    /// The days of UTC, of which a provider lists the events. An offset is less than a day.
    pub fn window(&self) -> Window {
        Window { start: self.day.saturating_sub(1.day()), end: self.day.saturating_add(2.days()) }
    }

    fn whole_day(&self) -> Range<Timestamp> {
        zone::day_instant(self.day)..zone::day_instant(next(self.day))
    }
}

fn next(day: Date) -> Date {
    day.saturating_add(1.day())
}

#[cfg(test)]
mod tests {
    use engine::event::{Moment, Zone};
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn day(day: Date, zone: &str) -> ZoneDay {
        ZoneDay::new(day, zone).unwrap()
    }

    fn timed(start: &str, end: &str) -> Span {
        let moment = |text: &str| Moment { local: text.parse().unwrap(), zone: Zone::Utc };
        Span::Timed { start: moment(start), end: moment(end) }
    }

    #[test]
    fn a_day_has_as_many_hours_as_its_zone_gives_it() {
        let hours = |on, zone| {
            let ZoneDay { range, .. } = day(on, zone);
            range.end.duration_since(range.start).as_hours()
        };
        assert_eq!(hours(date(2026, 3, 10), "Europe/Berlin"), 24);
        assert_eq!(hours(date(2026, 3, 29), "Europe/Berlin"), 23);
        assert_eq!(hours(date(2026, 10, 25), "Europe/Berlin"), 25);
        // There the clocks change at midnight.
        assert_eq!(hours(date(2018, 11, 4), "America/Sao_Paulo"), 23);
        assert_eq!(hours(date(2026, 3, 10), "UTC"), 24);
    }

    #[test]
    fn a_day_that_its_zone_left_out_has_all_day_events_only() {
        let left_out = day(date(2011, 12, 30), "Pacific/Apia");
        assert!(!left_out.exists());
        assert!(day(date(2011, 12, 29), "Pacific/Apia").exists());
        let all_day = Span::AllDay { start: date(2011, 12, 30), end: date(2011, 12, 31) };
        assert!(left_out.has(&all_day, None));
        assert!(!left_out.has(&timed("2011-12-30T09:00:00", "2011-12-30T11:00:00"), None));
        assert!(!left_out.has(&timed("2011-12-28T00:00:00", "2012-01-02T00:00:00"), None));
    }

    #[test]
    fn an_event_is_on_the_days_that_it_touches() {
        let berlin = day(date(2026, 3, 10), "Europe/Berlin");
        for (start, end, is_on) in [
            ("2026-03-09T22:00:00", "2026-03-09T23:00:00", false),
            ("2026-03-09T22:00:00", "2026-03-09T23:00:01", true),
            ("2026-03-09T23:00:00", "2026-03-09T23:00:00", true),
            ("2026-03-10T22:59:59", "2026-03-10T23:30:00", true),
            ("2026-03-10T23:00:00", "2026-03-10T23:30:00", false),
            ("2026-03-01T00:00:00", "2026-04-01T00:00:00", true),
        ] {
            assert_eq!(berlin.has(&timed(start, end), None), is_on, "{start}");
        }
        let floating = Span::Timed {
            start: Moment { local: "2026-03-10T00:30:00".parse().unwrap(), zone: Zone::Floating },
            end: Moment { local: "2026-03-10T01:00:00".parse().unwrap(), zone: Zone::Floating },
        };
        assert!(berlin.has(&floating, Some("Europe/Berlin")));
        assert!(!berlin.has(&floating, Some("Asia/Tokyo")));
    }

    #[test]
    fn what_is_no_zone_or_no_day_of_a_calendar_is_refused() {
        for zone in ["", "Europe/Atlantis", "../etc/passwd", "Etc/Unknown", "\u{1b}[2J", "%00"] {
            let error = ZoneDay::new(date(2026, 3, 10), zone).unwrap_err();
            assert!(matches!(error, Error::NotFound(_)), "{zone}: {error}");
            assert!(!error.to_string().contains('\u{1b}'));
        }
        for day in [Date::MIN, date(1899, 12, 31), date(2201, 1, 1), Date::MAX] {
            assert!(matches!(ZoneDay::new(day, "UTC"), Err(Error::Request(_))), "{day}");
        }
    }

    proptest! {
        /// The days of a zone follow each other without a gap, so that each instant has one day.
        #[test]
        fn each_instant_is_on_one_day(
            zone in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "Pacific/Apia", "America/Havana", "Asia/Beirut",
                "Pacific/Kiritimati", "America/Sao_Paulo", "Australia/Lord_Howe",
            ]),
            n in 0_i64..80_000,
        ) {
            let on = date(1900, 1, 1).saturating_add(n.days());
            let (one, two) = (day(on, zone), day(next(on), zone));
            prop_assert_eq!(one.range.end, two.range.start);
            prop_assert!(one.range.start <= one.range.end);
            let window = one.window();
            prop_assert!(window.start_instant() <= one.wide_range().start);
            prop_assert!(one.wide_range().end <= window.end_instant());
        }
    }
}
