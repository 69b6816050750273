//! Recurrences: what a pattern and a range may be, and the days that they give.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::manners::Manners;
use super::reply::Refusal;
use super::zones;

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// No series of a test has more occurrences.
const MOST: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Pattern {
    Daily,
    Weekly,
    AbsoluteMonthly,
    RelativeMonthly,
    AbsoluteYearly,
    RelativeYearly,
}

/// A recurrence, as the mailbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    pattern: Pattern,
    interval: i32,
    /// Days of the week from Monday, 0 to 6, in order.
    days: Vec<i8>,
    first_day: i8,
    /// 0 to 3, or -1 for the last.
    index: i8,
    day: i8,
    month: i8,
    pub start: Date,
    end: Option<Date>,
    count: Option<usize>,
    /// The switches of the moment when it was written.
    clamps: bool,
    last_of_seven: bool,
}

impl Pattern {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "daily" => Self::Daily,
            "weekly" => Self::Weekly,
            "absoluteMonthly" => Self::AbsoluteMonthly,
            "relativeMonthly" => Self::RelativeMonthly,
            "absoluteYearly" => Self::AbsoluteYearly,
            "relativeYearly" => Self::RelativeYearly,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::AbsoluteMonthly => "absoluteMonthly",
            Self::RelativeMonthly => "relativeMonthly",
            Self::AbsoluteYearly => "absoluteYearly",
            Self::RelativeYearly => "relativeYearly",
        }
    }

    /// Members beside type and interval, those that must be there first.
    fn members(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Daily => (&[], &[]),
            Self::Weekly => (&["daysOfWeek"], &["firstDayOfWeek"]),
            Self::AbsoluteMonthly => (&["dayOfMonth"], &[]),
            Self::RelativeMonthly => (&["daysOfWeek"], &["index", "firstDayOfWeek"]),
            Self::AbsoluteYearly => (&["dayOfMonth", "month"], &[]),
            Self::RelativeYearly => (&["daysOfWeek", "month"], &["index", "firstDayOfWeek"]),
        }
    }
}

fn number(value: &Value, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    value.as_i64().filter(|n| range.contains(n))
}

fn day_number(value: &Value) -> Option<i8> {
    let name = value.as_str()?;
    DAYS.iter().position(|day| *day == name).and_then(|n| i8::try_from(n).ok())
}

fn is_neutral(name: &str, value: &Value) -> bool {
    match name {
        "month" | "dayOfMonth" => value == 0,
        "index" => value == "first",
        "firstDayOfWeek" => value == "sunday",
        "daysOfWeek" => value.as_array().is_some_and(Vec::is_empty),
        _ => false,
    }
}

impl Rule {
    /// Reads a `recurrence` whose members and types have been checked; `zone` is the event's.
    pub fn read(value: &Value, zone: &str, manners: &Manners) -> Result<Self, Refusal> {
        let wrong = |what: &str| Refusal::property(&format!("The recurrence's {what} is wrong."));
        let (said, range) = (&value["pattern"], &value["range"]);
        let pattern =
            said["type"].as_str().and_then(Pattern::named).ok_or_else(|| wrong("type"))?;
        let members = said.as_object().ok_or_else(|| wrong("pattern"))?;
        let (must, may) = pattern.members();
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let fits = matches!(name.as_str(), "type" | "interval")
                || must.contains(&name.as_str())
                || may.contains(&name.as_str())
                || name.contains('@');
            if !fits && (manners.refuses_neutral || !is_neutral(name, value)) {
                return Err(wrong(&format!("{name} (the type {} has none)", pattern.name())));
            }
        }
        if let Some(name) = must.iter().find(|name| members.get(**name).is_none_or(Value::is_null))
        {
            return Err(wrong(&format!("{name} (missing)")));
        }
        let interval = number(&said["interval"], 1..=manners.largest_interval)
            .ok_or_else(|| wrong("interval"))?;
        let mut days: Vec<i8> =
            said["daysOfWeek"].as_array().into_iter().flatten().filter_map(day_number).collect();
        days.sort_unstable();
        days.dedup();
        if must.contains(&"daysOfWeek") && days.is_empty() {
            return Err(wrong("daysOfWeek"));
        }
        let one = |name: &str, most: i64| {
            if must.contains(&name) { number(&said[name], 1..=most) } else { Some(0) }
        };
        let day = one("dayOfMonth", 31).ok_or_else(|| wrong("dayOfMonth"))?;
        let month = one("month", 12).ok_or_else(|| wrong("month"))?;
        let index = match said["index"].as_str().unwrap_or("first") {
            "second" => 1,
            "third" => 2,
            "fourth" => 3,
            "last" => -1,
            _ => 0,
        };
        let start: Date = range["startDate"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| wrong("startDate"))?;
        let named = range["recurrenceTimeZone"].as_str().filter(|name| !name.is_empty());
        if named.is_some_and(|name| !zones::same(name, zone)) {
            return Err(wrong("recurrenceTimeZone (another zone than the event's)"));
        }
        let (mut end, mut count) = (None, None);
        let has_end = range["endDate"].as_str().is_some_and(|end| end != "0001-01-01");
        let has_count = range["numberOfOccurrences"].as_i64().is_some_and(|n| n != 0);
        match range["type"].as_str() {
            Some("noEnd") if !has_end && !has_count => {}
            Some("endDate") if !has_count => {
                end = range["endDate"].as_str().and_then(|end| end.parse().ok());
                if end.is_none_or(|end| end < start) {
                    return Err(Refusal::new(
                        400,
                        "ErrorInvalidRecurrenceRange",
                        "The end of the recurrence range is before its start.",
                    ));
                }
            }
            Some("numbered") if !has_end => {
                count = number(&range["numberOfOccurrences"], 1..=manners.largest_count)
                    .and_then(|count| usize::try_from(count).ok());
                if count.is_none() {
                    return Err(wrong("numberOfOccurrences"));
                }
            }
            _ => return Err(wrong("range")),
        }
        let small = |n: i64| i8::try_from(n).unwrap_or_default();
        Ok(Self {
            pattern,
            interval: i32::try_from(interval).unwrap_or(1),
            days,
            first_day: day_number(&said["firstDayOfWeek"]).unwrap_or(6),
            index,
            day: small(day),
            month: small(month),
            start,
            end,
            count,
            clamps: manners.clamps_days,
            last_of_seven: manners.last_of_seven,
        })
    }

    /// As it is read: with every member, neutral where its type has none.
    pub fn write(&self, zone: &str) -> Value {
        let name = |n: i8| DAYS[usize::try_from(n).unwrap_or_default() % 7];
        let index = match self.index {
            1 => "second",
            2 => "third",
            3 => "fourth",
            -1 => "last",
            _ => "first",
        };
        let mut pattern = Map::new();
        pattern.insert("type".into(), json!(self.pattern.name()));
        pattern.insert("interval".into(), json!(self.interval));
        pattern.insert("month".into(), json!(self.month));
        pattern.insert("dayOfMonth".into(), json!(self.day));
        pattern.insert("firstDayOfWeek".into(), json!(name(self.first_day)));
        pattern.insert("index".into(), json!(index));
        if !self.days.is_empty() {
            let days: Vec<&str> = self.days.iter().map(|day| name(*day)).collect();
            pattern.insert("daysOfWeek".into(), json!(days));
        }
        let kind = match (self.end, self.count) {
            (Some(_), _) => "endDate",
            (None, Some(_)) => "numbered",
            (None, None) => "noEnd",
        };
        json!({"pattern": pattern, "range": {
            "type": kind,
            "startDate": self.start.to_string(),
            "endDate": self.end.map_or_else(|| "0001-01-01".to_owned(), |end| end.to_string()),
            "recurrenceTimeZone": zone,
            "numberOfOccurrences": self.count.unwrap_or(0),
        }})
    }

    /// The days of the occurrences up to and with `until`, in order.
    pub fn days(&self, until: Date) -> Vec<Date> {
        let stop = self.end.map_or(until, |end| end.min(until));
        let most = self.count.unwrap_or(MOST);
        let mut found = Vec::new();
        for step in 0.. {
            let (from, days) = self.step(step);
            if from.is_none_or(|from| from > stop) {
                break;
            }
            for day in days.into_iter().filter(|day| *day >= self.start && *day <= stop) {
                found.push(day);
                if found.len() >= most {
                    return found;
                }
            }
        }
        found
    }

    /// Whether there is an occurrence on this day, as far as the rule goes.
    pub fn has(&self, day: Date) -> bool {
        self.days(day).last() == Some(&day)
    }

    /// The first day, which may be later than the start of the range.
    pub fn first(&self) -> Option<Date> {
        let far = self.start.checked_add(50.years()).ok()?;
        Self { count: Some(1), ..self.clone() }.days(far).into_iter().next()
    }

    /// The beginning of the n-th period and the days in it.
    fn step(&self, n: i32) -> (Option<Date>, Vec<Date>) {
        let by = n.saturating_mul(self.interval);
        match self.pattern {
            Pattern::Daily => {
                let day = self.start.checked_add(i64::from(by).days()).ok();
                (day, day.into_iter().collect())
            }
            Pattern::Weekly => {
                let back = (monday_based(self.start.weekday()) - self.first_day).rem_euclid(7);
                let begin = self
                    .start
                    .checked_sub(i64::from(back).days())
                    .and_then(|begin| begin.checked_add((i64::from(by) * 7).days()))
                    .ok();
                let mut after: Vec<i8> =
                    self.days.iter().map(|day| (day - self.first_day).rem_euclid(7)).collect();
                after.sort_unstable();
                let days = after
                    .into_iter()
                    .filter_map(|days| begin?.checked_add(i64::from(days).days()).ok());
                (begin, days.collect())
            }
            Pattern::AbsoluteMonthly | Pattern::RelativeMonthly => {
                let begin = self.start.first_of_month().checked_add(i64::from(by).months()).ok();
                (begin, begin.and_then(|begin| self.in_month(begin)).into_iter().collect())
            }
            Pattern::AbsoluteYearly | Pattern::RelativeYearly => {
                let year = self.start.first_of_year().checked_add(i64::from(by).years()).ok();
                let month = year.and_then(|year| Date::new(year.year(), self.month, 1).ok());
                (year, month.and_then(|month| self.in_month(month)).into_iter().collect())
            }
        }
    }

    fn in_month(&self, begin: Date) -> Option<Date> {
        let last = begin.last_of_month();
        if matches!(self.pattern, Pattern::AbsoluteMonthly | Pattern::AbsoluteYearly) {
            if self.day <= last.day() {
                return Date::new(begin.year(), begin.month(), self.day).ok();
            }
            return self.clamps.then_some(last);
        }
        let fits = |day: &Date| self.days.contains(&monday_based(day.weekday()));
        let all: Vec<Date> = (1..=last.day())
            .filter_map(|day| Date::new(begin.year(), begin.month(), day).ok())
            .filter(fits)
            .collect();
        match self.index {
            // The last week of the month: its last fitting day, or its first.
            -1 if self.last_of_seven || self.days.len() == 1 => all.last().copied(),
            -1 => all.iter().find(|day| day.day() > last.day() - 7).copied(),
            n => all.get(usize::try_from(n).unwrap_or_default()).copied(),
        }
    }
}

fn monday_based(day: Weekday) -> i8 {
    day.to_monday_zero_offset()
}
