//! Secrets that nobody guesses: 32 random bytes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Result};

const BYTES: usize = 32;

/// 32 random bytes, written as 43 characters of base64url. Prints as nothing.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Request`] where the system gives no random numbers.
    pub fn random() -> Result<Self> {
        let mut bytes = [0u8; BYTES];
        rand::fill(&mut bytes).map_err(|_| {
            Error::Request("the system gave no random numbers; nothing was begun, try again".into())
        })?;
        Ok(Self(BASE64URL_NOPAD.encode(&bytes).into()))
    }

    /// One that came from outside; `None` where it has another form, or another spelling of its
    /// bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0u8; BYTES + 1];
        let right = text.len() == BASE64URL_NOPAD.encode_len(BYTES)
            && BASE64URL_NOPAD
                .decode_mut(text.as_bytes(), &mut bytes[..BYTES])
                .is_ok_and(|length| length == BYTES);
        right.then(|| Self(text.to_owned().into()))
    }

    /// Its text, for the address or the cookie that it is meant for.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What storage may know of it.
    pub fn hash(&self) -> String {
        BASE64URL_NOPAD.encode(digest(&SHA256, self.expose().as_bytes()).as_ref())
    }

    /// Whether it is the token of this hash. The time that it takes does not say how much of it was
    /// right.
    pub fn has_hash(&self, hash: &str) -> bool {
        verify_slices_are_equal(self.hash().as_bytes(), hash.as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}
