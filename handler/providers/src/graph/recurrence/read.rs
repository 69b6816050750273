//! A pattern as a rule.

use std::fmt::Write as _;

use engine::event::{Moment, Span, Zone};
use ical::Unreadable;

use super::super::wire::{DayOfWeek, Pattern, PatternedRecurrence, Range, WeekIndex};
use super::{POSITIONS, WEEK, is_in_every_year};

/// The rule of a series whose first occurrence is at `span`.
///
/// # Errors
/// The pattern has a meaning that depends on the service, or none.
pub(in super::super) fn rule(
    recurrence: &PatternedRecurrence,
    span: &Span,
) -> Result<String, Unreadable> {
    let mut rule = days(&recurrence.pattern)?;
    match &recurrence.range {
        Range::NoEnd { .. } => {}
        Range::Numbered { number_of_occurrences: 0, .. } => {
            return Err(Unreadable("its series has no occurrence".into()));
        }
        Range::Numbered { number_of_occurrences, .. } => {
            let _ = write!(rule, ";COUNT={number_of_occurrences}");
        }
        Range::EndDate { end_date, .. } => {
            let until = match span {
                Span::AllDay { .. } => end_date.strftime("%Y%m%d").to_string(),
                Span::Timed { start, .. } => {
                    let last = Moment {
                        local: end_date.to_datetime(start.local.time()),
                        zone: start.zone.clone(),
                    };
                    match start.zone {
                        Zone::Floating => last.local.strftime("%Y%m%dT%H%M%S").to_string(),
                        _ => engine::zone::instant(&last, None)
                            .strftime("%Y%m%dT%H%M%SZ")
                            .to_string(),
                    }
                }
            };
            let _ = write!(rule, ";UNTIL={until}");
        }
    }
    engine::recurrence::validate(&rule).map_err(|why| Unreadable(why.to_string()))
}

fn days(pattern: &Pattern) -> Result<String, Unreadable> {
    let sometimes = || Unreadable("it repeats on a day that some months do not have".into());
    Ok(match pattern {
        Pattern::Daily { interval } => head("DAILY", *interval),
        Pattern::Weekly { interval, days_of_week, first_day_of_week } => format!(
            "{};BYDAY={};WKST={}",
            head("WEEKLY", *interval),
            list(days_of_week)?,
            name(*first_day_of_week)
        ),
        Pattern::AbsoluteMonthly { interval, day_of_month } => {
            if !(1..=28).contains(day_of_month) {
                return Err(sometimes());
            }
            format!("{};BYMONTHDAY={day_of_month}", head("MONTHLY", *interval))
        }
        Pattern::RelativeMonthly { interval, days_of_week, index } => {
            format!("{};{}", head("MONTHLY", *interval), nth(days_of_week, *index)?)
        }
        Pattern::AbsoluteYearly { interval, day_of_month, month } => {
            if !is_in_every_year(*month, *day_of_month) {
                return Err(sometimes());
            }
            format!("{};BYMONTH={month};BYMONTHDAY={day_of_month}", head("YEARLY", *interval))
        }
        Pattern::RelativeYearly { interval, days_of_week, index, month } => {
            format!("{};BYMONTH={month};{}", head("YEARLY", *interval), nth(days_of_week, *index)?)
        }
    })
}

fn head(frequency: &str, interval: u32) -> String {
    match interval {
        1 => format!("FREQ={frequency}"),
        interval => format!("FREQ={frequency};INTERVAL={interval}"),
    }
}

fn name(day: DayOfWeek) -> &'static str {
    WEEK.iter().find(|(_, listed)| *listed == day).map_or("SU", |(name, _)| name)
}

/// Some days, in the order of the week.
fn list(days: &[DayOfWeek]) -> Result<String, Unreadable> {
    if days.is_empty() {
        return Err(Unreadable("its pattern names no day of the week".into()));
    }
    let named = WEEK.iter().filter(|(_, day)| days.contains(day)).map(|(name, _)| *name);
    Ok(named.collect::<Vec<_>>().join(","))
}

/// The nth of some days of a month.
fn nth(days: &[DayOfWeek], index: WeekIndex) -> Result<String, Unreadable> {
    let number = POSITIONS.iter().find(|(_, listed)| *listed == index).map_or(1, |(n, _)| *n);
    let list = list(days)?;
    Ok(match list.split(',').count() {
        1 => format!("BYDAY={number}{list}"),
        // Each day is one of seven: the nth of them is the nth day.
        7 => format!("BYMONTHDAY={number}"),
        _ => format!("BYDAY={list};BYSETPOS={number}"),
    })
}
