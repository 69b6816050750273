//! Calendars that are not where they were: an account's homes are discovered again.

use super::accounts::{self, Account};
use super::identity::is_caldav;
use super::{calendars, rows, sealed};
use crate::{Result, Services};

/// Asks an account's server again where its calendars are, lists them, and stores both. Calendars
/// that stand at another address keep their ids (`calendars`). Whether anything that a pass goes by
/// has changed.
///
/// # Errors
/// Whatever the server says, in which case nothing was changed; storage failures.
pub(crate) async fn rediscover(services: &Services, account: &Account) -> Result<bool> {
    if !is_caldav(account.kind) {
        return Ok(false);
    }
    let secret = accounts::secret(services, account).await?;
    let endpoint =
        services.connect.discover(account.kind, &account.url, &account.user, &secret).await?;
    let found = Account { endpoint, ..account.clone() };
    let listed = services
        .connect
        .open(found.kind, &found.endpoint, &found.user, secret)?
        .calendars()
        .await?;
    sealed::widen(services, account, &found).await?;
    // The account first: homes without their calendars are looked for again, calendars without
    // their homes would be asked at the wrong server.
    let key = accounts::row_key(&account.id);
    let stored = rows::update(services, &key, |stored: &mut Account| {
        if stored.generation == account.generation {
            stored.endpoint.clone_from(&found.endpoint);
        }
    });
    let Some(stored) = stored.await?.filter(|stored| stored.generation == account.generation)
    else {
        // Connected anew or removed meanwhile: what is stored is newer than what was found here.
        return Ok(true);
    };
    let before = calendars::stored(services, &account.id).await?;
    let now = calendars::remember(services, &stored, listed).await?;
    let moved = |row: &calendars::CalendarRecord| {
        before.iter().any(|known| known.id == row.id && known.address != row.address)
    };
    Ok(stored.endpoint != account.endpoint || now.iter().any(moved))
}
