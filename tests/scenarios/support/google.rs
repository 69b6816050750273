//! The product's client of Google, pointed at the simulator.

use std::sync::Arc;

use jobs::Consents;
use providers::google::GoogleCalendar;
use providers::google::oauth::{self, Grants};
use providers::http::Http;
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;
use simulators::google::{CLIENT_ID, CLIENT_SECRET, Server};
use url::Url;

use super::product::{ConsentRequest, Granted};

/// The addresses of Google, and the product's registration there.
#[derive(Clone)]
pub struct GoogleSettings {
    pub oauth: oauth::OAuthSettings,
    pub api: Url,
}

impl GoogleSettings {
    pub fn of(server: &Server) -> anyhow::Result<Self> {
        let settings = server.settings();
        let url = |name: &str| {
            Url::parse(
                settings
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map_or("", |(_, value)| value.as_str()),
            )
        };
        let oauth = oauth::OAuthSettings {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.into(),
            auth_url: url("GOOGLE_AUTH_URL")?,
            token_url: url("GOOGLE_TOKEN_URL")?,
            revoke_url: url("GOOGLE_REVOKE_URL")?,
        };
        Ok(Self { oauth, api: server.url() })
    }
}

/// The client of one process.
pub struct GoogleClient {
    http: Arc<Http>,
    grants: Grants,
    api: Url,
}

impl GoogleClient {
    pub fn new(http: &Arc<Http>, settings: &GoogleSettings) -> Self {
        let client = Arc::new(oauth::Client::new(http, settings.oauth.clone()));
        Self { http: http.clone(), grants: Grants::new(client), api: settings.api.clone() }
    }

    pub fn open(
        &self,
        user: &str,
        secret: &SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        Ok(Arc::new(GoogleCalendar::new(
            &self.http,
            &self.api,
            user,
            self.grants.open(user, secret, keep),
        )?))
    }
}

#[async_trait::async_trait]
impl Consents for GoogleClient {
    fn ask(&self, _: &Url, _: &str) -> providers::Result<ConsentRequest> {
        Err(providers::Error::Misconfigured("no consent page is opened in these tests".into()))
    }

    async fn redeem(
        &self,
        _: &Url,
        _: &SecretString,
        _: &SecretString,
    ) -> providers::Result<Granted> {
        Err(providers::Error::Misconfigured("no consent page is opened in these tests".into()))
    }

    async fn adopt(&self, refresh_token: &SecretString) -> providers::Result<Granted> {
        let granted = self.grants.client().adopt(refresh_token).await?;
        let user = oauth::owner(&self.http, &self.api, &granted.access).await?;
        let secret = granted.refresh.clone();
        self.grants.begin(&user, granted);
        Ok(Granted {
            url: "https://www.googleapis.com/".into(),
            user,
            endpoint: "{}".into(),
            secret,
        })
    }

    async fn revoke(&self, refresh_token: &SecretString) -> providers::Result<()> {
        self.grants.client().revoke(refresh_token).await
    }
}
