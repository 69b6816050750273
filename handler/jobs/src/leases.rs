//! Leases: exclusive work on the directory, on pairs and on calendars.

use std::time::Duration;

use engine::calendar::{CalendarId, PairId};
use engine::pair::Pair;
use records::snapshot::Snapshot;
use store::Lease;

use crate::places::CalendarPlace;
use crate::{Error, Result, Scope};

/// How long adding or removing waits for another process that adds or removes.
const SETUP_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a timer waits for another one that works on the watches.
const WATCHES_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a removal waits for a pass.
const PASS_TIMEOUT: Duration = Duration::from_secs(30);

/// The name of the lease of a pair, in the scope of its owner. A pass holds it, and so does the
/// removal of the pair. A process that has taken the lease reads the pair again before it goes on,
/// because the pair may be removed or paused by now.
pub fn pair_lease(pair: &PairId) -> String {
    format!("pair:{pair}")
}

/// Held while accounts or pairs are added or removed.
pub(crate) async fn directory(scope: &Scope) -> Result<Lease> {
    acquire_within(scope, &["directory"], SETUP_TIMEOUT).await?.ok_or_else(|| {
        Error::Request(
            "another calrelay is changing accounts or pairs at this moment; nothing \
        was changed, try again in a minute"
                .into(),
        )
    })
}

/// Held while watches are created or stopped; `None` where another process holds it for too long.
pub(crate) async fn watches(scope: &Scope) -> Result<Option<Lease>> {
    acquire_within(scope, &["channels"], SETUP_TIMEOUT).await
}

/// As [`watches`], for a timer: it waits for a run over the other kind of watches, too.
pub(crate) async fn watches_for_long(scope: &Scope) -> Result<Option<Lease>> {
    acquire_within(scope, &["channels"], WATCHES_TIMEOUT).await
}

/// Held while keys are rotated, for all owners together.
pub(crate) async fn keys(scope: &Scope) -> Result<Lease> {
    acquire_within(scope, &["keys"], PASS_TIMEOUT).await?.ok_or_else(|| {
        Error::Request(
            "another calrelay is rotating the keys at this moment; nothing was \
        changed, try again in a minute"
                .into(),
        )
    })
}

/// Held while a pair's rows are removed.
pub(crate) async fn pair(scope: &Scope, pair: &PairId) -> Result<Lease> {
    acquire_within(scope, &[&pair_lease(pair)], PASS_TIMEOUT).await?.ok_or_else(|| {
        Error::Request(format!(
            "a sync of the pair {pair} is under way and was not disturbed; the \
        pair was not removed. Pause it, wait until the sync has ended, and remove it then"
        ))
    })
}

/// Held by work on a pair that is neither a pass nor a removal, with the calendars that the work
/// may write to.
pub(crate) async fn pair_and_calendars(
    scope: &Scope,
    pair: &Pair,
    calendars: &[&CalendarId],
) -> Result<Lease> {
    let directory = scope.snapshot().await?;
    let mut names = vec![pair_lease(&pair.id)];
    names.extend(calendars.iter().map(|calendar| calendar_lease(&directory, calendar)));
    names.dedup();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    acquire_within(scope, &names, PASS_TIMEOUT).await?.ok_or_else(calendar_busy)
}

/// As [`pair_and_calendars`], for one calendar.
pub(crate) async fn calendar(scope: &Scope, calendar: &CalendarId) -> Result<Lease> {
    let name = calendar_lease(&scope.snapshot().await?, calendar);
    acquire_within(scope, &[&name], PASS_TIMEOUT).await?.ok_or_else(calendar_busy)
}

/// The name of the lease of a calendar. Calendars of several accounts that are known to be one
/// calendar have one lease.
pub fn calendar_lease(directory: &Snapshot, calendar: &CalendarId) -> String {
    let place = || {
        let row = directory.calendar(calendar).ok()??;
        let account = directory.account(&row.account).ok()?;
        Some(CalendarPlace::of(&account, &row).short_name())
    };
    // A calendar whose row or account is missing has a lease of its own.
    format!("calendar:{}", place().unwrap_or_else(|| calendar.to_string()))
}

fn calendar_busy() -> Error {
    Error::Request(
        "a sync is at work on this calendar and was not disturbed; nothing was \
    changed. Try again when it has ended"
            .into(),
    )
}

async fn acquire_within(
    scope: &Scope,
    names: &[&str],
    patience: Duration,
) -> Result<Option<Lease>> {
    let pause = scope.leases.pause();
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lease) = scope.leases.acquire(&scope.owner, names).await?.taken() {
            return Ok(Some(lease));
        }
        if waited >= patience {
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}
