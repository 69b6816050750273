//! Calendars of record: what stands in them, what changed when, and who may see it. No HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ics;

/// All accounts of the server.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// By user name.
    pub accounts: BTreeMap<String, Account>,
    /// Mails that scheduling sent to other people.
    pub mails_sent: u64,
    /// What no server refuses and no good client does.
    pub complaints: Vec<String>,
    born: u64,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub password: String,
    /// Its number in paths, where accounts are numbered.
    pub number: u64,
    /// Its own addresses, without `mailto:`.
    pub addresses: Vec<String>,
    /// By the name in the path.
    pub calendars: BTreeMap<String, Collection>,
}

/// One calendar.
#[derive(Debug)]
pub(crate) struct Collection {
    pub title: String,
    pub writable: bool,
    /// Answers 404 for the time being.
    pub hidden: bool,
    /// `#RRGGBBAA`.
    pub color: Option<String>,
    /// A VTIMEZONE, for floating times.
    pub timezone: Option<String>,
    /// Names for which calendar-multiget finds nothing, though they are there.
    pub unreadable: BTreeSet<String>,
    resources: BTreeMap<String, Resource>,
    /// UID -> the names that hold it.
    uids: BTreeMap<String, BTreeSet<String>>,
    gone: BTreeMap<String, Gone>,
    /// Revision -> the name that it brought, the newest of each name only.
    log: BTreeMap<u64, String>,
    revision: u64,
    /// Which calendar this is: another one of the same name has another number.
    birth: u64,
    /// Tokens of an earlier generation are forgotten.
    generation: u64,
}

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub body: Arc<str>,
    pub etag: String,
    pub uid: Option<String>,
    revision: u64,
    /// The revision that made it, if nothing stood there before.
    made: u64,
}

/// A name under which something stood.
#[derive(Clone, Copy, Debug)]
struct Gone {
    revision: u64,
    made: u64,
}

/// A member of a calendar in a listing: there, with its ETag, or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub name: String,
    pub etag: Option<String>,
    pub revision: u64,
    /// The revision that made it.
    pub made: u64,
}

impl Records {
    pub fn new_account(&mut self, user: &str, password: &str) {
        self.born += 1;
        let own = if user.contains('@') { user.to_owned() } else { format!("{user}@calendars.example") };
        let account = Account {
            password: password.to_owned(),
            number: 17_000_000 + self.born,
            addresses: vec![own.to_lowercase()],
            calendars: BTreeMap::new(),
        };
        self.accounts.insert(user.to_owned(), account);
    }

    /// Makes a calendar; `false` where one stands there already, or there is no such account.
    pub fn new_calendar(&mut self, user: &str, name: &str) -> bool {
        self.born += 1;
        let born = self.born;
        match self.accounts.get_mut(user) {
            Some(account) if !account.calendars.contains_key(name) => {
                account.calendars.insert(name.to_owned(), Collection::new(name, born));
                true
            }
            _ => false,
        }
    }

    /// A calendar that is not hidden.
    pub fn visible(&self, user: &str, name: &str) -> Option<&Collection> {
        self.accounts.get(user)?.calendars.get(name).filter(|c| !c.hidden)
    }

    pub fn visible_mut(&mut self, user: &str, name: &str) -> Option<&mut Collection> {
        self.accounts.get_mut(user)?.calendars.get_mut(name).filter(|c| !c.hidden)
    }
}

impl Collection {
    fn new(title: &str, birth: u64) -> Self {
        Self {
            title: title.to_owned(),
            writable: true,
            hidden: false,
            color: Some("#1BADF8FF".into()),
            timezone: None,
            unreadable: BTreeSet::new(),
            resources: BTreeMap::new(),
            uids: BTreeMap::new(),
            gone: BTreeMap::new(),
            log: BTreeMap::new(),
            revision: 0,
            birth,
            generation: 0,
        }
    }

    pub fn get(&self, name: &str) -> Option<&Resource> {
        self.resources.get(name)
    }

    pub fn resources(&self) -> impl Iterator<Item = (&String, &Resource)> {
        self.resources.iter()
    }

    /// Stores an object under a name, new or not, and gives its ETag.
    pub fn put(&mut self, name: &str, body: &str) -> String {
        let revision = self.next(name);
        let uid = ics::unfold(body).iter().find_map(|line| line.strip_prefix("UID:").map(str::to_owned));
        let etag = format!("\"{:x}-{revision:x}\"", self.birth);
        // What stood here before is still known to whoever has seen it.
        let made = match (self.resources.get(name), self.gone.remove(name)) {
            (Some(before), _) => before.made,
            (None, Some(gone)) => gone.made,
            (None, None) => revision,
        };
        self.forget_uid(name);
        if let Some(uid) = &uid {
            self.uids.entry(uid.clone()).or_default().insert(name.to_owned());
        }
        self.resources.insert(name.to_owned(), Resource { body: body.into(), etag: etag.clone(), uid, revision, made });
        etag
    }

    /// Takes an object away; `false` where there is none.
    pub fn delete(&mut self, name: &str) -> bool {
        let Some(made) = self.resources.get(name).map(|r| r.made) else { return false };
        let revision = self.next(name);
        self.forget_uid(name);
        self.resources.remove(name);
        self.unreadable.remove(name);
        self.gone.insert(name.to_owned(), Gone { revision, made });
        true
    }

    fn next(&mut self, name: &str) -> u64 {
        self.revision += 1;
        let before = self.resources.get(name).map(|r| r.revision).or_else(|| self.gone.get(name).map(|g| g.revision));
        if let Some(before) = before {
            self.log.remove(&before);
        }
        self.log.insert(self.revision, name.to_owned());
        self.revision
    }

    /// Who has this UID, other than `name`.
    pub fn holder_of(&self, uid: &str, name: Option<&str>) -> Option<&String> {
        self.uids.get(uid)?.iter().find(|holder| Some(holder.as_str()) != name)
    }

    fn forget_uid(&mut self, name: &str) {
        if let Some(uid) = self.resources.get(name).and_then(|r| r.uid.as_ref())
            && let Some(holders) = self.uids.get_mut(uid)
        {
            holders.remove(name);
        }
    }

    /// What tells whether anything changed.
    pub fn ctag(&self) -> String {
        format!("{:x}-{:x}", self.birth, self.revision)
    }

    /// The sync token of now: a URI, as RFC 6578 has it.
    pub fn token(&self) -> String {
        self.token_at(self.revision)
    }

    pub fn token_at(&self, revision: u64) -> String {
        format!("urn:token:{:x}:{:x}:{:x}", self.birth, self.generation, revision)
    }

    /// The revision that a token stands for; `None` where it is not known (any more).
    pub fn known_token(&self, token: &str) -> Option<u64> {
        let mut parts = token.strip_prefix("urn:token:")?.split(':').map(|part| u64::from_str_radix(part, 16).ok());
        let (birth, generation, revision) = (parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && birth == self.birth && generation == self.generation && revision <= self.revision).then_some(revision)
    }

    pub fn forget_tokens(&mut self) {
        self.generation += 1;
    }

    /// What changed after a revision, oldest first; every name once.
    pub fn since(&self, revision: u64) -> impl Iterator<Item = Member> {
        self.log.range(revision + 1..).map(|(revision, name)| Member {
            name: name.clone(),
            etag: self.resources.get(name).map(|r| r.etag.clone()),
            revision: *revision,
            made: self.resources.get(name).map(|r| r.made).or_else(|| self.gone.get(name).map(|g| g.made)).unwrap_or(*revision),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_since_a_token_has_every_name_once_and_the_deleted_ones() {
        let mut calendar = Collection::new("work", 1);
        calendar.put("a", "UID:1");
        let token = calendar.token();
        calendar.put("b", "UID:2");
        calendar.put("b", "UID:2");
        calendar.put("c", "UID:3");
        assert!(calendar.delete("a") && calendar.delete("c") && !calendar.delete("d"));
        let since = calendar.known_token(&token).unwrap();
        let seen: Vec<_> = calendar.since(since).map(|m| (m.name, m.etag.is_some())).collect();
        assert_eq!(seen, [("b".into(), true), ("a".into(), false), ("c".into(), false)]);
        assert_eq!(calendar.known_token("urn:token:1:0:99"), None, "never issued");
        calendar.forget_tokens();
        assert_eq!(calendar.known_token(&token), None);
    }

    #[test]
    fn who_holds_a_uid_is_known_through_edits_and_deletions() {
        let mut calendar = Collection::new("work", 1);
        calendar.put("a", "UID:1");
        assert_eq!(calendar.holder_of("1", None), Some(&"a".to_owned()));
        assert_eq!(calendar.holder_of("1", Some("a")), None);
        calendar.put("a", "UID:2");
        assert_eq!((calendar.holder_of("1", None), calendar.holder_of("2", None)), (None, Some(&"a".to_owned())));
        calendar.delete("a");
        assert_eq!(calendar.holder_of("2", None), None);
    }

    #[test]
    fn another_calendar_of_the_same_name_is_another_calendar() {
        let (mut old, mut new) = (Collection::new("work", 1), Collection::new("work", 2));
        assert_ne!(old.put("a", "UID:1"), new.put("a", "UID:1"));
        assert_ne!(old.ctag(), new.ctag());
        assert_eq!(new.known_token(&old.token()), None);
    }
}
