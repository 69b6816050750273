//! Series: rules of RFC 5545 into Graph's patterns and back.
//!
//! | RRULE | pattern |
//! |---|---|
//! | DAILY | daily |
//! | DAILY;BYDAY=list, INTERVAL=1 | weekly, those days |
//! | WEEKLY;BYDAY=list;WKST | weekly, those days (or that of DTSTART), first day of the week |
//! | MONTHLY;BYMONTHDAY=d, d ≤ 28 (or the day of DTSTART) | absoluteMonthly |
//! | MONTHLY;BYMONTHDAY=-1 | relativeMonthly, the last of all seven days |
//! | MONTHLY;BYDAY=kXX, k = 1 to 4 or -1 | relativeMonthly |
//! | MONTHLY;BYDAY=list;BYSETPOS=k | relativeMonthly |
//! | YEARLY;BYMONTH=m;BYMONTHDAY=d, no 29 February | absoluteYearly |
//! | YEARLY;BYMONTH=m;BYDAY=kXX, or list and BYSETPOS=k | relativeYearly |
//! | COUNT, UNTIL, neither | numbered, endDate (the day of the last occurrence), noEnd |
//!
//! Everything else is not representable, and says why. The service counts from the first start, and
//! moves one that its pattern does not have, so DTSTART has to be a day of the pattern. What the
//! service makes of days that some months lack is not documented; no such day is written.

mod read;
mod rule_parts;
mod write;

pub(super) use read::rule;
pub(super) use write::pattern;

use engine::recurrence::Unsupported;
use jiff::ToSpan;
use jiff::civil::Date;

use super::wire::{DayOfWeek, Pattern, PatternedRecurrence, Range, WeekIndex};

/// Why a series is written as single events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRepresentable {
    /// The rule is refused everywhere.
    #[error(transparent)]
    Refused(#[from] Unsupported),
    /// RDATE, no rule, or several.
    #[error("it repeats by something else than one rule")]
    OtherThanOneRule,
    /// More often than every day.
    #[error("it repeats more often than every day")]
    TooFrequent,
    /// BYHOUR and its like.
    #[error("its rule names times of day")]
    TimesOfDay,
    /// A part that patterns have no member for.
    #[error("a pattern of Microsoft has nothing for {0} in its rule")]
    Part(&'static str),
    /// A day that some months, or some years, do not have.
    #[error("it repeats on a day that some months or years do not have")]
    DayThatIsMissingSometimes,
    /// The first start is not one that the rule gives.
    #[error("its first start is not a day of its rule")]
    FirstStart,
    /// An occurrence would begin before the one before it ends.
    #[error("its occurrences overlap each other")]
    Overlapping,
    /// The zone has no name that Microsoft accepts.
    #[error("its time zone has no name that the account accepts")]
    Zone,
}

/// Whether two recurrences give the same days, however their days of the week are listed and
/// wherever between two occurrences they end.
pub(super) fn same(a: &PatternedRecurrence, b: &PatternedRecurrence) -> bool {
    in_order(&a.pattern) == in_order(&b.pattern)
        && match (&a.range, &b.range) {
            (
                Range::EndDate { start_date, end_date },
                Range::EndDate { start_date: start, end_date: end },
            ) => start_date == start && none_between(&a.pattern, *end_date, *end),
            (a, b) => a == b,
        }
}

/// Whether a pattern has no day after the earlier of two days up to the later one; `false` where
/// that would be long to look.
fn none_between(pattern: &Pattern, a: Date, b: Date) -> bool {
    let (from, to) = (a.min(b), a.max(b));
    let mut days = from.series(1.day()).skip(1).take_while(|day| *day <= to);
    let close = from.checked_add(1.year()).is_ok_and(|limit| to < limit);
    a == b || (close && !days.any(|day| has_day(pattern, day)))
}

/// A pattern with its days of the week in order, and without a first day where it has no meaning.
fn in_order(pattern: &Pattern) -> Pattern {
    let mut pattern = pattern.clone();
    if let Pattern::Weekly { interval: 1, first_day_of_week, .. } = &mut pattern {
        *first_day_of_week = DayOfWeek::default();
    }
    if let Pattern::Weekly { days_of_week, .. }
    | Pattern::RelativeMonthly { days_of_week, .. }
    | Pattern::RelativeYearly { days_of_week, .. } = &mut pattern
    {
        days_of_week.sort_unstable();
        days_of_week.dedup();
    }
    pattern
}

/// Whether the pattern has this day, apart from its interval.
fn has_day(pattern: &Pattern, day: Date) -> bool {
    let is_one_of = |days: &[DayOfWeek], day: Date| days.contains(&DayOfWeek::of(day));
    // How many days of the month up to this one, and from this one on, are one of these.
    let is_nth = |days: &[DayOfWeek], index: WeekIndex| {
        let count = |from: i8, to: i8| {
            (from..=to)
                .filter_map(|number| day.with().day(number).build().ok())
                .filter(|day| is_one_of(days, *day))
                .count()
        };
        is_one_of(days, day)
            && match index {
                WeekIndex::First => count(1, day.day()) == 1,
                WeekIndex::Second => count(1, day.day()) == 2,
                WeekIndex::Third => count(1, day.day()) == 3,
                WeekIndex::Fourth => count(1, day.day()) == 4,
                WeekIndex::Last => count(day.day(), day.days_in_month()) == 1,
            }
    };
    match pattern {
        Pattern::Daily { .. } => true,
        Pattern::Weekly { days_of_week, .. } => is_one_of(days_of_week, day),
        Pattern::AbsoluteMonthly { day_of_month, .. } => day.day() == *day_of_month,
        Pattern::RelativeMonthly { days_of_week, index, .. } => is_nth(days_of_week, *index),
        Pattern::AbsoluteYearly { day_of_month, month, .. } => {
            (day.month(), day.day()) == (*month, *day_of_month)
        }
        Pattern::RelativeYearly { days_of_week, index, month, .. } => {
            day.month() == *month && is_nth(days_of_week, *index)
        }
    }
}

/// The days of the week as rules name them, in order.
const WEEK: [(&str, DayOfWeek); 7] = [
    ("MO", DayOfWeek::Monday),
    ("TU", DayOfWeek::Tuesday),
    ("WE", DayOfWeek::Wednesday),
    ("TH", DayOfWeek::Thursday),
    ("FR", DayOfWeek::Friday),
    ("SA", DayOfWeek::Saturday),
    ("SU", DayOfWeek::Sunday),
];

/// The positions that patterns have.
const POSITIONS: [(i32, WeekIndex); 5] = [
    (1, WeekIndex::First),
    (2, WeekIndex::Second),
    (3, WeekIndex::Third),
    (4, WeekIndex::Fourth),
    (-1, WeekIndex::Last),
];

/// The longest interval that is written; what the service takes is not documented.
const LONGEST_INTERVAL: u32 = 99;
/// The most occurrences that are counted; what the service takes is not documented.
const MOST_OCCURRENCES: u32 = 999;

/// Whether a day of this number is in this month of every year.
fn is_in_every_year(month: i8, day: i8) -> bool {
    // 2026 is no leap year.
    Date::new(2026, month, day).is_ok()
}

#[cfg(test)]
mod tests;
