//! The stored data: tenants, people, calendars and events, and requests that should not have been
//! made. No HTTP.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::grants::Grants;
use super::ids;
use super::item::{Item, Left};
use super::registration::PERSONAL_TENANT;
use super::round::Round;
use super::subscription::{Lifecycle, Subscription};

/// Everything.
#[derive(Debug)]
pub(super) struct Records {
    /// By id.
    pub tenants: BTreeMap<String, Tenant>,
    /// By their place, which never changes.
    pub people: Vec<Person>,
    /// By key.
    pub calendars: BTreeMap<u64, Folder>,
    /// By key.
    pub items: BTreeMap<u64, Item>,
    pub grants: Grants,
    /// By id.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// Notifications that have not been made up yet.
    pub unannounced: Vec<Notice>,
    /// Rounds of delta that are read page by page, by the token of the next page.
    pub rounds: HashMap<String, Arc<Round>>,
    /// Mails to guests that a client caused.
    pub mails: u64,
    pub violations: Vec<String>,
    pub without_id_type: u64,
    pub throttled: u64,
    /// PATCH and DELETE of events without `If-Match`.
    pub unconditional: u64,
    /// Occurrences that were restored by a write to their series.
    pub restored: u64,
    pub born: u64,
}

/// Who has to consent in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Every user for himself.
    Users,
    /// The administrator first, for all: the default of work tenants since 2025.
    Administrator,
}

#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub id: String,
    pub domain: String,
    pub policy: Policy,
    /// The administrator has consented for all.
    pub consented: bool,
    pub personal: bool,
}

/// A person in a tenant. A guest is another one, with an `oid` of its own.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub oid: String,
    pub tenant: String,
    pub address: String,
    pub name: String,
    pub administrator: bool,
    pub mailbox: Mailbox,
    /// Keys of the calendars that are seen, in the order of the list.
    pub calendars: Vec<Mount>,
    /// By `transactionId`.
    pub transactions: BTreeMap<String, Transaction>,
    /// What this client was allowed.
    pub consented: BTreeSet<String>,
    /// The number that every grant is refused with.
    pub refused_with: Option<u32>,
    /// Claims that a token must have been asked with.
    pub challenge: Option<String>,
    /// Grants of before are over.
    pub revoked: Option<Timestamp>,
    /// Moments of the requests of the last ten minutes.
    pub requests: VecDeque<Timestamp>,
}

/// What an account is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// A mailbox.
    Here,
    /// None, or one on the company's own server: `MailboxNotEnabledForRESTAPI` with this status
    /// (404, 403 or 401).
    None(u16),
}

/// A calendar in a person's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub calendar: u64,
    pub default: bool,
    pub can_edit: bool,
    pub can_view_private: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transaction {
    pub key: u64,
    pub calendar: u64,
    pub body: String,
}

/// A calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Folder {
    pub key: u64,
    /// The place of its owner.
    pub owner: usize,
    pub name: String,
    /// How often it got another id.
    pub generation: u32,
    /// Keys of its events, without those in Deleted Items.
    pub items: BTreeSet<u64>,
    /// What changed, in order.
    pub log: Vec<Change>,
    /// Sync states of an earlier one are forgotten.
    pub sync_generation: u32,
}

/// A line of a calendar's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub version: u64,
    pub key: u64,
    /// The id that it had, where it left the calendar.
    pub left: Option<Left>,
    /// Only these occurrences were deleted.
    pub lost: Option<Date>,
}

/// What is to be notified.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    /// A change of an event.
    Change { owner: usize, calendar: u64, key: u64, change: &'static str },
    /// Something about a subscription.
    Lifecycle { subscription: Box<Subscription>, event: Lifecycle },
}

impl Default for Records {
    fn default() -> Self {
        let mut records = Self {
            tenants: BTreeMap::new(),
            people: Vec::new(),
            calendars: BTreeMap::new(),
            items: BTreeMap::new(),
            grants: Grants::default(),
            subscriptions: BTreeMap::new(),
            unannounced: Vec::new(),
            rounds: HashMap::new(),
            mails: 0,
            violations: Vec::new(),
            without_id_type: 0,
            throttled: 0,
            unconditional: 0,
            restored: 0,
            born: 0,
        };
        let personal = Tenant {
            id: PERSONAL_TENANT.to_owned(),
            domain: "consumers".to_owned(),
            policy: Policy::Users,
            consented: false,
            personal: true,
        };
        records.tenants.insert(personal.id.clone(), personal);
        records
    }
}

impl Records {
    /// A number that nothing else has.
    pub fn next(&mut self) -> u64 {
        self.born += 1;
        self.born
    }

    /// The id of the tenant of this domain, made where there is none.
    pub fn tenant(&mut self, domain: &str) -> String {
        if let Some(there) = self.tenants.values().find(|tenant| tenant.domain == domain) {
            return there.id.clone();
        }
        let id = ids::uuid(self.next(), 1);
        let tenant = Tenant {
            id: id.clone(),
            domain: domain.to_owned(),
            policy: Policy::Users,
            consented: false,
            personal: false,
        };
        self.tenants.insert(id.clone(), tenant);
        id
    }

    /// The tenant of this id or domain.
    pub fn tenant_named(&self, name: &str) -> Option<&Tenant> {
        self.tenants.values().find(|tenant| tenant.id == name || tenant.domain == name)
    }

    /// A person of this address in a tenant, made with a calendar where there is none.
    pub fn person(&mut self, address: &str, tenant: &str, mailbox: Mailbox) -> usize {
        let found = self
            .people
            .iter()
            .position(|person| person.address == address && person.tenant == tenant);
        if let Some(place) = found {
            return place;
        }
        let local = address.split('@').next().unwrap_or_default();
        let personal = tenant == PERSONAL_TENANT;
        let number = self.next();
        let oid = if personal {
            format!("00000000-0000-0000-{:04x}-{:012x}", 0x1000 + number, 0xabc0_0000 + number)
        } else {
            ids::uuid(number, 2)
        };
        self.people.push(Person {
            oid,
            tenant: tenant.to_owned(),
            address: address.to_owned(),
            name: local.to_owned(),
            administrator: false,
            mailbox,
            calendars: Vec::new(),
            transactions: BTreeMap::new(),
            consented: BTreeSet::new(),
            refused_with: None,
            challenge: None,
            revoked: None,
            requests: VecDeque::new(),
        });
        let place = self.people.len() - 1;
        self.folder(place, "Calendar", true, true);
        place
    }

    /// The key of a person's own calendar of this name, made where there is none.
    pub fn folder(&mut self, owner: usize, name: &str, default: bool, can_edit: bool) -> u64 {
        let found = self.people[owner].calendars.iter().find(|mount| {
            self.calendars
                .get(&mount.calendar)
                .is_some_and(|folder| folder.owner == owner && folder.name == name)
        });
        if let Some(mount) = found {
            return mount.calendar;
        }
        let key = self.next();
        self.calendars.insert(
            key,
            Folder {
                key,
                owner,
                name: name.to_owned(),
                generation: 0,
                items: BTreeSet::new(),
                log: Vec::new(),
                sync_generation: 0,
            },
        );
        self.people[owner].calendars.push(Mount {
            calendar: key,
            default,
            can_edit,
            can_view_private: true,
        });
        key
    }

    /// A calendar in a person's list, by an id of either kind.
    pub fn mount(&self, person: usize, id: &str) -> Option<(&Mount, &Folder)> {
        self.people.get(person)?.calendars.iter().find_map(|mount| {
            let folder = self.calendars.get(&mount.calendar)?;
            let is = |immutable| ids::calendar(folder.key, folder.generation, immutable) == id;
            (is(true) || is(false)).then_some((mount, folder))
        })
    }

    /// The calendar in a person's list that an event is in.
    pub fn mount_of(&self, person: usize, calendar: u64) -> Option<&Mount> {
        self.people.get(person)?.calendars.iter().find(|mount| mount.calendar == calendar)
    }

    /// An item by the id of itself or of an occurrence. One in Deleted Items is found too.
    pub fn item(&self, person: usize, id: &str) -> Option<(&Item, Option<Date>, bool)> {
        let name = ids::EventName::read(id)?;
        let item = self.items.get(&name.key)?;
        let owner = self.calendars.get(&item.calendar)?.owner;
        let seen = owner == person || self.mount_of(person, item.calendar).is_some();
        let current = name.immutable || name.moves == item.moves;
        (seen && current).then_some((item, name.day, name.immutable))
    }

    /// Records a violation of the caller.
    pub fn violation(&mut self, words: impl Into<String>) {
        self.violations.push(words.into());
    }
}
