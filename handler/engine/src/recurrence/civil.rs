//! Starts by a rule, as wall-clock times: the crate `rrule`, kept within bounds.
//!
//! Properties:
//! * No zone is involved: the crate is given wall-clock times as UTC. Zones, COUNT and UNTIL are
//!   applied by our caller.
//! * The crate cannot seek, so a rule is started again a whole number of its periods later, close
//!   to where starts are wanted. This changes nothing, for all that the rule takes from DTSTART has
//!   been written out before ([`Rule::anchored`]); what is left is the phase of INTERVAL, and a
//!   jump by whole periods keeps that.
//! * The crate looks for the next start until the year 10 000. The Gregorian calendar repeats after
//!   400 years, weekdays included, so rules are run in its last cycle before that year: a rule that
//!   nothing fulfils ends after a few hundred years of looking, which takes milliseconds.

use chrono::{Datelike, TimeZone as _, Timelike};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, ToSpan};
use rrule::{NWeekday, RRule, RRuleSet, RRuleSetIter, Tz};

use super::Unsupported;
use super::rule::{Frequency, Rule};

/// The most starts that one rule is run for: 54 years of days.
pub(super) const MAX_STARTS: usize = 20_000;
/// The most periods between the first start and the end where all have to be counted: four
/// centuries of days.
const MAX_PERIODS: i64 = 150_000;
/// Years after which dates and weekdays repeat.
const CYCLE: i16 = 400;

/// Starts by a rule in order, from somewhere before what was asked for.
pub(super) struct Starts {
    dates: RRuleSetIter,
    /// Years that were added.
    later: i32,
    left: usize,
}

/// Which starts are wanted.
#[derive(Clone, Copy)]
pub(super) struct WantedStarts {
    /// The first start of the series (DTSTART).
    pub first: DateTime,
    /// Earlier starts may be left out.
    pub from: DateTime,
    /// Later starts may be left out.
    pub to: DateTime,
}

/// The starts of an anchored rule. With COUNT nothing is left out before the first one wanted, for
/// all have to be counted.
pub(super) fn starts(rule: &Rule, wanted: WantedStarts) -> Result<Starts, Unsupported> {
    let first = match rule.count {
        Some(_) if periods(rule, wanted.first, wanted.to) > MAX_PERIODS => {
            return Err(Unsupported::TooMany);
        }
        Some(_) => wanted.first,
        None => seek(rule, wanted),
    };
    let later = i32::from((9999 - wanted.to.year()) / CYCLE * CYCLE);
    let year = i32::from(first.year()) + later;
    let [month, day, hour, minute, second] =
        [first.month(), first.day(), first.hour(), first.minute(), first.second()].map(unsigned);
    let begin = Tz::UTC
        .with_ymd_and_hms(year, month, day, hour, minute, second)
        .single()
        .ok_or(Unsupported::TooMany)?;
    let rule = to_crate(rule).validate(begin).map_err(refused)?;
    Ok(Starts {
        dates: RRuleSet::new(begin).rrule(rule).limit().into_iter(),
        later,
        left: MAX_STARTS,
    })
}

/// Whether the crate takes the rule, which has its own bounds for BYSETPOS and the numbers of
/// BYDAY.
pub(super) fn check(rule: &Rule) -> Result<(), Unsupported> {
    let rule = rule.clone().anchored(DateTime::ZERO, false)?;
    to_crate(&rule)
        .validate(chrono::DateTime::UNIX_EPOCH.with_timezone(&Tz::UTC))
        .map_err(refused)
        .map(drop)
}

fn refused(_: rrule::RRuleError) -> Unsupported {
    Unsupported::Malformed("a number")
}

impl Iterator for Starts {
    type Item = Result<DateTime, Unsupported>;

    fn next(&mut self) -> Option<Self::Item> {
        let date = self.dates.next()?;
        if self.left == 0 {
            return Some(Err(Unsupported::TooMany));
        }
        self.left -= 1;
        let year = i16::try_from(date.year() - self.later).ok()?;
        let [month, day, hour, minute, second] =
            [date.month(), date.day(), date.hour(), date.minute(), date.second()].map(signed);
        DateTime::new(year, month, day, hour, minute, second, 0).ok().map(Ok)
    }
}

/// Both are used for months, days, hours, minutes and seconds only.
fn unsigned(small: i8) -> u32 {
    u32::from(small.unsigned_abs())
}
fn signed(small: u32) -> i8 {
    i8::try_from(small).unwrap_or(i8::MAX)
}

/// The beginning of a period, in the phase of INTERVAL, at least one whole period before
/// `wanted.from`; the first start, if there is no such period after it.
fn seek(rule: &Rule, wanted: WantedStarts) -> DateTime {
    let WantedStarts { first, from, .. } = wanted;
    let interval = i64::from(rule.interval);
    let begin = period_start(rule, first);
    let ahead = (elapsed(rule.frequency, begin, from) - 1).div_euclid(interval) * interval;
    if ahead <= 0 {
        return first;
    }
    let by = match rule.frequency {
        Frequency::Yearly => Span::new().try_years(ahead),
        Frequency::Monthly => Span::new().try_months(ahead),
        Frequency::Weekly => Span::new().try_weeks(ahead),
        Frequency::Daily => Span::new().try_days(ahead),
        Frequency::Hourly => Span::new().try_hours(ahead),
    };
    let jumped = by.and_then(|by| begin.checked_add(by));
    jumped.unwrap_or(first).max(first)
}

/// The beginning of the period that a time is in.
fn period_start(rule: &Rule, time: DateTime) -> DateTime {
    let date = time.date();
    let day: Date = match rule.frequency {
        Frequency::Hourly => return date.at(time.hour(), 0, 0, 0),
        Frequency::Daily => date,
        Frequency::Weekly => {
            date.saturating_sub(i64::from(date.weekday().since(rule.week_start)).days())
        }
        Frequency::Monthly => date.first_of_month(),
        Frequency::Yearly => date.first_of_year(),
    };
    day.at(0, 0, 0, 0)
}

/// How many whole periods (of INTERVAL=1) lie between the beginning of one and a time; negative
/// before it.
fn elapsed(frequency: Frequency, begin: DateTime, time: DateTime) -> i64 {
    let years = i64::from(time.year()) - i64::from(begin.year());
    let hours = time.duration_since(begin).as_hours();
    match frequency {
        Frequency::Yearly => years,
        Frequency::Monthly => years * 12 + i64::from(time.month()) - i64::from(begin.month()),
        Frequency::Weekly => hours.div_euclid(24 * 7),
        Frequency::Daily => hours.div_euclid(24),
        Frequency::Hourly => hours,
    }
}

fn periods(rule: &Rule, from: DateTime, to: DateTime) -> i64 {
    elapsed(rule.frequency, period_start(rule, from), to) / i64::from(rule.interval)
}

fn to_crate(rule: &Rule) -> RRule<rrule::Unvalidated> {
    let months: Vec<chrono::Month> =
        rule.by_month.iter().filter_map(|month| chrono::Month::try_from(*month).ok()).collect();
    RRule::new(match rule.frequency {
        Frequency::Hourly => rrule::Frequency::Hourly,
        Frequency::Daily => rrule::Frequency::Daily,
        Frequency::Weekly => rrule::Frequency::Weekly,
        Frequency::Monthly => rrule::Frequency::Monthly,
        Frequency::Yearly => rrule::Frequency::Yearly,
    })
    .interval(rule.interval)
    .week_start(weekday(rule.week_start))
    .by_second(rule.by_second.clone())
    .by_minute(rule.by_minute.clone())
    .by_hour(rule.by_hour.clone())
    .by_weekday(rule.by_day.iter().map(|(nth, day)| NWeekday::new(*nth, weekday(*day))).collect())
    .by_month_day(rule.by_month_day.clone())
    .by_year_day(rule.by_year_day.clone())
    .by_week_no(rule.by_week_no.clone())
    .by_month(&months)
    .by_set_pos(rule.by_set_pos.clone())
}

fn weekday(day: Weekday) -> rrule::Weekday {
    match day {
        Weekday::Monday => rrule::Weekday::Mon,
        Weekday::Tuesday => rrule::Weekday::Tue,
        Weekday::Wednesday => rrule::Weekday::Wed,
        Weekday::Thursday => rrule::Weekday::Thu,
        Weekday::Friday => rrule::Weekday::Fri,
        Weekday::Saturday => rrule::Weekday::Sat,
        Weekday::Sunday => rrule::Weekday::Sun,
    }
}
