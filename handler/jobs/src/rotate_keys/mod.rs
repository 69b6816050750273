//! Keys rotated: that of the vault, over all sealed secrets, and that of the tokens of webhooks.
//!
//! # Properties
//! * Every secret opens at every moment, whatever dies: a version of the key is there before
//!   anything is wrapped with it, and goes after nothing has been wrapped with it for a while.
//! * The next rotation finishes one that was cut off. It makes one version more, and wraps what the
//!   one before has left.
//! * Keys of marks and fingerprints are derived from the vault's root, and stay as they are.
//!
//! # When a version of the key file goes
//! Another process may hold a text that the old version has wrapped: one that it has read and not
//! opened yet, or sealed and not stored yet. So a version stays as long as one of these holds:
//! * A secret was wrapped with it when this rotation began, or is when it ends; or a row does not
//!   say with which.
//! * It wrapped until this rotation.
//! * The rotation before this one began less than [`MIN_INTERVAL`] ago, by the clock: then the versions
//!   before may have wrapped until a moment ago. That is noted before a version is made, and
//!   rotations go one after another, under a lease of the installation.

use std::collections::BTreeSet;

use engine::calendar::AccountId;
use jiff::SignedDuration;
use records::webhook_keys;

use crate::services::Services;
use crate::watches::keys;
use crate::{Error, Result, Scope, accounts, leases};

/// No process holds what it has read or sealed for so long.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// What a rotation came to.
#[derive(Debug)]
pub struct Rotation {
    /// The version of the key that seals from now on.
    pub key: String,
    /// Secrets that were wrapped anew with it.
    pub rewrapped: usize,
    /// Accounts whose secret was left as it is, and why.
    pub failed: Vec<(AccountId, Error)>,
    /// Old versions that were removed.
    pub removed: usize,
    /// The id of the key that signs the tokens of webhooks from now on.
    pub webhook_key: String,
    /// Channels that have to be opened anew.
    pub ended_watches: usize,
}

/// Rotates them. `webhooks_now`: no token of before is believed any more.
///
/// # Errors
/// Failures of storage and of the key: everything opens as before, and the next rotation goes on.
pub async fn rotate_keys(services: &Services, webhooks_now: bool) -> Result<Rotation> {
    let lease = leases::keys(&services.scope(webhook_keys::PARTITION)).await?;
    // Where the key cannot be used, nothing is begun.
    services.vault.check().await?;
    let outcome = rotate_locked(services, webhooks_now).await;
    lease.end().await;
    outcome
}

/// A new key for channels; and how many have to be opened anew.
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
    // In an emergency the key that others may know goes first.
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
        // A secret that does not open shows that rows and keys may not belong together.
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

/// With which versions of the key everything is wrapped; `None` where a row does not say.
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
