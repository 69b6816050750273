//! What a whole listing shows of mappings that do not have two events.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::plan::Answer;
use engine::reason::Reason;
use providers::Error;
use records::problem::PairStatus;

use super::deletions::dentist;
use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::reasons;
use super::sample_events::april;
use super::take_over::foreign;
use crate::sync::SyncOptions;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

/// The copy of `dentist` was deleted, and stays away.
async fn suppressed() -> PairEnv {
    let (env, copy) = dentist(false).await;
    env.to().remove(&copy);
    assert_eq!(reasons(&env.pass().await), [Reason::Suppressed]);
    env
}

#[tokio::test]
async fn a_copy_that_stays_away_is_not_missed() {
    let env = suppressed().await;
    env.to().forget_cursors();
    let run = env.pass().await;
    assert_eq!(
        (run.state, run.deleted, env.asked(CalendarCall::Fetch), env.asked(CalendarCall::Absence)),
        (PairStatus::Ok, 0, [0, 0], [0, 0])
    );
    assert!(env.has_mapping().await);
}

#[tokio::test]
async fn an_origin_without_a_copy_is_missed() {
    let env = suppressed().await;
    env.from().forget_cursors();
    env.from().remove("dentist.ics");
    env.pass().await;
    assert_eq!((env.has_mapping().await, env.count()), (false, [4, 4]));
}

#[tokio::test]
async fn what_another_installation_has_put_there_is_missed_where_it_was() {
    let env = PairEnv::one_way().await.filled(4).await;
    env.from().put(foreign(&april("dentist", 20), "theirs.ics", true));
    assert_eq!(reasons(&env.pass().await), [Reason::CopiedByAnother]);
    env.to().forget_cursors();
    let run = env.pass().await;
    assert_eq!(
        (run.state, env.asked(CalendarCall::Fetch), env.asked(CalendarCall::Absence)),
        (PairStatus::Ok, [0, 0], [0, 0])
    );
    env.from().forget_cursors();
    env.from().remove("theirs.ics");
    env.pass().await;
    assert_eq!((env.mappings().await.len(), env.count()), (4, [4, 4]));
}

#[tokio::test]
async fn a_calendar_in_which_the_pair_has_nothing_is_not_suddenly_empty() {
    let env = PairEnv::one_way().await;
    env.from().put(Event { declined: true, ..april("declined", 20) });
    let env = env.filled(1).await;
    env.remove_copies(0..1).await;
    env.pass().await;
    env.to().forget_cursors();
    env.from().forget_cursors();
    env.from().unlisted.insert(EventId::new("e00.ics"));
    let run = env.pass().await;
    assert_eq!(
        (run.state, run.deleted, env.mapping("e00.ics").await.state),
        (PairStatus::Ok, 0, MappingState::Suppressed)
    );
}

#[tokio::test]
async fn without_copies_of_another_maker_each_calendar_is_listed_once() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.to().put(april("swimming", 2));
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::ListAll), env.asked(CalendarCall::List)), ([1, 1], [0, 1]));
}

#[tokio::test]
async fn an_event_that_is_not_given_later_on_stops_nothing() {
    for two_way in [false, true] {
        let (env, _) = dentist(two_way).await;
        env.to().put(april("swimming", 20));
        env.to().refused.insert(
            (CalendarCall::Fetch, Some(EventId::new("swimming.ics"))),
            Error::Refused("not now".into()),
        );
        env.from().put(april("another", 21));
        let run = env.pass().await;
        assert_eq!((run.created, env.has("another")), (1, [true, true]), "{two_way}");
    }
}

#[tokio::test]
async fn what_was_left_out_is_known_by_the_uid_that_its_server_gave_it() {
    let env = PairEnv::one_way().await;
    (env.to().manners.own_uids, env.to().manners.drops_marks) = (true, true);
    let env = env.filled(6).await;
    env.pass().await;
    let gone = env.to().clear();
    env.pass().await;
    env.run(SyncOptions { answer: Some(Answer::LeaveOut), ..OPTIONS }).await;
    assert!(env.mappings().await.iter().all(|mapping| mapping.state == MappingState::Suppressed));
    for (n, event) in gone.into_iter().enumerate() {
        env.to().put(named(event, &format!("restored-{n}.ics")));
    }
    assert_eq!((env.pass().await.created, env.count()), (0, [6, 6]));
    assert!(env.mappings().await.iter().all(|mapping| mapping.state == MappingState::Live));
    env.rest().await;
}

#[tokio::test]
async fn a_copy_whose_name_another_event_has_taken_is_found_and_not_copied_back() {
    for two_way in [false, true] {
        let (env, copy) = dentist(two_way).await;
        let moved = env.to().remove(&copy);
        env.to().put(named(moved, "moved.ics"));
        env.to().put(named(april("swimming", 20), &copy));
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, env.copy("dentist.ics").await.as_str()),
            (0, "moved.ics"),
            "{two_way}"
        );
        assert_eq!((env.one(0, "dentist").id.as_str(), env.titles()[1].len()), ("dentist.ics", 6));
        env.nothing_wrong();
    }
}

#[tokio::test]
async fn a_cursor_that_always_fails_is_lost_in_the_end() {
    for error in [Error::Unreachable("500".into()), Error::BadAnswer("no XML".into())] {
        let env = PairEnv::one_way().await.filled(3).await;
        env.remove_origins(0..1);
        env.from().change("e01.ics", |event| event.content.title = "changed".into());
        env.from().refused.insert((CalendarCall::List, None), error);
        for _ in 0..3 {
            assert_eq!(env.try_run(OPTIONS).await.state, PairStatus::Error);
            assert_eq!(env.asked(CalendarCall::ListAll), [0, 0]);
        }
        let run = env.pass().await;
        assert_eq!((env.asked(CalendarCall::ListAll), run.changed), ([1, 0], 1));
        env.from().refused.clear();
        env.minutes(10);
        env.pass().await;
        assert_eq!(env.count(), [2, 2]);
        env.rest().await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_has_not_lost_the_cursor() {
    let env = PairEnv::one_way().await.filled(3).await;
    env.from().change("e01.ics", |event| event.content.title = "changed".into());
    env.from().refused.insert((CalendarCall::List, None), Error::NoAnswer("silence".into()));
    for _ in 0..6 {
        assert_eq!(env.try_run(OPTIONS).await.state, PairStatus::Error);
        assert_eq!(env.asked(CalendarCall::ListAll), [0, 0]);
    }
}
