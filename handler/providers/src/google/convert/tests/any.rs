//! What holds for any event, ours and Google's.

use proptest::prelude::*;

use super::*;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,30}", "(<|>|&|;|br|amp|\n|a ){0,12}"]
}

fn contents() -> impl Strategy<Value = Content> {
    let spans = prop_oneof![
        (-2000..4000_i64, 1..5_i64).prop_map(|(day, days)| {
            let start = date(2026, 1, 1).saturating_add(jiff::Span::new().days(day));
            Span::AllDay { start, end: start.saturating_add(jiff::Span::new().days(days)) }
        }),
        (
            -20_000_000..90_000_000_i64,
            0..200_000_i64,
            prop_oneof![
                "Europe/Tallinn",
                "America/New_York",
                "Asia/Kolkata",
                "Australia/Lord_Howe"
            ]
        )
            .prop_map(|(start, length, name)| {
                let zone = Zone::Iana(name);
                let rules = engine::zone::rules(&zone, None);
                let moment = |second| {
                    let local = rules
                        .to_datetime(jiff::Timestamp::from_second(1_780_000_000 + second).unwrap());
                    Moment { local, zone: zone.clone() }
                };
                Span::Timed { start: moment(start), end: moment(start + length) }
            }),
    ];
    let visibility = prop::sample::select(vec![
        Visibility::Default,
        Visibility::Public,
        Visibility::Private,
        Visibility::Confidential,
    ]);
    let busy = prop::sample::select(vec![Busy::Free, Busy::Busy]);
    (spans, texts(), texts(), texts(), visibility, busy).prop_map(
        |(span, title, description, location, visibility, busy)| Content {
            span,
            title,
            description,
            location,
            attendees: Vec::new(),
            visibility,
            busy,
        },
    )
}

/// Values of any shape where Google has values of its own.
fn strange() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "2026-03-10",
            "2026-03-10T10:00:00+02:00",
            "9999-12-31",
            "-9999-01-01",
            "cancelled",
            "Europe/Tallinn",
            "RRULE:FREQ=DAILY",
            "EXDATE:20260310"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let names = prop::sample::select(vec![
            "date",
            "dateTime",
            "timeZone",
            "email",
            "self",
            "private",
            "calrelayOrigin",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn strange_events() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "id",
        "etag",
        "status",
        "summary",
        "description",
        "location",
        "start",
        "end",
        "recurrence",
        "recurringEventId",
        "originalStartTime",
        "iCalUID",
        "sequence",
        "visibility",
        "transparency",
        "attendees",
        "organizer",
        "eventType",
        "extendedProperties",
        "attendeesOmitted",
    ]);
    let times = prop::sample::select(vec![
        json!({ "date": "2026-03-10" }),
        json!({ "dateTime": "2026-03-10T10:00:00+02:00", "timeZone": "Europe/Tallinn" }),
        json!({ "dateTime": "9999-12-30T23:00:00-23:59" }),
    ]);
    (prop::collection::btree_map(names, strange(), 0..10), times).prop_map(|(mut map, start)| {
        map.entry("start").or_insert(start);
        json!(map)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(content in contents()) {
        let draft = Draft { content: content.clone(), series: None };
        let found = there_and_back(&draft).content;
        // The second of two hours of one name is read in UTC.
        prop_assert!(differences(&found, &content).iter().all(|field| *field == Field::Time));
        prop_assert_eq!(engine::zone::start(&found.span, None), engine::zone::start(&content.span, None));
        prop_assert_eq!(engine::zone::end(&found.span, None), engine::zone::end(&content.span, None));
        prop_assert_eq!((found.title, found.description, found.location), (content.title, content.description, content.location));
    }

    #[test]
    fn any_item_is_an_event_or_unreadable(value in strange_events(), other in strange_events()) {
        if let (Ok(master), Ok(exception)) = (serde_json::from_value::<wire::WireEvent>(value), serde_json::from_value::<wire::WireEvent>(other)) {
            let whole = SeriesItems { master, exceptions: [(exception.id.clone(), exception)].into() };
            let _ = whole.version();
            if let Ok(event) = whole.event(EventContext { zone: Some("Europe/Tallinn"), outsider: true }) {
                let body = copy(&Draft::from(&event), "m");
                prop_assert!(!body.contains_key("attendees"));
            }
        }
    }
}
