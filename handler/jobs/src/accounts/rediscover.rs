//! Calendars that are not where they were: an account's homes are discovered again.

use records::account::Account;
use records::calendar::CalendarRecord;
use records::kinds::account_key;

use super::{list_calendars, open, secret};
use crate::{Result, Scope};

/// Asks an account's server again where its calendars are, lists them, and stores both. Calendars
/// that stand at another address keep their ids (`calendars`). Whether anything that a pass goes by
/// has changed.
///
/// # Errors
/// Whatever the server says, in which case nothing was changed; storage failures.
pub(crate) async fn rediscover(scope: &Scope, account: &Account) -> Result<bool> {
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
    // The account first: homes without their calendars are looked for again, calendars without
    // their homes would be asked at the wrong server.
    let key = account_key(&account.id);
    let directory = scope.directory();
    let stored = directory.update(&key, |stored: &mut Account| {
        if stored.generation == account.generation {
            stored.endpoint.clone_from(&found.endpoint);
        }
    });
    let Some(stored) = stored.await?.filter(|stored| stored.generation == account.generation)
    else {
        // Connected anew or removed meanwhile: what is stored is newer than what was found here.
        return Ok(true);
    };
    let before = scope.directory().calendars_of(&account.id).await?;
    let now = list_calendars::save_calendars(scope, &stored, listed).await?;
    let moved = |row: &CalendarRecord| {
        before.iter().any(|known| known.id == row.id && known.address != row.address)
    };
    Ok(stored.endpoint != account.endpoint || now.iter().any(moved))
}
