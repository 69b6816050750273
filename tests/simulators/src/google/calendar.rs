//! A calendar as its owner uses it: edits made directly on the record, past HTTP, past every fault
//! and quota.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::collection::{Collection, Stored};
use super::event::{is_cancelled, merge, settle};
use super::saved::Saved;
use super::shared::Shared;

/// A person's own hand on one calendar. Nothing that is done here is counted, costs quota, or can
/// fail on the way; everything is pushed.
///
/// Methods that need the calendar panic where it is gone, and for an event that no calendar could
/// show: that is a mistake of the test.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub(super) shared: Arc<Shared>,
    pub(super) id: String,
}

impl Calendar {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Puts an event under an id such as `lunch1`, new or in place of an existing one. Any field of
    /// the Event resource may be given. Returns the ETag.
    pub fn put(&self, id: &str, event: Value) -> String {
        let Value::Object(mut event) = event else { panic!("an event is an object") };
        for name in ["id", "kind", "etag"] {
            event.remove(name);
        }
        event.insert("id".into(), json!(id));
        event.entry("iCalUID").or_insert_with(|| json!(format!("{id}@google.com")));
        self.keep(event)
    }

    /// Puts a new event, and gives the id that it got.
    pub fn add(&self, event: Value) -> String {
        let id = self.shared.write(|records| records.word(26));
        self.put(&id, event);
        id
    }

    /// Changes an event, or one occurrence of a series (`<id>_<stamp>`), as PATCH does, and says
    /// whether it was there.
    pub fn patch(&self, id: &str, change: Value) -> bool {
        let Some(mut event) = self.with(|calendar| calendar.living(id)) else { return false };
        let Value::Object(change) = change else { panic!("a change is an object") };
        merge(&mut event, &change);
        self.keep(event);
        true
    }

    /// Deletes an event, or cancels one occurrence of a series, and says whether it was there.
    pub fn remove(&self, id: &str) -> bool {
        let (now, buries) = (self.shared.clock.now(), self.shared.manners().buries_exceptions);
        self.with(|calendar| calendar.remove(id, now, buries))
    }

    /// Moves an event to another calendar: it keeps its id there, and leaves a tombstone here. Says
    /// whether it was there.
    pub fn move_to(&self, other: &Self, id: &str) -> bool {
        let Some(mut event) = self.with(|calendar| calendar.living(id)) else { return false };
        event.remove("organizer");
        self.remove(id);
        other.keep(event);
        true
    }

    /// Duplicates an event, or a series with its exceptions, under another id. The duplicate keeps
    /// all fields, its extended properties among them, and gets another iCalUID. Returns whether
    /// the event was there.
    pub fn duplicate(&self, id: &str, new: &str) -> bool {
        let Some(mut event) = self.with(|calendar| calendar.living(id)) else { return false };
        let exceptions: Vec<Map<String, Value>> =
            self.with(|calendar| calendar.exceptions(id).cloned().collect());
        for name in ["iCalUID", "etag", "created", "updated", "sequence"] {
            event.remove(name);
        }
        self.put(new, Value::Object(event));
        for exception in exceptions {
            let stamp = exception["id"]
                .as_str()
                .unwrap_or_default()
                .rsplit('_')
                .next()
                .unwrap_or_default()
                .to_owned();
            let occurrence = format!("{new}_{stamp}");
            if is_cancelled(&exception) {
                self.remove(&occurrence);
                continue;
            }
            let own =
                ["id", "iCalUID", "etag", "recurringEventId", "created", "updated", "sequence"];
            let change =
                exception.into_iter().filter(|(name, _)| !own.contains(&name.as_str())).collect();
            self.patch(&occurrence, Value::Object(change));
        }
        true
    }

    /// Cuts a series before the occurrence with this id: the old one ends, a new one takes over
    /// with these changes. Gives the new id.
    pub fn split(&self, id: &str, occurrence: &str, change: Value) -> String {
        let first = self.get(occurrence).expect("the occurrence exists while the test cuts there");
        let mut rest = self.get(id).expect("the series exists while the test cuts it");
        let stamp = occurrence.rsplit('_').next().unwrap_or_default();
        let until = match super::times::stored(as_map(&first), "originalStartTime") {
            Some(super::times::When::At { instant, .. }) => (instant
                - jiff::SignedDuration::from_secs(1))
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string(),
            _ => stamp
                .parse::<jiff::civil::Date>()
                .and_then(|day| day.yesterday())
                .map(|day| day.strftime("%Y%m%d").to_string())
                .expect("a day"),
        };
        let rule = rest["recurrence"][0].as_str().unwrap_or_default().to_owned();
        assert!(!rule.contains("COUNT"), "a series with COUNT is not cut here");
        let kept: Vec<&str> = rule.split(';').filter(|part| !part.starts_with("UNTIL=")).collect();
        let exceptions: Vec<Value> =
            self.items().into_iter().filter(|item| item["recurringEventId"] == id).collect();
        self.patch(id, json!({"recurrence": [format!("{};UNTIL={until}", kept.join(";"))]}));
        // What had been changed before the cut stays so.
        for exception in exceptions.iter().filter(|item| item["id"].as_str() < Some(occurrence)) {
            let name = exception["id"].as_str().unwrap_or_default();
            if exception["status"] == "cancelled" {
                self.remove(name)
            } else {
                self.patch(name, exception.clone())
            };
        }
        let new = format!("{id}_R{stamp}");
        for name in ["start", "end"] {
            rest[name] = first[name].clone();
        }
        if let (Value::Object(rest), Value::Object(change)) = (&mut rest, &change) {
            rest.remove("iCalUID");
            merge(rest, change);
        }
        self.put(&new, rest);
        new
    }

    /// The event with this id: an event, an occurrence of a series, or a tombstone. Times are in
    /// the calendar's zone.
    pub fn get(&self, id: &str) -> Option<Value> {
        self.with(|calendar| {
            calendar
                .found(id)
                .map(|event| Value::Object(calendar.view(&event, &calendar.zone.clone())))
        })
    }

    /// The ETag of the event with this id.
    pub fn etag(&self, id: &str) -> Option<String> {
        self.get(id)?["etag"].as_str().map(str::to_owned)
    }

    /// What a full listing shows: events, series, changed and cancelled occurrences, by id. No
    /// deleted events.
    pub fn items(&self) -> Vec<Value> {
        self.with(|calendar| {
            let shown = |event: &&Map<String, Value>| {
                !is_cancelled(event) || event.contains_key("recurringEventId")
            };
            let zone = calendar.zone.clone();
            calendar
                .events()
                .map(|Stored { event, .. }| event)
                .filter(shown)
                .map(|event| Value::Object(calendar.view(event, &zone)))
                .collect()
        })
    }

    /// How many living events there are; changed occurrences are events, cancelled ones are none.
    pub fn len(&self) -> usize {
        self.items().iter().filter(|item| item["status"] != "cancelled").count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first living event with this title.
    pub fn find(&self, title: &str) -> Option<Value> {
        self.items().into_iter().find(|item| item["summary"] == title)
    }

    /// What a person sees between these times: every occurrence by itself, by start.
    pub fn occurrences(&self, from: Timestamp, to: Timestamp) -> Vec<Value> {
        self.with(|calendar| {
            let (zone, mut all) = (calendar.zone.clone(), calendar.expanded(to));
            all.retain(|event| calendar.end(event).is_some_and(|end| end > from));
            all.iter().map(|event| Value::Object(calendar.view(event, &zone))).collect()
        })
    }

    /// The event as text: `2026-03-10T08:00:00Z - 2026-03-10T09:00:00Z  Title  @ Place  [private]`,
    /// days for all-day events.
    pub fn agenda(&self, from: Timestamp, to: Timestamp) -> Vec<String> {
        let line = |event: &Value| {
            let text = |name: &str| event[name].as_str().unwrap_or_default();
            let time =
                |name: &str| match event[name]["dateTime"].as_str().and_then(super::times::instant)
                {
                    Some(instant) => instant.to_string(),
                    None => event[name]["date"].as_str().unwrap_or_default().to_owned(),
                };
            let mut line = format!("{} - {}  {}", time("start"), time("end"), text("summary"));
            if !text("location").is_empty() {
                line += &format!("  @ {}", text("location"));
            }
            for name in ["visibility", "transparency"] {
                if !text(name).is_empty() {
                    line += &format!("  [{}]", text(name));
                }
            }
            line
        };
        self.occurrences(from, to).iter().map(line).collect()
    }

    /// Deletes all events.
    pub fn clear(&self) {
        for item in self.items() {
            self.remove(item["id"].as_str().unwrap_or_default());
        }
    }

    /// The revision: an equal revision before and after means that nothing was written.
    pub fn revision(&self) -> u64 {
        self.with(|calendar| calendar.revision)
    }

    /// Every event gets a new ETag, and none changes: all is listed as changed.
    pub fn touch_all(&self) {
        let now = self.shared.clock.now();
        self.with(|calendar| {
            let all: Vec<_> = calendar
                .events()
                .map(|stored| stored.event.clone())
                .filter(|event| !is_cancelled(event))
                .collect();
            for event in all {
                calendar.store(event, now);
            }
        });
    }

    /// All sync tokens issued so far are forgotten, and the pages of listings by one: 410.
    pub fn forget_tokens(&self) {
        self.with(|calendar| calendar.generation += 1);
    }

    /// Its time zone.
    pub fn set_zone(&self, name: &str) {
        assert!(super::times::zone(name).is_some(), "a zone of the IANA's");
        self.with(|calendar| name.clone_into(&mut calendar.zone));
    }

    /// Its title.
    pub fn set_title(&self, title: &str) {
        self.with(|calendar| title.clone_into(&mut calendar.title));
    }

    /// Whether the calendar answers 404 from now on; its content is kept.
    pub fn set_gone(&self, gone: bool) {
        self.with(|calendar| calendar.gone = gone);
    }

    /// Checks and stores an event as Google itself would keep it.
    #[track_caller]
    pub(super) fn keep(&self, mut event: Map<String, Value>) -> String {
        let (now, discards) = (self.shared.clock.now(), self.shared.manners().discards_exceptions);
        self.shared.write(|records| {
            let there = records
                .calendars
                .get(&self.id)
                .expect("the calendar exists while the test edits it");
            event.entry("organizer").or_insert_with(|| there.organizer());
            event.entry("creator").or_insert_with(|| json!({"email": there.owner}));
            let settled = settle(&mut event, &there.zone);
            assert!(settled.is_ok(), "an event that Google would refuse: {settled:?}");
            there.mark(&mut event);
            let before = there.get(event["id"].as_str().unwrap_or_default()).cloned();
            let kept = records.keep(&self.id, before.as_ref(), event, now, discards);
            kept["etag"].as_str().unwrap_or_default().to_owned()
        })
    }

    /// Looks at the record.
    #[track_caller]
    pub(super) fn look<T>(&self, look: impl FnOnce(&Collection) -> T) -> T {
        self.with(|calendar| look(calendar))
    }

    #[track_caller]
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Collection) -> T) -> T {
        self.shared.write(|records| {
            work(
                records
                    .calendars
                    .get_mut(&self.id)
                    .expect("the calendar exists while the test edits it"),
            )
        })
    }

    /// Writes the calendar down.
    pub fn saved(&self) -> Saved {
        self.look(Collection::saved)
    }

    /// Puts back what was written down, in the place of everything that the calendar holds.
    ///
    /// # Panics
    /// Where an event has an ETag that this server does not give.
    pub fn put_back(&self, saved: &Saved) {
        self.with(|calendar| *calendar = calendar.restored(saved).expect("ETags of this server"));
    }
}

fn as_map(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an event is an object")
}
