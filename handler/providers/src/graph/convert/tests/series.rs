//! Masters, occurrences and exceptions.

use engine::event::Exception;

use super::*;

fn start(text: &str) -> OriginalStart {
    OriginalStart::At(at(text))
}

fn weekly(rule: &str) -> Draft {
    let series = Series { rules: vec![rule.to_owned()], ..Series::default() };
    Draft { content: tallinn(), series: Some(series) }
}

fn days_of(rule: &str) -> Draft {
    let span = Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 11) };
    Draft { content: Content { span, ..tallinn() }, ..weekly(rule) }
}

fn master(draft: &Draft) -> WireEvent {
    answer(&body(draft))
}

/// An instance of the series of Tuesdays, as it is answered.
fn instance(kind: &str, original: &str, more: Value) -> WireEvent {
    let bound = |hour: i64| {
        let at = original.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour);
        json!({ "dateTime": at.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": "UTC" })
    };
    let own = json!({
        "type": kind, "seriesMasterId": "AAMk", "originalStart": original, "id": "i",
        "start": bound(0), "end": bound(1), "subject": "Team", "showAs": "busy",
        "body": { "contentType": "text", "content": "Notes" }, "sensitivity": "normal",
        "location": { "displayName": "Room 5" },
    });
    let own = with(own, json!({ "originalStartTimeZone": "FLE Standard Time" }));
    let own = with(own, json!({ "originalEndTimeZone": "FLE Standard Time", "isAllDay": false }));
    item(with(with(own, json!({ "isOrganizer": true })), more))
}

#[test]
fn an_instance_is_known_by_its_series_and_its_original_start() {
    let found = read(&instance("occurrence", "2026-03-17T08:00:00Z", json!({})));
    assert_eq!(found.id, EventId::instance("AAMk", start("2026-03-17T08:00:00Z")));
    assert!(found.series.is_none() && found.id.as_str() == "AAMk/20260317T080000Z");
    let moved = json!({
        "start": { "dateTime": "2026-03-18T12:00:00.0000000", "timeZone": "UTC" },
        "end": { "dateTime": "2026-03-18T13:00:00.0000000", "timeZone": "UTC" },
    });
    let moved = read(&instance("exception", "2026-03-17T08:00:00.0000000+00:00", moved));
    assert_eq!(moved.id.as_str(), "AAMk/20260317T080000Z", "wherever it was moved to");
    assert_eq!(engine::zone::start(&moved.content.span, None), at("2026-03-18T12:00:00Z"));
}

#[test]
fn an_instance_of_a_series_of_days_is_known_by_its_day() {
    let day = |more: Value| {
        let midnight =
            |day: &str| json!({ "dateTime": format!("{day}T00:00:00"), "timeZone": "UTC" });
        let own = json!({
            "isAllDay": true, "originalStartTimeZone": "UTC", "start": midnight("2026-03-17"),
            "end": midnight("2026-03-18"),
        });
        instance("occurrence", "2026-03-17T00:00:00Z", with(own, more))
    };
    assert_eq!(read(&day(json!({}))).id.as_str(), "AAMk/20260317");
    // A midnight of the zone that it was made in.
    let tallinn = json!({
        "originalStart": "2026-03-16T22:00:00Z", "originalStartTimeZone": "FLE Standard Time",
    });
    assert_eq!(read(&day(tallinn)).id.as_str(), "AAMk/20260317");
    // Where its zone is not named, the day is that of its start, and of an exception the nearest.
    let summer = |kind: &str| json!({ "type": kind, "originalStart": "2026-03-16T23:00:00Z" });
    assert_eq!(read(&day(summer("occurrence"))).id.as_str(), "AAMk/20260317");
    assert_eq!(read(&day(summer("exception"))).id.as_str(), "AAMk/20260317");
    // Where the form of the series is known, that of an exception does not matter.
    let of_days = EventContext { series_of_days: Some(true), ..EventContext::default() };
    let timed = day(json!({ "isAllDay": false, "type": "exception" }));
    assert_eq!(event(&timed, of_days).unwrap().id.as_str(), "AAMk/20260317");
    let of_times = EventContext { series_of_days: Some(false), ..EventContext::default() };
    assert_eq!(event(&day(json!({})), of_times).unwrap().id.as_str(), "AAMk/20260317T000000Z");
}

#[test]
fn an_occurrence_without_an_original_start_is_where_it_is_and_an_exception_is_unreadable() {
    let without = json!({ "originalStart": null });
    let found = read(&instance("occurrence", "2026-03-17T08:00:00Z", without.clone()));
    assert_eq!(found.id.as_str(), "AAMk/20260317T080000Z");
    let lost = instance("exception", "2026-03-17T08:00:00Z", without);
    assert!(event(&lost, EventContext::default()).is_err());
    assert_eq!(original_start(&lost, EventContext::default()), None);
    let shown = content(&lost, EventContext::default()).unwrap();
    assert_eq!(shown.title, "Team", "what it shows is readable");
    let sparse = item(json!({
        "id": "i", "type": "occurrence", "seriesMasterId": "m",
        "start": { "dateTime": "2026-03-10T08:00:00.0000000", "timeZone": "UTC" },
        "end": { "dateTime": "2026-03-10T09:00:00.0000000", "timeZone": "UTC" },
    }));
    assert_eq!(read(&sparse).id.as_str(), "m/20260310T080000Z");
}

#[test]
fn a_series_is_written_with_its_pattern_in_the_zone_of_its_start() {
    let written = body(&weekly("FREQ=WEEKLY;BYDAY=TU;UNTIL=20261231T080000Z"));
    assert_eq!(
        written["recurrence"],
        json!({
            "pattern": {
                "type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"],
                "firstDayOfWeek": "monday",
            },
            "range": { "type": "endDate", "startDate": "2026-03-10", "endDate": "2026-12-29" },
        })
    );
    assert_eq!(written["start"]["timeZone"], "FLE Standard Time");
    let flight = Draft {
        content: Content {
            span: Span::Timed {
                start: in_zone("Europe/Tallinn", date(2026, 3, 10), 10),
                end: in_zone("Asia/Tokyo", date(2026, 3, 10), 19),
            },
            ..tallinn()
        },
        ..weekly("FREQ=WEEKLY")
    };
    let bound = json!({ "dateTime": "2026-03-10T12:00:00", "timeZone": "FLE Standard Time" });
    assert_eq!(body(&flight)["end"], bound, "two hours, in the zone of the start");
    let none = Draft { series: Some(Series::default()), ..single(&tallinn()) };
    assert!(!repeats(&Series::default()) && repeats(&weekly("FREQ=WEEKLY").series.unwrap()));
    assert!(body(&none).get("recurrence").is_none(), "nothing repeats");
}

#[test]
fn a_series_in_a_zone_without_a_name_or_by_no_pattern_is_not_representable() {
    let refused = ["FLE Standard Time"];
    let why = body_where(&weekly("FREQ=WEEKLY"), &refused).err();
    assert_eq!(why, Some(NotRepresentable::Zone));
    let single = body_where(&single(&tallinn()), &refused).unwrap();
    assert_eq!(single.start.unwrap().time_zone.as_deref(), Some("UTC"));
    let why = body_where(&weekly("FREQ=MONTHLY;BYMONTHDAY=10,20"), &[]).err();
    assert_eq!(why, Some(NotRepresentable::Part("BYMONTHDAY")));
    assert!(body_where(&days_of("FREQ=WEEKLY"), &refused).is_ok(), "days are in no zone");
}

#[test]
fn only_the_time_of_a_series_names_its_pattern() {
    let draft = weekly("FREQ=WEEKLY");
    assert_eq!(patched(&draft, &[Field::Title]), json!({ "subject": "Team" }));
    let time = patched(&draft, &[Field::Time]);
    let names: Vec<&String> = time.as_object().unwrap().keys().collect();
    assert_eq!(names, ["end", "isAllDay", "recurrence", "start"]);
}

#[test]
fn a_master_is_read_as_the_series_that_was_written() {
    for (rule, back) in [
        ("FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=TU;WKST=MO"),
        ("FREQ=WEEKLY;COUNT=5", "FREQ=WEEKLY;BYDAY=TU;WKST=MO;COUNT=5"),
        (
            "FREQ=WEEKLY;UNTIL=20261231T080000Z",
            "FREQ=WEEKLY;BYDAY=TU;WKST=MO;UNTIL=20261229T080000Z",
        ),
    ] {
        let draft = weekly(rule);
        let found = series(&master(&draft), &[], EventContext::default()).unwrap();
        assert_eq!(found.series.unwrap().rules, [back]);
        assert!(differences(&found.content, &draft.content).is_empty());
    }
    let found =
        series(&master(&days_of("FREQ=DAILY;UNTIL=20260401")), &[], EventContext::default());
    assert_eq!(found.unwrap().series.unwrap().rules, ["FREQ=DAILY;UNTIL=20260401"]);
    for recurrence in [json!(null), json!({}), json!({ "pattern": { "type": "hourly" } })] {
        let item = hour(json!({ "type": "seriesMaster", "recurrence": recurrence }));
        assert!(series(&item, &[], EventContext::default()).is_err(), "{recurrence}");
    }
}

#[test]
fn exceptions_become_part_of_their_series() {
    let mut item = master(&weekly("FREQ=WEEKLY"));
    // In summer the Tuesdays begin at seven in UTC.
    item.cancelled_occurrences = vec!["OID.AAMk.x==.2026-04-07".into()];
    let items = [
        instance("occurrence", "2026-03-17T08:00:00Z", json!({ "subject": "unseen" })),
        instance("exception", "2026-03-24T08:00:00Z", json!({ "subject": "Moved" })),
        instance("exception", "2026-03-31T07:00:00Z", json!({})),
        instance("exception", "2026-04-14T07:00:00Z", json!({ "isCancelled": true })),
    ];
    let found = series(&item, &items, EventContext::default()).unwrap();
    let exceptions = found.series.unwrap().exceptions;
    assert_eq!(exceptions.len(), 3, "an exception that is as its series would have it is none");
    assert_eq!(exceptions[&start("2026-04-07T07:00:00Z")], Exception::Cancelled);
    assert_eq!(exceptions[&start("2026-04-14T07:00:00Z")], Exception::Cancelled);
    assert!(
        matches!(&exceptions[&start("2026-03-24T08:00:00Z")], Exception::Changed(content) if content.title == "Moved")
    );
    let guest = json!({ "attendees": [{ "type": "resource" }] });
    let invited = instance("exception", "2026-03-24T08:00:00Z", guest);
    assert!(series(&item, &[invited], EventContext::default()).unwrap().has_guests());
    let lost = instance("exception", "2026-03-24T08:00:00Z", json!({ "originalStart": "x" }));
    assert!(series(&item, &[lost], EventContext::default()).is_err());
    item.cancelled_occurrences = vec!["OID.AAMk.2026-04-08".into()];
    let found = series(&item, &[], EventContext::default()).unwrap().series.unwrap();
    assert!(found.exceptions.is_empty(), "a Wednesday is a day of an earlier rule");
}

#[test]
fn a_cancelled_day_is_that_of_the_series_or_else_of_utc() {
    let late = |zone: &str, hour| Draft {
        content: Content {
            span: Span::Timed {
                start: in_zone(zone, date(2026, 3, 10), hour),
                end: in_zone(zone, date(2026, 3, 10), hour + 1),
            },
            ..tallinn()
        },
        ..weekly("FREQ=WEEKLY")
    };
    for (draft, day, original) in [
        (late("America/New_York", 22), "2026-03-17", "2026-03-18T02:00:00Z"),
        (late("America/New_York", 22), "2026-03-18", "2026-03-18T02:00:00Z"),
        (late("Asia/Tokyo", 1), "2026-03-17", "2026-03-16T16:00:00Z"),
        (late("Asia/Tokyo", 1), "2026-03-16", "2026-03-16T16:00:00Z"),
    ] {
        let mut item = master(&draft);
        item.cancelled_occurrences = vec![format!("OID.x.{day}")];
        let found = series(&item, &[], EventContext::default()).unwrap().series.unwrap();
        assert_eq!(found.exceptions.into_keys().collect::<Vec<_>>(), [start(original)]);
    }
    let mut item = master(&days_of("FREQ=DAILY"));
    item.cancelled_occurrences = vec!["OID.x.2026-03-12".into()];
    let found = series(&item, &[], EventContext::default()).unwrap().series.unwrap();
    assert!(found.exceptions.contains_key(&OriginalStart::Day(date(2026, 3, 12))));
    item.cancelled_occurrences = vec!["OID.x.2026-03-09".into()];
    let found = series(&item, &[], EventContext::default()).unwrap().series.unwrap();
    assert!(found.exceptions.is_empty(), "before the first one");
    item.cancelled_occurrences = vec!["soon".into()];
    assert!(series(&item, &[], EventContext::default()).is_err());
}

#[test]
fn what_a_rule_gives_and_no_instance_shows_is_absent() {
    let draft = weekly("FREQ=WEEKLY;COUNT=4");
    let found = series(&master(&draft), &[], EventContext::default()).unwrap();
    let range = at("2026-03-01T00:00:00Z")..at("2026-05-01T00:00:00Z");
    let moved = json!({
        "start": { "dateTime": "2026-03-20T08:00:00", "timeZone": "UTC" },
        "end": { "dateTime": "2026-03-20T09:00:00", "timeZone": "UTC" },
    });
    let items = [
        instance("occurrence", "2026-03-10T08:00:00Z", json!({})),
        instance("exception", "2026-03-17T08:00:00Z", moved),
        instance("occurrence", "2026-03-31T07:00:00Z", json!({})),
    ];
    assert_eq!(absent(&found, &items, &range), Ok(vec![start("2026-03-24T08:00:00Z")]));
    let inside = at("2026-03-01T00:00:00Z")..at("2026-03-20T00:00:00Z");
    assert_eq!(absent(&found, &items, &inside), Ok(vec![]));
    assert_eq!(absent(&read(&hour(json!({}))), &[], &range), Ok(vec![]), "no series");
}

#[test]
fn a_series_in_an_unknown_zone_would_drift_and_is_unreadable() {
    let mut item = master(&weekly("FREQ=WEEKLY"));
    item.original_start_time_zone = Some("tzone://Microsoft/Custom".into());
    assert!(series(&item, &[], EventContext::default()).is_err());
    let mut item = master(&days_of("FREQ=WEEKLY"));
    item.original_start_time_zone = Some("tzone://Microsoft/Custom".into());
    assert!(series(&item, &[], EventContext::default()).is_ok(), "days are in no zone");
}

#[test]
fn a_master_is_named_in_a_change_only_if_its_time_or_pattern_differs() {
    let draft = weekly("FREQ=WEEKLY");
    let item = master(&draft);
    let found = series(&item, &[], EventContext::default()).unwrap();
    let is_same = |wanted: &Draft| {
        let body = body_where(wanted, &[]).unwrap();
        same_series(&item, &found, wanted, &body, &window())
    };
    assert!(is_same(&draft), "Kyiv for Tallinn has the same rules");
    assert!(is_same(&weekly("FREQ=WEEKLY;BYDAY=TU;WKST=SU")), "the same days");
    assert!(!is_same(&weekly("FREQ=WEEKLY;COUNT=5")));
    assert!(!is_same(&weekly("FREQ=DAILY")));
    assert!(!is_same(&days_of("FREQ=WEEKLY")));
    assert!(!is_same(&single(&tallinn())));
    let moved = |zone: &str, hour| Draft {
        content: Content {
            span: Span::Timed {
                start: in_zone(zone, date(2026, 3, 10), hour),
                end: in_zone(zone, date(2026, 3, 10), hour + 1),
            },
            ..tallinn()
        },
        ..weekly("FREQ=WEEKLY")
    };
    assert!(is_same(&moved("Europe/Helsinki", 10)));
    assert!(!is_same(&moved("Europe/Tallinn", 11)));
    // The same first instant, and other ones in summer.
    assert!(!is_same(&moved("Africa/Johannesburg", 10)));
}

#[test]
fn the_instances_of_a_new_master_are_compared_with_the_rule() {
    let draft = weekly("FREQ=WEEKLY;COUNT=4");
    let range = at("2026-03-01T00:00:00Z")..at("2026-05-01T00:00:00Z");
    let starts = [
        "2026-03-10T08:00:00Z",
        "2026-03-17T08:00:00Z",
        "2026-03-24T08:00:00Z",
        "2026-03-31T07:00:00Z",
    ];
    let items = |starts: &[&str]| -> Vec<WireEvent> {
        starts.iter().map(|start| instance("occurrence", start, json!({}))).collect()
    };
    let is_as_the_rule = |found: &[WireEvent]| has_instances(&draft, found, &range).unwrap();
    assert!(is_as_the_rule(&items(&starts)));
    assert!(!is_as_the_rule(&items(&starts[1..])), "one is missing");
    assert!(!is_as_the_rule(&items(&[&starts[..], &["2026-04-07T07:00:00Z"]].concat())));
    assert!(is_as_the_rule(&items(&[&starts[..], &["2026-05-05T07:00:00Z"]].concat())), "outside");
    assert!(!is_as_the_rule(&items(&[starts[0], starts[1], starts[2], "2026-03-31T08:00:00Z"])));
    assert!(!is_as_the_rule(&items(&[&starts[..], &starts[..1]].concat())), "one is there twice");
    let mut longer = items(&starts);
    longer[3].end = longer[2].end.clone();
    assert!(!is_as_the_rule(&longer), "one has another length");
    longer[3].start = None;
    assert!(!is_as_the_rule(&longer), "one is unreadable");
    let exceptions = [(start("2026-03-17T08:00:00Z"), Exception::Cancelled)].into();
    let excepted = Series { exceptions, ..draft.series.clone().unwrap() };
    let excepted = Draft { series: Some(excepted), ..draft.clone() };
    assert_eq!(has_instances(&excepted, &items(&starts), &range), Ok(true), "exceptions follow");
}

#[test]
fn guests_of_an_occurrence_that_departs_in_nothing_else_are_seen() {
    let item = |more: Value| instance("exception", "2026-03-17T08:00:00Z", more);
    let master = master(&weekly("FREQ=WEEKLY;BYDAY=TU"));
    let shown = |more: Value| series(&master, &[item(more)], EventContext::default()).unwrap();
    let guest = json!({ "attendees": [
        { "type": "required", "emailAddress": { "address": "carl@example.org" } }
    ] });
    assert!(!shown(json!({})).has_guests() && shown(guest).has_guests());
}
