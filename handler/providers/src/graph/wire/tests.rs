use proptest::prelude::*;
use serde_json::{Value, json};

use super::schema::{has_member, violations};
use super::*;

fn item(value: Value) -> WireEvent {
    serde_json::from_value(value).unwrap()
}

fn head(value: Value) -> ItemHead {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_page_has_a_bounded_number_of_entries() {
    let page = |entries: usize| {
        let text = format!(r#"{{"value":[{}]}}"#, vec!["{}"; entries].join(","));
        serde_json::from_str::<Page>(&text).map(|page| page.value.len()).ok()
    };
    assert_eq!([page(0), page(3), page(MOST_ENTRIES)], [Some(0), Some(3), Some(MOST_ENTRIES)]);
    assert_eq!(page(MOST_ENTRIES + 1), None);
    assert!(serde_json::from_str::<Page>(r#"{"value":null}"#).unwrap().value.is_empty());
    assert!(serde_json::from_str::<Page>(r#"{"value":{}}"#).is_err());
}

#[test]
fn a_member_of_another_type_spoils_no_other_member_of_its_entry() {
    for strange in [json!(5), json!({"a": []}), json!([null]), json!(true), Value::Null] {
        let entry = json!({
            "id": "a", "type": strange, "seriesMasterId": strange, "iCalUId": strange,
            "transactionId": strange, "@odata.etag": strange,
        });
        let head = head(entry);
        assert_eq!((&*head.id, head.kind, head.series_master_id), ("a", None, None));
    }
}

#[test]
fn the_check_finds_what_the_schema_does_not_have() {
    for (body, expected) in [
        (json!({ "subject": "x" }), vec![]),
        (json!({ "uid": "x" }), vec!["event.uid does not exist"]),
        (json!({ "subject": 5 }), vec!["event.subject has another type"]),
        (json!({ "isCancelled": true }), vec!["event.isCancelled is read-only"]),
        (json!({ "showAs": "Busy" }), vec!["event.showAs has a value that its type does not have"]),
        (json!({ "recurrence": null }), vec![]),
        (json!({ "start": { "dateTime": null } }), vec!["event.start.dateTime is null"]),
        (
            json!({ "recurrence": { "range": { "startDate": "10.3.2026" } } }),
            vec!["event.recurrence.range.startDate has another type"],
        ),
        (
            json!({ "recurrence": { "pattern": { "daysOfWeek": ["monday", "MO"], "interval": "1" } } }),
            vec![
                "event.recurrence.pattern.daysOfWeek has a value that its type does not have",
                "event.recurrence.pattern.interval has another type",
            ],
        ),
        (json!({ "body": [] }), vec!["event.body is no object"]),
    ] {
        assert_eq!(violations("event", &body), expected, "{body}");
    }
}

#[test]
fn every_member_and_value_that_is_written_is_in_the_schema() {
    for show_as in [
        FreeBusyStatus::Free,
        FreeBusyStatus::Tentative,
        FreeBusyStatus::Busy,
        FreeBusyStatus::Oof,
        FreeBusyStatus::WorkingElsewhere,
    ] {
        let body = EventBody { show_as: Some(show_as), ..EventBody::default() };
        assert_eq!(violations("event", &json!(body)), [""; 0]);
    }
    for sensitivity in [Sensitivity::Normal, Sensitivity::Private, Sensitivity::Confidential] {
        let body = EventBody { sensitivity: Some(sensitivity), ..EventBody::default() };
        assert_eq!(violations("event", &json!(body)), [""; 0]);
    }
    let bound =
        DateTimeTimeZone { date_time: "2026-03-10T08:00:00".into(), time_zone: Some("UTC".into()) };
    for recurrence in recurrences() {
        let body = json!(EventBody {
            subject: Some("x".into()),
            body: Some(ItemBody { content_type: BodyType::Text, content: "x".into() }),
            start: Some(bound.clone()),
            end: Some(bound.clone()),
            is_all_day: Some(false),
            location: Some(LocationBody { display_name: "x".into() }),
            show_as: Some(FreeBusyStatus::Busy),
            sensitivity: Some(Sensitivity::Normal),
            is_reminder_on: Some(false),
            response_requested: Some(false),
            transaction_id: Some("x".into()),
            recurrence: Some(Some(recurrence)),
            single_value_extended_properties: Some([ExtendedProperty {
                id: MARKER.into(),
                value: "h1".into(),
            }]),
        });
        assert_eq!(body.as_object().unwrap().len(), 13, "every member is there: {body}");
        assert_eq!(violations("event", &body), [""; 0], "{body}");
        assert!(!body.to_string().contains("ttendee"));
    }
    let cleared = EventBody { recurrence: Some(None), ..EventBody::default() };
    assert_eq!(json!(cleared), json!({ "recurrence": null }));
    assert_eq!(json!(EventBody::default()), json!({}));
}

/// Every kind of pattern, range, day and index.
fn recurrences() -> Vec<PatternedRecurrence> {
    use DayOfWeek::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    let start_date = jiff::civil::date(2026, 3, 10);
    let days_of_week = vec![Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday];
    let mut patterns = vec![
        Pattern::Daily { interval: 2 },
        Pattern::AbsoluteMonthly { interval: 1, day_of_month: 5 },
        Pattern::AbsoluteYearly { interval: 1, day_of_month: 5, month: 12 },
    ];
    for first_day_of_week in days_of_week.clone() {
        let days_of_week = days_of_week.clone();
        patterns.push(Pattern::Weekly { interval: 1, days_of_week, first_day_of_week });
    }
    for index in
        [WeekIndex::First, WeekIndex::Second, WeekIndex::Third, WeekIndex::Fourth, WeekIndex::Last]
    {
        let days_of_week = days_of_week.clone();
        patterns.push(Pattern::RelativeMonthly {
            interval: 1,
            days_of_week: days_of_week.clone(),
            index,
        });
        patterns.push(Pattern::RelativeYearly { interval: 1, days_of_week, index, month: 3 });
    }
    let ranges = [
        Range::NoEnd { start_date },
        Range::EndDate { start_date, end_date: start_date },
        Range::Numbered { start_date, number_of_occurrences: 3 },
    ];
    let with = |range: &Range| {
        let range = range.clone();
        patterns.iter().map(move |pattern| PatternedRecurrence {
            pattern: pattern.clone(),
            range: range.clone(),
        })
    };
    ranges.iter().flat_map(with).collect()
}

#[test]
fn a_pattern_has_the_members_of_its_type_and_is_read_among_all_others() {
    for recurrence in recurrences() {
        let written = json!(recurrence);
        let read: PatternedRecurrence = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(read, recurrence);
        let mut full = json!({
            "@odata.type": "#microsoft.graph.patternedRecurrence",
            "pattern": {
                "interval": 1, "month": 0, "dayOfMonth": 0, "firstDayOfWeek": "sunday",
                "index": "first", "daysOfWeek": [],
            },
            "range": {
                "endDate": "0001-01-01", "numberOfOccurrences": 0,
                "recurrenceTimeZone": "FLE Standard Time",
            },
        });
        for part in ["pattern", "range"] {
            let members = written[part].as_object().unwrap().clone();
            full[part].as_object_mut().unwrap().extend(members);
        }
        let read: PatternedRecurrence = serde_json::from_value(full).unwrap();
        assert_eq!(read, recurrence, "an answer has all members");
    }
    let pattern: Pattern =
        serde_json::from_value(json!({ "type": "weekly", "daysOfWeek": ["friday"] })).unwrap();
    let Pattern::Weekly { interval: 1, first_day_of_week: DayOfWeek::Sunday, .. } = pattern else {
        panic!("what is not said has the default of the service");
    };
}

#[test]
fn every_member_that_is_asked_for_exists() {
    for name in EVENT_MEMBERS.iter().chain(&MASTER_MEMBERS) {
        assert!(has_member("event", name), "{name}");
    }
    for name in CALENDAR_MEMBERS {
        assert!(has_member("calendar", name), "{name}");
    }
    assert!(!has_member("event", "uid") && !has_member("event", "occurrenceId"));
}

#[test]
fn every_member_that_is_asked_for_is_read() {
    // No member is a fraction, so that one that is read is refused. Of a series that is not looked
    // at, the pattern may be anything.
    for name in EVENT_MEMBERS.iter().chain(&MASTER_MEMBERS).filter(|name| **name != "recurrence") {
        let fraction = serde_json::from_value::<WireEvent>(json!({ *name: 1.5 }));
        assert!(fraction.is_err(), "{name} is asked for and not read");
    }
    for name in CALENDAR_MEMBERS {
        assert!(serde_json::from_value::<WireCalendar>(json!({ name: 1.5 })).is_err(), "{name}");
    }
}

#[test]
fn changes_are_told_apart() {
    let removed = head(json!({
        "@odata.type": "#microsoft.graph.event", "id": "a", "@removed": { "reason": "deleted" },
    }));
    assert!(removed.is_removed() && !removed.is_sparse() && removed.series().is_none());
    let sparse = head(json!({
        "@odata.etag": "W/\"x\"", "id": "b", "type": "occurrence", "seriesMasterId": "m",
        "start": { "dateTime": "2026-03-10T08:00:00.0000000", "timeZone": "UTC" },
        "end": { "dateTime": "2026-03-10T09:00:00.0000000", "timeZone": "UTC" },
    }));
    assert!(sparse.is_sparse() && !sparse.is_removed());
    assert_eq!(sparse.series(), Some("m"));
    let full = head(json!({ "id": "c", "type": "singleInstance", "isAllDay": false }));
    assert!(!full.is_sparse() && full.series().is_none());
    let master = head(json!({ "id": "m", "type": "seriesMaster", "isAllDay": true }));
    assert_eq!(master.series(), Some("m"));
}

#[test]
fn unknown_members_and_null_are_no_error() {
    let event = item(json!({
        "@odata.context": "x", "id": "a", "type": "seriesMaster", "uid": "x",
        "occurrenceId": "OID", "new@odata.bind": [1], "attendees": null,
        "attendees@odata.count": 5, "isCancelled": null, "subject": null,
        "singleValueExtendedProperties": null, "body": { "@odata.type": "x", "content": null },
        "location": { "displayName": "x", "uniqueId": "y", "coordinates": {} },
    }));
    assert!(event.is_master() && !event.is_instance() && !event.is_exception());
    let exception = item(json!({ "id": "b", "type": "exception", "seriesMasterId": "a" }));
    assert!(exception.is_instance() && exception.is_exception());
    let page: Page = serde_json::from_value(json!({
        "@odata.context": "x", "value": [{ "id": 5 }, null], "@odata.nextLink": "https://x",
    }))
    .unwrap();
    assert_eq!((page.value.len(), page.next_link.as_deref()), (2, Some("https://x")));
    assert_eq!(page.delta_link, None);
    let calendars: CalendarPage = serde_json::from_value(json!({ "value": [{
        "id": "c", "name": "Calendar", "isDefaultCalendar": true, "canEdit": true,
        "canViewPrivateItems": true, "groupClassId": "x",
        "owner": { "name": "A", "address": "a@example.org" },
    }] }))
    .unwrap();
    let calendar = &calendars.value[0];
    assert!(calendar.is_default_calendar && calendar.can_edit && !calendar.is_removable);
    assert_eq!(calendar.can_view_private_items, Some(true));
    assert_eq!(calendar.owner.as_ref().unwrap().address.as_deref(), Some("a@example.org"));
}

#[test]
fn a_refusal_names_the_event_that_exists() {
    let body: ErrorBody = serde_json::from_value(json!({ "error": {
        "code": "ErrorDuplicateTransactionId", "message": "secret",
        "@event.existingEventId": "AAMk", "innerError": {
            "date": "2026-03-10T08:00:00", "request-id": "r", "client-request-id": "c",
        },
    } }))
    .unwrap();
    assert_eq!(body.error.code, "ErrorDuplicateTransactionId");
    assert_eq!(body.error.existing_event_id.as_deref(), Some("AAMk"));
    assert_eq!(body.error.inner_error.request_id.as_deref(), Some("r"));
    assert!(!format!("{body:?}").contains("secret"));
    let bare: ErrorBody = serde_json::from_value(json!({ "error": null })).unwrap();
    assert_eq!(bare.error.existing_event_id, None);
}

#[test]
fn what_is_printed_shows_no_content() {
    let event = item(json!({
        "id": "a", "subject": "secret", "body": { "content": "secret" },
        "location": { "displayName": "secret" },
    }));
    assert!(!format!("{event:?}").contains("secret"));
}

#[test]
fn the_mark_is_found_however_its_guid_is_written() {
    let event = item(json!({ "id": "a", "singleValueExtendedProperties": [
        { "id": "String {00020329-0000-0000-C000-000000000046} Name Other", "value": "x" },
        { "id": MARKER.replace("6d1f8f0e", "6D1F8F0E"), "value": "h1.x" },
    ] }));
    assert_eq!(event.extended_property(MARKER), Some("h1.x"));
    assert_eq!(item(json!({ "id": "a" })).extended_property(MARKER), None);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}|[{}\\[\\]:,\"a-z0-9 ]{0,60}") {
        let _ = serde_json::from_str::<Page>(&text);
        let _ = serde_json::from_str::<ItemHead>(&text);
        let _ = serde_json::from_str::<WireEvent>(&text);
        let _ = serde_json::from_str::<ErrorBody>(&text);
        let _ = serde_json::from_str::<CalendarPage>(&text);
    }
}
