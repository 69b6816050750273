//! What holds for any rule and any pattern.

use proptest::prelude::*;

use super::*;

fn weekdays() -> impl Strategy<Value = Vec<DayOfWeek>> {
    let all = WEEK.map(|(_, day)| day).to_vec();
    prop::sample::subsequence(all, 1..=7)
}

fn indexes() -> impl Strategy<Value = WeekIndex> {
    prop::sample::select(POSITIONS.map(|(_, index)| index).to_vec())
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let interval = || 1..12u32;
    let day = prop::sample::select(WEEK.map(|(_, day)| day).to_vec());
    prop_oneof![
        interval().prop_map(|interval| Pattern::Daily { interval }),
        (interval(), weekdays(), day).prop_map(|(interval, days_of_week, first_day_of_week)| {
            Pattern::Weekly { interval, days_of_week, first_day_of_week }
        }),
        (interval(), 1..=28i8).prop_map(|(interval, day_of_month)| {
            Pattern::AbsoluteMonthly { interval, day_of_month }
        }),
        (interval(), weekdays(), indexes()).prop_map(|(interval, days_of_week, index)| {
            Pattern::RelativeMonthly { interval, days_of_week, index }
        }),
        (interval(), 1..=31i8, 1..=12i8)
            .prop_filter("a day of every year", |(_, day, month)| is_in_every_year(*month, *day))
            .prop_map(|(interval, day_of_month, month)| {
                Pattern::AbsoluteYearly { interval, day_of_month, month }
            }),
        (interval(), weekdays(), indexes(), 1..=12i8).prop_map(
            |(interval, days_of_week, index, month)| {
                Pattern::RelativeYearly { interval, days_of_week, index, month }
            }
        ),
    ]
}

/// A day of the pattern, some time after another day.
fn first_day(pattern: &Pattern, after: i64) -> Option<Date> {
    let from = date(2024, 1, 1) + after.days();
    from.series(1.day()).take(800).find(|day| has_day(pattern, *day))
}

/// All seven days, counted from the start, are days by their number: the rule that says so has
/// another pattern.
fn is_by_number(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::RelativeMonthly { days_of_week, index, .. } => {
            days_of_week.len() == 7 && *index != WeekIndex::Last
        }
        Pattern::RelativeYearly { days_of_week, .. } => days_of_week.len() == 7,
        _ => false,
    }
}

proptest! {
    #[test]
    fn every_pattern_becomes_a_rule_and_itself_again(
        pattern in patterns(),
        after in 0..1000i64,
        end in 0..3,
        number in 1..400u32,
        form in 0..3,
    ) {
        let Some(start_date) = first_day(&pattern, after) else { return Ok(()) };
        let range = match end {
            0 => Range::NoEnd { start_date },
            1 => Range::Numbered { start_date, number_of_occurrences: number },
            _ => Range::EndDate { start_date, end_date: start_date + i64::from(number).days() },
        };
        let there = PatternedRecurrence { pattern, range };
        let span = match form {
            0 => one_day(start_date),
            1 => hour(start_date.at(3, 30, 0, 0), "Europe/Tallinn"),
            _ => hour(start_date.at(22, 0, 0, 0), "America/New_York"),
        };
        let Ok(rule) = super::super::rule(&there, &span) else {
            // The last day of a month of each year.
            prop_assert!(is_by_number(&there.pattern), "{there:?}");
            return Ok(());
        };
        prop_assert_eq!(by_pattern(&there, &span), expanded(&rule, &span), "{}", rule);
        let Ok(back) = written(&rule, &span) else {
            prop_assert!(is_by_number(&there.pattern), "{rule}");
            return Ok(());
        };
        prop_assert_eq!(by_pattern(&back, &span), by_pattern(&there, &span));
        if !is_by_number(&there.pattern) {
            prop_assert_eq!(in_order(&back.pattern), in_order(&there.pattern));
        }
    }

    /// A representable series has the occurrences that the engine gives it.
    #[test]
    fn any_rule_has_the_same_occurrences_or_no_pattern(
        rule in "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;INTERVAL=[1-4])?(;BYMONTH=[1-9])?(;BYDAY=(-1|[1-4])?(MO|TU|SA)(,(MO|FR|SU))?)?\
            (;BYMONTHDAY=(-1|[1-9]|2[0-9]|3[01]))?(;BYSETPOS=(-1|[1-4]))?(;WKST=(MO|SU|TH))?(;COUNT=[1-9][0-9]?|;UNTIL=202[67][01][1-9][0-2][1-8]T[01][0-9]0000Z)?",
        day in 0..800i64,
        zone in prop::sample::select(ZONES.to_vec()),
        hour_of_day in 0..23i8,
    ) {
        let span = hour((date(2025, 6, 1) + day.days()).at(hour_of_day, 30, 0, 0), zone);
        if let Ok(found) = written(&rule, &span) {
            prop_assert_eq!(by_pattern(&found, &span), expanded(&rule, &span), "{}", rule);
        }
    }

    #[test]
    fn no_rule_makes_it_panic(
        rule in "\\PC{0,40}|FREQ=[A-Z]{0,7}(;(INTERVAL|COUNT|BYDAY|BYMONTH|BYMONTHDAY|BYSETPOS|UNTIL|WKST)=[-+0-9A-ZÄ, ]{0,10}){0,4}",
        year in -9999..9999i16,
    ) {
        let span = hour(date(year, 1, 1).at(9, 0, 0, 0), "Europe/Tallinn");
        let _ = written(&rule, &span);
        let _ = written(&rule, &one_day(date(year, 12, 30)));
    }

    #[test]
    fn no_pattern_makes_it_panic(
        kind in 0..6usize,
        numbers in prop::array::uniform3(any::<i8>()),
        interval in any::<u32>(),
        days in prop::collection::vec(prop::sample::select(vec!["monday", "sunday"]), 0..3),
        end in "[0-9]{4}-[01][0-9]-[0-3][0-9]",
        count in any::<u32>(),
    ) {
        let kinds = ["daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"];
        for range in ["endDate", "noEnd", "numbered"] {
            let value = json!({
                "pattern": {
                    "type": kinds[kind], "interval": interval, "dayOfMonth": numbers[0],
                    "month": numbers[1], "daysOfWeek": days,
                },
                "range": {
                    "type": range, "startDate": end, "endDate": end, "numberOfOccurrences": count,
                },
            });
            if let Ok(found) = serde_json::from_value::<PatternedRecurrence>(value) {
                for span in [one_day(date(2026, 3, 10)), hour(date(2026, 3, 10).at(9, 0, 0, 0), "Europe/Tallinn")] {
                    let _ = super::super::rule(&found, &span);
                }
            }
        }
    }
}
