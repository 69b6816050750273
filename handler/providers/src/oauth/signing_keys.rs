//! The keys by which a provider signs its id_tokens (RFC 7517), read once and again for a key that
//! is not among them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::http::{Http, HttpRequest, RateLimit, RetryPolicy};
use crate::{Error, Result};

/// The largest document that is read, in bytes.
const LARGEST: u64 = 256 * 1024;
/// More keys than any provider has at once.
const MAX_KEYS: usize = 100;
/// At most this many documents are read in [`PERIOD`].
const MAX_READS: usize = 10;
const PERIOD: Duration = Duration::from_secs(600);

/// A public key of RSA.
pub(super) struct SigningKey {
    id: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    /// The one issuer that the key signs for, where the document names one.
    pub issuer: Option<String>,
}

/// The keys of a document.
pub(super) struct KeySet(Vec<SigningKey>);

#[derive(Deserialize)]
struct DocumentWire {
    keys: Vec<KeyWire>,
}

/// A key without `alg` is one for RS256: Microsoft's have none.
#[derive(Deserialize)]
struct KeyWire {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    kid: String,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    issuer: Option<String>,
}

impl SigningKey {
    fn read(wire: KeyWire) -> Option<Self> {
        let is_usable = wire.kty == "RSA"
            && !wire.kid.is_empty()
            && wire.purpose.is_none_or(|purpose| purpose == "sig")
            && wire.alg.is_none_or(|alg| alg == "RS256");
        let number = |text: &str| {
            let bytes = BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Some(bytes[zeros..].to_vec()).filter(|bytes| !bytes.is_empty())
        };
        let (modulus, exponent) = (number(&wire.n)?, number(&wire.e)?);
        is_usable.then_some(Self { id: wire.kid, modulus, exponent, issuer: wire.issuer })
    }

    /// Whether this is the signature of a text, by RSASSA-PKCS1-v1_5 with SHA-256.
    pub fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, text, signature).is_ok()
    }
}

impl KeySet {
    /// Reads a document. Keys of other kinds are left out.
    pub fn read(document: &[u8]) -> Option<Self> {
        let DocumentWire { keys } = serde_json::from_slice(document).ok()?;
        Some(Self(keys.into_iter().take(MAX_KEYS).filter_map(SigningKey::read).collect()))
    }

    /// The key with this id.
    pub fn get(&self, id: &str) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

/// The keys of one provider, as this process knows them.
#[derive(Default)]
pub(super) struct SigningKeys {
    known: Mutex<Option<Arc<KeySet>>>,
    /// When the last documents were read. Held during a request, so that callers share its answer.
    reads: tokio::sync::Mutex<VecDeque<Instant>>,
}

impl SigningKeys {
    /// The keys, read from `url` if none are known.
    ///
    /// # Errors
    /// The failure of the request; [`Error::BadAnswer`] for a document that holds no keys.
    pub async fn any(&self, http: &Http, limit: &RateLimit, url: &Url) -> Result<Arc<KeySet>> {
        self.with(http, limit, url, |_| true).await
    }

    /// The keys, read again if the key with this id is not among them. It may still not be among
    /// them afterwards.
    ///
    /// # Errors
    /// As [`SigningKeys::any`].
    pub async fn with_key(
        &self,
        http: &Http,
        limit: &RateLimit,
        url: &Url,
        id: &str,
    ) -> Result<Arc<KeySet>> {
        self.with(http, limit, url, |keys| keys.get(id).is_some()).await
    }

    async fn with(
        &self,
        http: &Http,
        limit: &RateLimit,
        url: &Url,
        is_enough: impl Fn(&KeySet) -> bool,
    ) -> Result<Arc<KeySet>> {
        let before = self.known();
        if let Some(keys) = before.as_ref().filter(|keys| is_enough(keys)) {
            return Ok(keys.clone());
        }
        let mut reads = self.reads.lock().await;
        let now = Instant::now();
        // Another caller has read them meanwhile.
        if let Some(keys) = self.known()
            && (is_enough(&keys) || before.is_none_or(|before| !Arc::ptr_eq(&before, &keys)))
        {
            return Ok(keys);
        }
        reads.retain(|read| now < *read + PERIOD);
        if reads.len() >= MAX_READS {
            return Err(Error::RateLimited { retry_after: Some(PERIOD) });
        }
        reads.push_back(now);
        let keys = Arc::new(read(http, limit, url).await?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
        Ok(keys)
    }

    fn known(&self) -> Option<Arc<KeySet>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn read(http: &Http, limit: &RateLimit, url: &Url) -> Result<KeySet> {
    let request = HttpRequest {
        method: Method::GET,
        url,
        credentials: None,
        headers: HeaderMap::new(),
        body: Vec::new(),
        retry: RetryPolicy::Read,
        slow: false,
        single: false,
        units: 1,
    };
    let answer = http.send(&request, limit).await?;
    let (status, host) = (answer.status(), answer.host().to_owned());
    let body = answer.bytes(LARGEST).await?;
    let odd = |what: &str| Error::BadAnswer(format!("{host} {what}"));
    if !status.is_success() {
        return Err(if status.is_server_error() {
            Error::Unreachable(format!("{host} answered {}", status.as_u16()))
        } else {
            odd("does not give the keys by which it signs")
        });
    }
    let body = body.ok_or_else(|| odd("gives more keys than any provider has"))?;
    KeySet::read(&body).ok_or_else(|| odd("gives something else than the keys by which it signs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_other_purposes_are_left_out() {
        let key = |more: &str| format!(r#"{{"kty":"RSA","kid":"k","n":"AMVx","e":"AQAB"{more}}}"#);
        let is_read = |key: &str| {
            KeySet::read(format!(r#"{{"keys":[{key}]}}"#).as_bytes()).unwrap().get("k").is_some()
        };
        for good in
            ["", r#","use":"sig""#, r#","alg":"RS256""#, r#","issuer":"https://x","x5c":["y"]"#]
        {
            assert!(is_read(&key(good)), "{good}");
        }
        for other in [r#","use":"enc""#, r#","alg":"PS256""#, r#","alg":"HS256""#] {
            assert!(!is_read(&key(other)), "{other}");
        }
        assert!(!is_read(r#"{"kty":"EC","kid":"k","n":"AMVx","e":"AQAB"}"#));
        assert!(!is_read(r#"{"kty":"RSA","kid":"k","n":"","e":"AQAB"}"#));
        assert!(!is_read(r#"{"kty":"RSA","kid":"k","n":"%","e":"AQAB"}"#));
        for none in ["", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(KeySet::read(none.as_bytes()).is_none(), "{none}");
        }
    }
}
