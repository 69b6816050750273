//! What people did, and what the two calendars may therefore show.
//!
//! Every event carries a number, and every value that a person gives it is used once: so each value says which event it belongs to, and
//! when in the story it was written. Between two moments of rest ("epochs") both people may have edited the same thing, and then either
//! word may stand; what only one of them touched must stand as that one left it.

use std::collections::{BTreeMap, BTreeSet};

/// What of an event is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    Time,
    Title,
    Location,
    /// One occurrence of a series, by its number: cancelled or not.
    Occurrence(u8),
}

/// What one person did to one event since the last rest.
#[derive(Clone, Debug, Default)]
pub struct Doings {
    /// The last value of each aspect, and every one before it.
    pub values: BTreeMap<Aspect, Vec<String>>,
    /// Values that went with the event when it was deleted here; a pass may have carried them over before.
    pub buried: BTreeMap<Aspect, Vec<String>>,
    /// Deleted it.
    pub deleted: bool,
}

/// One event, wherever it stands.
#[derive(Clone, Debug)]
pub struct Fact {
    pub number: u32,
    /// Where it was made: 0 or 1.
    pub side: usize,
    /// The name of its object there.
    pub name: String,
    pub series: bool,
    /// Made since the last rest.
    pub new: bool,
    /// What both sides show since the last rest.
    pub agreed: BTreeMap<Aspect, String>,
    /// Since the last rest, by side.
    pub doings: [Doings; 2],
    /// Every time it ever had: by it a copy is known that shows nothing else.
    pub times: BTreeSet<String>,
    /// One-way: the copy was deleted and stays so.
    pub suppressed: bool,
    /// Gone for good.
    pub over: bool,
}

impl Fact {
    pub fn touched(&self, side: usize) -> bool {
        !self.doings[side].values.is_empty()
    }

    /// Writes an edit down.
    pub fn edit(&mut self, side: usize, aspect: Aspect, value: String) {
        if aspect == Aspect::Time {
            self.times.insert(value.clone());
        }
        self.doings[side].values.entry(aspect).or_default().push(value);
    }

    /// Writes a deletion down.
    pub fn delete(&mut self, side: usize) {
        let doings = &mut self.doings[side];
        doings.deleted = true;
        for (aspect, values) in std::mem::take(&mut doings.values) {
            doings.buried.entry(aspect).or_default().extend(values);
        }
    }

    /// The values that an aspect may have at rest, if both sides are followed.
    pub fn allowed(&self, aspect: Aspect) -> BTreeSet<String> {
        let last: BTreeSet<String> = self.doings.iter().filter_map(|doings| doings.values.get(&aspect)?.last().cloned()).collect();
        let mut allowed = if last.is_empty() { self.agreed.get(&aspect).cloned().into_iter().collect() } else { last };
        allowed.extend(self.doings.iter().filter_map(|doings| doings.buried.get(&aspect)).flatten().cloned());
        // The time of a series and its exceptions are one field: against an exception made by the owner, a copy's move does not stand.
        if aspect == Aspect::Time && self.doings[self.side].values.keys().any(|aspect| matches!(aspect, Aspect::Occurrence(_))) {
            allowed.extend(self.agreed.get(&aspect).cloned());
        }
        allowed
    }

    /// What the owner's side must show if nothing flows back to it.
    pub fn origins_own(&self, aspect: Aspect) -> Option<String> {
        self.doings[self.side].values.get(&aspect).and_then(|values| values.last().cloned()).or_else(|| self.agreed.get(&aspect).cloned())
    }

    /// Whether it may, and whether it must, be there at rest (two-way).
    pub fn fate(&self) -> Fate {
        let [a, b] = &self.doings;
        // A copy that is made, found and deleted by a person before a pass that was killed could note it: nobody can tell that from one that was
        // never made, and it is made (again). Nothing is lost that way.
        if self.new && self.doings[1 - self.side].deleted && !self.doings[self.side].deleted {
            return Fate::Either;
        }
        match (a.deleted, b.deleted) {
            (false, false) => Fate::There,
            (true, true) => Fate::Gone,
            (true, false) if self.touched(1) => Fate::Either,
            (false, true) if self.touched(0) => Fate::Either,
            _ => Fate::Gone,
        }
    }

    /// At rest: what is there is agreed.
    pub fn settle(&mut self, shown: BTreeMap<Aspect, String>) {
        self.agreed = shown;
        self.doings = Default::default();
        self.new = false;
    }
}

/// What may become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    There,
    Gone,
    /// Edited here and deleted there, and the order in which a pass saw the two is not known.
    Either,
}
