//! The place of a calendar, equal for one calendar that several accounts see. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use engine::calendar::CalendarId;
use engine::provider::{CalendarIdentity, ProviderKind};
use percent_encoding::percent_decode_str;
use providers::caldav::Endpoint;
use records::account::Account;
use records::calendar::CalendarRecord;
use records::pair::EndedPair;
use records::snapshot::Snapshot;
use url::Url;

use crate::ids;

/// Where an account's calendars are: origins and paths, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Homes(pub(crate) BTreeSet<(String, String)>);

impl Homes {
    /// The homes of an account on a CalDAV server.
    pub fn of_account(account: &Account) -> Option<Self> {
        Self::of(&endpoint_of(account.kind, &account.endpoint)?)
    }

    pub fn of(endpoint: &Endpoint) -> Option<Self> {
        let home =
            |text: &str| Url::parse(text).ok().map(|url| (origin(&url), collection(url.path())));
        endpoint
            .homes
            .iter()
            .map(|known| home(&known.url))
            .collect::<Option<BTreeSet<_>>>()
            .map(Self)
    }

    /// Whether a calendar at this address would be listed: it is directly in a home, or is one.
    pub fn contain(&self, address: &str) -> bool {
        let address = with_slash(address);
        self.0.iter().any(|(_, home)| *home == address || *home == parent(&address))
    }

    /// The origin of the calendar at this address.
    fn origin_of(&self, address: &str) -> Option<&str> {
        let within = |(_, home): &&(String, String)| address.starts_with(home.as_str());
        let innermost = self.0.iter().filter(within).max_by_key(|(_, home)| home.len());
        innermost.or(self.0.first()).map(|(origin, _)| origin.as_str())
    }
}

/// The normalized place of a calendar: equal for one calendar, whichever account sees it. Google:
/// its id. CalDAV: the server and the path; for a share, those of its owner if the server names
/// them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarPlace(String);

impl fmt::Display for CalendarPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CalendarPlace {
    /// A short name of the place.
    pub(crate) fn short_name(&self) -> String {
        ids::derived('l', &[&self.0])
    }

    /// The place of a calendar as its account last listed it.
    pub fn of(account: &Account, calendar: &CalendarRecord) -> Self {
        let address = with_slash(&calendar.address);
        let path = calendar.owned_at.as_deref().map_or_else(|| address.clone(), with_slash);
        let endpoint = endpoint_of(account.kind, &account.endpoint);
        let typed = || Url::parse(&account.url).map(|url| origin(&url)).unwrap_or_default();
        Self(match account.kind.facts().calendar_identity {
            CalendarIdentity::Id => format!("{}:{}", account.kind, calendar.address),
            // Apple distributes accounts over hosts, which are all one server.
            CalendarIdentity::Path => {
                let base = endpoint.and_then(|endpoint| Url::parse(&endpoint.base).ok());
                format!("{}{path}", base.map_or_else(typed, |base| origin(&base)))
            }
            CalendarIdentity::ServerAndPath => {
                let homes = endpoint.and_then(|endpoint| Homes::of(&endpoint));
                let named = homes.as_ref().and_then(|homes| homes.origin_of(&address));
                format!("{}{path}", named.map_or_else(typed, str::to_owned))
            }
        })
    }
}

/// The places of all calendars of an owner, and calendars that were proven identical.
#[derive(Debug, Default)]
pub(crate) struct CalendarPlaces(BTreeMap<CalendarId, CalendarPlace>);

impl CalendarPlaces {
    /// The places of the calendars in a directory. A calendar whose row cannot be read has no place
    /// and equals only itself.
    pub fn read(directory: &Snapshot) -> Self {
        let accounts = directory.accounts();
        let place = |calendar: CalendarRecord| {
            let account = accounts.iter().find(|account| account.id == calendar.account)?;
            let place = CalendarPlace::of(account, &calendar);
            Some((calendar.id, place))
        };
        Self(directory.calendars().into_iter().filter_map(place).collect())
    }

    /// Whether these ids are known to name one calendar.
    pub fn is_same(&self, one: &CalendarId, other: &CalendarId) -> bool {
        one == other || self.0.get(one).is_some_and(|place| self.0.get(other) == Some(place))
    }

    /// Whether an account has the calendar.
    pub fn contains(&self, calendar: &CalendarId) -> bool {
        self.0.contains_key(calendar)
    }

    /// Records that these ids were proven to name one calendar.
    pub fn merge(&mut self, one: &CalendarId, other: &CalendarId) {
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
    pub(crate) fn new(place: &str) -> Self {
        Self(place.to_owned())
    }
}

#[cfg(test)]
impl CalendarPlaces {
    /// Adds an id of a known calendar.
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

/// Whether a calendar may hold copies that a removed pair made from a third calendar which is still
/// listed.
pub(crate) fn has_orphaned_copies(
    directory: &Snapshot,
    calendar: &CalendarId,
    but_of: &CalendarId,
) -> bool {
    let ended = directory.ended_pairs();
    if ended.is_empty() {
        return false;
    }
    let places = CalendarPlaces::read(directory);
    ended.iter().any(|EndedPair { from, to }| {
        places.is_same(to, calendar)
            && places.contains(from)
            && !places.is_same(from, but_of)
            && !places.is_same(from, calendar)
    })
}

pub(crate) fn endpoint_of(kind: ProviderKind, endpoint: &str) -> Option<Endpoint> {
    kind.is_caldav().then(|| endpoint.parse().ok()).flatten()
}

/// Scheme, host and port. The hosts of a provider that are one server have one origin.
pub(crate) fn origin(url: &Url) -> String {
    let host = url.host_str().filter(|_| url.scheme() == "https").unwrap_or_default();
    let mut common = ProviderKind::ALL.into_iter().filter_map(|kind| kind.facts().common_host);
    match common.find(|common| host.ends_with(common)) {
        Some(common) => format!("https://{common}"),
        None => url.origin().ascii_serialization(),
    }
}

pub(crate) fn collection(path: &str) -> String {
    with_slash(&percent_decode_str(path).decode_utf8_lossy())
}

pub(crate) fn with_slash(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

/// The collection that contains this one.
pub(crate) fn parent(address: &str) -> &str {
    let inner = address.trim_end_matches('/');
    inner.rfind('/').map_or("", |slash| &inner[..=slash])
}

/// The last segment of a collection's address.
pub(crate) fn last_segment(address: &str) -> &str {
    let inner = address.trim_end_matches('/');
    inner.rsplit('/').next().unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use engine::calendar::AccountId;
    use records::account::AccountStatus;

    use super::*;

    fn endpoint(base: &str, principal: Option<&str>, homes: &[&str]) -> String {
        let homes: Vec<_> = homes.iter().map(|url| serde_json::json!({ "url": url })).collect();
        serde_json::json!({"base": base, "principal": principal, "homes": homes}).to_string()
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
            suspended: None,
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
    fn the_place_of_a_calendar_is_the_one_at_its_owner() {
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
            assert_eq!(homes.contain(address), held, "{address}");
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
            places.is_same(&b, &c)
                && !places.is_same(&a, &b)
                && places.is_same(&d, &d)
                && !places.is_same(&a, &d)
        );
        places.merge(&a, &b);
        assert!(places.is_same(&a, &c));
        places.merge(&a, &d);
        assert!(!places.is_same(&a, &d), "an unknown calendar has no place");
    }
}
