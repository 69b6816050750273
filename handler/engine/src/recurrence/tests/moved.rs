//! A series that was moved, and its exceptions along with it.

use super::*;

fn hour(start: &str, zone: &Zone) -> Span {
    timed(local(start), 60, zone)
}

fn days(start: &str, end: &str) -> Span {
    Span::AllDay { start: day(start), end: day(end) }
}

fn original(text: &str) -> OriginalStart {
    OriginalStart::At(at(text))
}

#[test]
fn a_series_is_elsewhere_when_its_start_or_its_zone_is_another() {
    let here = hour("2026-03-03T10:00", &berlin());
    let is_moved = |to: &Span| Moved::new(&here, to, None).is_anywhere();
    assert!(!is_moved(&here));
    assert!(is_moved(&hour("2026-03-03T11:00", &berlin())));
    assert!(
        is_moved(&hour("2026-03-03T09:00", &Zone::Utc)),
        "the same instant, and another one in summer"
    );
    assert!(!is_moved(&timed(local("2026-03-03T10:00"), 90, &berlin())), "longer is not later");
    assert!(
        !Moved::new(&days("2026-03-03", "2026-03-04"), &days("2026-03-03", "2026-03-05"), None)
            .is_anywhere()
    );
}

#[test]
fn exceptions_move_by_the_same_hours_on_the_wall_clock() {
    let (from, to) = (hour("2026-03-03T10:00", &berlin()), hour("2026-03-04T12:00", &berlin()));
    let moved = Moved::new(&from, &to, None);
    // The clock goes forward on the 29th.
    let before = original("2026-03-31T08:00:00Z");
    assert_eq!(moved.start(before), original("2026-04-01T10:00:00Z"));
    assert_eq!(moved.plain(moved.start(before)), hour("2026-04-01T12:00", &berlin()));
    let utc = Zone::Utc;
    for (exception, after) in [
        (hour("2026-03-31T10:00", &berlin()), hour("2026-04-01T12:00", &berlin())),
        (
            timed(local("2026-03-31T15:00"), 30, &berlin()),
            timed(local("2026-04-01T17:00"), 30, &berlin()),
        ),
        (hour("2026-03-31T15:00", &utc), hour("2026-04-01T17:00", &utc)),
        (days("2026-03-31", "2026-04-01"), hour("2026-04-01T12:00", &berlin())),
    ] {
        assert_eq!(moved.span(before, &exception), after, "{exception:?}");
    }
}

#[test]
fn in_another_zone_exceptions_go_along_into_it() {
    let tokyo = Zone::Iana("Asia/Tokyo".into());
    let (from, to) = (hour("2026-03-03T10:00", &berlin()), hour("2026-03-03T10:00", &tokyo));
    let moved = Moved::new(&from, &to, None);
    assert_eq!(
        moved.span(original("2026-03-10T09:00:00Z"), &hour("2026-03-10T15:00", &berlin())),
        hour("2026-03-10T15:00", &tokyo)
    );
    assert_eq!(moved.start(original("2026-03-10T09:00:00Z")), original("2026-03-10T01:00:00Z"));
}

#[test]
fn days_move_by_days() {
    let (from, to) = (days("2026-03-03", "2026-03-04"), days("2026-03-05", "2026-03-06"));
    let moved = Moved::new(&from, &to, None);
    let before = OriginalStart::Day(day("2026-03-10"));
    assert_eq!(moved.start(before), OriginalStart::Day(day("2026-03-12")));
    assert_eq!(
        moved.span(before, &days("2026-03-10", "2026-03-11")),
        days("2026-03-12", "2026-03-13")
    );
    assert_eq!(
        moved.span(before, &days("2026-03-11", "2026-03-14")),
        days("2026-03-13", "2026-03-16")
    );
    assert_eq!(
        moved.span(before, &hour("2026-03-10T10:00", &Zone::Utc)),
        days("2026-03-12", "2026-03-13")
    );
}
