//! One event of record: a single one, or a series with its changed and deleted occurrences. No HTTP.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ids::EventName;
use super::recurrence::Rule;
use super::zones::{Wall, known};

/// Extended properties: by their id with type and GUID in lower case, the id as it was sent and the
/// value.
pub(super) type Marks = BTreeMap<String, (String, String)>;

/// Start and end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Times {
    pub start: Wall,
    pub end: Wall,
    pub all_day: bool,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub key: u64,
    /// The key of its calendar.
    pub calendar: u64,
    /// All else that is written, as it is answered.
    pub fields: Map<String, Value>,
    pub marks: Marks,
    pub times: Times,
    pub rule: Option<Rule>,
    /// By the day that the rule gives.
    pub changed: BTreeMap<Date, Changed>,
    pub gone: BTreeSet<Date>,
    /// The moment of its last change, by the mailbox.
    pub version: u64,
    pub created: Timestamp,
    pub modified: Timestamp,
    /// It is in Deleted Items.
    pub deleted: bool,
    /// How often it has been moved.
    pub moves: u32,
}

/// A changed occurrence: what is its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changed {
    pub fields: Map<String, Value>,
    pub marks: Option<Marks>,
    pub times: Option<Times>,
    pub version: u64,
    pub modified: Timestamp,
}

/// The ids of an event that left its calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Left {
    pub immutable: String,
    pub regular: String,
}

/// An event as Graph shows it: a single one, a master, an occurrence or an exception.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    pub item: &'a Item,
    pub day: Option<Date>,
    pub kind: &'static str,
    pub times: Times,
    pub version: u64,
    pub modified: Timestamp,
    /// What an exception has of its own.
    pub own: Option<&'a Changed>,
}

impl Times {
    pub fn from(&self) -> Timestamp {
        self.start.instant()
    }

    pub fn to(&self) -> Timestamp {
        self.end.instant()
    }

    pub fn overlaps(&self, from: Timestamp, to: Timestamp) -> bool {
        let (start, end) = (self.from(), self.to());
        start < to && (end > from || (start == end && start >= from))
    }
}

impl Item {
    pub fn is_series(&self) -> bool {
        self.rule.is_some()
    }

    /// The times of the occurrence of a day.
    pub fn times_on(&self, day: Date) -> Times {
        let Times { start, end, all_day } = &self.times;
        let end = end.within(&start.zone);
        let length = start.at.until((jiff::Unit::Minute, end.at)).unwrap_or_default();
        let begin = day.to_datetime(start.at.time());
        Times {
            start: Wall { at: begin, zone: start.zone.clone() },
            end: Wall { at: begin.saturating_add(length), zone: start.zone.clone() },
            all_day: *all_day,
        }
    }

    /// What the occurrences come from: a write that leaves it as it is keeps exceptions and
    /// deletions.
    pub fn shape(&self) -> (Times, Option<Rule>, jiff::tz::TimeZone) {
        let zone = self.times.start.zone.clone();
        let mut times = self.times_on(self.times.start.at.date());
        times.start.zone.clear();
        times.end.zone.clear();
        (times, self.rule.clone(), known(&zone))
    }

    /// The item itself.
    pub fn whole(&self) -> Seen<'_> {
        Seen {
            item: self,
            day: None,
            kind: if self.is_series() { "seriesMaster" } else { "singleInstance" },
            times: self.times.clone(),
            version: self.version,
            modified: self.modified,
            own: None,
        }
    }

    /// One occurrence, deleted or not, of a day of the rule.
    fn occurrence(&self, day: Date) -> Seen<'_> {
        let own = self.changed.get(&day);
        let times = own.and_then(|own| own.times.clone()).unwrap_or_else(|| self.times_on(day));
        Seen {
            item: self,
            day: Some(day),
            kind: if own.is_some() { "exception" } else { "occurrence" },
            times,
            version: own.map_or(self.version, |own| own.version),
            modified: own.map_or(self.modified, |own| own.modified),
            own,
        }
    }

    /// The item, or its occurrence of a day, where there is one.
    pub fn seen(&self, day: Option<Date>) -> Option<Seen<'_>> {
        let Some(day) = day else { return Some(self.whole()) };
        let there = self.rule.as_ref()?.has(day) && !self.gone.contains(&day);
        there.then(|| self.occurrence(day))
    }

    /// What a view of a range has of it, by start.
    pub fn within(&self, from: Timestamp, to: Timestamp) -> Vec<Seen<'_>> {
        let Some(rule) = &self.rule else {
            let whole = self.whole();
            return if whole.times.overlaps(from, to) { vec![whole] } else { Vec::new() };
        };
        let zone = known(&self.times.start.zone);
        let until = zone.to_datetime(to).date().saturating_add(1.day());
        let length =
            self.times.to().duration_since(self.times.from()) + SignedDuration::from_hours(48);
        let floor = zone.to_datetime(from.checked_sub(length).unwrap_or(Timestamp::MIN)).date();
        let plain = rule.days(until).into_iter().filter(|day| {
            *day >= floor && !self.gone.contains(day) && !self.changed.contains_key(day)
        });
        // An exception may lie far from the day that its rule gives.
        let changed = self.changed.keys().copied().filter(|day| !self.gone.contains(day));
        let mut found: Vec<Seen<'_>> = plain
            .chain(changed)
            .map(|day| self.occurrence(day))
            .filter(|seen| seen.times.overlaps(from, to))
            .collect();
        found.sort_by_cached_key(|seen| seen.times.from());
        found
    }

    /// The days on which the occurrences before and after this one really are.
    pub fn neighbours(&self, day: Date, deleted_too: bool) -> (Option<Date>, Option<Date>) {
        let Some(rule) = &self.rule else { return (None, None) };
        let zone = &self.times.start.zone;
        let actual = |day: Date| self.occurrence(day).times.start.within(zone).at.date();
        let far = day.saturating_add(3.years());
        let days: Vec<Date> = rule
            .days(far)
            .into_iter()
            .filter(|other| *other != day && (deleted_too || !self.gone.contains(other)))
            .collect();
        let before = days.iter().rev().find(|other| **other < day);
        let after = days.iter().find(|other| **other > day);
        (before.map(|day| actual(*day)), after.map(|day| actual(*day)))
    }
}

impl Seen<'_> {
    /// A field, of its own or of the series.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.own.and_then(|own| own.fields.get(name)).or_else(|| self.item.fields.get(name))
    }

    pub fn text(&self, name: &str) -> &str {
        self.field(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn is(&self, name: &str) -> bool {
        self.field(name).is_some_and(|value| value == true)
    }

    /// Its extended properties.
    pub fn marks(&self, inherit: bool) -> Option<&Marks> {
        match (self.day, self.own.and_then(|own| own.marks.as_ref())) {
            (_, Some(marks)) => Some(marks),
            (Some(_), None) if !inherit => None,
            _ => Some(&self.item.marks),
        }
    }

    pub fn name(&self, immutable: bool) -> EventName {
        let moves = if immutable { 0 } else { self.item.moves };
        EventName { key: self.item.key, day: self.day, immutable, moves }
    }

    pub fn id(&self, immutable: bool) -> String {
        self.name(immutable).write()
    }

    pub fn change_key(&self) -> String {
        change_key(self.item.key, self.version)
    }

    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.change_key())
    }
}

fn change_key(key: u64, version: u64) -> String {
    let mut raw = vec![0x22, 0x9b];
    raw.extend(key.to_be_bytes());
    raw.extend(version.to_be_bytes());
    BASE64.encode(&raw)
}

/// The etag of notifications and sparse entries of delta: a longer form, never the event's own.
pub(super) fn wrapped_etag(seen: Option<&Seen<'_>>) -> String {
    let mut raw = vec![0x09, 0, 0, 0];
    if let Some(seen) = seen {
        raw = vec![0x0f, 0, 0, 0, 0x16, 0, 0, 0];
        raw.extend(seen.change_key().bytes());
    }
    format!("W/\"{}\"", BASE64.encode(&raw))
}
