//! Mappings that are no origin and copy in step: emptied calendars, names that belong to another
//! event, events that nothing is made of.

use super::*;

fn there(event: &Event) -> Observed {
    Observed::Event(Box::new(event.clone()))
}

fn remembered(decision: Decision) -> Mapping {
    match decision {
        Decision::Remember(mapping) => *mapping,
        Decision::Skip { remember: Some(mapping), .. } => *mapping,
        other => panic!("expected what is remembered, got {other:?}"),
    }
}

fn created(decision: Decision) -> Create {
    match decision {
        Decision::Create(create) => *create,
        other => panic!("expected a create, got {other:?}"),
    }
}

#[test]
fn of_an_emptied_calendar_only_what_was_live_is_made_again() {
    let world = world();
    let (mapping, _, copy) = world.synced(event());
    let emptied = |mapping: &Mapping, copy: Observed, answer| {
        world.known(mapping, Observed::Emptied(answer), copy)
    };
    let suppressed = Mapping { state: MappingState::Suppressed, ..mapping.clone() };
    for answer in [Answer::MakeAgain, Answer::LeaveOut] {
        for seen in [Observed::Unchanged, Observed::Unreadable { etag: None, why: String::new() }] {
            assert!(
                matches!(emptied(&mapping, seen.clone(), answer), Decision::Nothing),
                "it was not read"
            );
            assert!(matches!(emptied(&suppressed, seen, answer), Decision::Forget(_)));
        }
        assert!(matches!(emptied(&suppressed, there(&copy), answer), Decision::Forget(_)));
        assert!(matches!(emptied(&mapping, Observed::Gone, answer), Decision::Forget(_)));
    }
    let cancelled = Event { cancelled: true, ..copy.clone() };
    assert!(matches!(emptied(&mapping, there(&cancelled), Answer::MakeAgain), Decision::Forget(_)));
    let again = created(emptied(&mapping, there(&copy), Answer::MakeAgain));
    assert_eq!(
        (again.role, again.reason, again.mapping.generation, again.mapping.drifted),
        (Role::Origin, None, 1, false)
    );
}

#[test]
fn of_an_emptied_calendar_of_copies_the_answer_counts() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let emptied = |state, origin: Observed, answer| {
        world.known(&Mapping { state, ..mapping.clone() }, origin, Observed::Emptied(answer))
    };
    assert!(
        matches!(
            emptied(MappingState::Live, Observed::Unchanged, Answer::MakeAgain),
            Decision::Nothing
        ),
        "nothing was read to make it of"
    );
    assert_eq!(
        remembered(emptied(MappingState::Live, Observed::Unchanged, Answer::LeaveOut)).state,
        MappingState::Suppressed
    );
    assert!(matches!(
        emptied(MappingState::Creating, Observed::Unchanged, Answer::LeaveOut),
        Decision::Nothing
    ));
    let again = created(emptied(MappingState::Creating, there(&origin), Answer::LeaveOut));
    assert_eq!((again.mapping.generation, again.mapping.state), (0, MappingState::Creating));
    // What is left out is the event as it is now.
    let renamed =
        Event { content: Content { title: "Second".into(), ..origin.content.clone() }, ..origin };
    let left = remembered(emptied(MappingState::Live, there(&renamed), Answer::LeaveOut));
    assert_eq!(
        (left.state, left.origin.base == world.prints.origin(&Draft::from(&renamed))),
        (MappingState::Suppressed, true)
    );
}

/// The calendar of the origin was emptied and left so; later its events are restored.
#[test]
fn an_origin_that_is_restored_is_the_origin_again() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let turned =
        remembered(world.known(&mapping, Observed::Emptied(Answer::LeaveOut), there(&copy)));
    assert_eq!(
        (&turned.origin.id, &turned.copy.id, turned.turned, turned.copy.etag.clone()),
        (&copy.id, &origin.id, true, None)
    );
    assert_eq!(turned.first(), mapping.first(), "it is a copy of the same first origin");
    assert_eq!(
        (turned.pristine, turned.drifted, turned.copy_guests, turned.guests),
        (false, false, false, false)
    );

    let back = world.known(&turned, there(&copy), there(&origin));
    let Decision::Remember(back) = back else { panic!("{back:?}") };
    assert_eq!(
        (back.side, back.state, back.turned, &back.origin.id),
        (Side::From, MappingState::Live, false, &origin.id)
    );
    for copy in [Observed::Unchanged, Observed::Unreadable { etag: None, why: String::new() }] {
        assert!(
            matches!(world.known(&turned, copy, there(&origin)), Decision::Nothing),
            "it was not read"
        );
    }
    let cancelled = Event { cancelled: true, ..copy };
    for copy in [Observed::Gone, Observed::Emptied(Answer::LeaveOut), there(&cancelled)] {
        let again = created(world.known(&turned, copy, there(&origin)));
        assert_eq!(
            (again.role, again.mapping.side, &again.mapping.origin.id, again.mapping.turned),
            (Role::Copy, Side::From, &origin.id, false)
        );
    }
    // A mapping that was turned and is live by now is one like any other.
    let live = Mapping { state: MappingState::Live, ..turned };
    assert!(matches!(
        world.known(&live, Observed::Unchanged, Observed::Gone),
        Decision::Delete(delete) if delete.role == Role::Origin
    ));
}

#[test]
fn an_event_under_the_name_of_a_copy_is_another_one_only_if_nothing_of_it_is_the_same() {
    let world = world();
    let (mut mapping, _, mut copy) = world.synced(event());
    copy.marker = None;
    mapping.copy.uid = UidHash::of(&copy.uid);
    let other = Event {
        uid: "else@example.org".into(),
        content: Content {
            title: "Else".into(),
            span: Span::Timed { start: at("2026-03-20T10:00"), end: at("2026-03-20T11:00") },
            ..copy.content.clone()
        },
        ..copy.clone()
    };
    let is_another = |mapping: &Mapping, event: &Event| world.planner().is_another(mapping, event);
    assert!(is_another(&mapping, &other));
    assert!(!is_another(&mapping, &copy));
    assert!(
        !is_another(&mapping, &Event { marker: Some("h2".into()), ..other.clone() }),
        "it bears a mark"
    );
    assert!(!is_another(&mapping, &Event { uid: copy.uid.clone(), ..other.clone() }));
    assert!(
        !is_another(&mapping, &Event { uid: mapping.id.copy_uid(1), ..other.clone() }),
        "a UID of ours"
    );
    let moved = Event {
        content: Content { title: copy.content.title.clone(), ..other.content.clone() },
        ..other.clone()
    };
    let renamed = Event {
        content: Content { span: copy.content.span.clone(), ..other.content.clone() },
        ..other.clone()
    };
    assert!(!is_another(&mapping, &moved) && !is_another(&mapping, &renamed));
    for mapping in [
        Mapping { state: MappingState::Suppressed, ..mapping.clone() },
        Mapping { turned: true, ..mapping.clone() },
        Mapping { copy: MappedEvent { uid: None, ..mapping.copy.clone() }, ..mapping.clone() },
        Mapping {
            copy: MappedEvent {
                intent: Some(world.prints.copy(&Draft::from(&other))),
                ..mapping.copy.clone()
            },
            ..mapping
        },
    ] {
        assert!(!is_another(&mapping, &other), "{mapping:?}");
    }
}

#[test]
fn a_copy_whose_name_was_taken_by_another_event_is_left_out() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let replaced = |origin| world.planner().replaced(&mapping, origin);
    let left = remembered(replaced(Observed::Unchanged));
    assert_eq!(
        (left.state, left.copy.id, left.copy.etag),
        (MappingState::Suppressed, EventId::new(mapping.id.copy_uid(0)), None)
    );
    assert!(
        matches!(replaced(Observed::Gone), Decision::Forget(forgotten) if *forgotten == mapping)
    );
    let renamed = edited(&origin, "o2", |e| e.content.title = "Second".into());
    assert_eq!(created(replaced(renamed)).mapping.generation, 1);
}

#[test]
fn an_event_that_is_left_alone_waits_for_what_is_beside_it() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let alone = Mapping { state: MappingState::CopiedByAnother, ..mapping.clone() };
    let touched = |edit: &dyn Fn(&mut Event)| edited(&origin, "o2", edit);
    let marked = touched(&|e| {
        e.marker = Some(Marks::new(&[9; 32]).mint(Role::Copy, mapping.id, UidHash::of("x")))
    });
    let nothing_beside = Mapping {
        copy: MappedEvent { etag: None, uid: None, ..alone.copy.clone() },
        ..alone.clone()
    };
    // The copy is beside it: its own mark counts for nothing.
    assert_eq!(
        remembered(world.known(&alone, touched(&|_| ()), Observed::Unchanged)).state,
        MappingState::CopiedByAnother
    );
    // It is a copy itself, until it bears no mark.
    assert_eq!(
        remembered(world.known(&nothing_beside, marked.clone(), Observed::Unchanged)).state,
        MappingState::CopiedByAnother
    );
    assert_eq!(
        remembered(world.known(&nothing_beside, marked, Observed::Gone)).state,
        MappingState::CopiedByAnother,
        "nothing was beside it"
    );
    let copied = created(world.known(&nothing_beside, touched(&|_| ()), Observed::Unchanged));
    assert_eq!(
        (copied.mapping.first, copied.mapping.copy.id.as_str()),
        (None, mapping.id.copy_uid(0).as_str())
    );
    // What must not be copied is forgotten.
    let far = |e: &mut Event| {
        e.content.span = Span::AllDay { start: date(2028, 1, 1), end: date(2028, 1, 2) }
    };
    assert!(matches!(
        world.known(&nothing_beside, touched(&far), Observed::Unchanged),
        Decision::Forget(_)
    ));
    for gone in [
        touched(&|e| e.cancelled = true),
        touched(&|e| e.declined = true),
        Observed::Gone,
        Observed::Emptied(Answer::LeaveOut),
    ] {
        assert!(matches!(world.known(&alone, gone, Observed::Unchanged), Decision::Forget(_)));
    }
    let unreadable = Observed::Unreadable { etag: Some("c9".into()), why: String::new() };
    assert_eq!(
        remembered(world.known(&alone, Observed::Unchanged, unreadable.clone()))
            .copy
            .etag
            .as_deref(),
        Some("c9")
    );
    assert_eq!(
        remembered(world.known(&alone, unreadable, Observed::Unchanged)).origin.etag.as_deref(),
        Some("c9")
    );
}

#[test]
fn what_is_left_alone_is_read_when_what_was_beside_it_is_gone() {
    let world = world();
    let (mapping, ..) = world.synced(event());
    let alone = Mapping { state: MappingState::AlreadyThere, ..mapping };
    let (none, origin, copy) = (
        Halves::default(),
        Halves { origin: true, copy: false },
        Halves { origin: false, copy: true },
    );
    let both = Halves { origin: true, copy: true };
    for (changed, gone, read) in [
        (none, none, none),
        (origin, none, origin),
        (copy, none, copy),
        (none, copy, origin),
        (none, both, none),
        (none, origin, none),
        (both, none, both),
    ] {
        assert_eq!(world.planner().to_read(&alone, changed, gone), read, "{changed:?} {gone:?}");
    }
}

#[test]
fn a_copy_in_the_making_that_is_gone_is_made_of_its_origin() {
    let world = world();
    let (mapping, ..) = world.synced(event());
    let (none, copy) = (Halves::default(), Halves { origin: false, copy: true });
    let reads =
        |state, gone| world.planner().to_read(&Mapping { state, ..mapping.clone() }, none, gone);
    assert_eq!(reads(MappingState::Creating, copy), Halves { origin: true, copy: false });
    assert_eq!(reads(MappingState::Creating, none), none);
    assert_eq!(reads(MappingState::Live, copy), none);
    assert_eq!(reads(MappingState::Creating, Halves { origin: true, copy: true }), none);
}
