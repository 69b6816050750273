//! Which account is meant, by what its server says and not by what was typed. Pure.
//!
//! # Properties
//! * Two connections are one account where the server names identical homes and an identical
//!   principal for one user. Apple lets a person sign in under several names, so there an identical
//!   principal is enough.
//! * A grant is of the owner that the provider's id names, under any name that the owner has by now
//!   ([`super::grant_endpoint`]): the account's own id says so, and nothing is compared.
//! * One user at another scheme, host, port or path may be one account or two: two servers of one
//!   make name identical paths. So may another user name with identical homes. The comparison of
//!   the calendars ([`super::compare`]) decides.

use engine::provider::ProviderKind;
use url::Url;

use crate::places::{Homes, collection, endpoint_of, origin};

/// The identity of an account on a CalDAV server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AccountIdentity {
    kind: ProviderKind,
    user: String,
    /// The origin of the server that answered.
    origin: String,
    /// The path of the principal, without its server.
    principal: Option<String>,
    homes: Homes,
}

impl AccountIdentity {
    /// The identity in what discovery stored; `None` for accounts of other providers, and where the
    /// endpoint cannot be read.
    pub fn of(kind: ProviderKind, user: &str, endpoint: &str) -> Option<Self> {
        let endpoint = endpoint_of(kind, endpoint)?;
        let base = Url::parse(&endpoint.base).ok()?;
        let principal = endpoint
            .principal
            .as_deref()
            .map(|url| Url::parse(url).map(|url| collection(url.path())));
        Some(Self {
            kind,
            user: user.to_owned(),
            origin: origin(&base),
            principal: principal.transpose().ok()?,
            homes: Homes::of(&endpoint)?,
        })
    }

    /// Whether the server names both as one account.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let by_principal = self.kind.facts().has_aliases
            && self.principal.is_some()
            && self.origin == other.origin;
        self.kind == other.kind
            && self.principal == other.principal
            && (by_principal || (self.user == other.user && self.homes == other.homes))
    }

    /// Whether both may be one account, which a comparison of the calendars has to prove.
    pub fn may_be_same_as(&self, other: &Self) -> bool {
        self.kind == other.kind
            && (self.user == other.user
                || (self.principal == other.principal && self.homes == other.homes))
    }

    /// Whether the user is identical, and base and homes are on servers that `other` has too: a
    /// request to this account then reaches no other server.
    pub fn is_on_servers_of(&self, other: &Self) -> bool {
        let there = |origin: &String| {
            *origin == other.origin || other.homes.0.iter().any(|(known, _)| known == origin)
        };
        self.user == other.user
            && there(&self.origin)
            && self.homes.0.iter().map(|(origin, _)| origin).all(there)
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn endpoint(base: &str, principal: Option<&str>, homes: &[&str]) -> String {
        let homes: Vec<_> = homes.iter().map(|url| serde_json::json!({ "url": url })).collect();
        serde_json::json!({"base": base, "principal": principal, "homes": homes}).to_string()
    }

    fn anna(origin: &str) -> AccountIdentity {
        of(
            ProviderKind::Caldav,
            "anna",
            &format!("{origin}/"),
            &format!("{origin}/p/anna/"),
            &format!("{origin}/dav/anna/"),
        )
    }

    fn of(
        kind: ProviderKind,
        user: &str,
        base: &str,
        principal: &str,
        home: &str,
    ) -> AccountIdentity {
        AccountIdentity::of(kind, user, &endpoint(base, Some(principal), &[home])).unwrap()
    }

    #[test]
    fn an_account_is_what_its_server_says_in_whatever_spelling() {
        let one = anna("https://dav.example.org");
        for same in [
            anna("https://dav.example.org:443"),
            of(
                ProviderKind::Caldav,
                "anna",
                "https://dav.example.org/x/",
                "https://dav.example.org/p/%61nna",
                "https://dav.example.org/dav/anna",
            ),
        ] {
            assert!(one.is_same_as(&same) && same.is_same_as(&one), "{same:?}");
        }
        for other in [
            anna("http://dav.example.org"),
            anna("https://dav.example.org:8443"),
            anna("https://dav.example.net"),
        ] {
            assert!(!one.is_same_as(&other) && one.may_be_same_as(&other), "{other:?}");
        }
        let prefixed = of(
            ProviderKind::Caldav,
            "anna",
            "https://dav.example.org/",
            "https://dav.example.org/x/p/anna/",
            "https://dav.example.org/x/dav/anna/",
        );
        assert!(!one.is_same_as(&prefixed) && one.may_be_same_as(&prefixed));
        assert!(
            one.is_on_servers_of(&prefixed)
                && !one.is_on_servers_of(&anna("http://dav.example.org"))
        );
    }

    #[test]
    fn another_user_name_may_be_the_account_only_in_its_homes() {
        let one = anna("https://dav.example.org");
        let alias =
            AccountIdentity { user: "anna@example.org".into(), ..anna("https://dav.example.org") };
        assert!(!one.is_same_as(&alias) && one.may_be_same_as(&alias));
        let ben = of(
            ProviderKind::Caldav,
            "ben",
            "https://dav.example.org/",
            "https://dav.example.org/p/ben/",
            "https://dav.example.org/dav/ben/",
        );
        assert!(!one.is_same_as(&ben) && !one.may_be_same_as(&ben));
        let elsewhere =
            AccountIdentity { user: "anna@example.org".into(), ..anna("https://dav.example.net") };
        assert!(!one.may_be_same_as(&elsewhere));
    }

    #[test]
    fn apple_knows_a_person_by_several_names_and_moves_them_between_its_hosts() {
        let apple = |user: &str, number: &str, host: &str| {
            let (principal, home) = (
                format!("https://caldav.icloud.com/{number}/principal/"),
                format!("https://{host}/{number}/calendars/"),
            );
            of(ProviderKind::Icloud, user, "https://caldav.icloud.com/", &principal, &home)
        };
        let one = apple("anna@example.org", "17", "p42-caldav.icloud.com");
        assert!(one.is_same_as(&apple("anna@icloud.example", "17", "p7-caldav.icloud.com:443")));
        assert!(!one.is_same_as(&apple("anna@example.org", "18", "p42-caldav.icloud.com")));
        assert!(!one.is_same_as(&AccountIdentity {
            kind: ProviderKind::Caldav,
            ..apple("anna@example.org", "17", "p42-caldav.icloud.com")
        }));
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for endpoint in
            ["{}", "", r#"{"client":"x"}"#, r#"{"base":"no address","homes":[{"url":"/x/"}]}"#]
        {
            assert_eq!(
                AccountIdentity::of(ProviderKind::Caldav, "anna", endpoint),
                None,
                "{endpoint}"
            );
        }
        assert_eq!(
            AccountIdentity::of(
                ProviderKind::Google,
                "anna",
                &endpoint("https://x/", None, &["https://x/y/"])
            ),
            None
        );
    }
}
