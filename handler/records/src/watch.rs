//! Watches: one row each, written before the provider is asked and deleted after the watch was
//! stopped.

use engine::calendar::{AccountId, CalendarId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use crate::Result;
use crate::codec::encode;
use crate::directory::Directory;
use crate::kinds::{WATCH, watch_key};
use crate::problem::Problem;

/// A watch: the provider sends a notification when something changes. Google calls it a channel,
/// Microsoft a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRecord {
    /// A random UUID; the end of the row's key.
    pub id: String,
    /// `None` for a watch of the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarId>,
    pub account: AccountId,
    /// The generation of the account. Watches of an earlier generation are replaced.
    pub generation: u32,
    /// The calendar's address at the provider.
    #[serde(rename = "at")]
    pub calendar_address: String,
    /// Where the provider sends notifications.
    #[serde(rename = "address")]
    pub notification_url: String,
    /// The provider's own id of the watch, or its name of what is watched. Unknown before the
    /// provider's answer or first notification.
    #[serde(default)]
    pub resource: Option<String>,
    #[serde(rename = "asked")]
    pub requested: Timestamp,
    /// When the watch ends; of a refused watch, when the provider is asked again.
    pub expires: Timestamp,
    pub state: WatchStatus,
    /// A notification has arrived.
    #[serde(default)]
    pub confirmed: bool,
    /// Why the watch is not open.
    #[serde(default)]
    pub error: Option<Problem>,
    /// The id of the key that signed the secret; `None` for a secret in the form of earlier
    /// versions.
    #[serde(default)]
    pub key: Option<String>,
    /// The provider has answered that it created no watch. Without this, a watch whose creation
    /// failed may exist all the same.
    #[serde(default, skip_serializing_if = "is_false")]
    pub not_created: bool,
    /// The provider asks for a renewal before it is due.
    #[serde(default, skip_serializing_if = "is_false")]
    pub renew_now: bool,
    /// When the provider last asked for a renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_asked: Option<Timestamp>,
    /// The end that the watch had when the provider was last asked whether the watch exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Timestamp>,
    /// The last nudge that a notification of this watch led to.
    #[serde(rename = "told", default)]
    pub last_nudge: Option<LastNudge>,
}

/// A nudge that a notification led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastNudge {
    /// When the nudge becomes, or became, visible in the queue.
    #[serde(rename = "seen")]
    pub visible_at: Timestamp,
    /// The nudge is in the queue. Before, it is only planned.
    pub sent: bool,
    /// When the watch has recovered from its nudges: the later, the longer the pause until the next
    /// nudge.
    #[serde(rename = "rested", default)]
    pub rested_at: Option<Timestamp>,
}

/// The status of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchStatus {
    /// The provider was asked; its answer has not arrived, or does not say whether the watch is
    /// open.
    #[serde(rename = "asked")]
    Requested,
    /// The provider sends notifications.
    Open,
    /// The provider sends no notifications for this calendar.
    Refused,
    /// The watch is not needed any more and is to be stopped.
    Ending,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl WatchRecord {
    /// Whether the watch may exist although no answer to its creation came. Release 0.1 stored only
    /// the code of the failure, and by two codes an answer was missing.
    pub fn may_exist_unanswered(&self) -> bool {
        let is_lost = |error: &Problem| matches!(&*error.code, "unreachable" | "bad_answer");
        !self.not_created && self.error.as_ref().is_none_or(is_lost)
    }

    /// Whether this watch covers this calendar, alone or with the whole account.
    pub fn covers(&self, account: &AccountId, calendar: &CalendarId) -> bool {
        self.account == *account && self.calendar.as_ref().is_none_or(|own| own == calendar)
    }

    /// Whether notifications of this watch are accepted.
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.state, WatchStatus::Requested | WatchStatus::Open) && now < self.expires
    }
}

impl Directory<'_> {
    /// A watch and its ETag. One request.
    pub async fn watch(&self, id: &str) -> Result<Option<(WatchRecord, String)>> {
        self.get(&watch_key(id)).await
    }

    /// Replaces a row by its ETag and returns the new ETag; `None` where another process has
    /// replaced or deleted the row. One request.
    pub async fn replace_watch(&self, row: &WatchRecord, etag: &str) -> Result<Option<String>> {
        let op =
            Op::Replace { key: watch_key(&row.id), etag: etag.to_owned(), value: encode(row)? };
        match self.store.commit(Table::Directory, self.owner, &[op]).await {
            Ok(etags) => Ok(etags.into_iter().next()),
            Err(store::Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// All watches.
    pub async fn watches(&self) -> Result<Vec<WatchRecord>> {
        self.list(WATCH).await
    }

    /// Inserts a watch.
    pub async fn insert_watch(&self, row: &WatchRecord) -> Result<()> {
        let insert = Op::Insert { key: watch_key(&row.id), value: encode(row)? };
        self.commit(&[insert]).await?;
        Ok(())
    }

    /// Changes an existing watch and returns it as it is then.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of earlier versions have these names.
    #[test]
    fn fields_keep_their_stored_names() {
        let stored = serde_json::json!({
            "id": "w1", "calendar": "c1", "account": "a1", "generation": 1,
            "at": "anna@example.org",
            "address": "https://calendars.example.org/webhooks/google", "resource": null,
            "asked": "2026-03-10T09:00:00Z", "expires": "2026-03-17T09:00:00Z", "state": "asked",
            "confirmed": false, "error": null, "key": "abcd",
            "told": {
                "seen": "2026-03-10T10:00:00Z", "sent": true, "rested": "2026-03-10T10:00:05Z"
            }
        });
        let row: WatchRecord = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(
            (row.state, row.calendar_address.as_str()),
            (WatchStatus::Requested, "anna@example.org")
        );
        assert!(row.last_nudge.as_ref().is_some_and(|nudge| nudge.rested_at.is_some()));
        assert_eq!(serde_json::to_value(&row).unwrap(), stored);
    }
}
