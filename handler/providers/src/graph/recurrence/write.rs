//! A series as a pattern.

use engine::event::{Content, Series, Span};
use engine::recurrence::occurrences;
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};

use super::super::wire::{DayOfWeek, Pattern, PatternedRecurrence, Range, WeekIndex};
use super::rule_parts::RuleParts;
use super::{
    LONGEST_INTERVAL, MOST_OCCURRENCES, NotRepresentable, POSITIONS, WEEK, has_day,
    is_in_every_year,
};

/// The pattern of a series whose master has this content. Exceptions are not part of it.
///
/// # Errors
/// Why there is none.
pub(in super::super) fn pattern(
    content: &Content,
    series: &Series,
) -> Result<PatternedRecurrence, NotRepresentable> {
    let [rule] = series.rules.as_slice() else { return Err(NotRepresentable::OtherThanOneRule) };
    if !series.extra.is_empty() {
        return Err(NotRepresentable::OtherThanOneRule);
    }
    let parts = RuleParts::parse(rule)?;
    let first = first_day(&content.span);
    let pattern = days(&parts, first)?;
    if !has_day(&pattern, first) {
        return Err(NotRepresentable::FirstStart);
    }
    if engine::zone::length(&content.span, None) > shortest_gap(&pattern) {
        return Err(NotRepresentable::Overlapping);
    }
    let range = range(&parts, content, series)?;
    Ok(PatternedRecurrence { pattern, range })
}

/// The day of the first start, on the wall clock of the series.
pub(super) fn first_day(span: &Span) -> Date {
    match span {
        Span::AllDay { start, .. } => *start,
        Span::Timed { start, .. } => start.local.date(),
    }
}

fn days(parts: &RuleParts, first: Date) -> Result<Pattern, NotRepresentable> {
    let interval = parts.interval;
    if interval > LONGEST_INTERVAL {
        return Err(NotRepresentable::Part("INTERVAL"));
    }
    match parts.frequency.as_str() {
        "DAILY" => daily(parts),
        "WEEKLY" => weekly(parts, first),
        "MONTHLY" => match month(parts, first, None)? {
            InMonth::Day(day_of_month) => Ok(Pattern::AbsoluteMonthly { interval, day_of_month }),
            InMonth::Nth(days_of_week, index) => {
                Ok(Pattern::RelativeMonthly { interval, days_of_week, index })
            }
        },
        "YEARLY" => {
            let month = match parts.months.as_slice() {
                [month] => i8::try_from(*month).map_err(|_| NotRepresentable::Part("BYMONTH"))?,
                // Without a month, a rule that names days means those of every month or of the
                // whole year.
                [] if parts.days.is_empty() && parts.month_days.is_empty() => first.month(),
                _ => return Err(NotRepresentable::Part("BYMONTH")),
            };
            match self::month(parts, first, Some(month))? {
                InMonth::Day(day_of_month) => {
                    Ok(Pattern::AbsoluteYearly { interval, day_of_month, month })
                }
                InMonth::Nth(days_of_week, index) => {
                    Ok(Pattern::RelativeYearly { interval, days_of_week, index, month })
                }
            }
        }
        _ => Err(NotRepresentable::TooFrequent),
    }
}

fn daily(parts: &RuleParts) -> Result<Pattern, NotRepresentable> {
    only_days_of_week(parts)?;
    let interval = parts.interval;
    match parts.plain_days() {
        Some(days) if days.is_empty() => Ok(Pattern::Daily { interval }),
        // Every second day, if it is a Monday: no pattern.
        Some(days_of_week) if interval == 1 => {
            Ok(Pattern::Weekly { interval, days_of_week, first_day_of_week: DayOfWeek::Monday })
        }
        _ => Err(NotRepresentable::Part("BYDAY")),
    }
}

fn weekly(parts: &RuleParts, first: Date) -> Result<Pattern, NotRepresentable> {
    only_days_of_week(parts)?;
    let days = parts.plain_days().ok_or(NotRepresentable::Part("BYDAY"))?;
    Ok(Pattern::Weekly {
        interval: parts.interval,
        days_of_week: if days.is_empty() { vec![DayOfWeek::of(first)] } else { days },
        first_day_of_week: parts.week_start,
    })
}

fn only_days_of_week(parts: &RuleParts) -> Result<(), NotRepresentable> {
    let absent = [
        (parts.month_days.is_empty(), "BYMONTHDAY"),
        (parts.months.is_empty(), "BYMONTH"),
        (parts.positions.is_empty(), "BYSETPOS"),
    ];
    match absent.iter().find(|(absent, _)| !absent) {
        Some((_, part)) => Err(NotRepresentable::Part(part)),
        None => Ok(()),
    }
}

/// A day of a month.
enum InMonth {
    /// By its number.
    Day(i8),
    /// The nth of some days of the week.
    Nth(Vec<DayOfWeek>, WeekIndex),
}

/// The day that a rule names in each month, or in this month of each year.
fn month(parts: &RuleParts, first: Date, of_year: Option<i8>) -> Result<InMonth, NotRepresentable> {
    if of_year.is_none() && !parts.months.is_empty() {
        return Err(NotRepresentable::Part("BYMONTH"));
    }
    let by_number = |day: i8| {
        let always = of_year.map_or(day <= 28, |month| is_in_every_year(month, day));
        let missing = NotRepresentable::DayThatIsMissingSometimes;
        if always { Ok(InMonth::Day(day)) } else { Err(missing) }
    };
    match (parts.days.as_slice(), parts.month_days.as_slice(), parts.positions.as_slice()) {
        ([], [], []) => by_number(first.day()),
        ([], [-1], []) if of_year.is_none() => {
            Ok(InMonth::Nth(WEEK.map(|(_, day)| day).to_vec(), WeekIndex::Last))
        }
        ([], [day @ 1..=31], []) => by_number(i8::try_from(*day).unwrap_or(i8::MAX)),
        ([], ..) if !parts.positions.is_empty() => Err(NotRepresentable::Part("BYSETPOS")),
        ([], ..) => Err(NotRepresentable::Part("BYMONTHDAY")),
        ([(Some(nth), day)], [], []) => Ok(InMonth::Nth(vec![*day], position(*nth, "BYDAY")?)),
        (_, [], [nth]) => {
            let days = parts.plain_days().ok_or(NotRepresentable::Part("BYDAY"))?;
            Ok(InMonth::Nth(days, position(*nth, "BYSETPOS")?))
        }
        (_, [], []) => Err(NotRepresentable::Part("BYDAY")),
        (_, [], _) => Err(NotRepresentable::Part("BYSETPOS")),
        _ => Err(NotRepresentable::Part("BYMONTHDAY")),
    }
}

fn position(nth: i32, part: &'static str) -> Result<WeekIndex, NotRepresentable> {
    let found = POSITIONS.iter().find(|(number, _)| *number == nth);
    found.map(|(_, index)| *index).ok_or(NotRepresentable::Part(part))
}

/// At least so long it is from one start to the next, in wall-clock time.
fn shortest_gap(pattern: &Pattern) -> SignedDuration {
    let days = match pattern {
        Pattern::Daily { interval } => i64::from(*interval),
        Pattern::Weekly { interval, days_of_week, first_day_of_week } => {
            let place = |day: &DayOfWeek| (*day as i64 - *first_day_of_week as i64).rem_euclid(7);
            let mut places: Vec<i64> = days_of_week.iter().map(place).collect();
            places.sort_unstable();
            let (first, last) = (places.first().copied(), places.last().copied());
            let over = first.zip(last).map(|(f, l)| f + 7 * i64::from(*interval) - l);
            let within = places.windows(2).map(|two| two[1] - two[0]);
            within.chain(over).min().unwrap_or(1)
        }
        Pattern::AbsoluteMonthly { .. } => 28,
        // From the last of the days of one month to the first of those of the next.
        Pattern::RelativeMonthly { days_of_week, .. } if days_of_week.len() > 1 => 21,
        Pattern::RelativeMonthly { .. } => 28,
        Pattern::AbsoluteYearly { .. } | Pattern::RelativeYearly { .. } => 350,
    };
    // A day may have 23 hours.
    SignedDuration::from_hours(24 * days)
}

fn range(parts: &RuleParts, content: &Content, series: &Series) -> Result<Range, NotRepresentable> {
    let start_date = first_day(&content.span);
    let until = parts.until.filter(|until| until.year() < BEYOND);
    match (until, parts.count) {
        (None, None) => Ok(Range::NoEnd { start_date }),
        (None, Some(number_of_occurrences @ 1..=MOST_OCCURRENCES)) => {
            Ok(Range::Numbered { start_date, number_of_occurrences })
        }
        (None, Some(_)) => Err(NotRepresentable::Part("COUNT")),
        (Some(until), _) => {
            let end_date = last_day(until, content, series)?.unwrap_or(start_date);
            Ok(Range::EndDate { start_date, end_date: end_date.max(start_date) })
        }
    }
}

/// The years that the service does not have.
const BEYOND: i16 = 4500;

/// How far back the last occurrence is looked for, in days, the shortest first: where there is none
/// in a shorter time, there are few in a longer one.
const LOOK_BACK: [i64; 4] = [60, 800, 3_600, 36_000];

/// The day of the last occurrence of a rule that ends on this day, or a day before or after it: as
/// the zone has it. The rule's other end counts too.
fn last_day(
    until: Date,
    content: &Content,
    series: &Series,
) -> Result<Option<Date>, NotRepresentable> {
    let bare = Series { rules: series.rules.clone(), ..Series::default() };
    let end = engine::zone::day_instant(until.saturating_add(3.days()));
    for back in LOOK_BACK {
        let from = engine::zone::day_instant(until.saturating_sub(back.days()));
        let found = occurrences(content, &bare, from..end, None)?;
        if let Some(last) = found.last() {
            return Ok(Some(first_day(&last.span)));
        }
    }
    Ok(None)
}
