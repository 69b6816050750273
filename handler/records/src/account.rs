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

/// No account is closed for longer than a day; one that seems to be was closed by a clock that has
/// been set back since.
const MAX_SUSPENSION: SignedDuration = SignedDuration::from_hours(25);

/// The generation of an account that is connected for the first time.
pub const FIRST_GENERATION: u32 = 1;

/// An account as it is stored. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id: derived from provider, place and user, as they were typed when it was connected
    /// first.
    pub id: AccountId,
    /// Who keeps it.
    pub kind: ProviderKind,
    /// What to call it.
    pub name: String,
    /// The address that was given, in one spelling.
    pub url: String,
    /// The user name there.
    pub user: String,
    /// Where its calendars were found: the provider's own words
    /// ([`Connect::discover`](crate::Connect::discover)).
    pub endpoint: String,
    /// How often it has been connected: 1 at first. What an earlier secret was answered says
    /// nothing about this one.
    pub generation: u32,
    /// How it stands.
    pub state: AccountStatus,
    /// Why it does not stand well.
    #[serde(default)]
    pub error: Option<Problem>,
    /// Its provider has closed it for a while.
    #[serde(rename = "parked", default)]
    pub suspended: Option<Suspended>,
}

impl Account {
    /// Whether the connection that led to this found the account connected already.
    pub fn was_connected_before(&self) -> bool {
        self.generation > FIRST_GENERATION
    }
}

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// It answered when it was last asked.
    Ok,
    /// It refuses the secret; nobody asks it again until its owner has connected it anew.
    NeedsReconnect,
    /// It did not answer, or not to be understood.
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

/// A provider has closed an account for a while: for whoever works with it, in whichever process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspended {
    /// Until then it is left alone.
    pub until: Timestamp,
    /// The same for people.
    #[serde(rename = "why")]
    pub problem: Problem,
}

impl Suspended {
    /// From now on for this long; at most 25 hours.
    pub fn for_at_least(wait: Duration, now: Timestamp) -> Self {
        let until = now
            .saturating_add(
                SignedDuration::try_from(wait).unwrap_or(MAX_SUSPENSION).min(MAX_SUSPENSION),
            )
            .unwrap_or(Timestamp::MAX);
        let message = format!(
            "The provider has closed this account to programs for a while: too much was asked of \
            it. Nothing was lost: events, copies and what is \
             stored stay as they were. It is left alone until {}, and then the work goes on by \
             itself.",
            until.strftime("%Y-%m-%d %H:%M UTC")
        );
        Self { until, problem: Problem { code: "throttled".into(), message } }
    }
}

impl Account {
    /// Whether its provider has closed it, and for how long still.
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

/// The account that was found in the row of `id`. The account of another id would be worked with in
/// its place.
pub(crate) fn with_id(id: &AccountId, found: Option<Account>) -> Result<Account> {
    let account = found.ok_or_else(|| Error::NoAccount(id.clone()))?;
    if account.id == *id { Ok(account) } else { Err(codec::damaged(&account_key(id))) }
}
