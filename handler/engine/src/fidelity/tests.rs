use crate::event::{EventId, Moment, Series, Stamps};
use jiff::civil::{date, datetime};

use super::*;

fn content(title: &str, description: &str) -> Content {
    let at = |hour| Moment { local: datetime(2026, 12, 1, hour, 0, 0, 0), zone: Zone::Utc };
    Content {
        span: Span::Timed { start: at(9), end: at(10) },
        title: title.into(),
        description: description.into(),
        location: String::new(),
        attendees: Vec::new(),
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

fn event(content: Content, series: Option<Series>) -> Event {
    Event {
        id: EventId::new("e"),
        uid: "u".into(),
        etag: None,
        sequence: 0,
        content,
        series,
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

fn of(content: Content) -> Fidelity {
    Fidelity::of(&event(content, None))
}

fn repeating(
    rule: &str,
    exceptions: impl IntoIterator<Item = (OriginalStart, Exception)>,
) -> Fidelity {
    let series = Series {
        rules: vec![rule.into()],
        extra: Vec::new(),
        exceptions: exceptions.into_iter().collect(),
    };
    Fidelity::of(&event(content("One", "Words"), Some(series)))
}

#[test]
fn texts_are_known_up_to_the_longest_that_came_back() {
    let known = of(content("One", "Words"));
    for (length, covered) in [(1, true), (24, true), (25, false), (500, false)] {
        assert_eq!(known.covers(&of(content("One", &"x".repeat(length)))), covered, "{length}");
        assert_eq!(known.covers(&of(content(&"x".repeat(length), ""))), covered, "{length}");
    }
    let mut longer = known.clone();
    longer.add(&of(content("Two", &"x".repeat(200))));
    assert!(longer.covers(&of(content("One", &"x".repeat(200)))) && longer.covers(&known));
    assert!(!longer.covers(&of(content("One", &"x".repeat(201)))));
    assert!(!longer.covers(&of(content(&"x".repeat(200), ""))), "of another text");
    assert!(
        !Fidelity::default().covers(&known) && !of(content("One", "")).covers(&known),
        "no description came back yet"
    );
}

#[test]
fn each_thing_that_a_server_may_alter_is_a_kind_of_its_own() {
    let plain = of(content("One", "Words"));
    let at = |hour, minute, second, zone| Moment {
        local: datetime(2026, 12, 1, hour, minute, second, 0),
        zone,
    };
    let timed = |start, end| Content { span: Span::Timed { start, end }, ..content("One", "") };
    let vienna = || Zone::Iana("Europe/Vienna".into());
    let days = Span::AllDay { start: date(2026, 12, 1), end: date(2026, 12, 2) };
    let mut others = vec![
        Content { span: days, ..content("One", "") },
        timed(at(9, 0, 0, vienna()), at(10, 0, 0, vienna())),
        timed(at(9, 0, 0, Zone::Floating), at(10, 0, 0, Zone::Floating)),
        timed(at(9, 0, 0, Zone::Utc), at(10, 0, 1, Zone::Utc)),
        timed(at(9, 0, 0, Zone::Utc), at(10, 7, 0, Zone::Utc)),
        timed(at(9, 0, 0, Zone::Utc), at(9, 0, 0, Zone::Utc)),
        Content { location: "Room".into(), ..content("One", "") },
        Content { busy: Busy::Free, ..content("One", "") },
        Content { busy: Busy::Tentative, ..content("One", "") },
    ];
    for visibility in [Visibility::Public, Visibility::Private, Visibility::Confidential] {
        others.push(Content { visibility, ..content("One", "") });
    }
    for words in ["a\nb", " a", "a  b", "a, b", "Übung", "\u{1F600}"] {
        others.push(content("One", words));
    }
    let mut all: Vec<Fidelity> = others.into_iter().map(of).collect();
    let day = |day| {
        OriginalStart::At(
            date(2026, 12, day)
                .at(9, 0, 0, 0)
                .to_zoned(jiff::tz::TimeZone::UTC)
                .unwrap()
                .timestamp(),
        )
    };
    all.push(repeating("FREQ=DAILY", []));
    for (i, known) in all.iter().enumerate() {
        assert!(!plain.covers(known), "{i}");
        assert!(known.covers(known), "{i}");
    }
    let daily = repeating("FREQ=DAILY", []);
    let changed = |title: &str, start: i8| {
        let moved = Span::Timed { start: at(start, 0, 0, Zone::Utc), end: at(20, 0, 0, Zone::Utc) };
        Exception::Changed(Box::new(Content { span: moved, ..content(title, "") }))
    };
    for other in [
        repeating("FREQ=DAILY;COUNT=3", []),
        repeating("FREQ=DAILY;UNTIL=20261203T090000Z", []),
        repeating("FREQ=WEEKLY;BYDAY=TU", []),
        repeating("FREQ=DAILY", [(day(2), Exception::Cancelled)]),
        repeating("FREQ=DAILY", [(day(1), changed("Other", 9))]),
    ] {
        assert!(!daily.covers(&other) && other.covers(&other), "{other:?}");
    }
    let renamed = repeating("FREQ=DAILY", [(day(1), changed("Other", 9))]);
    assert!(!renamed.covers(&repeating("FREQ=DAILY", [(day(1), changed("Other", 11))])), "moved");
    assert!(
        !renamed.covers(&repeating(
            "FREQ=DAILY",
            [(day(1), changed("Other", 9)), (day(2), changed("Other", 9))]
        )),
        "two of them"
    );
    assert!(
        !repeating("FREQ=DAILY", [(day(1), changed("One", 9))]).covers(&renamed),
        "a title of its own"
    );
    let cancelled = |days: &[i8]| {
        repeating("FREQ=DAILY", days.iter().map(|one| (day(*one), Exception::Cancelled)))
    };
    assert!(
        cancelled(&[2, 3]).covers(&cancelled(&[2])) && !cancelled(&[2]).covers(&cancelled(&[2, 3]))
    );
    for (known, other) in [
        ("FREQ=WEEKLY;BYDAY=TU", "FREQ=WEEKLY;BYDAY=TU;BYSETPOS=1"),
        ("FREQ=DAILY", "FREQ=DAILY;INTERVAL=2"),
    ] {
        assert!(!repeating(known, []).covers(&repeating(other, [])), "{other}");
    }
    let days = |last| {
        of(Content {
            span: Span::AllDay { start: date(2026, 12, 1), end: date(2026, 12, last) },
            ..content("One", "")
        })
    };
    assert!(!days(2).covers(&days(3)));
    let zones: Vec<_> = ["Europe/Vienna", "America/New_York"]
        .map(|name| {
            of(timed(at(9, 0, 0, Zone::Iana(name.into())), at(10, 0, 0, Zone::Iana(name.into()))))
        })
        .into();
    assert!(!zones[0].covers(&zones[1]) && !zones[1].covers(&zones[0]));
    let in_two = |one: &str, two: &str| of(Content { location: one.into(), ..content("One", two) });
    assert!(!in_two("Room", "a\nb").covers(&in_two("Street\nTown", "")));
    assert!(
        !renamed.covers(&repeating("FREQ=DAILY", [(day(1), changed(&"x".repeat(100), 9))])),
        "a longer title"
    );
}

#[test]
fn zones_are_remembered_up_to_a_number() {
    let vienna = |n: usize| Moment {
        local: datetime(2026, 12, 1, 9, 0, 0, 0),
        zone: Zone::Iana(format!("Zone/{n}")),
    };
    let zone = |n| {
        of(Content { span: Span::Timed { start: vienna(n), end: vienna(n) }, ..content("One", "") })
    };
    let mut known = Fidelity::default();
    (0..100).for_each(|n| known.add(&zone(n)));
    assert_eq!((0..100).filter(|n| known.covers(&zone(*n))).count(), MOST_ZONES);
}

#[test]
fn what_misleads_is_never_forgotten() {
    let mut known = Fidelity { misleads: true, ..of(content("One", "")) };
    known.add(&of(content("Two", "")));
    assert!(known.misleads);
    let row = serde_json::to_string(&known).unwrap();
    assert_eq!(serde_json::from_str::<Fidelity>(&row).unwrap(), known);
    assert!(!row.contains("One"), "{row}");
}
