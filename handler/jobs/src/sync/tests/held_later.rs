//! Deletions that come after a question to the owner wait alone.

use providers::Error;
use records::pair_state::proofs::FirstSign;
use records::problem::PairStatus;

use super::env::{CONFIRMED, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use crate::report::Run;

fn held(run: &Run) -> u64 {
    run.held.as_ref().map_or(0, |held| held.deletions)
}

#[tokio::test]
async fn what_was_deleted_later_waits_for_its_own_ten_minutes() {
    let env = PairEnv::one_way().await.filled(60).await;
    env.remove_origins(0..16);
    assert_eq!(held(&env.pass().await), 16);
    env.minutes(5);
    env.remove_origins(16..18);
    assert_eq!(held(&env.pass().await), 18);
    env.minutes(3);
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, held(&run), env.count()),
        (16, 2, [42, 44]),
        "ten minutes after the first ones"
    );
    env.minutes(5);
    let run = env.pass().await;
    assert_eq!((run.deleted, held(&run), env.count()), (2, 0, [42, 42]));
    env.rest().await;
}

#[tokio::test]
async fn a_confirmation_for_a_calendar_whose_events_are_all_gone_covers_nothing_that_came_later() {
    let env = PairEnv::two_way().await.filled(6).await;
    env.remove_origins(0..6);
    assert_eq!(held(&env.pass().await), 6);
    env.from().put(april("later", 20));
    assert_eq!(env.pass().await.created, 1);
    env.from().remove("later.ics");
    let run = env.run(CONFIRMED).await;
    assert_eq!((run.deleted, held(&run), env.count()), (6, 1, [0, 1]));
}

#[tokio::test]
async fn what_waits_is_deleted_for_what_showed_it_first() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..11);
    assert_eq!(held(&env.pass().await), 11);
    assert_eq!(env.run(CONFIRMED).await.deleted, 11);
    assert!(env.proofs().await.iter().all(|row| row.proof.sign == FirstSign::Named));
}

#[tokio::test]
async fn what_is_found_gone_by_each_write_and_is_there_ends_the_pass() {
    let env = PairEnv::one_way().await.filled(4).await;
    for call in [CalendarCall::Rewrite, CalendarCall::Edit] {
        env.to().refused.insert((call, None), Error::Gone);
    }
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = env.try_run(OPTIONS).await;
    assert_eq!((run.state, run.deleted, env.count()), (PairStatus::Error, 0, [4, 4]));
    let state = env.state().await;
    assert_eq!((state.status, state.error), (Some(PairStatus::Error), run.error));
    env.to().refused.clear();
    env.pass().await;
    assert_eq!(env.has("changed"), [true, true]);
    env.rest().await;
}

#[tokio::test]
async fn after_a_failure_nothing_more_is_written_than_was_under_way() {
    let env = PairEnv::one_way().await;
    let first = env.uid_of_copy("e00.ics").await;
    env.to().refused.insert(
        (CalendarCall::Create, Some(engine::event::EventId::new(format!("{first}.ics")))),
        Error::Unauthorized,
    );
    env.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
    for n in 0..60 {
        let day = jiff::civil::date(2026, 4, 1).saturating_add(jiff::ToSpan::days(n));
        env.from().put(super::sample_events::event(
            &format!("e{n:02}"),
            "x",
            super::sample_events::on(day),
        ));
    }
    assert_eq!(env.try_run(OPTIONS).await.state, PairStatus::NeedsReconnect);
    assert!(env.count()[1] < 20, "{:?}", env.count());
    env.to().refused.clear();
    env.pass().await;
    assert_eq!(env.count(), [60, 60]);
    env.rest().await;
}
