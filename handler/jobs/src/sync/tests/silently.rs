//! Events that are gone although no listing since a cursor said so: a write finds that out.

use engine::event::EventId;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::april;
use super::reasons;
use super::world::{CONFIRMED, World};
use records::problem::PairStatus;

impl World {
    /// Takes an event away without a line in the next listing.
    fn lose(&self, remote: usize, id: &str) {
        let mut calendar = self.remotes[remote].lock();
        calendar.events.remove(&EventId::new(id)).expect("it is there");
    }

    async fn lose_copies(&self, numbers: std::ops::Range<usize>) {
        for n in numbers {
            self.lose(1, &self.copy(&format!("e{n:02}.ics")).await);
        }
    }
}

#[tokio::test]
async fn one_copy_that_a_write_finds_gone_is_no_unusual_deletion() {
    let world = World::one_way().await.filled(4).await;
    world.lose_copies(0..1).await;
    world.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = world.pass().await;
    assert_eq!((run.created, run.state, world.has("changed")), (1, PairStatus::Ok, [true, true]));
    world.rest().await;
}

#[tokio::test]
async fn where_more_is_missing_than_a_write_has_found_the_owner_is_asked() {
    let world = World::two_way().await.filled(12).await;
    world.lose_copies(0..3).await;
    world.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = world.pass().await;
    assert_eq!((run.state, run.deleted, world.count()[0]), (PairStatus::Held, 0, 12));
}

#[tokio::test]
async fn where_nothing_is_left_of_what_the_pair_had_the_owner_is_asked() {
    let world = World::two_way().await;
    world.from().put(engine::event::Event { declined: true, ..april("declined", 20) });
    let world = world.filled(1).await;
    world.lose(0, "e00.ics");
    let copy = world.copy("e00.ics").await;
    world.to().change(&copy, |event| event.content.title = "changed".into());
    let run = world.pass().await;
    assert_eq!(
        (run.state, run.created, run.deleted, world.count()),
        (PairStatus::Held, 0, 0, [1, 1])
    );
}

#[tokio::test]
async fn the_only_event_that_is_missing_is_a_question_that_a_second_look_answers() {
    let world = World::two_way().await;
    world.from().put(engine::event::Event { declined: true, ..april("declined", 20) });
    let world = world.filled(1).await;
    world.remove_origins(0..1);
    world.from().forget_cursors();
    let run = world.pass().await;
    assert_eq!((run.state, run.deleted), (PairStatus::Held, 0));
    world.minutes(10);
    assert_eq!((world.pass().await.deleted, world.count()), (1, [1, 0]));
}

#[tokio::test]
async fn what_was_there_first_may_go_where_much_came_later() {
    let world = World::one_way().await.filled(5).await;
    for n in 0..25 {
        world.from().put(april(&format!("later{n}"), 1 + n));
    }
    assert_eq!(world.pass().await.created, 25);
    world.remove_origins(0..5);
    let run = world.pass().await;
    assert_eq!((run.deleted, run.state, world.count()), (5, PairStatus::Ok, [25, 25]));
}

#[tokio::test]
async fn a_copy_that_is_listed_and_not_given_is_not_written_again_and_again() {
    let world = World::one_way().await.filled(4).await;
    let copy = world.copy("e00.ics").await;
    world.to().hidden.insert(EventId::new(&copy));
    world.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = world.pass().await;
    assert_eq!(
        (reasons(&run), world.writes().len(), run.deleted),
        (vec![Reason::Unreadable], 1, 0)
    );
    world.to().hidden.clear();
    world.minutes(5);
    world.pass().await;
    assert_eq!(world.has("changed"), [true, true]);
    world.rest().await;
}

#[tokio::test]
async fn a_few_copies_that_are_missing_beside_one_that_never_showed_are_all_there_were() {
    let (world, _) = super::unseen::unseen(false).await;
    let copies = [world.copy("one.ics").await, world.copy("two.ics").await];
    copies.iter().for_each(|copy| drop(world.to().remove(copy)));
    world.to().forget_cursors();
    let run = world.pass().await;
    assert_eq!((run.held.map(|held| held.deletions), world.count()[0]), (Some(2), 3));
    world.run(CONFIRMED).await;
    assert_eq!(
        world.mapping("one.ics").await.state,
        engine::mapping::MappingState::Live,
        "a confirmation is no answer"
    );
}

#[tokio::test]
async fn a_few_lines_without_news_are_no_lost_cursor() {
    let world = World::one_way().await.filled(20).await;
    world.pass().await;
    let some: Vec<_> = world.from().all().into_iter().take(6).collect();
    some.into_iter().for_each(|event| world.from().restore(event));
    world.pass().await;
    assert_eq!(
        (world.asked(CalendarCall::List), world.asked(CalendarCall::ListAll)),
        ([1, 0], [0, 0])
    );
    world.rest().await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_not_deleted_by_a_write_that_finds_it_gone() {
    let world = World::two_way().await.filled(12).await;
    world.lose_copies(0..1).await;
    world.to().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    world.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), world.has("changed")),
        (0, vec![Reason::RefusedByServer], [true, false])
    );
    world.to().refused.clear();
    world.minutes(5);
    assert_eq!((world.pass().await.created, world.has("changed")), (1, [true, true]));
}
