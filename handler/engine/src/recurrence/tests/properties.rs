//! What holds for any rule.

use proptest::prelude::*;

use super::*;

/// The names of some days, with or without a number.
fn days(numbers: bool) -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"]);
    let day =
        (name, 1..=4i32, any::<bool>()).prop_map(move |(name, nth, last)| match (numbers, last) {
            (false, _) => name.to_owned(),
            (true, false) => format!("{nth}{name}"),
            (true, true) => format!("-{nth}{name}"),
        });
    prop::collection::vec(day, 1..4).prop_map(|days| format!("BYDAY={}", days.join(",")))
}

fn numbers(name: &'static str, least: i32, most: i32) -> impl Strategy<Value = String> {
    prop::collection::vec((least..=most).prop_filter("zero", |n| *n != 0), 1..4).prop_map(
        move |list| {
            format!("{name}={}", list.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        },
    )
}

/// A rule without an end, of any shape that the engine takes.
fn endless() -> impl Strategy<Value = String> {
    let none = || Just(String::new());
    let daily =
        prop_oneof![none(), days(false), numbers("BYMONTHDAY", -31, 31), numbers("BYHOUR", 1, 23)];
    let weekly = prop_oneof![
        none(),
        days(false),
        days(false).prop_map(|days| format!("{days};BYSETPOS=-1"))
    ];
    let monthly = prop_oneof![
        none(),
        days(true),
        numbers("BYMONTHDAY", -31, 31),
        days(false).prop_map(|days| format!("{days};BYSETPOS=1,-2")),
    ];
    let yearly = prop_oneof![
        none(),
        days(true),
        numbers("BYYEARDAY", -366, 366),
        numbers("BYWEEKNO", -53, 53),
        (days(false), numbers("BYWEEKNO", 1, 53))
            .prop_map(|(days, weeks)| format!("{days};{weeks}")),
        (days(true), numbers("BYMONTH", 1, 12))
            .prop_map(|(days, months)| format!("{days};{months}")),
    ];
    let rule = prop_oneof![
        ("FREQ=DAILY".prop_map(String::from), daily),
        ("FREQ=WEEKLY".prop_map(String::from), weekly),
        ("FREQ=MONTHLY".prop_map(String::from), monthly),
        ("FREQ=YEARLY".prop_map(String::from), yearly),
        (
            "FREQ=HOURLY;BYMINUTE=7".prop_map(String::from),
            prop_oneof![none(), days(false), numbers("BYHOUR", 1, 23)]
        ),
    ];
    let week_start = prop::sample::select(vec!["MO", "SU", "WE", "SA"]);
    (rule, 1..40u16, week_start).prop_map(|((head, tail), interval, week_start)| {
        let tail = if tail.is_empty() { tail } else { format!(";{tail}") };
        format!("{head};INTERVAL={interval};WKST={week_start}{tail}")
    })
}

fn first_start() -> impl Strategy<Value = DateTime> {
    (1985..2020i16, 1..=366i64, 0..24i8, 0..60i8).prop_map(|(year, day, hour, minute)| {
        Date::constant(year, 1, 1)
            .at(hour, minute, 0, 0)
            .saturating_add(SignedDuration::from_hours(24 * (day - 1)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let _ = validate(&text);
        let draft = Draft { content: content(timed(local("2026-01-05T09:00"), 30, &berlin())), series: Some(series(&[&text])) };
        let _ = any_in_window(&draft, Window { start: day("2026-06-01"), end: day("2026-07-01") }, None);
    }

    #[test]
    fn no_rule_makes_it_panic(
        text in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY|HOURLY))(;(INTERVAL=[0-9]{1,6}|COUNT=-?[0-9]{1,9}|UNTIL=[0-9]{8}(T[0-9]{6}Z?)?|WKST=(MO|SU)\
            |BYDAY=[+-]?[0-9]{0,2}(MO|FR)(,-?[0-9]?SU)?|BYMONTHDAY=-?[0-9]{1,2}|BYYEARDAY=-?[0-9]{1,3}|BYWEEKNO=-?[0-9]{1,2}|BYMONTH=[0-9]{1,2}\
            |BYSETPOS=-?[0-9]{1,3}|BYHOUR=[0-9]{1,2}(,[0-9]{1,2})?|X-[A-Z]{1,3}=.{0,3})){0,5}",
        first in first_start(),
    ) {
        let content = content(timed(first, 30, &berlin()));
        let found = occurrences(&content, &series(&[&text]), at("2026-06-01T00:00:00Z")..at("2026-08-01T00:00:00Z"), None);
        // What is refused when it is expanded is refused for a copy too, but for what only the
        // expansion can tell.
        if let Err(reason) = found {
            prop_assert!(reason == Unsupported::TooMany || validate(&text) == Err(reason), "{text}: {reason}");
        }
    }

    /// Starting a rule again, close to the window, changes nothing.
    #[test]
    fn the_jump_changes_nothing(rule in endless(), first in first_start(), days in 0..12_000i64) {
        let from = first.saturating_add(SignedDuration::from_hours(24 * days));
        let to = from.saturating_add(SignedDuration::from_hours(24 * 400));
        let Ok(rule) = Rule::parse(&rule).and_then(|rule| rule.anchored(first, false)) else { return Ok(()); };
        let wanted = |begin| -> Result<Vec<DateTime>, Unsupported> {
            let starts = civil::starts(&rule, WantedStarts { first, from: begin, to })?;
            let starts = starts.take_while(|start| start.is_err() || start.is_ok_and(|start| start <= to));
            starts.filter(|start| start.is_err() || start.is_ok_and(|start| start >= from)).collect()
        };
        let whole = wanted(first);
        prop_assume!(whole.is_ok());
        prop_assert_eq!(wanted(from), whole);
    }

    /// A window shows what a longer range shows, cut to the window.
    #[test]
    fn windows_agree_with_the_whole(
        rule in endless(),
        end in prop_oneof![Just(String::new()), (1..200u32).prop_map(|n| format!(";COUNT={n}")), Just(";UNTIL=20270415T120000Z".to_owned())],
        first in first_start(),
        minutes in prop::sample::select(vec![0i64, 30, 24 * 60, 9 * 24 * 60]),
        day_after in 0..700i64,
        cancelled in 0..5usize,
        zone in prop::sample::select(vec![Zone::Utc, Zone::Floating, Zone::Iana("Europe/Berlin".into()), Zone::Iana("America/New_York".into())]),
    ) {
        // Begin in 2026, so that the whole is not long.
        let first = first.with().year(2026).day(first.day().min(28)).build().unwrap();
        let content = content(timed(first, minutes, &zone));
        let mut series = series(&[&format!("{rule}{end}")]);
        let all = |series: &Series| occurrences(&content, series, at("2025-12-01T00:00:00Z")..at("2029-01-01T00:00:00Z"), Some("Asia/Tokyo"));
        let Ok(found) = all(&series) else { return Ok(()); };
        series.exceptions.extend(found.iter().step_by(3).take(cancelled).map(|o| (o.original, Exception::Cancelled)));
        let whole = all(&series).unwrap();
        prop_assert_eq!(whole.len(), found.len() - series.exceptions.len());

        let window = Window { start: day("2026-01-01") + jiff::Span::new().days(day_after), end: day("2026-01-15") + jiff::Span::new().days(day_after) };
        let range = window.start_instant()..window.end_instant();
        let expected: Vec<_> = whole.into_iter().filter(|o| overlaps(&o.span, &range, Some("Asia/Tokyo"))).collect();
        prop_assert_eq!(&occurrences(&content, &series, range, Some("Asia/Tokyo")).unwrap(), &expected);
        let draft = Draft { content, series: Some(series) };
        prop_assert_eq!(any_in_window(&draft, window, Some("Asia/Tokyo")), Ok(!expected.is_empty()));
    }
}
