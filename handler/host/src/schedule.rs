//! Schedules of timers: six fields, seconds first, in UTC, as the Functions host reads them.
//!
//! A day must match both the day of the month and the day of the week, if both are given.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// When a timer runs.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// At times that match six fields.
    Cron(Box<Cron>),
    /// At a fixed interval.
    Interval(Duration),
}

impl Schedule {
    /// Reads six fields.
    ///
    /// # Errors
    /// If they are not a schedule; the text says why.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.split_whitespace().count() != 6 {
            return Err(format!("the schedule {text:?} must have six fields, seconds first"));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Disallowed)
            .dom_and_dow(true)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| format!("the schedule {text:?} cannot be read: {error}"))?;
        Ok(Self::Cron(Box::new(cron)))
    }

    /// The first time after `now`; `None` if there is none.
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Interval(span) => now.checked_add(*span).ok(),
            Self::Cron(cron) => cron
                .find_next_occurrence(&now.to_zoned(TimeZone::UTC), false)
                .ok()
                .map(|next| next.timestamp()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(schedule: &str, now: &str) -> String {
        Schedule::parse(schedule).unwrap().after(now.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_first_field_is_seconds() {
        assert_eq!(after("0 * * * * *", "2026-03-10T09:00:00Z"), "2026-03-10T09:01:00Z");
        assert_eq!(after("*/10 * * * * *", "2026-03-10T09:00:01Z"), "2026-03-10T09:00:10Z");
        assert_eq!(after("0 30 2 * * *", "2026-03-10T02:30:00Z"), "2026-03-11T02:30:00Z");
        assert_eq!(after("0 30 2 * * *", "2026-12-31T23:59:59.999Z"), "2027-01-01T02:30:00Z");
    }

    #[test]
    fn a_day_must_fit_both_ways() {
        // The first Friday the 13th after that day.
        assert_eq!(after("0 0 0 13 * FRI", "2026-03-14T00:00:00Z"), "2026-11-13T00:00:00Z");
        assert_eq!(after("0 0 12 * * 1-5", "2026-03-13T12:00:00Z"), "2026-03-16T12:00:00Z");
        assert_eq!(after("0 0 0 29 2 *", "2026-03-01T00:00:00Z"), "2028-02-29T00:00:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * * *",
            "* * * * * * *",
            "60 * * * * *",
            "0 60 * * * *",
            "0 0 24 * * *",
            "x * * * * *",
            "@daily",
            "0 0 0 32 * *",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn our_timers_can_be_read() {
        for function in &functions::FUNCTIONS {
            if let functions::binding::Trigger::Timer { schedule } =
                function.binding().unwrap().trigger
            {
                Schedule::parse(&schedule).unwrap();
            }
        }
    }

    /// Watches of the two kinds are renewed under one lease, so their timers run at other minutes.
    #[test]
    fn a_renewal_that_failed_is_tried_again_after_a_quarter_of_an_hour() {
        let schedule = |name: &str| {
            let function = functions::FUNCTIONS.iter().find(|it| it.name == name).unwrap();
            match function.binding().unwrap().trigger {
                functions::binding::Trigger::Timer { schedule } => {
                    Schedule::parse(&schedule).unwrap()
                }
                _ => panic!("{name} has another trigger"),
            }
        };
        let (ours, other) =
            (schedule("renew_graph_subscriptions"), schedule("renew_google_channels"));
        let mut at: Timestamp = "2026-03-10T00:00:00Z".parse().unwrap();
        for _ in 0..96 {
            let next = ours.after(at).unwrap();
            assert!(next.as_second() - at.as_second() <= 15 * 60, "{at} {next}");
            let distance = other.after(next).unwrap().as_second() - next.as_second();
            assert!((300..=3300).contains(&distance), "{next}");
            at = next;
        }
    }

    proptest::proptest! {
        #[test]
        fn the_next_time_is_later_and_fits(second in 0_i64..60, minute in 0_i64..60, hour in 0_i64..24, now in 0_i64..4_000_000_000) {
            let schedule = Schedule::parse(&format!("{second} {minute} {hour} * * *")).unwrap();
            let next = schedule.after(Timestamp::from_second(now).unwrap()).unwrap().as_second();
            proptest::prop_assert!(next > now && next - now <= 86_400);
            proptest::prop_assert_eq!(next.rem_euclid(86_400), hour * 3600 + minute * 60 + second);
        }
    }
}
