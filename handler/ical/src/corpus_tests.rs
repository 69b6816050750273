//! The layer on objects that others wrote: the test files of two Python packages, fetched by
//! `tests/corpora.sh`, and those in `tests/recordings/ical`, which are ours and hostile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::event::{Draft, Event, EventId, Exception, Field, Parts, Series};

use crate::lines::{ContentLine, LineEnd};
use crate::tree::{Component, Object};
use crate::{ObjectContext, ObjectStyle, Unreadable, edit, laws, layout, write};
use engine::write::{Edit, NewCopy};

const CONTEXT: ObjectContext<'static> = ObjectContext { is_me: &|_| false, zone: None, now: None };
const CORPORA: [(&str, usize); 2] = [("icalendar-7.3.0", 164), ("recurring_ical_events-3.8.2", 96)];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files_in(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        panic!("{} is missing: run tests/corpora.sh once to fetch it", directory.display());
    };
    let paths = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "ics"));
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<_> =
        paths.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (name, count) in CORPORA {
        let found = files_in(&repository().join("target/corpora").join(name));
        assert!(
            found.len() >= count,
            "{name} has {} files instead of {count}: delete it and run tests/corpora.sh",
            found.len()
        );
        files.extend(found);
    }
    files
}

fn recordings() -> Vec<(String, Vec<u8>)> {
    files_in(&repository().join("tests/recordings/ical"))
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_773_126_000).unwrap()
}

fn read(object: &[u8]) -> Result<Event, Unreadable> {
    crate::read(EventId::new("e"), None, object, CONTEXT)
}

/// What a CalDAV server would make of a file: one object for each UID, with the zones of the whole.
fn objects(file: &[u8]) -> Vec<Vec<u8>> {
    let Ok(parsed) = Object::parse(file) else { return Vec::new() };
    let mut objects = Vec::new();
    for calendar in parsed.components().filter(|component| component.name() == "VCALENDAR") {
        let mut events: BTreeMap<&str, Vec<&Component>> = BTreeMap::new();
        for (_, event) in layout::events(calendar) {
            events.entry(layout::uid(event).unwrap_or_default()).or_default().push(event);
        }
        for events in events.values() {
            let mut object = Component::new("VCALENDAR", LineEnd::CrLf);
            let zones = calendar.components().filter(|component| component.name() == "VTIMEZONE");
            zones.for_each(|zone| object.add_component(zone.clone()));
            for event in events {
                let mut event = (*event).clone();
                if layout::uid(&event).is_none() {
                    event.set(ContentLine::new("UID:none".into(), LineEnd::CrLf));
                }
                object.add_component(event);
            }
            let mut bytes = Vec::new();
            object.write(LineEnd::CrLf, &mut bytes);
            objects.push(bytes);
        }
    }
    objects
}

#[test]
fn untouched_is_byte_for_byte() {
    let mut parsed = 0;
    for (name, file) in corpus().into_iter().chain(recordings()) {
        if let Ok(object) = Object::parse(&file) {
            assert!(object.to_bytes() == file, "{name}");
            parsed += 1;
        }
        let _ = read(&file);
    }
    assert!(parsed >= 263, "{parsed} files parsed");
}

#[test]
fn events_are_read_and_written_again() {
    let (mut events, mut unreadable) = (0, Vec::new());
    for (name, file) in corpus() {
        for object in objects(&file) {
            let event = match read(&object) {
                Ok(event) => event,
                Err(why) => {
                    unreadable.push(format!("{name}: {why}"));
                    continue;
                }
            };
            events += 1;
            let draft = Draft::from(&event);
            let copy = NewCopy { uid: "calrelay-1", marker: "h1.x", draft: &draft, now: now() };
            let written = write(&copy, 0, ObjectStyle::default());
            let back = read(&written).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert!(
                Draft::from(&back) == laws::drafts::written(&draft),
                "{name} comes back changed"
            );
            assert_understood(&name, &written, &draft);
            assert_edited(&name, &object, &draft);
        }
    }
    assert!(events >= 1_030, "{events} events were read; not these:\n{}", unreadable.join("\n"));
}

/// Another reader finds the same in a written object.
fn assert_understood(name: &str, written: &[u8], draft: &Draft) {
    let text = icalendar::parser::unfold(std::str::from_utf8(written).unwrap());
    let calendar =
        icalendar::parser::read_calendar(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let events: Vec<_> =
        calendar.components.iter().filter(|component| component.name == "VEVENT").collect();
    let property = |name: &str| {
        events[0]
            .properties
            .iter()
            .find(|property| property.name == name)
            .map(|property| property.val.as_str())
    };
    let changed = draft.series.iter().flat_map(|series| series.exceptions.values());
    let changed = changed.filter(|exception| matches!(exception, Exception::Changed(_))).count();
    assert_eq!(events.len(), 1 + changed, "{name}");
    assert_eq!(property("UID"), Some("calrelay-1"), "{name}");
    assert!(property("DTSTART").is_some() && property("DTEND").is_some(), "{name}");
    let title = crate::value::plain(&draft.content.title);
    assert_eq!(
        property("SUMMARY").map(crate::value::unescape).unwrap_or_default(),
        title,
        "{name}"
    );
}

/// An edit of the title changes the title, and a few lines.
fn assert_edited(name: &str, object: &[u8], draft: &Draft) {
    let mut wanted = draft.clone();
    wanted.content.title = "Another title".into();
    let parts = Parts { fields: [Field::Title].into(), ..Parts::default() };
    let change = Edit { parts: &parts, draft: &wanted, marker: Some("h1.x"), now: now() };
    let edited = match edit(object, &change, CONTEXT) {
        Err(crate::EditError::HasGuests) => return,
        edited => edited.unwrap_or_else(|why| panic!("{name}: {why}")),
    };
    let back = read(&edited.object).unwrap_or_else(|why| panic!("{name}: {why}"));
    // A further date with a length of its own has no component, and the title of its master.
    let components = String::from_utf8_lossy(object).matches("\nRECURRENCE-ID").count();
    let shown = back.series.clone().unwrap_or_default().exceptions;
    let series = wanted.series.get_or_insert_default();
    let has_periods =
        series.exceptions.values().filter(|exception| **exception != Exception::Cancelled).count()
            > components;
    for (start, exception) in series.exceptions.iter_mut().filter(|_| has_periods) {
        if let (Exception::Changed(wanted), Some(Exception::Changed(shown))) =
            (exception, shown.get(start))
        {
            wanted.title.clone_from(&shown.title);
        }
    }
    wanted.series = wanted.series.filter(|series| *series != Series::default());
    assert!(Draft::from(&back) == wanted, "{name}");
    let all = Parts { fields: Field::ALL.into(), ..Parts::default() };
    let same = edit(
        &edited.object,
        &Edit { parts: &all, draft: &wanted, marker: Some("h1.x"), now: now() },
        CONTEXT,
    )
    .unwrap();
    assert!(same.object == edited.object, "{name} is not left alone");
}

#[test]
fn hostile_recordings_end_in_words_or_an_event() {
    let recordings = recordings();
    let outcome = |name: &str| {
        let (_, file) = recordings
            .iter()
            .find(|(found, _)| found == name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        read(file).map(|event| event.content.title).map_err(|why| why.0)
    };
    assert_eq!(outcome("fold-inside-a-code-point.ics").unwrap(), "Café ☕ at noon");
    assert_eq!(outcome("bare-line-feeds-and-byte-order-mark.ics").unwrap(), "Lenient");
    assert_eq!(outcome("quoted-parameters.ics").unwrap(), "Quotes");
    assert_eq!(outcome("custom-zone.ics").unwrap(), "Weekly in a zone without a name");
    assert_eq!(outcome("this-and-future.ics").unwrap(), "Weekly");
    assert!(outcome("cut-off.ics").unwrap_err().contains("cut off"));
    assert!(outcome("deep-nesting.ics").unwrap_err().contains("nested"));
    assert!(outcome("two-uids.ics").unwrap_err().contains("different UIDs"));
}
