use proptest::prelude::*;

use super::*;

const OBJECT: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:one\r\nX-A:keep  \
\r\nSUMMARY:two\r\nBEGIN:VALARM\r\nSUMMARY:alarm\r\nEND:VALARM\r\nEND:VEVENT\r\nX-AFTER:1\r\nEND:VCALENDAR\r\n";

fn edited(object: &str, change: impl FnOnce(&mut Component)) -> String {
    let mut object = Object::parse(object.as_bytes()).unwrap();
    let calendar = object.component_mut("VCALENDAR").unwrap();
    let event = calendar.items_mut().iter_mut().find_map(|item| match item {
        Node::Component(component) => Some(component),
        Node::Line(_) => None,
    });
    change(event.unwrap());
    String::from_utf8(object.to_bytes()).unwrap()
}

#[test]
fn an_edit_changes_its_own_lines_only() {
    let line = |text: &str| ContentLine::new(text.to_owned(), LineEnd::CrLf);
    assert_eq!(edited(OBJECT, |_| {}), OBJECT);
    assert_eq!(
        edited(OBJECT, |event| event.set(line("SUMMARY:new"))),
        OBJECT.replace("SUMMARY:one", "SUMMARY:new").replace("SUMMARY:two\r\n", "")
    );
    assert_eq!(
        edited(OBJECT, |event| event.set(line("LOCATION:here"))),
        OBJECT.replace("BEGIN:VALARM", "LOCATION:here\r\nBEGIN:VALARM")
    );
    assert_eq!(
        edited(OBJECT, |event| assert!(event.remove("x-a"))),
        OBJECT.replace("X-A:keep  \r\n", "")
    );
    assert_eq!(edited(OBJECT, |event| assert!(!event.remove("X-B"))), OBJECT);
}

#[test]
fn a_missing_line_end_is_added_only_where_something_follows() {
    let open = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1";
    assert_eq!(edited(open, |_| {}), open);
    assert_eq!(
        edited(open, |event| event.add(ContentLine::new("A:1".into(), LineEnd::Lf))),
        format!("{open}\nA:1\n")
    );
}

#[test]
fn what_is_not_closed_says_so() {
    let closed = |object: &str| {
        Object::parse(object.as_bytes()).unwrap().components().all(Component::is_closed)
    };
    assert!(closed(OBJECT));
    assert!(closed("begin:vcalendar \nBEGIN:X-OWN\nEND:x-own\t\nEnd:VCalendar"));
    assert!(closed("BEGIN:VCALENDAR\nEND:VTODO\nEND:VCALENDAR\nX-LATE:1\n"));
    assert!(!closed("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVNT\nEND:VCALENDAR\n"));
    assert!(!closed(&OBJECT.replace("END:VALARM\r\n", "")));
    assert!(!closed(&OBJECT.replace("END:VCALENDAR\r\n", "")));
}

#[test]
fn deep_nesting_is_refused_and_does_no_harm() {
    assert!(Object::parse(&b"BEGIN:A\n".repeat(8)).is_ok());
    assert!(Object::parse(&b"BEGIN:A\n".repeat(9)).is_err());
    assert!(Object::parse(&b"BEGIN:A\n".repeat(50_000)).is_err());
}

/// Lines that make and break structure.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 10] = [
        b"BEGIN:VEVENT\r\n",
        b"END:VEVENT\r\n",
        b"BEGIN:VCALENDAR\n",
        b"END:VCALENDAR",
        b"END:VALARM\r\n",
        b"SUMMARY:caf\xc3\r\n \xa9\r\n",
        b"X;A=\"b:\xff\r\n",
        b"\r\n",
        b"\xef\xbb\xbf",
        b" ",
    ];
    let piece = proptest::sample::select(&PIECES[..]);
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn untouched_is_byte_for_byte(object in prop_oneof![soup(), proptest::collection::vec(any::<u8>(), 0..200)]) {
        if let Ok(parsed) = Object::parse(&object) {
            prop_assert_eq!(parsed.to_bytes(), object);
        }
    }
}
