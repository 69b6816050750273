//! What could not be read or made is asked for again, and what has become of it since is told
//! apart.

use engine::event::{Event, EventId};
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::april;
use super::take_over::{anew, foreign};
use super::world::{DRY, FULL, OPTIONS, World};
use super::{all, reasons};
use records::problem::PairStatus;

fn refuse(world: &World, side: usize, id: &str) {
    world.remotes[side]
        .lock()
        .refused
        .insert((CalendarCall::Fetch, Some(EventId::new(id))), Error::Refused("not now".into()));
}

async fn problem(world: &World) -> (Reason, bool) {
    let problems = world.problems().await;
    assert_eq!(problems.len(), 1);
    (problems[0].problem.reason, problems[0].problem.next_try.is_some())
}

#[tokio::test]
async fn what_is_removed_before_it_is_asked_for_again_needs_no_mention() {
    let world = World::one_way().await.filled(2).await;
    world.from().put(april("bad", 9));
    refuse(&world, 0, "bad.ics");
    assert_eq!(reasons(&world.pass().await), [Reason::RefusedByServer]);
    world.from().remove("bad.ics");
    world.from().refused.clear();
    world.minutes(10);
    let run = world.pass().await;
    assert_eq!((run.skipped, world.problems().await.len()), (0, 0));
    world.rest().await;
}

#[tokio::test]
async fn what_a_whole_listing_does_not_show_any_more_needs_no_mention() {
    let world = World::one_way().await.filled(2).await;
    world.from().put(april("bad", 9));
    refuse(&world, 0, "bad.ics");
    world.pass().await;
    world.from().forget_cursors();
    world.from().remove("bad.ics");
    world.from().refused.clear();
    world.minutes(10);
    let run = world.run(FULL).await;
    assert_eq!((run.skipped, world.problems().await.len()), (0, 0));
    world.rest().await;
}

#[tokio::test]
async fn what_is_listed_and_not_given_is_named_until_it_is() {
    let world = World::one_way().await.filled(2).await;
    world.from().put(april("slow", 9));
    world.from().hidden.insert(EventId::new("slow.ics"));
    for tries in 1..=3 {
        let run = world.pass().await;
        assert_eq!(
            (reasons(&run), world.problems().await[0].problem.tries),
            (vec![Reason::Unreadable], tries)
        );
        assert_eq!(world.asked(CalendarCall::Fetch)[0], 2, "once more by itself");
    }
    world.from().hidden.clear();
    assert_eq!((world.pass().await.created, world.problems().await.len()), (1, 0));
    world.rest().await;
}

#[tokio::test]
async fn what_is_not_given_of_a_calendar_that_nothing_is_copied_from_is_not_named() {
    let world = World::one_way().await.filled(2).await;
    world.to().put(april("slow", 9));
    world.to().hidden.insert(EventId::new("slow.ics"));
    world.to().put(april("bad", 10));
    refuse(&world, 1, "bad.ics");
    world.to().put(april("odd", 11));
    world.to().unreadable.insert(EventId::new("odd.ics"));
    let run = world.pass().await;
    assert_eq!((run.skipped, run.state, world.problems().await.len()), (0, PairStatus::Ok, 0));
}

#[tokio::test]
async fn what_was_passed_over_and_is_another_installations_copy_is_named_as_that() {
    let world = World::one_way().await;
    world.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
    world.from().put(april("dentist", 1));
    refuse(&world, 1, "theirs.ics");
    for _ in 0..5 {
        world.try_run(OPTIONS).await;
    }
    assert_eq!((world.count(), problem(&world).await), ([1, 2], (Reason::RefusedByServer, true)));
    world.to().refused.clear();
    world.minutes(600);
    world.pass().await;
    assert_eq!(problem(&world).await, (Reason::CopiedByAnother, false));
}

#[tokio::test]
async fn what_was_passed_over_and_is_an_earlier_copy_is_named_as_a_duplicate() {
    let mut world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    let event = world.to().remove(&copy);
    world.to().put(Event {
        id: EventId::new("moved.ics"),
        uid: "moved@example.org".into(),
        ..event
    });
    world.pass().await;
    anew(&mut world, false, false).await;
    refuse(&world, 1, "moved.ics");
    for _ in 0..5 {
        world.try_run(OPTIONS).await;
    }
    assert_eq!(world.count(), [1, 2]);
    world.to().refused.clear();
    world.minutes(600);
    world.run(FULL).await;
    assert_eq!((world.count(), problem(&world).await), ([1, 2], (Reason::DuplicateOfCopy, false)));
    world.nothing_wrong();
}

#[tokio::test]
async fn what_was_passed_over_and_is_the_copy_of_an_ended_pair_is_named_as_a_duplicate() {
    let mut world = World::one_way().await;
    let third = world.connect("club", engine::provider::ProviderKind::Caldav).await;
    let ended = world.add(third, 1, &world.pair).await;
    world.remotes[third].lock().put(april("match", 3));
    let pair = std::mem::replace(&mut world.pair, ended.clone());
    world.pass().await;
    crate::pairs::remove_pair(&world.scope, &ended.id).await.unwrap();
    world.pair = pair;
    world.from().put(april("dentist", 1));
    let copy = world.one(1, "match").id;
    refuse(&world, 1, copy.as_str());
    for _ in 0..5 {
        world.try_run(OPTIONS).await;
    }
    assert_eq!((world.count(), problem(&world).await), ([1, 2], (Reason::RefusedByServer, true)));
    world.to().refused.clear();
    world.minutes(600);
    world.pass().await;
    assert_eq!((world.count(), problem(&world).await), ([1, 2], (Reason::DuplicateOfCopy, false)));
}

#[tokio::test]
async fn a_dry_run_waits_for_nothing_that_is_not_given() {
    let world = World::one_way().await;
    world.to().put(april("swimming", 2));
    world.from().put(april("dentist", 1));
    refuse(&world, 1, "swimming.ics");
    assert_eq!((world.run(DRY).await.created, world.problems().await.len()), (1, 0));
    assert_eq!(world.state().await, Default::default());
}

#[tokio::test]
async fn a_calendar_that_is_only_read_is_not_waited_for() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.from().put(april("bad", 2));
    refuse(&world, 0, "bad.ics");
    let run = world.pass().await;
    assert_eq!(
        (run.created, reasons(&run), world.titles()[1].clone()),
        (1, vec![Reason::RefusedByServer], all(["dentist"]))
    );
}
