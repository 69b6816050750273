//! Events that were refused, and what is looked at when they are tried again.

use engine::event::EventId;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::april;
use super::take_over::anew;
use super::world::{OPTIONS, World};
use super::{all, deletion};

/// One-way, a first listing has passed over `swimming` of the other calendar.
async fn passed_over() -> World {
    let world = World::one_way().await;
    world.to().put(april("swimming", 2));
    world.from().put(april("dentist", 1));
    world.to().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("swimming.ics"))),
        Error::Refused("not now".into()),
    );
    world.try_run(OPTIONS).await;
    assert_eq!((world.pass().await.created, world.problems().await.len()), (1, 1));
    world
}

#[tokio::test]
async fn what_was_passed_over_is_asked_for_again_and_again() {
    let world = passed_over().await;
    let tries = world.problems().await[0].problem.tries;
    world.minutes(60);
    world.pass().await;
    let problem = &world.problems().await[0].problem;
    assert_eq!((problem.tries, problem.reason), (tries + 1, Reason::RefusedByServer));
    assert!(
        problem.next_try > Some(world.scope.clock.now()) && problem.message.ends_with("(not now)")
    );
}

#[tokio::test]
async fn what_was_passed_over_and_is_no_copy_needs_no_mention() {
    let world = passed_over().await;
    world.to().refused.clear();
    world.minutes(60);
    world.pass().await;
    assert_eq!((world.problems().await.len(), world.asked(CalendarCall::ListAll)), (0, [0, 0]));
    world.rest().await;
}

#[tokio::test]
async fn an_edit_that_was_met_while_a_deletion_could_not_be_verified_outlives_it() {
    let (world, copy) = deletion::dentist(true).await;
    world.from().remove("dentist.ics");
    world.from().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    world.pass().await;
    world.to().change(&copy, |event| event.content.title = "mine".into());
    world.minutes(5);
    world.pass().await;
    assert_eq!((world.writes(), world.has("mine")), (all([]), [false, true]));
    world.from().refused.clear();
    world.minutes(60);
    let run = world.pass().await;
    assert_eq!(
        (run.created, run.deleted, world.has("mine"), world.problems().await.len()),
        (1, 0, [true, true], 0)
    );
    world.rest().await;
}

#[tokio::test]
async fn an_edit_of_the_origin_outlives_the_deletion_of_its_copy_as_well() {
    let (world, copy) = deletion::dentist(true).await;
    world.to().remove(&copy);
    world.to().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    world.pass().await;
    world.from().change("dentist.ics", |event| event.content.title = "mine".into());
    world.minutes(5);
    world.pass().await;
    assert_eq!((world.writes(), world.has("mine")), (all([]), [true, false]));
    world.to().refused.clear();
    world.minutes(60);
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.has("mine")), (1, 0, [true, true]));
    world.rest().await;
}

/// A second copy was made beside an earlier one that could not be read for long: once it can be, it
/// is named.
#[tokio::test]
async fn an_earlier_copy_that_was_passed_over_is_named_as_a_duplicate() {
    let mut world = World::one_way().await.filled(1).await;
    let copy = world.copy("e00.ics").await;
    let mut earlier = world.to().remove(&copy);
    (earlier.id, earlier.uid) = (EventId::new("earlier.ics"), "earlier".into());
    world.to().put(earlier);
    anew(&mut world, false, false).await;
    world.to().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("earlier.ics"))),
        Error::Refused("not now".into()),
    );
    for _ in 0..8 {
        world.try_run(OPTIONS).await;
    }
    assert_eq!(world.count(), [1, 2], "a second one was made");
    world.to().refused.clear();
    world.minutes(60);
    world.pass().await;
    let problems = world.problems().await;
    let named: Vec<_> =
        problems.iter().map(|row| (row.problem.event.as_str(), row.problem.reason)).collect();
    assert_eq!(named, [("earlier.ics", Reason::DuplicateOfCopy)]);
    world.rest().await;
}
