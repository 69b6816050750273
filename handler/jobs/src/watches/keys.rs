//! Which keys of webhooks count: one signs and proves, the one before it proves until its channels
//! have ended.
//!
//! # Properties
//! * The keys are derived by the vault from its root, each by its id, and are stored nowhere. What
//!   is stored is which ids count, in one row of the installation. Ids are random: one that was
//!   dropped does not come back with a backup.
//! * A process remembers the row for [`TRUST`]. So a notification with a good token costs a read of
//!   it once a minute at most, and a key that was dropped is believed for a minute at most by
//!   processes that were at work before.
//! * A good token whose key does not count, as far as is remembered, may be of a key that another
//!   process has just begun to sign with: the row is read again before it is refused, whatever is
//!   remembered. All who ask meanwhile share that read, and reads are [`MIN_READ_INTERVAL`] apart; whoever
//!   comes between waits so long. So the first call of a channel is heard, and whoever has got hold
//!   of a key that was dropped causes a read a second.
//! * A token whose MAC is wrong never comes so far ([`super::token`]): forgeries cost no read,
//!   however many there are.

use std::time::Duration;

use engine::calendar::CalendarId;
use engine::pair::Pair;
use records::watch::{WatchRecord, WatchStatus};
use records::webhook_keys::{self, WebhookKeys};
use tokio::time::Instant;

use crate::in_process::watches::ReadKeys;
use crate::nudge::{Cause, nudge_all};
use crate::services::Services;
use crate::{Error, Result, Scope};

/// How long after one read the next one begins.
const MIN_READ_INTERVAL: Duration = Duration::from_secs(1);

/// So often the row is read again when somebody else wrote it at the same moment.
const ATTEMPTS: usize = 8;

/// The letters of an id.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Whether a token with a good MAC proves anything, by the id of its key; `None` for the form that
/// names none.
///
/// # Errors
/// Where the row cannot be read: the call is to come again.
pub(super) async fn is_accepted(services: &Services, key: Option<&str>) -> Result<bool> {
    let (known, now, asked) =
        (&services.in_process.watches.keys, services.clock.now(), Instant::now());
    let proves = |keys: Option<&WebhookKeys>| webhook_keys::accepts(keys, key, now);
    if let Some(answer) = known.answer(asked, proves) {
        return Ok(answer);
    }
    let _reading = known.reading.lock().await;
    if let Some(answer) = known.answer(asked, proves) {
        return Ok(answer);
    }
    let next = known.last().as_ref().map(|read| read.begun + MIN_READ_INTERVAL);
    if let Some(next) = next {
        tokio::time::sleep_until(next).await;
    }
    let begun = Instant::now();
    let keys = webhook_keys::read_webhook_keys(&*services.store).await?.map(|(keys, _)| keys);
    let answer = proves(keys.as_ref());
    *known.last() = Some(ReadKeys { begun, keys });
    Ok(answer)
}

/// The id of the key that signs; the first one is named here.
pub(super) async fn current(services: &Services) -> Result<String> {
    for _ in 0..ATTEMPTS {
        let begun = Instant::now();
        let keys = match webhook_keys::read_webhook_keys(&*services.store).await? {
            Some((keys, _)) => keys,
            None => {
                let first = WebhookKeys::first(new_id(None)?, services.clock.now());
                if !webhook_keys::put_webhook_keys(&*services.store, &first, None).await? {
                    continue;
                }
                first
            }
        };
        let current = keys.current.clone();
        *services.in_process.watches.keys.last() = Some(ReadKeys { begun, keys: Some(keys) });
        return Ok(current);
    }
    Err(Error::Store(store::Error::Conflict(0)))
}

/// Has a new key sign from now on; its id. The one before it proves as long as its channels live,
/// or `at_once` no more.
pub(crate) async fn rotate(services: &Services, at_once: bool) -> Result<String> {
    for _ in 0..ATTEMPTS {
        let now = services.clock.now();
        let (before, etag) = webhook_keys::read_webhook_keys(&*services.store).await?.unzip();
        let new = new_id(before.as_ref())?;
        // Where no key has signed yet, tokens that name none are the ones before.
        let keys = match before {
            None if !at_once => WebhookKeys::first(new.clone(), now),
            None => WebhookKeys { unnamed_until: None, ..WebhookKeys::first(new.clone(), now) },
            Some(before) => before.rotate_to(new.clone(), at_once, now),
        };
        let begun = Instant::now();
        if webhook_keys::put_webhook_keys(&*services.store, &keys, etag).await? {
            *services.in_process.watches.keys.last() = Some(ReadKeys { begun, keys: Some(keys) });
            return Ok(new);
        }
    }
    Err(Error::Store(store::Error::Conflict(0)))
}

/// Gives up the channels of an owner whose tokens prove nothing any more, and has their calendars
/// looked at: a running calrelay then opens others before it reads, so that nothing is missed.
/// Channels whose rows were not reached are found by the hourly run. How many were given up.
///
/// # Errors
/// Storage failures.
pub(crate) async fn end_unproven(scope: &Scope) -> Result<usize> {
    let (keys, now) = (
        webhook_keys::read_webhook_keys(&*scope.store).await?.map(|(keys, _)| keys),
        scope.clock.now(),
    );
    let directory = scope.snapshot().await?;
    let mut given_up: Vec<WatchRecord> = Vec::new();
    for row in directory.watches()? {
        let unproven = |row: &WatchRecord| {
            row.is_live(now) && !webhook_keys::accepts(keys.as_ref(), row.key.as_deref(), now)
        };
        if unproven(&row) {
            scope
                .directory()
                .change_watch(&row.id, |row| {
                    if unproven(row) {
                        row.state = WatchStatus::Ending;
                    }
                })
                .await?;
            given_up.push(row);
        }
    }
    let is_concerned = |id: &CalendarId| {
        let calendar = directory.calendar(id).ok().flatten();
        calendar.is_some_and(|it| given_up.iter().any(|row| row.covers(&it.account, id)))
    };
    let concerned =
        |pair: &&Pair| !pair.paused && (is_concerned(&pair.from) || is_concerned(&pair.to));
    let pairs = directory.readable_pairs();
    nudge_all(scope, &pairs.iter().filter(concerned).collect::<Vec<_>>(), Cause::Renewal).await?;
    Ok(given_up.len())
}

/// The form of an id: nothing else is made part of a purpose.
pub(super) fn is_id(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'))
}

/// An id that none of the keys has.
fn new_id(but: Option<&WebhookKeys>) -> Result<String> {
    loop {
        let mut bytes = [0_u8; 4];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| Error::Request("the system gave no random numbers; try again".into()))?;
        let id: String = bytes.iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect();
        if but.is_none_or(|keys| keys.current != id && keys.previous.as_deref() != Some(&*id)) {
            return Ok(id);
        }
    }
}
