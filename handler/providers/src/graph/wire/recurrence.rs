//! How a series repeats: a pattern of days, and the dates between which it holds
//! (<https://learn.microsoft.com/en-us/graph/api/resources/recurrencepattern>).
//!
//! A pattern has the members of its type and no others: the service refuses what a type does not
//! know. In an answer every pattern has all members, the strange ones without a meaning; those are
//! not looked at.

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// How a series repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct PatternedRecurrence {
    pub pattern: Pattern,
    pub range: Range,
}

/// On which days. The interval counts days, weeks, months or years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(in super::super) enum Pattern {
    Daily {
        #[serde(default = "one")]
        interval: u32,
    },
    Weekly {
        #[serde(default = "one")]
        interval: u32,
        days_of_week: Vec<DayOfWeek>,
        /// Matters where the interval is above one.
        #[serde(default)]
        first_day_of_week: DayOfWeek,
    },
    AbsoluteMonthly {
        #[serde(default = "one")]
        interval: u32,
        day_of_month: i8,
    },
    /// The first, second, … of all days of a month that are one of these.
    RelativeMonthly {
        #[serde(default = "one")]
        interval: u32,
        days_of_week: Vec<DayOfWeek>,
        #[serde(default)]
        index: WeekIndex,
    },
    AbsoluteYearly {
        #[serde(default = "one")]
        interval: u32,
        day_of_month: i8,
        month: i8,
    },
    RelativeYearly {
        #[serde(default = "one")]
        interval: u32,
        days_of_week: Vec<DayOfWeek>,
        #[serde(default)]
        index: WeekIndex,
        month: i8,
    },
}

/// Between which dates, in the zone of the event. `recurrenceTimeZone` is never written: another
/// zone than that of the event is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(in super::super) enum Range {
    EndDate {
        start_date: Date,
        /// The last day on which there may be an occurrence.
        end_date: Date,
    },
    NoEnd {
        start_date: Date,
    },
    Numbered {
        start_date: Date,
        number_of_occurrences: u32,
    },
}

#[cfg(test)]
impl Range {
    /// The day of the first occurrence.
    pub(in super::super) fn start_date(&self) -> Date {
        match self {
            Self::EndDate { start_date, .. }
            | Self::NoEnd { start_date }
            | Self::Numbered { start_date, .. } => *start_date,
        }
    }
}

/// A day of the week; without one, a week begins on Sunday.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum DayOfWeek {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    #[default]
    Sunday,
}

/// Which of the days of a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum WeekIndex {
    #[default]
    First,
    Second,
    Third,
    Fourth,
    Last,
}

impl DayOfWeek {
    /// The day of the week of a date.
    pub(in super::super) fn of(date: Date) -> Self {
        match date.weekday() {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

fn one() -> u32 {
    1
}
