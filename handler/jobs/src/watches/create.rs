//! Creating a watch.

use jiff::Timestamp;
use providers::{ActiveWatch, WatchRequest, WatchScope};
use records::snapshot::Snapshot;
use records::watch::{WatchRecord, WatchStatus};

use super::needed::{Needed, new_id};
use super::secret;
use crate::{Error, Result, Scope, accounts};

/// How the creation of a watch ended.
pub(super) enum Created {
    /// The watch of this id is open.
    Open(String),
    /// The watch of this id is not open, or the provider's answer was lost.
    Not(String, Error),
}

/// Creates a watch. Its record is written before the provider is asked.
///
/// # Errors
/// Failures of storage and vault. What the provider says is in the record and in [`Created`].
pub(super) async fn create(
    scope: &Scope,
    directory: &Snapshot,
    needed: &Needed,
    address: String,
    now: Timestamp,
) -> Result<Created> {
    let Needed { account, calendar, facts } = needed;
    let id = new_id()?;
    let (secret, key) = secret::sign(scope, account.kind, &id).await?;
    let row = WatchRecord {
        id,
        calendar: calendar.as_ref().map(|calendar| calendar.id.clone()),
        account: account.id.clone(),
        generation: account.generation,
        calendar_address: calendar
            .as_ref()
            .map(|calendar| calendar.address.clone())
            .unwrap_or_default(),
        notification_url: address,
        resource: None,
        requested: now,
        expires: now.checked_add(facts.lifetime).unwrap_or(Timestamp::MAX),
        state: WatchStatus::Requested,
        confirmed: false,
        error: None,
        key: Some(key),
        not_created: false,
        renew_now: false,
        renewal_asked: None,
        checked: None,
        last_nudge: None,
    };
    scope.directory().insert_watch(&row).await?;
    let asked = async {
        let provider = accounts::open_in(scope, directory, account).await?;
        let request = WatchRequest {
            scope: calendar
                .as_ref()
                .map_or(WatchScope::Account, |calendar| WatchScope::Calendar(&calendar.address)),
            id: &row.id,
            secret: &secret,
            address: &row.notification_url,
            lifetime: facts.lifetime,
        };
        Ok(provider.create_watch(&request).await?)
    };
    let answer: Result<ActiveWatch> = asked.await;
    let stored = scope.directory();
    let after = stored.change_watch(&row.id, |row| match &answer {
        Ok(active) => {
            // A watch that was given up meanwhile is to be stopped, and is so by what is known now.
            if row.state != WatchStatus::Ending {
                row.state = WatchStatus::Open;
            }
            row.resource = Some(active.resource.clone());
            row.expires = active.expires;
            row.error = None;
        }
        Err(error @ Error::Provider(providers::Error::NoPush)) => {
            row.state = WatchStatus::Refused;
            row.error = Some(error.into());
        }
        // A notification may have arrived before the answer was lost: then the watch is open.
        Err(error) if row.state == WatchStatus::Requested => {
            row.error = Some(error.into());
            row.not_created = !is_answer_lost(error);
        }
        Err(_) => {}
    });
    let is_open = after.await?.is_some_and(|row| row.state == WatchStatus::Open);
    Ok(match answer {
        Err(error) if !is_open => Created::Not(row.id, error),
        _ => Created::Open(row.id),
    })
}

/// Whether the provider may have created the watch although its answer failed.
fn is_answer_lost(error: &Error) -> bool {
    use providers::Error as E;
    matches!(error, Error::Provider(E::Unreachable(_) | E::NoAnswer(_) | E::BadAnswer(_)))
}
