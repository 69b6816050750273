//! The registry of providers: makes a provider for an account.

mod google;
mod microsoft;

use std::sync::Arc;

use async_trait::async_trait;
use engine::provider::ProviderKind;
use jiff::Timestamp;
use jobs::Connect;
use jobs::Consents;
use providers::caldav::{self, CalDav, Endpoint};
use providers::http::{AddressPolicy, Http};
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;

use self::google::GoogleConsents;
use self::microsoft::MicrosoftConsents;
use crate::config::Config;

/// Makes providers that share one HTTP client, which keeps connections open and knows the rate
/// limit of each account.
pub struct ProviderRegistry {
    http: Arc<Http>,
    /// `None` if the settings name no OAuth client.
    google: Option<GoogleConsents>,
    /// `None` if the settings name no app registration.
    microsoft: Option<MicrosoftConsents>,
}

impl ProviderRegistry {
    /// The registry for these settings.
    ///
    /// # Errors
    /// If TLS cannot be set up on this machine.
    pub fn new(config: &Config) -> providers::Result<Self> {
        let http =
            Arc::new(Http::new(AddressPolicy { allow_private: config.allow_private_hosts })?);
        let google = match &config.google.client {
            Some(client) => Some(GoogleConsents::new(&http, client, &config.google.api_url)?),
            None => None,
        };
        let microsoft = match &config.microsoft.client {
            Some(client) => {
                Some(MicrosoftConsents::new(&http, client, &config.microsoft.graph_url)?)
            }
            None => None,
        };
        Ok(Self { http, google, microsoft })
    }

    fn google(&self) -> providers::Result<&GoogleConsents> {
        self.google.as_ref().ok_or_else(|| {
            let words = "Google accounts need an OAuth client of your own, and none is set. \
            Register one in the Google Cloud console (Desktop app, \
                         for the command line), and set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET";
            providers::Error::Misconfigured(words.into())
        })
    }

    fn microsoft(&self) -> providers::Result<&MicrosoftConsents> {
        self.microsoft.as_ref().ok_or_else(|| {
            let words = "Microsoft accounts need an app registration of your own, and none is \
            set. Make one in the Microsoft Entra admin center (platform Web, accounts in any \
            directory and personal accounts), and set MICROSOFT_CLIENT_ID and \
            MICROSOFT_CLIENT_SECRET; then `calrelay doctor` says what belongs to it";
            providers::Error::Misconfigured(words.into())
        })
    }
}

#[async_trait]
impl Connect for ProviderRegistry {
    async fn discover(
        &self,
        kind: ProviderKind,
        url: &str,
        user: &str,
        secret: &SecretString,
    ) -> providers::Result<String> {
        Ok(caldav::discover(&self.http, kind.try_into()?, url, user, secret).await?.to_string())
    }

    fn open(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        let endpoint: Endpoint = endpoint.parse()?;
        Ok(Arc::new(CalDav::new(&self.http, kind.try_into()?, &endpoint, user, &secret)?))
    }

    fn open_with_token_store(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        match kind {
            ProviderKind::Google => self.google()?.open(endpoint, user, &secret, keep),
            ProviderKind::Microsoft => self.microsoft()?.open(endpoint, user, &secret, keep),
            ProviderKind::Caldav | ProviderKind::Icloud => self.open(kind, endpoint, user, secret),
        }
    }

    fn consents(&self, kind: ProviderKind) -> providers::Result<&dyn Consents> {
        match kind {
            ProviderKind::Google => Ok(self.google()?),
            ProviderKind::Microsoft => Ok(self.microsoft()?),
            ProviderKind::Caldav | ProviderKind::Icloud => Err(providers::Error::Misconfigured(
                format!("{kind} accounts are connected with a password, and not by consent"),
            )),
        }
    }

    async fn check_clients(&self) -> Vec<(ProviderKind, providers::Error)> {
        let Some(microsoft) = &self.microsoft else { return Vec::new() };
        let failed = microsoft.check_client().await.err();
        failed.map(|error| (ProviderKind::Microsoft, error)).into_iter().collect()
    }

    fn refused_clients(&self) -> Vec<(ProviderKind, String)> {
        let refused = self.microsoft.as_ref().and_then(MicrosoftConsents::refused);
        refused.map(|words| (ProviderKind::Microsoft, words)).into_iter().collect()
    }

    fn server_time(&self) -> Option<Timestamp> {
        self.http.server_time()
    }
}
