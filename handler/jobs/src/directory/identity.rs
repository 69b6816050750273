//! Which account this is and which calendar, by what their server says and not by what was typed.
//! Pure.
//!
//! # Properties
//! * An account is the same where its server names the same homes and the same principal for the
//!   same user. Apple lets one person sign in by several names, so there the principal alone is
//!   enough.
//! * The same user at another scheme, host, port or path may be the same account or not: two
//!   servers of one make name the same paths. So may another user name with the same homes. What
//!   decides is in [`super::evidence`].
//! * A calendar is the same where its place is the same, whichever account sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use engine::calendar::CalendarId;
use engine::provider::ProviderKind;
use percent_encoding::percent_decode_str;
use providers::caldav::Endpoint;
use url::Url;

use super::{Account, CalendarRecord, Snapshot};

/// What a CalDAV server has said of an account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AccountIdentity {
    kind: ProviderKind,
    user: String,
    /// Of the server that answered.
    origin: String,
    /// Its path, without a server.
    principal: Option<String>,
    homes: Homes,
}

impl AccountIdentity {
    /// From what discovery has written down; `None` for accounts of other providers, and where it
    /// cannot be read.
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

    /// The same account by the server's word.
    pub fn is(&self, other: &Self) -> bool {
        let apple = self.kind == ProviderKind::Icloud
            && self.principal.is_some()
            && self.origin == other.origin;
        self.kind == other.kind
            && self.principal == other.principal
            && (apple || (self.user == other.user && self.homes == other.homes))
    }

    /// It may be the same account: what its calendars hold has to prove it.
    pub fn may_be(&self, other: &Self) -> bool {
        self.kind == other.kind
            && (self.user == other.user
                || (self.principal == other.principal && self.homes == other.homes))
    }

    /// The same user, and base and homes on servers that the other has, too: what is sent there
    /// goes to no other server.
    pub fn is_at_home_of(&self, other: &Self) -> bool {
        let there = |origin: &String| {
            *origin == other.origin || other.homes.0.iter().any(|(known, _)| known == origin)
        };
        self.user == other.user
            && there(&self.origin)
            && self.homes.0.iter().map(|(origin, _)| origin).all(there)
    }
}

/// Where an account's calendars are: origins and paths, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Homes(BTreeSet<(String, String)>);

impl Homes {
    /// Those of an account on a CalDAV server.
    pub fn of_account(account: &Account) -> Option<Self> {
        Self::of(&endpoint_of(account.kind, &account.endpoint)?)
    }

    fn of(endpoint: &Endpoint) -> Option<Self> {
        let home =
            |text: &str| Url::parse(text).ok().map(|url| (origin(&url), collection(url.path())));
        endpoint
            .homes
            .iter()
            .map(|known| home(&known.url))
            .collect::<Option<BTreeSet<_>>>()
            .map(Self)
    }

    /// Whether a calendar at this address would be listed: it lies directly in a home, or is one.
    pub fn hold(&self, address: &str) -> bool {
        let address = with_slash(address);
        self.0.iter().any(|(_, home)| *home == address || *home == parent(&address))
    }

    /// The server of the calendar at this address.
    fn origin_of(&self, address: &str) -> Option<&str> {
        let within = |(_, home): &&(String, String)| address.starts_with(home.as_str());
        let innermost = self.0.iter().filter(within).max_by_key(|(_, home)| home.len());
        innermost.or(self.0.first()).map(|(origin, _)| origin.as_str())
    }
}

/// Where a calendar stands, in one spelling: equal for the same calendar, whichever account sees
/// it. Google: its id. CalDAV: the server and the path, for a share those of its owner as far as
/// the server tells them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarPlace(String);

impl fmt::Display for CalendarPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CalendarPlace {
    /// Of a calendar as it was last seen by its account.
    pub fn of(account: &Account, calendar: &CalendarRecord) -> Self {
        let address = with_slash(&calendar.address);
        let path = calendar.owned_at.as_deref().map_or_else(|| address.clone(), with_slash);
        let endpoint = endpoint_of(account.kind, &account.endpoint);
        let typed = || Url::parse(&account.url).map(|url| origin(&url)).unwrap_or_default();
        Self(match account.kind {
            ProviderKind::Google => format!("google:{}", calendar.address),
            // Apple's partitions are places of accounts, and all of them are one server.
            ProviderKind::Icloud => {
                let base = endpoint.and_then(|endpoint| Url::parse(&endpoint.base).ok());
                format!("{}{path}", base.map_or_else(typed, |base| origin(&base)))
            }
            ProviderKind::Caldav => {
                let homes = endpoint.and_then(|endpoint| Homes::of(&endpoint));
                let named = homes.as_ref().and_then(|homes| homes.origin_of(&address));
                format!("{}{path}", named.map_or_else(typed, str::to_owned))
            }
        })
    }
}

/// Where all calendars of an owner stand, and what was proven beyond that.
#[derive(Debug, Default)]
pub(super) struct CalendarPlaces(BTreeMap<CalendarId, CalendarPlace>);

impl CalendarPlaces {
    /// Of the calendars in a directory. One whose row cannot be read has none, and is itself only.
    pub fn read(directory: &Snapshot) -> Self {
        let accounts = directory.accounts();
        let place = |calendar: CalendarRecord| {
            let account = accounts.iter().find(|account| account.id == calendar.account)?;
            let place = CalendarPlace::of(account, &calendar);
            Some((calendar.id, place))
        };
        Self(directory.calendars().into_iter().filter_map(place).collect())
    }

    /// Whether these are one calendar, as far as is known.
    pub fn same(&self, one: &CalendarId, other: &CalendarId) -> bool {
        one == other || self.0.get(one).is_some_and(|place| self.0.get(other) == Some(place))
    }

    /// Whether an account has it.
    pub fn knows(&self, calendar: &CalendarId) -> bool {
        self.0.contains_key(calendar)
    }

    /// These were proven to be one calendar.
    pub fn unite(&mut self, one: &CalendarId, other: &CalendarId) {
        let (Some(kept), Some(given_up)) = (self.0.get(one).cloned(), self.0.get(other).cloned())
        else {
            return;
        };
        for place in self.0.values_mut().filter(|place| **place == given_up) {
            *place = kept.clone();
        }
    }
}

#[cfg(test)]
impl CalendarPlace {
    pub(super) fn new(place: &str) -> Self {
        Self(place.to_owned())
    }
}

#[cfg(test)]
impl CalendarPlaces {
    /// One more id of a calendar that is known.
    pub fn extend(&mut self, id: &CalendarId, of: &CalendarId) {
        let place = self.0[of].clone();
        self.0.insert(id.clone(), place);
    }
}

#[cfg(test)]
impl FromIterator<(CalendarId, CalendarPlace)> for CalendarPlaces {
    fn from_iter<I: IntoIterator<Item = (CalendarId, CalendarPlace)>>(places: I) -> Self {
        Self(places.into_iter().collect())
    }
}

fn endpoint_of(kind: ProviderKind, endpoint: &str) -> Option<Endpoint> {
    is_caldav(kind).then(|| endpoint.parse().ok()).flatten()
}

/// Whether accounts of this kind are reached over CalDAV.
pub(super) fn is_caldav(kind: ProviderKind) -> bool {
    match kind {
        ProviderKind::Caldav | ProviderKind::Icloud => true,
        ProviderKind::Google => false,
    }
}

/// Scheme, host and port; Apple's hosts are one.
fn origin(url: &Url) -> String {
    match url.host_str() {
        Some(host) if url.scheme() == "https" && host.ends_with("caldav.icloud.com") => {
            "https://caldav.icloud.com".to_owned()
        }
        _ => url.origin().ascii_serialization(),
    }
}

fn collection(path: &str) -> String {
    with_slash(&percent_decode_str(path).decode_utf8_lossy())
}

fn with_slash(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

/// The collection that this one lies in.
pub(super) fn parent(address: &str) -> &str {
    let inner = address.trim_end_matches('/');
    inner.rfind('/').map_or("", |slash| &inner[..=slash])
}

/// The last segment of a collection's address.
pub(super) fn last_segment(address: &str) -> &str {
    let inner = address.trim_end_matches('/');
    inner.rsplit('/').next().unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use engine::calendar::AccountId;

    use super::*;
    use crate::directory::AccountStatus;

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
            assert!(one.is(&same) && same.is(&one), "{same:?}");
        }
        for other in [
            anna("http://dav.example.org"),
            anna("https://dav.example.org:8443"),
            anna("https://dav.example.net"),
        ] {
            assert!(!one.is(&other) && one.may_be(&other), "{other:?}");
        }
        let prefixed = of(
            ProviderKind::Caldav,
            "anna",
            "https://dav.example.org/",
            "https://dav.example.org/x/p/anna/",
            "https://dav.example.org/x/dav/anna/",
        );
        assert!(!one.is(&prefixed) && one.may_be(&prefixed));
        assert!(
            one.is_at_home_of(&prefixed) && !one.is_at_home_of(&anna("http://dav.example.org"))
        );
    }

    #[test]
    fn another_user_is_the_same_on_proof_only_and_only_in_the_same_homes() {
        let one = anna("https://dav.example.org");
        let alias =
            AccountIdentity { user: "anna@example.org".into(), ..anna("https://dav.example.org") };
        assert!(!one.is(&alias) && one.may_be(&alias));
        let ben = of(
            ProviderKind::Caldav,
            "ben",
            "https://dav.example.org/",
            "https://dav.example.org/p/ben/",
            "https://dav.example.org/dav/ben/",
        );
        assert!(!one.is(&ben) && !one.may_be(&ben));
        let elsewhere =
            AccountIdentity { user: "anna@example.org".into(), ..anna("https://dav.example.net") };
        assert!(!one.may_be(&elsewhere));
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
        assert!(one.is(&apple("anna@icloud.example", "17", "p7-caldav.icloud.com:443")));
        assert!(!one.is(&apple("anna@example.org", "18", "p42-caldav.icloud.com")));
        assert!(!one.is(&AccountIdentity {
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

    fn account(kind: ProviderKind, endpoint: String) -> Account {
        Account {
            id: AccountId::new("a1"),
            kind,
            name: "anna".into(),
            url: "https://typed.example.org/x/".into(),
            user: "anna".into(),
            endpoint,
            generation: 1,
            state: AccountStatus::Ok,
            error: None,
            parked: None,
        }
    }

    fn calendar(address: &str, owned_at: Option<&str>) -> CalendarRecord {
        CalendarRecord {
            id: CalendarId::new("c1"),
            account: AccountId::new("a1"),
            address: address.into(),
            name: "Work".into(),
            writable: true,
            zone: None,
            owned_at: owned_at.map(str::to_owned),
            first_address: None,
        }
    }

    #[track_caller]
    fn at(kind: ProviderKind, endpoint: String, calendar: &CalendarRecord, place: &str) {
        assert_eq!(CalendarPlace::of(&account(kind, endpoint), calendar).to_string(), place);
    }

    #[test]
    fn a_calendar_stands_where_its_owner_has_it() {
        use ProviderKind::{Caldav, Google, Icloud};
        let homes = || {
            endpoint(
                "https://example.org/",
                None,
                &["https://dav.example.org:8443/anna/", "https://dav.example.org:8443/anna/more/"],
            )
        };
        at(
            Caldav,
            homes(),
            &calendar("/anna/work", None),
            "https://dav.example.org:8443/anna/work/",
        );
        at(
            Caldav,
            homes(),
            &calendar("/anna/work_of_ben/", Some("/ben/work")),
            "https://dav.example.org:8443/ben/work/",
        );
        at(
            Caldav,
            "{}".into(),
            &calendar("/anna/work/", None),
            "https://typed.example.org/anna/work/",
        );
        at(
            Google,
            "{}".into(),
            &calendar("team@group.calendar.example", None),
            "google:team@group.calendar.example",
        );
        let apple = endpoint(
            "https://p1-caldav.icloud.com/",
            None,
            &["https://p42-caldav.icloud.com/17/calendars/"],
        );
        at(
            Icloud,
            apple.clone(),
            &calendar("/17/calendars/home/", None),
            "https://caldav.icloud.com/17/calendars/home/",
        );
        at(
            Caldav,
            apple,
            &calendar("/17/calendars/home/", None),
            "https://caldav.icloud.com/17/calendars/home/",
        );
    }

    #[test]
    fn calendars_lie_directly_in_a_home_or_are_one() {
        let known = account(
            ProviderKind::Caldav,
            endpoint(
                "https://x.example/",
                None,
                &["https://x.example/dav/anna/", "https://x.example/team/a%20b"],
            ),
        );
        let homes = Homes::of_account(&known).unwrap();
        for (address, held) in [
            ("/dav/anna/work/", true),
            ("/dav/anna/work", true),
            ("/team/a b/", true),
            ("/dav/anna/calendars/work/", false),
            ("/dav/ben/work/", false),
            ("/work/", false),
        ] {
            assert_eq!(homes.hold(address), held, "{address}");
        }
        assert_eq!(
            (
                parent("/dav/work/"),
                parent("/work"),
                last_segment("/dav/work/"),
                last_segment("/work")
            ),
            ("/dav/", "/", "work", "work")
        );
    }

    #[test]
    fn what_was_proven_holds_for_all_that_stand_there() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(CalendarId::new);
        let all = [(&a, "1"), (&b, "2"), (&c, "2")];
        let mut places: CalendarPlaces =
            all.into_iter().map(|(id, place)| (id.clone(), CalendarPlace::new(place))).collect();
        assert!(
            places.same(&b, &c)
                && !places.same(&a, &b)
                && places.same(&d, &d)
                && !places.same(&a, &d)
        );
        places.unite(&a, &b);
        assert!(places.same(&a, &c));
        places.unite(&a, &d);
        assert!(!places.same(&a, &d), "what is not known stands nowhere");
    }
}
