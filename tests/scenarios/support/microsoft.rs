//! The product's client of Microsoft 365, pointed at the simulator.

use std::sync::Arc;

use engine::provider::ProviderKind;
use providers::graph::GraphCalendar;
use providers::graph::oauth::{Client, Grants, OAuthSettings};
use providers::http::Http;
use providers::{Provider, RefreshTokenStore};
use secrecy::SecretString;
use simulators::graph::{self, CLIENT_ID, CLIENT_SECRET, Graph};
use url::Url;

use super::accounts::Account;

/// The addresses of Microsoft, and the product's registration there.
#[derive(Clone)]
pub struct MicrosoftSettings {
    oauth: OAuthSettings,
    api: Url,
}

impl MicrosoftSettings {
    pub fn of(server: &Graph) -> anyhow::Result<Self> {
        let login = Url::parse(&server.login_url())?;
        let oauth = OAuthSettings::new(CLIENT_ID, CLIENT_SECRET.into(), &login)?;
        Ok(Self { oauth, api: Url::parse(&server.graph_url())? })
    }
}

/// An account of the simulator, to connect with a refresh token of its own.
pub fn account(account: &graph::Account) -> Account {
    Account {
        kind: ProviderKind::Microsoft,
        url: "https://graph.microsoft.com/".into(),
        user: account.address(),
        password: account.refresh_token(),
    }
}

/// The client of one process.
pub struct MicrosoftClient {
    http: Arc<Http>,
    grants: Grants,
    api: Url,
}

impl MicrosoftClient {
    pub fn new(http: &Arc<Http>, settings: &MicrosoftSettings) -> Self {
        let client = Arc::new(Client::new(http, settings.oauth.clone()));
        Self { http: http.clone(), grants: Grants::new(client), api: settings.api.clone() }
    }

    pub fn open(
        &self,
        user: &str,
        secret: &SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        let grant = self.grants.open(user, secret, keep);
        Ok(Arc::new(GraphCalendar::new(&self.http, &self.api, user, user, grant)?))
    }
}
