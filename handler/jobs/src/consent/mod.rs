//! Accounts that are connected by consent: a person is sent to the provider's page and comes back
//! with a code (RFC 6749 section 4.1).
//!
//! # Properties
//! * What comes back is taken once: its row goes before anything else is done, also where the
//!   provider says no, and where the check fails.
//! * It is taken from the browser that began and from no other: the state is in the address, a
//!   second secret in a cookie, and storage knows only the hash of either. Both are 32 random
//!   bytes, compared in constant time.
//! * Ten minutes after it was begun it is worth nothing, and the next consent or the next hour
//!   ([`clear`]) clears it away. A browser has one, and no more than [`PENDING`] wait at once that
//!   need no link: the oldest makes room, so that no visitor keeps another one out.
//! * The PKCE verifier is sealed by the vault for its row. Without row, cookie and code together
//!   nobody can redeem anything.
//! * Where anything does not fit, the provider is not asked, and nothing is said of what it was.
//! * Whoever is not the operator begins with a link of theirs, and connects one account with it
//!   (`invitation.rs`).
//! * Where a person goes afterwards does not depend on the request.

mod invitation;
mod pending;
mod query;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use records::account::Account;
use records::problem::Problem;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::audit::{self, Actor};
use crate::connector::Granted;
use crate::services::Services;
use crate::token::Token;
use crate::{Error, Result, Scope, accounts, watches};

pub use engine::provider::ProviderKind;
pub use invitation::{Invitation, MAX_INVITATIONS, invite};
pub use pending::MAX_PENDING;
pub use query::{AuthorizationResponse, parse_ticket};

/// A consent that has begun.
pub struct BegunConsent {
    /// Where to send the browser.
    pub location: String,
    /// What its cookie is to hold.
    pub browser: Token,
}

/// Why a consent did not lead to an account.
#[derive(Debug)]
pub enum ConsentError {
    /// This is no answer to a question that this browser was sent away with, or not any more. The
    /// provider was not asked.
    Unknown,
    /// It was, and this is what went wrong.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for ConsentError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The kind of accounts that is connected by consent under this name in the address.
pub fn kind(name: &str) -> Option<ProviderKind> {
    ProviderKind::from_name(name).filter(|kind| kind.is_connected_by_consent())
}

/// Begins: writes down what the answer will be checked against. `cookie` is what the browser holds:
/// what it has begun before is over.
///
/// # Errors
/// [`providers::Error::Misconfigured`] where the program is not registered with that provider.
pub async fn begin(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &str,
    cookie: Option<&str>,
) -> Result<BegunConsent> {
    begin_in_browser(scope, kind, redirect, (Token::random()?, cookie), false).await
}

/// Clears away what nobody can answer any more, and links that are over; how many. Two requests
/// where there is nothing.
///
/// # Errors
/// Storage failures; the next run goes on.
pub async fn delete_expired(services: &Services) -> Result<usize> {
    let cleared = services.for_each_owner(|scope| async move {
        Ok(pending::delete_expired(&scope).await? + invitation::delete_expired(&scope).await?)
    });
    Ok(cleared.await?.into_iter().sum())
}

/// Begins with a link that the operator has sent ([`invite`]), or again in the browser that has
/// accepted one. `ticket` is what the link holds, `cookie` what the browser holds. A link that
/// nobody has accepted comes first: it may be for another account.
///
/// # Errors
/// [`Unfinished::NotOurs`] where neither is good, or not any more; otherwise as [`begin`], and then
/// the link is as it was.
pub async fn accept(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &str,
    ticket: Option<&Token>,
    cookie: Option<&str>,
    from: Option<IpAddr>,
) -> Result<BegunConsent, ConsentError> {
    if let Some(ticket) = ticket
        && let Some(unused) = invitation::find_unused(scope, kind, ticket).await?
    {
        let begun =
            begin_in_browser(scope, kind, redirect, (Token::random()?, cookie), true).await?;
        // Whoever was slower has begun something that leads nowhere: nobody gets its cookie.
        if !unused.bind_to(scope, &begun.browser).await? {
            return Err(ConsentError::Unknown);
        }
        audit::note(scope, &visitor(true, from), "consent.begin", kind.as_str(), audit::DONE).await;
        return Ok(begun);
    }
    let browser = cookie.and_then(Token::parse).ok_or(ConsentError::Unknown)?;
    invitation::find_accepted(scope, kind, &browser).await?.ok_or(ConsentError::Unknown)?;
    Ok(begin_in_browser(scope, kind, redirect, (browser, None), true).await?)
}

/// `browser`: what its cookie is to hold, and what it held.
async fn begin_in_browser(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &str,
    (browser, held): (Token, Option<&str>),
    invited: bool,
) -> Result<BegunConsent> {
    let redirect = Url::parse(redirect)
        .map_err(|_| Error::Request("this address cannot be come back to".into()))?;
    let state = Token::random()?;
    let asked = scope.connect.consents(kind)?.ask(&redirect, state.expose())?;
    let way = pending::ConsentRoute { provider: kind, redirect: &redirect, invited };
    let earlier = held.and_then(Token::parse).map(|held| held.hash());
    pending::put(scope, way, &state, &browser, earlier.as_deref(), &asked.verifier).await?;
    Ok(BegunConsent { location: asked.url.into(), browser })
}

/// Ends: takes the answer that came to the redirect address of `kind`, by its query, and connects
/// the account. `cookie` is what the browser holds.
///
/// # Errors
/// [`Unfinished`]; nothing was connected then, and an earlier connection of the same account is as
/// it was.
pub async fn finish(
    scope: &Scope,
    kind: ProviderKind,
    query: &str,
    cookie: Option<&str>,
    from: Option<IpAddr>,
) -> Result<Account, ConsentError> {
    let answer = AuthorizationResponse::parse(query);
    let state = answer.state().ok_or(ConsentError::Unknown)?;
    let waiting = pending::take(scope, state).await?.ok_or(ConsentError::Unknown)?;
    let browser = cookie.and_then(Token::parse).ok_or(ConsentError::Unknown)?;
    if !waiting.is_for(kind, &browser, scope.clock.now()) {
        return Err(ConsentError::Unknown);
    }
    let actor = visitor(waiting.invited(), from);
    // The holder of a link may refuse as often as they like: that leaves no entry.
    if let (true, Err(refusal)) = (waiting.invited(), answer.code()) {
        return Err(refusal.into());
    }
    // This answer belongs to a consent that was begun here: forged answers have been refused above.
    let begun = audit::begin(scope, &actor, "account.add", kind.as_str()).await;
    let ended = redeem_pending(scope, kind, &answer, &browser, &waiting).await;
    let (subject, outcome) = match &ended {
        Ok(account) => (Some(account.id.as_str()), audit::DONE.to_owned()),
        Err(ConsentError::Unknown) => (None, "not_ours".to_owned()),
        Err(ConsentError::Failed(error)) => (None, Problem::from(error).code),
    };
    begun.end(scope, subject, &outcome).await;
    ended
}

/// Who is at the browser.
fn visitor(invited: bool, from: Option<IpAddr>) -> Actor {
    let from = from.map_or_else(|| "unknown".to_owned(), |from| from.to_string());
    Actor::new(if invited { "whoever has the link" } else { "the machine's user" }, &from)
}

async fn redeem_pending(
    scope: &Scope,
    kind: ProviderKind,
    answer: &AuthorizationResponse,
    browser: &Token,
    waiting: &pending::TakenConsent,
) -> Result<Account, ConsentError> {
    let code = answer.code()?;
    let verifier = waiting.verifier(scope).await?;
    let invitation = if waiting.invited() {
        let accepted =
            invitation::find_accepted(scope, kind, browser).await?.ok_or(ConsentError::Unknown)?;
        Some(accepted.withdraw(scope).await?.ok_or(ConsentError::Unknown)?)
    } else {
        None
    };
    let redeemed = redeem(scope, kind, &waiting.redirect()?, code, &verifier).await;
    if let (Err(_), Some(invitation)) = (&redeemed, invitation) {
        invitation.restore(scope).await;
    }
    Ok(redeemed?)
}

/// Redeems a code and connects the account: for whoever has checked the answer itself, as the
/// command line does on its own port.
///
/// # Errors
/// What the provider says, in which case nothing was stored.
pub async fn redeem(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &Url,
    code: &SecretString,
    verifier: &SecretString,
) -> Result<Account> {
    let granted = scope.connect.consents(kind)?.redeem(redirect, code, verifier).await?;
    connect(scope, kind, granted).await
}

/// Connects the account of a grant that was given elsewhere.
///
/// # Errors
/// As [`redeem`].
pub async fn adopt(
    scope: &Scope,
    kind: ProviderKind,
    refresh_token: &SecretString,
) -> Result<Account> {
    let plain = refresh_token.expose_secret().bytes().all(|b| b.is_ascii_graphic());
    if refresh_token.expose_secret().is_empty() || !plain {
        return Err(Error::Provider(providers::Error::Credentials(
            "this is no refresh token; it was not sent".into(),
        )));
    }
    let granted = scope.connect.consents(kind)?.adopt(refresh_token).await?;
    connect(scope, kind, granted).await
}

/// Where it is the consent of an account that was connected before, its pairs go on at once.
async fn connect(scope: &Scope, kind: ProviderKind, granted: Granted) -> Result<Account> {
    let account = accounts::connect_grant(scope, kind, granted).await?;
    watches::nudge_pairs_of_account(scope, &account).await;
    Ok(account)
}
