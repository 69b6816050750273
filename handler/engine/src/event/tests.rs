use std::collections::{BTreeSet, HashSet};

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn event() -> Event {
    let content = Content {
        span: Span::AllDay { start: date(2026, 3, 1), end: date(2026, 3, 2) },
        title: "Secret".into(),
        description: String::new(),
        location: String::new(),
        attendees: vec![],
        visibility: Visibility::Default,
        busy: Busy::Busy,
    };
    Event {
        id: EventId::new("1.ics"),
        uid: "1".into(),
        etag: Some("v1".into()),
        sequence: 0,
        content,
        series: None,
        organizer: None,
        others: false,
        cancelled: false,
        declined: false,
        marker: None,
        stamps: Stamps::default(),
        updated: None,
        zone_guessed: false,
    }
}

#[test]
fn an_id_is_its_key_whatever_its_address() {
    let (plain, addressed, other) = (
        EventId::new("é.ics"),
        EventId::with_address("é.ics", "/%C3%A9.ics"),
        EventId::new("f.ics"),
    );
    assert_eq!(
        (addressed.as_str(), addressed.address(), plain.address()),
        ("é.ics", Some("/%C3%A9.ics"), None)
    );
    assert_eq!(addressed.to_string(), "é.ics");
    assert!(plain == addressed && plain != other);
    let all = [plain.clone(), addressed.clone(), other.clone()];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 2);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 2);
    assert!(other < EventId::new("g.ics") && other > EventId::new("e.ics"));
}

#[test]
fn an_occurrence_is_known_by_its_series_and_its_original_start() {
    let at = |text: &str| OriginalStart::At(text.parse().unwrap());
    for (start, key) in [
        (at("2026-03-10T08:00:00Z"), "AAMk-_=/20260310T080000Z"),
        (at("2026-03-10T08:00:00.75Z"), "AAMk-_=/20260310T080000Z"),
        (OriginalStart::Day(date(2026, 3, 10)), "AAMk-_=/20260310"),
        (OriginalStart::Floating(date(2026, 3, 10).at(8, 0, 0, 0)), "AAMk-_=/20260310T080000"),
    ] {
        let id = EventId::instance("AAMk-_=", start);
        assert_eq!((id.as_str(), id.address()), (key, None));
        let (master, found) = id.in_series().unwrap();
        assert_eq!(master, "AAMk-_=");
        assert_eq!(EventId::instance(master, found), id);
    }
    let nested = EventId::instance("a/20260310", at("2026-03-10T08:00:00Z"));
    assert_eq!(nested.in_series(), Some(("a/20260310", at("2026-03-10T08:00:00Z"))));
    let sorted = [EventId::new("a"), EventId::instance("a", OriginalStart::Day(date(2026, 3, 8)))];
    assert!(sorted.is_sorted() && sorted[1] < EventId::new("b"));
}

#[test]
fn no_other_id_is_taken_for_an_occurrence() {
    for key in [
        "",
        "/",
        "/20260310",
        "a",
        "20260310",
        "a/",
        "a/20260310/",
        "a/2026031",
        "a/202603100",
        "a/20261310",
        "a/20260230",
        "a/20260310T08",
        "a/20260310T0800",
        "a/20260310T080000z",
        "a/20260310T080000ZZ",
        "a/20260310T240000Z",
        "a/20260310T080060Z",
        "a/20260310 080000Z",
        "a/+0260310",
        "a/2026-3-10",
        "a/2026031é",
        "a/20260310T08000é",
        "é/é",
        "work/1.ics",
    ] {
        assert_eq!(EventId::new(key).in_series(), None, "{key}");
    }
}

#[test]
fn debug_shows_ids_and_times_and_no_content() {
    let shown = format!("{:?}", event());
    assert!(
        shown.contains("1.ics") && shown.contains("v1") && shown.contains("2026-03-01"),
        "{shown}"
    );
    let content = format!("{:?}", event().content);
    assert!(
        content.contains("2026-03-01") && !content.contains("Secret") && !shown.contains("Secret"),
        "{content}"
    );
}

#[test]
fn guests_are_whoever_else_takes_part() {
    let with = |edit: &dyn Fn(&mut Event)| {
        let mut event = event();
        edit(&mut event);
        event.has_guests()
    };
    let organizer = |is_me| Some(Organizer { email: "a@example.org".into(), is_me });
    let exception = |attendees: &[&str]| {
        let attendees = attendees.iter().map(|one| (*one).to_owned()).collect();
        let changed = Exception::Changed(Box::new(Content { attendees, ..event().content }));
        Some(Series {
            exceptions: [(OriginalStart::Day(date(2026, 3, 8)), changed)].into(),
            ..Series::default()
        })
    };
    assert!(!with(&|_| ()));
    assert!(with(&|event| event.others = true));
    assert!(with(&|event| event.content.attendees = vec!["b@example.org".into()]));
    assert!(
        with(&|event| event.organizer = organizer(false))
            && !with(&|event| event.organizer = organizer(true))
    );
    assert!(
        with(&|event| event.series = exception(&["b@example.org"]))
            && !with(&|event| event.series = exception(&[]))
    );
}

#[test]
fn stamps_tell_what_is_older_and_what_is_younger_than_a_write() {
    const WRITTEN: i64 = 1_000_000;
    const DAY: i64 = 86_400;
    let at = |second| Some(Timestamp::from_second(second).unwrap());
    let stamps = |created: Option<i64>, modified: Option<i64>, stamped: Option<i64>| Stamps {
        created: created.and_then(at),
        modified: modified.and_then(at),
        stamped: stamped.and_then(at),
    };
    for (stamps, younger, older) in [
        (stamps(None, None, None), false, false),
        (stamps(Some(WRITTEN), None, None), true, false),
        (stamps(Some(WRITTEN + 1), None, None), true, false),
        (stamps(Some(WRITTEN - 1), Some(WRITTEN), Some(WRITTEN)), false, false),
        (stamps(None, Some(WRITTEN), Some(WRITTEN)), true, false),
        (stamps(None, Some(WRITTEN), Some(WRITTEN + 1)), false, false),
        (stamps(None, Some(WRITTEN + 1), Some(WRITTEN)), false, false),
        (stamps(None, None, Some(WRITTEN)), false, false),
        (stamps(None, Some(WRITTEN), None), false, false),
        (stamps(Some(WRITTEN - DAY), None, None), false, false),
        (stamps(Some(WRITTEN - DAY - 1), None, None), false, true),
        (stamps(Some(WRITTEN - 9 * DAY), Some(WRITTEN - DAY), None), false, false),
        (stamps(Some(WRITTEN - 9 * DAY), None, Some(WRITTEN - 2 * DAY)), false, true),
    ] {
        assert_eq!(
            (stamps.prove_younger(WRITTEN), stamps.prove_older(WRITTEN)),
            (younger, older),
            "{stamps:?}"
        );
    }
}

#[test]
fn parts_are_fields_or_exceptions() {
    assert!(Parts::default().is_empty());
    assert!(!Parts { fields: [Field::Title].into(), ..Parts::default() }.is_empty());
    assert!(
        !Parts { exceptions: [OriginalStart::Day(date(2026, 3, 8))].into(), ..Parts::default() }
            .is_empty()
    );
}

proptest! {
    #[test]
    fn every_occurrence_id_is_read_back(master in "[a-zA-Z0-9=_/-]{1,20}", second in -62_000_000_000_i64..250_000_000_000, form in 0..3) {
        let instant = Timestamp::from_second(second).unwrap();
        let local = TimeZone::UTC.to_datetime(instant);
        let start = match form {
            0 => OriginalStart::At(instant),
            1 => OriginalStart::Day(local.date()),
            _ => OriginalStart::Floating(local),
        };
        let id = EventId::instance(&master, start);
        prop_assert_eq!(id.in_series(), Some((master.as_str(), start)));
    }

    #[test]
    fn any_text_is_an_id(key in "\\PC{0,30}|a/[0-9TZ/]{0,18}") {
        let id = EventId::new(key);
        if let Some((master, start)) = id.in_series() {
            prop_assert_eq!(EventId::instance(master, start), id.clone());
        }
    }
}
