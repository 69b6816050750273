//! How an account becomes a provider.

use std::sync::Arc;

use async_trait::async_trait;
use engine::calendar::ProviderKind;
use jiff::Timestamp;
use jobs::Connect;
use providers::Provider;
use providers::caldav::{self, CalDav, Endpoint};
use providers::http::{Access, Http};
use secrecy::SecretString;

/// Makes CalDAV providers, iCloud's included, that share one HTTP client: it keeps connections open and knows each account's pace.
pub struct Connector {
    http: Arc<Http>,
}

impl Connector {
    /// With private hosts within reach, or without.
    ///
    /// # Errors
    /// Where TLS cannot be set up on this machine.
    pub fn new(allow_private_hosts: bool) -> providers::Result<Self> {
        let access = Access { allow_private: allow_private_hosts };
        Ok(Self { http: Arc::new(Http::new(access)?) })
    }
}

#[async_trait]
impl Connect for Connector {
    async fn discover(&self, kind: ProviderKind, url: &str, user: &str, secret: &SecretString) -> providers::Result<String> {
        Ok(caldav::discover(&self.http, kind, url, user, secret).await?.to_string())
    }

    fn open(&self, kind: ProviderKind, endpoint: &str, user: &str, secret: SecretString) -> providers::Result<Arc<dyn Provider>> {
        let endpoint: Endpoint = endpoint.parse()?;
        Ok(Arc::new(CalDav::new(&self.http, kind, &endpoint, user, &secret)?))
    }

    fn server_time(&self) -> Option<Timestamp> {
        self.http.server_time()
    }
}
