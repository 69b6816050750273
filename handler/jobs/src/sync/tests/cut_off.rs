//! Passes that end before their end: what they have done counts, and is not taken for a person's
//! doing.

use engine::event::{Event, EventId, Exception, OriginalStart};
use engine::marker::Role;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::{april, weekly};
use super::world::{FULL, OPTIONS, World};
use super::{all, reasons};
use records::problem::PairStatus;

/// The names of the copies of `dentist` and `e0`, in the order in which they are deleted.
async fn in_order(world: &World) -> [(String, String); 2] {
    let mut two = [world.mapping("dentist.ics").await, world.mapping("e0.ics").await];
    two.sort_by_key(|mapping| mapping.id);
    two.map(|mapping| (mapping.origin.id.to_string(), mapping.copy.id.to_string()))
}

#[tokio::test]
async fn deletions_that_were_made_before_a_failure_count_and_are_remembered() {
    let (world, _) = dentist(false).await;
    let [(first, _), (second, copy)] = in_order(&world).await;
    world.from().remove(&first);
    world.from().remove(&second);
    world
        .to()
        .refused
        .insert((CalendarCall::Delete, Some(EventId::new(&copy))), Error::Unauthorized);
    world.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
    let run = world.try_run(OPTIONS).await;
    assert_eq!((run.state, run.deleted, world.count()), (PairStatus::NeedsReconnect, 1, [3, 4]));
    let state = world.state().await;
    assert_eq!(
        (state.deletions, state.status),
        (Some((date(2026, 3, 10), 1)), Some(PairStatus::NeedsReconnect))
    );
    assert_eq!(state.error.map(|error| error.code), Some("unauthorized".into()));
    let proofs = world.proofs().await;
    assert_eq!(proofs.iter().map(|row| row.origin.clone()).collect::<Vec<_>>(), [first]);
    assert_eq!(world.mappings().await.len(), 4);
    world.to().refused.clear();
    assert_eq!((world.pass().await.deleted, world.count()), (1, [3, 3]));
    assert_eq!(world.state().await.deletions, Some((date(2026, 3, 10), 2)));
    world.rest().await;
}

#[tokio::test]
async fn an_event_that_is_back_after_its_copy_was_deleted_without_an_answer_gets_another_copy() {
    for two_way in [false, true] {
        let (world, _) = dentist(two_way).await;
        let origin = world.from().remove("dentist.ics");
        world.to().lost.insert(CalendarCall::Delete);
        world.pass().await;
        assert_eq!(world.count(), [4, 4]);
        world.from().put(origin);
        world.minutes(5);
        let run = world.pass().await;
        assert_eq!((run.deleted, world.has("dentist")), (0, [true, true]), "{two_way}");
        world.rest().await;
    }
}

#[tokio::test]
async fn an_origin_that_was_made_again_without_an_answer_is_found() {
    for edited in [false, true] {
        let (world, copy) = dentist(true).await;
        world.from().remove("dentist.ics");
        world.to().change(&copy, |event| event.content.title = "surgeon".into());
        world.from().lost.insert(CalendarCall::Create);
        world.pass().await;
        assert_eq!(world.count(), [5, 5]);
        let title = if edited { "mine" } else { "surgeon" };
        world.to().change(&copy, |event| event.content.title = title.into());
        world.minutes(5);
        world.pass().await;
        assert_eq!(
            (world.count(), world.has(title)),
            ([5, 5], [true, true]),
            "what was to be made is no edit of its owner's"
        );
        world.rest().await;
        assert_eq!(world.problems().await.len(), 0);
    }
}

#[tokio::test]
async fn an_origin_for_which_the_server_has_no_name_is_made_later() {
    let (world, copy) = dentist(true).await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "surgeon".into());
    world.from().refused.insert((CalendarCall::Create, None), Error::Exists);
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), run.created, world.has("surgeon")),
        (vec![Reason::RefusedByServer], 0, [false, true])
    );
    let problem = world.problems().await.remove(0);
    assert_eq!((problem.gone, problem.problem.next_try.is_some()), (Some(Role::Origin), true));
    world.from().refused.clear();
    world.minutes(5);
    assert_eq!(
        (world.pass().await.created, world.has("surgeon"), world.count()),
        (1, [true, true], [5, 5])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_for_which_the_server_has_no_name_is_no_deletion() {
    let world = World::two_way().await;
    world.from().put(april("dentist", 1));
    world.to().refused.insert((CalendarCall::Create, None), Error::Exists);
    world.pass().await;
    assert_eq!(world.problems().await[0].gone, None);
    world.to().refused.clear();
    assert_eq!((world.run(FULL).await.created, world.count()), (1, [1, 1]));
    world.rest().await;
}

#[tokio::test]
async fn what_was_renamed_and_edited_on_both_sides_while_its_origin_is_refused_is_merged_later() {
    let (world, copy) = dentist(true).await;
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    world.to().change(&copy, |event| event.content.title = "surgeon".into());
    world.from().refused.insert((CalendarCall::Edit, None), Error::Refused("no".into()));
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), world.has("surgeon")),
        (vec![Reason::RefusedByServer], [false, true])
    );
    assert_eq!(world.one(1, "surgeon").content.location, "room 2");
    // Its title is still the copy's, whatever the origin says meanwhile of its place.
    world.from().refused.clear();
    world.minutes(5);
    world.pass().await;
    assert_eq!(
        (world.has("surgeon"), world.one(0, "surgeon").content.location.as_str()),
        ([true, true], "room 2")
    );
    world.rest().await;
}

#[tokio::test]
async fn where_both_have_changed_one_field_the_origins_is_written_and_the_run_says_why() {
    let (world, copy) = dentist(true).await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.to().change(&copy, |event| {
        (event.content.title, event.content.location) = ("mine".into(), "room 2".into())
    });
    let run = world.pass().await;
    assert_eq!(
        (world.has("surgeon"), world.one(0, "surgeon").content.location.as_str()),
        ([true, true], "room 2")
    );
    let mut said: Vec<_> = run
        .actions
        .iter()
        .map(|action| (action.calendar == world.pair.to, action.reason))
        .collect();
    said.sort_by_key(|(to, _)| *to);
    assert_eq!(said, [(false, None), (true, Some(Reason::OriginWins))]);
    world.rest().await;
}

#[tokio::test]
async fn what_is_skipped_is_said_with_its_times() {
    let (world, copy) = dentist(false).await;
    world.to().change(&copy, |event| event.content.title = "mine".into());
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), run.actions[0].start.as_deref()),
        (vec![Reason::CopyEdited], Some("2026-04-01T09:00:00Z"))
    );
    assert_eq!(
        (world.titles()[0].clone(), run.actions[0].end.is_some()),
        (all(["dentist", "e0", "e1", "e2", "e3"]), true)
    );
}

#[tokio::test]
async fn what_stands_on_an_edited_copy_outlives_the_making_of_its_origin() {
    let (world, copy) = dentist(true).await;
    world.from().remove("dentist.ics");
    world.to().change(&copy, |event| event.content.title = "surgeon".into());
    world.pass().await;
    let again = world.one(0, "surgeon").id;
    assert!(!world.mapping(again.as_str()).await.pristine);
    world.from().change(again.as_str(), |event| event.content.title = "lawyer".into());
    world.pass().await;
    assert_eq!(
        (world.asked(CalendarCall::Rewrite), world.asked(CalendarCall::Edit), world.has("lawyer")),
        ([0, 0], [0, 1], [true, true])
    );
    world.rest().await;
}

#[tokio::test]
async fn an_origin_that_must_not_be_deleted_is_not_leaving() {
    let (world, copy) = dentist(true).await;
    world.to().remove(&copy);
    world.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    assert_eq!(reasons(&world.pass().await), [Reason::HasGuests]);
    world.from().refused.clear();
    let mapping = world.mapping("dentist.ics").await;
    assert_eq!((mapping.leaving, mapping.guests), (None, true));
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, world.asked(CalendarCall::Absence), world.has("dentist")),
        (0, [0, 0], [true, false])
    );
}

#[tokio::test]
async fn occurrences_that_were_changed_on_both_sides_while_the_origin_is_refused_are_merged_later()
{
    let world = World::two_way().await;
    world.from().put(weekly(april("standup", 1), 5));
    world.pass().await;
    world.pass().await;
    let copy = world.copy("standup.ics").await;
    let cancel = |day: &str| {
        let start = OriginalStart::At(format!("2026-04-{day}T09:00:00Z").parse().unwrap());
        move |event: &mut Event| {
            drop(event.series.as_mut().unwrap().exceptions.insert(start, Exception::Cancelled))
        }
    };
    world.from().change("standup.ics", cancel("08"));
    world.to().change(&copy, cancel("15"));
    world.from().refused.insert((CalendarCall::Edit, None), Error::Refused("no".into()));
    assert_eq!(reasons(&world.pass().await), [Reason::RefusedByServer]);
    world.from().refused.clear();
    world.minutes(5);
    world.pass().await;
    for side in [0, 1] {
        assert_eq!(world.one(side, "standup").series.unwrap().exceptions.len(), 2);
    }
    world.rest().await;
}
