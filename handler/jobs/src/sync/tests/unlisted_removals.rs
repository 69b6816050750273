//! Events that are gone although no listing since the cursor named them: a write finds that out.

use engine::event::EventId;
use engine::reason::Reason;
use providers::Error;
use records::problem::PairStatus;

use super::env::{CONFIRMED, PairEnv};
use super::memory_calendar::CalendarCall;
use super::reasons;
use super::sample_events::april;

impl PairEnv {
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
    let env = PairEnv::one_way().await.filled(4).await;
    env.lose_copies(0..1).await;
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = env.pass().await;
    assert_eq!((run.created, run.state, env.has("changed")), (1, PairStatus::Ok, [true, true]));
    env.rest().await;
}

#[tokio::test]
async fn where_more_is_missing_than_a_write_has_found_the_owner_is_asked() {
    let env = PairEnv::two_way().await.filled(12).await;
    env.lose_copies(0..3).await;
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = env.pass().await;
    assert_eq!((run.state, run.deleted, env.count()[0]), (PairStatus::Held, 0, 12));
}

#[tokio::test]
async fn where_nothing_is_left_of_what_the_pair_had_the_owner_is_asked() {
    let env = PairEnv::two_way().await;
    env.from().put(engine::event::Event { declined: true, ..april("declined", 20) });
    let env = env.filled(1).await;
    env.lose(0, "e00.ics");
    let copy = env.copy("e00.ics").await;
    env.to().change(&copy, |event| event.content.title = "changed".into());
    let run = env.pass().await;
    assert_eq!(
        (run.state, run.created, run.deleted, env.count()),
        (PairStatus::Held, 0, 0, [1, 1])
    );
}

#[tokio::test]
async fn the_only_event_that_is_missing_is_a_question_that_a_second_look_answers() {
    let env = PairEnv::two_way().await;
    env.from().put(engine::event::Event { declined: true, ..april("declined", 20) });
    let env = env.filled(1).await;
    env.remove_origins(0..1);
    env.from().forget_cursors();
    let run = env.pass().await;
    assert_eq!((run.state, run.deleted), (PairStatus::Held, 0));
    env.minutes(10);
    assert_eq!((env.pass().await.deleted, env.count()), (1, [1, 0]));
}

#[tokio::test]
async fn what_was_there_first_may_go_where_much_came_later() {
    let env = PairEnv::one_way().await.filled(5).await;
    for n in 0..25 {
        env.from().put(april(&format!("later{n}"), 1 + n));
    }
    assert_eq!(env.pass().await.created, 25);
    env.remove_origins(0..5);
    let run = env.pass().await;
    assert_eq!((run.deleted, run.state, env.count()), (5, PairStatus::Ok, [25, 25]));
}

#[tokio::test]
async fn a_copy_that_is_listed_and_not_given_is_not_written_again_and_again() {
    let env = PairEnv::one_way().await.filled(4).await;
    let copy = env.copy("e00.ics").await;
    env.to().hidden.insert(EventId::new(&copy));
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = env.pass().await;
    assert_eq!((reasons(&run), env.writes().len(), run.deleted), (vec![Reason::Unreadable], 1, 0));
    env.to().hidden.clear();
    env.minutes(5);
    env.pass().await;
    assert_eq!(env.has("changed"), [true, true]);
    env.rest().await;
}

#[tokio::test]
async fn a_few_copies_that_are_missing_beside_one_that_never_showed_are_all_there_were() {
    let (env, _) = super::unseen::unseen(false).await;
    let copies = [env.copy("one.ics").await, env.copy("two.ics").await];
    copies.iter().for_each(|copy| drop(env.to().remove(copy)));
    env.to().forget_cursors();
    let run = env.pass().await;
    assert_eq!((run.held.map(|held| held.deletions), env.count()[0]), (Some(2), 3));
    env.run(CONFIRMED).await;
    assert_eq!(
        env.mapping("one.ics").await.state,
        engine::mapping::MappingState::Live,
        "a confirmation is no answer"
    );
}

#[tokio::test]
async fn a_few_lines_without_news_are_no_lost_cursor() {
    let env = PairEnv::one_way().await.filled(20).await;
    env.pass().await;
    let some: Vec<_> = env.from().all().into_iter().take(6).collect();
    some.into_iter().for_each(|event| env.from().restore(event));
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::List), env.asked(CalendarCall::ListAll)), ([1, 0], [0, 0]));
    env.rest().await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_not_deleted_by_a_write_that_finds_it_gone() {
    let env = PairEnv::two_way().await.filled(12).await;
    env.lose_copies(0..1).await;
    env.to().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), env.has("changed")),
        (0, vec![Reason::RefusedByServer], [true, false])
    );
    env.to().refused.clear();
    env.minutes(5);
    assert_eq!((env.pass().await.created, env.has("changed")), (1, [true, true]));
}
