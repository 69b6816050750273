//! A grant in use: one refresh token, and its current access token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::access_tokens::AccessTokens;
use super::client::Client;
use super::granted::{Refreshed, TokenGrant};
use super::refresh_token_store::RefreshTokenStore;
use crate::claims_request::ClaimsRequest;
use crate::{Error, Result};

/// An access token is not returned in the last minute of its life: its request still has to be
/// made.
const MARGIN: Duration = Duration::from_secs(60);
/// After a refusal of the grant itself, callers get the same error for this long without a request.
const REFUSAL_REMEMBERED: Duration = Duration::from_secs(30);

/// How long another process may take to store the token that it was given.
const OTHER_STORES: Duration = Duration::from_secs(1);

/// A grant. However many callers ask for a token at once, one request is made, and all get its
/// answer.
///
/// The lifetime of a token is measured by a clock that may stop while the machine sleeps; a token
/// that ended meanwhile is answered 401 and refreshed ([`AccessTokens::invalidate`]).
pub struct Grant {
    client: Arc<Client>,
    /// The id of the owner, where id_tokens name it.
    owner: Option<String>,
    state: Mutex<GrantState>,
    /// Held during a refresh.
    refreshing: tokio::sync::Mutex<()>,
}

struct GrantState {
    /// The refresh token to use.
    refresh: SecretString,
    /// The refresh token in storage; an older one until the newer one could be stored.
    stored: SecretString,
    access: Option<TokenState>,
    /// The number of refreshes, successful or not.
    refreshes: u64,
    /// The failure of the last refresh, and its time.
    failure: Option<(Error, Instant)>,
    store: Option<Arc<dyn RefreshTokenStore>>,
}

struct TokenState {
    token: SecretString,
    until: Instant,
}

impl TokenState {
    fn new(token: SecretString, lifetime: Duration) -> Self {
        // However short its lifetime, the callers that wait for it get it.
        let usable = lifetime.saturating_sub(MARGIN).max(lifetime / 2).max(Duration::from_secs(1));
        Self { token, until: Instant::now() + usable }
    }
}

impl Grant {
    pub(super) fn new(client: &Arc<Client>, user: &str, refresh: SecretString) -> Self {
        let state = GrantState {
            stored: refresh.clone(),
            refresh,
            access: None,
            refreshes: 0,
            failure: None,
            store: None,
        };
        Self {
            client: client.clone(),
            owner: client.identifies_owners().then(|| user.to_owned()),
            state: Mutex::new(state),
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    /// A grant with the access token of its consent.
    pub(super) fn with_access(client: &Arc<Client>, user: &str, granted: TokenGrant) -> Self {
        let grant = Self::new(client, user, granted.refresh);
        grant.state().access = Some(TokenState::new(granted.access, granted.lifetime));
        grant
    }

    /// Whether this is the grant of a refresh token that was read from storage.
    pub(super) fn is_of(&self, refresh: &SecretString) -> bool {
        let state = self.state();
        [&state.refresh, &state.stored]
            .iter()
            .any(|known| known.expose_secret() == refresh.expose_secret())
    }

    /// Sets the store of new refresh tokens.
    pub(super) fn store_in(&self, store: Arc<dyn RefreshTokenStore>) {
        self.state().store = Some(store);
    }

    /// Whether the grant has an access token that saves a request.
    pub(super) fn has_access_token(&self) -> bool {
        self.state().access.as_ref().is_some_and(|access| Instant::now() < access.until)
    }

    fn state(&self) -> MutexGuard<'_, GrantState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the access token may not be used before the refresh token is stored.
    fn must_store_first(&self, state: &GrantState) -> bool {
        self.client.rotates_refresh_tokens() && state.is_unsaved()
    }

    /// The answer without a request, where there is one. `since` is the number of refreshes when
    /// the caller began to wait.
    fn answer(&self, since: Option<u64>) -> Option<Result<SecretString>> {
        let state = self.state();
        if self.must_store_first(&state) {
            return None;
        }
        state.answer(since)
    }

    /// New tokens. Where another process has replaced a refresh token that does not work any more,
    /// its token is used.
    async fn refreshed(&self) -> Result<Refreshed> {
        let (refresh, store) = {
            let state = self.state();
            (state.refresh.clone(), state.store.clone())
        };
        let outcome = self.refreshed_by(&refresh).await;
        let is_dead = outcome.as_ref().is_err_and(Error::needs_owner);
        let Some(store) = store.filter(|_| is_dead && self.client.rotates_refresh_tokens()) else {
            return outcome;
        };
        let is_other = |known: &SecretString| known.expose_secret() != refresh.expose_secret();
        let mut current = store.current().await.filter(is_other);
        if current.is_none() {
            // The other process stores its token right after the provider's answer.
            tokio::time::sleep(OTHER_STORES).await;
            current = store.current().await.filter(is_other);
        }
        let Some(current) = current else { return outcome };
        {
            let mut state = self.state();
            (state.refresh, state.stored) = (current.clone(), current.clone());
        }
        self.refreshed_by(&current).await
    }

    async fn refreshed_by(&self, refresh: &SecretString) -> Result<Refreshed> {
        let refreshed = self.client.refresh(refresh).await?;
        let is_of_another = self
            .owner
            .as_ref()
            .is_some_and(|owner| refreshed.owner.as_ref().is_some_and(|found| found.id != *owner));
        if is_of_another { Err(self.client.of_another_owner()) } else { Ok(refreshed) }
    }

    /// Stores a refresh token that is newer than the one in storage. One that cannot be stored now
    /// stays in memory, and the next refresh tries again.
    async fn save(&self) {
        let (store, stored, refresh) = {
            let state = self.state();
            if !state.is_unsaved() {
                return;
            }
            (state.store.clone(), state.stored.clone(), state.refresh.clone())
        };
        if let Some(store) = store
            && store.replace(&stored, &refresh).await
        {
            // Of two processes that refresh at once, one finds the token of the other in storage.
            // Both tokens work, and only one chain of them may go on.
            let current =
                if self.client.rotates_refresh_tokens() { store.current().await } else { None };
            let kept = current.unwrap_or(refresh);
            let mut state = self.state();
            (state.refresh, state.stored) = (kept.clone(), kept);
        }
    }
}

/// Why an access token is not returned although the provider issued it.
fn unsaved() -> Error {
    Error::Unreachable(
        "the new refresh token could not be stored, so the access token that came with it is not \
        used yet"
            .into(),
    )
}

impl GrantState {
    /// Whether the refresh token is newer than the one in storage.
    fn is_unsaved(&self) -> bool {
        self.stored.expose_secret() != self.refresh.expose_secret()
    }

    /// Whether the last failure says what the next sign-in has to prove, which a bare denial of the
    /// same request does not.
    fn demands_claims(&self) -> bool {
        self.access.is_none()
            && self.failure.as_ref().is_some_and(
                |(error, _)| matches!(error, Error::NotGranted(why) if why.claims.is_some()),
            )
    }

    fn answer(&self, since: Option<u64>) -> Option<Result<SecretString>> {
        let now = Instant::now();
        if let Some(access) = self.access.as_ref().filter(|access| now < access.until) {
            return Some(Ok(access.token.clone()));
        }
        let (error, at) = self.failure.as_ref()?;
        let lasting = error.needs_owner() && now < *at + REFUSAL_REMEMBERED;
        let shared = since.is_some_and(|since| since != self.refreshes);
        (lasting || shared).then(|| Err(error.clone()))
    }

    fn record(&mut self, outcome: Result<Refreshed>) -> Result<SecretString> {
        self.refreshes += 1;
        match outcome {
            Ok(Refreshed { access, lifetime, refresh, owner: _ }) => {
                if let Some(refresh) = refresh {
                    self.refresh = refresh;
                }
                self.failure = None;
                self.access = Some(TokenState::new(access.clone(), lifetime));
                Ok(access)
            }
            Err(error) => {
                self.access = None;
                self.failure = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }
}

#[async_trait]
impl AccessTokens for Grant {
    async fn access_token(&self) -> Result<SecretString> {
        let seen = self.state().refreshes;
        if let Some(answer) = self.answer(None) {
            return answer;
        }
        // A caller that is cancelled while it refreshes releases the lock.
        let _refreshing = self.refreshing.lock().await;
        if self.client.rotates_refresh_tokens() {
            // A second refresh token must not be requested while the first one is unsaved.
            let refreshed_meanwhile = seen != self.state().refreshes;
            if !refreshed_meanwhile {
                self.save().await;
            }
            if self.must_store_first(&self.state()) {
                return Err(unsaved());
            }
        }
        if let Some(answer) = self.answer(Some(seen)) {
            return answer;
        }
        let outcome = self.refreshed().await;
        let (answer, store) = {
            let mut state = self.state();
            (state.record(outcome), state.store.clone())
        };
        self.save().await;
        if let Some(store) = store {
            store.record_outcome(answer.as_ref().err()).await;
        }
        let access = answer?;
        if self.must_store_first(&self.state()) { Err(unsaved()) } else { Ok(access) }
    }

    fn invalidate(&self, token: &SecretString) {
        let mut state = self.state();
        if state
            .access
            .as_ref()
            .is_some_and(|access| access.token.expose_secret() == token.expose_secret())
        {
            state.access = None;
        }
    }

    async fn record_denial(&self, error: &Error) {
        let store = {
            let mut state = self.state();
            if matches!(error, Error::Unauthorized) && state.demands_claims() {
                return;
            }
            if error.needs_owner() {
                // A token that gives no access is no answer to the callers that wait for one.
                (state.access, state.failure) = (None, Some((error.clone(), Instant::now())));
            }
            state.store.clone()
        };
        if let Some(store) = store {
            store.record_outcome(Some(error)).await;
        }
    }

    async fn record_claims(&self, claims: &SecretString) {
        if let Some(claims) = ClaimsRequest::parse(claims.expose_secret()) {
            self.record_denial(&self.client.demands(claims)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_returned_while_its_request_can_still_be_made() {
        let usable = |seconds| {
            let now = Instant::now();
            (TokenState::new("t".into(), Duration::from_secs(seconds)).until - now).as_secs()
        };
        assert!((3_530..=3_540).contains(&usable(3_600)), "a minute less");
        assert!(
            (30..=35).contains(&usable(61)) && (1..=2).contains(&usable(2)) && usable(0) <= 1,
            "however short its life"
        );
    }
}
