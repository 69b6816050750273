//! The stored data: accounts, calendars, access rights, and requests that should not have been
//! made. No HTTP.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::collection::{Collection, Sort};
use super::grants::Grants;
use super::quota::Usage;
use crate::rng::Rng;

/// Everything.
#[derive(Debug)]
pub(super) struct Records {
    /// By address.
    pub accounts: BTreeMap<String, Account>,
    /// By id.
    pub calendars: BTreeMap<String, Collection>,
    pub grants: Grants,
    /// By id.
    pub channels: BTreeMap<String, Channel>,
    /// Listings that were not read to their end, by page token.
    pub pages: HashMap<String, Pages>,
    pub usage: Usage,
    /// Mails to guests.
    pub mails: u64,
    /// Events put on guests' calendars, changed or taken away there.
    pub propagated: u64,
    pub violations: Vec<String>,
    pub rng: Rng,
    born: u64,
}

/// One account.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// The calendars that it sees.
    pub list: Vec<Entry>,
    pub list_revision: u64,
}

/// A calendar in an account's list.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub calendar: String,
    pub role: Role,
    pub primary: bool,
    pub hidden: bool,
    pub deleted: bool,
    /// What the person calls it.
    pub renamed: Option<String>,
    pub revision: u64,
}

/// What an account may do in a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees free and busy times only.
    FreeBusyReader,
    /// Sees events; of private ones only when they are.
    Reader,
    /// Writes events.
    Writer,
    /// May also give access to others.
    Owner,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FreeBusyReader => "freeBusyReader",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::FreeBusyReader, Self::Reader, Self::Writer, Self::Owner]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// A channel of notifications.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub id: String,
    pub calendar: String,
    pub account: String,
    pub resource: String,
    pub uri: String,
    pub token: Option<String>,
    pub address: Url,
    pub expires: Timestamp,
    /// The number of its last message.
    pub number: u64,
    /// Whether its `sync` message was sent.
    pub greeted: bool,
}

/// The rest of a listing that is read page by page.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    pub items: Arc<Vec<Value>>,
    /// How many of them were sent.
    pub sent: usize,
    /// All parameters but the page's.
    pub terms: Vec<(String, String)>,
    pub calendar: String,
    pub token: Option<String>,
    /// For a listing by a sync token: the generation that it is of.
    pub generation: Option<u64>,
    pub empty_next: bool,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            accounts: BTreeMap::new(),
            calendars: BTreeMap::new(),
            grants: Grants::default(),
            channels: BTreeMap::new(),
            pages: HashMap::new(),
            usage: Usage::default(),
            mails: 0,
            propagated: 0,
            violations: Vec::new(),
            rng: Rng::new(2026),
            born: 0,
        }
    }
}

impl Records {
    /// Makes an account with its primary calendar, where there is none of this address.
    pub fn account(&mut self, address: &str, now: Timestamp) {
        if !self.accounts.contains_key(address) {
            self.accounts.insert(address.to_owned(), Account::default());
            self.calendar(address, address, Sort::Primary, Role::Owner, now);
        }
    }

    /// The id of a calendar of this title in an account's list, made where there is none.
    pub fn calendar(
        &mut self,
        account: &str,
        title: &str,
        sort: Sort,
        role: Role,
        now: Timestamp,
    ) -> String {
        let found = self.accounts.get(account).into_iter().flat_map(|a| &a.list).find(|entry| {
            self.calendars
                .get(&entry.calendar)
                .is_some_and(|calendar| calendar.title == title && calendar.sort == sort)
        });
        if let Some(entry) = found {
            return entry.calendar.clone();
        }
        self.born += 1;
        let random = self.word(26);
        let role = if sort.pushes() { role } else { role.min(Role::Reader) };
        let id = match sort {
            Sort::Primary => account.to_owned(),
            Sort::Secondary => format!("{random}@group.calendar.google.com"),
            Sort::Resource => format!("c_{random}@resource.calendar.google.com"),
            Sort::Holidays => format!("en.{random}#holiday@group.v.calendar.google.com"),
            Sort::Import => format!("{random}@import.calendar.google.com"),
        };
        self.calendars
            .insert(id.clone(), Collection::new(&id, title, sort, account, self.born, now));
        self.show(account, &id, role);
        id
    }

    /// Puts a calendar in an account's list, or changes what the account may do there. Another role
    /// costs the sync tokens.
    pub fn show(&mut self, account: &str, calendar: &str, role: Role) {
        let mut changed = false;
        self.entry(account, calendar, |entry| {
            changed = (entry.role, entry.deleted) != (role, false);
            (entry.role, entry.deleted) = (role, false);
        });
        if let Some(calendar) = self.calendars.get_mut(calendar).filter(|_| changed) {
            calendar.generation += 1;
        }
    }

    /// Changes an entry of a list, made where there is none.
    pub fn entry(&mut self, account: &str, calendar: &str, change: impl FnOnce(&mut Entry)) {
        let Some(account) = self.accounts.get_mut(account) else { return };
        account.list_revision += 1;
        let primary = self
            .calendars
            .get(calendar)
            .is_some_and(|c| c.sort == Sort::Primary && account.list.is_empty());
        if !account.list.iter().any(|entry| entry.calendar == calendar) {
            let (calendar, role) = (calendar.to_owned(), Role::Reader);
            account.list.push(Entry {
                calendar,
                role,
                primary,
                hidden: false,
                deleted: false,
                renamed: None,
                revision: 0,
            });
        }
        if let Some(entry) = account.list.iter_mut().find(|entry| entry.calendar == calendar) {
            change(entry);
            entry.revision = account.list_revision;
        }
    }

    /// The calendar of this id (`primary` too) and what the account may do there; `None` where it
    /// sees none.
    pub fn seen(&self, account: &str, calendar: &str) -> Option<(&Collection, Role)> {
        let list = &self.accounts.get(account)?.list;
        let entry = list.iter().find(|entry| {
            !entry.deleted
                && (entry.calendar == calendar || (calendar == "primary" && entry.primary))
        })?;
        Some((self.calendars.get(&entry.calendar).filter(|calendar| !calendar.gone)?, entry.role))
    }

    /// Some random letters and digits of base32hex.
    pub fn word(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b"0123456789abcdefghijklmnopqrstuv"[self.rng.below(32)]))
            .collect()
    }

    /// Stores an event in a calendar, where that is there.
    pub fn store(
        &mut self,
        calendar: &str,
        event: Map<String, Value>,
        now: Timestamp,
    ) -> Option<Map<String, Value>> {
        Some(self.calendars.get_mut(calendar)?.store(event, now))
    }

    /// Records a violation of the caller.
    pub fn violation(&mut self, words: impl Into<String>) {
        self.violations.push(words.into());
    }
}
