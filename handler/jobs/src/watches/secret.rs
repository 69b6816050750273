//! The secret of a watch, which proves that a notification comes from the provider that was asked
//! for the watch.
//!
//! `h2.KID.UUID.OWNER.MAC`: the id of the signing key; the watch's id (16 bytes) and the
//! HMAC-SHA256, both as base64url without padding (RFC 4648 section 5, RFC 2104); the owner as
//! plain text. The MAC covers provider, watch and owner, with a key that the vault derives for this
//! `KID`. Therefore the secret is made before the provider knows the watch, and is valid for one
//! watch. It has at most 128 characters for the longest owner, which is Microsoft's limit; Google's
//! is 256.
//!
//! # Properties
//! * A secret is forged where its MAC is not the one of the key of its `KID`. This is decided
//!   without storage, whichever key the secret names and whether that key is valid or not, because
//!   any key can be derived. The comparison of MACs takes constant time, and a secret that cannot
//!   be parsed takes the path of any other.
//! * Only for a secret with a valid MAC, [`keys`] decides whether its key is valid.
//! * `h1.OWNER.MAC`, the form of earlier versions, names no key. It is accepted until the watches
//!   that were created with it have ended.

use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use engine::provider::ProviderKind;
use secrecy::SecretString;

use super::keys;
use crate::services::Services;
use crate::{Error, Result, Scope};

/// The purpose of the keys in the vault; the id of a key follows it.
const PURPOSE: &str = "webhooks";

/// The first part of the signed text.
const LABEL: &str = "calrelay/webhook/v2";
const UNNAMED_LABEL: &str = "calrelay/webhook/v1";

const VERSION: &str = "h2";
const UNNAMED_VERSION: &str = "h1";

/// A longer secret is not parsed.
const MAX_LENGTH: usize = 256;

/// The longest owner that leaves room for the other parts.
pub(super) const MAX_OWNER: usize = 53;

/// The parts of a token.
struct TokenParts {
    /// `None` in the form without the id of a key.
    key: Option<String>,
    /// `None` in the form without the id of a key; there the watch is known from the notification.
    channel: Option<Vec<u8>>,
    owner: String,
    mac: Vec<u8>,
}

/// Makes the secret of a watch of this owner, and returns the id of the signing key.
pub(super) async fn sign(
    scope: &Scope,
    kind: ProviderKind,
    channel: &str,
) -> Result<(SecretString, String)> {
    let owner = &scope.owner;
    // The owner may contain dots, because no part before or after it does.
    if owner.len() > MAX_OWNER || !owner.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::Request(
            "the owner's name is too long for a watch, or contains characters that are not plain \
            letters; no watch was created"
                .into(),
        ));
    }
    let bytes =
        bytes(channel).ok_or_else(|| Error::Damaged("the id of a watch is malformed".into()))?;
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

/// What a secret with a valid MAC says.
pub(super) struct Proof {
    pub owner: String,
    /// The id of the watch.
    pub watch: String,
    /// The id of the signing key, which may not be valid any more.
    pub key: Option<String>,
}

/// The owner of the watch, if the secret belongs to the watch and its key is valid.
pub(super) async fn verify(
    services: &Services,
    kind: ProviderKind,
    channel: &str,
    token: &str,
) -> Result<Option<String>> {
    let Some(proof) = prove(services, kind, Some(channel), token).await? else { return Ok(None) };
    // A secret without a valid MAC causes no read of storage.
    let is_accepted = keys::is_accepted(services, proof.key.as_deref()).await?;
    Ok(is_accepted.then_some(proof.owner))
}

/// Checks the MAC of a secret, without storage. `channel` is the watch that the notification names;
/// `None` where only the secret names it.
pub(super) async fn prove(
    services: &Services,
    kind: ProviderKind,
    channel: Option<&str>,
    token: &str,
) -> Result<Option<Proof>> {
    let parts = parse(token);
    let whole = parts.is_some();
    // A secret that no key has signed, so that a text that cannot be parsed takes as long.
    let parts = parts.unwrap_or_else(|| TokenParts {
        key: Some("0".into()),
        channel: None,
        owner: String::new(),
        mac: vec![0; 32],
    });
    let TokenParts { key, channel: named_channel, owner, mac } = parts;
    let named = named_channel.as_deref().map(uuid);
    let watch = channel.map(str::to_owned).or_else(|| named.clone()).unwrap_or_default();
    let (hmac_key, text) = match &key {
        Some(key) => (named_key(services, key).await?, signed(kind, &watch, &owner)),
        None => (unnamed_key(services).await?, signed_unnamed(kind, &owner, &watch)),
    };
    let proven = hmac::verify(&hmac_key, &text, &mac).is_ok();
    let same = match &key {
        Some(_) => named_channel == bytes(&watch),
        // This form does not name the watch.
        None => channel.is_some(),
    };
    Ok((proven && whole && same).then_some(Proof { owner, watch, key }))
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

/// Only the owner may contain a zero byte, and the owner is the last part.
fn signed(kind: ProviderKind, channel: &str, owner: &str) -> Vec<u8> {
    [LABEL, kind.as_str(), channel, owner].join("\0").into_bytes()
}

/// The owner is between two parts that cannot contain a zero byte.
fn signed_unnamed(kind: ProviderKind, owner: &str, channel: &str) -> Vec<u8> {
    [UNNAMED_LABEL, kind.as_str(), owner, channel].join("\0").into_bytes()
}

/// The id of a watch as text, from its 16 bytes.
pub(super) fn uuid(bytes: &[u8]) -> String {
    let hex = HEXLOWER.encode(bytes);
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The 16 bytes of a watch's id.
fn bytes(channel: &str) -> Option<Vec<u8>> {
    HEXLOWER.decode(channel.replace('-', "").as_bytes()).ok().filter(|bytes| bytes.len() == 16)
}

/// A secret in the form of earlier versions.
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
