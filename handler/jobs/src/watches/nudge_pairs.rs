//! Nudges for pairs that no poll would find, or not soon: pairs that were added or resumed, or
//! whose account was connected again, and whose calendars are not polled.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::calendar::CalendarId;
use engine::pair::Pair;
use records::account::Account;
use records::snapshot::Snapshot;
use records::watch::WatchRecord;

use super::call::Call;
use super::needed::Target;
use crate::nudge::{self, Cause, nudge_all};
use crate::{Result, Scope};

/// Makes a running service continue with the pairs of an account that was connected again: the
/// first pass creates its watches and reads what happened meanwhile. A failure is only logged.
pub(crate) async fn nudge_pairs_of_account(scope: &Scope, account: &Account) {
    if let Err(error) = try_to_nudge_pairs_of(scope, account).await {
        tracing::warn!(account = %account.id, %error, "a running calrelay could not be notified \
        that this account is back; it sees that by itself");
    }
}

async fn try_to_nudge_pairs_of(scope: &Scope, account: &Account) -> Result<()> {
    let directory = scope.snapshot().await?;
    let mut pairs = directory.readable_pairs();
    pairs.retain(|pair| {
        let is_its_own = |id| {
            let calendar = directory.calendar(id).ok().flatten();
            calendar.is_some_and(|calendar| calendar.account == account.id)
        };
        pair.is_active() && (is_its_own(&pair.from) || is_its_own(&pair.to))
    });
    nudge_all(scope, &pairs.iter().collect::<Vec<_>>(), Cause::Renewal).await?;
    Ok(())
}

/// Makes a running service sync a pair that is new or was resumed: the first pass creates its
/// watches. A failure is only logged.
pub(crate) async fn nudge_pair(scope: &Scope, pair: &Pair) {
    if let Err(error) = try_to_nudge_pair(scope, pair).await {
        tracing::warn!(pair = %pair.id, %error, "a running calrelay could not be notified of this \
        pair; it sees it within the hour");
    }
}

async fn try_to_nudge_pair(scope: &Scope, pair: &Pair) -> Result<()> {
    for id in [&pair.from, &pair.to] {
        let Some(calendar) = scope.directory().calendar(id).await? else { continue };
        if scope.directory().account(&calendar.account).await?.kind.pushes() {
            return nudge::send(scope, id, Cause::Renewal).await;
        }
    }
    Ok(())
}

/// Nudges what a watch covers: its calendar, or every calendar of its account that belongs to a
/// pair.
pub(super) async fn nudge_watched(
    scope: &Scope,
    call: &Call,
    row: &WatchRecord,
    cause: Cause,
    delay: Duration,
) -> Result<()> {
    if let Some(calendar) = &row.calendar {
        return call.nudge(scope, calendar, cause, delay).await;
    }
    let directory = call.directory(scope).await?;
    let mut calendars: BTreeSet<CalendarId> = BTreeSet::new();
    for pair in directory.readable_pairs().into_iter().filter(|pair| pair.is_active()) {
        for id in [pair.from, pair.to] {
            let is_watched = matches!(
                directory.calendar(&id), Ok(Some(calendar)) if calendar.account == row.account
            );
            if is_watched {
                calendars.insert(id);
            }
        }
    }
    for calendar in &calendars {
        call.nudge(scope, calendar, cause, delay).await?;
    }
    Ok(())
}

/// Nudges the other pairs of accounts that have a new watch, before a pass over `pairs`: for them
/// too, the watch before may have missed changes.
pub(super) async fn nudge_other_pairs(
    scope: &Scope,
    directory: &Snapshot,
    created: &[Target],
    pairs: &[Pair],
) -> Result<()> {
    let is_concerned = |id: &CalendarId| {
        let calendar = directory.calendar(id).ok().flatten();
        calendar.is_some_and(|calendar| {
            let is_of = |target: &Target| target.of_account() == Some(&calendar.account);
            created.iter().any(is_of)
        })
    };
    let all = directory.readable_pairs();
    let others = all.iter().filter(|pair| {
        pair.is_active()
            && !pairs.iter().any(|own| own.id == pair.id)
            && (is_concerned(&pair.from) || is_concerned(&pair.to))
    });
    nudge_all(scope, &others.collect::<Vec<_>>(), Cause::Renewal).await?;
    Ok(())
}
