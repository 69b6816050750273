//! A missing calendar is looked for, and not repeatedly by background passes.

use records::problem::PairStatus;

use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;

#[tokio::test]
async fn a_calendar_that_is_missing_is_looked_for_once_and_by_itself_not_again() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.to().manners.missing = true;
    env.forget_calls();
    let synced = env.in_background(None).await;
    assert_eq!(
        (synced.run.state, env.asked(CalendarCall::Calendars)),
        (PairStatus::Error, [0, 1]),
        "no record of the copy exists yet"
    );
    env.forget_calls();
    env.in_background(None).await;
    assert_eq!(env.asked(CalendarCall::Calendars), [0, 0]);
    env.try_run(OPTIONS).await;
    assert_eq!(env.asked(CalendarCall::Calendars), [0, 1], "its owner asks");
    env.to().manners.missing = false;
    env.rest().await;
}
