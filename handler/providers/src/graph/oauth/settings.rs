//! The operator's registration with Microsoft, and the addresses of the identity platform.

use std::fmt;

use engine::provider::{OAuthFacts, ProviderKind, SignIn};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{owner, refusal};
use crate::oauth::{
    GrantOwner, IdTokenClaims, IdTokenRules, OAuthProvider, OAuthRefusal, TokenRequest, are_granted,
};
use crate::{ConsentStep, Error, NotGranted, Result};

/// Where users of the worldwide cloud sign in.
pub const LOGIN_URL: &str = "https://login.microsoftonline.com";

/// Microsoft's row of the table.
const FACTS: OAuthFacts = match ProviderKind::Microsoft.facts().sign_in {
    SignIn::OAuth(facts) => facts,
    SignIn::Password => panic!("Microsoft signs in by OAuth"),
};

/// Hosts of the clouds for governments, for China and for Germany.
const SOVEREIGN: [&str; 9] = [
    "login.microsoftonline.us",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "microsoftgraph.chinacloudapi.cn",
    "login.microsoftonline.de",
    "graph.microsoft.de",
    "login-us.microsoftonline.com",
];

/// The operator's registration at Microsoft.
#[derive(Clone)]
pub struct OAuthSettings {
    client_id: String,
    client_secret: SecretString,
    login_url: Url,
    auth_url: Url,
    token_url: Url,
    id_tokens: IdTokenRules,
}

/// Whether an address is of a cloud other than the worldwide one.
pub fn is_sovereign(url: &Url) -> bool {
    url.host_str().is_some_and(|host| SOVEREIGN.contains(&host.trim_end_matches('.')))
}

impl OAuthSettings {
    /// The registration with this id and secret; `login_url` is [`LOGIN_URL`], or what replaces
    /// it.
    ///
    /// # Errors
    /// [`Error::Address`] for an address that cannot be used.
    pub fn new(client_id: &str, client_secret: SecretString, login_url: &Url) -> Result<Self> {
        let base = login_url.as_str().trim_end_matches('/');
        let at = |path: &str| {
            Url::parse(&format!("{base}{path}"))
                .map_err(|_| Error::Address("MICROSOFT_LOGIN_URL cannot be used".into()))
        };
        let issuer = |base: &str| format!("{base}/{{tenantid}}/v2.0");
        // A server in its place may issue tokens in its own name, or as the original.
        let mut issuers = vec![issuer(LOGIN_URL)];
        issuers.extend(Some(issuer(base)).filter(|own| *own != issuers[0]));
        Ok(Self {
            client_id: client_id.to_owned(),
            client_secret,
            login_url: login_url.clone(),
            auth_url: at("/common/oauth2/v2.0/authorize")?,
            token_url: at("/common/oauth2/v2.0/token")?,
            id_tokens: IdTokenRules { keys_url: at("/common/discovery/v2.0/keys")?, issuers },
        })
    }

    /// The address that the requests go to.
    pub fn login_url(&self) -> &Url {
        &self.login_url
    }
}

impl fmt::Debug for OAuthSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthSettings")
            .field("client_id", &self.client_id)
            .field("login_url", &self.login_url.as_str())
            .finish_non_exhaustive()
    }
}

impl PartialEq for OAuthSettings {
    fn eq(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.login_url == other.login_url
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
    }
}

impl Eq for OAuthSettings {}

impl OAuthProvider for OAuthSettings {
    fn name(&self) -> &'static str {
        "Microsoft"
    }

    fn facts(&self) -> OAuthFacts {
        FACTS
    }

    fn client_id(&self) -> &str {
        &self.client_id
    }

    fn client_secret(&self) -> &SecretString {
        &self.client_secret
    }

    fn auth_url(&self) -> &Url {
        &self.auth_url
    }

    fn token_url(&self) -> &Url {
        &self.token_url
    }

    fn revoke_url(&self) -> Option<&Url> {
        None
    }

    /// Without `prompt`, the one account that a browser is signed in to is taken unasked.
    fn extra_parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("response_mode", "query"), ("prompt", "select_account")]
    }

    /// The scopes of the sign-in are not named in the answer.
    fn check_scopes(&self, granted: &str) -> Result<()> {
        if are_granted(FACTS.scopes.iter().map(|(_, scope)| *scope), granted) {
            return Ok(());
        }
        Err(Error::NotGranted(Box::new(NotGranted {
            step: ConsentStep::Again,
            words: "Microsoft gave no right to read and write the calendars, which calrelay \
            needs. Connect the account again, and agree to all that Microsoft's page lists"
                .into(),
            ended: false,
            claims: None,
        })))
    }

    fn names_scopes_again(&self) -> bool {
        true
    }

    fn id_tokens(&self) -> Option<&IdTokenRules> {
        Some(&self.id_tokens)
    }

    fn owner(&self, claims: &IdTokenClaims) -> Result<GrantOwner> {
        owner::owner(claims)
    }

    fn refusal(&self, request: TokenRequest, said: &OAuthRefusal, host: &str) -> Error {
        refusal::error(Some(request), said, host)
    }

    fn redirect_refusal(&self, said: &OAuthRefusal) -> Error {
        refusal::error(None, said, self.login_url.host_str().unwrap_or_default())
    }

    /// `organizations`: the administrator's own directory. Neither `common` nor the directory of
    /// the refused user is possible, which the refusal does not name.
    fn administrator_url(&self, redirect: &Url, state: &str) -> Option<Url> {
        let base = self.login_url.as_str().trim_end_matches('/');
        let mut url = Url::parse(&format!("{base}/organizations/v2.0/adminconsent")).ok()?;
        let scopes: Vec<&str> = FACTS.scopes.iter().map(|(_, scope)| *scope).collect();
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("state", state);
        Some(url)
    }

    fn is_already_revoked(&self, _: StatusCode, _: &[u8]) -> bool {
        false
    }
}
