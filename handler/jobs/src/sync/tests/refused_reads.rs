//! What the server does not give of one event leaves only that event alone.

use engine::event::EventId;
use engine::mapping::MappingState;
use engine::plan::Answer;
use engine::reason::Reason;
use providers::Error;

use records::problem::PairStatus;

use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::{all, reasons};
use crate::sync::SyncOptions;

fn no() -> Error {
    Error::Refused("not now".into())
}

#[tokio::test]
async fn a_missing_event_that_a_read_of_many_is_refused_of_is_not_deleted_for_a_read_of_its_own() {
    let env = PairEnv::one_way().await.filled(12).await;
    env.from().forget_cursors();
    env.remove_origins(3..4);
    env.from().refused.insert((CalendarCall::Fetch, Some(EventId::new("e03.ics"))), no());
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), env.writes()),
        (0, vec![Reason::RefusedByServer], all([]))
    );
    assert_eq!((env.asked(CalendarCall::Absence), env.has("e03")), ([0, 0], [false, true]));
    env.from().refused.clear();
    env.minutes(5);
    assert_eq!((env.pass().await.deleted, env.count()), (1, [11, 11]));
    env.rest().await;
}

#[tokio::test]
async fn what_is_known_to_be_gone_is_made_again_although_one_is_not_told_of() {
    let env = PairEnv::one_way().await.filled(6).await;
    env.remove_copies(0..6).await;
    env.pass().await;
    let silent = EventId::new(env.copy("e00.ics").await);
    env.to().refused.insert((CalendarCall::Absence, Some(silent)), no());
    let run = env.run(SyncOptions { answer: Some(Answer::MakeAgain), ..OPTIONS }).await;
    assert_eq!(
        (run.created, run.held.map(|held| held.deletions), env.count()),
        (5, Some(1), [6, 5])
    );
    assert_eq!(
        (env.has("e00"), env.mapping("e00.ics").await.state),
        ([true, false], MappingState::Live)
    );
}

#[tokio::test]
async fn an_event_that_is_listed_and_never_found_is_named_and_stops_no_other() {
    for side in 0..2 {
        let env = PairEnv::two_way().await.filled(4).await;
        let id = if side == 0 { "e00.ics".to_owned() } else { env.copy("e00.ics").await };
        env.remotes[side].lock().change(&id, |event| event.content.title = "changed".into());
        env.remotes[side].lock().hidden.insert(EventId::new(&id));
        env.from().change("e01.ics", |event| event.content.title = "flows".into());
        for tries in 1..=3 {
            let run = env.pass().await;
            assert_eq!((run.deleted, run.state), (0, PairStatus::Ok), "side {side}");
            assert_eq!(reasons(&run), [Reason::Unreadable]);
            let problems = env.problems().await;
            assert_eq!((problems.len(), problems[0].problem.tries), (1, tries));
            let titles = env.titles();
            assert_eq!((env.count(), titles[1 - side].contains(&"flows".into())), ([4, 4], true));
            env.minutes(5);
        }
        env.remotes[side].lock().hidden.clear();
        assert_eq!((env.pass().await.changed, env.problems().await.len()), (1, 0));
        assert!(env.titles().iter().all(|titles| titles.contains(&"changed".into())));
        env.rest().await;
    }
}
