//! Rotating keys: the key of the vault, which wraps all sealed secrets, and the key that signs the
//! secrets of watches.
//!
//! # Properties
//! * Every secret can be opened at every moment, even if a process dies: a version of the key
//!   exists before anything is wrapped with it, and is removed only some time after the last text
//!   was wrapped with it.
//! * The next rotation completes one that was cut off. It creates one more version, and wraps what
//!   the rotation before has left.
//! * Keys of marks and fingerprints are derived from the vault's root and do not change.
//!
//! # When a version of the key file is removed
//! Another process may hold a text that the old version has wrapped: a text that it has read and
//! not opened yet, or sealed and not stored yet. Therefore a version stays as long as one of these
//! conditions holds:
//! * A secret was wrapped with the version when this rotation began, or is when it ends; or a row
//!   does not name its version.
//! * The version was the newest one until this rotation.
//! * The rotation before this one began less than [`MIN_INTERVAL`] ago, by the clock: then the
//!   versions before it may have been used until a moment ago. The time is stored before a version
//!   is created, and rotations run one after another, under a lease of the installation.

use std::collections::BTreeSet;

use engine::calendar::AccountId;
use jiff::SignedDuration;
use records::webhook_keys;

use crate::services::Services;
use crate::watches::keys;
use crate::{Error, Result, Scope, accounts, leases};

/// No process holds a text that it has read or sealed for so long.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// The result of a rotation.
#[derive(Debug)]
pub struct Rotation {
    /// The version of the key that seals from now on.
    pub key: String,
    /// The number of secrets that were wrapped with the new version.
    pub rewrapped: usize,
    /// Accounts whose secret was not changed, and why.
    pub failed: Vec<(AccountId, Error)>,
    /// The number of old versions that were removed.
    pub removed: usize,
    /// The id of the key that signs the secrets of watches from now on.
    pub webhook_key: String,
    /// The number of watches that have to be replaced.
    pub ended_watches: usize,
}

/// Rotates the keys. With `webhooks_now`, no earlier secret of a watch is accepted any more.
///
/// # Errors
/// Failures of storage and of the key. Every secret can still be opened, and the next rotation goes
/// on.
pub async fn rotate_keys(services: &Services, webhooks_now: bool) -> Result<Rotation> {
    let lease = leases::keys(&services.scope(webhook_keys::PARTITION)).await?;
    // If the key cannot be used, nothing is begun.
    services.vault.check().await?;
    let outcome = rotate_locked(services, webhooks_now).await;
    lease.end().await;
    outcome
}

/// Rotates the key of watches; returns its id and the number of watches that have to be replaced.
async fn rotate_webhooks(
    services: &Services,
    owners: &[Scope],
    at_once: bool,
) -> Result<(String, usize)> {
    let key = keys::rotate(services, at_once).await?;
    let mut channels = 0;
    for owner in owners {
        channels += keys::end_unproven(owner).await?;
    }
    Ok((key, channels))
}

async fn rotate_locked(services: &Services, webhooks_now: bool) -> Result<Rotation> {
    let owners = services.scopes().await?;
    // In an emergency, the key that may be known to an attacker is replaced first.
    let mut webhooks =
        if webhooks_now { Some(rotate_webhooks(services, &owners, true).await?) } else { None };
    let earlier = webhook_keys::note_rotation(&*services.store, services.clock.now()).await?;
    let rested =
        earlier.is_none_or(|earlier| services.clock.now().duration_since(earlier) >= MIN_INTERVAL);
    let before = key_versions(&owners).await?;
    let key = services.vault.rotate().await?;
    let (mut rewrapped, mut left) = (services.vault.reseal_own().await?, Vec::new());
    for owner in &owners {
        let found = accounts::rewrap(owner).await?;
        rewrapped += found.rewrapped;
        left.extend(found.failed);
    }
    let removed = match (before, key_versions(&owners).await?) {
        // A secret that cannot be opened shows that rows and keys may not belong together.
        (Some(before), Some(after)) if rested && left.is_empty() => {
            services.vault.retire(&before.union(&after).cloned().collect()).await?
        }
        _ => 0,
    };
    let (webhook_key, channels) = match webhooks.take() {
        Some(done) => done,
        None => rotate_webhooks(services, &owners, false).await?,
    };
    Ok(Rotation { key, rewrapped, failed: left, removed, webhook_key, ended_watches: channels })
}

/// The versions of the key that wrap all secrets; `None` where a row does not name its version.
async fn key_versions(owners: &[Scope]) -> Result<Option<BTreeSet<String>>> {
    let mut all = Some(BTreeSet::new());
    for owner in owners {
        let found = accounts::key_versions(owner).await?;
        all = all.zip(found).map(|(all, found)| &all | &found);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
