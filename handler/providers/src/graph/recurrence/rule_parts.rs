//! The parts of one rule that the engine has accepted.

use engine::recurrence::{Unsupported, validate};

use super::super::wire::DayOfWeek;
use super::{NotRepresentable, WEEK};

/// The parts of a rule, as far as a pattern may have a member for them.
#[derive(Debug)]
pub(super) struct RuleParts {
    pub frequency: String,
    pub interval: u32,
    pub count: Option<u32>,
    /// The day of UNTIL, as it is written.
    pub until: Option<jiff::civil::Date>,
    pub week_start: DayOfWeek,
    /// BYDAY: each with its number, if it has one.
    pub days: Vec<(Option<i32>, DayOfWeek)>,
    pub month_days: Vec<i32>,
    pub months: Vec<i32>,
    pub positions: Vec<i32>,
}

impl RuleParts {
    /// Reads a rule.
    ///
    /// # Errors
    /// The engine refuses it, or it has a part that no pattern has a member for.
    pub(super) fn parse(rule: &str) -> Result<Self, NotRepresentable> {
        let mut parts = Self {
            frequency: String::new(),
            interval: 1,
            count: None,
            until: None,
            week_start: DayOfWeek::Monday,
            days: Vec::new(),
            month_days: Vec::new(),
            months: Vec::new(),
            positions: Vec::new(),
        };
        // Its form is right from here on: the engine has read it.
        for part in validate(rule)?.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            parts.read(&name.trim().to_ascii_uppercase(), &value.trim().to_ascii_uppercase())?;
        }
        if matches!(parts.frequency.as_str(), "DAILY" | "WEEKLY") {
            // The nth Monday of a week has no meaning; it is read as every Monday, as the engine
            // reads it.
            parts.days.iter_mut().for_each(|(nth, _)| *nth = None);
        }
        parts.days.sort_by_key(|(nth, day)| (*day, *nth));
        parts.days.dedup();
        Ok(parts)
    }

    fn read(&mut self, name: &str, value: &str) -> Result<(), NotRepresentable> {
        match name {
            "FREQ" => self.frequency = value.to_owned(),
            "INTERVAL" => self.interval = number(value, "INTERVAL")?,
            "COUNT" => self.count = Some(number(value, "COUNT")?),
            "UNTIL" => {
                let day = value.get(..8).and_then(|day| day.parse().ok());
                self.until = Some(day.ok_or(Unsupported::Malformed("UNTIL"))?);
            }
            "WKST" => self.week_start = weekday(value).ok_or(Unsupported::Malformed("WKST"))?,
            "BYDAY" => {
                let days = value.split(',').map(|day| nth_day(day.trim()));
                self.days = days.collect::<Option<_>>().ok_or(Unsupported::Malformed("BYDAY"))?;
            }
            "BYMONTHDAY" => self.month_days = numbers(value, "BYMONTHDAY")?,
            "BYMONTH" => self.months = numbers(value, "BYMONTH")?,
            "BYSETPOS" => self.positions = numbers(value, "BYSETPOS")?,
            "BYHOUR" | "BYMINUTE" | "BYSECOND" => return Err(NotRepresentable::TimesOfDay),
            "BYYEARDAY" => return Err(NotRepresentable::Part("BYYEARDAY")),
            "BYWEEKNO" => return Err(NotRepresentable::Part("BYWEEKNO")),
            "RSCALE" | "SKIP" => return Err(NotRepresentable::Part("RSCALE")),
            _ => return Err(Unsupported::UnknownPart.into()),
        }
        Ok(())
    }

    /// The days of BYDAY, where none of them has a number.
    pub(super) fn plain_days(&self) -> Option<Vec<DayOfWeek>> {
        self.days.iter().map(|(nth, day)| nth.is_none().then_some(*day)).collect()
    }
}

fn number<T: std::str::FromStr>(text: &str, part: &'static str) -> Result<T, NotRepresentable> {
    text.trim().parse().map_err(|_| Unsupported::Malformed(part).into())
}

/// A list, sorted and without doubles.
fn numbers(text: &str, part: &'static str) -> Result<Vec<i32>, NotRepresentable> {
    let mut list: Vec<i32> =
        text.split(',').map(|one| number(one, part)).collect::<Result<_, _>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

fn weekday(text: &str) -> Option<DayOfWeek> {
    WEEK.iter().find(|(name, _)| *name == text).map(|(_, day)| *day)
}

fn nth_day(text: &str) -> Option<(Option<i32>, DayOfWeek)> {
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth = match nth.trim() {
        "" => None,
        nth => Some(nth.parse().ok()?),
    };
    Some((nth, weekday(day)?))
}
