//! The location of an account's calendars, as discovery found it; stored with the account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The result of discovery. It contains no secret and no address of a person; [`fmt::Display`] and
/// [`FromStr`] are its stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The server that requests go to.
    pub base: String,
    /// The user's principal (RFC 3744), if the server names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Where the calendars are; at least one.
    pub homes: Vec<Home>,
    /// SHA-256 of the user's own addresses, lower-cased, in hexadecimal: to recognise the user
    /// among the guests of a meeting.
    #[serde(default)]
    pub me: Vec<String>,
}

/// A collection of calendars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Its address, in the server's own spelling.
    pub url: String,
    /// It is itself a calendar, the only one that this account knows of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_calendar: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    /// # Errors
    /// [`Error::Address`] where the text is not what discovery wrote down.
    fn from_str(text: &str) -> Result<Self> {
        let endpoint: Self = serde_json::from_str(text).map_err(|_| unusable())?;
        if endpoint.homes.is_empty() { Err(unusable()) } else { Ok(endpoint) }
    }
}

fn unusable() -> Error {
    Error::Address(
        "what is stored about this account's server cannot be read; connect the account again"
            .into(),
    )
}

/// An address of a person as it is kept.
pub(super) fn digest(address: &str) -> String {
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        address.trim().to_lowercase().as_bytes(),
    );
    data_encoding::HEXLOWER.encode(digest.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back_and_anything_else_is_refused() {
        let endpoint = Endpoint {
            base: "https://example.org/".into(),
            principal: None,
            homes: vec![Home { url: "https://example.org/dav/".into(), is_calendar: true }],
            me: vec![digest("Someone@Example.org")],
        };
        let text = endpoint.to_string();
        assert!(!text.to_lowercase().contains("someone"));
        assert_eq!(text.parse::<Endpoint>().unwrap(), endpoint);
        assert_eq!(digest(" someone@example.org"), endpoint.me[0]);
        assert!("{}".parse::<Endpoint>().is_err() && "nonsense".parse::<Endpoint>().is_err());
    }
}
