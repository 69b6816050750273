//! Edits: of the origin, of the copy, of both; what flows back and what does not.

use super::*;
use crate::copy::BUSY;

const TEAMS: &str = "Agenda first.\n\n________________________________________________________________________________\nMicrosoft Teams meeting\nJoin: https://teams.microsoft.com/l/meetup-join/19%3ameeting_x\n________________________________________________________________________________";

#[test]
fn an_edit_of_the_origin_writes_the_copy_whole_while_it_is_pristine() {
    let world = world().one_way();
    let (mut mapping, origin, _) = world.synced(event());
    let seen = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let first = write(world.known(&mapping, seen.clone(), Observed::Unchanged));
    assert_eq!(fields(&first.copy), [Field::Title]);
    assert!(first.copy.unwrap().whole && first.origin.is_none());
    mapping.pristine = false;
    assert!(
        !write(world.known(&mapping, seen, Observed::Unchanged)).copy.unwrap().whole,
        "it may have an alarm that a person set"
    );
}

#[test]
fn an_echo_writes_nothing() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    for (origin, copy) in [
        (edited(&origin, "o2", |_| ()), Observed::Unchanged),
        (edited(&origin, "o1", |_| ()), edited(&copy, "c2", |_| ())),
        (edited(&origin, "o2", |e| e.content.title = "Review \u{20}".into()), Observed::Unchanged),
    ] {
        assert!(matches!(world.known(&mapping, origin, copy), Decision::Remember(_)));
    }
}

#[test]
fn a_copys_edit_flows_back_in_a_two_way_pair_and_nowhere_in_a_one_way_pair() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let seen = edited(&copy, "c2", |e| e.content.location = "Room 7".into());
    let flows = write(world.known(&mapping, edited(&origin, "o1", |_| ()), seen.clone()));
    assert_eq!(fields(&flows.origin), [Field::Location]);
    assert!(flows.copy.is_none());
    let world = world.one_way();
    assert_eq!(skipped(&world.known(&mapping, Observed::Unchanged, seen)), Reason::CopyEdited);
}

#[test]
fn disjoint_edits_merge_and_the_origin_wins_the_same_field() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let both = write(world.known(
        &mapping,
        edited(&origin, "o2", |e| e.content.title = "Origin's".into()),
        edited(&copy, "c2", |e| {
            e.content.title = "Copy's".into();
            e.content.location = "Room 7".into();
        }),
    ));
    assert_eq!(
        (fields(&both.origin), fields(&both.copy)),
        (vec![Field::Location], vec![Field::Title])
    );
    assert_eq!(both.copy.unwrap().draft.content.title, "Origin's");
}

#[test]
fn from_a_private_copy_only_times_flow_back() {
    let world = world().private();
    let (mapping, origin, copy) = world.synced(event());
    let renamed = edited(&copy, "c2", |e| e.content.title = "Dentist".into());
    assert_eq!(
        skipped(&world.known(&mapping, edited(&origin, "o1", |_| ()), renamed)),
        Reason::CopyEdited
    );
    let moved = write(world.known(
        &mapping,
        edited(&origin, "o1", |_| ()),
        edited(&copy, "c2", |e| {
            e.content.span =
                Span::Timed { start: at("2026-03-12T15:00"), end: at("2026-03-12T16:00") }
        }),
    ));
    let change = moved.origin.unwrap();
    assert_eq!(change.parts.fields.into_iter().collect::<Vec<_>>(), [Field::Time]);
    assert_eq!(change.draft.content.title, "Review");
}

#[test]
fn values_that_the_other_side_cannot_show_come_back_unchanged() {
    let world = world();
    let mut away = event();
    away.content.busy = Busy::Oof;
    let (mapping, origin, copy) = world.synced(away);
    assert_eq!(copy.content.busy, Busy::Busy);
    let seen = edited(&copy, "c2", |e| e.content.title = "Away".into());
    let change = write(world.known(&mapping, edited(&origin, "o1", |_| ()), seen)).origin.unwrap();
    assert_eq!((change.parts.fields.len(), change.draft.content.busy), (1, Busy::Oof));
}

#[test]
fn a_conference_block_stays_with_its_owner() {
    let world = world();
    let mut meeting = event();
    meeting.content.description = TEAMS.into();
    let (mapping, origin, copy) = world.synced(meeting);
    assert_eq!(copy.content.description, "Agenda first.");
    let seen = edited(&copy, "c2", |e| e.content.description = "Agenda second.".into());
    let change = write(world.known(&mapping, edited(&origin, "o1", |_| ()), seen)).origin.unwrap();
    assert!(change.draft.content.description.starts_with("Agenda second."));
    assert!(change.draft.content.description.contains("teams.microsoft.com"));
}

#[test]
fn what_flows_back_to_google_is_no_more_public_than_its_owner_had_it() {
    let world = world();
    let planner =
        Planner { kinds: [ProviderKind::Google, ProviderKind::Caldav].into(), ..world.planner() };
    let Decision::Create(create) = world.unknown(&event(), Beside::Nothing) else { panic!() };
    assert_eq!(create.draft.content.visibility, Visibility::Public, "CalDAV has no other word");
    let mut mapping = create.mapping;
    mapping.state = MappingState::Live;
    let copy = Event { id: mapping.copy.id.clone(), content: create.draft.content, ..event() };
    let moved = edited(&copy, "c2", |e| e.content.location = "Room 6".into());
    let back =
        write(planner.known(&mapping, Observed::Event(Box::new(event())), moved)).origin.unwrap();
    assert_eq!(
        (back.draft.content.visibility, &*back.draft.content.location),
        (Visibility::Default, "Room 6")
    );
    let opened = edited(&copy, "c3", |e| e.content.visibility = Visibility::Private);
    let back =
        write(planner.known(&mapping, Observed::Event(Box::new(event())), opened)).origin.unwrap();
    assert_eq!(back.draft.content.visibility, Visibility::Private);
    let Decision::Create(again) = planner.known(
        &mapping,
        Observed::Gone,
        edited(&copy, "c4", |e| e.content.title = "Kept".into()),
    ) else {
        panic!()
    };
    assert_eq!(again.draft.content.visibility, Visibility::Default, "made again from its copy");
}

#[test]
fn two_programs_that_undo_each_other_are_stopped() {
    let world = world();
    let (mut mapping, origin, copy) = world.synced(event());
    let mut writes = 0;
    for turn in 0..20 {
        let title = if turn % 2 == 0 { "Theirs" } else { "Review" };
        let decision = world.known(
            &mapping,
            edited(&origin, &format!("o{turn}"), |e| e.content.title = title.into()),
            edited(&copy, &format!("c{turn}"), |e| {
                e.content.title = if turn % 2 == 0 { "Review" } else { "Theirs" }.into()
            }),
        );
        match decision {
            Decision::Write(write) => {
                writes += 1;
                mapping = write.mapping;
            }
            other => {
                assert_eq!(skipped(&other), Reason::Flapping);
                break;
            }
        }
    }
    assert_eq!(writes, 5);
}

/// Another pair between the same calendars, or an installation that was put back from a backup,
/// wrote it.
#[test]
fn a_copy_that_says_only_busy_is_no_edit_of_its_words() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let busy = |event: &mut Event| {
        (event.content.title, event.content.description, event.content.location) =
            (BUSY.into(), String::new(), String::new());
        event.content.visibility = Visibility::Private;
    };
    for origin in [Observed::Unchanged, edited(&origin, "o1", |_| ())] {
        assert_eq!(
            skipped(&world.known(&mapping, origin, edited(&copy, "c2", busy))),
            Reason::CopyEdited
        );
    }
    // Its time is one, and a title of its own.
    let moved = edited(&copy, "c2", |event| {
        busy(event);
        event.content.span =
            Span::Timed { start: at("2026-03-12T12:00"), end: at("2026-03-12T13:00") };
    });
    assert_eq!(
        fields(&write(world.known(&mapping, edited(&origin, "o1", |_| ()), moved)).origin),
        [Field::Time]
    );
    let named = edited(&copy, "c2", |event| event.content.title = "Occupied".into());
    assert_eq!(
        fields(&write(world.known(&mapping, edited(&origin, "o1", |_| ()), named)).origin),
        [Field::Title]
    );
    // Nor is the origin made again for it.
    assert!(matches!(
        world.known(&mapping, Observed::Gone, edited(&copy, "c2", busy)),
        Decision::Delete(_)
    ));
}

#[test]
fn a_copy_that_another_installation_has_marked_is_left_to_it() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let theirs = Marks::new(&[9; 32]).mint(Role::Copy, mapping.id, mapping.first());
    let claimed = |mark: &str| {
        edited(&copy, "c2", |event| {
            event.marker = Some(mark.to_owned());
            event.content.title = "Theirs".into();
        })
    };
    for origin in [
        Observed::Unchanged,
        edited(&origin, "o2", |event| event.content.location = "Room 7".into()),
    ] {
        let decision = world.known(&mapping, origin, claimed(&theirs));
        assert_eq!(skipped(&decision), Reason::CopiedByAnother);
        let Decision::Skip { remember: Some(left), .. } = decision else { panic!("{decision:?}") };
        assert!(left.is_beside() && left.state == MappingState::CopiedByAnother);
    }
    assert!(
        matches!(world.known(&mapping, Observed::Gone, claimed(&theirs)), Decision::Forget(_)),
        "their copy is not deleted"
    );
    // A damaged mark of ours is no claim.
    let ours = copy.marker.clone().unwrap();
    let damaged = claimed(&ours[..ours.len() - 2]);
    assert_eq!(
        fields(&write(world.known(&mapping, edited(&origin, "o1", |_| ()), damaged)).origin),
        [Field::Title]
    );
}
