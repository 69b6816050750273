//! NCRONTAB: six fields, seconds first, in UTC. A day must fit both its field of the month and that
//! of the week.

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// 29 February on a given day of the week comes back within so many days, a skipped leap year
/// included.
const HORIZON: usize = 40 * 366;

/// A schedule: for each of its fields the values that fit.
#[derive(Clone, Debug)]
pub struct Schedule {
    seconds: Vec<i8>,
    minutes: Vec<i8>,
    hours: Vec<i8>,
    days: Vec<i8>,
    months: Vec<i8>,
    /// Sunday is 0.
    weekdays: Vec<i8>,
}

impl Schedule {
    /// Reads one.
    ///
    /// # Errors
    /// For a schedule that the host would refuse, and for a `TimeSpan`, which Flex Consumption does
    /// not take.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [seconds, minutes, hours, days, months, weekdays] = fields[..] else {
            bail!("{text}: a schedule has six fields")
        };
        Ok(Self {
            seconds: values(seconds, 0, 59, &[])?,
            minutes: values(minutes, 0, 59, &[])?,
            hours: values(hours, 0, 23, &[])?,
            days: values(days, 1, 31, &[])?,
            months: values(months, 1, 12, &MONTHS)?,
            weekdays: values(weekdays, 0, 6, &DAYS)?,
        })
    }

    /// The first time after `now`; `None` where there is none.
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(TimeZone::UTC).datetime();
        for date in now.date().series(jiff::Span::new().days(1)).take(HORIZON) {
            let fits = self.days.contains(&date.day())
                && self.months.contains(&date.month())
                && self.weekdays.contains(&date.weekday().to_sunday_zero_offset());
            if !fits {
                continue;
            }
            for (hour, minute) in self
                .hours
                .iter()
                .flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute)))
            {
                for second in &self.seconds {
                    let time = date.to_datetime(Time::new(hour, minute, *second, 0).ok()?);
                    if time > now {
                        return Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
                    }
                }
            }
        }
        None
    }
}

/// A field: `*`, numbers or names, spans and steps, several of them after commas.
fn values(field: &str, first: i8, last: i8, names: &[&str]) -> anyhow::Result<Vec<i8>> {
    let number = |text: &str| -> anyhow::Result<i8> {
        let named = names
            .iter()
            .zip(first..)
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, number)| number);
        let number = named
            .or_else(|| text.parse().ok())
            .with_context(|| format!("{text} in {field} is no number"))?;
        ensure!((first..=last).contains(&number), "{number} is not within {first} to {last}");
        Ok(number)
    };
    let mut all = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (
                range,
                Some(
                    step.parse::<usize>()
                        .ok()
                        .filter(|step| *step > 0)
                        .context("a step is a number")?,
                ),
            ),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, to)) => (number(from)?, number(to)?),
            None => (number(range)?, if step.is_some() { last } else { number(range)? }),
        };
        ensure!(from <= to, "{part} runs backwards");
        all.extend((from..=to).step_by(step.unwrap_or(1)));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(schedule: &str, now: &str) -> String {
        Schedule::parse(schedule).unwrap().after(now.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_next_time_fits_all_fields() {
        assert_eq!(after("0 * * * * *", "2026-03-10T09:00:00Z"), "2026-03-10T09:01:00Z");
        assert_eq!(after("0 * * * * *", "2026-03-10T09:00:59.9Z"), "2026-03-10T09:01:00Z");
        assert_eq!(after("0 30 2 * * *", "2026-12-31T02:30:00Z"), "2027-01-01T02:30:00Z");
        assert_eq!(after("0 */5 9-17 * * MON-FRI", "2026-03-13T17:55:00Z"), "2026-03-16T09:00:00Z");
        assert_eq!(after("0 0 0 13 * FRI", "2026-03-14T00:00:00Z"), "2026-11-13T00:00:00Z");
        assert_eq!(after("15,45 0 0 29 FEB *", "2026-03-01T00:00:00Z"), "2028-02-29T00:00:15Z");
        assert!(
            Schedule::parse("0 0 0 30 2 *")
                .unwrap()
                .after("2026-03-01T00:00:00Z".parse().unwrap())
                .is_none()
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * * *",
            "60 * * * * *",
            "0 0 24 * * *",
            "0 0 0 0 * *",
            "0 0 0 * 13 *",
            "0 5-1 * * * *",
            "0 */0 * * * *",
            "00:05:00",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }
}
