//! The product's client of Microsoft, pointed at the simulator.

use std::sync::Arc;

use anyhow::Context as _;
use engine::provider::ProviderKind;
use jobs::Consents;
use jobs::accounts::GrantEndpoint;
use providers::graph::GraphCalendar;
use providers::graph::oauth::{Client, Grants, OAuthSettings};
use providers::http::Http;
use providers::{Error, Provider, RefreshTokenStore};
use secrecy::SecretString;
use simulators::graph::{self, CLIENT_ID, CLIENT_SECRET, Graph};
use url::Url;

use super::accounts::Account;
use super::product::{ConsentRequest, Granted};

/// The addresses of Microsoft, and the product's registration there.
#[derive(Clone)]
pub struct MicrosoftSettings {
    oauth: OAuthSettings,
    graph: Url,
    /// The tenant of the accounts that are connected without a grant.
    tenant: graph::Tenant,
}

impl MicrosoftSettings {
    pub fn of(server: &Graph) -> anyhow::Result<Self> {
        let login = Url::parse(&server.login_url())?;
        let oauth = OAuthSettings::new(CLIENT_ID, CLIENT_SECRET.into(), &login);
        let oauth = oauth.ok().context("the addresses of the simulator")?;
        let tenant = server.tenant("example.org");
        Ok(Self { oauth, graph: Url::parse(&server.graph_url())?, tenant })
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
    graph: Url,
    tenant: graph::Tenant,
}

impl MicrosoftClient {
    pub fn new(http: &Arc<Http>, settings: &MicrosoftSettings) -> Self {
        let client = Arc::new(Client::new(http, settings.oauth.clone()));
        let (graph, tenant) = (settings.graph.clone(), settings.tenant.clone());
        Self { http: http.clone(), grants: Grants::new(client), graph, tenant }
    }

    pub fn open(
        &self,
        endpoint: &str,
        user: &str,
        secret: &SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> providers::Result<Arc<dyn Provider>> {
        let owner = GrantEndpoint::parse(endpoint).and_then(|grant| grant.owner);
        // An account that was not connected by a grant has no owner in its row.
        let owner = owner.unwrap_or_else(|| {
            format!("{}/{}", self.tenant.id(), self.tenant.account(user).oid()).to_lowercase()
        });
        let grant = self.grants.open(&owner, secret, keep);
        Ok(Arc::new(GraphCalendar::new(&self.http, &self.graph, &owner, user, grant)?))
    }
}

#[async_trait::async_trait]
impl Consents for MicrosoftClient {
    fn ask(&self, _: &Url, _: &str) -> providers::Result<ConsentRequest> {
        Err(Error::Misconfigured("no consent page is opened in these tests".into()))
    }

    async fn redeem(
        &self,
        _: &Url,
        _: &SecretString,
        _: &SecretString,
    ) -> providers::Result<Granted> {
        Err(Error::Misconfigured("no consent page is opened in these tests".into()))
    }

    async fn adopt(&self, refresh_token: &SecretString) -> providers::Result<Granted> {
        let granted = self.grants.client().adopt(refresh_token).await?;
        let odd = || Error::BadAnswer("Microsoft does not say whose account it is".into());
        let owner = granted.owner.clone().ok_or_else(odd)?;
        let endpoint =
            GrantEndpoint { client: CLIENT_ID.into(), owner: Some(owner.id.clone()), claims: None };
        let (endpoint, secret) = (endpoint.encode().ok_or_else(odd)?, granted.refresh.clone());
        self.grants.begin(&owner.id, granted);
        Ok(Granted {
            url: "https://graph.microsoft.com/".into(),
            user: owner.name,
            endpoint,
            secret,
        })
    }

    async fn revoke(&self, refresh_token: &SecretString) -> providers::Result<()> {
        self.grants.client().revoke(refresh_token).await
    }
}
