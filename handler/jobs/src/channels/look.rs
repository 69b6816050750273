//! Pairs that no poll would notice, or not soon: they were made or switched on, or an account of
//! theirs was connected anew, and their calendars are not polled.

use engine::pair::Pair;

use super::calls_us;
use crate::directory::{Account, Snapshot};
use crate::nudge::{self, Cause, Nudge};
use crate::poll_calendars::nudge_all;
use crate::{Result, Services, directory};

/// Has a running calrelay go on with the pairs of an account that was connected anew: the first
/// pass opens its channels, and reads what happened while nobody could. Never in the way of whoever
/// connected it.
pub(crate) async fn look_again(services: &Services, account: &Account) {
    if let Err(error) = try_again(services, account).await {
        tracing::warn!(account = %account.id, %error, "a running calrelay could not be told that \
        this account is back; it sees that by itself");
    }
}

async fn try_again(services: &Services, account: &Account) -> Result<()> {
    let directory = Snapshot::read(services).await?;
    let mut pairs = directory.readable_pairs();
    pairs.retain(|pair| {
        let is_its_own = |id| matches!(directory.calendar(id), Ok(Some(calendar)) if calendar.account == account.id);
        !pair.paused && (is_its_own(&pair.from) || is_its_own(&pair.to))
    });
    nudge_all(services, &pairs.iter().collect::<Vec<_>>(), Cause::Renewal).await?;
    Ok(())
}

/// Has a running calrelay look at a pair that is new or was switched on: its first pass opens the
/// channels. Never in the way of whoever did it.
pub(crate) async fn look(services: &Services, pair: &Pair) {
    if let Err(error) = try_to(services, pair).await {
        tracing::warn!(pair = %pair.id, %error, "a running calrelay could not be told of this \
        pair; it sees it within the hour");
    }
}

async fn try_to(services: &Services, pair: &Pair) -> Result<()> {
    for id in [&pair.from, &pair.to] {
        let Some(calendar) = directory::calendar(services, id).await? else { continue };
        if calls_us(directory::account(services, &calendar.account).await?.kind) {
            return nudge::send(
                services,
                &Nudge { calendar_id: id.clone(), cause: Cause::Renewal },
            )
            .await;
        }
    }
    Ok(())
}
