//! Ids: derived for accounts and calendars, random for pairs.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE32_NOPAD;
use engine::calendar::{AccountId, CalendarId, PairId};
use engine::provider::ProviderKind;
use url::Url;

use crate::{Error, Result};

/// Characters of a derived id after its letter: 50 bits, enough for the few hundred names of one
/// directory.
const DERIVED: usize = 10;

/// Random bytes in a pair's id: 40 bits, eight characters.
const RANDOM_BYTES: usize = 5;

/// The address of a server, checked and normalized.
#[derive(Debug)]
pub(crate) struct Address {
    /// Where discovery begins.
    pub url: String,
    /// The host, with the port where it is not the default.
    pub host: String,
    /// Host, port and path without a slash at the end: equal for equal places.
    pub place: String,
}

impl Address {
    /// As [`Self::parse`], for an account that is connected now: without a query. Addresses are
    /// stored as they are, and shown.
    pub fn parse_given(text: &str) -> Result<Self> {
        let address = Self::parse(text)?;
        if address.url.contains('?') {
            return Err(Error::Provider(providers::Error::Address(
                "it has a part that begins with ?, which may be a secret, and which no calendar \
                server needs; leave that part out"
                    .into(),
            )));
        }
        Ok(address)
    }

    /// Parses what a person typed. The default scheme is `https://`.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| Error::Provider(providers::Error::Address(why.to_owned()));
        let text = text.trim();
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("https://{text}"))
        };
        let mut url = url.map_err(|_| {
            refuse("it cannot be read as a web address such as https://dav.example.org/")
        })?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refuse(
                "it must begin with https:// (or http:// for a server on this machine)",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(
                "a user name or password must not stand in the address; give --user, and the \
                password when it is asked for",
            ));
        }
        url.set_fragment(None);
        let Some(name) = url.host_str().filter(|name| !name.is_empty()) else {
            return Err(refuse("it names no server"));
        };
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let place = format!("{host}{}{query}", url.path().trim_end_matches('/'));
        Ok(Self { url: url.into(), host, place })
    }
}

/// The id of an account: equal for equal provider, place and user.
pub(crate) fn account(kind: ProviderKind, address: &Address, user: &str) -> AccountId {
    AccountId::new(derived('a', &[kind.as_str(), &address.place, user]))
}

/// The id of a calendar: equal for equal account and address.
pub(crate) fn calendar(account: &AccountId, address: &str) -> CalendarId {
    CalendarId::new(derived('c', &[account.as_str(), address]))
}

/// An id for a calendar whose derived id belongs to a calendar that was at this address before. `n`
/// counts from 1.
pub(crate) fn next_calendar(account: &AccountId, address: &str, n: usize) -> CalendarId {
    CalendarId::new(derived('c', &[account.as_str(), address, &n.to_string()]))
}

/// A short id that is derived from these parts.
pub(crate) fn derived(letter: char, parts: &[&str]) -> String {
    // An address or a user name cannot contain a line feed, so different lists of parts never join
    // to one text.
    let hash = digest(&SHA256, parts.join("\n").as_bytes());
    let text = BASE32_NOPAD.encode(hash.as_ref()).to_ascii_lowercase();
    format!("{letter}{}", &text[..DERIVED])
}

/// A random id for a pair.
pub(crate) fn pair() -> Result<PairId> {
    random("p").map(PairId::new)
}

/// A random id for an access token.
pub(crate) fn token() -> Result<String> {
    random("t")
}

fn random(letter: &str) -> Result<String> {
    let mut bytes = [0u8; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        Error::Request("the system gave no random numbers; nothing was stored, try again".into())
    })?;
    Ok(format!("{letter}{}", BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(kind: ProviderKind, url: &str, user: &str) -> String {
        account(kind, &Address::parse(url).unwrap(), user).to_string()
    }

    #[test]
    fn an_account_keeps_its_id_however_its_address_is_spelled() {
        let one = id(ProviderKind::Caldav, "https://dav.example.org/dav/", "anna");
        for same in [
            "https://dav.example.org/dav",
            "dav.example.org/dav/",
            " https://DAV.example.org:443/dav/ ",
            "https://dav.example.org/x/../dav/#top",
        ] {
            assert_eq!(id(ProviderKind::Caldav, same, "anna"), one, "{same}");
        }
    }

    #[test]
    fn another_provider_place_port_or_user_is_another_account() {
        let one = id(ProviderKind::Caldav, "https://dav.example.org/dav/", "anna");
        assert_ne!(id(ProviderKind::Icloud, "https://dav.example.org/dav/", "anna"), one);
        assert_ne!(id(ProviderKind::Caldav, "https://dav.example.org/DAV/", "anna"), one);
        assert_ne!(id(ProviderKind::Caldav, "https://dav.example.org:8443/dav/", "anna"), one);
        assert_ne!(id(ProviderKind::Caldav, "https://dav.example.org/dav/", "Anna"), one);
    }

    #[test]
    fn ids_are_short_and_need_no_quoting() {
        let account = AccountId::new(id(ProviderKind::Caldav, "https://dav.example.org/", "anna"));
        // The id is pinned: an id that changed with a new version would separate every stored pair
        // from its calendars.
        assert_eq!(account.as_str(), "azbouega42g");
        let calendar = calendar(&account, "/anna/office/");
        for id in [account.as_str(), calendar.as_str(), pair().unwrap().as_str()] {
            assert!(
                id.len() <= 11 && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()),
                "{id}"
            );
        }
        assert!(account.as_str().starts_with('a') && calendar.as_str().starts_with('c'));
    }

    #[test]
    fn pairs_never_share_an_id() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| pair().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn addresses_that_cannot_be_used_are_refused_without_being_quoted() {
        for text in [
            "",
            "   ",
            "https://",
            "ftp://dav.example.org/",
            "file:///etc/passwd",
            "https://anna:hunter2@dav.example.org/",
            "https://anna@dav.example.org/",
            "https://[::1",
            "http://exa mple/",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, Error::Provider(providers::Error::Address(_))), "{text}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    /// An account that was connected before keeps its address.
    #[test]
    fn an_address_that_is_given_now_has_no_query_and_loses_its_fragment() {
        for text in ["https://dav.example.org/dav/?key=hunter2", "dav.example.org?hunter2"] {
            let error = Address::parse_given(text).unwrap_err();
            assert!(matches!(error, Error::Provider(providers::Error::Address(_))), "{text}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(Address::parse(text).is_ok(), "{text}");
        }
        let given = Address::parse_given("https://dav.example.org/a%3Fb/#hunter2").unwrap();
        assert_eq!(given.url, "https://dav.example.org/a%3Fb/");
    }
}
