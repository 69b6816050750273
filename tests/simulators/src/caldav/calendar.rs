//! A calendar as its owner uses it: edits made directly on the record, past HTTP, past every fault.

use std::sync::Arc;

use super::manners::Late;
use super::saved::{Object, Saved};
use super::shared::Shared;
use super::state::{Collection, Resource};
use crate::agenda::{Entry, entries};

/// A person's own hand on one calendar. Nothing that is done here is counted, checked, or can fail
/// on the way.
///
/// Methods that need the calendar panic where it is gone: that is a mistake of the test.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub(super) shared: Arc<Shared>,
    pub(super) user: String,
    pub(super) name: String,
}

impl Calendar {
    /// Its name in the path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The href as a listing of the home returns it (without the partition's address).
    pub fn path(&self) -> String {
        self.shared.path_of(&self.user, &self.name)
    }

    /// Puts an object under a name such as `a.ics`, new or not. Lines may end in LF; they are
    /// stored with CRLF. Gives the ETag.
    pub fn put(&self, name: &str, ics: &str) -> String {
        self.plant(name, &crlf(ics))
    }

    /// Stores exactly these characters, without a check.
    pub fn plant(&self, name: &str, body: &str) -> String {
        self.with(|calendar| calendar.put(name, body))
    }

    /// Changes an object, and says whether it was there.
    pub fn edit(&self, name: &str, change: impl FnOnce(&str) -> String) -> bool {
        self.with(|calendar| {
            let Some(body) = calendar.get(name).map(|r| Arc::clone(&r.body)) else { return false };
            calendar.put(name, &crlf(&change(&body)));
            true
        })
    }

    /// Deletes an object, and says whether it was there.
    pub fn delete(&self, name: &str) -> bool {
        self.with(|calendar| calendar.delete(name))
    }

    /// Deletes all objects. A sync-collection reports each of them as removed.
    pub fn clear(&self) {
        self.with(|calendar| {
            let names: Vec<String> = calendar.resources().map(|(name, _)| name.clone()).collect();
            names.iter().for_each(|name| {
                calendar.delete(name);
            });
        });
    }

    /// The object with this name.
    pub fn get(&self, name: &str) -> Option<String> {
        self.with(|calendar| calendar.get(name).map(|r| r.body.to_string()))
    }

    /// The ETag of the object with this name.
    pub fn etag(&self, name: &str) -> Option<String> {
        self.with(|calendar| calendar.get(name).map(|r| r.etag.clone()))
    }

    /// Gives the object of this name another ETag, as on a server whose ETags follow from the
    /// content.
    pub fn set_etag(&self, name: &str, etag: &str) {
        self.with(|calendar| calendar.set_etag(name, etag));
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.with(|calendar| calendar.resources().map(|(name, _)| name.clone()).collect())
    }

    /// All objects with their names, sorted by name.
    pub fn objects(&self) -> Vec<(String, String)> {
        self.with(|calendar| {
            calendar.resources().map(|(name, r)| (name.clone(), r.body.to_string())).collect()
        })
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.with(|calendar| calendar.resources().count())
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a person sees: one entry an event or exception, by time and title. What cannot be read
    /// is left out.
    pub fn agenda(&self) -> Vec<Entry> {
        entries(self.objects())
    }

    /// The name of the first object in which this text occurs.
    pub fn find(&self, text: &str) -> Option<String> {
        self.with(|calendar| {
            calendar.resources().find(|(_, r)| r.body.contains(text)).map(|(name, _)| name.clone())
        })
    }

    /// The current ctag: an equal ctag before and after means that nothing was written.
    pub fn ctag(&self) -> String {
        self.with(|calendar| calendar.ctag())
    }

    /// Every object gets a new ETag, and none changes: all is listed as changed.
    pub fn touch_all(&self) {
        self.with(|calendar| {
            let all: Vec<_> =
                calendar.resources().map(|(name, r)| (name.clone(), Arc::clone(&r.body))).collect();
            for (name, body) in all {
                calendar.put(&name, &body);
            }
        });
    }

    /// Every read and every listing shows it as it is now, even after writes, as a replica
    /// does that is behind; or no longer.
    pub fn stand_still(&self, still: bool) {
        self.with(|calendar| calendar.stand_still(still));
    }

    /// All sync tokens issued so far are forgotten; [`super::Manners::lost_token`] says what they
    /// meet.
    pub fn forget_tokens(&self) {
        self.with(Collection::forget_tokens);
    }

    /// Whether the account may write here. Of a share: whether it may write under this path.
    pub fn set_writable(&self, writable: bool) {
        let mut records = self.shared.records();
        let share = records
            .accounts
            .get_mut(&self.user)
            .and_then(|account| account.shares.get_mut(&self.name));
        if let Some(share) = share {
            share.writable = writable;
            return;
        }
        drop(records);
        self.with(|calendar| calendar.writable = writable);
    }

    /// Gives this calendar an additional path, in the home of any account. All paths show the same
    /// objects, ETags, ctag and sync tokens.
    ///
    /// # Panics
    /// Where there is no such account, or the name is taken there.
    pub fn share(&self, user: &str, name: &str) -> Self {
        let mut records = self.shared.records();
        let (owner, calendar) = records.owner_of(&self.user, &self.name);
        let (owner, calendar) = (owner.to_owned(), calendar.to_owned());
        assert!(
            records.share(&owner, &calendar, user, name),
            "the account {user} is there, and has no calendar {name}"
        );
        drop(records);
        Self { shared: Arc::clone(&self.shared), user: user.to_owned(), name: name.to_owned() }
    }

    /// The share of this calendar in the home of this account, if there is one of this name.
    pub fn shared(&self, user: &str, name: &str) -> Option<Self> {
        let records = self.shared.records();
        let own = records.owner_of(&self.user, &self.name);
        records
            .share_of(user, name)
            .filter(|share| (share.owner.as_str(), share.calendar.as_str()) == own)?;
        Some(Self {
            shared: Arc::clone(&self.shared),
            user: user.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Restores an object from the trash, with its former name and ETag. Returns whether it was in
    /// the trash.
    pub fn restore(&self, uid: &str) -> bool {
        self.with(|calendar| calendar.restore(uid))
    }

    /// Empties the trash: its UIDs are accepted again.
    pub fn purge_trash(&self) {
        self.with(Collection::purge);
    }

    /// Has an object show late, in this way.
    pub fn delay(&self, name: &str, late: Late) {
        self.with(|calendar| calendar.late.insert(name.to_owned(), late));
    }

    /// What shows late ([`super::Manners::late`], [`Self::delay`]) shows everywhere.
    pub fn catch_up(&self) {
        self.with(Collection::catch_up);
    }

    /// Its title.
    pub fn set_title(&self, title: &str) {
        self.with(|calendar| title.clone_into(&mut calendar.title));
    }

    /// Its `calendar-timezone`: a whole VCALENDAR with one VTIMEZONE.
    pub fn set_timezone(&self, ics: &str) {
        self.with(|calendar| calendar.timezone = Some(crlf(ics)));
    }

    /// Whether the calendar answers 404 from now on; its content is kept.
    pub fn set_hidden(&self, hidden: bool) {
        self.with(|calendar| calendar.hidden = hidden);
    }

    /// calendar-multiget finds nothing under this name, though everything else does; or finds it
    /// again.
    pub fn set_unreadable(&self, name: &str, unreadable: bool) {
        self.with(|calendar| {
            if unreadable {
                calendar.unreadable.insert(name.to_owned())
            } else {
                calendar.unreadable.remove(name)
            }
        });
    }

    /// The calendar is deleted for good, with all objects in it. Of a share, only the additional
    /// path is removed.
    pub fn remove(&self) {
        let mut records = self.shared.records();
        if let Some(account) = records.accounts.get_mut(&self.user)
            && account.shares.remove(&self.name).is_none()
        {
            account.calendars.remove(&self.name);
        }
    }

    /// Replaces the calendar by an empty one of the same name, which knows no sync token of the old
    /// one and has another ctag.
    pub fn replace(&self) {
        self.remove();
        self.shared.records().new_calendar(&self.user, &self.name);
    }

    #[track_caller]
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Collection) -> T) -> T {
        let mut records = self.shared.records();
        let calendar = records.collection_mut(&self.user, &self.name);
        work(calendar.expect("the calendar exists while the test edits it"))
    }

    /// Writes the calendar down.
    pub fn saved(&self) -> Saved {
        self.with(|calendar| {
            let object = |(name, r): (&String, &Resource)| Object {
                name: name.clone(),
                etag: r.etag.clone(),
                body: r.body.to_string(),
            };
            Saved { ctag: calendar.ctag(), objects: calendar.resources().map(object).collect() }
        })
    }

    /// Puts back what was written down, in the place of everything that the calendar holds. What
    /// was deleted before is not remembered.
    ///
    /// # Panics
    /// Where the ctag or an ETag is none that this server gives.
    pub fn put_back(&self, saved: &Saved) {
        self.with(|calendar| {
            let title = calendar.title.clone();
            let restored = Collection::restored(&title, saved);
            *calendar = restored.expect("a ctag and ETags of this server");
        });
    }
}

/// The text with every line ended by CRLF.
pub fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}
