//! The credentials of a request.

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::login::Password;
use crate::{Error, Result};

/// The credentials of a request: user name and password (HTTP Basic, or Digest where the
/// server wants that), or a token.
pub(crate) struct Credentials {
    pub(super) header: HeaderValue,
    pub(super) password: Option<Password>,
}

impl Credentials {
    /// Refuses what HTTP Basic cannot carry (RFC 7617 section 2).
    pub(crate) fn basic(user: &str, password: &SecretString) -> Result<Self> {
        if user.contains(':') {
            return Err(Error::Credentials(
                "a user name with a colon in it cannot be sent to a CalDAV server".into(),
            ));
        }
        if user.chars().chain(password.expose_secret().chars()).any(char::is_control) {
            return Err(Error::Credentials(
                "the user name or password contains a control character (a line break, perhaps)"
                    .into(),
            ));
        }
        let pair = zeroize::Zeroizing::new(format!("{user}:{}", password.expose_secret()));
        let text = zeroize::Zeroizing::new(format!(
            "Basic {}",
            data_encoding::BASE64.encode(pair.as_bytes())
        ));
        let mut header = HeaderValue::from_str(&text)
            .map_err(|_| Error::Credentials("the password cannot be sent".into()))?;
        header.set_sensitive(true);
        Ok(Self {
            header,
            password: Some(Password { user: user.to_owned(), password: password.clone() }),
        })
    }

    /// An access token (RFC 6750 section 2.1).
    pub(crate) fn bearer(token: &SecretString) -> Result<Self> {
        let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose_secret()));
        let mut header = HeaderValue::from_str(&text)
            .map_err(|_| Error::Credentials("the access token cannot be sent".into()))?;
        header.set_sensitive(true);
        Ok(Self { header, password: None })
    }
}
