//! Watches created where one is needed, renewed before their end, and stopped where none is needed.

use std::collections::{BTreeMap, BTreeSet};

use engine::calendar::CalendarId;
use engine::pair::Pair;
use engine::provider::{Renewal, WatchFacts};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use records::problem::Problem;
use records::snapshot::Snapshot;
use records::watch::{WatchRecord, WatchStatus};
use records::webhook_keys::{self, WebhookKeys};

use super::check;
use super::create::{Created, create};
use super::needed::{Needed, Target, WatchKind, address, needed};
use super::nudge_pairs::nudge_other_pairs;
use super::renew_in_place::{InPlace, renew_in_place};
use super::spread::{AT_ONCE, signed, spread};
use super::stop::stop_all;
use crate::error::Next;
use crate::nudge::{Cause, nudge_all};
use crate::services::Services;
use crate::{Error, Result, Scope, leases};

/// The result of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenewOutcome {
    pub needed: usize,
    pub created: usize,
    /// Watches that have a later end.
    pub renewed: usize,
    /// Watches stopped, or deleted after their end.
    pub stopped: usize,
    /// Watches that are needed and could not be created; the next run tries again.
    pub failed: usize,
}

impl RenewOutcome {
    fn and(self, other: Self) -> Self {
        Self {
            needed: self.needed + other.needed,
            created: self.created + other.created,
            renewed: self.renewed + other.renewed,
            stopped: self.stopped + other.stopped,
            failed: self.failed + other.failed,
        }
    }
}

/// Creates, renews and stops watches of one kind for every owner. Each calendar with a new watch is
/// synced, because the watch before may have missed changes. `missed`: no run happened for a while,
/// so all calendars are synced.
///
/// # Errors
/// Storage failures. A provider's failure is in the record of its watch.
pub async fn renew(services: &Services, kind: WatchKind, missed: bool) -> Result<RenewOutcome> {
    let outcomes = services
        .for_each_owner(|scope| async move { renew_owner(&scope, kind, missed).await })
        .await?
        .all()?;
    Ok(outcomes.into_iter().fold(RenewOutcome::default(), RenewOutcome::and))
}

async fn renew_owner(scope: &Scope, kind: WatchKind, missed: bool) -> Result<RenewOutcome> {
    let Some(_lease) = leases::watches_for_long(scope).await? else {
        tracing::info!(owner = %scope.owner, ?kind, "another process is at work on the watches; \
        they are looked at again within the hour");
        return Ok(RenewOutcome::default());
    };
    let directory = scope.snapshot().await?;
    let mut needed = needed(&directory);
    needed.retain(|target, _| kind.is_of(target));
    let known = directory.watches()?;
    let targets = known.iter().map(Target::of).filter(|target| kind.is_of(target));
    let only = targets.chain(needed.keys().cloned()).collect();
    let run = RenewalRun { checks_all: missed, ..RenewalRun::new(scope, &directory).await? };
    let (outcome, created) = run.renew_targets(&needed, Some(&only)).await?;
    let is_concerned = |id: &CalendarId| {
        directory.calendar(id).ok().flatten().is_some_and(|calendar| {
            created.iter().any(|target| target.covers(&calendar))
                || missed && needed.keys().any(|target| target.covers(&calendar))
        })
    };
    let pairs: Vec<Pair> = directory
        .readable_pairs()
        .into_iter()
        .filter(|pair| pair.is_active() && (is_concerned(&pair.from) || is_concerned(&pair.to)))
        .collect();
    nudge_all(scope, &pairs.iter().collect::<Vec<_>>(), Cause::Renewal).await?;
    Ok(outcome)
}

/// Before a pass over these pairs: creates the watches that were never asked for, or were given up,
/// and renews those whose provider asks for it. Costs nothing where there are none; a failure is
/// tried again by the next run of [`renew`]. Whether a watch was created: then the pass has to read
/// everything, and as it follows the creation, no change between the two is missed. Pairs of other
/// calendars that a new watch covers are nudged.
pub(crate) async fn create_missing(
    scope: &Scope,
    directory: &Snapshot,
    pairs: &[Pair],
) -> Result<bool> {
    if scope.setup.public_url.is_none() {
        return Ok(false);
    }
    let (known, now) = (directory.watches()?, scope.clock.now());
    let is_concerned = |target: &Target| {
        pairs.iter().flat_map(|pair| [&pair.from, &pair.to]).any(|id| match &target.calendar {
            Some(calendar) => calendar == id,
            None => directory
                .calendar(id)
                .is_ok_and(|row| row.is_some_and(|row| row.account == target.account)),
        })
    };
    let missing: BTreeSet<Target> = needed(directory)
        .into_iter()
        .filter(|(target, needed)| {
            let is_asked = |row: &WatchRecord| {
                Target::of(row) == *target
                    && row.generation == needed.account.generation
                    && row.state != WatchStatus::Ending
                    && !row.renew_now
            };
            needed.may_ask(now) && is_concerned(target) && !known.iter().any(is_asked)
        })
        .map(|(target, _)| target)
        .collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let Some(_lease) = leases::watches(scope).await? else { return Ok(false) };
    let directory = scope.snapshot().await?;
    let run = RenewalRun::new(scope, &directory).await?;
    let (_, created) = run.renew_targets(&needed(&directory), Some(&missing)).await?;
    nudge_other_pairs(scope, &directory, &created, pairs).await?;
    Ok(!created.is_empty())
}

/// After a pair was paused or removed: stops the watches that no pair needs any more. A failure is
/// logged and tried again by the next run of [`renew`].
pub(crate) async fn stop_unneeded(scope: &Scope) {
    if let Err(error) = try_to_stop_unneeded(scope).await {
        tracing::warn!(%error, "watches that no pair needs any more were not stopped; it is tried \
        again within the hour");
    }
}

async fn try_to_stop_unneeded(scope: &Scope) -> Result<()> {
    if scope.directory().watches().await?.is_empty() {
        return Ok(());
    }
    let Some(_lease) = leases::watches(scope).await? else { return Ok(()) };
    let directory = scope.snapshot().await?;
    let needed = needed(&directory);
    let watched = directory.watches()?;
    let idle =
        watched.iter().map(Target::of).filter(|target| !needed.contains_key(target)).collect();
    RenewalRun::new(scope, &directory).await?.renew_targets(&needed, Some(&idle)).await?;
    Ok(())
}

/// One run over the watches of an owner, under the lease of the owner's watches.
struct RenewalRun<'a> {
    scope: &'a Scope,
    directory: &'a Snapshot,
    /// The valid keys.
    keys: Option<WebhookKeys>,
    now: Timestamp,
    /// Asks the provider whether each watch exists, also where that is not due.
    checks_all: bool,
}

/// What a run did about one target.
#[derive(Default)]
struct TargetOutcome {
    created: bool,
    renewed: bool,
    failed: bool,
    ended: usize,
}

impl<'a> RenewalRun<'a> {
    async fn new(scope: &'a Scope, directory: &'a Snapshot) -> Result<Self> {
        let keys = webhook_keys::read_webhook_keys(&*scope.store).await?.map(|(keys, _)| keys);
        Ok(Self { scope, directory, keys, now: scope.clock.now(), checks_all: false })
    }

    /// Processes all targets, or only some of them; returns which have a new watch. A failure with
    /// one target does not stop the others.
    async fn renew_targets(
        &self,
        needed: &BTreeMap<Target, Needed>,
        only: Option<&BTreeSet<Target>>,
    ) -> Result<(RenewOutcome, Vec<Target>)> {
        let mut rows: BTreeMap<Target, Vec<WatchRecord>> =
            needed.keys().map(|target| (target.clone(), Vec::new())).collect();
        for row in self.directory.watches()? {
            rows.entry(Target::of(&row)).or_default().push(row);
        }
        rows.retain(|target, _| only.is_none_or(|only| only.contains(target)));
        let one = |(target, rows): (Target, Vec<WatchRecord>)| async move {
            let outcome = self.check_and_renew(needed.get(&target), rows).await;
            (target, outcome)
        };
        let all: Vec<_> =
            futures::stream::iter(rows).map(one).buffer_unordered(AT_ONCE).collect().await;
        let mut outcome = RenewOutcome { needed: needed.len(), ..RenewOutcome::default() };
        let mut created = Vec::new();
        for (target, of_target) in all {
            let of_target = of_target?;
            outcome.created += usize::from(of_target.created);
            outcome.renewed += usize::from(of_target.renewed);
            outcome.failed += usize::from(of_target.failed);
            outcome.stopped += of_target.ended;
            if of_target.created {
                created.push(target);
            }
        }
        Ok((outcome, created))
    }

    async fn check_and_renew(
        &self,
        needed: Option<&Needed>,
        mut rows: Vec<WatchRecord>,
    ) -> Result<TargetOutcome> {
        if let Some(needed) = needed.filter(|needed| needed.may_ask(self.now)) {
            for row in &mut rows {
                let is_asked = check::can_be_asked(row, needed.facts, self.now)
                    && !is_due(row, needed.facts, self.now)
                    && (self.checks_all || check::is_due(row, needed.facts, self.now));
                if is_asked {
                    check::give_up_where_removed(self.scope, self.directory, needed, row).await?;
                }
            }
        }
        self.renew_target(needed, &rows).await
    }

    async fn renew_target(
        &self,
        needed: Option<&Needed>,
        rows: &[WatchRecord],
    ) -> Result<TargetOutcome> {
        let Some(needed) = needed else { return self.stop_others(rows, &[]).await };
        let address = address(self.scope, &needed.account).filter(|_| needed.may_ask(self.now));
        let Some(address) = address else {
            // No watch can be created. Those that live may still send notifications.
            let live = rows.iter().filter(|row| row.is_live(self.now));
            return self.stop_others(rows, &live.map(|row| &*row.id).collect::<Vec<_>>()).await;
        };
        // A refusal is final whichever key its secret was signed with.
        let proves = |row: &WatchRecord| {
            row.state == WatchStatus::Refused
                || webhook_keys::accepts(self.keys.as_ref(), row.key.as_deref(), self.now)
        };
        let fits = |row: &&WatchRecord| {
            row.generation == needed.account.generation
                && row.notification_url == address
                && self.now < row.expires
                && proves(row)
        };
        let open: Vec<&WatchRecord> = rows
            .iter()
            .filter(|row| row.is_live(self.now) && row.state == WatchStatus::Open)
            .collect();
        let best = open.iter().copied().filter(fits).max_by_key(|row| row.expires);
        if let Some(best) = best.filter(|best| !is_due(best, needed.facts, self.now)) {
            return self.stop_others(rows, &[&best.id]).await;
        }
        // A watch keeps its secret when it is renewed in place, so one whose secret was signed with
        // an earlier key is replaced before that key is not valid any more.
        let keeps_key = |row: &&WatchRecord| {
            needed.facts.renewal == Renewal::InPlace
                && self.keys.as_ref().is_some_and(|keys| row.key.as_ref() == Some(&keys.current))
        };
        if let Some(best) = best.filter(keeps_key) {
            let done = match renew_in_place(self.scope, self.directory, needed, best).await? {
                InPlace::Renewed => TargetOutcome { renewed: true, ..TargetOutcome::default() },
                InPlace::Later(error) => {
                    log_failure(needed, Some(best.expires.duration_since(self.now)), &error);
                    TargetOutcome { failed: true, ..TargetOutcome::default() }
                }
                InPlace::Replace => TargetOutcome::default(),
            };
            if done.renewed || done.failed {
                return Ok(TargetOutcome {
                    ended: self.stop_others(rows, &[&best.id]).await?.ended,
                    ..done
                });
            }
        }
        let refused = rows.iter().filter(fits).find(|row| row.state == WatchStatus::Refused);
        if let Some(refused) = refused {
            return self.stop_others(rows, &[&refused.id]).await;
        }
        match create(self.scope, self.directory, needed, address, self.now).await? {
            Created::Open(id) => {
                Ok(TargetOutcome { created: true, ..self.stop_others(rows, &[&id]).await? })
            }
            Created::Not(id, error) => {
                let left = best.map(|best| best.expires.duration_since(self.now));
                log_failure(needed, left, &error);
                let kept: Vec<&str> = open.iter().map(|row| &*row.id).chain([&*id]).collect();
                Ok(TargetOutcome { failed: true, ..self.stop_others(rows, &kept).await? })
            }
        }
    }

    /// Stops all of these watches except the ones named.
    async fn stop_others(&self, rows: &[WatchRecord], ids: &[&str]) -> Result<TargetOutcome> {
        let ended = stop_all(self.scope, self.directory, rows, ids, self.now).await?;
        Ok(TargetOutcome { ended, ..TargetOutcome::default() })
    }
}

/// An alert of the operator searches for the text of the warning. A problem that only the owner of
/// the account or of the calendar can solve is shown to that owner, and is no warning.
fn log_failure(needed: &Needed, left: Option<SignedDuration>, error: &Error) {
    let Problem { code, message } = Problem::from(error);
    let (account, hours) = (&needed.account.id, left.map_or(0, |left| left.as_hours()));
    let calendar = needed.calendar.as_ref().map_or("all", |calendar| calendar.id.as_str());
    let is_near = left.is_none_or(|left| left < signed(needed.facts.warn_before));
    if matches!(error, Error::Provider(providers::Error::NoPush)) {
        tracing::info!(%account, %calendar, "the provider sends no notifications of changes in \
        this calendar; a poll or the nightly pass looks for them");
    } else if is_near && !is_for_owner(error) {
        tracing::warn!(%account, %calendar, %code, hours, "watch near its end: {message}");
    } else {
        tracing::info!(%account, %calendar, %code, hours, "a watch could not be renewed yet; it is \
        tried again within the hour");
    }
}

/// Whether the owner of the account or of the calendar has to act. A provider's address that is
/// refused is the operator's setting.
fn is_for_owner(error: &Error) -> bool {
    use providers::Error as E;
    match error {
        Error::Provider(E::Gone) => true,
        Error::Provider(E::Address(_) | E::NotPublic(_)) => false,
        error => matches!(error.next(), Next::Reconnect | Next::AskOwner),
    }
}

/// Whether a watch is to be renewed.
pub(super) fn is_due(row: &WatchRecord, facts: WatchFacts, now: Timestamp) -> bool {
    let spread = spread(&row.id, signed(facts.spread));
    let early = signed(facts.renew_before)
        + match facts.renewal {
            // The next end is counted from the renewal: an early one makes the next one early too.
            Renewal::InPlace => -spread.abs(),
            Renewal::Replace => spread,
        };
    row.renew_now || row.expires.duration_since(now) <= early
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_warned_of_what_no_owner_can_change() {
        use providers::Error as E;
        for (error, is_owners) in [
            (E::CalendarMissing, true),
            (E::Gone, true),
            (E::Forbidden("x".into()), true),
            (E::Unauthorized, true),
            (E::Consent("x".into()), true),
            (E::Credentials("x".into()), true),
            (E::Address("x".into()), false),
            (E::Misconfigured("x".into()), false),
            (E::Unreachable("x".into()), false),
            (E::RateLimited { retry_after: None }, false),
            (E::Refused("x".into()), false),
        ] {
            assert_eq!(is_for_owner(&Error::Provider(error.clone())), is_owners, "{error:?}");
        }
    }
}
