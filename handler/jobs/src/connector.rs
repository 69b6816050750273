//! What a host gives to jobs so that they can reach providers.

use std::sync::Arc;

use async_trait::async_trait;
use engine::provider::ProviderKind;
use jiff::Timestamp;
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;
use url::Url;

/// Makes providers.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Tries the credentials and finds out where the account's calendars are. The text is the
    /// provider's own, kept with the account and given back to [`Connect::open`]; it holds no
    /// secret.
    async fn discover(
        &self,
        kind: ProviderKind,
        url: &str,
        user: &str,
        secret: &SecretString,
    ) -> providers::Result<String>;

    /// A provider for an account. No request is made.
    fn open(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
    ) -> providers::Result<Arc<dyn Provider>>;

    /// As [`Connect::open`], for a provider that may replace its secret at use: the new one goes to
    /// `keep`.
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
    /// [`providers::Error::Misconfigured`] where they are not, or this program is not registered
    /// with the provider; the words say how it is done.
    fn consents(&self, kind: ProviderKind) -> providers::Result<&dyn Consents> {
        Err(providers::Error::Misconfigured(format!(
            "{kind} accounts are not connected by consent here"
        )))
    }

    /// What time it is by the server that answered last, to find a clock that is off; `None` before
    /// any did.
    fn server_time(&self) -> Option<Timestamp> {
        None
    }
}

/// How accounts of one kind are connected by consent.
#[async_trait]
pub trait Consents: Send + Sync {
    /// Where to send a person whose answer is to come to `redirect`. `state` comes back with it. No
    /// request is made.
    fn ask(&self, redirect: &Url, state: &str) -> providers::Result<ConsentRequest>;

    /// Exchanges a code for a grant, and finds out whose it is.
    ///
    /// # Errors
    /// [`providers::Error::Consent`] where too little was allowed, or the code is not taken.
    async fn redeem(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
    ) -> providers::Result<Granted>;

    /// Takes a grant that was given elsewhere, by its refresh token.
    ///
    /// # Errors
    /// As [`Consents::redeem`]; [`providers::Error::Unauthorized`] where it is dead.
    async fn adopt(&self, refresh_token: &SecretString) -> providers::Result<Granted>;

    /// Gives a grant back. It ends for everybody to whom the same person gave it through this
    /// program.
    async fn revoke(&self, refresh_token: &SecretString) -> providers::Result<()>;
}

/// A question to a person.
pub struct ConsentRequest {
    /// The provider's page.
    pub url: Url,
    /// What redeems the code; kept from everybody until it is there.
    pub verifier: SecretString,
}

/// A grant, and whose it is.
pub struct Granted {
    /// Where the account lives: the same for all of its kind, whatever the settings say.
    pub url: String,
    /// Its name there.
    pub user: String,
    /// The provider's own words, as from [`Connect::discover`](crate::Connect::discover).
    pub endpoint: String,
    /// The refresh token.
    pub secret: SecretString,
}
