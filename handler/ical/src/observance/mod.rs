//! A VTIMEZONE's own rules (RFC 5545 section 3.6.5), evaluated: for zones whose name says nothing,
//! as "Customized Time Zone" of Outlook.
//!
//! The yearly rules that calendar programs write are understood (BYMONTH, BYDAY with or without a
//! number, BYMONTHDAY, BYSETPOS, one time of day, INTERVAL, UNTIL, COUNT), and RDATEs. A VTIMEZONE
//! with anything else is not evaluated at all: half a zone would be a wrong zone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{Offset, TimeZone};

use crate::property::Property;
use crate::tree::Component;
use crate::value::{PropertyTime, TimeForm};

/// The most observances of a zone; those without a name have two.
const MAX_OBSERVANCES: usize = 100;
/// The most dates of a zone.
const MAX_DATES: usize = 1_000;
/// The most changes that a rule may make in a year.
const MAX_CHANGES: usize = 12;
/// How many years are remembered; real events need three or four.
const MAX_YEARS: usize = 100;

/// The rules of a VTIMEZONE.
pub(crate) struct Rules {
    observances: Vec<Observance>,
    /// The onsets around a year, so that a long list of times is not paid for one by one.
    years: RefCell<HashMap<i16, Rc<[Onset]>>>,
}

/// A STANDARD or DAYLIGHT part.
struct Observance {
    start: DateTime,
    from: Offset,
    to: Offset,
    rule: Option<Yearly>,
    dates: Vec<DateTime>,
}

/// An RRULE with FREQ=YEARLY.
struct Yearly {
    interval: i32,
    months: Vec<i8>,
    /// Number within the month (0: every one) and weekday.
    days: Vec<(i8, Weekday)>,
    /// Negative: from the end of the month.
    month_days: Vec<i8>,
    /// Which of the days of a year, from the end if negative; all, if none is named.
    positions: Vec<i16>,
    time: Time,
    until: Option<Timestamp>,
    last_year: i32,
}

/// From that instant on, that offset.
struct Onset {
    at: Timestamp,
    from: Offset,
    to: Offset,
}

impl Rules {
    /// The rules of a VTIMEZONE; `None` where any part of it is beyond us.
    pub(crate) fn parse(zone: &Component) -> Option<Self> {
        let parts = zone.components().filter(|part| matches!(part.name(), "STANDARD" | "DAYLIGHT"));
        let observances =
            parts.take(MAX_OBSERVANCES + 1).map(Observance::parse).collect::<Option<Vec<_>>>()?;
        let dates: usize = observances.iter().map(|observance| observance.dates.len()).sum();
        let bounded = (1..=MAX_OBSERVANCES).contains(&observances.len()) && dates <= MAX_DATES;
        bounded.then(|| Self { observances, years: RefCell::default() })
    }

    /// All onsets in these years (UTC), and the last one before them, in order.
    fn onsets(&self, first_year: i16, last_year: i16) -> Vec<Onset> {
        let mut onsets: Vec<Onset> = Vec::new();
        for observance in &self.observances {
            // Local years may differ from those in UTC by one; rules that skip years need a longer
            // look back.
            let back = observance.rule.as_ref().map_or(1, |rule| rule.interval + 1);
            observance.onsets(i32::from(first_year) - back, i32::from(last_year) + 1, &mut onsets);
        }
        onsets.sort_by_key(|onset| onset.at);
        onsets
    }

    /// The offsets of these years (UTC).
    pub(crate) fn timeline(&self, first_year: i16, last_year: i16) -> Timeline {
        Timeline { onsets: self.onsets(first_year, last_year) }
    }

    fn around(&self, year: i16) -> Rc<[Onset]> {
        let mut years = self.years.borrow_mut();
        if years.len() > MAX_YEARS {
            years.clear();
        }
        Rc::clone(years.entry(year).or_insert_with(|| self.onsets(year, year).into()))
    }

    /// What the wall clock in this zone shows at an instant.
    pub(crate) fn local(&self, at: Timestamp) -> DateTime {
        let year = TimeZone::UTC.to_datetime(at).year();
        self.timeline(year, year).offset(at).to_datetime(at)
    }

    /// The instant that a wall clock in this zone means; in a gap or a fold, with the offset before
    /// the change (RFC 5545 section 3.3.5).
    pub(crate) fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let onsets = self.around(local.year());
        let over = |onset: &&Onset| {
            onset.from.to_datetime(onset.at).max(onset.to.to_datetime(onset.at)) <= local
        };
        let offset = onsets
            .iter()
            .rfind(over)
            .map(|onset| onset.to)
            .or(onsets.first().map(|onset| onset.from))?;
        offset.to_timestamp(local).ok()
    }
}

/// The offsets of some years.
pub(crate) struct Timeline {
    onsets: Vec<Onset>,
}

impl Timeline {
    /// The offset at an instant.
    pub(crate) fn offset(&self, at: Timestamp) -> Offset {
        match self.onsets.partition_point(|onset| onset.at <= at) {
            0 => self.onsets.first().map_or(Offset::UTC, |onset| onset.from),
            n => self.onsets[n - 1].to,
        }
    }
}

impl Observance {
    fn parse(part: &Component) -> Option<Self> {
        let start = local(&part.property("DTSTART")?)?;
        let from = offset(part.property("TZOFFSETFROM")?.value)?;
        let to = offset(part.property("TZOFFSETTO")?.value)?;
        let mut rules = part.properties("RRULE");
        let rule = match rules.next() {
            Some(rule) => Some(Yearly::parse(rule.value, start, from)?),
            None => None,
        };
        if rules.next().is_some() {
            return None;
        }
        let mut dates = Vec::new();
        for property in part.properties("RDATE") {
            for value in property.value.split(',') {
                match PropertyTime::parse(value, &property)? {
                    PropertyTime::Time(local, TimeForm::Utc) => dates
                        .push(from.to_datetime(local.to_zoned(TimeZone::UTC).ok()?.timestamp())),
                    PropertyTime::Time(local, _) => dates.push(local),
                    PropertyTime::Day(_) => return None,
                }
                if dates.len() > MAX_DATES {
                    return None;
                }
            }
        }
        Some(Self { start, from, to, rule, dates })
    }

    fn onsets(&self, first_year: i32, last_year: i32, out: &mut Vec<Onset>) {
        let mut push = |local: DateTime| {
            if let Ok(at) = self.from.to_timestamp(local) {
                out.push(Onset { at, from: self.from, to: self.to });
            }
        };
        // DTSTART and the RDATEs always count, so that there is an offset before the years asked
        // for.
        push(self.start);
        self.dates.iter().copied().for_each(&mut push);
        let Some(rule) = &self.rule else { return };
        let start_year = i32::from(self.start.year());
        let mut year = start_year.max(first_year);
        while year <= last_year.min(rule.last_year) {
            if (year - start_year) % rule.interval == 0 {
                rule.dates(year, |date| {
                    let local = date.to_datetime(rule.time);
                    let within = rule.until.is_none_or(|until| {
                        self.from.to_timestamp(local).is_ok_and(|at| at <= until)
                    });
                    if local > self.start && within {
                        push(local);
                    }
                });
            }
            year += 1;
        }
        // A rule that ended before the years asked for: its last onset still holds.
        if let Some(until) = rule.until {
            let end = i32::from(self.from.to_datetime(until).year());
            if end < first_year && end >= start_year {
                self.onsets(end - rule.interval, end, out);
            }
        } else if rule.last_year < first_year && rule.last_year >= start_year {
            self.onsets(rule.last_year, rule.last_year, out);
        }
    }
}

impl Yearly {
    fn parse(text: &str, start: DateTime, from: Offset) -> Option<Self> {
        let mut rule = Self {
            interval: 1,
            months: Vec::new(),
            days: Vec::new(),
            month_days: Vec::new(),
            positions: Vec::new(),
            time: start.time(),
            until: None,
            last_year: i32::from(i16::MAX),
        };
        let mut yearly = false;
        let mut count = None;
        for part in text.trim().split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.trim().to_ascii_uppercase().as_str() {
                "FREQ" => yearly = value.eq_ignore_ascii_case("YEARLY"),
                "INTERVAL" => {
                    rule.interval = value.parse().ok().filter(|n| (1..=100).contains(n))?
                }
                "COUNT" => count = Some(value.parse::<u16>().ok().filter(|&n| n > 0)?),
                "UNTIL" => rule.until = Some(until(value, from)?),
                "BYMONTH" => {
                    rule.months = list(value, |n| n.parse().ok().filter(|n| (1..=12).contains(n)))?
                }
                "BYMONTHDAY" => {
                    rule.month_days = list(value, |n| {
                        n.parse().ok().filter(|n| (-31..=31).contains(n) && *n != 0)
                    })?
                }
                "BYSETPOS" => {
                    rule.positions = list(value, |n| {
                        n.parse().ok().filter(|n| (-366..=366).contains(n) && *n != 0)
                    })?
                }
                "BYHOUR" => rule.time = rule.time.with().hour(one(value)?).build().ok()?,
                "BYMINUTE" => rule.time = rule.time.with().minute(one(value)?).build().ok()?,
                "BYSECOND" => rule.time = rule.time.with().second(one(value)?).build().ok()?,
                "BYDAY" => rule.days = list(value, numbered_weekday)?,
                "WKST" => {}
                _ => return None,
            }
        }
        if rule.months.is_empty() {
            rule.months.push(start.month());
        }
        if rule.days.is_empty() && rule.month_days.is_empty() {
            rule.month_days.push(start.day());
        }
        if let Some(count) = count {
            rule.last_year = i32::from(start.year()) + (i32::from(count) - 1) * rule.interval;
        }
        let mut changes = 0;
        rule.dates(2024, |_| changes += 1);
        (yearly && changes <= MAX_CHANGES).then_some(rule)
    }

    fn dates(&self, year: i32, mut each: impl FnMut(Date)) {
        if self.positions.is_empty() {
            return self.days_of(year, each);
        }
        let mut dates = Vec::new();
        self.days_of(year, |date| dates.push(date));
        let count = i16::try_from(dates.len()).unwrap_or(i16::MAX);
        for (at, date) in (0_i16..).zip(dates) {
            if self.positions.iter().any(|&position| position == at + 1 || position == at - count) {
                each(date);
            }
        }
    }

    fn days_of(&self, year: i32, mut each: impl FnMut(Date)) {
        let Ok(year) = i16::try_from(year) else { return };
        for &month in &self.months {
            let Ok(first) = Date::new(year, month, 1) else { continue };
            for day in 1..=first.days_in_month() {
                let Ok(date) = Date::new(year, month, day) else { continue };
                let from_end = day - first.days_in_month() - 1;
                let listed = self.month_days.is_empty()
                    || self.month_days.iter().any(|&n| n == day || n == from_end);
                let weekday = self.days.is_empty()
                    || self
                        .days
                        .iter()
                        .any(|&(n, weekday)| date.weekday() == weekday && nth(date, n));
                if listed && weekday {
                    each(date);
                }
            }
        }
    }
}

/// Whether a date is the n-th of its weekday in its month, from the end if `n` is negative; every
/// one is the 0th.
fn nth(date: Date, n: i8) -> bool {
    match n {
        0 => true,
        n if n > 0 => (date.day() - 1) / 7 + 1 == n,
        n => (date.days_in_month() - date.day()) / 7 + 1 == -n,
    }
}

/// The one number of a list; a zone that changes twice a day is none.
fn one(value: &str) -> Option<i8> {
    value.trim().parse().ok()
}

fn list<T>(value: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    (value.len() < 200).then(|| value.split(',').map(|part| parse(part.trim())).collect())?
}

fn numbered_weekday(text: &str) -> Option<(i8, Weekday)> {
    let at = text.len().checked_sub(2).filter(|&at| text.is_char_boundary(at))?;
    let weekday = match text[at..].to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let number = if at == 0 {
        0
    } else {
        text[..at].parse().ok().filter(|n| (-5..=5).contains(n) && *n != 0)?
    };
    Some((number, weekday))
}

fn until(value: &str, from: Offset) -> Option<Timestamp> {
    match PropertyTime::parse(value, &Property::parse("UNTIL:")?)? {
        PropertyTime::Day(date) => from.to_timestamp(date.at(23, 59, 59, 0)).ok(),
        PropertyTime::Time(local, TimeForm::Utc) => {
            local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        }
        PropertyTime::Time(local, _) => from.to_timestamp(local).ok(),
    }
}

fn local(property: &Property<'_>) -> Option<DateTime> {
    match PropertyTime::parse(property.value, property)? {
        PropertyTime::Time(local, _) => Some(local),
        PropertyTime::Day(date) => Some(date.to_datetime(jiff::civil::Time::midnight())),
    }
}

/// `+0130`, `-000115`.
fn offset(text: &str) -> Option<Offset> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    Offset::from_seconds(sign * (part(0)? * 3600 + part(2)? * 60 + part(4)?)).ok()
}

#[cfg(test)]
mod tests;
