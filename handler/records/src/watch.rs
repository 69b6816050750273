//! Watches: a row each, from before the provider is asked until it was told to stop.

use engine::calendar::{AccountId, CalendarId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use crate::Result;
use crate::codec::encode;
use crate::directory::Directory;
use crate::kinds::{WATCH, watch_key};
use crate::problem::Problem;

/// A channel: a provider's promise to tell of changes in a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRecord {
    /// Its id, a random UUID of ours; the end of the row's key.
    pub id: String,
    /// The calendar that is watched; `None` where the whole account is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarId>,
    /// Whose account it was opened with.
    pub account: AccountId,
    /// How often that had been connected: with a new consent everything earlier is in doubt.
    pub generation: u32,
    /// The calendar's address at the provider.
    #[serde(rename = "at")]
    pub calendar_address: String,
    /// Where it was told to call us.
    #[serde(rename = "address")]
    pub notification_url: String,
    /// The provider's name for what is watched; not known before it answers or calls.
    #[serde(default)]
    pub resource: Option<String>,
    /// When it was asked for.
    #[serde(rename = "asked")]
    pub requested: Timestamp,
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
    /// The provider has answered that it created no watch. Without this, a watch whose creation
    /// failed may exist all the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub not_created: bool,
    /// The provider asks for a renewal before it is due.
    #[serde(default, skip_serializing_if = "is_false")]
    pub renew_now: bool,
    /// When its calendar was last told to be looked at.
    #[serde(rename = "told", default)]
    pub last_nudge: Option<LastNudge>,
}

/// A message that a call has led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastNudge {
    /// When it is, or was, to be seen.
    #[serde(rename = "seen")]
    pub visible_at: Timestamp,
    /// It is in the queue; before, it was only meant to be.
    pub sent: bool,
    /// When the channel will have rested from its looks: the further ahead, the longer the pause
    /// until the next one.
    #[serde(rename = "rested", default)]
    pub rested_at: Option<Timestamp>,
}

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchStatus {
    /// Asked for; no answer yet, or none that tells whether it was opened.
    #[serde(rename = "asked")]
    Requested,
    /// It tells of changes.
    Open,
    /// The provider does not tell of this calendar.
    Refused,
    /// Not wanted any more; to be stopped.
    Ending,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl WatchRecord {
    /// Whether it watches this calendar of this account, alone or with the whole account.
    pub fn covers(&self, account: &AccountId, calendar: &CalendarId) -> bool {
        self.account == *account && self.calendar.as_ref().is_none_or(|own| own == calendar)
    }

    /// Whether what comes through it may be believed.
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.state, WatchStatus::Requested | WatchStatus::Open) && now < self.expires
    }
}

impl Directory<'_> {
    /// A channel, and the version of its row. One request.
    pub async fn watch(&self, id: &str) -> Result<Option<(WatchRecord, String)>> {
        self.get(&watch_key(id)).await
    }

    /// Replaces a row by its version; the new one, or `None` where somebody else was faster, or it is
    /// gone. One request.
    pub async fn replace_watch(&self, row: &WatchRecord, etag: &str) -> Result<Option<String>> {
        let op =
            Op::Replace { key: watch_key(&row.id), etag: etag.to_owned(), value: encode(row)? };
        match self.store.commit(Table::Directory, self.owner, &[op]).await {
            Ok(etags) => Ok(etags.into_iter().next()),
            Err(store::Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// All channels.
    pub async fn watches(&self) -> Result<Vec<WatchRecord>> {
        self.list(WATCH).await
    }

    /// Writes down a new one.
    pub async fn insert_watch(&self, row: &WatchRecord) -> Result<()> {
        let insert = Op::Insert { key: watch_key(&row.id), value: encode(row)? };
        self.commit(&[insert]).await?;
        Ok(())
    }

    /// Changes one that is there; as it is then.
    pub async fn change_watch(
        &self,
        id: &str,
        change: impl FnMut(&mut WatchRecord),
    ) -> Result<Option<WatchRecord>> {
        self.update(&watch_key(id), change).await
    }

    /// Deletes watches.
    pub async fn delete_watches(&self, ids: &[String]) -> Result<()> {
        self.delete(&ids.iter().map(|id| watch_key(id)).collect::<Vec<_>>()).await
    }
}
