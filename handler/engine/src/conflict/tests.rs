use jiff::civil::{DateTime, date};

use super::*;
use crate::event::{Busy, Moment, Visibility, Zone};

fn timed(start: DateTime, end: DateTime, zone: &Zone) -> Span {
    let moment = |local| Moment { local, zone: zone.clone() };
    Span::Timed { start: moment(start), end: moment(end) }
}

fn at(hour: i8, minute: i8, second: i8) -> DateTime {
    date(2026, 3, 12).at(hour, minute, second, 0)
}

fn content() -> Content {
    Content {
        span: timed(at(10, 0, 0), at(11, 0, 0), &Zone::Utc),
        title: "Review of the year".into(),
        description: "Bring numbers".into(),
        location: "Room 5".into(),
        attendees: vec![],
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

fn with(edit: impl FnOnce(&mut Content)) -> Content {
    let mut content = content();
    edit(&mut content);
    content
}

#[test]
fn what_differs_differs_in_its_field_alone() {
    for (field, other) in [
        (Field::Time, with(|one| one.span = timed(at(10, 0, 0), at(11, 30, 0), &Zone::Utc))),
        (Field::Time, with(|one| one.span = timed(at(9, 0, 0), at(10, 0, 0), &Zone::Utc))),
        (Field::Title, with(|one| one.title = "Preview".into())),
        (Field::Description, with(|one| one.description = "None".into())),
        (Field::Location, with(|one| one.location = "Room 6".into())),
        (Field::Visibility, with(|one| one.visibility = Visibility::Private)),
        (Field::Busy, with(|one| one.busy = Busy::Free)),
    ] {
        for each in Field::ALL {
            assert_eq!(is_same(each, &content(), &other), each != field, "{field:?} {each:?}");
        }
        assert!(!is_made_of(&other, &content()), "{field:?}");
    }
    let floats = with(|one| one.span = timed(at(10, 0, 0), at(11, 0, 0), &Zone::Floating));
    assert!(!is_same(Field::Time, &content(), &floats), "a floating time is no instant");
}

#[test]
fn spelling_zones_and_guests_are_no_difference() {
    let berlin = Zone::Iana("Europe/Berlin".into());
    let same = with(|one| {
        one.span = timed(at(11, 0, 0), at(12, 0, 0), &berlin);
        one.title = " Review of the year \r\n".into();
        one.description = attendees::append("Bring numbers", &["anna@example.org".into()]);
        one.attendees = vec!["anna@example.org".into()];
    });
    assert!(
        Field::ALL.iter().all(|field| is_same(*field, &content(), &same))
            && is_made_of(&same, &content())
    );
}

#[test]
fn a_provider_may_keep_less_of_texts_and_of_seconds() {
    let exact = with(|one| one.span = timed(at(10, 0, 59), at(11, 0, 30), &Zone::Utc));
    for (field, shown, less) in [
        (Field::Title, with(|one| one.title = "Review".into()), true),
        (Field::Title, with(|one| one.title = "year".into()), false),
        (Field::Description, with(|one| one.description = String::new()), true),
        (Field::Location, with(|one| one.location = "Room 55".into()), false),
        (Field::Time, content(), true),
        (Field::Time, with(|one| one.span = timed(at(9, 59, 59), at(11, 0, 0), &Zone::Utc)), false),
        (Field::Time, with(|one| one.span = timed(at(10, 0, 0), at(11, 1, 30), &Zone::Utc)), false),
        (
            Field::Time,
            with(|one| {
                one.span = Span::AllDay { start: date(2026, 3, 12), end: date(2026, 3, 13) }
            }),
            false,
        ),
        (Field::Attendees, content(), false),
        (Field::Visibility, content(), false),
        (Field::Busy, content(), false),
    ] {
        assert_eq!(keeps_less(field, &shown, &exact), less, "{field:?} {:?}", shown.title);
    }
    let cut = with(|one| one.title = "Review".into());
    assert!(is_made_of(&cut, &exact) && !is_made_of(&exact, &cut));
}

#[test]
fn an_occurrence_is_its_start_and_its_length() {
    let start = OriginalStart::At("2026-03-19T10:00:00Z".parse().unwrap());
    let (master, longer) =
        (content(), with(|one| one.span = timed(at(12, 0, 0), at(14, 0, 0), &Zone::Utc)));
    assert_eq!(occurrence(&master, None, start), Some((start, 3_600)));
    assert_eq!(occurrence(&master, Some(&Exception::Cancelled), start), None);
    let noon = OriginalStart::At("2026-03-12T12:00:00Z".parse().unwrap());
    assert_eq!(
        occurrence(&master, Some(&Exception::Changed(Box::new(longer))), start),
        Some((noon, 7_200))
    );
    assert_eq!(
        begin(&timed(at(10, 0, 0), at(11, 0, 0), &Zone::Floating)),
        OriginalStart::Floating(at(10, 0, 0))
    );
    let days = Span::AllDay { start: date(2026, 3, 12), end: date(2026, 3, 15) };
    assert_eq!((begin(&days), length(&days)), (OriginalStart::Day(date(2026, 3, 12)), 3 * 86_400));
}

#[test]
fn what_was_taken_out_on_the_way_out_is_put_back() {
    let mut ours = with(|one| {
        one.description = "Bring numbers\n\nhttps://zoom.us/j/1".into();
        one.location = "Room 5; https://zoom.us/j/1".into();
        one.attendees = vec!["anna@example.org".into()];
    });
    let theirs = with(|one| {
        one.span = timed(at(12, 0, 0), at(13, 0, 0), &Zone::Utc);
        one.title = "Second".into();
        one.description = attendees::append("Bring none", &["anna@example.org".into()]);
        one.location = "Room 7".into();
        one.attendees = vec!["ben@example.org".into()];
        one.visibility = Visibility::Private;
        one.busy = Busy::Free;
    });
    Field::ALL.iter().for_each(|field| take(*field, &mut ours, &theirs));
    assert_eq!((ours.span, ours.title.as_str()), (theirs.span, "Second"));
    assert_eq!(ours.description, "Bring none\n\nhttps://zoom.us/j/1");
    assert_eq!(ours.location, "Room 7; https://zoom.us/j/1");
    assert_eq!(ours.attendees, ["anna@example.org"], "guests are never taken over");
    assert_eq!((ours.visibility, ours.busy), (Visibility::Private, Busy::Free));
}
