//! The valid keys of webhooks: one key signs and verifies; the key before it verifies until its
//! watches have ended.
//!
//! # Properties
//! * The vault derives each key from its root and the key's id. No key is stored: one row of the
//!   installation holds the ids of the valid keys. Ids are random, so an id that was dropped does
//!   not come back with a restored backup.
//! * A process remembers the row for [`KEYS_TRUSTED_FOR`](crate::in_process::watches). Therefore
//!   notifications with a valid secret cost at most one read of the row in a minute, and a process
//!   that was running before accepts a dropped key for at most a minute.
//! * A secret with a valid MAC may be signed with a key that is unknown to this process because
//!   another process has just begun to use it. The row is read again before such a secret is
//!   refused. All notifications that wait share that read, and reads are at least
//!   [`MIN_READ_INTERVAL`] apart. Therefore the first notification of a watch is accepted, and an
//!   attacker who knows a dropped key causes one read in a second.
//! * A secret with a wrong MAC is refused before that ([`super::secret`]): any number of forgeries
//!   costs no read.

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

/// The time between the beginnings of two reads.
const MIN_READ_INTERVAL: Duration = Duration::from_secs(1);

/// The number of times that the row is read again because another process wrote it at that moment.
const ATTEMPTS: usize = 8;

/// The letters of an id.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Whether a secret with a valid MAC is accepted, by the id of its key; `None` for a secret without
/// the id of a key.
///
/// # Errors
/// The row cannot be read: the provider has to send the notification again.
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

/// The id of the key that signs. The first call creates the first id.
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

/// Makes a new key sign from now on, and returns its id. The key before verifies as long as its
/// watches live, or no more with `at_once`.
pub(crate) async fn rotate(services: &Services, at_once: bool) -> Result<String> {
    for _ in 0..ATTEMPTS {
        let now = services.clock.now();
        let (before, etag) = webhook_keys::read_webhook_keys(&*services.store).await?.unzip();
        let new = new_id(before.as_ref())?;
        // Before the first key with an id, secrets without an id are those to keep or to drop.
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

/// Ends the watches of an owner whose secrets are not accepted any more, and nudges their
/// calendars: a running service then creates new watches before it reads, so that no change is
/// missed. The hourly run finds watches whose records were not reached. Returns the number of
/// watches.
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
        |pair: &&Pair| pair.is_active() && (is_concerned(&pair.from) || is_concerned(&pair.to));
    let pairs = directory.readable_pairs();
    nudge_all(scope, &pairs.iter().filter(concerned).collect::<Vec<_>>(), Cause::Renewal).await?;
    Ok(given_up.len())
}

/// The form of an id: no other text becomes part of a key's purpose.
pub(super) fn is_id(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'))
}

/// An id that no valid key has.
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
