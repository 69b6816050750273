//! Pairs that no poll would notice: they were made or switched on, and their calendars are not polled.

use engine::pair::Pair;

use super::calls_us;
use crate::nudge::{self, Cause, Nudge};
use crate::{Result, Services, directory};

/// Has a running calrelay look at a pair that is new or was switched on: its first pass opens the channels. Never in the way of whoever did it.
pub(crate) async fn look(services: &Services, pair: &Pair) {
    if let Err(error) = try_to(services, pair).await {
        tracing::warn!(pair = %pair.id, %error, "a running calrelay could not be told of this pair; it sees it within the hour");
    }
}

async fn try_to(services: &Services, pair: &Pair) -> Result<()> {
    for id in [&pair.from, &pair.to] {
        let Some(calendar) = directory::calendar(services, id).await? else { continue };
        if calls_us(directory::account(services, &calendar.account).await?.kind) {
            return nudge::send(services, &Nudge { calendar_id: id.clone(), cause: Cause::Renewal }).await;
        }
    }
    Ok(())
}
