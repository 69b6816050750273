//! What becomes of a mapping whose events have other names, or come back.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::plan::Answer;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::{april, event, on};
use super::reasons;
use super::take_over::anew;
use super::world::{OPTIONS, World};
use crate::sync::SyncOptions;
use records::problem::HeldKind;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

#[tokio::test]
async fn copies_of_one_title_that_change_names_are_told_apart_by_the_uids_of_their_server() {
    let world = World::two_way().await;
    (world.to().manners.own_uids, world.to().manners.drops_marks) = (true, true);
    for n in 1..4 {
        world.from().put(event(&format!("e{n}"), "standup", on(jiff::civil::date(2026, 4, n))));
    }
    world.pass().await;
    world.pass().await;
    let (first, second) = (world.copy("e1.ics").await, world.copy("e2.ics").await);
    let one = world.to().remove(&first);
    let two = world.to().remove(&second);
    world.to().put(named(one, &second));
    world.to().put(named(two, &first));
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.writes().len()), (0, 0, 0));
    assert_eq!((world.copy("e1.ics").await, world.copy("e2.ics").await), (second, first));
    world.rest().await;
}

#[tokio::test]
async fn what_is_unknown_is_read_once_where_a_copy_is_missing() {
    let (world, copy) = dentist(true).await;
    world.to().remove(&copy);
    for n in 0..3 {
        world.to().put(april(&format!("x{n}"), 20 + n));
    }
    assert_eq!((world.pass().await.created, world.asked(CalendarCall::Fetch)[1]), (3, 3));
    assert_eq!(world.count(), [7, 7]);
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_a_cut_off_pass_has_made_is_found_under_the_name_that_its_server_gave_it() {
    let world = World::two_way().await;
    world.to().manners.own_names = true;
    world.to().lost.insert(CalendarCall::Create);
    world.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
    world.from().put(april("dentist", 1));
    assert!(world.try_run(OPTIONS).await.error.is_some());
    world.to().refused.clear();
    world.pass().await;
    assert_eq!(
        (world.count(), world.mapping("dentist.ics").await.state),
        ([1, 1], MappingState::Live)
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_has_another_name_when_its_origin_goes_is_looked_for_nowhere_else() {
    let (world, copy) = dentist(false).await;
    let moved = world.to().remove(&copy);
    world.to().put(named(moved, "moved.ics"));
    world.from().remove("dentist.ics");
    assert_eq!(
        (world.pass().await.deleted, world.asked(CalendarCall::Absence), world.count()),
        (1, [1, 0], [4, 4])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_in_the_place_of_its_origin_is_an_ordinary_event() {
    let (world, _) = dentist(false).await;
    let event = world.one(1, "dentist");
    world.from().remove("dentist.ics");
    world.from().put(named(event, "moved.ics"));
    world.pass().await;
    world.pass().await;
    assert_eq!((world.has("dentist"), world.count()), ([true, true], [5, 5]));
    assert_eq!(world.mapping("moved.ics").await.state, MappingState::Live);
    world.rest().await;
}

#[tokio::test]
async fn an_event_that_only_looks_like_the_one_that_is_gone_is_another() {
    let (world, copy) = dentist(false).await;
    let gone = world.from().remove("dentist.ics");
    world.from().put(Event { uid: "another@example.org".into(), ..named(gone, "another.ics") });
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (1, 1, [5, 5]));
    assert_ne!(world.copy("another.ics").await, copy);
    world.rest().await;
}

#[tokio::test]
async fn an_origin_that_has_another_name_brings_no_copy_into_sight() {
    for days in [0, 3] {
        let (world, name) = super::unseen::unseen(false).await;
        world.pass().await;
        world.wait(jiff::SignedDuration::from_hours(24 * days));
        world.pass().await;
        let moved = world.from().remove("dentist.ics");
        world.from().put(named(moved, "moved.ics"));
        assert_eq!(world.pass().await.deleted, 0);
        world.to().unlisted.clear();
        world.to().hidden.clear();
        world.to().change(name.as_str(), |_| ());
        world.pass().await;
        world.pass().await;
        assert_eq!((world.count(), world.mappings().await.len()), ([3, 3], 3), "{days}");
        world.rest().await;
    }
}

#[tokio::test]
async fn a_question_about_an_emptied_calendar_stays_where_some_of_it_is_back() {
    let world = World::one_way().await.filled(6).await;
    let gone = world.to().clear();
    assert_eq!(world.pass().await.held.map(|held| held.deletions), Some(6));
    gone.into_iter().take(2).for_each(|event| world.to().restore(event));
    let run = world.pass().await;
    assert_eq!(run.held.map(|held| (held.kind, held.deletions)), Some((HeldKind::Emptied, 4)));
    let run = world.run(SyncOptions { answer: Some(Answer::MakeAgain), ..OPTIONS }).await;
    assert_eq!((run.created, world.count()), (4, [6, 6]));
    world.rest().await;
}

#[tokio::test]
async fn earlier_copies_without_marks_are_taken_over_by_their_uids() {
    let world = World::one_way().await;
    world.to().manners.drops_marks = true;
    let mut world = world.filled(3).await;
    anew(&mut world, false, false).await;
    let run = world.pass().await;
    assert_eq!((run.created, reasons(&run), world.count()), (0, vec![Reason::Adopted; 3], [3, 3]));
    world.rest().await;
}

#[tokio::test]
async fn a_deletion_before_which_an_edited_copy_is_not_given_is_not_made() {
    let (world, copy) = dentist(true).await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "surgeon".into());
    world
        .to()
        .refused
        .insert((CalendarCall::Fetch, Some(EventId::new(&copy))), Error::Refused("not now".into()));
    let run = world.pass().await;
    assert_eq!((run.deleted, reasons(&run)), (0, vec![Reason::RefusedByServer]));
    assert_eq!(run.actions[0].start.as_deref(), Some("2026-04-01T09:00:00Z"));
    assert_eq!(world.problems().await[0].gone, Some(Role::Origin));
    world.to().refused.clear();
    world.minutes(5);
    assert_eq!(
        (world.pass().await.created, world.has("surgeon"), world.count()),
        (1, [true, true], [5, 5])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_has_another_name_also_where_its_origin_is_not_given() {
    let (world, copy) = dentist(false).await;
    world.from().hidden.insert(EventId::new("dentist.ics"));
    let moved = named(world.one(1, "dentist"), "moved.ics");
    world.to().becomes(&copy, moved.clone());
    world.to().restore(moved);
    world.pass().await;
    assert_eq!(
        (world.copy("dentist.ics").await.as_str(), world.asked(CalendarCall::ListAll)),
        ("moved.ics", [0, 0])
    );
    world.from().hidden.clear();
    world.rest().await;
}
