//! What no mapping knows: copied, taken over, or left alone for a reason.

use super::*;

#[test]
fn new_events_are_copied_unless_there_is_a_reason() {
    let world = world();
    let decide = |edit: &dyn Fn(&mut Event)| {
        let mut event = event();
        edit(&mut event);
        world.unknown(&event, Beside::Nothing)
    };
    assert!(matches!(decide(&|_| ()), Decision::Create(_)));
    assert_eq!(skipped(&decide(&|e| e.cancelled = true)), Reason::Cancelled);
    assert_eq!(skipped(&decide(&|e| e.declined = true)), Reason::Declined);
    let on = |day| Span::AllDay { start: day, end: day.tomorrow().unwrap() };
    assert_eq!(
        skipped(&decide(&|e| e.content.span = on(date(2025, 12, 9)))),
        Reason::OutsideWindow
    );
    assert!(
        matches!(decide(&|e| e.content.span = on(date(2025, 12, 10))), Decision::Create(_)),
        "the first day counts"
    );
    assert_eq!(
        skipped(&decide(&|e| e.content.span = on(date(2027, 3, 10)))),
        Reason::OutsideWindow
    );
}

#[test]
fn a_private_copy_shows_busy_and_the_time() {
    let world = world().private();
    let mut event = event();
    event.content.attendees = vec!["anna@example.org".into()];
    let Decision::Create(create) = world.unknown(&event, Beside::Nothing) else { panic!() };
    let copy = &create.draft.content;
    assert_eq!(
        (copy.title.as_str(), copy.description.as_str(), copy.location.as_str()),
        ("Busy", "", "")
    );
    assert_eq!((copy.visibility, copy.attendees.len()), (Visibility::Private, 0));
    assert_eq!(copy.span, event.content.span);
}

#[test]
fn old_copies_are_taken_over_when_a_pair_is_made_anew() {
    let world = world();
    let (_, origin, copy) = world.synced(event());
    let adopt = |copy: &Event, foreign| world.unknown(&origin, Beside::Copy { copy, foreign });
    assert_eq!(skipped(&adopt(&copy, false)), Reason::Adopted);
    let Observed::Event(stale) = edited(&copy, "c9", |e| e.content.title = "Old".into()) else {
        panic!()
    };
    assert_eq!(fields(&write(adopt(&stale, false)).copy), [Field::Title]);
    let marked = write(adopt(&copy, true)).copy.expect("it is marked again");
    assert!(marked.parts.is_empty() && !marked.whole, "nothing else of it changes");
    let Observed::Event(shared) = edited(&stale, "c9", |e| e.others = true) else { panic!() };
    assert_eq!(
        skipped(&adopt(&shared, true)),
        Reason::Adopted,
        "others take part: it is not written to"
    );
}

#[test]
fn an_old_copy_outside_the_window_is_taken_over_and_shows_no_more_than_it_may() {
    let mut past = event();
    past.content.span = Span::AllDay { start: date(2025, 1, 1), end: date(2025, 1, 2) };
    for private in [false, true] {
        let mut world = world();
        world.pair.private = private;
        let copy = Event {
            marker: None,
            id: EventId::new("c.ics"),
            etag: Some("c1".into()),
            ..past.clone()
        };
        match world.unknown(&past, Beside::Copy { copy: &copy, foreign: false }) {
            Decision::Skip { reason: Reason::Adopted, remember: Some(mapping), .. } if !private => {
                assert_eq!(
                    (mapping.state, mapping.copy.id.as_str()),
                    (MappingState::Archived, "c.ics")
                );
            }
            Decision::Write(write) if private => {
                assert_eq!(write.mapping.state, MappingState::Archived);
                assert_eq!(write.copy.unwrap().draft.content.title, "Busy");
            }
            other => panic!("{private} {other:?}"),
        }
    }
}

#[test]
fn what_another_calendar_holds_is_remembered_and_nothing_is_made() {
    let world = world();
    let (_, origin, copy) = world.synced(event());
    for (beside, reason, state) in [
        (Beside::Foreign(&copy), Reason::CopiedByAnother, MappingState::CopiedByAnother),
        (
            Beside::AlreadyThere(copy.id.clone(), UidHash::of("u")),
            Reason::AlreadyThere,
            MappingState::AlreadyThere,
        ),
    ] {
        let Decision::Skip { reason: found, remember: Some(mapping), .. } =
            world.unknown(&origin, beside)
        else {
            panic!()
        };
        assert_eq!(
            (found, mapping.state, mapping.is_live(), mapping.is_beside()),
            (reason, state, false, true)
        );
        // As long as it is there, nothing is made; then the event is copied.
        let later = edited(&origin, "o2", |e| e.content.title = "Later".into());
        assert!(matches!(
            world.known(&mapping, later.clone(), Observed::Unchanged),
            Decision::Remember(_)
        ));
        assert!(matches!(
            world.known(&mapping, Observed::Unchanged, Observed::Unchanged),
            Decision::Nothing
        ));
        assert!(matches!(world.known(&mapping, later, Observed::Gone), Decision::Create(_)));
        assert!(matches!(
            world.known(&mapping, Observed::Gone, Observed::Unchanged),
            Decision::Forget(_)
        ));
    }
}

#[test]
fn an_event_made_out_of_a_copy_becomes_one_of_its_own() {
    let world = world();
    let (mapping, _, copy) = world.synced(event());
    let split = Event { id: EventId::new("split.ics"), uid: "split".into(), ..copy };
    let planner = world.planner();
    let id = planner.mapping_id(Side::To, &split.id, 0);
    let unknown = Unknown {
        side: Side::To,
        event: &split,
        id,
        copy_id: EventId::new("x.ics"),
        beside: Beside::Nothing,
        marked_as_copy: true,
        first: None,
    };
    let Decision::Create(create) = planner.unknown(unknown) else { panic!() };
    assert!(create.mark_origin && create.mapping.side == Side::To);
    assert_eq!(
        create.mapping.first(),
        UidHash::of("split"),
        "it is no copy of what it was made out of: {:?}",
        mapping.first()
    );
}

#[test]
fn an_emptied_calendar_is_dealt_with_as_its_owner_says() {
    for two_way in [true, false] {
        let mut world = world();
        world.pair.two_way = two_way;
        let (mapping, origin, copy) = world.synced(event());
        let there = || Observed::Event(Box::new(origin.clone()));
        let Decision::Create(again) =
            world.known(&mapping, there(), Observed::Emptied(Answer::MakeAgain))
        else {
            panic!()
        };
        assert_eq!((again.role, again.mapping.generation), (Role::Copy, 1));
        let Decision::Skip { reason: Reason::Suppressed, remember: Some(left), .. } =
            world.known(&mapping, there(), Observed::Emptied(Answer::LeaveOut))
        else {
            panic!()
        };
        assert_eq!(left.state, MappingState::Suppressed);
        if two_way {
            let copy = || Observed::Event(Box::new(copy.clone()));
            let Decision::Create(again) =
                world.known(&mapping, Observed::Emptied(Answer::MakeAgain), copy())
            else {
                panic!()
            };
            assert_eq!(again.role, Role::Origin);
            let Decision::Remember(turned) =
                world.known(&mapping, Observed::Emptied(Answer::LeaveOut), copy())
            else {
                panic!()
            };
            assert_eq!(
                (turned.side, turned.state, &turned.origin.id),
                (Side::To, MappingState::Suppressed, &mapping.copy.id)
            );
            assert!(matches!(
                world.known(&turned, Observed::Unchanged, Observed::Gone),
                Decision::Nothing
            ));
        }
    }
}

#[test]
fn a_copy_that_another_installation_has_taken_over_is_left_to_it() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let another = Marks::new(&[9; 32]).mint(Role::Copy, mapping.id, mapping.first());
    let taken = || edited(&copy, "c2", |e| e.marker = Some(another.clone()));
    for origin in [Observed::Unchanged, edited(&origin, "o2", |_| ())] {
        let decision = world.known(&mapping, origin, taken());
        assert!(matches!(
            decision,
            Decision::Skip { reason: Reason::CopiedByAnother, remember: Some(left), .. }
                if left.is_beside()
        ));
    }
    // Cut off in taking it over from the other one: it is marked now.
    let base = mapping.copy.base.clone();
    let cut_off = Mapping {
        taken_over: true,
        copy: MappedEvent { intent: Some(base), ..mapping.copy.clone() },
        ..mapping
    };
    assert!(write(world.known(&cut_off, edited(&origin, "o1", |_| ()), taken())).copy.is_some());
}

#[test]
fn a_copy_of_another_installation_that_loses_its_mark_is_copied() {
    let world = world();
    let mark = Marks::new(&[9; 32]).mint(
        Role::Copy,
        world.planner().mapping_id(Side::To, &EventId::new("x.ics"), 0),
        UidHash::of("x"),
    );
    let marked = Event { marker: Some(mark), ..event() };
    let id = world.planner().mapping_id(Side::From, &marked.id, 0);
    let Decision::Skip { reason: Reason::CopiedByAnother, remember: Some(mapping), .. } =
        world.planner().foreign(Side::From, &marked, id, EventId::new("copy.ics"))
    else {
        panic!()
    };
    assert!(matches!(
        world.known(&mapping, edited(&marked, "o2", |e| e.sequence = 1), Observed::Unchanged),
        Decision::Remember(_)
    ));
    assert!(matches!(
        world.known(&mapping, edited(&marked, "o2", |e| e.marker = None), Observed::Unchanged),
        Decision::Create(_)
    ));
}
