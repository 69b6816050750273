//! A calendar that is not where it was is looked for, and not again and again by itself.

use super::calendar::CalendarCall;
use super::world::{OPTIONS, World};
use records::problem::PairStatus;

#[tokio::test]
async fn a_calendar_that_is_missing_is_looked_for_once_and_by_itself_not_again() {
    let world = World::one_way().await.filled(2).await;
    world.to().manners.missing = true;
    world.forget_calls();
    let synced = world.in_background(None).await;
    assert_eq!(
        (synced.run.state, world.asked(CalendarCall::Calendars)),
        (PairStatus::Error, [0, 1]),
        "nobody knows of it yet"
    );
    world.forget_calls();
    world.in_background(None).await;
    assert_eq!(world.asked(CalendarCall::Calendars), [0, 0]);
    world.try_run(OPTIONS).await;
    assert_eq!(world.asked(CalendarCall::Calendars), [0, 1], "its owner asks");
    world.to().manners.missing = false;
    world.rest().await;
}
