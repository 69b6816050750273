//! The keys of id_tokens, and the tokens that they sign.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// Keys that a process makes once, because each takes a moment: enough for some rotations.
static MADE: [OnceLock<Option<KeyPair>>; 4] =
    [OnceLock::new(), OnceLock::new(), OnceLock::new(), OnceLock::new()];

fn made(place: usize) -> Option<&'static KeyPair> {
    MADE[place % MADE.len()].get_or_init(|| KeyPair::generate(KeySize::Rsa2048).ok()).as_ref()
}

/// Which of the keys are published and which signs. Clones of it do not exist.
pub(super) struct Keys(Mutex<Published>);

struct Published {
    first: usize,
    last: usize,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self(Mutex::new(Published { first: 0, last: 0 }))
    }
}

impl Keys {
    /// The next key signs. The one before is still published, unless it is dropped.
    pub fn rotate(&self, drops_old: bool) {
        let mut published = self.published();
        published.last += 1;
        published.first = if drops_old { published.last } else { published.last - 1 };
    }

    /// The document at `/discovery/v2.0/keys`. Its keys have no `alg`.
    pub fn document(&self, issuer: &str) -> Value {
        let published = self.published();
        let keys: Vec<Value> = (published.first..=published.last)
            .rev()
            .filter_map(|place| {
                let public = made(place)?.public_key();
                let number = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
                let (n, e) = (
                    public.modulus().big_endian_without_leading_zero().to_vec(),
                    public.exponent().big_endian_without_leading_zero().to_vec(),
                );
                Some(json!({
                    "kty": "RSA", "use": "sig", "kid": kid(place), "x5t": kid(place),
                    "n": number(&n), "e": number(&e),
                    "cloud_instance_name": "microsoftonline.com", "issuer": issuer,
                }))
            })
            .collect();
        json!({"keys": keys})
    }

    /// A token with these claims, signed with the newest key, under `kid` where another is given.
    pub fn sign(&self, claims: &Value, other_kid: Option<&str>) -> String {
        let place = self.published().last;
        let kid = other_kid.map_or_else(|| kid(place), str::to_owned);
        let head = json!({"typ": "JWT", "alg": "RS256", "kid": kid});
        let text = format!("{}.{}", encoded(&head), encoded(claims));
        let Some(key) = made(place) else { return text };
        let mut signature = vec![0; key.public_modulus_len()];
        let signed =
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        if signed.is_err() {
            signature.clear();
        }
        format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// A token with these claims and no signature.
    pub fn unsigned(claims: &Value) -> String {
        format!("{}.{}.", encoded(&json!({"typ": "JWT", "alg": "none"})), encoded(claims))
    }

    fn published(&self) -> std::sync::MutexGuard<'_, Published> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encoded(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

fn kid(place: usize) -> String {
    let name = format!("key {place}");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name.as_bytes());
    BASE64URL_NOPAD.encode(&hash.as_ref()[..20])
}
