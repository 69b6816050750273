use std::collections::{BTreeSet, HashSet};

use jiff::civil::date;

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
