//! One calendar of record: its events, what changed when, and the sync tokens over that. No HTTP.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::event::{instance, is_cancelled, tombstone};
use super::saved::Saved;
use super::series;
use super::times::{When, stored, to_the_millisecond};

/// What kind of calendar it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The account's own, whose id is its address.
    Primary,
    /// A further calendar of a user (`…@group.calendar.google.com`).
    Secondary,
    /// A room or another resource (`…@resource.calendar.google.com`).
    Resource,
    /// Holidays or contacts' birthdays (`…@group.v.calendar.google.com`): read-only, and without
    /// notifications.
    Holidays,
    /// A subscribed calendar of another server (`…@import.calendar.google.com`): likewise.
    Import,
}

impl Sort {
    /// Whether a channel can be made.
    pub(super) fn pushes(self) -> bool {
        !matches!(self, Self::Holidays | Self::Import)
    }
}

/// One calendar.
#[derive(Debug)]
pub(super) struct Collection {
    pub id: String,
    pub title: String,
    pub zone: String,
    pub sort: Sort,
    /// The account that it belongs to.
    pub owner: String,
    /// Answers 404 for the time being.
    pub gone: bool,
    pub revision: u64,
    /// How many changes were not notified yet.
    pub unannounced: u64,
    pub updated: Timestamp,
    /// Ids of imported events: copies that no other calendar has.
    pub private: BTreeSet<String>,
    events: BTreeMap<String, Stored>,
    /// Revision -> the id that it brought, the newest of each id only.
    log: BTreeMap<u64, String>,
    birth: u64,
    /// Tokens of an earlier generation are forgotten.
    pub generation: u64,
}

/// One event, living or deleted.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub event: Map<String, Value>,
    pub revision: u64,
}

impl Collection {
    pub fn new(id: &str, title: &str, sort: Sort, owner: &str, birth: u64, now: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            zone: "Europe/Tallinn".to_owned(),
            sort,
            owner: owner.to_owned(),
            gone: false,
            revision: 0,
            unannounced: 0,
            updated: now,
            private: BTreeSet::new(),
            events: BTreeMap::new(),
            log: BTreeMap::new(),
            birth,
            generation: 0,
        }
    }

    /// As it was written down, in its own place; `None` where that is none of our calendars.
    pub fn restored(&self, saved: &Saved) -> Option<Self> {
        let mut calendar =
            Self::new(&self.id, &self.title, self.sort, &self.owner, saved.birth, self.updated);
        (calendar.revision, calendar.generation) = (saved.revision, saved.generation);
        calendar.private.clone_from(&saved.private);
        for event in &saved.events {
            let id = event.get("id")?.as_str()?.to_owned();
            let number: u64 = event.get("etag")?.as_str()?.trim_matches('"').parse().ok()?;
            let revision = number.checked_sub(calendar.number(0))? / 2;
            calendar.log.insert(revision, id.clone());
            calendar.events.insert(id, Stored { event: event.clone(), revision });
        }
        Some(calendar)
    }

    /// As it is written down.
    pub fn saved(&self) -> Saved {
        let events = self.events.values().map(|stored| stored.event.clone()).collect();
        Saved {
            birth: self.birth,
            revision: self.revision,
            generation: self.generation,
            private: self.private.clone(),
            events,
        }
    }

    pub fn get(&self, id: &str) -> Option<&Map<String, Value>> {
        self.events.get(id).map(|stored| &stored.event)
    }

    /// A living event of this id, or a living occurrence of a series, touched or not.
    pub fn living(&self, id: &str) -> Option<Map<String, Value>> {
        self.found(id).filter(|event| !is_cancelled(event))
    }

    /// The event with this id, deleted or not, or an occurrence.
    pub fn found(&self, id: &str) -> Option<Map<String, Value>> {
        if let Some(event) = self.get(id) {
            return Some(event.clone());
        }
        let (master, stamp) = series::of_instance(id)?;
        let master =
            self.get(master).filter(|master| !is_cancelled(master) && series::is_series(master))?;
        let mut event = instance(master, &series::occurrence(master, stamp)?);
        event.insert("etag".into(), master.get("etag").cloned().unwrap_or_default());
        Some(event)
    }

    pub fn events(&self) -> impl Iterator<Item = &Stored> {
        self.events.values()
    }

    /// The exceptions of a series, cancelled ones too.
    pub fn exceptions<'a>(
        &'a self,
        master: &'a str,
    ) -> impl Iterator<Item = &'a Map<String, Value>> {
        let prefix = format!("{master}_");
        self.events
            .range(prefix.clone()..)
            .take_while(move |(id, _)| id.starts_with(&prefix))
            .map(|(_, stored)| &stored.event)
            .filter(move |event| event.get("recurringEventId").is_some_and(|id| id == master))
    }

    /// Stores a valid event, new or not, and returns the stored one.
    pub fn store(&mut self, mut event: Map<String, Value>, now: Timestamp) -> Map<String, Value> {
        let id = event.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let revision = self.next(&id, now);
        let before = self.events.get(&id).map(|stored| &stored.event);
        let moved = before.is_some_and(|old| {
            ["start", "end", "recurrence"].iter().any(|name| old.get(*name) != event.get(*name))
        });
        let sequence = |event: Option<&Map<String, Value>>| event?.get("sequence")?.as_i64();
        let last = sequence(before).max(sequence(Some(&event))).unwrap_or_default();
        event.insert("sequence".into(), json!(last + i64::from(moved)));
        event.insert("kind".into(), json!("calendar#event"));
        event.insert("etag".into(), json!(self.etag(revision)));
        let only_reminders = before.is_some_and(|old| {
            let heart = |event: &Map<String, Value>| {
                let mut event = event.clone();
                ["reminders", "etag", "updated", "sequence"]
                    .iter()
                    .for_each(|name| drop(event.remove(*name)));
                event
            };
            heart(old) == heart(&event)
        });
        if !only_reminders || !event.contains_key("updated") {
            event.insert("updated".into(), json!(to_the_millisecond(now)));
        }
        event.entry("created").or_insert_with(|| json!(to_the_millisecond(now)));
        self.events.insert(id, Stored { event: event.clone(), revision });
        event
    }

    /// Takes an event away; its id stays taken. `false` where there is none.
    pub fn remove(&mut self, id: &str, now: Timestamp, with_exceptions: bool) -> bool {
        let Some(event) = self.living(id) else { return false };
        let exceptions: Vec<String> =
            self.exceptions(id).filter_map(|e| e["id"].as_str().map(str::to_owned)).collect();
        for exception in exceptions {
            if with_exceptions {
                self.bury(&exception, now);
            } else {
                self.forget(&exception);
            }
        }
        if !self.events.contains_key(id) {
            self.events.insert(id.to_owned(), Stored { event, revision: 0 });
        }
        self.bury(id, now);
        true
    }

    fn bury(&mut self, id: &str, now: Timestamp) {
        let revision = self.next(id, now);
        let etag = self.etag(revision);
        if let Some(stored) = self.events.get_mut(id) {
            stored.event.insert("status".into(), json!("cancelled"));
            stored.event.insert("etag".into(), json!(etag));
            stored.event.insert("updated".into(), json!(to_the_millisecond(now)));
            stored.revision = revision;
        }
    }

    /// An exception that is removed as if it had never existed: no notification is sent.
    fn forget(&mut self, id: &str) {
        if let Some(stored) = self.events.remove(id) {
            self.log.remove(&stored.revision);
        }
    }

    /// All exceptions of a series are gone, as after a change of its start or its rule.
    pub fn discard_exceptions(&mut self, master: &str) {
        let all: Vec<String> =
            self.exceptions(master).filter_map(|e| e["id"].as_str().map(str::to_owned)).collect();
        all.iter().for_each(|id| self.forget(id));
    }

    fn next(&mut self, id: &str, now: Timestamp) -> u64 {
        self.revision += 1;
        self.unannounced += 1;
        self.updated = now;
        if let Some(before) = self.events.get(id) {
            self.log.remove(&before.revision);
        }
        self.log.insert(self.revision, id.to_owned());
        self.revision
    }

    /// Quotes belong to it.
    fn etag(&self, revision: u64) -> String {
        format!("\"{}\"", self.number(revision))
    }

    fn number(&self, revision: u64) -> u64 {
        3_500_000_000_000_000 + self.birth * 10_000_000 + revision * 2
    }

    pub fn own_etag(&self) -> String {
        format!("\"p{:x}g{:x}\"", 0x3f00_0000 + self.birth, self.revision)
    }

    /// The ids that changed after a revision, oldest change first.
    pub fn since(&self, revision: u64) -> Vec<String> {
        self.log.range(revision + 1..).map(|(_, id)| id.clone()).collect()
    }

    /// A sync token of that revision, for listings with these parameters. It ends in `=`, as
    /// Google's do.
    pub fn token(&self, revision: u64, terms: &str) -> String {
        let plain = format!("C{:x}.{:x}.{:x}.{terms}", self.birth, self.generation, revision);
        // The length is chosen so that there is padding: a client that does not encode it in a
        // query loses it.
        let plain = if plain.len() % 3 == 0 { format!("{plain} ") } else { plain };
        BASE64.encode(plain.as_bytes())
    }

    /// The revision and the parameters of a token; `None` where it is not known (any more).
    pub fn known_token(&self, token: &str) -> Option<(u64, String)> {
        let plain = String::from_utf8(BASE64.decode(token.as_bytes()).ok()?).ok()?;
        let mut parts = plain.trim_end().strip_prefix('C')?.splitn(4, '.');
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        let (birth, generation, revision) = (number()?, number()?, number()?);
        let known =
            birth == self.birth && generation == self.generation && revision <= self.revision;
        known.then(|| (revision, parts.next().unwrap_or_default().to_owned()))
    }

    /// All living occurrences before that time: events of their own, and those of series with their
    /// exceptions in place.
    pub fn expanded(&self, before: Timestamp) -> Vec<Map<String, Value>> {
        let mut all = Vec::new();
        for Stored { event, .. } in self.events() {
            if is_cancelled(event) {
                continue;
            }
            if !series::is_series(event) {
                all.push(event.clone());
                continue;
            }
            let id = event["id"].as_str().unwrap_or_default();
            for start in series::starts(event, before) {
                if !self.events.contains_key(&format!("{id}_{}", start.stamp())) {
                    let mut one = instance(event, &start);
                    one.insert("etag".into(), event["etag"].clone());
                    all.push(one);
                }
            }
        }
        all.retain(|event| self.start(event).is_some_and(|start| start < before));
        all.sort_by_cached_key(|event| {
            (self.start(event), event["id"].as_str().map(str::to_owned))
        });
        all
    }

    /// The organizer of new events.
    pub fn organizer(&self) -> Value {
        match self.sort {
            Sort::Primary => json!({"email": self.id, "self": true}),
            _ => json!({"email": self.id, "displayName": self.title, "self": true}),
        }
    }

    /// Whether an event is a copy that no other calendar has.
    pub fn is_private(&self, event: &Map<String, Value>) -> bool {
        event.get("id").and_then(Value::as_str).is_some_and(|id| self.private.contains(id))
    }

    /// Whether the owner of this calendar organizes an event, or has it for himself.
    pub fn organizes(&self, event: &Map<String, Value>) -> bool {
        let organizer = event.get("organizer").and_then(|o| o["email"].as_str());
        organizer.is_none_or(|email| email == self.id)
            || self.is_private(event)
            || event.get("guestsCanModify").is_some_and(|may| may == true)
    }

    /// Says of each attendee whether it is the organizer, and whether this calendar's owner.
    pub fn mark(&self, event: &mut Map<String, Value>) {
        let organizer = event.get("organizer").and_then(|o| o["email"].as_str()).map(str::to_owned);
        for attendee in
            event.get_mut("attendees").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let Some(attendee) = attendee.as_object_mut() else { continue };
            let email =
                attendee.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
            for (name, is) in [
                ("self", email.eq_ignore_ascii_case(&self.id)),
                ("organizer", organizer.as_ref() == Some(&email)),
            ] {
                if is {
                    attendee.insert(name.into(), json!(true))
                } else {
                    attendee.remove(name)
                };
            }
        }
    }

    /// When an event starts.
    pub fn start(&self, event: &Map<String, Value>) -> Option<Timestamp> {
        stored(event, "start").map(|start| start.instant(&self.zone))
    }

    /// When it ends.
    pub fn end(&self, event: &Map<String, Value>) -> Option<Timestamp> {
        stored(event, "end").map(|end| end.instant(&self.zone))
    }

    /// An event as it is shown, with its times in this zone.
    pub fn view(&self, event: &Map<String, Value>, zone: &str) -> Map<String, Value> {
        let mut shown = if is_cancelled(event) { tombstone(event) } else { event.clone() };
        for name in ["start", "end", "originalStartTime"] {
            if let Some(when) = stored(&shown, name).filter(|when| matches!(when, When::At { .. }))
            {
                shown.insert(name.to_owned(), when.write(zone));
            }
        }
        shown
    }

    /// The ids of all exceptions whose occurrence is none of the rule's any more.
    pub fn astray(&self, master: &Map<String, Value>) -> BTreeSet<String> {
        let id = master["id"].as_str().unwrap_or_default();
        let stray = |exception: &&Map<String, Value>| {
            let own = exception["id"].as_str().unwrap_or_default();
            series::of_instance(own)
                .is_none_or(|(_, stamp)| series::occurrence(master, stamp).is_none())
        };
        self.exceptions(id)
            .filter(stray)
            .filter_map(|e| e["id"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn forget_all(&mut self, ids: &BTreeSet<String>) {
        ids.iter().for_each(|id| self.forget(id));
    }
}
