use jiff::civil::date;

use super::*;

fn nine() -> Content {
    content(timed(local("2026-03-02T09:00"), 60, &berlin()))
}

#[test]
fn a_rule_is_written_as_others_take_it() {
    for (rule, expected) in [
        (
            "FREQ=DAILY;COUNT=-1;UNTIL=20260306T080000Z;INTERVAL=1",
            "FREQ=DAILY;UNTIL=20260306T080000Z;INTERVAL=1",
        ),
        (" freq = weekly ; BYDAY= mo, we ;; X-NOTE=1;", "FREQ=WEEKLY;BYDAY=MO,WE"),
        ("FREQ=DAILY;BYMONTH=;COUNT=3", "FREQ=DAILY;COUNT=3"),
        // The third of them is on the fourth of March; until then there are three.
        ("FREQ=DAILY;COUNT=3;UNTIL=20260304T080000Z", "FREQ=DAILY;COUNT=3"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20260304T075959Z", "FREQ=DAILY;UNTIL=20260304T075959Z"),
        ("FREQ=DAILY;UNTIL=20260310T080000Z;COUNT=3", "FREQ=DAILY;COUNT=3"),
        // The first start counts, though the rule does not give it.
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=2;UNTIL=20260303T080000Z", "FREQ=WEEKLY;BYDAY=TU;COUNT=2"),
        (
            "FREQ=WEEKLY;BYDAY=TU;COUNT=3;UNTIL=20260303T080000Z",
            "FREQ=WEEKLY;BYDAY=TU;UNTIL=20260303T080000Z",
        ),
        ("FREQ=NEVER;COUNT=3;UNTIL=20260304", "FREQ=NEVER;COUNT=3;UNTIL=20260304"),
        ("", ""),
    ] {
        assert_eq!(normalised(rule, &nine().span, None), expected, "{rule}");
        assert_eq!(normalised(expected, &nine().span, None), expected, "again {rule}");
    }
}

#[test]
fn the_one_end_that_is_left_gives_the_same_occurrences() {
    for count in 1..8 {
        for day in 1..9 {
            let both =
                format!("FREQ=DAILY;BYDAY=MO,WE,FR;COUNT={count};UNTIL=202603{day:02}T235959Z");
            let one = normalised(&both, &nine().span, None);
            assert_ne!(one, both);
            let range = || at("2026-01-01T00:00:00Z")..at("2027-01-01T00:00:00Z");
            let found = |rule: &str| {
                starts(&occurrences(&nine(), &series(&[rule]), range(), None).unwrap())
            };
            assert_eq!(found(&one), found(&both), "{both}");
        }
    }
}

#[test]
fn strays_are_what_no_rule_gives() {
    let original = |text: &str| OriginalStart::At(at(text));
    let daily =
        Series { extra: vec![original("2026-03-20T08:00:00Z")], ..series(&["FREQ=DAILY;COUNT=3"]) };
    let changed = [
        "2026-03-02T08:00:00Z",
        "2026-03-04T08:00:00Z",
        "2026-03-05T08:00:00Z",
        "2026-03-20T08:00:00Z",
        "2026-03-03T09:00:00Z",
    ];
    let changed: Vec<OriginalStart> = changed.into_iter().map(original).collect();
    let found = strays(&nine(), &daily, changed.iter(), None).unwrap();
    assert_eq!(found, [original("2026-03-03T09:00:00Z"), original("2026-03-05T08:00:00Z")]);
    let day = OriginalStart::Day(date(2026, 3, 3));
    assert_eq!(
        strays(&nine(), &daily, [day].iter(), None).unwrap(),
        [],
        "the day alone means the time of the series"
    );
    assert_eq!(strays(&nine(), &daily, [].iter(), None).unwrap(), []);
}

#[test]
fn rules_of_hours_become_dates() {
    let range = || at("2026-01-01T00:00:00Z")..at("2027-01-01T00:00:00Z");
    let draft = |rule: &str| Draft { content: nine(), series: Some(series(&[rule])) };
    let found = by_dates(&draft("FREQ=HOURLY;INTERVAL=6;COUNT=4"), range(), None)
        .unwrap()
        .unwrap()
        .series
        .unwrap();
    assert_eq!(found.rules, Vec::<String>::new());
    let expected = ["2026-03-02T14:00:00Z", "2026-03-02T20:00:00Z", "2026-03-03T02:00:00Z"];
    assert_eq!(found.extra, expected.map(|text| OriginalStart::At(at(text))));
    assert_eq!(by_dates(&draft("FREQ=DAILY;BYHOUR=9,15"), range(), None), Ok(None));
    assert_eq!(by_dates(&Draft { content: nine(), series: None }, range(), None), Ok(None));
    assert_eq!(by_dates(&draft("FREQ=HOURLY"), range(), None), Err(Unsupported::TooMany));
}

#[test]
fn a_series_has_a_thousand_dates_at_the_most() {
    let range = || at("2026-01-01T00:00:00Z")..at("2027-01-01T00:00:00Z");
    let nine = content(timed(local("2026-03-02T09:00"), 60, &Zone::Utc));
    let draft = |count| Draft {
        content: nine.clone(),
        series: Some(series(&[&format!("FREQ=HOURLY;COUNT={count}")])),
    };
    let found = by_dates(&draft(1_001), range(), None).unwrap().unwrap().series.unwrap();
    assert_eq!(found.extra.len(), 1_000, "the first start is none of them");
    assert_eq!(by_dates(&draft(1_002), range(), None), Err(Unsupported::TooMany));
}

#[test]
fn further_dates_and_exceptions_stay_beside_the_dates_of_a_rule() {
    let further = OriginalStart::At(at("2026-05-01T08:00:00Z"));
    let doubled = OriginalStart::At(at("2026-03-02T09:00:00Z"));
    let exceptions = BTreeMap::from([(doubled, crate::event::Exception::Cancelled)]);
    let series = Series {
        extra: vec![doubled, further],
        exceptions: exceptions.clone(),
        ..series(&["FREQ=HOURLY;COUNT=3"])
    };
    let range = at("2026-01-01T00:00:00Z")..at("2027-01-01T00:00:00Z");
    let found = by_dates(&Draft { content: nine(), series: Some(series) }, range, None)
        .unwrap()
        .unwrap()
        .series
        .unwrap();
    assert_eq!(found.extra, [doubled, OriginalStart::At(at("2026-03-02T10:00:00Z")), further]);
    assert_eq!(found.exceptions, exceptions);
}
