//! Changes of the record: each is one moment, is logged for delta, and is notified.

use jiff::Timestamp;
use jiff::civil::Date;

use super::item::{Changed, Item, Left};
use super::state::{Change, Notice, Records};

impl Records {
    /// Stores an event, new or changed.
    pub fn keep(&mut self, mut item: Item, now: Timestamp) -> u64 {
        let is_new = !self.items.contains_key(&item.key);
        let (key, calendar) = (item.key, item.calendar);
        item.version = self.next();
        item.modified = now;
        let deleted = item.deleted;
        self.items.insert(key, item);
        self.log(key, None, None);
        if let Some(folder) = self.calendars.get_mut(&calendar).filter(|_| !deleted) {
            folder.items.insert(key);
        }
        self.notice(key, if is_new { "created" } else { "updated" });
        key
    }

    /// Stores what an occurrence has of its own. The master gets another etag.
    pub fn keep_occurrence(&mut self, key: u64, day: Date, mut changed: Changed, now: Timestamp) {
        let version = self.next();
        (changed.version, changed.modified) = (version, now);
        let Some(item) = self.items.get_mut(&key) else { return };
        item.changed.insert(day, changed);
        (item.version, item.modified) = (version, now);
        self.log(key, None, None);
        self.notice(key, "updated");
    }

    /// Deletes an event, or one occurrence.
    pub fn drop_event(&mut self, key: u64, day: Option<Date>, now: Timestamp) {
        let version = self.next();
        let Some(item) = self.items.get_mut(&key) else { return };
        (item.version, item.modified) = (version, now);
        if let Some(day) = day {
            item.gone.insert(day);
            item.changed.remove(&day);
            self.log(key, None, Some(day));
            self.notice(key, "updated");
            return;
        }
        item.deleted = true;
        let left = left(item);
        let calendar = item.calendar;
        if let Some(folder) = self.calendars.get_mut(&calendar) {
            folder.items.remove(&key);
        }
        self.log(key, Some(left), None);
        self.notice(key, "deleted");
    }

    /// Puts an event from Deleted Items back.
    pub fn undelete(&mut self, key: u64, now: Timestamp) -> bool {
        let Some(mut item) = self.items.get(&key).filter(|item| item.deleted).cloned() else {
            return false;
        };
        item.deleted = false;
        self.keep(item, now);
        true
    }

    /// Moves an event to another calendar of the same mailbox.
    pub fn move_event(&mut self, key: u64, calendar: u64, now: Timestamp) {
        let Some(mut item) = self.items.get(&key).cloned() else { return };
        let was = left(&item);
        if let Some(folder) = self.calendars.get_mut(&item.calendar) {
            folder.items.remove(&key);
        }
        self.log(key, Some(was), None);
        item.moves += 1;
        item.calendar = calendar;
        self.keep(item, now);
    }

    /// The event is away for good.
    pub fn purge(&mut self, key: u64, now: Timestamp) {
        if self.items.get(&key).is_some_and(|item| !item.deleted) {
            self.drop_event(key, None, now);
        }
        self.items.remove(&key);
    }

    /// The event is saved again, as it is.
    pub fn touch(&mut self, key: u64, now: Timestamp) {
        if let Some(mut item) = self.items.get(&key).cloned() {
            let version = self.born + 1;
            for changed in item.changed.values_mut() {
                changed.version = version;
            }
            self.keep(item, now);
        }
    }

    fn log(&mut self, key: u64, left: Option<Left>, lost: Option<Date>) {
        // What happens in Deleted Items is no calendar's change.
        let Some(item) = self.items.get(&key).filter(|item| left.is_some() || !item.deleted) else {
            return;
        };
        let (version, calendar) = (self.born, item.calendar);
        if let Some(folder) = self.calendars.get_mut(&calendar) {
            folder.log.push(Change { version, key, left, lost });
        }
    }

    fn notice(&mut self, key: u64, change: &'static str) {
        let shown = |item: &&Item| !item.deleted || change == "deleted";
        let Some(item) = self.items.get(&key).filter(shown) else { return };
        let calendar = item.calendar;
        let Some(owner) = self.calendars.get(&calendar).map(|folder| folder.owner) else { return };
        self.unannounced.push(Notice::Change { owner, calendar, key, change });
    }
}

fn left(item: &Item) -> Left {
    let whole = item.whole();
    Left { immutable: whole.id(true), regular: whole.id(false) }
}
