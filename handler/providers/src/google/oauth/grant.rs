//! A grant in use: one refresh token, and the access token of the hour.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::client::{Client, Refreshed, TokenGrant};
use crate::google::AccessTokens;
use crate::{Error, RefreshTokenStore, Result};

/// So long before its end an access token is no longer handed out: the request that it is for still
/// has to be made.
const MARGIN: Duration = Duration::from_secs(60);
/// A refusal of the grant itself is not asked about again for so long: whoever comes right after
/// gets the same answer.
const REMEMBERED: Duration = Duration::from_secs(30);

/// A grant. However many ask for a token at the same moment, one request is made, and all get its
/// answer.
///
/// A token's life is measured by a clock that may stand still while the machine sleeps; what ran
/// out meanwhile is answered 401 and refreshed ([`Tokens::refused`]).
pub struct Grant {
    client: Arc<Client>,
    state: Mutex<GrantState>,
    /// Held by whoever refreshes.
    turn: tokio::sync::Mutex<()>,
}

struct GrantState {
    /// The refresh token to use.
    refresh: SecretString,
    /// The one in storage, where a newer one could not be stored yet.
    stored: SecretString,
    access: Option<TokenState>,
    /// How often it was refreshed, well or not.
    refreshes: u64,
    /// How the last refresh failed, and when.
    failure: Option<(Error, Instant)>,
    keep: Option<Arc<dyn RefreshTokenStore>>,
}

struct TokenState {
    token: SecretString,
    until: Instant,
}

impl TokenState {
    fn new(token: SecretString, lifetime: Duration) -> Self {
        // However short its life, those who wait for it get it.
        let usable = lifetime.saturating_sub(MARGIN).max(lifetime / 2).max(Duration::from_secs(1));
        Self { token, until: Instant::now() + usable }
    }
}

impl Grant {
    pub(super) fn new(client: &Arc<Client>, refresh: SecretString) -> Self {
        let state = GrantState {
            stored: refresh.clone(),
            refresh,
            access: None,
            refreshes: 0,
            failure: None,
            keep: None,
        };
        Self {
            client: client.clone(),
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// With the access token that came with it.
    pub(super) fn fresh(client: &Arc<Client>, granted: TokenGrant) -> Self {
        let grant = Self::new(client, granted.refresh);
        grant.state().access = Some(TokenState::new(granted.access, granted.lifetime));
        grant
    }

    /// Whether it is the grant of this refresh token, as storage has it.
    pub(super) fn is_of(&self, refresh: &SecretString) -> bool {
        let state = self.state();
        [&state.refresh, &state.stored]
            .iter()
            .any(|known| known.expose_secret() == refresh.expose_secret())
    }

    /// Where new refresh tokens go from now on.
    pub(super) fn keep_with(&self, keep: Arc<dyn RefreshTokenStore>) {
        self.state().keep = Some(keep);
    }

    /// Whether it holds an access token that saves a request.
    pub(super) fn is_warm(&self) -> bool {
        self.state().access.as_ref().is_some_and(|access| Instant::now() < access.until)
    }

    fn state(&self) -> MutexGuard<'_, GrantState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a refresh token that is newer than the one in storage. One that cannot be stored now
    /// is in memory, and is tried again next time.
    async fn store(&self) {
        let (keep, stored, refresh) = {
            let state = self.state();
            (state.keep.clone(), state.stored.clone(), state.refresh.clone())
        };
        if stored.expose_secret() == refresh.expose_secret() {
            return;
        }
        if let Some(keep) = keep
            && keep.keep(&stored, &refresh).await
        {
            self.state().stored = refresh;
        }
    }
}

impl GrantState {
    /// The answer without a request, where there is one. `since` is the number of refreshes that
    /// the caller saw before it began to wait.
    fn answer(&self, since: Option<u64>) -> Option<Result<SecretString>> {
        let now = Instant::now();
        if let Some(access) = self.access.as_ref().filter(|access| now < access.until) {
            return Some(Ok(access.token.clone()));
        }
        let (error, at) = self.failure.as_ref()?;
        let lasting =
            matches!(error, Error::Unauthorized | Error::Consent(_)) && now < *at + REMEMBERED;
        let shared = since.is_some_and(|since| since != self.refreshes);
        (lasting || shared).then(|| Err(error.clone()))
    }

    fn settle(&mut self, outcome: Result<Refreshed>) -> Result<SecretString> {
        self.refreshes += 1;
        match outcome {
            Ok(Refreshed { access, lifetime, refresh }) => {
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
    async fn bearer(&self) -> Result<SecretString> {
        let seen = {
            let state = self.state();
            if let Some(answer) = state.answer(None) {
                return answer;
            }
            state.refreshes
        };
        // Whoever is cut off while it holds the turn leaves it to the next one.
        let _turn = self.turn.lock().await;
        let refresh = {
            let state = self.state();
            if let Some(answer) = state.answer(Some(seen)) {
                return answer;
            }
            state.refresh.clone()
        };
        let outcome = self.client.refresh(&refresh).await;
        let (answer, keep) = {
            let mut state = self.state();
            (state.settle(outcome), state.keep.clone())
        };
        if let Some(keep) = keep {
            keep.stands(answer.as_ref().err()).await;
        }
        self.store().await;
        answer
    }

    fn refused(&self, bearer: &SecretString) {
        let mut state = self.state();
        if state
            .access
            .as_ref()
            .is_some_and(|access| access.token.expose_secret() == bearer.expose_secret())
        {
            state.access = None;
        }
    }
    async fn barred(&self, error: &Error) {
        let keep = {
            let mut state = self.state();
            if matches!(error, Error::Unauthorized | Error::Consent(_)) {
                // A token that opens nothing is no answer to those who wait for one.
                (state.access, state.failure) = (None, Some((error.clone(), Instant::now())));
            }
            state.keep.clone()
        };
        if let Some(keep) = keep {
            keep.stands(Some(error)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_handed_out_while_the_request_that_it_is_for_can_still_be_made() {
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
