//! Exceptions, further starts, and what an occurrence looks like.

use super::*;
use crate::event::Exception::{Cancelled, Changed};

/// Tuesdays at ten in Berlin, an hour long, from 3 March 2026.
fn tuesdays() -> (Content, Series) {
    (content(timed(local("2026-03-03T10:00"), 60, &berlin())), series(&["FREQ=WEEKLY;COUNT=6"]))
}

fn within(content: &Content, series: &Series, from: &str, to: &str) -> Vec<String> {
    let range = at(&format!("{from}T00:00:00Z"))..at(&format!("{to}T00:00:00Z"));
    starts(&occurrences(content, series, range, Some("Europe/Berlin")).unwrap())
}

fn moved(to: &str) -> Exception {
    Changed(Box::new(content(timed(local(to), 60, &berlin()))))
}

#[test]
fn the_wall_clock_is_kept_over_a_clock_change() {
    let (content, series) = tuesdays();
    assert_eq!(
        within(&content, &series, "2026-03-20", "2026-04-03"),
        ["2026-03-24T09:00:00Z", "2026-03-31T08:00:00Z"],
        "ten in winter, ten in summer"
    );
}

#[test]
fn an_occurrence_is_where_it_was_moved_to() {
    let (content, mut series) = tuesdays();
    let original = OriginalStart::At(at("2026-03-10T09:00:00Z"));
    series.exceptions.insert(original, moved("2026-06-01T15:00"));
    assert_eq!(within(&content, &series, "2026-03-09", "2026-03-16"), [""; 0], "moved out");
    let range = at("2026-06-01T00:00:00Z")..at("2026-06-02T00:00:00Z");
    let found = occurrences(&content, &series, range, None).unwrap();
    assert_eq!(found.len(), 1, "moved in");
    assert_eq!((found[0].original, found[0].changed), (original, true));
    assert!(series.exceptions.contains_key(&found[0].original));
    assert_eq!(starts(&found), ["2026-06-01T13:00:00Z"]);
    let draft = Draft { content, series: Some(series) };
    let window = |start, end| {
        any_in_window(&draft, Window { start: day(start), end: day(end) }, None).unwrap()
    };
    assert!(window("2026-06-01", "2026-06-02"));
    assert!(!window("2026-03-09", "2026-03-16"));
    assert!(!window("2026-06-02", "2027-06-02"));
}

#[test]
fn an_exception_that_the_rule_does_not_give_is_there() {
    let (content, mut series) = tuesdays();
    series
        .exceptions
        .insert(OriginalStart::At(at("2026-05-05T08:00:00Z")), moved("2026-05-05T11:00"));
    assert_eq!(within(&content, &series, "2026-05-01", "2026-06-01"), ["2026-05-05T09:00:00Z"]);
}

#[test]
fn a_cancelled_start_is_found_in_any_form() {
    let (content, plain) = tuesdays();
    for original in [
        OriginalStart::At(at("2026-03-10T09:00:00Z")),
        OriginalStart::Floating(local("2026-03-10T10:00")),
        OriginalStart::Day(day("2026-03-10")),
    ] {
        let mut series = plain.clone();
        series.exceptions.insert(original, Cancelled);
        assert_eq!(within(&content, &series, "2026-03-09", "2026-03-16"), [""; 0], "{original:?}");
        assert_eq!(within(&content, &series, "2026-03-01", "2026-06-01").len(), 5, "{original:?}");
    }
    // Floating series and all-day series, likewise.
    let floating = super::content(timed(local("2026-03-03T10:00"), 60, &Zone::Floating));
    let whole = super::content(Span::AllDay { start: day("2026-03-03"), end: day("2026-03-04") });
    for (content, original) in [
        (&floating, OriginalStart::Floating(local("2026-03-10T10:00"))),
        (&floating, OriginalStart::At(at("2026-03-10T09:00:00Z"))),
        (&floating, OriginalStart::Day(day("2026-03-10"))),
        (&whole, OriginalStart::Day(day("2026-03-10"))),
        (&whole, OriginalStart::At(at("2026-03-10T00:00:00Z"))),
        (&whole, OriginalStart::Floating(local("2026-03-10T10:00"))),
    ] {
        let mut series = plain.clone();
        series.exceptions.insert(original, Cancelled);
        assert_eq!(within(content, &series, "2026-03-09", "2026-03-16"), [""; 0], "{original:?}");
    }
}

#[test]
fn the_first_start_is_an_occurrence_unless_cancelled() {
    // A Tuesday, with a rule for Mondays; it is the first of the three that are counted.
    let first = content(timed(local("2026-03-03T10:00"), 60, &berlin()));
    let mut series = series(&["FREQ=WEEKLY;BYDAY=MO;COUNT=3"]);
    let all = ["2026-03-03T09:00:00Z", "2026-03-09T09:00:00Z", "2026-03-16T09:00:00Z"];
    assert_eq!(within(&first, &series, "2026-01-01", "2027-01-01"), all);
    series.exceptions.insert(OriginalStart::At(at(all[0])), Cancelled);
    assert_eq!(within(&first, &series, "2026-01-01", "2027-01-01"), all[1..]);
}

#[test]
fn count_and_until_together_end_at_the_first() {
    let first = content(timed(local("2026-03-03T10:00"), 60, &berlin()));
    let count = |rule: &str| within(&first, &series(&[rule]), "2026-01-01", "2027-01-01").len();
    assert_eq!(count("FREQ=DAILY;COUNT=3;UNTIL=20260320T000000Z"), 3);
    assert_eq!(count("FREQ=DAILY;COUNT=30;UNTIL=20260306T000000Z"), 3);
    assert_eq!(
        count("FREQ=DAILY;UNTIL=20200101T000000Z"),
        1,
        "an end before the start leaves the start"
    );
}

#[test]
fn further_starts_and_several_rules_come_once() {
    let (content, mut series) = tuesdays();
    series.rules.push("FREQ=WEEKLY;BYDAY=TU,WE;UNTIL=20260312T000000Z".into());
    series.extra = vec![
        OriginalStart::At(at("2026-03-10T09:00:00Z")),
        OriginalStart::At(at("2026-03-12T12:00:00Z")),
    ];
    assert_eq!(
        within(&content, &series, "2026-03-01", "2026-03-15"),
        [
            "2026-03-03T09:00:00Z",
            "2026-03-04T09:00:00Z",
            "2026-03-10T09:00:00Z",
            "2026-03-11T09:00:00Z",
            "2026-03-12T12:00:00Z"
        ]
    );
}

/// In Berlin, half past two comes twice on 25 October 2026.
#[test]
fn the_two_readings_of_a_fold_are_told_apart() {
    let night = content(timed(local("2026-10-24T02:30"), 30, &berlin()));
    let mut series = series(&["FREQ=DAILY;COUNT=3"]);
    series.extra = vec![OriginalStart::At(at("2026-10-25T01:30:00Z"))];
    let both = [
        "2026-10-24T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-26T01:30:00Z",
    ];
    let range = at("2026-10-01T00:00:00Z")..at("2026-11-01T00:00:00Z");
    let originals = |series: &Series| -> Vec<String> {
        let found = occurrences(&night, series, range.clone(), None).unwrap();
        found
            .iter()
            .map(|o| {
                if let OriginalStart::At(at) = o.original { at.to_string() } else { String::new() }
            })
            .collect()
    };
    assert_eq!(originals(&series), both);
    series.exceptions.insert(OriginalStart::At(at(both[2])), Cancelled);
    assert_eq!(originals(&series), [both[0], both[1], both[3]]);
}

#[test]
fn a_start_in_a_gap_moves_forward_and_keeps_its_length() {
    let night = content(timed(local("2026-03-28T02:30"), 60, &berlin()));
    let range = at("2026-03-29T00:00:00Z")..at("2026-03-30T00:00:00Z");
    let found = occurrences(&night, &series(&["FREQ=DAILY"]), range, None).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].span, timed(local("2026-03-29T03:30"), 60, &berlin()));
}

#[test]
fn all_last_equally_long() {
    // A flight of eight hours; clocks change in America two weeks before they do in Europe.
    let new_york = Zone::Iana("America/New_York".into());
    let flight = Span::Timed {
        start: Moment { local: local("2026-03-01T13:00"), zone: berlin() },
        end: Moment { local: local("2026-03-01T15:00"), zone: new_york.clone() },
    };
    let range = at("2026-03-15T00:00:00Z")..at("2026-03-16T00:00:00Z");
    let found = occurrences(&content(flight), &series(&["FREQ=WEEKLY"]), range, None).unwrap();
    assert_eq!(
        found[0].span,
        Span::Timed {
            start: Moment { local: local("2026-03-15T13:00"), zone: berlin() },
            end: Moment { local: local("2026-03-15T16:00"), zone: new_york },
        }
    );
    let days = content(Span::AllDay { start: day("2026-03-03"), end: day("2026-03-06") });
    let range = at("2026-03-12T00:00:00Z")..at("2026-03-13T00:00:00Z");
    let found = occurrences(&days, &series(&["FREQ=WEEKLY"]), range, None).unwrap();
    assert_eq!(found[0].span, Span::AllDay { start: day("2026-03-10"), end: day("2026-03-13") });
}

#[test]
fn what_touches_the_range_only_is_outside() {
    let (content, series) = tuesdays();
    let any = |from: &str, to: &str| {
        !occurrences(&content, &series, at(from)..at(to), None).unwrap().is_empty()
    };
    assert!(any("2026-03-10T09:59:59Z", "2026-03-11T00:00:00Z"), "its last second");
    assert!(!any("2026-03-10T10:00:00Z", "2026-03-11T00:00:00Z"), "its end");
    assert!(!any("2026-03-10T00:00:00Z", "2026-03-10T09:00:00Z"), "its start");
    assert!(any("2026-03-10T00:00:00Z", "2026-03-10T09:00:01Z"), "its first second");
    let moment = super::content(timed(local("2026-03-03T10:00"), 0, &berlin()));
    let range = at("2026-03-10T09:00:00Z")..at("2026-03-10T09:00:01Z");
    assert_eq!(
        occurrences(&moment, &series, range, None).unwrap().len(),
        1,
        "an event without length is at its start"
    );
}

#[test]
fn floating_series_are_meant_in_the_zone_of_the_calendar() {
    let noon = Draft {
        content: content(timed(local("2026-03-03T23:30"), 20, &Zone::Floating)),
        series: Some(series(&["FREQ=YEARLY"])),
    };
    let window = Window { start: day("2027-03-04"), end: day("2027-03-05") };
    assert_eq!(any_in_window(&noon, window, None), Ok(false));
    assert_eq!(any_in_window(&noon, window, Some("America/New_York")), Ok(true));
}

#[test]
fn whether_a_series_goes_on() {
    let draft = |rule: &str| Draft {
        content: content(timed(local("2026-03-03T10:00"), 60, &berlin())),
        series: Some(series(&[rule])),
    };
    let later = at("2030-01-01T00:00:00Z")..Timestamp::MAX;
    assert_eq!(any_in_range(&draft("FREQ=WEEKLY"), later.clone(), None), Ok(true));
    assert_eq!(any_in_range(&draft("FREQ=HOURLY"), later.clone(), None), Ok(true));
    assert_eq!(any_in_range(&draft("FREQ=WEEKLY;COUNT=100"), later.clone(), None), Ok(false));
    assert_eq!(
        any_in_range(&draft("FREQ=WEEKLY;UNTIL=20291231T000000Z"), later.clone(), None),
        Ok(false)
    );
    let single = Draft { series: None, ..draft("") };
    assert_eq!(any_in_range(&single, later, None), Ok(false));
    assert_eq!(any_in_range(&single, at("2026-01-01T00:00:00Z")..Timestamp::MAX, None), Ok(true));
}

#[test]
fn ten_years_of_days_are_given_and_no_more() {
    let daily = |count| {
        occurrences(
            &tuesdays().0,
            &series(&[&format!("FREQ=DAILY;COUNT={count}")]),
            at("2026-01-01T00:00:00Z")..Timestamp::MAX,
            None,
        )
    };
    assert_eq!(daily(MAX_OCCURRENCES).map(|found| found.len()), Ok(3_660));
    assert_eq!(daily(MAX_OCCURRENCES + 1), Err(Unsupported::TooMany));
}

/// It floats: that clocks go forward in the zone in which it is meant does not change what it says.
#[test]
fn a_floating_occurrence_keeps_its_wall_clock_in_a_gap() {
    let content = content(timed(local("2026-03-27T02:30"), 60, &Zone::Floating));
    let range = at("2026-03-28T00:00:00Z")..at("2026-03-30T23:00:00Z");
    let found =
        occurrences(&content, &series(&["FREQ=DAILY"]), range, Some("Europe/Berlin")).unwrap();
    let spans: Vec<&Span> = found.iter().map(|occurrence| &occurrence.span).collect();
    let on = |day: &str| timed(local(&format!("{day}T02:30")), 60, &Zone::Floating);
    assert_eq!(spans, [&on("2026-03-28"), &on("2026-03-29"), &on("2026-03-30")]);
}

#[test]
fn an_end_in_another_zone_stays_there() {
    let moment = |text: &str, zone: Zone| Moment { local: local(text), zone };
    let span = |start: &str, end: &str| Span::Timed {
        start: moment(start, Zone::Floating),
        end: moment(end, berlin()),
    };
    let content = content(span("2026-03-12T10:00", "2026-03-12T11:00"));
    let range = at("2026-03-13T00:00:00Z")..at("2026-03-14T00:00:00Z");
    let found =
        occurrences(&content, &series(&["FREQ=DAILY"]), range, Some("Europe/Berlin")).unwrap();
    assert_eq!(
        found.iter().map(|one| one.span.clone()).collect::<Vec<_>>(),
        [span("2026-03-13T10:00", "2026-03-13T11:00")]
    );
}
