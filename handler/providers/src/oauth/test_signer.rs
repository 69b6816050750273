//! Keys that sign id_tokens for tests, and the document that publishes them.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// Two keys, made once.
static KEYS: LazyLock<[KeyPair; 2]> =
    LazyLock::new(|| [0, 1].map(|_| KeyPair::generate(KeySize::Rsa2048).unwrap()));

/// The document with the keys of these numbers, as Microsoft writes it: without `alg`.
pub(crate) fn document(keys: &[usize], issuer: Option<&str>) -> String {
    let keys: Vec<Value> = keys
        .iter()
        .map(|key| {
            let public = KEYS[*key].public_key();
            let number = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
            let mut published = json!({
                "kty": "RSA", "use": "sig", "kid": format!("key {key}"), "x5t": "x",
                "n": number(public.modulus().big_endian_without_leading_zero()),
                "e": number(public.exponent().big_endian_without_leading_zero()),
            });
            if let Some(issuer) = issuer {
                published["issuer"] = issuer.into();
            }
            published
        })
        .collect();
    json!({"keys": keys}).to_string()
}

/// A token with these claims, signed by the key of this number under the head's `kid`.
pub(crate) fn signed(key: usize, head: &Value, claims: &Value) -> String {
    let encoded = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let text = format!("{}.{}", encoded(head), encoded(claims));
    let mut signature = vec![0; KEYS[key].public_modulus_len()];
    KEYS[key]
        .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .unwrap();
    format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// A token of the key of this number, with the usual head.
pub(crate) fn token(key: usize, claims: &Value) -> String {
    let head = json!({"typ": "JWT", "alg": "RS256", "kid": format!("key {key}")});
    signed(key, &head, claims)
}

/// An hour from now, in seconds: the real time, which the endpoint's `Date` has.
#[expect(clippy::disallowed_methods, reason = "the endpoint sends the real time")]
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    jiff::Timestamp::now().as_second() + seconds
}
