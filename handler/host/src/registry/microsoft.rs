//! Microsoft accounts: consent, and the grants of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jobs::ConsentRequest;
use jobs::Consents;
use jobs::Granted;
use jobs::accounts::GrantEndpoint;
use providers::graph::GraphCalendar;
use providers::graph::oauth::{Authorization, Client, Grants, OAuthSettings, TokenGrant};
use providers::http::{AddressPolicy, Http};
use providers::oauth::{AccessTokens, Grant, OAuthRefusal};
use providers::{
    ClaimsRequest, ConsentStep, Error, NotGranted, Provider, RefreshTokenStore, Result,
};
use secrecy::SecretString;
use url::Url;

/// The address of every Microsoft account, independent of the settings: the id of an account is
/// derived from it.
const GRAPH_URL: &str = "https://graph.microsoft.com/";

/// Microsoft, with the app registration of the settings.
pub struct MicrosoftConsents {
    http: Arc<Http>,
    grants: Grants,
    graph: Url,
    /// The providers of this process, by owner. They remember what answers have shown.
    opened: Mutex<HashMap<String, OpenedAccount>>,
}

/// A provider, and the grant whose tokens it uses.
type OpenedAccount = (Arc<Grant>, Arc<GraphCalendar>);

/// With more accounts than this, what their answers have shown is forgotten.
const MAX_OPENED: usize = 1024;

impl MicrosoftConsents {
    pub fn new(http: &Arc<Http>, settings: &OAuthSettings, graph: &Url) -> Result<Self> {
        // The operator's settings may name any address; the guard is against addresses that users
        // enter.
        let guarded =
            [settings.login_url(), graph].iter().all(|url| http.access().check(url).is_ok());
        let http = if guarded {
            http.clone()
        } else {
            Arc::new(Http::new(AddressPolicy { allow_private: true })?)
        };
        let grants = Grants::new(Arc::new(Client::new(&http, settings.clone())));
        Ok(Self { http, grants, graph: graph.clone(), opened: Mutex::default() })
    }

    /// A provider for an account. No request is made.
    pub fn open(
        &self,
        endpoint: &str,
        user: &str,
        secret: &SecretString,
        keep: Arc<dyn RefreshTokenStore>,
    ) -> Result<Arc<dyn Provider>> {
        let grant = GrantEndpoint::parse(endpoint);
        let Some((client, owner)) = grant.and_then(|grant| Some((grant.client, grant.owner?)))
        else {
            return Err(Error::Credentials(
                "what is stored of this account cannot be read; connect it again".into(),
            ));
        };
        if client != self.grants.client().id() {
            return Err(Error::Misconfigured(
                "this account was connected with another app registration, and its consent is \
                good with that one only. Put the earlier MICROSOFT_CLIENT_ID back, or connect the \
                account again with `calrelay account add microsoft`"
                    .into(),
            ));
        }
        let grant = self.grants.open(&owner, secret, keep);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, provider)) =
            opened.get(&owner).filter(|(known, _)| Arc::ptr_eq(known, &grant))
        {
            return Ok(provider.clone());
        }
        let provider = GraphCalendar::new(&self.http, &self.graph, &owner, user, grant.clone())?;
        let provider = Arc::new(provider);
        if opened.len() >= MAX_OPENED {
            opened.clear();
        }
        opened.insert(owner, (grant, provider.clone()));
        Ok(provider)
    }

    /// What Microsoft said against the registration or its secret.
    pub fn refused(&self) -> Option<String> {
        self.grants.client().refused()
    }

    /// Finds out whether Microsoft accepts the registration and its secret.
    ///
    /// # Errors
    /// What prevented an answer.
    pub async fn check_client(&self) -> Result<()> {
        self.grants.client().check().await
    }

    /// Lists the calendars once, so that no account is stored whose mailbox cannot be read.
    async fn finish_grant(&self, granted: TokenGrant) -> Result<Granted> {
        let odd = |words: &str| Error::BadAnswer(words.to_owned());
        let owner = granted
            .owner
            .clone()
            .ok_or_else(|| odd("Microsoft does not say whose account it is"))?;
        let client = self.grants.client().id().to_owned();
        let endpoint = GrantEndpoint { client, owner: Some(owner.id.clone()), claims: None };
        let endpoint =
            endpoint.encode().ok_or_else(|| odd("the account cannot be written down"))?;
        let tokens = Arc::new(NewToken(granted.access.clone()));
        GraphCalendar::new(&self.http, &self.graph, &owner.id, &owner.name, tokens)?
            .calendars()
            .await
            .map_err(without_mailbox)?;
        let secret = granted.refresh.clone();
        self.grants.begin(&owner.id, granted);
        Ok(Granted { url: GRAPH_URL.into(), user: owner.name, endpoint, secret })
    }
}

/// The error for an account whose calendars may not be listed: another one is needed.
fn without_mailbox(error: Error) -> Error {
    match error {
        Error::Forbidden(why) => Error::NotGranted(Box::new(NotGranted {
            step: ConsentStep::AnotherAccount,
            words: format!("{why}. Connect the account whose calendars are to be copied"),
            ended: false,
            claims: None,
        })),
        error => error,
    }
}

/// The access token of a consent that is not stored yet.
struct NewToken(SecretString);

#[async_trait]
impl AccessTokens for NewToken {
    async fn access_token(&self) -> Result<SecretString> {
        Ok(self.0.clone())
    }

    fn invalidate(&self, _: &SecretString) {}
}

#[async_trait]
impl Consents for MicrosoftConsents {
    fn ask(&self, redirect: &Url, state: &str) -> Result<ConsentRequest> {
        self.ask_with(redirect, state, None)
    }

    fn ask_with(
        &self,
        redirect: &Url,
        state: &str,
        claims: Option<&ClaimsRequest>,
    ) -> Result<ConsentRequest> {
        let Authorization { url, verifier } =
            self.grants.client().authorize_with(redirect, state, claims)?;
        Ok(ConsentRequest { url, verifier })
    }

    fn read_refusal(&self, refusal: &OAuthRefusal) -> Error {
        self.grants.client().redirect_refusal(refusal)
    }

    fn administrator_url(&self, redirect: &Url, state: &str) -> Option<Url> {
        self.grants.client().administrator_url(redirect, state)
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

#[cfg(test)]
mod tests {
    use super::*;

    struct NoStore;

    #[async_trait]
    impl RefreshTokenStore for NoStore {
        async fn replace(&self, _: &SecretString, _: &SecretString) -> bool {
            true
        }
        async fn record_outcome(&self, _: Option<&Error>) {}
    }

    fn consents() -> MicrosoftConsents {
        let http = Arc::new(Http::new(AddressPolicy { allow_private: false }).unwrap());
        let login = Url::parse("https://login.microsoftonline.com").unwrap();
        let settings = OAuthSettings::new("c1", "secret".into(), &login).unwrap();
        let graph = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        MicrosoftConsents::new(&http, &settings, &graph).unwrap()
    }

    #[test]
    fn an_account_is_good_with_its_own_registration_only() {
        let open = |endpoint: &str| {
            let opened =
                consents().open(endpoint, "anna@example.org", &"r".into(), Arc::new(NoStore));
            opened.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(open(r#"{"client":"c2","owner":"t/o"}"#).contains("another app registration"));
        for damaged in ["", "{}", r#"{"client":"c1"}"#] {
            assert!(open(damaged).contains("connect it again"), "{damaged}");
        }
        let claims = r#"{"client":"c1","owner":"t/o","claims":"{}"}"#;
        for own in [r#"{"client":"c1","owner":"t/o"}"#, claims] {
            assert!(!open(own).contains("another") && !open(own).contains("again"), "{own}");
        }
    }

    #[test]
    fn a_request_and_the_administrators_page_are_microsofts() {
        let redirect =
            Url::parse("https://calendars.example.org/oauth/microsoft/callback").unwrap();
        let asked = consents().ask(&redirect, "state").unwrap();
        assert_eq!(asked.url.path(), "/common/oauth2/v2.0/authorize");
        let page = consents().administrator_url(&redirect, "state").unwrap();
        assert_eq!(page.path(), "/organizations/v2.0/adminconsent");
        assert_eq!(consents().refused(), None);
    }
}
