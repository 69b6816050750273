use jiff::civil::date;

use super::*;
use crate::calendar::CalendarId;
use crate::event::{Busy, Content, Draft, Field, Moment, Visibility, Zone};
use crate::fingerprint::Fingerprinter;
use crate::marker::Marks;

fn print(title: &str) -> Fingerprint {
    let span = Span::AllDay { start: date(2026, 3, 1), end: date(2026, 3, 2) };
    let content = Content {
        span,
        title: title.into(),
        description: String::new(),
        location: String::new(),
        attendees: vec![],
        visibility: Visibility::Default,
        busy: Busy::Busy,
    };
    Fingerprinter::new(&[3; 32], "p").origin(&Draft { content, series: None })
}

fn mapped(etag: Option<&str>) -> MappedEvent {
    let etag = etag.map(str::to_owned);
    MappedEvent {
        id: EventId::new("1.ics"),
        uid: None,
        etag,
        sequence: 0,
        base: print("one"),
        shown: None,
        intent: None,
        former: None,
        is_seen: false,
    }
}

fn mapping(state: MappingState) -> Mapping {
    Mapping {
        id: Marks::new(&[1; 32]).mapping(
            &CalendarId::new("a"),
            &CalendarId::new("b"),
            &EventId::new("1.ics"),
            0,
        ),
        side: Side::From,
        origin: mapped(Some("o")),
        copy: mapped(Some("c")),
        state,
        generation: 0,
        pristine: true,
        drifted: false,
        guests: false,
        copy_guests: false,
        unseen: None,
        missed_on: None,
        turned: false,
        taken_over: false,
        leaving: None,
        times: Times { start: String::new(), end: String::new() },
        made: None,
        made_at: None,
        first: None,
        recent: vec![],
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn states_say_what_is_kept_and_what_is_left_alone() {
    for (state, live, alone) in [
        (MappingState::Creating, false, false),
        (MappingState::Live, true, false),
        (MappingState::Suppressed, false, false),
        (MappingState::Archived, true, false),
        (MappingState::AlreadyThere, false, true),
        (MappingState::CopiedByAnother, false, true),
    ] {
        let mapping = mapping(state);
        assert_eq!(
            (mapping.is_live(), mapping.is_left_alone(), mapping.is_beside()),
            (live, alone, alone),
            "{state:?}"
        );
    }
    let mut beside = mapping(MappingState::AlreadyThere);
    beside.copy.etag = None;
    assert!(!beside.is_beside(), "nothing was seen in the other calendar");
    beside.copy.uid = UidHash::of("u");
    assert!(beside.is_beside());
}

#[test]
fn the_first_origin_is_the_origin_unless_it_began_as_a_copy() {
    let mut one = mapping(MappingState::Live);
    assert_eq!(one.first(), None);
    one.origin.uid = UidHash::of("origin");
    assert_eq!(one.first(), UidHash::of("origin"));
    one.first = UidHash::of("first");
    assert_eq!(one.first(), UidHash::of("first"));
}

#[test]
fn a_server_that_gives_a_copy_another_uid_is_noticed() {
    let mut one = mapping(MappingState::Live);
    one.generation = 2;
    assert!(!one.has_servers_uid(), "it is not known");
    one.copy.uid = UidHash::of(&one.id.copy_uid(2));
    assert!(!one.has_servers_uid());
    one.copy.uid = UidHash::of(&one.id.copy_uid(1));
    assert!(one.has_servers_uid());
}

#[test]
fn what_waits_for_an_event_that_is_not_listed_is_owed() {
    for (unseen, origin, copy, owed) in [
        (None, None, None, false),
        (Some(Role::Copy), None, Some("c"), true),
        (Some(Role::Copy), Some("o"), None, false),
        (Some(Role::Origin), Some("o"), None, true),
        (Some(Role::Origin), None, Some("c"), false),
    ] {
        let one = Mapping {
            unseen,
            origin: mapped(origin),
            copy: mapped(copy),
            ..mapping(MappingState::Live)
        };
        assert_eq!(one.is_owed(), owed, "{unseen:?} {origin:?} {copy:?}");
    }
}

#[test]
fn what_was_missed_two_days_ago_is_overdue() {
    let mut one = mapping(MappingState::Live);
    assert!(one.is_overdue(date(2026, 3, 3)), "a row that does not say is older");
    one.missed_on = Some(date(2026, 3, 1));
    assert!(
        !one.is_overdue(date(2026, 3, 2))
            && one.is_overdue(date(2026, 3, 3))
            && one.is_overdue(date(2026, 3, 4))
    );
}

#[test]
fn the_sixth_turn_of_a_circle_is_flapping() {
    let (one, two, three) = (print("one"), print("two"), print("three"));
    let mut mapping = mapping(MappingState::Live);
    for (second, what) in [(100, &one), (101, &two), (102, &one), (103, &two)] {
        mapping.wrote(what, at(second));
    }
    assert!(!mapping.is_flapping(&one, at(104)), "four");
    mapping.wrote(&one, at(104));
    assert!(mapping.is_flapping(&two, at(105)) && mapping.is_flapping(&two, at(699)));
    assert!(!mapping.is_flapping(&two, at(700)), "ten minutes after the first of the five");
    assert!(!mapping.is_flapping(&three, at(105)), "a new value");
    mapping.wrote(&three, at(105));
    assert!(!mapping.is_flapping(&one, at(106)), "three values are no circle");
}

#[test]
fn writes_are_remembered_for_ten_minutes_and_six_at_most() {
    let mut mapping = mapping(MappingState::Live);
    let seconds =
        |mapping: &Mapping| mapping.recent.iter().map(|write| write.at).collect::<Vec<_>>();
    for second in 1000..1008 {
        mapping.wrote(&print("one"), at(second));
    }
    assert_eq!(seconds(&mapping), [1002, 1003, 1004, 1005, 1006, 1007]);
    assert!(mapping.recent.iter().all(|write| write.what == print("one").digest()));
    mapping.wrote(&print("two"), at(1604));
    assert_eq!(seconds(&mapping), [1005, 1006, 1007, 1604], "what is ten minutes old is dropped");
}

#[test]
fn a_version_that_our_write_replaced_is_known_until_the_next_day_ends() {
    let today = date(1970, 1, 1);
    let mut one = mapped(Some("v1"));
    assert!(!one.is_former(Some("v0"), today), "nothing was written");
    one.written(Some("v2".into()), at(60));
    assert_eq!(one.etag.as_deref(), Some("v2"));
    assert_eq!(one.former, Some(Former { etags: vec!["v1".into()], on: today, at: Some(at(60)) }));
    assert!(one.is_former(Some("v1"), today) && one.is_former(Some("v1"), date(1970, 1, 2)));
    assert!(!one.is_former(Some("v1"), date(1970, 1, 3)), "a person has restored it");
    assert!(
        !one.is_former(Some("v2"), today)
            && !one.is_former(Some("v9"), today)
            && !one.is_former(None, today)
    );
    let former = one.former.clone().unwrap();
    assert!(
        former.is_covered_by(at(60))
            && former.is_covered_by(at(61))
            && !former.is_covered_by(at(59))
    );
    assert!(!Former { at: None, ..former }.is_covered_by(at(61)));
}

#[test]
fn the_last_three_replaced_versions_are_remembered_each_once() {
    let versions = |mapped: &MappedEvent| {
        mapped.former.as_ref().map(|former| former.etags.join(" ")).unwrap_or_default()
    };
    let mut one = mapped(Some("v1"));
    for next in ["v2", "v3", "v4", "v5"] {
        one.written(Some(next.into()), at(60));
    }
    assert_eq!(versions(&one), "v2 v3 v4");
    one.written(Some("v3".into()), at(60));
    assert_eq!(versions(&one), "v2 v4 v5", "the present version is not a former one");
    one.written(Some("v3".into()), at(60));
    assert_eq!(versions(&one), "v2 v4 v5", "the same version replaces nothing");
    one.written(None, at(3 * 86_400));
    assert_eq!((versions(&one).as_str(), one.etag), ("v3", None), "older ones are forgotten");
}

#[test]
fn a_version_that_comes_back_is_no_longer_former() {
    let former = Former { etags: vec!["v1".into(), "v2".into()], on: date(1970, 1, 1), at: None };
    let one = MappedEvent { former: Some(former), ..mapped(Some("v2")) };
    assert!(
        one.is_former(Some("v1"), date(1970, 1, 1)) && !one.is_former(Some("v2"), date(1970, 1, 1))
    );
}

#[test]
fn what_a_provider_shows_otherwise_means_what_was_written() {
    let mut one = mapped(Some("v1"));
    assert_eq!(one.meant(&print("two")), print("two"));
    one.learn(&print("on"), None);
    assert_eq!(one.meant(&print("on")), print("one"));
    assert_eq!(one.meant(&print("two")), print("two"), "an edit");
    one.learn(&print("one"), None);
    assert_eq!(one.shown, None, "it shows what was written");
    let title = Parts { fields: [Field::Title].into(), ..Parts::default() };
    one.learn(&print("on"), Some(&title));
    assert_eq!(one.meant(&print("on")), print("one"));
    one.learn(&print("on"), Some(&Parts { fields: [Field::Location].into(), ..Parts::default() }));
    assert_eq!(one.meant(&print("on")), print("one"), "another part was written");
    one.intent = Some(print("two"));
    one.agree(print("one"));
    assert_eq!(
        (one.meant(&print("on")), &one.intent),
        (print("one"), &None),
        "nothing else was agreed on"
    );
    one.agree(print("two"));
    assert_eq!((one.shown, one.base), (None, print("two")));
}

#[test]
fn times_are_days_or_instants() {
    let day = Times::from(&Span::AllDay { start: date(2026, 3, 1), end: date(2026, 3, 2) });
    assert_eq!(day, Times { start: "2026-03-01".into(), end: "2026-03-02".into() });
    let moment = |hour| Moment {
        local: date(2026, 7, 1).at(hour, 0, 0, 0),
        zone: Zone::Iana("Europe/Berlin".into()),
    };
    let timed = Times::from(&Span::Timed { start: moment(10), end: moment(11) });
    assert_eq!(
        timed,
        Times { start: "2026-07-01T08:00:00Z".into(), end: "2026-07-01T09:00:00Z".into() }
    );
}
