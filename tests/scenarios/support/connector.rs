//! The one connector of in-process environments: from an account to a provider.

use std::sync::Arc;

use engine::provider::ProviderKind;
use jiff::Timestamp;
use jobs::{Connect, Consents};
use providers::caldav::{CalDav as Client, Endpoint, discover};
use providers::http::Http;
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;
use simulators::caldav::CalDav;

use super::clock::TestClock;
use super::google::GoogleClient;
use super::microsoft::MicrosoftClient;

/// Opens providers as the product does. Simulators have a new port in each run, and addresses are
/// part of ids, so accounts are connected under fixed addresses.
pub struct Connector {
    pub http: Arc<Http>,
    /// What the fixed addresses mean; empty where none is used.
    pub origins: Origins,
    pub google: Option<GoogleClient>,
    pub microsoft: Option<MicrosoftClient>,
    /// Whether accounts at Google are connected and removed through their consent. Otherwise their
    /// refresh token is stored like a password, and removing an account leaves the token valid.
    pub consents: bool,
    /// Gives the servers' time.
    pub clock: TestClock,
}

/// Fixed origins (`http://127.0.0.1:1001`) and the real ones that they mean.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<[String; 2]>);

/// How the address of a simulated server is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// By its IP address.
    Plain,
    /// By the name `localhost`.
    Name,
    /// With another port.
    Port,
    /// Below a path prefix.
    Prefix,
}

impl Origins {
    /// Adds the one address of the server of a side.
    pub fn add(&mut self, side: usize, real: &str) {
        self.push(side, Spelling::Plain, real);
    }

    /// Adds all addresses of a simulated server.
    pub fn add_all(&mut self, side: usize, server: &CalDav) {
        self.push(side, Spelling::Plain, server.url().as_str());
        self.push(side, Spelling::Name, server.name_url().as_str());
        self.push(side, Spelling::Port, server.partition_url().as_str());
    }

    fn push(&mut self, side: usize, spelling: Spelling, real: &str) {
        let fixed = address(side, spelling);
        self.0
            .push([fixed, real.to_owned()].map(|address| address.trim_end_matches('/').to_owned()));
    }

    fn real(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, [fixed, real]| text.replace(fixed, real))
    }

    fn fixed(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, [fixed, real]| text.replace(real, fixed))
    }
}

/// The fixed address of the server of a side.
pub fn address(side: usize, spelling: Spelling) -> String {
    match spelling {
        Spelling::Plain => format!("http://127.0.0.1:{}/", 1001 + side),
        Spelling::Name => format!("http://localhost:{}/", 1001 + side),
        Spelling::Port => format!("http://127.0.0.1:{}/", 1101 + side),
        Spelling::Prefix => format!("http://127.0.0.1:{}{PREFIX}/", 1001 + side),
    }
}

/// The prefix of [`Spelling::Prefix`].
pub const PREFIX: &str = "/cloud";

#[async_trait::async_trait]
impl Connect for Connector {
    async fn discover(
        &self,
        kind: ProviderKind,
        url: &str,
        user: &str,
        secret: &SecretString,
    ) -> providers::Result<String> {
        if matches!(kind, ProviderKind::Google | ProviderKind::Microsoft) {
            return Ok(String::new());
        }
        let endpoint =
            discover(&self.http, kind.try_into()?, &self.origins.real(url), user, secret).await?;
        let endpoint = serde_json::to_string(&endpoint)
            .map_err(|error| providers::Error::BadAnswer(error.to_string()))?;
        Ok(self.origins.fixed(&endpoint))
    }

    fn open(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        let endpoint = self.origins.real(endpoint);
        let endpoint: Endpoint = serde_json::from_str(&endpoint)
            .map_err(|error| providers::Error::BadAnswer(error.to_string()))?;
        Ok(Arc::new(Client::new(&self.http, kind.try_into()?, &endpoint, user, &secret)?))
    }

    fn open_with_token_store(
        &self,
        kind: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        match &self.google {
            Some(google) if kind == ProviderKind::Google => google.open(user, &secret, keep),
            _ => match &self.microsoft {
                Some(microsoft) if kind == ProviderKind::Microsoft => {
                    microsoft.open(endpoint, user, &secret, keep)
                }
                _ => self.open(kind, endpoint, user, secret),
            },
        }
    }

    fn consents(&self, kind: ProviderKind) -> providers::Result<&dyn Consents> {
        match (&self.google, &self.microsoft) {
            (_, Some(microsoft)) if kind == ProviderKind::Microsoft => Ok(microsoft),
            (Some(google), _) if self.consents => Ok(google),
            _ => Err(providers::Error::Misconfigured(format!(
                "{kind} accounts are not connected by consent here"
            ))),
        }
    }

    fn server_time(&self) -> Option<Timestamp> {
        self.clock.server_time()
    }
}
