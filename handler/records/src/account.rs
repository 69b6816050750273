//! Accounts: a user at a provider. The secret of an account is in a row of its own
//! ([`crate::secret`]).

use std::time::Duration;

use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::kinds::{ACCOUNT, account_key};
use crate::problem::Problem;
use crate::{Error, Result, codec};

/// The longest suspension that is believed. A later end was computed by a clock that was ahead.
const MAX_SUSPENSION: SignedDuration = SignedDuration::from_hours(25);

/// The generation of an account that is connected for the first time.
pub const FIRST_GENERATION: u32 = 1;

/// An account as it is stored. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Derived from the provider, address and user of the first connection, as they were typed.
    pub id: AccountId,
    pub kind: ProviderKind,
    pub name: String,
    /// The address that was given, normalized.
    pub url: String,
    pub user: String,
    /// What discovery found, in the provider's own format (`jobs::Connect::discover`).
    pub endpoint: String,
    /// The number of connections: 1 at first. An answer to the secret of an earlier generation says
    /// nothing about the present secret.
    pub generation: u32,
    pub state: AccountStatus,
    #[serde(default)]
    pub error: Option<Problem>,
    /// The provider has closed the account for a while.
    #[serde(rename = "parked", default)]
    pub suspended: Option<Suspended>,
}

impl Account {
    /// Whether the account was connected before the connection that returned this record.
    pub fn was_connected_before(&self) -> bool {
        self.generation > FIRST_GENERATION
    }
}

/// The status of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// The account answered its last request.
    Ok,
    /// The provider refuses the secret. No request is made until the owner connects the account
    /// again.
    NeedsReconnect,
    /// No answer to the last request, or an answer that could not be understood.
    Unreachable,
}

impl AccountStatus {
    /// The name in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NeedsReconnect => "needs_reconnect",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A provider has closed an account for a while. Every process leaves the account alone until the
/// end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspended {
    pub until: Timestamp,
    /// What users see.
    #[serde(rename = "why")]
    pub problem: Problem,
}

impl Suspended {
    /// A suspension from now on, for at most 25 hours.
    pub fn for_at_least(wait: Duration, now: Timestamp) -> Self {
        let until = now
            .saturating_add(
                SignedDuration::try_from(wait).unwrap_or(MAX_SUSPENSION).min(MAX_SUSPENSION),
            )
            .unwrap_or(Timestamp::MAX);
        let message = format!(
            "The provider has closed this account for a while because it received too many \
            requests. Nothing was lost: events, copies and what is stored stay as they were. The \
            account is left alone until {}; then calrelay continues without any action of yours.",
            until.strftime("%Y-%m-%d %H:%M UTC")
        );
        Self { until, problem: Problem { code: "throttled".into(), message } }
    }
}

impl Account {
    /// The time until the provider opens the account again; `None` where the account is open.
    pub fn suspended_for(&self, now: Timestamp) -> Option<Duration> {
        let left = self.suspended.as_ref()?.until.duration_since(now);
        if left > MAX_SUSPENSION {
            None
        } else {
            Duration::try_from(left).ok().filter(|left| !left.is_zero())
        }
    }
}

impl Directory<'_> {
    /// All accounts, in the order of their ids.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.list(ACCOUNT).await
    }

    /// An account.
    ///
    /// # Errors
    /// [`Error::NoAccount`].
    pub async fn account(&self, id: &AccountId) -> Result<Account> {
        let row = self.get(&account_key(id)).await?;
        with_id(id, row.map(|(account, _)| account))
    }
}

/// The account in the row of `id`. A row that holds an account of another id is damaged.
pub(crate) fn with_id(id: &AccountId, found: Option<Account>) -> Result<Account> {
    let account = found.ok_or_else(|| Error::NoAccount(id.clone()))?;
    if account.id == *id { Ok(account) } else { Err(codec::damaged(&account_key(id))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of earlier versions have these names.
    #[test]
    fn a_suspension_keeps_its_stored_names() {
        let stored = serde_json::json!({
            "id": "a1", "kind": "caldav", "name": "anna", "url": "https://dav.example.org/",
            "user": "anna", "endpoint": "{}", "generation": 1, "state": "ok", "error": null,
            "parked": {
                "until": "2026-03-10T10:00:00Z",
                "why": {"code": "throttled", "message": "Too many requests."}
            }
        });
        let account: Account = serde_json::from_value(stored.clone()).unwrap();
        assert!(account.suspended.is_some());
        assert_eq!(serde_json::to_value(&account).unwrap(), stored);
    }
}
