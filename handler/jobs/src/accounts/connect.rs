//! Connecting accounts: tries the credentials, then stores account and secret.

use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use records::account::{Account, AccountStatus, FIRST_GENERATION};
use records::codec;
use records::kinds::account_key;
use secrecy::{ExposeSecret, SecretString};
use store::{Op, Table};

use super::grant_endpoint::with_claims;
use super::recognise::VerifiedAccount;
use super::{grants, list_calendars, secret};
use crate::connector::Granted;
use crate::ids::Address;
use crate::{Error, Result, Scope, leases};

/// Connects an account: tries the credentials, then stores account and secret. An account that is
/// already connected, however its address is spelled ([`super::recognise`]), gets the new secret,
/// address and endpoint, and keeps its id, its calendars and its pairs; its
/// [`generation`](Account::generation) increases.
///
/// # Errors
/// The provider's refusal. Then nothing was stored, and an earlier connection was not changed.
pub async fn connect_account(
    scope: &Scope,
    kind: ProviderKind,
    url: &str,
    user: &str,
    secret: &SecretString,
) -> Result<Account> {
    let address = Address::parse_given(url)?;
    let user = checked_user(kind, user)?;
    if secret.expose_secret().is_empty() {
        return Err(Error::Provider(providers::Error::Credentials(
            "the password is empty; it was not sent".into(),
        )));
    }
    let endpoint = scope.connect.discover(kind, &address.url, &user, secret).await?;
    let candidate = VerifiedAccount { kind, address, user, endpoint };
    let proven = candidate.find_by_content(scope, secret).await?;
    let account = save_account(scope, candidate, proven, secret).await?;
    // The account may have other homes now: its calendars are listed there at once, or with the
    // next listing.
    if kind.is_caldav()
        && account.was_connected_before()
        && let Err(error) = list_calendars::refresh(scope, &account).await
    {
        tracing::debug!(account = %account.id, %error, "the calendars of an account that was \
        connected again could not be listed");
    }
    Ok(account)
}

/// Stores an account whose secret was accepted by its provider. `proven` is the connected account
/// that has the same calendars.
async fn save_account(
    scope: &Scope,
    found: VerifiedAccount,
    proven: Option<AccountId>,
    secret: &SecretString,
) -> Result<Account> {
    let _setup = leases::directory(scope).await?;
    let known = scope.snapshot().await?.accounts();
    let proven = proven.filter(|id| known.iter().any(|account| account.id == *id));
    let id = found.find_by_identity(&known).or(proven).unwrap_or_else(|| found.own_id());
    let VerifiedAccount { kind, address, user, endpoint } = found;
    let account = Account {
        name: display_name(kind, &user, &address.host),
        id,
        kind,
        url: address.url,
        user,
        endpoint,
        generation: FIRST_GENERATION,
        state: AccountStatus::Ok,
        error: None,
        suspended: None,
    };
    let key = account_key(&account.id);

    // The secret is written first. A secret without its account is harmless and is replaced by the
    // next attempt; an account without its secret is useless.
    let value = secret::seal(scope, &account, secret).await?;
    let put = |value: String| [Op::Put { key: account.id.to_string(), value }];
    let earlier = known.iter().find(|earlier| earlier.id == account.id);
    let both = match earlier {
        Some(earlier) => secret::seal_for_both(scope, &account, earlier, secret).await?,
        None => None,
    };
    let is_both = both.is_some();
    scope
        .store
        .commit(Table::Secrets, &scope.owner, &put(both.unwrap_or_else(|| value.clone())))
        .await?;
    let directory = scope.directory();
    let renewed = directory.update(&key, |stored: &mut Account| {
        *stored = Account { generation: stored.generation.wrapping_add(1), ..account.clone() };
    });
    if let Some(renewed) = renewed.await? {
        // From here on only the new destinations are needed.
        if is_both
            && let Err(error) = scope.store.commit(Table::Secrets, &scope.owner, &put(value)).await
        {
            tracing::warn!(account = %renewed.id, %error, "the password may still be sent to the \
            former servers of the account");
        }
        return Ok(renewed);
    }
    let insert = Op::Insert { key, value: codec::encode(&account)? };
    scope.directory().commit(&[insert]).await?;
    Ok(account)
}

/// Connects the account of a grant. An account that is already connected gets the new refresh
/// token, and keeps its id and its pairs.
///
/// # Errors
/// [`Error::AnotherAccount`] where the grant is not of the `expected` account; storage and vault
/// failures.
pub async fn connect_grant(
    scope: &Scope,
    kind: ProviderKind,
    granted: Granted,
    expected: Option<&AccountId>,
) -> Result<Account> {
    let Granted { url, user, endpoint, secret } = granted;
    if secret.expose_secret().is_empty() {
        return Err(Error::Provider(providers::Error::BadAnswer(
            "the provider gave an empty token".into(),
        )));
    }
    let address = Address::parse(&url)?;
    let user = checked_user(kind, &user)?;
    let candidate = VerifiedAccount { kind, address, user, endpoint };
    if let Some(expected) = expected {
        check_expected(scope, &candidate, expected).await?;
    }
    let VerifiedAccount { user, endpoint, .. } = &candidate;
    if let Ok(earlier) = scope.directory().account(&candidate.own_id()).await
        && with_claims(&earlier.endpoint, None) != *endpoint
    {
        // The earlier grant was given to another OAuth client. This installation does not have that
        // client any more and cannot revoke the grant.
        grants::remove_holder(scope, kind, &earlier.endpoint, user).await?;
    }
    grants::add_holder(scope, &grants::partition(kind, endpoint, user)).await?;
    save_account(scope, candidate, None, &secret).await
}

/// # Errors
/// [`Error::AnotherAccount`] where the candidate is another account.
async fn check_expected(
    scope: &Scope,
    candidate: &VerifiedAccount,
    expected: &AccountId,
) -> Result<()> {
    let known = scope.snapshot().await?.accounts();
    let id = candidate.find_by_identity(&known).unwrap_or_else(|| candidate.own_id());
    match known.into_iter().find(|account| account.id == *expected) {
        Some(_) if id == *expected => Ok(()),
        Some(account) => {
            let chosen = display_name(candidate.kind, &candidate.user, &candidate.address.host);
            Err(Error::AnotherAccount { chosen, expected: account.name })
        }
        None => Err(records::Error::NoAccount(expected.clone()).into()),
    }
}

fn checked_user(kind: ProviderKind, user: &str) -> Result<String> {
    let user = user.trim();
    let refuse = |why: &str| Err(Error::Provider(providers::Error::Credentials(why.to_owned())));
    if user.is_empty() {
        return refuse("the user name is empty; nothing was sent");
    }
    // RFC 7617 section 2: a colon would be read as the end of the user name, and a control
    // character cannot be sent.
    if user.contains(|c: char| c.is_control() || c == ':') {
        return refuse(
            "a user name cannot contain a colon or a control character; nothing was sent",
        );
    }
    // Neither Apple nor Google distinguishes upper and lower case in an e-mail address.
    Ok(if kind.facts().user_name_is_email { user.to_lowercase() } else { user.to_owned() })
}

fn display_name(kind: ProviderKind, user: &str, host: &str) -> String {
    if kind.facts().user_name_is_email { user.to_owned() } else { format!("{user} on {host}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_that_could_not_be_sent_are_refused() {
        for user in ["", "  ", "anna:bert", "anna\nbert", "anna\u{0}"] {
            assert!(
                matches!(
                    checked_user(ProviderKind::Caldav, user),
                    Err(Error::Provider(providers::Error::Credentials(_)))
                ),
                "{user:?}"
            );
        }
        assert_eq!(checked_user(ProviderKind::Caldav, " Anna ").unwrap(), "Anna");
        assert_eq!(
            checked_user(ProviderKind::Icloud, "Anna@Example.org").unwrap(),
            "anna@example.org"
        );
    }
}
