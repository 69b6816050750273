//! Whether an account that is being connected is already connected, possibly under another address.
//!
//! The server's statement decides where there is one ([`AccountIdentity::is_same_as`]). Where the
//! accounts may be identical ([`AccountIdentity::may_be_same_as`]), the calendars of both are
//! compared ([`compare`]): each with the password that was given for its own server, and with no
//! other password. Where the connected account cannot be read, its stored events are compared
//! ([`compare_stored`]). Without stored events the account counts as another one.

use std::sync::Arc;
use std::time::Duration;

use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use providers::Provider;
use records::account::{Account, AccountStatus};
use secrecy::SecretString;

use super::grant_endpoint::identity;
use super::identity::AccountIdentity;
use super::{compare, compare_stored, open};
use crate::ids::{self, Address};
use crate::{Result, Scope};

/// The time for all comparisons together. The user waits for the command.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An account whose secret the provider accepted.
pub(super) struct VerifiedAccount {
    pub kind: ProviderKind,
    /// As it was typed.
    pub address: Address,
    pub user: String,
    /// What discovery found.
    pub endpoint: String,
}

impl VerifiedAccount {
    /// The id of the account where it is not connected yet.
    pub fn own_id(&self) -> AccountId {
        ids::account(self.kind, &self.address, &identity(&self.user, &self.endpoint))
    }

    /// The connected account that this one is by its address or by the server's statement.
    pub fn find_by_identity(&self, accounts: &[Account]) -> Option<AccountId> {
        let own = self.own_id();
        if accounts.iter().any(|account| account.id == own) {
            return Some(own);
        }
        let identity = self.identity()?;
        accounts
            .iter()
            .find(|account| identity_of(account).is_some_and(|known| identity.is_same_as(&known)))
            .map(|account| account.id.clone())
    }

    /// The connected account that has the calendars of this one; `None` also where
    /// [`Self::find_by_identity`] finds an account.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn find_by_content(
        &self,
        scope: &Scope,
        secret: &SecretString,
    ) -> Result<Option<AccountId>> {
        let Some(identity) = self.identity() else { return Ok(None) };
        let known = scope.snapshot().await?.accounts();
        if self.find_by_identity(&known).is_some() {
            return Ok(None);
        }
        let alike: Vec<(Account, AccountIdentity)> = known
            .into_iter()
            .filter_map(|account| identity_of(&account).map(|known| (account, known)))
            .filter(|(_, known)| identity.may_be_same_as(known))
            .collect();
        if alike.is_empty() {
            return Ok(None);
        }
        let look = async {
            let own = scope.connect.open(self.kind, &self.endpoint, &self.user, secret.clone())?;
            for (account, known) in alike {
                // The password that was typed is valid for this server, and newer.
                let here = known.is_on_servers_of(&identity).then_some(secret);
                match is_same(scope, &own, &account, here).await {
                    Ok(true) => return Ok(Some(account.id)),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::debug!(account = %account.id, %error, "a connected account could \
                        not be compared with the new one")
                    }
                }
            }
            Ok(None)
        };
        tokio::time::timeout(TIMEOUT, look).await.unwrap_or_else(|_| {
            tracing::debug!("comparing accounts took too long");
            Ok(None)
        })
    }

    fn identity(&self) -> Option<AccountIdentity> {
        AccountIdentity::of(self.kind, &self.user, &self.endpoint)
    }
}

fn identity_of(account: &Account) -> Option<AccountIdentity> {
    AccountIdentity::of(account.kind, &account.user, &account.endpoint)
}

async fn is_same(
    scope: &Scope,
    own: &Arc<dyn Provider>,
    account: &Account,
    here: Option<&SecretString>,
) -> Result<bool> {
    match compare_now(scope, own, account, here).await {
        Ok(Some(same)) => return Ok(same),
        Ok(None) => {}
        Err(error) => {
            tracing::debug!(account = %account.id, %error, "an account could not be read; its \
            stored events are compared")
        }
    }
    compare_stored::matches_stored_events(scope, own.as_ref(), account).await
}

/// Compares the calendars of both accounts; `None` where the connected account must not be
/// contacted.
async fn compare_now(
    scope: &Scope,
    own: &Arc<dyn Provider>,
    account: &Account,
    here: Option<&SecretString>,
) -> Result<Option<bool>> {
    let other = match here {
        Some(secret) => {
            scope.connect.open(account.kind, &account.endpoint, &account.user, secret.clone())?
        }
        None if !may_contact(scope, account) => return Ok(None),
        None => open::open(scope, account).await?,
    };
    Ok(Some(compare::is_same_account(own.as_ref(), other.as_ref()).await?))
}

/// Whether requests to an account are allowed: it has not refused its password, and its provider
/// has not closed it.
pub(crate) fn may_contact(scope: &Scope, account: &Account) -> bool {
    account.state != AccountStatus::NeedsReconnect
        && account.suspended_for(scope.clock.now()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(kind: ProviderKind, url: &str, user: &str, home: &str) -> VerifiedAccount {
        let endpoint = serde_json::json!({
            "base": home,
            "principal": "https://dav.example.org/p/",
            "homes": [{"url": home}]
        });
        VerifiedAccount {
            kind,
            address: Address::parse(url).unwrap(),
            user: user.into(),
            endpoint: endpoint.to_string(),
        }
    }

    fn anna(url: &str) -> VerifiedAccount {
        candidate(ProviderKind::Caldav, url, "anna", "https://dav.example.org/anna/")
    }

    fn stored(id: &str, from: VerifiedAccount) -> Account {
        let VerifiedAccount { kind, address, user, endpoint } = from;
        Account {
            id: AccountId::new(id),
            kind,
            name: user.clone(),
            url: address.url,
            user,
            endpoint,
            generation: 1,
            state: AccountStatus::Ok,
            error: None,
            suspended: None,
        }
    }

    #[test]
    fn an_account_is_known_by_its_address_and_then_by_its_servers_word() {
        let typed = anna("https://dav.example.org/");
        let [own, other] = [
            stored(typed.own_id().as_str(), anna("https://x.example/")),
            stored("a2", anna("https://dav.example.org/p/")),
        ];
        assert_eq!(typed.find_by_identity(&[other.clone(), own.clone()]), Some(own.id.clone()));
        assert_eq!(typed.find_by_identity(std::slice::from_ref(&other)), Some(other.id.clone()));
        // The stored endpoint cannot be read; the address still identifies the account.
        let damaged = |account: &Account| Account { endpoint: "{}".into(), ..account.clone() };
        assert_eq!(typed.find_by_identity(&[damaged(&own)]), Some(own.id.clone()));
        assert_eq!(typed.find_by_identity(&[damaged(&other)]), None);
    }

    #[test]
    fn other_users_providers_and_homes_are_other_accounts() {
        let typed = anna("https://dav.example.org/");
        for (kind, user, home) in [
            (ProviderKind::Caldav, "ben", "https://dav.example.org/anna/"),
            (ProviderKind::Caldav, "anna", "https://dav.example.org:8443/anna/"),
            (ProviderKind::Icloud, "anna", "https://dav.example.org/anna/"),
        ] {
            let known = stored("a2", candidate(kind, "https://elsewhere.example/", user, home));
            assert_eq!(typed.find_by_identity(&[known]), None, "{kind} {user} {home}");
        }
        let google = VerifiedAccount {
            kind: ProviderKind::Google,
            endpoint: "{}".into(),
            ..anna("https://www.googleapis.com/")
        };
        assert_eq!(
            google.find_by_identity(&[stored("a2", anna("https://www.googleapis.com/"))]),
            None
        );
    }
}
