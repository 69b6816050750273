//! Passes that need several attempts.

use engine::event::Event;
use engine::reason::Reason;
use jiff::ToSpan;
use jiff::civil::date;

use super::env::{FULL, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{event, on};
use crate::report::Run;

/// Sixty events that are declined: none of them is copied, and none of them gets a mapping.
async fn declined() -> PairEnv {
    let env = PairEnv::one_way().await;
    for n in 0..60 {
        let day = date(2026, 4, 1).saturating_add(n.days());
        env.from().put(Event { declined: true, ..event(&format!("e{n:02}"), "x", on(day)) });
    }
    env
}

/// The shortest turn in the background: one batch.
async fn turn(env: &mut PairEnv) -> Run {
    env.restart_with_short_attempts();
    env.minutes(1);
    env.forget_calls();
    let run = env.in_background(None).await.run;
    assert_eq!(run.error, None);
    run
}

#[tokio::test]
async fn what_one_turn_has_settled_the_next_does_not_read() {
    let mut env = declined().await;
    let mut turns = Vec::new();
    for _ in 0..3 {
        let run = turn(&mut env).await;
        turns.push((run.remaining, run.skipped, env.asked(CalendarCall::Fetch)[0]));
    }
    assert_eq!(turns, [(40, 20, 20), (20, 20, 20), (0, 20, 20)]);
    env.rest().await;
}

#[tokio::test]
async fn what_happens_to_a_settled_event_between_two_turns_is_seen_after_the_last() {
    let mut env = declined().await;
    assert_eq!(turn(&mut env).await.remaining, 40);
    env.from().change("e00.ics", |event| event.declined = false);
    assert_eq!(turn(&mut env).await.remaining, 20);
    assert_eq!((turn(&mut env).await.remaining, env.count()), (0, [60, 0]));
    assert_eq!((env.pass().await.created, env.count()), (1, [60, 1]));
    env.rest().await;
}

#[tokio::test]
async fn what_a_turn_could_not_settle_is_read_by_the_next() {
    let mut env = declined().await;
    env.from().hidden.insert(engine::event::EventId::new("e05.ics"));
    turn(&mut env).await;
    env.from().hidden.clear();
    env.from().change("e05.ics", |event| event.declined = false);
    turn(&mut env).await;
    turn(&mut env).await;
    env.run(FULL).await;
    assert_eq!(env.count(), [60, 1]);
    env.rest().await;
}

#[tokio::test]
async fn whoever_asks_for_a_pass_has_all_of_it_read() {
    let mut env = declined().await;
    turn(&mut env).await;
    let run = env.pass().await;
    assert_eq!((run.remaining, run.skipped, env.asked(CalendarCall::Fetch)[0]), (0, 60, 60));
    assert!(run.actions.iter().all(|action| action.reason == Some(Reason::Declined)));
}
