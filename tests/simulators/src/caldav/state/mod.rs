//! The stored calendars: their objects, the time of each change, and who has access. No HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::manners::Late;
use super::saved::Saved;
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
    /// Additional paths of calendars, by the name in the path.
    pub shares: BTreeMap<String, Share>,
}

/// An additional path of a calendar.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// The account of the calendar itself, and its name there.
    pub owner: String,
    pub calendar: String,
    /// Whether this path is writable; the calendar itself has to be writable too.
    pub writable: bool,
}

/// One calendar.
#[derive(Clone, Debug)]
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
    /// Names that do not show everywhere yet.
    pub late: BTreeMap<String, Late>,
    /// Deleted objects that are not purged, by UID, each with its name.
    trash: BTreeMap<String, (String, Resource)>,
    resources: BTreeMap<String, Resource>,
    /// UID -> the names that hold it.
    uids: BTreeMap<String, BTreeSet<String>>,
    gone: BTreeMap<String, Gone>,
    /// Revision -> the name that it brought, the newest of each name only.
    log: BTreeMap<u64, String>,
    revision: u64,
    /// The number of the calendar: another calendar of the same name has another number.
    birth: u64,
    /// Tokens of an earlier generation are forgotten.
    generation: u64,
    /// As it was, where that is what is shown of it.
    shown: Option<Box<Collection>>,
}

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub body: Arc<str>,
    pub etag: String,
    pub uid: Option<String>,
    revision: u64,
    /// The revision that made the object, if the name was free before.
    made: u64,
}

/// A name that an object had.
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
        let own =
            if user.contains('@') { user.to_owned() } else { format!("{user}@calendars.example") };
        let account = Account {
            password: password.to_owned(),
            number: 17_000_000 + self.born,
            addresses: vec![own.to_lowercase()],
            calendars: BTreeMap::new(),
            shares: BTreeMap::new(),
        };
        self.accounts.insert(user.to_owned(), account);
    }

    /// Puts what is shown in the place of what is there, and back.
    pub fn exchange_shown(&mut self) {
        for calendar in
            self.accounts.values_mut().flat_map(|account| account.calendars.values_mut())
        {
            if let Some(mut shown) = calendar.shown.take() {
                std::mem::swap(calendar, &mut *shown);
                calendar.shown = Some(shown);
            }
        }
    }

    /// Makes a calendar; `false` where the name is in use, or there is no such account.
    pub fn new_calendar(&mut self, user: &str, name: &str) -> bool {
        self.born += 1;
        let born = self.born;
        match self.accounts.get_mut(user) {
            Some(account)
                if !account.calendars.contains_key(name) && !account.shares.contains_key(name) =>
            {
                account.calendars.insert(name.to_owned(), Collection::new(name, born));
                true
            }
            _ => false,
        }
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
            late: BTreeMap::new(),
            trash: BTreeMap::new(),
            resources: BTreeMap::new(),
            uids: BTreeMap::new(),
            gone: BTreeMap::new(),
            log: BTreeMap::new(),
            revision: 0,
            birth,
            generation: 0,
            shown: None,
        }
    }

    /// As it was saved; `None` where a version in it is none of this simulator's.
    pub fn restored(title: &str, saved: &Saved) -> Option<Self> {
        let versions = |text: &str| {
            let (birth, revision) = text.trim_matches('"').split_once('-')?;
            Some((u64::from_str_radix(birth, 16).ok()?, u64::from_str_radix(revision, 16).ok()?))
        };
        let (birth, last) = versions(&saved.ctag)?;
        let mut calendar = Self::new(title, birth);
        for object in &saved.objects {
            let (_, revision) = versions(&object.etag)
                .filter(|(of, revision)| *of == birth && *revision <= last)?;
            // `put` counts on from here.
            calendar.revision = revision.checked_sub(1)?;
            calendar.put(&object.name, &object.body);
        }
        calendar.revision = last;
        Some(calendar)
    }

    /// Whether reads show the calendar as it is now even after writes, or as it is.
    pub fn stand_still(&mut self, still: bool) {
        self.shown = None;
        self.shown = still.then(|| Box::new(self.clone()));
    }

    pub fn get(&self, name: &str) -> Option<&Resource> {
        self.resources.get(name)
    }

    /// What a read of that name finds.
    pub fn shown(&self, name: &str) -> Option<&Resource> {
        let is_hidden = matches!(self.late.get(name), Some(Late::Unread | Late::Announced));
        self.get(name).filter(|_| !is_hidden)
    }

    /// What a listing finds.
    pub fn listed(&self) -> impl Iterator<Item = (&String, &Resource)> {
        self.resources()
            .filter(|(name, _)| self.late.get(*name).is_none_or(|late| *late == Late::Untold))
    }

    /// Everything shows everywhere, as if it had come just now.
    pub fn catch_up(&mut self) {
        for name in std::mem::take(&mut self.late).into_keys() {
            let revision = self.next(&name);
            if let Some(resource) = self.resources.get_mut(&name) {
                resource.revision = revision;
            }
        }
    }

    pub fn resources(&self) -> impl Iterator<Item = (&String, &Resource)> {
        self.resources.iter()
    }

    /// Stores an object under a name, new or not, and gives its ETag.
    pub fn put(&mut self, name: &str, body: &str) -> String {
        let revision = self.next(name);
        let uid =
            ics::unfold(body).iter().find_map(|line| line.strip_prefix("UID:").map(str::to_owned));
        let etag = format!("\"{:x}-{revision:x}\"", self.birth);
        // The former content is still known to clients that have seen it.
        let made = match (self.resources.get(name), self.gone.remove(name)) {
            (Some(before), _) => before.made,
            (None, Some(gone)) => gone.made,
            (None, None) => revision,
        };
        self.forget_uid(name);
        if let Some(uid) = &uid {
            self.uids.entry(uid.clone()).or_default().insert(name.to_owned());
            self.trash.remove(uid);
        }
        self.resources.insert(
            name.to_owned(),
            Resource { body: body.into(), etag: etag.clone(), uid, revision, made },
        );
        etag
    }

    pub fn set_etag(&mut self, name: &str, etag: &str) {
        if let Some(resource) = self.resources.get_mut(name) {
            etag.clone_into(&mut resource.etag);
        }
    }

    /// Takes an object away; `false` where there is none.
    pub fn delete(&mut self, name: &str) -> bool {
        let Some(made) = self.resources.get(name).map(|r| r.made) else { return false };
        let revision = self.next(name);
        self.forget_uid(name);
        if let Some(resource) = self.resources.remove(name)
            && let Some(uid) = resource.uid.clone()
        {
            self.trash.insert(uid, (name.to_owned(), resource));
        }
        self.unreadable.remove(name);
        self.late.remove(name);
        self.gone.insert(name.to_owned(), Gone { revision, made });
        true
    }

    fn next(&mut self, name: &str) -> u64 {
        self.revision += 1;
        let before = self
            .resources
            .get(name)
            .map(|r| r.revision)
            .or_else(|| self.gone.get(name).map(|g| g.revision));
        if let Some(before) = before {
            self.log.remove(&before);
        }
        self.log.insert(self.revision, name.to_owned());
        self.revision
    }

    /// The object with this UID, other than `name`.
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

    /// Whether an object with this UID is in the trash.
    pub fn in_trash(&self, uid: &str) -> bool {
        self.trash.contains_key(uid)
    }

    /// Restores an object from the trash, with its former name and ETag, as Nextcloud does. `false`
    /// if it is not in the trash or its name is taken.
    pub fn restore(&mut self, uid: &str) -> bool {
        if self.trash.get(uid).is_none_or(|(name, _)| self.resources.contains_key(name)) {
            return false;
        }
        let Some((name, mut resource)) = self.trash.remove(uid) else { return false };
        resource.revision = self.next(&name);
        self.gone.remove(&name);
        self.uids.entry(uid.to_owned()).or_default().insert(name.clone());
        self.resources.insert(name, resource);
        true
    }

    /// Empties the trash.
    pub fn purge(&mut self) {
        self.trash.clear();
    }

    /// A name that the server chooses for the next write.
    pub fn own_name(&self) -> String {
        format!("{:x}-{:04x}.EML", self.birth, self.revision + 1)
    }

    /// The value that changes with every change.
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

    /// The revision of a token; `None` where the token is unknown or no longer known.
    pub fn known_token(&self, token: &str) -> Option<u64> {
        let mut parts = token
            .strip_prefix("urn:token:")?
            .split(':')
            .map(|part| u64::from_str_radix(part, 16).ok());
        let (birth, generation, revision) = (parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none()
            && birth == self.birth
            && generation == self.generation
            && revision <= self.revision)
            .then_some(revision)
    }

    pub fn forget_tokens(&mut self) {
        self.generation += 1;
    }

    /// What changed after a revision, oldest first; every name once.
    pub fn since(&self, revision: u64) -> impl Iterator<Item = Member> {
        let is_named =
            |name: &String| self.late.get(name).is_none_or(|late| *late == Late::Announced);
        self.log.range(revision + 1..).filter(move |(_, name)| is_named(name)).map(
            |(revision, name)| Member {
                name: name.clone(),
                etag: self.shown(name).map(|r| r.etag.clone()),
                revision: *revision,
                made: self
                    .resources
                    .get(name)
                    .map(|r| r.made)
                    .or_else(|| self.gone.get(name).map(|g| g.made))
                    .unwrap_or(*revision),
            },
        )
    }
}

#[cfg(test)]
mod tests;
