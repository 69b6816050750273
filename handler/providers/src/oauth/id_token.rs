//! The id_token of an answer: who gave the consent (OpenID Connect Core 1.0, section 3.1.3.7).
//!
//! A token counts where its signature is RS256 by a key of the provider, and where it is for this
//! client, of this consent, of the provider's own issuer, neither expired nor of a time to come.
//! The time is that of the server that issued it. An error quotes nothing of a token.

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::signing_keys::KeySet;
use crate::{Error, Result};

/// By how much the clocks of a provider's servers may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// The longest token that is read, in bytes.
pub(super) const LONGEST: usize = 16 * 1024;
/// The placeholder of the token's own directory in an issuer.
const TENANT: &str = "{tenantid}";

/// How a provider signs its id_tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenRules {
    /// Where its public keys are.
    pub keys_url: Url,
    /// Its issuers. `{tenantid}` is replaced by the directory that the token names (`tid`).
    pub issuers: Vec<String>,
}

/// What a token says, after its check. Names and addresses are for display only: they change, and
/// they are not verified.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub struct IdTokenClaims {
    iss: String,
    #[serde(default)]
    aud: Value,
    #[serde(default)]
    exp: Value,
    /// From when on the token is valid, and when it was issued.
    #[serde(default)]
    nbf: Value,
    #[serde(default)]
    iat: Value,
    #[serde(default)]
    nonce: Option<String>,
    /// The directory of the user.
    #[serde(default)]
    pub tid: Option<String>,
    /// The user's id in that directory.
    #[serde(default)]
    pub oid: Option<String>,
    /// The user's name at the provider, in the form of an address.
    #[serde(default)]
    pub preferred_username: Option<String>,
    /// The user's address.
    #[serde(default)]
    pub email: Option<String>,
}

#[derive(Deserialize)]
struct HeadWire {
    alg: String,
    kid: String,
}

/// The owner of a grant.
#[derive(Clone, PartialEq, Eq)]
pub struct GrantOwner {
    /// What the provider never changes, and gives to no other owner.
    pub id: String,
    /// What people call the account. It may change.
    pub name: String,
}

/// A token whose parts were read, and nothing checked.
pub(super) struct UncheckedToken<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    kid: String,
    claims: IdTokenClaims,
}

/// What a token is compared with.
pub(super) struct Expected<'a> {
    pub provider: &'static str,
    pub rules: &'a IdTokenRules,
    pub client: &'a str,
    /// The nonce of the request; `None` where the token answers no request of a browser.
    pub nonce: Option<&'a str>,
    /// The time of the server that issued the token.
    pub now: Timestamp,
}

impl<'a> UncheckedToken<'a> {
    /// Reads a token.
    pub fn read(provider: &str, token: &'a str) -> Result<Self> {
        let odd = || odd(provider, "cannot be read");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(odd)?;
        let (head, claims) = signed.split_once('.').ok_or_else(odd)?;
        let head: HeadWire = part(head).ok_or_else(odd)?;
        // No other algorithm is taken, and no `none`.
        if head.alg != "RS256" {
            return Err(self::odd(provider, "is not signed by RS256"));
        }
        Ok(Self {
            signed,
            signature: BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| odd())?,
            kid: head.kid,
            claims: part(claims).ok_or_else(odd)?,
        })
    }

    /// The id of the key that signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What the token says, unchecked.
    pub fn claims(&self) -> &IdTokenClaims {
        &self.claims
    }

    /// Checks the token with the provider's keys.
    ///
    /// # Errors
    /// [`Error::BadAnswer`], which says what is wrong.
    pub fn check(self, keys: &KeySet, expected: &Expected<'_>) -> Result<IdTokenClaims> {
        let odd = |what: &str| Err(odd(expected.provider, what));
        let Some(key) = keys.get(&self.kid) else { return odd("is signed by an unknown key") };
        if !key.has_signed(self.signed.as_bytes(), &self.signature) {
            return odd("is not signed by the key that it names");
        }
        let claims = self.claims;
        let tenant = claims.tid.as_deref().unwrap_or_default();
        let is_issuer = |issuer: &str| issuer.replace(TENANT, tenant) == claims.iss;
        if !expected.rules.issuers.iter().any(|issuer| is_issuer(issuer))
            || key.issuer.as_deref().is_some_and(|issuer| !is_issuer(issuer))
        {
            return odd("is of another issuer");
        }
        let is_for = match &claims.aud {
            Value::String(client) => client == expected.client,
            Value::Array(clients) => {
                matches!(&clients[..], [Value::String(client)] if client == expected.client)
            }
            _ => false,
        };
        if !is_for {
            return odd("is for another program");
        }
        let expires = claims.exp.as_i64().and_then(|at| Timestamp::from_second(at).ok());
        if expires.is_none_or(|at| expected.now.duration_since(at) > SKEW) {
            return odd("has expired");
        }
        let now = expected.now.as_second();
        let is_ahead =
            |at: &Value| at.as_f64().map_or(!at.is_null(), |at| at > (now + SKEW.as_secs()) as f64);
        if is_ahead(&claims.nbf) || is_ahead(&claims.iat) {
            return odd("is not valid yet");
        }
        if expected.nonce.is_some() && claims.nonce.as_deref() != expected.nonce {
            return odd("belongs to another request");
        }
        Ok(claims)
    }
}

fn part<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()?).ok()
}

pub(super) fn odd(provider: &str, what: &str) -> Error {
    Error::BadAnswer(format!("{provider}'s statement about the owner of the account {what}"))
}
