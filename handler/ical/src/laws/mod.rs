//! Properties of the whole crate: what is written is read back, and an edit changes its parts and
//! nothing else.

use engine::event::{Draft, Event, EventId, Field, Parts};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::{ObjectContext, ObjectStyle};
use engine::write::{Edit, NewCopy};

pub(crate) mod drafts;

const CONTEXT: ObjectContext<'static> = ObjectContext { is_me: &|_| false, zone: None, now: None };
const UID: &str = "calrelay-0123456789abcdef";
const MARKER: &str = "h1.k.AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBB";

fn now() -> Timestamp {
    Timestamp::from_second(1_773_126_000).unwrap()
}

fn write(draft: &Draft) -> Vec<u8> {
    crate::write(
        &NewCopy { uid: UID, marker: MARKER, draft, now: now() },
        3,
        ObjectStyle { inert_alarm: draft.content.title.len().is_multiple_of(2) },
    )
}

fn read(object: &[u8]) -> Event {
    crate::read(EventId::new("e"), None, object, CONTEXT).unwrap()
}

fn edit(object: &[u8], parts: &Parts, draft: &Draft) -> (Vec<u8>, u32) {
    let edited =
        crate::edit(object, &Edit { parts, draft, marker: None, now: now() }, CONTEXT).unwrap();
    (edited.object, edited.sequence)
}

/// The object as another program might have left it: other line ends, properties and components of
/// their own, no CLASS on changed occurrences, all EXDATEs in one line.
fn roughened(object: &[u8], how: u8) -> Vec<u8> {
    let text = String::from_utf8(object.to_vec()).unwrap();
    let mut text = text.replace("\r\nDTSTAMP:", "\r\nX-OWN-NOTE;X-P=\"a:b\":keep \r\nDTSTAMP:");
    text = text.replace(
        "END:VEVENT",
        "BEGIN:VALARM\r\nUID:ring\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT",
    );
    if how & 1 != 0 {
        text = text.replace("\r\n", "\n");
    }
    if how & 2 != 0 {
        let mut in_override = false;
        let keep = |line: &&str| {
            in_override |= line.starts_with("RECURRENCE-ID");
            in_override &= !line.starts_with("END:VEVENT");
            !(in_override && line.starts_with("CLASS:"))
        };
        text = text.split_inclusive('\n').filter(keep).collect();
    }
    if how & 4 != 0 {
        let (exdates, mut rest): (Vec<&str>, Vec<&str>) = text
            .split_inclusive('\n')
            .partition(|line| line.starts_with("EXDATE") && !line.contains('Z'));
        if let Some((first, others)) = exdates.split_first() {
            let values = others
                .iter()
                .filter_map(|line| line.trim_end().split_once(':'))
                .map(|(_, value)| format!(",{value}"));
            let line = format!("{}{}\r\n", first.trim_end(), values.collect::<String>());
            let at = rest.iter().position(|line| line.starts_with("SEQUENCE")).unwrap();
            rest.insert(at, &line);
            return rest.concat().into_bytes();
        }
    }
    text.into_bytes()
}

proptest! {
    #[test]
    fn what_is_written_is_read(draft in drafts::draft()) {
        let object = write(&draft);
        let event = read(&object);
        prop_assert_eq!((event.uid.as_str(), event.sequence, event.marker.as_deref()), (UID, 3, Some(MARKER)));
        prop_assert_eq!(Draft::from(&event), drafts::written(&draft));
        prop_assert!(!event.has_guests() && !event.cancelled && !event.declined);
        let text = String::from_utf8(object).unwrap();
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])));
        prop_assert!(!text.contains("\r\nATTENDEE") && !text.contains("\r\nORGANIZER"));
    }

    #[test]
    fn an_edit_changes_its_parts_and_nothing_else((old, parts, new) in drafts::change(), how in 0u8..8) {
        let object = roughened(&write(&old), how);
        let before = read(&object);
        let (edited, sequence) = edit(&object, &parts, &new);
        let after = read(&edited);
        prop_assert_eq!(Draft::from(&after), drafts::changed(&Draft::from(&before), &parts, &new));
        prop_assert_eq!((after.uid, after.marker, after.sequence), (before.uid, before.marker, sequence));
        prop_assert_eq!(sequence, if edited == object { 3 } else { 4 });
        let text = String::from_utf8(edited.clone()).unwrap();
        let events = text.matches("BEGIN:VEVENT").count();
        prop_assert_eq!(text.matches("X-OWN-NOTE;X-P=\"a:b\":keep ").count(), events);
        prop_assert_eq!(text.matches("TRIGGER:-PT5M").count(), events);
        // The same once more changes nothing.
        prop_assert_eq!(edit(&edited, &parts, &new), (edited, sequence));
    }

    #[test]
    fn an_edit_of_nothing_gives_the_object_back(draft in drafts::draft(), how in 0u8..8) {
        let object = roughened(&write(&draft), how);
        let itself = Draft::from(&read(&object));
        prop_assert_eq!(&edit(&object, &Parts::default(), &draft).0, &object);
        let mut all = Parts { fields: Field::ALL.into_iter().collect(), ..Parts::default() };
        prop_assert_eq!(&edit(&object, &all, &itself).0, &object);
        all.fields.remove(&Field::Time);
        all.exceptions = itself.series.iter().flat_map(|series| series.exceptions.keys().copied()).collect();
        prop_assert_eq!(&edit(&object, &all, &itself).0, &object);
    }
}
