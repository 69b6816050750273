//! One calendar under several paths: twice in its owner's home, or also in the home of another
//! account. All paths show the same objects, ETags, ctag and sync tokens.

use super::state::{Collection, Records, Share};

impl Records {
    /// Adds a path; `false` if the name is taken there, or there is no such account.
    pub fn share(&mut self, owner: &str, calendar: &str, user: &str, name: &str) -> bool {
        let Some(account) = self.accounts.get_mut(user) else { return false };
        let share =
            Share { owner: owner.to_owned(), calendar: calendar.to_owned(), writable: true };
        !account.calendars.contains_key(name)
            && account.shares.insert(name.to_owned(), share).is_none()
    }

    pub fn share_of(&self, user: &str, name: &str) -> Option<&Share> {
        self.accounts.get(user)?.shares.get(name)
    }

    /// The account and name of the calendar itself: of a share those of the original.
    pub fn owner_of<'a>(&'a self, user: &'a str, name: &'a str) -> (&'a str, &'a str) {
        self.share_of(user, name).map_or((user, name), |share| (&share.owner, &share.calendar))
    }

    /// The calendar of this name, hidden or not.
    pub fn collection_mut(&mut self, user: &str, name: &str) -> Option<&mut Collection> {
        let (owner, calendar) = self.owner_of(user, name);
        let (owner, calendar) = (owner.to_owned(), calendar.to_owned());
        self.accounts.get_mut(&owner)?.calendars.get_mut(&calendar)
    }

    /// A calendar that is not hidden.
    pub fn visible(&self, user: &str, name: &str) -> Option<&Collection> {
        let (owner, calendar) = self.owner_of(user, name);
        self.accounts.get(owner)?.calendars.get(calendar).filter(|c| !c.hidden)
    }

    pub fn visible_mut(&mut self, user: &str, name: &str) -> Option<&mut Collection> {
        self.collection_mut(user, name).filter(|c| !c.hidden)
    }

    /// Whether a calendar may be written to under this path.
    pub fn writable(&self, user: &str, name: &str) -> bool {
        self.visible(user, name).is_some_and(|c| c.writable)
            && self.share_of(user, name).is_none_or(|share| share.writable)
    }

    /// The names of all calendars in a home that are not hidden, sorted.
    pub fn names_in(&self, user: &str) -> Option<Vec<String>> {
        let account = self.accounts.get(user)?;
        let mut names: Vec<String> =
            account.calendars.keys().chain(account.shares.keys()).cloned().collect();
        names.retain(|name| self.visible(user, name).is_some());
        names.sort();
        Some(names)
    }
}
