//! A calendar at Google, read and written as iCalendar objects, so that one person with equal edits
//! as text can use Google or a CalDAV server.
//!
//! - An object is an event, or a series with its exceptions. The person chooses its name; an event
//!   from elsewhere is `<id>.ics`.
//! - Fields that an object cannot express (attendees, reminders, properties of programs) stay
//!   unchanged, as when a person edits in Google's own pages.
//! - A gap (EXDATE) is made as Google makes it: the occurrence is cancelled, and an item of its
//!   own.

use std::collections::BTreeSet;

use data_encoding::BASE32HEX_NOPAD;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::calendar::Calendar;
use super::collection::{Collection, Stored};
use super::event::{instance, is_cancelled, merge, settle};
use super::series;
use super::times::{When, stored};
use crate::ics::{self, Component, Property};

impl Calendar {
    /// Puts an object under a name such as `a.ics`, new or not.
    ///
    /// # Panics
    /// For a text that is no object with an event, or an event without a start: a mistake of the
    /// test.
    pub fn put_object(&self, name: &str, ics: &str) {
        let calendar =
            ics::read(ics).expect("an object that a person's program has written can be read");
        let (overrides, masters): (Vec<_>, Vec<_>) =
            calendar.inside("VEVENT").partition(|event| event.get("RECURRENCE-ID").is_some());
        let master = *masters.first().expect("an object holds an event");
        let (id, zone) = self.look(|there| (id_of(there, name), there.zone.clone()));
        let before = self.look(|there| there.living(&id));
        let mut event =
            before.clone().unwrap_or_else(|| Map::from_iter([("id".to_owned(), json!(id))]));
        merge(&mut event, &event_of(master, &zone));
        event.entry("iCalUID").or_insert_with(|| json!(master.value("UID").unwrap_or(&id)));
        // Gaps in the lines of the rule stay there.
        let gaps: BTreeSet<String> = gaps(master).collect();
        let kept = before.iter().flat_map(series::lines).filter(|line| line.starts_with("EXDATE"));
        let kept: Vec<&str> = kept
            .filter(|line| series::stamps(&event, line).iter().all(|stamp| gaps.contains(stamp)))
            .collect();
        let lines: Vec<String> = rules(master).chain(kept.into_iter().map(str::to_owned)).collect();
        merge(
            &mut event,
            &Map::from_iter([(
                "recurrence".to_owned(),
                if lines.is_empty() { Value::Null } else { json!(lines) },
            )]),
        );
        self.keep_changed(event);
        let Some(master) = self.look(|there| there.living(&id)).filter(series::is_series) else {
            return;
        };
        let in_lines: BTreeSet<String> =
            series::lines(&master).flat_map(|line| series::stamps(&master, line)).collect();
        let mut wanted = BTreeSet::new();
        for stamp in gaps.iter().filter(|stamp| !in_lines.contains(*stamp)) {
            wanted.insert(format!("{id}_{stamp}"));
            self.remove(&format!("{id}_{stamp}"));
        }
        for changed in overrides {
            let Some(stamp) = changed.get("RECURRENCE-ID").and_then(stamp) else { continue };
            let Some(original) = series::occurrence(&master, &stamp) else { continue };
            let occurrence = format!("{id}_{stamp}");
            let mut event = self
                .look(|there| there.living(&occurrence))
                .unwrap_or_else(|| instance(&master, &original));
            merge(&mut event, &event_of(changed, &zone));
            self.keep_changed(event);
            wanted.insert(occurrence);
        }
        // What was an exception and is none any more is as the rule has it.
        let there = self.look(|there| {
            there
                .exceptions(&id)
                .filter_map(|e| e["id"].as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        });
        for occurrence in there.iter().filter(|occurrence| !wanted.contains(*occurrence)) {
            let original = series::of_instance(occurrence)
                .and_then(|(_, stamp)| series::occurrence(&master, stamp));
            if let Some(original) = original {
                self.keep_changed(instance(&master, &original));
            }
        }
    }

    /// The object of this name.
    pub fn object(&self, name: &str) -> Option<String> {
        self.look(|there| Some(text(there, &there.living(&id_of(there, name))?)))
    }

    /// A private extended property of the object of this name.
    pub fn object_property(&self, name: &str, key: &str) -> Option<String> {
        let id = self.look(|there| id_of(there, name));
        Some(self.get(&id)?["extendedProperties"]["private"][key].as_str()?.to_owned())
    }

    /// Duplicates an object under another name, with its extended properties. Returns whether it
    /// was there.
    pub fn duplicate_object(&self, name: &str, new: &str) -> bool {
        let [id, new] = self.look(|there| [id_of(there, name), id_of(there, new)]);
        self.duplicate(&id, &new)
    }

    /// Moves an object to another calendar. Returns whether it was there.
    pub fn move_object_to(&self, other: &Self, name: &str) -> bool {
        let id = self.look(|there| id_of(there, name));
        self.move_to(other, &id)
    }

    /// Deletes the object of this name, and says whether it was there.
    pub fn delete_object(&self, name: &str) -> bool {
        let id = self.look(|there| id_of(there, name));
        self.remove(&id)
    }

    /// All objects with their names, sorted by name.
    pub fn objects(&self) -> Vec<(String, String)> {
        let mut objects: Vec<_> = self.look(|there| {
            let own = |event: &&Map<String, Value>| {
                !is_cancelled(event) && !event.contains_key("recurringEventId")
            };
            there
                .events()
                .map(|Stored { event, .. }| event)
                .filter(own)
                .map(|event| (name_of(event), text(there, event)))
                .collect()
        });
        objects.sort();
        objects
    }

    /// Stores an event where it differs from the stored one.
    fn keep_changed(&self, event: Map<String, Value>) {
        let id = event["id"].as_str().unwrap_or_default();
        let heart = |event: &Map<String, Value>| {
            let mut event = event.clone();
            ["etag", "updated", "created", "sequence", "kind"]
                .iter()
                .for_each(|name| drop(event.remove(*name)));
            event
        };
        let same = |there: &Collection| {
            let mut settled = event.clone();
            let sound = settle(&mut settled, &there.zone).is_ok();
            there.mark(&mut settled);
            sound && there.get(id).is_some_and(|before| heart(before) == heart(&settled))
        };
        if !self.look(same) {
            self.keep(event);
        }
    }
}

/// The id of the object of a name, existing or not.
fn id_of(there: &Collection, name: &str) -> String {
    let stem = name.strip_suffix(".ics").unwrap_or(name);
    if there.get(stem).is_some() {
        stem.to_owned()
    } else {
        format!("person{}", BASE32HEX_NOPAD.encode(stem.as_bytes()).to_lowercase())
    }
}

fn name_of(event: &Map<String, Value>) -> String {
    let id = event["id"].as_str().unwrap_or_default();
    let stem = id
        .strip_prefix("person")
        .and_then(|word| BASE32HEX_NOPAD.decode(word.to_uppercase().as_bytes()).ok());
    format!(
        "{}.ics",
        stem.and_then(|stem| String::from_utf8(stem).ok()).unwrap_or_else(|| id.to_owned())
    )
}

/// A VEVENT as a PATCH: fields that it does not have are removed.
fn event_of(event: &Component, calendar_zone: &str) -> Map<String, Value> {
    let text = |name: &str| event.get(name).map_or(Value::Null, |property| json!(property.text()));
    let word = |name: &str, words: &[(&str, &str)]| {
        let found = words.iter().find(|(word, _)| event.value(name) == Some(*word));
        found.map_or(Value::Null, |(_, value)| json!(value))
    };
    let start = event.get("DTSTART").and_then(|start| time(start, calendar_zone));
    let end = event.get("DTEND").and_then(|end| time(end, calendar_zone)).or_else(|| {
        let length: jiff::Span = event.value("DURATION")?.parse().ok()?;
        let start = start.as_ref()?;
        Some(start.at_wall(start.wall().checked_add(length).ok()?))
    });
    let when = |when: Option<When>| match when.expect("a person's event has a start and an end") {
        When::Day(date) => json!({"date": date.to_string(), "dateTime": null, "timeZone": null}),
        When::At { instant, zone } => {
            json!({"date": null, "dateTime": instant.to_string(), "timeZone": zone})
        }
    };
    Map::from_iter([
        ("summary".to_owned(), text("SUMMARY")),
        ("description".to_owned(), text("DESCRIPTION")),
        ("location".to_owned(), text("LOCATION")),
        (
            "visibility".to_owned(),
            word(
                "CLASS",
                &[("PUBLIC", "public"), ("PRIVATE", "private"), ("CONFIDENTIAL", "confidential")],
            ),
        ),
        ("transparency".to_owned(), word("TRANSP", &[("TRANSPARENT", "transparent")])),
        ("status".to_owned(), word("STATUS", &[("TENTATIVE", "tentative")])),
        ("start".to_owned(), when(start)),
        ("end".to_owned(), when(end)),
    ])
}

fn time(property: &Property, calendar_zone: &str) -> Option<When> {
    let zone = match property.when()? {
        ics::When::Day(date) => return Some(When::Day(date)),
        ics::When::Utc(_) => "UTC".to_owned(),
        ics::When::Zoned(_, zone) => zone,
        ics::When::Floating(_) => calendar_zone.to_owned(),
    };
    let instant = super::times::in_zone(property.when()?.civil(), &zone);
    Some(When::At { instant, zone })
}

fn stamp(property: &Property) -> Option<String> {
    Some(time(property, "UTC")?.stamp())
}

/// The stamps of the occurrences that a series does not have.
fn gaps(master: &Component) -> impl Iterator<Item = String> {
    let each = |line: &Property| {
        let one = |value: &str| stamp(&Property { value: value.to_owned(), ..line.clone() });
        line.value.split(',').filter_map(one).collect::<Vec<_>>()
    };
    master.all("EXDATE").flat_map(each)
}

/// The lines that make occurrences.
fn rules(master: &Component) -> impl Iterator<Item = String> {
    master
        .properties
        .iter()
        .filter(|p| matches!(p.name.as_str(), "RRULE" | "EXRULE" | "RDATE"))
        .map(|p| {
            let parameters: String =
                p.parameters.iter().map(|(name, value)| format!(";{name}={value}")).collect();
            format!("{}{parameters}:{}", p.name, p.value)
        })
}

/// An event as an object, with its exceptions.
fn text(there: &Collection, event: &Map<String, Value>) -> String {
    let id = event["id"].as_str().unwrap_or_default();
    let (cancelled, changed): (Vec<_>, Vec<_>) =
        there.exceptions(id).partition(|exception| is_cancelled(exception));
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//simulators//google//EN".to_owned(),
    ];
    lines.extend(component(event, None));
    let end = lines.pop();
    lines
        .extend(series::lines(event).filter(|line| !line.starts_with("EXDATE")).map(str::to_owned));
    let gaps = series::lines(event)
        .filter(|line| line.starts_with("EXDATE"))
        .flat_map(|line| series::stamps(event, line));
    let gaps = gaps.filter_map(|stamp| series::at(event, &stamp));
    let gaps =
        gaps.chain(cancelled.iter().filter_map(|exception| stored(exception, "originalStartTime")));
    lines.extend(gaps.map(|gap| line("EXDATE", &gap)));
    lines.extend(end);
    for exception in changed {
        lines.extend(component(exception, stored(exception, "originalStartTime")));
    }
    lines.push("END:VCALENDAR\r\n".to_owned());
    lines.join("\r\n")
}

fn component(event: &Map<String, Value>, original: Option<When>) -> Vec<String> {
    let field = |name: &str| event.get(name).and_then(Value::as_str);
    let mut lines =
        vec!["BEGIN:VEVENT".to_owned(), format!("UID:{}", field("iCalUID").unwrap_or_default())];
    lines.extend(
        field("updated")
            .map(|at| format!("DTSTAMP:{}", at.replace(['-', ':'], "").replace(".000", ""))),
    );
    lines.extend(original.map(|original| line("RECURRENCE-ID", &original)));
    lines.extend(stored(event, "start").map(|start| line("DTSTART", &start)));
    lines.extend(stored(event, "end").map(|end| line("DTEND", &end)));
    for (name, property) in
        [("summary", "SUMMARY"), ("description", "DESCRIPTION"), ("location", "LOCATION")]
    {
        lines.extend(field(name).map(|text| format!("{property}:{}", escaped(text))));
    }
    for (name, property) in [("visibility", "CLASS"), ("transparency", "TRANSP")] {
        lines.extend(field(name).map(|word| format!("{property}:{}", word.to_uppercase())));
    }
    lines.extend(
        field("status")
            .filter(|status| *status == "tentative")
            .map(|_| "STATUS:TENTATIVE".to_owned()),
    );
    lines.push("END:VEVENT".to_owned());
    lines
}

/// A time as a property: in UTC where that is its zone, and where the clock of its zone shows the
/// time twice and this is the second one.
fn line(name: &str, when: &When) -> String {
    match when {
        When::Day(date) => format!("{name};VALUE=DATE:{}", date.strftime("%Y%m%d")),
        When::At { instant, zone }
            if zone == "UTC" || super::times::in_zone(when.wall(), zone) != *instant =>
        {
            format!("{name}:{}", TimeZone::UTC.to_datetime(*instant).strftime("%Y%m%dT%H%M%SZ"))
        }
        When::At { zone, .. } => {
            format!("{name};TZID={zone}:{}", when.wall().strftime("%Y%m%dT%H%M%S"))
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}
