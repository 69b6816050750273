//! The token of a channel: what proves that a notification comes from whom the channel was asked
//! of.
//!
//! `h2.KID.UUID.OWNER.MAC`: which key has signed it, the channel's id (its 16 bytes) and the
//! HMAC-SHA256 as base64url without padding (RFC 4648 section 5, RFC 2104), the owner as it is. The
//! MAC is over provider, channel and owner, under a key that is derived by the vault for this
//! `KID`. So it is made before the provider knows of anything, and is good for one channel. At most
//! 128 characters, also for the longest owner: what Microsoft takes; Google takes 256.
//!
//! # Properties
//! * A token is forged where its MAC is not the one that the key of its `KID` gives. That is found
//!   out without a look at storage, whichever key it names and whether that key counts or not: any
//!   key can be derived. In constant time as far as keys and MACs go; a token that cannot be taken
//!   apart goes the same way as any other.
//! * Whether the key counts ([`keys`]) is asked of tokens with a good MAC only.
//! * `h1.OWNER.MAC`, the form of earlier versions, names no key; it proves until the channels that
//!   were opened with it have ended.

use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use engine::provider::ProviderKind;
use secrecy::SecretString;

use super::keys;
use crate::services::Services;
use crate::{Error, Result, Scope};

/// What the keys are for, to the vault; the id of one comes after it.
const PURPOSE: &str = "webhooks";

/// What is signed, before all else.
const LABEL: &str = "calrelay/webhook/v2";
const UNNAMED_LABEL: &str = "calrelay/webhook/v1";

const VERSION: &str = "h2";
const UNNAMED_VERSION: &str = "h1";

/// Nothing that is longer is looked at.
const MAX_LENGTH: usize = 256;

/// The longest name of an owner that leaves room for the rest.
pub(super) const MAX_OWNER: usize = 53;

/// The parts of a token.
struct TokenParts {
    /// `None` in the form that names none.
    key: Option<String>,
    /// Likewise: there the channel is known by what comes with the token.
    channel: Option<Vec<u8>>,
    owner: String,
    mac: Vec<u8>,
}

/// The token of a channel of this owner, and the id of the key that signs it.
pub(super) async fn sign(
    scope: &Scope,
    kind: ProviderKind,
    channel: &str,
) -> Result<(SecretString, String)> {
    let owner = &scope.owner;
    // A dot in it would do no harm: what is before it and after it has none.
    if owner.len() > MAX_OWNER || !owner.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::Request(
            "the owner's name is too long for a channel, or holds more than plain letters; no \
            channel was opened"
                .into(),
        ));
    }
    let bytes =
        bytes(channel).ok_or_else(|| Error::Damaged("the id of a channel is none".into()))?;
    let key = keys::current(scope).await?;
    let mac = hmac::sign(&named_key(scope, &key).await?, &signed(kind, channel, owner));
    let token = [
        VERSION,
        &key,
        &BASE64URL_NOPAD.encode(&bytes),
        owner,
        &BASE64URL_NOPAD.encode(mac.as_ref()),
    ]
    .join(".");
    Ok((token.into(), key))
}

/// Whose channel it is, where the token is the channel's and its key counts.
pub(super) async fn verify(
    services: &Services,
    kind: ProviderKind,
    channel: &str,
    token: &str,
) -> Result<Option<String>> {
    let parts = parse(token);
    let whole = parts.is_some();
    // One that nothing proves, which takes as long.
    let parts = parts.unwrap_or_else(|| TokenParts {
        key: Some("0".into()),
        channel: None,
        owner: String::new(),
        mac: vec![0; 32],
    });
    let TokenParts { key, channel: named_channel, owner, mac } = parts;
    let (hmac_key, text) = match &key {
        Some(key) => (named_key(services, key).await?, signed(kind, channel, &owner)),
        None => (unnamed_key(services).await?, signed_unnamed(kind, &owner, channel)),
    };
    let proven = hmac::verify(&hmac_key, &text, &mac).is_ok();
    let same = key.is_none() || named_channel == bytes(channel);
    // What has no good MAC asks nothing of storage.
    let believed = proven && whole && same && keys::is_accepted(services, key.as_deref()).await?;
    Ok(believed.then_some(owner))
}

fn parse(token: &str) -> Option<TokenParts> {
    if token.len() > MAX_LENGTH || !token.is_ascii() {
        return None;
    }
    let (version, rest) = token.split_once('.')?;
    let (rest, mac) = rest.rsplit_once('.')?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let mac = decode(mac).filter(|mac| mac.len() == 32)?;
    match version {
        UNNAMED_VERSION => {
            let owner = String::from_utf8(decode(rest)?).ok()?;
            Some(TokenParts { key: None, channel: None, owner, mac })
        }
        VERSION => {
            let (key, rest) = rest.split_once('.')?;
            let (channel, owner) = rest.split_once('.')?;
            let channel = decode(channel).filter(|channel| channel.len() == 16)?;
            let fits = keys::is_id(key) && owner.len() <= MAX_OWNER;
            fits.then(|| TokenParts {
                key: Some(key.into()),
                channel: Some(channel),
                owner: owner.into(),
                mac,
            })
        }
        _ => None,
    }
}

async fn named_key(services: &Services, key: &str) -> Result<hmac::Key> {
    hmac_key(services, &format!("{PURPOSE}/{key}")).await
}

async fn unnamed_key(services: &Services) -> Result<hmac::Key> {
    hmac_key(services, PURPOSE).await
}

async fn hmac_key(services: &Services, purpose: &str) -> Result<hmac::Key> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &services.vault.hash_key(purpose).await?[..]))
}

/// No part can hold a zero byte but the owner, and that one stands last.
fn signed(kind: ProviderKind, channel: &str, owner: &str) -> Vec<u8> {
    [LABEL, kind.as_str(), channel, owner].join("\0").into_bytes()
}

/// Here it stands between two that cannot.
fn signed_unnamed(kind: ProviderKind, owner: &str, channel: &str) -> Vec<u8> {
    [UNNAMED_LABEL, kind.as_str(), owner, channel].join("\0").into_bytes()
}

/// The 16 bytes of a channel's id.
fn bytes(channel: &str) -> Option<Vec<u8>> {
    HEXLOWER.decode(channel.replace('-', "").as_bytes()).ok().filter(|bytes| bytes.len() == 16)
}

/// A token as earlier versions have made it.
#[cfg(test)]
pub(super) async fn sign_unnamed(
    scope: &Scope,
    kind: ProviderKind,
    channel: &str,
) -> Result<SecretString> {
    let owner = &scope.owner;
    let mac = hmac::sign(&unnamed_key(scope).await?, &signed_unnamed(kind, owner, channel));
    Ok(format!(
        "{UNNAMED_VERSION}.{}.{}",
        BASE64URL_NOPAD.encode(owner.as_bytes()),
        BASE64URL_NOPAD.encode(mac.as_ref())
    )
    .into())
}
