//! Where an event lies, what its mark says, and what is remembered of it.

use super::*;

fn there(event: &Event) -> Observed {
    Observed::Event(Box::new(event.clone()))
}

fn floating(local: &str) -> Span {
    let start = Moment { local: local.parse().unwrap(), zone: Zone::Floating };
    Span::Timed { end: start.clone(), start }
}

#[test]
fn floating_times_are_looked_at_in_the_zone_of_their_calendar() {
    let world = world();
    let mut event = event();
    event.content.span = floating("2027-03-10T05:00");
    assert!(!world.planner().is_inside(Side::From, &event), "in UTC it is after the last day");
    let tokyo = Planner { zones: [Some("Asia/Tokyo"), None].into(), ..world.planner() };
    assert!(tokyo.is_inside(Side::From, &event) && !tokyo.is_inside(Side::To, &event));
}

#[test]
fn copies_at_google_stand_in_the_zone_of_the_origins_calendar_or_else_their_own() {
    let world = world();
    let mut event = event();
    event.content.span = floating("2026-03-12T10:00");
    let kinds = [ProviderKind::Caldav, ProviderKind::Google];
    for (zones, zone) in [
        ([Some("Asia/Tokyo"), Some("Europe/Berlin")], "Asia/Tokyo"),
        ([None, Some("Europe/Berlin")], "Europe/Berlin"),
    ] {
        let planner = Planner { kinds: kinds.into(), zones: zones.into(), ..world.planner() };
        let (id, copy_id) = (planner.mapping_id(Side::From, &event.id, 0), EventId::new("c"));
        let unknown = Unknown {
            side: Side::From,
            event: &event,
            id,
            copy_id,
            beside: Beside::Nothing,
            marked_as_copy: false,
            first: None,
        };
        let Decision::Create(create) = planner.unknown(unknown) else { panic!() };
        let Span::Timed { start, .. } = &create.draft.content.span else { panic!() };
        assert_eq!(start.zone, Zone::Iana(zone.into()));
    }
}

#[test]
fn a_series_with_very_many_exceptions_is_not_carried_over() {
    let world = world();
    let mut event = weekly();
    let first: Timestamp = "2026-03-19T09:00:00Z".parse().unwrap();
    let week = |n: i64| OriginalStart::At(first + jiff::SignedDuration::from_hours(7 * 24 * n));
    event.series.as_mut().unwrap().exceptions =
        (0..500).map(|n| (week(n), Exception::Cancelled)).collect();
    assert!(matches!(world.unknown(&event, Beside::Nothing), Decision::Create(_)));
    event.series.as_mut().unwrap().exceptions.insert(week(500), Exception::Cancelled);
    assert_eq!(skipped(&world.unknown(&event, Beside::Nothing)), Reason::UnsupportedRule);
}

#[test]
fn a_declined_origin_takes_its_copy() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let declined = edited(&origin, "o2", |e| e.declined = true);
    assert!(matches!(
        world.known(&mapping, declined, Observed::Unchanged),
        Decision::Delete(delete) if delete.reason == Reason::Declined
    ));
}

#[test]
fn the_first_origin_is_what_the_mark_says_or_the_event_itself() {
    let world = world();
    let planner = world.planner();
    let id = planner.mapping_id(Side::From, &EventId::new("1.ics"), 0);
    let first = |mark: Option<String>| planner.first(&Event { marker: mark, ..event() });
    let (own, other) = (UidHash::of("1"), UidHash::of("other"));
    let theirs = Marks::new(&[9; 32]);
    assert_eq!(first(None), own);
    assert_eq!(first(Some(world.marks.mint(Role::Copy, id, other))), other);
    assert_eq!(first(Some(world.marks.mint(Role::Copy, id, None))), own);
    assert_eq!(
        first(Some(theirs.mint(Role::Origin, id, other))),
        other,
        "another installation made it again"
    );
    assert_eq!(
        first(Some(theirs.mint(Role::Copy, id, other))),
        own,
        "what it claims is not believed"
    );
}

#[test]
fn an_event_is_the_copy_of_the_mapping_that_its_mark_names_or_else_its_uid() {
    let world = world();
    let planner = world.planner();
    let [one, two] =
        ["1.ics", "2.ics"].map(|name| planner.mapping_id(Side::From, &EventId::new(name), 0));
    let is_copy = |marker: Option<String>, uid: String| {
        planner.is_copy_of(&Event { marker, uid, ..event() }, one)
    };
    assert!(is_copy(Some(world.marks.mint(Role::Copy, one, None)), "x".into()));
    assert!(
        !is_copy(Some(world.marks.mint(Role::Copy, two, None)), one.copy_uid(0)),
        "the mark counts"
    );
    assert!(!is_copy(Some(world.marks.mint(Role::Origin, one, None)), "x".into()));
    assert!(
        is_copy(None, one.copy_uid(3))
            && !is_copy(None, two.copy_uid(0))
            && !is_copy(None, "x".into())
    );
}

#[test]
fn a_mark_of_another_installation_is_told_from_ours() {
    let world = world();
    let id = world.planner().mapping_id(Side::From, &EventId::new("1.ics"), 0);
    let anothers =
        |marker: Option<String>| world.planner().is_anothers(&Event { marker, ..event() });
    assert!(anothers(Some(Marks::new(&[9; 32]).mint(Role::Copy, id, None))));
    assert!(!anothers(Some(world.marks.mint(Role::Copy, id, None))) && !anothers(None));
}

#[test]
fn a_copy_of_the_past_that_is_brought_into_the_window_takes_its_origin_along() {
    let mut world = world();
    let (mapping, origin, copy) = world.synced(event());
    world.now = "2026-09-10T12:00:00Z".parse().unwrap();
    let archived = Mapping { state: MappingState::Archived, ..mapping };
    let moved = |day: &str| {
        edited(&copy, "c2", |e| e.content.span = Span::Timed { start: at(day), end: at(day) })
    };
    let brought = write(world.known(&archived, there(&origin), moved("2026-09-12T10:00")));
    assert_eq!(
        (fields(&brought.origin), brought.mapping.state),
        (vec![Field::Time], MappingState::Live)
    );
    let renamed = edited(&copy, "c2", |e| e.content.title = "Mine".into());
    for copy in [moved("2026-03-13T10:00"), renamed, Observed::Unchanged] {
        let decision = world.known(&archived, there(&origin), copy);
        assert!(
            matches!(decision, Decision::Nothing | Decision::Remember(_)),
            "of the past it stays as it is: {decision:?}"
        );
    }
    let one_way = PlanWorld { pair: Pair { two_way: false, ..world.pair.clone() }, ..world };
    let decision = one_way.known(&archived, there(&origin), moved("2026-09-12T10:00"));
    assert!(matches!(decision, Decision::Nothing | Decision::Remember(_)), "{decision:?}");
}

#[test]
fn what_is_seen_is_no_longer_unseen() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    for (unseen, seen, left) in [
        (Role::Origin, (there(&origin), Observed::Unchanged), None),
        (Role::Copy, (there(&origin), Observed::Unchanged), Some(Role::Copy)),
        (Role::Copy, (Observed::Unchanged, there(&copy)), None),
        (Role::Origin, (Observed::Unchanged, there(&copy)), Some(Role::Origin)),
    ] {
        let before = Mapping {
            unseen: Some(unseen),
            origin: MappedEvent { etag: None, ..mapping.origin.clone() },
            ..mapping.clone()
        };
        let Decision::Remember(after) = world.known(&before, seen.0, seen.1) else { panic!() };
        assert_eq!(after.unseen, left, "{unseen:?}");
    }
}

#[test]
fn a_row_without_uids_learns_whose_copy_its_origin_is() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let old =
        Mapping { origin: MappedEvent { uid: None, ..mapping.origin.clone() }, ..mapping.clone() };
    let learn = |event: Event| match world.known(
        &old,
        Observed::Event(Box::new(event)),
        Observed::Unchanged,
    ) {
        Decision::Remember(after) => (after.origin.uid, after.first),
        other => panic!("{other:?}"),
    };
    assert_eq!(learn(origin.clone()), (UidHash::of("1"), None));
    let mark = world.marks.mint(Role::Origin, mapping.id, UidHash::of("first"));
    assert_eq!(
        learn(Event { marker: Some(mark), ..origin }),
        (UidHash::of("1"), UidHash::of("first"))
    );
}

#[test]
fn an_origin_that_is_made_again_has_a_copy_that_is_right_or_drifted() {
    let world = world();
    let (mapping, _, copy) = world.synced(event());
    let again = |mapping: &Mapping, copy| match world.known(mapping, Observed::Gone, copy) {
        Decision::Create(create) => create.mapping,
        other => panic!("{other:?}"),
    };
    let named = again(&mapping, edited(&copy, "c2", |e| e.content.title = "Kept".into()));
    assert_eq!(
        (named.drifted, named.made, named.made_at, named.origin.uid),
        (false, Some(1), Some(world.now.as_second()), None)
    );
    assert_eq!(named.first, UidHash::of("1"));
    // A copy that does not show what it should, because its owner wrote joining details into it.
    let link = edited(&copy, "c2", |e| e.content.location = "https://zoom.us/j/1, Room 7".into());
    assert!(!again(&mapping, link).drifted, "they count for nothing");
    // Its mark is still to be written.
    let cut_off = Mapping { taken_over: true, ..mapping.clone() };
    let cut_off = Mapping {
        copy: MappedEvent { intent: Some(mapping.copy.base.clone()), ..mapping.copy.clone() },
        ..cut_off
    };
    let moved = |e: &mut Event| {
        e.content.span = Span::AllDay { start: date(2026, 3, 14), end: date(2026, 3, 15) }
    };
    assert!(again(&cut_off, edited(&copy, "c2", moved)).copy.intent.is_some());
    assert!(
        again(&Mapping { taken_over: false, ..cut_off }, edited(&copy, "c2", moved))
            .copy
            .intent
            .is_none()
    );
    let private = PlanWorld { pair: Pair { private: true, ..world.pair.clone() }, ..world };
    let (mapping, _, busy) = private.synced(event());
    let Decision::Create(create) = private.known(
        &mapping,
        Observed::Gone,
        edited(&busy, "c2", |e| {
            moved(e);
            e.content.title = "Mine".into();
        }),
    ) else {
        panic!()
    };
    assert!(create.mapping.drifted, "a private copy shows only that something is there");
}

#[test]
fn a_copy_that_is_taken_over_as_it_is_has_not_drifted() {
    let world = world();
    let (_, origin, copy) = world.synced(event());
    let taken = |copy: &Event| match world.unknown(&origin, Beside::Copy { copy, foreign: false }) {
        Decision::Skip { remember: Some(mapping), .. } => *mapping,
        other => panic!("{other:?}"),
    };
    let mapping = taken(&copy);
    assert_eq!(
        (mapping.state, mapping.drifted, mapping.taken_over, mapping.pristine),
        (MappingState::Live, false, true, false)
    );
    let invited = Event {
        others: true,
        content: Content { title: "Theirs".into(), ..copy.content.clone() },
        ..copy
    };
    let mapping = taken(&invited);
    assert!(
        mapping.drifted && mapping.copy_guests,
        "it shows something else, and is not written to"
    );
}

#[test]
fn copies_of_an_event_look_like_it_or_like_busy() {
    let (open, private) = (world(), world().private());
    let (_, origin, copy) = open.synced(event());
    let (_, _, busy) = private.synced(event());
    let [shown, hidden] = open.planner().appearances(Side::From, &origin);
    assert_eq!([shown, hidden], [&copy, &busy].map(|copy| open.planner().appearance(copy)));
    assert!(shown[0] == hidden[0] && shown[1] != hidden[1]);
}
