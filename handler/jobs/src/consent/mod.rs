//! Connecting accounts by consent: the browser is sent to the provider's page and comes back with a
//! code (RFC 6749 section 4.1).
//!
//! # Properties
//! * An answer is accepted once: its row is deleted before anything else is done, also where the
//!   provider reports a refusal, and where a check fails.
//! * An answer is accepted only from the browser that began the consent: the state is in the
//!   address, a second secret in a cookie, and storage holds only the hashes of both. Both are 32
//!   random bytes, compared in constant time.
//! * A consent expires ten minutes after its beginning; the next consent or the next hourly run
//!   ([`delete_expired`]) deletes it. A browser has one consent, and at most [`MAX_PENDING`]
//!   consents without an invitation are pending at once: the oldest is deleted for a new one, so
//!   that no visitor blocks another.
//! * The vault seals the PKCE verifier for its row. Redeeming a code needs row, cookie and code
//!   together.
//! * Where any check fails, the provider is not asked, and the answer does not say which check
//!   failed.
//! * A visitor who is not the operator begins with an invitation of the operator, and connects one
//!   account with it (`invitation.rs`).
//! * Each provider reads its own refusals; what a person can do next is a value ([`WayOn`]).
//! * The administrator of an organisation is asked by a request of another form, whose answer
//!   connects nothing (`administrator.rs`).
//! * The page that a person sees afterwards does not depend on the request.

mod administrator;
mod invitation;
mod pending;
mod query;
#[cfg(test)]
mod tests;
mod way_on;

use std::net::IpAddr;

use engine::calendar::AccountId;
use records::account::{Account, AccountStatus};
use records::problem::Problem;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::audit::{self, Actor};
use crate::connector::{ConsentRequest, Granted};
use crate::random_secret::Token;
use crate::services::Services;
use crate::{Error, Result, Scope, accounts, watches};

pub use administrator::{AdministratorAnswer, MAX_ASKED, administrator_answer, administrator_link};
pub use engine::provider::ProviderKind;
pub use invitation::{Invitation, MAX_INVITATIONS, invite};
pub use pending::{Began, MAX_PENDING};
pub use query::{AuthorizationResponse, parse_ticket};
pub use way_on::{WayOn, way_on};

/// A consent that has begun.
pub struct BegunConsent {
    /// The address of the provider's page.
    pub location: String,
    /// The value of the browser's cookie.
    pub browser: Token,
}

/// Why a consent did not connect an account.
#[derive(Debug)]
pub enum ConsentError {
    /// The answer belongs to no pending consent of this browser. The provider was not asked.
    Unknown,
    /// The consent failed with this error.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for ConsentError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The provider with this name in the address, if its accounts are connected by consent.
pub fn kind(name: &str) -> Option<ProviderKind> {
    ProviderKind::from_name(name).filter(|kind| kind.is_connected_by_consent())
}

/// Begins a consent: stores what the answer will be checked against. `cookie` is the browser's
/// cookie; an earlier consent of that browser ends.
///
/// # Errors
/// [`providers::Error::Misconfigured`] where the program is not registered with that provider.
pub async fn begin(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &str,
    cookie: Option<&str>,
) -> Result<BegunConsent> {
    let browser = (Token::random()?, cookie);
    begin_in_browser(scope, kind, redirect, browser, Began::Directly).await
}

/// As [`begin`], on a page of a visitor who is known. `expected`: the account that is to be
/// connected again; the consent of another account connects nothing.
///
/// # Errors
/// As [`begin`].
pub async fn begin_on_page(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &str,
    cookie: Option<&str>,
    expected: Option<AccountId>,
) -> Result<BegunConsent> {
    let (browser, began) = ((Token::random()?, cookie), Began::OnPage { expected });
    begin_in_browser(scope, kind, redirect, browser, began).await
}

/// Deletes expired consents and invitations and returns their number. Two requests where there are
/// none.
///
/// # Errors
/// Storage failures; the next run goes on.
pub async fn delete_expired(services: &Services) -> Result<usize> {
    let cleared = services.for_each_owner(|scope| async move {
        Ok(pending::delete_expired(&scope).await? + invitation::delete_expired(&scope).await?)
    });
    Ok(cleared.await?.all()?.into_iter().sum())
}

/// Begins a consent with an invitation ([`invite`]), or again in the browser that has accepted one.
/// `ticket` is the secret in the link, `cookie` the browser's cookie. An invitation that no browser
/// has accepted is preferred, because it may be for another account.
///
/// # Errors
/// [`ConsentError::Unknown`] where neither is valid; otherwise as [`begin`], and then the
/// invitation is unchanged.
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
            begin_in_browser(scope, kind, redirect, (Token::random()?, cookie), Began::Invited)
                .await?;
        // Another browser has accepted the invitation. The consent that was just begun is useless,
        // because no browser gets its cookie.
        if !unused.bind_to(scope, &begun.browser).await? {
            return Err(ConsentError::Unknown);
        }
        audit::note(scope, &visitor(true, from), "consent.begin", kind.as_str(), audit::DONE).await;
        return Ok(begun);
    }
    let browser = cookie.and_then(Token::parse).ok_or(ConsentError::Unknown)?;
    invitation::find_accepted(scope, kind, &browser).await?.ok_or(ConsentError::Unknown)?;
    Ok(begin_in_browser(scope, kind, redirect, (browser, None), Began::Invited).await?)
}

/// The page that asks for consent, with what the provider demanded when it refused the grants that
/// wait to be given anew. The request does not know which of these accounts it is for.
///
/// # Errors
/// [`providers::Error::Misconfigured`] where the program is not registered with that provider;
/// storage failures.
pub async fn request(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &Url,
    state: &str,
) -> Result<ConsentRequest> {
    let consents = scope.connect.consents(kind)?;
    let waiting =
        scope.directory().accounts().await?.into_iter().filter(|account| {
            account.kind == kind && account.state == AccountStatus::NeedsReconnect
        });
    let claims = waiting
        .filter_map(|account| accounts::demanded_claims(&account.endpoint))
        .reduce(|all, claims| all.with(&claims));
    Ok(consents.ask_with(redirect, state, claims.as_ref())?)
}

/// The code of an answer.
///
/// # Errors
/// What the provider says in its place.
pub fn code<'a>(
    scope: &Scope,
    kind: ProviderKind,
    answer: &'a AuthorizationResponse,
) -> Result<&'a SecretString> {
    match scope.connect.consents(kind) {
        Ok(consents) => answer.code_or(|refusal| consents.read_refusal(refusal)),
        Err(_) => answer.code(),
    }
}

/// `browser`: the new cookie, and the cookie that the browser holds.
async fn begin_in_browser(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &str,
    (browser, held): (Token, Option<&str>),
    began: Began,
) -> Result<BegunConsent> {
    let redirect = Url::parse(redirect)
        .map_err(|_| Error::Request("this address cannot be used as a redirect address".into()))?;
    let state = Token::random()?;
    let asked = request(scope, kind, &redirect, state.expose()).await?;
    let way = pending::ConsentRoute { provider: kind, redirect: &redirect, began: &began };
    let earlier = held.and_then(Token::parse).map(|held| held.hash());
    pending::put(scope, way, &state, &browser, earlier.as_deref(), &asked.verifier).await?;
    Ok(BegunConsent { location: asked.url.into(), browser })
}

/// The end of a consent.
pub struct EndedConsent {
    /// How it was begun; [`Began::Directly`] where the answer belongs to no consent of this
    /// browser.
    pub began: Began,
    /// The account that was connected. After an error nothing was connected, and an earlier
    /// connection of the account is unchanged.
    pub outcome: Result<Account, ConsentError>,
}

/// Ends a consent: accepts the answer in `query`, which arrived at the redirect address of `kind`,
/// and connects the account. `cookie` is the browser's cookie.
pub async fn finish(
    scope: &Scope,
    kind: ProviderKind,
    query: &str,
    cookie: Option<&str>,
    from: Option<IpAddr>,
) -> EndedConsent {
    let answer = AuthorizationResponse::parse(query);
    match find_pending(scope, kind, &answer, cookie).await {
        Ok((waiting, browser)) => EndedConsent {
            began: waiting.began(),
            outcome: finish_pending(scope, kind, &answer, &browser, &waiting, from).await,
        },
        Err(error) => EndedConsent { began: Began::Directly, outcome: Err(error) },
    }
}

/// Takes the consent that the answer belongs to, and the secret of the browser that began it.
async fn find_pending(
    scope: &Scope,
    kind: ProviderKind,
    answer: &AuthorizationResponse,
    cookie: Option<&str>,
) -> Result<(pending::TakenConsent, Token), ConsentError> {
    let state = answer.state().ok_or(ConsentError::Unknown)?;
    let waiting = pending::take(scope, state).await?.ok_or(ConsentError::Unknown)?;
    let browser = cookie.and_then(Token::parse).ok_or(ConsentError::Unknown)?;
    if !waiting.is_for(kind, &browser, scope.clock.now()) {
        return Err(ConsentError::Unknown);
    }
    Ok((waiting, browser))
}

async fn finish_pending(
    scope: &Scope,
    kind: ProviderKind,
    answer: &AuthorizationResponse,
    browser: &Token,
    waiting: &pending::TakenConsent,
    from: Option<IpAddr>,
) -> Result<Account, ConsentError> {
    let actor = visitor(waiting.invited(), from);
    // The holder of an invitation may refuse any number of times; a refusal leaves no audit entry.
    if let (true, Err(refusal)) = (waiting.invited(), code(scope, kind, answer)) {
        return Err(refusal.into());
    }
    // The answer belongs to a consent that was begun here: forged answers were refused above.
    let begun = audit::begin(scope, &actor, "account.add", kind.as_str()).await;
    let ended = redeem_pending(scope, kind, answer, browser, waiting).await;
    let (subject, outcome) = match &ended {
        Ok(account) => (Some(account.id.as_str()), audit::DONE.to_owned()),
        Err(ConsentError::Unknown) => (None, "not_ours".to_owned()),
        Err(ConsentError::Failed(error)) => (None, Problem::from(error).code),
    };
    begun.end(scope, subject, &outcome).await;
    ended
}

/// The person at the browser.
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
    let code = code(scope, kind, answer)?;
    let verifier = waiting.verifier(scope).await?;
    let invitation = if waiting.invited() {
        let accepted =
            invitation::find_accepted(scope, kind, browser).await?.ok_or(ConsentError::Unknown)?;
        Some(accepted.withdraw(scope).await?.ok_or(ConsentError::Unknown)?)
    } else {
        None
    };
    let redirect = waiting.redirect()?;
    let redeemed = match scope.connect.consents(kind) {
        Ok(consents) => match consents.redeem(&redirect, code, &verifier).await {
            Ok(granted) => connect(scope, kind, granted, waiting.expected()).await,
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    };
    if let (Err(_), Some(invitation)) = (&redeemed, invitation) {
        invitation.restore(scope).await;
    }
    Ok(redeemed?)
}

/// Redeems a code and connects the account. The caller has checked the answer, as the command line
/// does on its own port.
///
/// # Errors
/// The provider's failure, in which case nothing was stored.
pub async fn redeem(
    scope: &Scope,
    kind: ProviderKind,
    redirect: &Url,
    code: &SecretString,
    verifier: &SecretString,
) -> Result<Account> {
    let granted = scope.connect.consents(kind)?.redeem(redirect, code, verifier).await?;
    connect(scope, kind, granted, None).await
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
    connect(scope, kind, granted, None).await
}

/// Connects the account; if it was connected before, its pairs are synced at once.
async fn connect(
    scope: &Scope,
    kind: ProviderKind,
    granted: Granted,
    expected: Option<&AccountId>,
) -> Result<Account> {
    let account = accounts::connect_grant(scope, kind, granted, expected).await?;
    watches::nudge_pairs_of_account(scope, &account).await;
    Ok(account)
}
