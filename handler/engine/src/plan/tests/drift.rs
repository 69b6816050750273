//! Copies that show something else than they should.

use super::*;

const FIRST: &str = "2026-03-19T09:00:00Z";
const SECOND: &str = "2026-03-26T09:00:00Z";

/// After a person edited the copy: the stored mapping, and the copy.
fn drifted(
    world: &PlanWorld,
    mapping: &Mapping,
    copy: &Event,
    edit: impl FnOnce(&mut Event),
) -> (Mapping, Event) {
    let Observed::Event(copy) = edited(copy, "c2", edit) else { panic!() };
    let Decision::Skip { reason: Reason::CopyEdited, remember: Some(mapping), .. } =
        world.known(mapping, Observed::Unchanged, Observed::Event(copy.clone()))
    else {
        panic!("a one-way pair leaves it")
    };
    assert!(mapping.drifted);
    (*mapping, *copy)
}

fn cancel(event: &mut Event, occurrence: &str) {
    event.series.as_mut().unwrap().exceptions.insert(start(occurrence), Exception::Cancelled);
}

fn there(event: &Event) -> Observed {
    Observed::Event(Box::new(event.clone()))
}

#[test]
fn a_drifted_copy_is_put_right_by_a_full_pass_and_by_the_next_change() {
    let mut world = world().one_way();
    let (mapping, origin, copy) = world.synced(event());
    let (mapping, copy) = drifted(&world, &mapping, &copy, |e| e.content.title = "Mine".into());
    let moved = write(world.known(
        &mapping,
        edited(&origin, "o2", |e| e.content.location = "Room 9".into()),
        there(&copy),
    ));
    assert_eq!(fields(&moved.copy), [Field::Title, Field::Location]);
    assert!(!moved.mapping.drifted);
    let touched = edited(&origin, "o2", |_| ());
    assert_eq!(
        skipped(&world.known(&mapping, touched.clone(), there(&copy))),
        Reason::CopyEdited,
        "touched is not changed"
    );
    world.full = true;
    let right = write(world.known(&mapping, touched, there(&copy)));
    assert_eq!(fields(&right.copy), [Field::Title]);
    assert!(!right.mapping.drifted);
}

#[test]
fn exceptions_that_only_a_drifted_copy_has_are_taken_away() {
    let world = world().one_way();
    let (mapping, origin, copy) = world.synced(weekly());
    let (mapping, copy) = drifted(&world, &mapping, &copy, |e| cancel(e, FIRST));
    let right =
        write(world.known(&mapping, edited(&origin, "o2", |e| cancel(e, SECOND)), there(&copy)));
    let change = right.copy.unwrap();
    assert_eq!(change.parts.exceptions, [start(FIRST), start(SECOND)].into());
    assert!(!change.whole, "the other fields stay");
}

#[test]
fn a_full_pass_puts_right_what_was_edited_just_now() {
    let mut world = world().one_way();
    world.full = true;
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&copy, "c2", |e| e.content.title = "Mine".into());
    assert_eq!(fields(&write(world.known(&mapping, there(&origin), renamed)).copy), [Field::Title]);
}

#[test]
fn a_copy_that_was_put_right_by_hand_costs_no_write() {
    let mut world = world().one_way();
    world.full = true;
    let (mapping, origin, copy) = world.synced(event());
    let (mapping, _) = drifted(&world, &mapping, &copy, |e| e.content.title = "Mine".into());
    let decision = world.known(&mapping, there(&origin), edited(&copy, "c3", |_| ()));
    assert!(matches!(decision, Decision::Remember(mapping) if !mapping.drifted));
}

#[test]
fn who_has_not_read_a_drifted_copy_does_not_call_it_right() {
    let world = world().one_way();
    let (mapping, origin, copy) = world.synced(weekly());
    let (mapping, _) = drifted(&world, &mapping, &copy, |e| cancel(e, FIRST));
    let renamed = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let write = write(world.known(&mapping, renamed, Observed::Unchanged));
    assert!(write.mapping.drifted && !write.copy.unwrap().whole);
}

/// The origin's server refused the copy's edit for good: it leads nowhere, and must not keep what
/// the origin shows from its copy.
#[test]
fn an_edit_that_led_nowhere_does_not_flow_back_with_the_next_change() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&copy, "c2", |e| e.content.title = "Too long".into());
    let refused = write(world.known(&mapping, there(&origin), renamed.clone()));
    assert!(refused.origin.is_some());
    let noted = Mapping { drifted: true, ..refused.mapping };
    let noted = Mapping {
        copy: MappedEvent { etag: Some("c2".into()), ..mapping.copy },
        origin: mapping.origin,
        ..noted
    };
    let moved = edited(&origin, "o2", |e| e.content.location = "Room 9".into());
    let next = write(world.known(&noted, moved.clone(), renamed.clone()));
    assert!(next.origin.is_none());
    assert_eq!(fields(&next.copy), [Field::Title, Field::Location]);
    // Edited once more, it is news.
    let Observed::Event(mut again) = renamed else { panic!() };
    again.etag = Some("c3".into());
    assert_eq!(
        fields(&write(world.known(&noted, moved, Observed::Event(again))).origin),
        [Field::Title]
    );
}

#[test]
fn a_drifted_copy_is_read_with_its_origin() {
    let mut world = world().one_way();
    let (fresh, _, _) = world.synced(event());
    let drifted = Mapping { drifted: true, ..fresh.clone() };
    let none = Halves::default();
    let (origin, copy) =
        (Halves { origin: true, copy: false }, Halves { origin: false, copy: true });
    let both = Halves { origin: true, copy: true };
    let reads = |world: &PlanWorld, mapping: &Mapping, changed, gone| {
        world.planner().to_read(mapping, changed, gone)
    };
    assert_eq!(reads(&world, &fresh, origin, none), origin, "a copy in step is not read");
    assert_eq!(reads(&world, &drifted, origin, none), both);
    assert_eq!(reads(&world, &drifted, none, none), none, "without need nothing is read");
    assert_eq!(reads(&world, &drifted, origin, copy), origin, "what is gone is not read");
    assert_eq!(reads(&world, &drifted, none, origin), none);
    assert_eq!(
        reads(&world, &Mapping { copy_guests: true, ..drifted.clone() }, origin, none),
        origin,
        "it is not written to"
    );
    assert_eq!(
        reads(
            &world,
            &Mapping { state: MappingState::Suppressed, ..drifted.clone() },
            origin,
            none
        ),
        origin,
        "it is not there"
    );
    assert_eq!(reads(&world, &fresh, copy, none), copy, "one-way: it leads to no write");
    world.full = true;
    assert_eq!(reads(&world, &drifted, none, none), both);
    assert_eq!(reads(&world, &fresh, none, none), none);
    assert_eq!(reads(&world, &fresh, copy, none), both);
    world.full = false;
    world.pair.two_way = true;
    assert_eq!(reads(&world, &fresh, copy, none), both, "it may flow back");
    assert_eq!(reads(&world, &fresh, copy, origin), copy);
}
