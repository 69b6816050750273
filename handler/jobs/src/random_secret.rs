//! Random secrets of 32 bytes that cannot be guessed.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Result};

const BYTES: usize = 32;

/// 32 random bytes, written as 43 characters of base64url. `Debug` does not print them.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// A new token.
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

    /// Parses a token from outside; `None` where the text has another form, or is another spelling
    /// of its bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0u8; BYTES + 1];
        let right = text.len() == BASE64URL_NOPAD.encode_len(BYTES)
            && BASE64URL_NOPAD
                .decode_mut(text.as_bytes(), &mut bytes[..BYTES])
                .is_ok_and(|length| length == BYTES);
        right.then(|| Self(text.to_owned().into()))
    }

    /// The text, for the address or the cookie of the token.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The hash, which may be stored.
    pub fn hash(&self) -> String {
        BASE64URL_NOPAD.encode(digest(&SHA256, self.expose().as_bytes()).as_ref())
    }

    /// Whether this token has the given hash. The comparison takes constant time.
    pub fn has_hash(&self, hash: &str) -> bool {
        verify_slices_are_equal(self.hash().as_bytes(), hash.as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}
