//! Google accounts: consent, and the grants of this process.

use std::sync::Arc;

use async_trait::async_trait;
use jobs::ConsentRequest;
use jobs::Consents;
use jobs::Granted;
use jobs::accounts::GrantEndpoint;
use providers::google;
use providers::google::oauth::{self, Client, Grants, OAuthSettings};
use providers::http::{AddressPolicy, Http};
use providers::{Error, Provider, RefreshTokenStore, Result};
use secrecy::SecretString;
use url::Url;

/// The address of every Google account, independent of the settings: the id of an account is
/// derived from it.
const API_URL: &str = "https://www.googleapis.com/";

/// Google, with the OAuth client of the settings.
pub struct GoogleConsents {
    http: Arc<Http>,
    grants: Grants,
    api: Url,
}

impl GoogleConsents {
    pub fn new(http: &Arc<Http>, settings: &OAuthSettings, api: &Url) -> Result<Self> {
        // The operator's settings may name any address; the guard is against addresses that users
        // enter.
        let guarded = [&settings.token_url, &settings.revoke_url, api]
            .iter()
            .all(|url| http.access().check(url).is_ok());
        let http = if guarded {
            http.clone()
        } else {
            Arc::new(Http::new(AddressPolicy { allow_private: true })?)
        };
        let client = Arc::new(Client::new(&http, settings.clone()));
        Ok(Self { http, grants: Grants::new(client), api: api.clone() })
    }

    /// A provider for an account. No request is made.
    pub fn open(
        &self,
        endpoint: &str,
        user: &str,
        secret: &SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> Result<Arc<dyn Provider>> {
        let GrantEndpoint { client, .. } = GrantEndpoint::parse(endpoint).ok_or_else(|| {
            Error::Credentials(
                "what is stored of this account cannot be read; connect it again".into(),
            )
        })?;
        if client != self.grants.client().id() {
            return Err(Error::Misconfigured(
                "this account was connected with another OAuth client, and its consent is good \
                with that one only. Put the earlier \
                 GOOGLE_CLIENT_ID back, or connect the account again with `calrelay account add \
                 google`"
                    .into(),
            ));
        }
        let tokens = self.grants.open(user, secret, keep);
        Ok(Arc::new(google::GoogleCalendar::new(&self.http, &self.api, user, tokens)?))
    }

    async fn finish_grant(&self, granted: oauth::TokenGrant) -> Result<Granted> {
        let user = oauth::owner(&self.http, &self.api, &granted.access).await?;
        let client = self.grants.client().id().to_owned();
        let endpoint = GrantEndpoint { client, owner: None, claims: None }
            .encode()
            .ok_or_else(|| Error::BadAnswer("the account cannot be written down".into()))?;
        let secret = granted.refresh.clone();
        self.grants.begin(&user, granted);
        Ok(Granted { url: API_URL.into(), user, endpoint, secret })
    }
}

#[async_trait]
impl Consents for GoogleConsents {
    fn ask(&self, redirect: &Url, state: &str) -> Result<ConsentRequest> {
        let oauth::Authorization { url, verifier } =
            self.grants.client().authorize(redirect, state)?;
        Ok(ConsentRequest { url, verifier })
    }

    async fn redeem(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
    ) -> Result<Granted> {
        self.finish_grant(self.grants.client().exchange(redirect, code, verifier).await?).await
    }

    async fn adopt(&self, refresh_token: &SecretString) -> Result<Granted> {
        self.finish_grant(self.grants.client().adopt(refresh_token).await?).await
    }

    async fn revoke(&self, refresh_token: &SecretString) -> Result<()> {
        self.grants.client().revoke(refresh_token).await
    }
}
