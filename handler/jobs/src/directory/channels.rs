//! Channels as they are stored: a row each, from before the provider is asked until it was told to
//! stop.

use engine::calendar::{AccountId, CalendarId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use super::rows;
use crate::report::Problem;
use crate::{Result, Services};

/// A channel: a provider's promise to tell of changes in a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRecord {
    /// Its id, a random UUID of ours; the end of the row's key.
    pub id: String,
    /// Of which calendar it tells.
    pub calendar: CalendarId,
    /// Whose account it was opened with.
    pub account: AccountId,
    /// How often that had been connected: with a new consent everything earlier is in doubt.
    pub generation: u32,
    /// The calendar's address at the provider.
    pub at: String,
    /// Where it was told to call us.
    pub address: String,
    /// The provider's name for what is watched; not known before it answers or calls.
    #[serde(default)]
    pub resource: Option<String>,
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it ends, or until when a refusal is taken for an answer.
    pub expires: Timestamp,
    /// How it stands.
    pub state: WatchStatus,
    /// It has called us.
    #[serde(default)]
    pub confirmed: bool,
    /// Why it is not open.
    #[serde(default)]
    pub error: Option<Problem>,
    /// The key that has signed its token; none in the form of earlier versions.
    #[serde(default)]
    pub key: Option<String>,
    /// When its calendar was last told to be looked at.
    #[serde(default)]
    pub told: Option<Notified>,
}

/// A message that a call has led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// When it is, or was, to be seen.
    pub seen: Timestamp,
    /// It is in the queue; before, it was only meant to be.
    pub sent: bool,
    /// When the channel will have rested from its looks: the further ahead, the longer the pause
    /// until the next one.
    #[serde(default)]
    pub rested: Option<Timestamp>,
}

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchStatus {
    /// Asked for; no answer yet, or none that tells whether it was opened.
    Asked,
    /// It tells of changes.
    Open,
    /// The provider does not tell of this calendar.
    Refused,
    /// Not wanted any more; to be stopped.
    Ending,
}

impl WatchRecord {
    /// Whether what comes through it may be believed.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.state, WatchStatus::Asked | WatchStatus::Open) && now < self.expires
    }
}

pub(super) fn row_key(id: &str) -> String {
    format!("{}{id}", rows::CHANNEL)
}

/// A channel, and the version of its row. One request.
pub(crate) async fn channel_version(
    services: &Services,
    id: &str,
) -> Result<Option<(WatchRecord, String)>> {
    rows::get(services, &row_key(id)).await
}

/// Replaces a row by its version; the new one, or `None` where somebody else was faster, or it is
/// gone. One request.
pub(crate) async fn replace_channel(
    services: &Services,
    row: &WatchRecord,
    etag: &str,
) -> Result<Option<String>> {
    let op =
        Op::Replace { key: row_key(&row.id), etag: etag.to_owned(), value: rows::encode(row)? };
    match services.store.commit(Table::Directory, &services.owner, &[op]).await {
        Ok(etags) => Ok(etags.into_iter().next()),
        Err(store::Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All channels.
pub(crate) async fn channels(services: &Services) -> Result<Vec<WatchRecord>> {
    rows::list(services, rows::CHANNEL).await
}

/// Writes down a new one.
pub(crate) async fn add_channel(services: &Services, row: &WatchRecord) -> Result<()> {
    let insert = Op::Insert { key: row_key(&row.id), value: rows::encode(row)? };
    services.store.commit(Table::Directory, &services.owner, &[insert]).await?;
    Ok(())
}

/// Changes one that is there; as it is then.
pub(crate) async fn change_channel(
    services: &Services,
    id: &str,
    change: impl FnMut(&mut WatchRecord),
) -> Result<Option<WatchRecord>> {
    rows::update(services, &row_key(id), change).await
}

/// Forgets some.
pub(crate) async fn forget_channels(services: &Services, ids: &[String]) -> Result<()> {
    for chunk in ids.chunks(store::MAX_COMMIT) {
        let ops: Vec<Op> =
            chunk.iter().map(|id| Op::Delete { key: row_key(id), etag: None }).collect();
        services.store.commit(Table::Directory, &services.owner, &ops).await?;
    }
    Ok(())
}
