//! The token of a channel: what proves that a notification comes from whom the channel was asked of.
//!
//! `h1.OWNER.MAC`: owner and HMAC-SHA256 as base64url without padding (RFC 4648 section 5, RFC 2104), at most 256 characters, as Google
//! wants. The MAC is over provider, owner and channel, under a key that only the vault has. So it is made before the provider knows of
//! anything, is good for one channel, and is checked without a look at storage.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use engine::calendar::ProviderKind;
use secrecy::SecretString;

use crate::{Error, Result, Services};

/// What the key is for, to the vault.
const PURPOSE: &str = "webhooks";

/// What is signed, before all else.
const LABEL: &str = "calrelay/webhook/v1";

const VERSION: &str = "h1";

/// The longest name of an owner that leaves room for the rest.
const LONGEST: usize = 128;

/// The token of a channel of this owner.
pub(super) async fn sign(services: &Services, kind: ProviderKind, channel: &str) -> Result<SecretString> {
    if services.owner.len() > LONGEST {
        return Err(Error::Request("the owner's name is too long for a channel".into()));
    }
    let mac = hmac::sign(&key(services).await?, &signed(kind, &services.owner, channel));
    Ok(format!("{VERSION}.{}.{}", BASE64URL_NOPAD.encode(services.owner.as_bytes()), BASE64URL_NOPAD.encode(mac.as_ref())).into())
}

/// Whose channel it is, where the token is the channel's. In constant time as far as the key goes.
pub(super) async fn verify(services: &Services, kind: ProviderKind, channel: &str, token: &str) -> Result<Option<String>> {
    let Some((owner, mac)) = parse(token) else { return Ok(None) };
    let key = key(services).await?;
    Ok(hmac::verify(&key, &signed(kind, &owner, channel), &mac).is_ok().then_some(owner))
}

fn parse(token: &str) -> Option<(String, Vec<u8>)> {
    let (version, rest) = token.split_once('.')?;
    let (owner, mac) = rest.split_once('.')?;
    if version != VERSION || token.len() > 256 {
        return None;
    }
    let owner = String::from_utf8(BASE64URL_NOPAD.decode(owner.as_bytes()).ok()?).ok()?;
    Some((owner, BASE64URL_NOPAD.decode(mac.as_bytes()).ok()?))
}

async fn key(services: &Services) -> Result<hmac::Key> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &services.vault.hash_key(PURPOSE).await?[..]))
}

/// No part can hold a zero byte but the owner, and that one stands between two that cannot.
fn signed(kind: ProviderKind, owner: &str, channel: &str) -> Vec<u8> {
    [LABEL, kind.as_str(), owner, channel].join("\0").into_bytes()
}
