use engine::event::{Busy, Content, Exception, Moment, Parts, Series, Span, Visibility};
use jiff::civil::{date, datetime};
use serde_json::json;

use super::*;

fn utc(day: i8, hour: i8) -> Moment {
    Moment { local: date(2026, 3, day).at(hour, 0, 0, 0), zone: Zone::Utc }
}

fn content() -> Content {
    Content {
        span: Span::Timed { start: utc(2, 9), end: utc(2, 10) },
        title: "Team".into(),
        description: "Notes".into(),
        location: "Room 5".into(),
        attendees: vec![],
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

fn at(day: i8) -> OriginalStart {
    OriginalStart::At(
        date(2026, 3, day).at(9, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp(),
    )
}

fn daily(exceptions: &[(OriginalStart, Exception)]) -> Draft {
    let series = Series {
        rules: vec!["FREQ=DAILY;COUNT=40".into()],
        extra: vec![],
        exceptions: exceptions.iter().cloned().collect(),
    };
    Draft { content: content(), series: Some(series) }
}

fn changed() -> Exception {
    Exception::Changed(Box::new(content()))
}

#[test]
fn two_marks_of_one_mapping_are_of_one_copy() {
    for (one, other, same) in [
        ("h1.k.map.mac", "h2.k2.map.first.mac", true),
        ("h2.k.map.first.mac", "h2.k.other.first.mac", false),
        ("mine", "mine", true),
        ("mine", "yours", false),
        ("h1.k", "h2.k", false),
        ("h1.k", "h2.k.map.first.mac", false),
    ] {
        assert_eq!(is_same_copy(one, other), same, "{one} {other}");
    }
}

#[test]
fn a_changed_occurrence_that_no_rule_gives_becomes_a_further_date() {
    let extra = |draft: Draft| with_strays(draft).series.unwrap().extra;
    let late = OriginalStart::At("2026-06-01T09:00:00Z".parse().unwrap());
    assert_eq!(extra(daily(&[(at(3), changed()), (late, changed())])), [late]);
    assert_eq!(
        extra(daily(&[(late, Exception::Cancelled)])),
        [],
        "what is cancelled does not take place"
    );
    let single = Draft { content: content(), series: None };
    assert_eq!(with_strays(single.clone()), single);
}

#[test]
fn a_draft_floats_where_any_of_its_times_does() {
    let floating = |local| Moment { local, zone: Zone::Floating };
    let noon = datetime(2026, 3, 2, 12, 0, 0, 0);
    let with =
        |start: Moment, end: Moment| Content { span: Span::Timed { start, end }, ..content() };
    let single = |content| Draft { content, series: None };
    assert!(
        !floats(&single(content()))
            && !floats(&daily(&[(at(3), changed()), (at(4), Exception::Cancelled)]))
    );
    assert!(
        floats(&single(with(floating(noon), utc(2, 13))))
            && floats(&single(with(utc(2, 9), floating(noon))))
    );
    assert!(floats(&daily(&[(
        at(3),
        Exception::Changed(Box::new(with(floating(noon), floating(noon))))
    )])));
    let days = Content {
        span: Span::AllDay { start: date(2026, 3, 2), end: date(2026, 3, 3) },
        ..content()
    };
    assert!(!floats(&single(days)));
}

fn overlay(old: &Draft, new: &Draft, parts: Parts) -> Draft {
    overlaid(
        old,
        new,
        &Edit { draft: new, parts: &parts, marker: None, now: jiff::Timestamp::UNIX_EPOCH },
        &Zone::Iana("Europe/Berlin".into()),
    )
}

#[test]
fn an_edit_takes_the_parts_that_it_names() {
    let new = Content {
        span: Span::Timed { start: utc(3, 9), end: utc(3, 10) },
        title: "Second".into(),
        description: "None".into(),
        location: "Room 7".into(),
        attendees: vec!["anna@example.org".into()],
        visibility: Visibility::Private,
        busy: Busy::Free,
    };
    let (old, new) =
        (Draft { content: content(), series: None }, Draft { content: new, series: None });
    for field in Field::ALL {
        let found =
            overlay(&old, &new, Parts { fields: [field].into(), ..Parts::default() }).content;
        let mut wanted = content();
        match field {
            Field::Time => wanted.span.clone_from(&new.content.span),
            Field::Title => wanted.title = "Second".into(),
            Field::Description => wanted.description = "None".into(),
            Field::Location => wanted.location = "Room 7".into(),
            Field::Visibility => wanted.visibility = Visibility::Private,
            Field::Busy => wanted.busy = Busy::Free,
            Field::Attendees => {}
        }
        assert!(found == wanted, "{field:?}: {found:?}");
    }
}

#[test]
fn an_edit_of_a_series_takes_its_rule_with_its_time_and_the_exceptions_that_it_names() {
    let old = daily(&[(at(3), Exception::Cancelled), (at(4), changed())]);
    let mut new = daily(&[(at(5), Exception::Cancelled), (at(6), Exception::Cancelled)]);
    new.series.as_mut().unwrap().rules = vec!["FREQ=WEEKLY".into()];
    new.series.as_mut().unwrap().extra = vec![at(20)];
    let series = |fields: &[Field], exceptions: &[OriginalStart]| {
        let parts = Parts {
            fields: fields.iter().copied().collect(),
            exceptions: exceptions.iter().copied().collect(),
        };
        overlay(&old, &new, parts).series.unwrap()
    };
    let words = series(&[Field::Title], &[at(3), at(5)]);
    assert_eq!((words.rules, words.extra), (old.series.clone().unwrap().rules, vec![]));
    assert_eq!(words.exceptions.keys().copied().collect::<Vec<_>>(), [at(4), at(5)]);
    let time = series(&[Field::Time], &[]);
    assert_eq!((time.rules, time.extra), (vec!["FREQ=WEEKLY".to_owned()], vec![at(20)]));
    assert_eq!(time.exceptions, old.series.clone().unwrap().exceptions);
    // A floating start is meant in the zone of the calendar.
    let six = OriginalStart::Floating(date(2026, 3, 6).at(10, 0, 0, 0));
    assert!(series(&[], &[six]).exceptions.contains_key(&at(6)));
    let bare = Draft { content: content(), series: None };
    let parts = Parts { fields: [Field::Time].into(), ..Parts::default() };
    assert_eq!(overlay(&old, &bare, parts).series, None, "it repeats no longer");
}

fn master(recurrence: &[&str]) -> SeriesItems {
    let item = json!({
        "id": "e", "status": "confirmed", "recurrence": recurrence,
        "start": { "dateTime": "2026-03-02T09:00:00Z", "timeZone": "UTC" },
        "end": { "dateTime": "2026-03-02T10:00:00Z", "timeZone": "UTC" },
    });
    SeriesItems::alone(serde_json::from_value(item).unwrap())
}

const DAILY: &str = "RRULE:FREQ=DAILY;COUNT=40";

#[test]
fn few_cancellations_are_deletions_and_leave_the_recurrence_alone() {
    let cancelled = |days: std::ops::RangeInclusive<i8>| {
        daily(&days.map(|day| (at(day), Exception::Cancelled)).collect::<Vec<_>>())
    };
    let lines = |whole: &SeriesItems, old: &Draft, target: &Draft, moved| {
        new_recurrence(whole, old, target, moved).unwrap()
    };
    let (whole, old) = (master(&[DAILY]), daily(&[]));
    assert_eq!(lines(&whole, &old, &old, false), None);
    assert_eq!(lines(&whole, &old, &cancelled(3..=22), false), None, "twenty");
    let many = lines(&whole, &old, &cancelled(3..=23), false).unwrap();
    let many: Vec<&str> =
        many.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(many[0], DAILY);
    assert!(
        many[1..].iter().all(|line| line.starts_with("EXDATE"))
            && many[1..].join(",").matches("T090000").count() == 21,
        "{many:?}"
    );
    // A cancellation that the rule does not give cannot be deleted.
    let stray = daily(&[(
        OriginalStart::At("2026-06-01T09:00:00Z".parse().unwrap()),
        Exception::Cancelled,
    )]);
    assert!(lines(&whole, &old, &stray, false).is_some());
    // One that is taken back takes its EXDATE along, and the others stay.
    let excluded = master(&[DAILY, "EXDATE:20260303T090000Z", "exdate:20260304T090000Z"]);
    let before = cancelled(3..=4);
    assert_eq!(lines(&excluded, &before, &before, false), None);
    let after = lines(&excluded, &before, &cancelled(3..=3), false).unwrap();
    assert_eq!(after, json!([DAILY, "EXDATE:20260303T090000Z"]));
}

#[test]
fn another_time_or_rule_writes_the_recurrence_anew() {
    let lines = |old: &Draft, target: &Draft, moved| {
        new_recurrence(&master(&[DAILY]), old, target, moved).unwrap()
    };
    let (old, single) = (daily(&[]), Draft { content: content(), series: None });
    assert_eq!(lines(&old, &old, true), Some(json!([DAILY])));
    assert_eq!(lines(&single, &single, true), None, "nothing repeats");
    assert_eq!(lines(&old, &single, false), Some(Value::Null));
    assert_eq!(lines(&single, &old, false), Some(json!([DAILY])));
    let mut other = daily(&[(at(3), Exception::Cancelled)]);
    other.series.as_mut().unwrap().rules = vec!["FREQ=DAILY;COUNT=9".into()];
    assert_eq!(
        lines(&old, &other, false),
        Some(json!(["RRULE:FREQ=DAILY;COUNT=9", "EXDATE:20260303T090000Z"]))
    );
    let mut further = daily(&[]);
    further.series.as_mut().unwrap().extra =
        vec![OriginalStart::At("2026-06-01T09:00:00Z".parse().unwrap())];
    assert_eq!(lines(&old, &further, false), Some(json!([DAILY, "RDATE:20260601T090000Z"])));
}
