//! One RRULE value, read strictly (RFC 5545 section 3.3.10).
//!
//! What a hostile rule could cost is decided here, before anything is expanded: length, frequency
//! and the number of times of day are bounded.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Timestamp, tz::TimeZone};

use super::limits::{MAX_RULE_LENGTH, MAX_TIMES};
use super::unsupported::Unsupported;

/// FREQ, as far as it is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frequency {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// UNTIL, in the form that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleUntil {
    Day(Date),
    Local(DateTime),
    Utc(Timestamp),
}

/// A day of BYDAY: every one, or the nth from the start or the end of the month or year.
pub(super) type NthDay = (Option<i16>, Weekday);

/// A rule, its parts within the ranges of RFC 5545.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub frequency: Frequency,
    pub interval: u16,
    pub count: Option<u32>,
    pub until: Option<RuleUntil>,
    pub week_start: Weekday,
    pub by_second: Vec<u8>,
    pub by_minute: Vec<u8>,
    pub by_hour: Vec<u8>,
    pub by_day: Vec<NthDay>,
    pub by_month_day: Vec<i8>,
    pub by_year_day: Vec<i16>,
    pub by_week_no: Vec<i8>,
    pub by_month: Vec<u8>,
    pub by_set_pos: Vec<i32>,
}

/// The parts of a rule that have a meaning: not `X-` parts, not empty ones, and not a COUNT below
/// zero, by which some programs say "without end".
pub(super) fn parts(text: &str) -> impl Iterator<Item = &str> {
    let endless = |value: &str| {
        value.trim().strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok_and(|n| n > 0))
    };
    text.split(';').map(str::trim).filter(move |part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.trim().to_ascii_uppercase();
        !(part.is_empty() || name.starts_with("X-") || (name == "COUNT" && endless(value)))
    })
}

impl Rule {
    /// Reads a rule.
    pub fn parse(text: &str) -> Result<Self, Unsupported> {
        if text.len() > MAX_RULE_LENGTH {
            return Err(Unsupported::TooLong);
        }
        let mut frequency = None;
        let mut rule = Self::every(Frequency::Yearly);
        let mut seen: Vec<String> = Vec::new();
        for part in parts(text) {
            let (name, value) = part.split_once('=').ok_or(Unsupported::Malformed("a part"))?;
            let (name, value) =
                (name.trim().to_ascii_uppercase(), value.trim().to_ascii_uppercase());
            if seen.contains(&name) {
                return Err(Unsupported::Malformed("a part that is there twice"));
            }
            match name.as_str() {
                "FREQ" => frequency = Some(parse_frequency(&value)?),
                _ => rule.read(&name, &value)?,
            }
            seen.push(name);
        }
        rule.frequency = frequency.ok_or(Unsupported::Malformed("FREQ"))?;
        rule.check()?;
        Ok(rule)
    }

    fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Monday,
            by_second: Vec::new(),
            by_minute: Vec::new(),
            by_hour: Vec::new(),
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_year_day: Vec::new(),
            by_week_no: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
        }
    }

    fn read(&mut self, name: &str, value: &str) -> Result<(), Unsupported> {
        match name {
            "INTERVAL" => self.interval = number(value, "INTERVAL", 1..=i32::from(u16::MAX))?,
            "COUNT" => self.count = Some(number(value, "COUNT", 1..=i32::MAX)?),
            "UNTIL" => {
                self.until = Some(parse_until(value).ok_or(Unsupported::Malformed("UNTIL"))?)
            }
            "WKST" => {
                self.week_start = parse_weekday(value).ok_or(Unsupported::Malformed("WKST"))?
            }
            "BYSECOND" => self.by_second = numbers(value, "BYSECOND", 0..=59)?,
            "BYMINUTE" => self.by_minute = numbers(value, "BYMINUTE", 0..=59)?,
            "BYHOUR" => self.by_hour = numbers(value, "BYHOUR", 0..=23)?,
            "BYDAY" => self.by_day = parse_days(value)?,
            "BYMONTHDAY" => self.by_month_day = either_end(value, "BYMONTHDAY", 31)?,
            "BYYEARDAY" => self.by_year_day = either_end(value, "BYYEARDAY", 366)?,
            "BYWEEKNO" => self.by_week_no = either_end(value, "BYWEEKNO", 53)?,
            "BYMONTH" => self.by_month = numbers(value, "BYMONTH", 1..=12)?,
            "BYSETPOS" => self.by_set_pos = either_end(value, "BYSETPOS", 366)?,
            "RSCALE" if value == "GREGORIAN" => {}
            "SKIP" if value == "OMIT" => {}
            "RSCALE" | "SKIP" => return Err(Unsupported::OtherCalendar),
            _ => return Err(Unsupported::UnknownPart),
        }
        Ok(())
    }

    /// What single parts cannot show: which parts go together, and how many times of day they give.
    fn check(&mut self) -> Result<(), Unsupported> {
        let times = [&self.by_hour, &self.by_minute, &self.by_second].map(|list| list.len().max(1));
        if times.iter().product::<usize>() > MAX_TIMES {
            return Err(Unsupported::TooManyTimes);
        }
        if self.frequency < Frequency::Monthly {
            // The nth Monday of a week or a day has no meaning; other programs read it as every
            // Monday.
            for day in &mut self.by_day {
                day.0 = None;
            }
        }
        let counted = self.by_day.iter().filter(|(nth, _)| nth.is_some()).count();
        let mixed = counted != 0 && counted != self.by_day.len();
        let week_days = counted != 0 && !self.by_week_no.is_empty();
        let month_days = self.frequency == Frequency::Weekly && !self.by_month_day.is_empty();
        let year_days =
            matches!(self.frequency, Frequency::Daily | Frequency::Weekly | Frequency::Monthly)
                && !self.by_year_day.is_empty();
        let weeks = self.frequency != Frequency::Yearly && !self.by_week_no.is_empty();
        match () {
            () if mixed || week_days => Err(Unsupported::Malformed("BYDAY")),
            () if month_days => Err(Unsupported::Malformed("BYMONTHDAY")),
            () if year_days => Err(Unsupported::Malformed("BYYEARDAY")),
            () if weeks => Err(Unsupported::Malformed("BYWEEKNO")),
            () => Ok(()),
        }
    }

    /// The rule with all that it takes from DTSTART written out, so that it may be expanded from
    /// any later period.
    pub fn anchored(mut self, first: DateTime, all_day: bool) -> Result<Self, Unsupported> {
        use Frequency::{Hourly, Monthly, Weekly, Yearly};
        if all_day {
            if self.frequency == Hourly {
                return Err(Unsupported::TooFrequent);
            }
            // "MUST be ignored" where DTSTART is a DATE.
            self.by_hour.clear();
            self.by_minute.clear();
            self.by_second.clear();
        }
        let no_days = self.by_day.is_empty()
            && self.by_month_day.is_empty()
            && self.by_year_day.is_empty()
            && self.by_week_no.is_empty();
        match self.frequency {
            Yearly if no_days => {
                if self.by_month.is_empty() {
                    self.by_month.push(first.month().unsigned_abs());
                }
                self.by_month_day.push(first.day());
            }
            Monthly if no_days => self.by_month_day.push(first.day()),
            Weekly if no_days => self.by_day.push((None, first.weekday())),
            _ => {}
        }
        if self.frequency != Hourly && self.by_hour.is_empty() {
            self.by_hour.push(first.hour().unsigned_abs());
        }
        if self.by_minute.is_empty() {
            self.by_minute.push(first.minute().unsigned_abs());
        }
        if self.by_second.is_empty() {
            self.by_second.push(first.second().unsigned_abs());
        }
        Ok(self)
    }
}

fn parse_frequency(value: &str) -> Result<Frequency, Unsupported> {
    Ok(match value {
        "YEARLY" => Frequency::Yearly,
        "MONTHLY" => Frequency::Monthly,
        "WEEKLY" => Frequency::Weekly,
        "DAILY" => Frequency::Daily,
        "HOURLY" => Frequency::Hourly,
        "MINUTELY" | "SECONDLY" => return Err(Unsupported::TooFrequent),
        _ => return Err(Unsupported::Malformed("FREQ")),
    })
}

fn number<T: TryFrom<i32>>(
    value: &str,
    part: &'static str,
    range: std::ops::RangeInclusive<i32>,
) -> Result<T, Unsupported> {
    let number = value.trim().parse::<i32>().ok().filter(|n| range.contains(n));
    number.and_then(|n| T::try_from(n).ok()).ok_or(Unsupported::Malformed(part))
}

/// A list, sorted and without doubles.
fn numbers<T: TryFrom<i32> + Ord>(
    value: &str,
    part: &'static str,
    range: std::ops::RangeInclusive<i32>,
) -> Result<Vec<T>, Unsupported> {
    let mut list =
        value.split(',').map(|n| number(n, part, range.clone())).collect::<Result<Vec<T>, _>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// A list that counts from either end, without zero.
fn either_end<T: TryFrom<i32> + Ord + Default>(
    value: &str,
    part: &'static str,
    most: i32,
) -> Result<Vec<T>, Unsupported> {
    let list = numbers(value, part, -most..=most)?;
    if list.contains(&T::default()) { Err(Unsupported::Malformed(part)) } else { Ok(list) }
}

fn parse_weekday(value: &str) -> Option<Weekday> {
    Some(match value.trim() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

fn parse_days(value: &str) -> Result<Vec<NthDay>, Unsupported> {
    let malformed = Unsupported::Malformed("BYDAY");
    let day = |text: &str| {
        let text = text.trim();
        let (nth, day) =
            text.split_at_checked(text.len().checked_sub(2).ok_or(malformed)?).ok_or(malformed)?;
        let nth = match nth {
            "" => None,
            nth => Some(number::<i16>(nth, "BYDAY", -53..=53)?)
                .filter(|n| *n != 0)
                .map_or(Err(malformed), |n| Ok(Some(n)))?,
        };
        Ok((nth, parse_weekday(day).ok_or(malformed)?))
    };
    value.split(',').map(day).collect()
}

fn parse_until(value: &str) -> Option<RuleUntil> {
    let (local, utc) = match value.strip_suffix('Z') {
        Some(local) => (local, true),
        None => (value, false),
    };
    let digits = |text: &str, at: usize, len: usize| {
        let digits = text.get(at..at + len)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i16>().ok())?
    };
    let small = |text: &str, at: usize| digits(text, at, 2).and_then(|n| i8::try_from(n).ok());
    let (day, time) = match local.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (local, None),
    };
    if day.len() != 8 {
        return None;
    }
    let date = Date::new(digits(day, 0, 4)?, small(day, 4)?, small(day, 6)?).ok()?;
    let Some(time) = time.filter(|time| time.len() == 6) else {
        return (time.is_none() && !utc).then_some(RuleUntil::Day(date));
    };
    // Second 60 counts as second 59.
    let time = jiff::civil::Time::new(small(time, 0)?, small(time, 2)?, small(time, 4)?.min(59), 0)
        .ok()?;
    let local = date.to_datetime(time);
    if utc {
        local.to_zoned(TimeZone::UTC).ok().map(|zoned| RuleUntil::Utc(zoned.timestamp()))
    } else {
        Some(RuleUntil::Local(local))
    }
}
