//! Exclusive work on the directory and on pairs.

use std::time::Duration;

use engine::calendar::{CalendarId, PairId};
use engine::pair::Pair;
use store::Lease;

use super::{CalendarPlace, Snapshot, id};
use crate::{Error, Result, Services};

/// How long a set-up waits for another one.
const SETUP_PATIENCE: Duration = Duration::from_secs(15);

/// How long a removal waits for a pass.
const PASS_PATIENCE: Duration = Duration::from_secs(30);

/// The name of the lease (in the scope of its owner) under which a pair is worked on: a pass holds
/// it, and so does the removal of the pair. Whoever has taken it reads the pair again
/// ([`super::pair`]) before going on: it may be gone or paused by now.
pub fn pair_lease(pair: &PairId) -> String {
    format!("pair:{pair}")
}

/// Taken by whatever adds or removes accounts and pairs.
pub(super) async fn directory(services: &Services) -> Result<Lease> {
    patiently(services, &["directory"], SETUP_PATIENCE).await?.ok_or_else(|| {
        Error::Request(
            "another calrelay is changing accounts or pairs at this moment; nothing \
        was changed, try again in a minute"
                .into(),
        )
    })
}

/// Taken by whoever opens or stops channels; `None` while somebody else does, for longer than one
/// waits.
pub(crate) async fn channels(services: &Services) -> Result<Option<Lease>> {
    patiently(services, &["channels"], SETUP_PATIENCE).await
}

/// Taken while keys are rotated, for all owners together.
pub(super) async fn keys(services: &Services) -> Result<Lease> {
    patiently(services, &["keys"], PASS_PATIENCE).await?.ok_or_else(|| {
        Error::Request(
            "another calrelay is rotating the keys at this moment; nothing was \
        changed, try again in a minute"
                .into(),
        )
    })
}

/// Taken while a pair's rows are removed.
pub(super) async fn pair(services: &Services, pair: &PairId) -> Result<Lease> {
    patiently(services, &[&pair_lease(pair)], PASS_PATIENCE).await?.ok_or_else(|| {
        Error::Request(format!(
            "a sync of the pair {pair} is under way and was not disturbed; the \
        pair was not removed. Pause it, wait until the sync has ended, and remove it then"
        ))
    })
}

/// Taken for what is neither a pass nor a removal, and needs the pair and the calendars that it may
/// write to for itself.
pub(crate) async fn work(
    services: &Services,
    pair: &Pair,
    calendars: &[&CalendarId],
) -> Result<Lease> {
    let directory = Snapshot::read(services).await?;
    let mut names = vec![pair_lease(&pair.id)];
    names.extend(calendars.iter().map(|calendar| calendar_lease(&directory, calendar)));
    names.dedup();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    patiently(services, &names, PASS_PATIENCE).await?.ok_or_else(busy)
}

/// The same for a calendar alone.
pub(crate) async fn calendar(services: &Services, calendar: &CalendarId) -> Result<Lease> {
    let name = calendar_lease(&Snapshot::read(services).await?, calendar);
    patiently(services, &[&name], PASS_PATIENCE).await?.ok_or_else(busy)
}

/// The name of the lease under which a calendar is written to: one for a calendar that several
/// accounts see, as far as that is known.
pub fn calendar_lease(directory: &Snapshot, calendar: &CalendarId) -> String {
    let place = || {
        let row = directory.calendar(calendar).ok()??;
        let account = directory.account(&row.account).ok()?;
        Some(id::place(&CalendarPlace::of(&account, &row)))
    };
    // A calendar whose row or account is missing is itself only.
    format!("calendar:{}", place().unwrap_or_else(|| calendar.to_string()))
}

fn busy() -> Error {
    Error::Request(
        "a sync is at work on this calendar and was not disturbed; nothing was \
    changed. Try again when it has ended"
            .into(),
    )
}

async fn patiently(
    services: &Services,
    names: &[&str],
    patience: Duration,
) -> Result<Option<Lease>> {
    let pause = services.leases.pause();
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lease) = services.leases.acquire(&services.owner, names).await?.taken() {
            return Ok(Some(lease));
        }
        if waited >= patience {
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}
