//! Discovers the homes of an account again, after a calendar was not found at its address.

use records::account::Account;
use records::calendar::CalendarRecord;
use records::kinds::account_key;

use super::{list_calendars, open, secret};
use crate::{Result, Scope};

/// Discovers where the calendars of an account are, lists them, and stores both. A calendar at a
/// new address keeps its id ([`list_calendars`]); so does one that its provider lists under another
/// id, which needs no discovery. Returns whether anything has changed that a pass
/// depends on.
///
/// # Errors
/// The server's failure, in which case nothing was changed; storage failures.
pub(crate) async fn rediscover(scope: &Scope, account: &Account) -> Result<bool> {
    if account.kind.facts().calendar_ids_change {
        let before = scope.directory().calendars_of(&account.id).await?;
        let now = list_calendars::refresh(scope, account).await?;
        return Ok(now.iter().any(|row| has_moved(&before, row)));
    }
    if !account.kind.is_caldav() {
        return Ok(false);
    }
    let secret = open::secret(scope, account).await?;
    let endpoint =
        scope.connect.discover(account.kind, &account.url, &account.user, &secret).await?;
    let found = Account { endpoint, ..account.clone() };
    let listed =
        scope.connect.open(found.kind, &found.endpoint, &found.user, secret)?.calendars().await?;
    secret::add_destinations(scope, account, &found).await?;
    // The account is written first. Homes without their calendars are listed again; calendars
    // without their homes would be requested from the wrong server.
    let key = account_key(&account.id);
    let directory = scope.directory();
    let stored = directory.update(&key, |stored: &mut Account| {
        if stored.generation == account.generation {
            stored.endpoint.clone_from(&found.endpoint);
        }
    });
    let Some(stored) = stored.await?.filter(|stored| stored.generation == account.generation)
    else {
        // The account was connected again or removed meanwhile: the stored record is newer than
        // this discovery.
        return Ok(true);
    };
    let before = scope.directory().calendars_of(&account.id).await?;
    let now = list_calendars::save_calendars(scope, &stored, listed).await?;
    let is_moved = now.iter().any(|row| has_moved(&before, row));
    Ok(stored.endpoint != account.endpoint || is_moved)
}

fn has_moved(before: &[CalendarRecord], row: &CalendarRecord) -> bool {
    before.iter().any(|known| known.id == row.id && known.address != row.address)
}
