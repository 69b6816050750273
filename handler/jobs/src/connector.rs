//! The interface through which jobs reach providers; the host implements it.

use std::sync::Arc;

use async_trait::async_trait;
use engine::provider::ProviderKind;
use jiff::Timestamp;
use providers::oauth::OAuthRefusal;
use providers::{ClaimsRequest, Provider, RefreshTokenStore};
use secrecy::SecretString;
use url::Url;

/// Makes providers.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Tries the credentials and discovers where the account's calendars are. The returned text has
    /// the provider's own format, is stored with the account and passed to [`Connect::open`]; it
    /// holds no secret.
    async fn discover(
        &self,
        kind: ProviderKind,
        url: &str,
        user: &str,
        secret: &SecretString,
    ) -> providers::Result<String>;

    /// The provider of an account. No request is made.
    fn open(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
    ) -> providers::Result<Arc<dyn Provider>>;

    /// As [`Connect::open`], for a provider that may replace its secret when it uses it: the new
    /// secret is written to `keep`.
    fn open_with_token_store(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        drop(keep);
        self.open(kind, endpoint, user, secret)
    }

    /// How accounts of this kind are connected by consent.
    ///
    /// # Errors
    /// [`providers::Error::Misconfigured`] where they are not connected by consent, or this program
    /// is not registered with the provider; the text says how to register it.
    fn consents(&self, kind: ProviderKind) -> providers::Result<&dyn Consents> {
        Err(providers::Error::Misconfigured(format!(
            "{kind} accounts are not connected by consent in this installation"
        )))
    }

    /// Asks each provider whether it accepts this program, where no answer has shown that yet. What
    /// is found is in [`Connect::refused_clients`]. Returns what prevented an answer.
    async fn check_clients(&self) -> Vec<(ProviderKind, providers::Error)> {
        Vec::new()
    }

    /// What providers say against this program itself since they last gave it a token: each text
    /// names a mistake in a registration or in the settings. It concerns no account.
    fn refused_clients(&self) -> Vec<(ProviderKind, String)> {
        Vec::new()
    }

    /// The time according to the last server that answered, which shows a wrong local clock; `None`
    /// before the first answer.
    fn server_time(&self) -> Option<Timestamp> {
        None
    }
}

/// How accounts of one kind are connected by consent.
#[async_trait]
pub trait Consents: Send + Sync {
    /// The page that asks a person for consent and sends the answer, with `state`, to `redirect`.
    /// No request is made.
    fn ask(&self, redirect: &Url, state: &str) -> providers::Result<ConsentRequest>;

    /// As [`Consents::ask`], with the claims that the provider demanded when it refused an earlier
    /// token.
    fn ask_with(
        &self,
        redirect: &Url,
        state: &str,
        claims: Option<&ClaimsRequest>,
    ) -> providers::Result<ConsentRequest> {
        let _ = claims;
        self.ask(redirect, state)
    }

    /// The error for a refusal that came to the redirect address in place of a code.
    fn read_refusal(&self, refusal: &OAuthRefusal) -> providers::Error {
        refusal.redirect_error()
    }

    /// The page on which an administrator allows this program for everyone in an organisation, with
    /// the answer at `redirect`; `None` where the provider has no such page.
    fn administrator_url(&self, redirect: &Url, state: &str) -> Option<Url> {
        let _ = (redirect, state);
        None
    }

    /// Exchanges a code for a grant, and finds the user of the grant.
    ///
    /// # Errors
    /// [`providers::Error::Consent`] where the person allowed too little, or the code is not
    /// accepted.
    async fn redeem(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
    ) -> providers::Result<Granted>;

    /// Accepts the refresh token of a grant that was given elsewhere.
    ///
    /// # Errors
    /// As [`Consents::redeem`]; [`providers::Error::Unauthorized`] where the token is not valid.
    async fn adopt(&self, refresh_token: &SecretString) -> providers::Result<Granted>;

    /// Revokes a grant. The revocation ends all grants that the person gave to this program.
    async fn revoke(&self, refresh_token: &SecretString) -> providers::Result<()>;
}

/// A request for consent.
pub struct ConsentRequest {
    /// The address of the provider's page.
    pub url: Url,
    /// The PKCE verifier that redeems the code. It must stay secret until then.
    pub verifier: SecretString,
}

/// A grant and its user.
pub struct Granted {
    /// The address of the account, which is constant for its kind and independent of the settings.
    pub url: String,
    /// The user's name, which is shown. It identifies the account, unless the endpoint names an
    /// owner.
    pub user: String,
    /// [`GrantEndpoint`](crate::accounts::GrantEndpoint) as JSON.
    pub endpoint: String,
    pub secret: SecretString,
}
