//! Writes that were cut off: an interrupted write of ours is distinguished from a person's edit.

use super::*;

#[test]
fn our_own_unfinished_write_is_not_taken_for_an_edit() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let noted = write(world.known(&mapping, renamed, Observed::Unchanged)).intent();
    // The write arrived, the answer did not; then the origin was edited once more.
    let third = edited(&origin, "o3", |e| e.content.title = "Third".into());
    let arrived = edited(&copy, "c2", |e| e.content.title = "Second".into());
    let next = write(world.known(&noted, third, arrived));
    assert!(next.origin.is_none());
    assert_eq!(next.copy.unwrap().draft.content.title, "Third");
    // A person's edit in the meantime is still seen as one.
    let both = edited(&copy, "c3", |e| {
        e.content.title = "Second".into();
        e.content.location = "Room 1".into();
    });
    let next = write(world.known(
        &noted,
        edited(&origin, "o2", |e| e.content.title = "Second".into()),
        both,
    ));
    assert_eq!(fields(&next.origin), [Field::Location]);
}

#[test]
fn an_edit_that_is_about_to_flow_back_survives_a_crash_in_between() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&copy, "c2", |e| e.content.title = "Copy's".into());
    let moved = edited(&origin, "o2", |e| e.content.location = "Room 9".into());
    let noted = write(world.known(&mapping, moved.clone(), renamed.clone())).intent();
    let again = write(world.known(&noted, moved, renamed));
    assert_eq!(
        (fields(&again.origin), fields(&again.copy)),
        (vec![Field::Title], vec![Field::Location])
    );
}

/// Changed occurrences are written after their series: a copy without them was cut off in the
/// making, and its origin keeps them.
#[test]
fn a_series_that_was_half_made_takes_nothing_from_its_origin() {
    let world = world();
    let mut series = weekly();
    let moved = Content { title: "Elsewhere".into(), ..series.content.clone() };
    let (first, second) = (start("2026-03-19T09:00:00Z"), start("2026-03-26T09:00:00Z"));
    series.series.as_mut().unwrap().exceptions.insert(first, Exception::Changed(Box::new(moved)));
    let (mapping, origin, copy) = world.synced(series);
    let creating = Mapping { state: MappingState::Creating, ..mapping };
    let half_made = edited(&copy, "c1", |e| e.series.as_mut().unwrap().exceptions.clear());
    let next = write(world.known(&creating, edited(&origin, "o1", |_| ()), half_made));
    assert!(next.origin.is_none());
    assert_eq!(next.copy.unwrap().parts.exceptions, [first].into());
    // What a person has done to it since then still counts.
    let both = edited(&copy, "c2", |e| {
        e.series.as_mut().unwrap().exceptions = [(second, Exception::Cancelled)].into();
    });
    let next = write(world.known(&creating, edited(&origin, "o1", |_| ()), both));
    assert_eq!(next.origin.unwrap().parts.exceptions, [second].into());
    assert_eq!(next.copy.unwrap().parts.exceptions, [first].into());
}

/// Google drops changed occurrences when their series gets another rule, and they are written again
/// after it: what was cut off in between is known by the other side, whichever side was written.
#[test]
fn a_series_whose_new_rule_was_half_written_keeps_its_changed_occurrences() {
    let world = world();
    let mut series = weekly();
    let moved = Content { title: "Elsewhere".into(), ..series.content.clone() };
    let first = start("2026-03-19T09:00:00Z");
    series.series.as_mut().unwrap().exceptions.insert(first, Exception::Changed(Box::new(moved)));
    let (mapping, origin, copy) = world.synced(series);
    let rule = |event: &mut Event| {
        event.series.as_mut().unwrap().rules = vec!["FREQ=WEEKLY;COUNT=5".into()]
    };
    let halved = |event: &mut Event| {
        rule(event);
        event.series.as_mut().unwrap().exceptions.clear();
    };

    let noted =
        write(world.known(&mapping, edited(&origin, "o2", rule), Observed::Unchanged)).intent();
    let next = write(world.known(&noted, edited(&origin, "o2", rule), edited(&copy, "c2", halved)));
    assert!(next.origin.is_none());
    assert_eq!(next.copy.unwrap().parts.exceptions, [first].into());

    let noted =
        write(world.known(&mapping, edited(&origin, "o1", |_| ()), edited(&copy, "c2", rule)))
            .intent();
    let next = write(world.known(&noted, edited(&origin, "o2", halved), edited(&copy, "c2", rule)));
    assert!(next.copy.is_none());
    assert_eq!(next.origin.unwrap().parts.exceptions, [first].into());
}

/// The write arrived at the copy and its answer did not; then its origin says again what it said
/// before.
#[test]
fn an_origin_that_is_changed_back_after_a_write_that_was_cut_off_stands() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let second = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let noted = write(world.known(&mapping, second, Observed::Unchanged)).intent();
    let back = edited(&origin, "o3", |_| ());
    let arrived = edited(&copy, "c2", |e| e.content.title = "Second".into());
    let (both, none) = (Halves { origin: true, copy: true }, Halves::default());
    assert_eq!(
        world.planner().to_read(&noted, Halves { copy: false, ..both }, none),
        both,
        "what the copy shows is not known"
    );
    assert_eq!(world.planner().to_read(&noted, Halves { origin: false, ..both }, none), both);
    for seen in [arrived, Observed::Unchanged] {
        let next = write(world.known(&noted, back.clone(), seen));
        assert!(next.origin.is_none());
        assert_eq!(
            (fields(&next.copy), next.copy.unwrap().draft.content.title),
            (vec![Field::Title], "Review".into())
        );
    }
}

/// The same on the other side: what flowed back arrived, and the copy says again what it said
/// before.
#[test]
fn a_copy_that_is_changed_back_after_a_write_that_was_cut_off_stands() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&copy, "c2", |e| e.content.title = "Second".into());
    let noted = write(world.known(&mapping, edited(&origin, "o1", |_| ()), renamed)).intent();
    let arrived = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let next = write(world.known(&noted, arrived, edited(&copy, "c3", |_| ())));
    assert!(next.copy.is_none());
    assert_eq!(
        (fields(&next.origin), next.origin.unwrap().draft.content.title),
        (vec![Field::Title], "Review".into())
    );
}

/// The same of an occurrence that was cancelled on the copy and is there again.
#[test]
fn an_occurrence_that_is_brought_back_after_a_write_that_was_cut_off_takes_place() {
    let world = world();
    let (mapping, origin, copy) = world.synced(weekly());
    let first = start("2026-03-19T09:00:00Z");
    let cancel = |event: &mut Event| {
        event.series.as_mut().unwrap().exceptions.insert(first, Exception::Cancelled);
    };
    let noted =
        write(world.known(&mapping, edited(&origin, "o1", |_| ()), edited(&copy, "c2", cancel)))
            .intent();
    let next =
        write(world.known(&noted, edited(&origin, "o2", cancel), edited(&copy, "c3", |_| ())));
    assert!(next.copy.is_none());
    let back = next.origin.unwrap();
    assert_eq!(
        (back.parts.exceptions, back.draft.series.unwrap().exceptions.len()),
        ([first].into(), 0)
    );
    // Where the write did not arrive there is nothing to take back.
    let decision = world.known(&noted, edited(&origin, "o1", |_| ()), edited(&copy, "c3", |_| ()));
    assert!(matches!(decision, Decision::Remember(_)), "{decision:?}");
}

/// A deletion of ours was cut off: where what was its reason is undone, the event lives; where not,
/// it is made.
#[test]
fn our_own_unfinished_deletion_is_not_taken_for_a_persons() {
    for world in [world(), world().one_way()] {
        let (synced, origin, copy) = world.synced(event());
        let mapping = Mapping { leaving: Some(Role::Copy), ..synced.clone() };
        let Decision::Create(create) =
            world.known(&mapping, edited(&origin, "o2", |_| ()), Observed::Gone)
        else {
            panic!("made again")
        };
        assert_eq!((create.role, create.mapping.leaving), (Role::Copy, None));
        assert!(
            matches!(world.known(&mapping, Observed::Unchanged, Observed::Gone), Decision::Nothing),
            "nothing is deleted unread"
        );
        assert!(matches!(
            world.known(&mapping, Observed::Gone, Observed::Gone),
            Decision::Forget(_)
        ));
        let Decision::Remember(both) =
            world.known(&mapping, edited(&origin, "o2", |_| ()), edited(&copy, "c1", |_| ()))
        else {
            panic!()
        };
        assert_eq!(both.leaving, None, "both are there");
    }
    let world = world();
    let (synced, origin, copy) = world.synced(event());
    let mapping = Mapping { leaving: Some(Role::Origin), ..synced };
    let (there, back) = (edited(&origin, "o2", |_| ()), edited(&copy, "c2", |_| ()));
    let Decision::Create(create) = world.known(&mapping, Observed::Gone, back.clone()) else {
        panic!("made again")
    };
    assert_eq!((create.role, create.mapping.leaving), (Role::Origin, None));
    let deleted = |decision| {
        if let Decision::Delete(delete) = decision {
            Some((delete.role, delete.reason))
        } else {
            None
        }
    };
    assert_eq!(
        deleted(world.known(&mapping, there, Observed::Gone)),
        Some((Role::Origin, Reason::CopyDeleted))
    );
    let cancelled = edited(&origin, "o2", |origin| origin.cancelled = true);
    assert_eq!(
        deleted(world.known(&mapping, cancelled, back)),
        Some((Role::Copy, Reason::Cancelled)),
        "nothing is made beside a cancelled event"
    );
}
