//! A calendar as its owner uses it in Outlook: edits made directly on the record, past HTTP, past
//! every fault and limit.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::change::Sent;
use super::ids::{self, EventName};
use super::item::{Item, Seen};
use super::prefer::Prefer;
use super::query::Query;
use super::render::{self, View};
use super::shared::Shared;
use super::state::Records;
use super::{apply, zones};

/// A person's own hand on one calendar. Nothing that is done here is counted, is throttled, or can
/// fail on the way; everything is notified. Ids are immutable ones; those of occurrences too.
///
/// Methods that need the calendar panic where it is gone, and for an event that no calendar could
/// show: that is a mistake of the test.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub(super) shared: Arc<Shared>,
    /// The place of the person.
    pub(super) place: usize,
    pub(super) key: u64,
}

impl Calendar {
    /// Its id, of the immutable kind.
    pub fn id(&self) -> String {
        self.read(|records| {
            let generation = records.calendars.get(&self.key).map_or(0, |f| f.generation);
            ids::calendar(self.key, generation, true)
        })
    }

    /// Its id of the regular kind, which answers have without `IdType`.
    pub fn regular_id(&self) -> String {
        self.read(|records| {
            let generation = records.calendars.get(&self.key).map_or(0, |f| f.generation);
            ids::calendar(self.key, generation, false)
        })
    }

    /// The calendar gets another id, and nothing else changes.
    pub fn changes_id(&self) {
        self.shared.write(|records| {
            if let Some(folder) = records.calendars.get_mut(&self.key) {
                folder.generation += 1;
            }
        });
    }

    /// Its name.
    pub fn set_name(&self, name: &str) {
        self.shared.write(|records| {
            if let Some(folder) = records.calendars.get_mut(&self.key) {
                name.clone_into(&mut folder.name);
            }
        });
    }

    /// Puts a new event: any members of the event resource that a client or Outlook itself sets.
    /// Times may bear any zone. Gives its id. Outlook marks it with a `transactionId` of its own.
    #[track_caller]
    pub fn add(&self, event: Value) -> String {
        let Value::Object(mut event) = event else { panic!("an event is an object") };
        let (manners, now) = (self.shared.manners(), self.shared.clock.now());
        self.shared.write(|records| {
            let transaction = format!("localevent:{}", ids::uuid(records.next(), 4));
            event.entry("transactionId").or_insert_with(|| json!(transaction));
            let sent = Sent::read(&event, true, &manners);
            let sent = sent.expect("an event that a mailbox can have");
            let made = apply::create(records, self.key, sent, &manners, now);
            let key = made.expect("an event that a mailbox can have");
            EventName { key, day: None, immutable: true, moves: 0 }.write()
        })
    }

    /// Puts an event to which another person invited the owner.
    #[track_caller]
    pub fn add_invited(&self, event: Value, organizer: &str, guests: &[&str]) -> String {
        let Value::Object(mut event) = event else { panic!("an event is an object") };
        let person = |address: &str| json!({"emailAddress": {"name": address, "address": address}});
        let guests: Vec<Value> = guests.iter().map(|guest| person(guest)).collect();
        for (name, value) in [
            ("isOrganizer", json!(false)),
            ("organizer", person(organizer)),
            ("attendees", json!(guests)),
            ("responseStatus", json!({"response": "notResponded", "time": "0001-01-01T00:00:00Z"})),
        ] {
            event.insert(name.to_owned(), value);
        }
        self.add(Value::Object(event))
    }

    /// Changes an event, a series or one occurrence, and says whether it was there. As through the
    /// API, a moved or reshaped series gets all its occurrences back.
    #[track_caller]
    pub fn patch(&self, id: &str, change: Value) -> bool {
        let Value::Object(change) = change else { panic!("a change is an object") };
        let (manners, now) = (self.shared.manners(), self.shared.clock.now());
        self.shared.write(|records| {
            let Some(name) = self.there(records, id) else { return false };
            let sent = Sent::read(&change, true, &manners).expect("a change that can be");
            let done = apply::update(records, name.key, name.day, sent, &manners, now);
            done.expect("a change that a mailbox can have");
            true
        })
    }

    /// Deletes an event or an occurrence: an event goes to Deleted Items. Says whether it was
    /// there.
    pub fn remove(&self, id: &str) -> bool {
        let now = self.shared.clock.now();
        self.shared.write(|records| {
            let Some(name) = self.there(records, id) else { return false };
            records.drop_event(name.key, name.day, now);
            true
        })
    }

    /// Puts an event back from Deleted Items, under its id. Says whether it was there.
    pub fn restore(&self, id: &str) -> bool {
        let (now, key) = (self.shared.clock.now(), EventName::read(id).map(|name| name.key));
        self.shared.write(|records| key.is_some_and(|key| records.undelete(key, now)))
    }

    /// The event is away for good, in the calendar or in Deleted Items.
    pub fn purge(&self, id: &str) {
        let now = self.shared.clock.now();
        if let Some(name) = EventName::read(id) {
            self.shared.write(|records| records.purge(name.key, now));
        }
    }

    /// Moves an event to another calendar of the mailbox: it keeps its immutable id. Says whether
    /// it was there.
    pub fn move_to(&self, other: &Self, id: &str) -> bool {
        let now = self.shared.clock.now();
        self.shared.write(|records| {
            let Some(name) = self.there(records, id) else { return false };
            records.move_event(name.key, other.key, now);
            true
        })
    }

    /// Duplicates an event, or a series with its exceptions, here: another id and iCalUId, no
    /// `transactionId`, the same extended properties. Gives the new id.
    pub fn duplicate(&self, id: &str) -> Option<String> {
        let now = self.shared.clock.now();
        self.shared.write(|records| {
            let name = self.there(records, id)?;
            let mut item = records.items.get(&name.key)?.clone();
            item.key = records.next();
            item.moves = 0;
            item.created = now;
            item.fields.remove("transactionId");
            let key = records.keep(item, now);
            Some(EventName { key, day: None, immutable: true, moves: 0 }.write())
        })
    }

    /// The organizer cancels an event to which the owner was invited.
    pub fn is_cancelled(&self, id: &str) -> bool {
        self.patch(id, json!({"isCancelled": true, "showAs": "free"}))
    }

    /// The owner answers an invitation: `accepted`, `tentativelyAccepted`, `declined`. A declined
    /// event goes to Deleted Items.
    pub fn responds(&self, id: &str, response: &str) -> bool {
        let now = zones::short(self.shared.clock.now());
        let change = json!({"responseStatus": {"response": response, "time": now}});
        self.patch(id, change) && (response != "declined" || self.remove(id))
    }

    /// The event is saved again as it is, as Outlook does a second after a write.
    pub fn touch(&self, id: &str) {
        let now = self.shared.clock.now();
        if let Some(name) = EventName::read(id) {
            self.shared.write(|records| records.touch(name.key, now));
        }
    }

    /// All events are saved again.
    pub fn touch_all(&self) {
        let now = self.shared.clock.now();
        self.shared.write(|records| {
            let keys = records.calendars.get(&self.key).map(|f| f.items.clone());
            keys.into_iter().flatten().for_each(|key| records.touch(key, now));
        });
    }

    /// The id of the occurrence of a series on this day of its rule, such as `2026-03-10`.
    #[track_caller]
    pub fn occurrence(&self, series: &str, day: &str) -> String {
        let name = EventName::read(series).expect("an id");
        let day: Date = day.parse().expect("a day");
        EventName { day: Some(day), ..name }.write()
    }

    /// The event with this id, also a deleted one: `None` where it is removed for good.
    pub fn get(&self, id: &str) -> Option<Value> {
        self.read(|records| {
            let name = EventName::read(id)?;
            let seen = records.items.get(&name.key)?.seen(name.day)?;
            Some(self.shown(records, &seen))
        })
    }

    /// The ETag of the event with this id.
    pub fn etag(&self, id: &str) -> Option<String> {
        self.get(id)?["@odata.etag"].as_str().map(str::to_owned)
    }

    /// The value of an extended property of an event or of an exception's own.
    pub fn mark(&self, id: &str, property: &str) -> Option<String> {
        self.read(|records| {
            let name = EventName::read(id)?;
            let seen = records.items.get(&name.key)?.seen(name.day)?;
            let kept = super::query::mark_id(property)?;
            Some(seen.marks(false)?.get(&kept)?.1.clone())
        })
    }

    /// Single events and series in the calendar, in the order in which they were made.
    pub fn items(&self) -> Vec<Value> {
        self.read(|records| {
            self.living(records).map(|item| self.shown(records, &item.whole())).collect()
        })
    }

    /// How many single events and series there are.
    pub fn len(&self) -> usize {
        self.read(|records| self.living(records).count())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first single event or series with this title.
    pub fn find(&self, title: &str) -> Option<Value> {
        self.items().into_iter().find(|item| item["subject"] == title)
    }

    /// What a person sees between these times: every occurrence by itself, by start.
    pub fn occurrences(&self, from: Timestamp, to: Timestamp) -> Vec<Value> {
        self.read(|records| {
            let mut all: Vec<Seen<'_>> =
                self.living(records).flat_map(|item| item.within(from, to)).collect();
            all.sort_by_cached_key(|seen| (seen.times.from(), seen.item.key));
            all.iter().map(|seen| self.shown(records, seen)).collect()
        })
    }

    /// Events as text: `2026-03-10T08:00:00Z - 2026-03-10T09:00:00Z  Title  @ Place  [private]`,
    /// days for all-day events.
    pub fn agenda(&self, from: Timestamp, to: Timestamp) -> Vec<String> {
        self.occurrences(from, to).iter().map(line).collect()
    }

    /// Deletes all events.
    pub fn clear(&self) {
        let now = self.shared.clock.now();
        self.shared.write(|records| {
            let keys = records.calendars.get(&self.key).map(|f| f.items.clone());
            keys.into_iter().flatten().for_each(|key| records.drop_event(key, None, now));
        });
    }

    /// The revision: an equal revision before and after means that nothing was written.
    pub fn revision(&self) -> u64 {
        self.read(|records| {
            let folder = records.calendars.get(&self.key);
            folder.and_then(|folder| folder.log.last()).map_or(0, |change| change.version)
        })
    }

    /// All sync states issued so far are forgotten: 410.
    pub fn forget_states(&self) {
        self.shared.write(|records| {
            if let Some(folder) = records.calendars.get_mut(&self.key) {
                folder.sync_generation += 1;
            }
        });
    }

    fn there(&self, records: &Records, id: &str) -> Option<EventName> {
        let name = EventName::read(id)?;
        let item = records.items.get(&name.key)?;
        let here = item.calendar == self.key && !item.deleted;
        (here && item.seen(name.day).is_some()).then_some(name)
    }

    fn living<'r>(&self, records: &'r Records) -> impl Iterator<Item = &'r Item> {
        let keys = records.calendars.get(&self.key).into_iter().flat_map(|f| &f.items);
        keys.filter_map(|key| records.items.get(key))
    }

    fn shown(&self, records: &Records, seen: &Seen<'_>) -> Value {
        let (manners, prefer) = (self.shared.manners(), OWN.clone());
        let owner = &records.people[self.place];
        let view = View { prefer: &prefer, manners: &manners, owner, can_view_private: true };
        render::event(seen, view, &Query::default(), true)
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Records) -> T) -> T {
        self.shared.write(|records| look(records))
    }
}

/// How the owner looks at his calendar.
static OWN: std::sync::LazyLock<Prefer> = std::sync::LazyLock::new(|| Prefer {
    immutable: true,
    zone: "UTC".to_owned(),
    asks_zone: true,
    text: true,
    page: None,
});

fn line(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let time = |name: &str| {
        let at = event[name]["dateTime"].as_str().unwrap_or_default();
        match event["isAllDay"] == true {
            true => at[..10].to_owned(),
            false => format!("{}Z", &at[..19]),
        }
    };
    let mut line = format!("{} - {}  {}", time("start"), time("end"), text("subject"));
    let place = event["location"]["displayName"].as_str().unwrap_or_default();
    if !place.is_empty() {
        line += &format!("  @ {place}");
    }
    for (name, usual) in [("sensitivity", "normal"), ("showAs", "busy")] {
        if text(name) != usual && !text(name).is_empty() {
            line += &format!("  [{}]", text(name));
        }
    }
    line
}
