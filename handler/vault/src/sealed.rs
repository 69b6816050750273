//! Sealed texts: a secret under a data key, and the data key under a wrapping key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{Error, Result, SealContext, Wrapped, WrappingKey};

const FORMAT: &str = "v1";

/// Key bytes that stay at one address until they are wiped: moving the box copies no key.
pub(crate) type DataKey = Box<Zeroizing<[u8; 32]>>;

/// The secret that the keys for keyed hashes are derived from. No rotation changes it: with another
/// root no stored fingerprint would match, and no mark would be recognised.
#[derive(Clone)]
pub struct Root(pub(crate) DataKey);

impl Root {
    /// A root with a copy of these bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    /// A random root, for a new vault.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the system gives no random numbers.
    pub fn random() -> Result<Self> {
        random().map(Self)
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Root")
    }
}

/// [`crate::Vault::seal`] with any wrapping key.
pub(crate) async fn seal_with(
    key: &dyn WrappingKey,
    place: SealContext<'_>,
    secret: &SecretString,
) -> Result<String> {
    let data_key = random()?;
    let payload = seal(&data_key[..], &associated(place), secret.expose_secret().as_bytes())?;
    let wrapped = key.wrap(&data_key[..]).await?;
    Ok(SealedText { wrapped, payload }.to_text())
}

/// [`crate::Vault::open`] with any wrapping key.
pub(crate) async fn open_with(
    key: &dyn WrappingKey,
    place: SealContext<'_>,
    sealed: &str,
) -> Result<SecretString> {
    let sealed = SealedText::from_text(sealed)?;
    let data_key = key.unwrap(&sealed.wrapped).await?;
    let plain = open(&data_key, &associated(place), &sealed.payload)?;
    let text = std::str::from_utf8(&plain).map_err(|_| Error::CannotOpen)?;
    Ok(SecretString::from(text))
}

/// [`crate::Vault::reseal`] with any wrapping key.
pub(crate) async fn reseal_with(
    key: &dyn WrappingKey,
    place: SealContext<'_>,
    sealed: &str,
) -> Result<Option<String>> {
    let sealed = SealedText::from_text(sealed)?;
    if sealed.wrapped.version == key.current().await? {
        return Ok(None);
    }
    // A text that is damaged, or was sealed for another row, is not wrapped again.
    let data_key = key.unwrap(&sealed.wrapped).await?;
    open(&data_key, &associated(place), &sealed.payload)?;
    let wrapped = key.wrap(&data_key).await?;
    Ok(Some(SealedText { wrapped, ..sealed }.to_text()))
}

/// The version of the wrapping key that is needed to open a sealed text.
///
/// # Errors
/// [`Error::CannotOpen`] if the text is not a sealed one.
pub fn version_of(sealed: &str) -> Result<String> {
    Ok(SealedText::from_text(sealed)?.wrapped.version)
}

/// The parts of a sealed text.
struct SealedText {
    wrapped: Wrapped,
    /// Nonce, ciphertext, tag.
    payload: Vec<u8>,
}

impl SealedText {
    fn to_text(&self) -> String {
        let Wrapped { version, key } = &self.wrapped;
        format!("{FORMAT}.{version}.{key}.{}", BASE64URL_NOPAD.encode(&self.payload))
    }

    fn from_text(text: &str) -> Result<Self> {
        let parts = || {
            let (format, rest) = text.split_once('.')?;
            let (rest, payload) = rest.rsplit_once('.')?;
            let (version, key) = rest.rsplit_once('.')?;
            let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
            let wrapped = Wrapped { version: version.into(), key: key.into() };
            (format == FORMAT).then_some(Self { wrapped, payload })
        };
        parts().ok_or(Error::CannotOpen)
    }
}

/// What is authenticated with the secret: no two rows give equal bytes.
pub(crate) fn associated(place: SealContext<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in ["calrelay sealed secret", FORMAT, place.table, place.partition, place.row] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

pub(crate) fn random() -> Result<DataKey> {
    let mut bytes = DataKey::default();
    rand::fill(&mut bytes[..])
        .map_err(|_| Error::Unavailable("the system gives no random numbers".into()))?;
    Ok(bytes)
}

/// Nonce, ciphertext and tag.
pub(crate) fn seal(key: &[u8], associated: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Error::CannotOpen)?;
    // Allocates room for the tag at once: a vector that grows would leave a copy of the plain text
    // in memory.
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
    text.extend_from_slice(plain);
    let nonce = key
        .seal_in_place_append_tag(Aad::from(associated), &mut *text)
        .map_err(|_| Error::Unavailable("the system gives no random numbers".into()))?;
    Ok([nonce.as_ref(), &text[..]].concat())
}

/// The reverse of [`seal`].
pub(crate) fn open(key: &[u8], associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::CannotOpen)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::CannotOpen)?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Error::CannotOpen)?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(associated), &mut text)
        .map_err(|_| Error::CannotOpen)?
        .len();
    text.truncate(length);
    Ok(text)
}
