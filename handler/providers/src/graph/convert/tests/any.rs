//! What holds for any event, ours and Microsoft's.

use proptest::prelude::*;

use super::*;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,30}", "(<|>|&|;|br|amp|\n|a ){0,12}", "[a-z😀]{250,270}"]
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
            prop::sample::select(vec![
                "Europe/Tallinn",
                "America/New_York",
                "Asia/Kolkata",
                "Australia/Lord_Howe",
                "Antarctica/Troll",
                "America/Vancouver",
            ])
        )
            .prop_map(|(start, length, name)| {
                let zone = Zone::Iana(name.to_owned());
                let rules = engine::zone::rules(&zone, None);
                let moment = |second| {
                    let instant = Timestamp::from_second(1_780_000_000 + second).unwrap();
                    Moment { local: rules.to_datetime(instant), zone: zone.clone() }
                };
                Span::Timed { start: moment(start), end: moment(start + length) }
            }),
    ];
    let visibility = prop::sample::select(vec![
        Visibility::Default,
        Visibility::Private,
        Visibility::Confidential,
    ]);
    let busy = prop::sample::select(vec![
        Busy::Free,
        Busy::Tentative,
        Busy::Busy,
        Busy::Oof,
        Busy::WorkingElsewhere,
    ]);
    (spans, texts(), texts(), texts(), visibility, busy).prop_map(
        |(span, title, description, location, visibility, busy)| Content {
            span,
            title,
            description,
            location,
            attendees: vec!["guest@example.org".into()],
            visibility,
            busy,
        },
    )
}

/// Values of any shape where Graph has values of its own.
fn strange() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "2026-03-10T08:00:00.0000000",
            "2026-03-10T08:00:00Z",
            "9999-12-31T23:59:59.9999999",
            "-009999-01-01T00:00:00Z",
            "UTC",
            "FLE Standard Time",
            "tzone://Microsoft/Custom",
            "seriesMaster",
            "occurrence",
            "exception",
            "html",
            "OID.x.2026-03-10",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let names = prop::sample::select(vec![
            "dateTime",
            "timeZone",
            "emailAddress",
            "address",
            "contentType",
            "content",
            "displayName",
            "pattern",
            "range",
            "type",
            "id",
            "value",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn strange_events() -> impl Strategy<Value = Value> {
    let names: Vec<&str> = EVENT_MEMBERS.iter().chain(&MASTER_MEMBERS).copied().collect();
    let times = prop::sample::select(vec![
        json!({ "dateTime": "2026-03-10T00:00:00.0000000", "timeZone": "UTC" }),
        json!({ "dateTime": "2026-10-25T01:30:00.0000000", "timeZone": "UTC" }),
        json!({ "dateTime": "9999-12-31T23:00:00", "timeZone": "Pacific Standard Time" }),
    ]);
    let recurrences = prop::sample::select(vec![
        json!({
            "pattern": { "type": "daily", "interval": 1 },
            "range": { "type": "noEnd", "startDate": "2026-03-10" },
        }),
        json!({
            "pattern": { "type": "relativeMonthly", "daysOfWeek": ["tuesday"], "index": "last" },
            "range": { "type": "endDate", "startDate": "2026-03-31", "endDate": "9999-12-31" },
        }),
    ]);
    let strange = prop::collection::btree_map(prop::sample::select(names), strange(), 0..8);
    (strange, times, recurrences, any::<bool>(), any::<bool>()).prop_map(
        |(mut map, start, recurrence, all_day, is_master)| {
            map.entry("start").or_insert(start);
            map.entry("isAllDay").or_insert(json!(all_day));
            map.entry("recurrence").or_insert(recurrence);
            if is_master {
                map.insert("type", json!("seriesMaster"));
            }
            json!(map)
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(content in contents()) {
        let found = there_and_back(&single(&content)).content;
        prop_assert_eq!(differences(&found, &content), BTreeSet::new());
        prop_assert_eq!(engine::zone::start(&found.span, None), engine::zone::start(&content.span, None));
        prop_assert_eq!(engine::zone::end(&found.span, None), engine::zone::end(&content.span, None));
        prop_assert_eq!(found.description, content.description);
        prop_assert!(found.attendees.is_empty());
    }

    /// All that is written is in the schema and names no guest.
    #[test]
    fn any_draft_is_written_in_the_words_of_the_schema(
        content in contents(),
        rule in prop::option::of(prop::sample::select(vec!["FREQ=DAILY;INTERVAL=9", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=WEEKLY;INTERVAL=2;COUNT=9"])),
    ) {
        let series = rule.map(|rule| Series { rules: vec![rule.to_owned()], ..Series::default() });
        if let Ok(body) = body_where(&Draft { content, series }, &[]) {
            let body = json!(body);
            prop_assert_eq!(violations("event", &body), [""; 0]);
            prop_assert!(body.get("attendees").is_none() && !body.to_string().contains("guest@example.org"));
        }
    }

    #[test]
    fn any_item_is_an_event_or_unreadable(value in strange_events(), other in strange_events()) {
        if let (Ok(master), Ok(exception)) = (serde_json::from_value::<WireEvent>(value), serde_json::from_value::<WireEvent>(other)) {
            let context = EventContext { me: Some("me@example.org"), outsider: true, series_of_days: None };
            let single = event(&master, context);
            let whole = series(&master, std::slice::from_ref(&exception), context);
            for found in [single, whole].into_iter().flatten() {
                let draft = Draft::from(&found);
                let _ = has_instances(&draft, std::slice::from_ref(&exception), &window());
                if let Ok(body) = body_where(&draft, &[]) {
                    let _ = same_series(&master, &found, &draft, &body, &window());
                    prop_assert!(json!(body).get("attendees").is_none());
                }
            }
        }
    }
}
