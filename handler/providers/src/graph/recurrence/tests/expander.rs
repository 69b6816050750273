//! The days of a pattern, worked out as Microsoft describes it and without the rules of RFC 5545.

use super::*;

/// The days up to one.
pub(super) fn days(recurrence: &PatternedRecurrence, last: Date) -> Vec<Date> {
    let start = recurrence.range.start_date();
    let (last, most) = match &recurrence.range {
        Range::NoEnd { .. } => (last, usize::MAX),
        Range::EndDate { end_date, .. } => (last.min(*end_date), usize::MAX),
        Range::Numbered { number_of_occurrences, .. } => (last, *number_of_occurrences as usize),
    };
    let mut found = Vec::new();
    let mut day = start;
    while day <= last && found.len() < most {
        if is_in_period(&recurrence.pattern, start, day) && is_day(&recurrence.pattern, day) {
            found.push(day);
        }
        day = day.tomorrow().unwrap();
    }
    found
}

/// Whether the day, week, month or year is one of those that the interval counts.
fn is_in_period(pattern: &Pattern, start: Date, day: Date) -> bool {
    let days_between = |a: Date, b: Date| (b - a).get_days();
    let (periods, interval) = match pattern {
        Pattern::Daily { interval } => (days_between(start, day), interval),
        Pattern::Weekly { interval, first_day_of_week, .. } => {
            let mut week = start;
            while DayOfWeek::of(week) != *first_day_of_week {
                week = week.yesterday().unwrap();
            }
            (days_between(week, day) / 7, interval)
        }
        Pattern::AbsoluteMonthly { interval, .. } | Pattern::RelativeMonthly { interval, .. } => {
            let month = |day: Date| i32::from(day.year()) * 12 + i32::from(day.month());
            (month(day) - month(start), interval)
        }
        Pattern::AbsoluteYearly { interval, .. } | Pattern::RelativeYearly { interval, .. } => {
            (i32::from(day.year() - start.year()), interval)
        }
    };
    periods % i32::try_from(*interval).unwrap() == 0
}

fn is_day(pattern: &Pattern, day: Date) -> bool {
    // The days of the month that are one of these, by their numbers.
    let nth = |days: &[DayOfWeek], index: WeekIndex| {
        let of_month = (1..=day.days_in_month()).filter(|number| {
            days.contains(&DayOfWeek::of(day.with().day(*number).build().unwrap()))
        });
        let of_month: Vec<i8> = of_month.collect();
        let chosen = match index {
            WeekIndex::First => of_month.first(),
            WeekIndex::Second => of_month.get(1),
            WeekIndex::Third => of_month.get(2),
            WeekIndex::Fourth => of_month.get(3),
            WeekIndex::Last => of_month.last(),
        };
        chosen == Some(&day.day())
    };
    match pattern {
        Pattern::Daily { .. } => true,
        Pattern::Weekly { days_of_week, .. } => days_of_week.contains(&DayOfWeek::of(day)),
        Pattern::AbsoluteMonthly { day_of_month, .. } => day.day() == *day_of_month,
        Pattern::RelativeMonthly { days_of_week, index, .. } => nth(days_of_week, *index),
        Pattern::AbsoluteYearly { day_of_month, month, .. } => {
            day.month() == *month && day.day() == *day_of_month
        }
        Pattern::RelativeYearly { days_of_week, index, month, .. } => {
            day.month() == *month && nth(days_of_week, *index)
        }
    }
}
