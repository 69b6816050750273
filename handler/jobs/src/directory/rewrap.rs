//! After a rotation of the wrapping key: stored secrets are wrapped anew as they are used, so that the old version is needed less and less.

use store::{Op, Row, Table};
use vault::Place;

use super::rows;
use crate::{Result, Services};

/// Wraps the secret in `row` with the newest version, if it is not yet. Whatever fails is tried again at the next use: the old text opens as before.
pub(super) async fn rewrap(services: &Services, place: Place<'_>, row: &Row, sealed: &str) {
    if let Err(error) = try_to(services, place, row, sealed).await {
        tracing::debug!(%error, "a stored secret was not wrapped anew");
    }
}

async fn try_to(services: &Services, place: Place<'_>, row: &Row, sealed: &str) -> Result<()> {
    let Some(sealed) = services.vault.reseal(place, sealed).await? else { return Ok(()) };
    // It takes the place of the only copy: it is seen to open first.
    services.vault.open(place, &sealed).await?;
    let value = rows::encode(&super::accounts::SealedSecret { sealed })?;
    let replace = Op::Replace { key: row.key.clone(), etag: row.etag.clone(), value };
    match services.store.commit(Table::Secrets, &services.owner, &[replace]).await {
        // Connected anew meanwhile, or wrapped by another process.
        Ok(_) | Err(store::Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
