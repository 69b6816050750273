//! A week with an event of every kind, and what of it may be seen on the other side.

use simulators::ics;
use simulators::person::Person;

use crate::support::events::{BERLIN, at, calendar, day, object, vevent, wall};

/// What must be found nowhere outside the origin.
const NEVER: &[&str] = &[
    "VALARM",
    "ATTACH",
    "CONFERENCE",
    "COLOR",
    "CATEGORIES",
    "X-SECRET",
    "ORGANIZER",
    "ATTENDEE",
    "GEO",
    "PRIORITY",
    "teams.microsoft.com",
    "meet.google.com",
    "zoom.us",
    "PARTSTAT",
];

/// Names and objects.
pub fn events() -> Vec<(String, String)> {
    let plain = format!(
        "DTSTART:{}\nDTEND:{}\nSUMMARY:Plain\nLOCATION:Room 4\\, second floor",
        at(2, 9),
        at(2, 10)
    );
    let days = format!(
        "DTSTART;VALUE=DATE:{}\nDTEND;VALUE=DATE:{}\nSUMMARY:Away\nTRANSP:TRANSPARENT",
        day(4),
        day(6)
    );
    let floating = format!("DTSTART:{}\nDTEND:{}\nSUMMARY:Wherever I am", wall(3, 8), wall(3, 9));
    let draft = format!(
        "DTSTART:{}\nDURATION:PT45M\nSUMMARY:Perhaps\nSTATUS:TENTATIVE\nCLASS:CONFIDENTIAL",
        at(3, 15)
    );
    let private =
        format!("DTSTART:{}\nDTEND:{}\nSUMMARY:Doctor\nCLASS:PRIVATE", at(3, 17), at(3, 18));
    let zoned = format!(
        "DTSTART;TZID=Europe/Berlin:{}\nDTEND;TZID=Europe/Berlin:{}\nSUMMARY:In Berlin",
        wall(5, 12),
        wall(5, 13)
    );
    let all = [
        ("plain.ics", object("plain", &plain)),
        ("away.ics", object("away", &days)),
        ("floating.ics", object("floating", &floating)),
        ("perhaps.ics", object("perhaps", &draft)),
        ("doctor.ics", object("doctor", &private)),
        ("berlin.ics", calendar(&format!("{BERLIN}{}", vevent("berlin", &zoned)))),
        ("series.ics", series()),
        ("meeting.ics", meeting()),
    ];
    all.map(|(name, object)| (name.to_owned(), object)).into()
}

/// Every day for six days, the third cancelled, the fourth moved and renamed.
fn series() -> String {
    let time = |name: &str, after: i64, hour: u8| {
        format!("{name};TZID=Europe/Berlin:{}", wall(after, hour))
    };
    let master = format!(
        "{}\n{}\nRRULE:FREQ=DAILY;COUNT=6\n{}\nSUMMARY:Stand-up",
        time("DTSTART", 1, 9),
        time("DTEND", 1, 10),
        time("EXDATE", 3, 9)
    );
    let moved = format!(
        "{}\n{}\n{}\nSUMMARY:Stand-up\\, late",
        time("RECURRENCE-ID", 4, 9),
        time("DTSTART", 4, 14),
        time("DTEND", 4, 15)
    );
    calendar(&format!("{BERLIN}{}{}", vevent("series", &master), vevent("series", &moved)))
}

/// With guests, joining details, and everything else that stays at home.
fn meeting() -> String {
    object(
        "meeting",
        &format!(
            "DTSTART:{}\nDTEND:{}\nSUMMARY:Review\nLOCATION:Room 2\\; \
            https://meet.google.com/abc-defg-hij\n\
             DESCRIPTION:Bring the \
             \
             \
             \
             \
             numbers.\\n________________________________________________________________________________\\nMicrosoft Teams meeting\\nJoin: https://teams.microsoft.com/l/meetup-join/19%3ameeting\\nMeeting options\\n________________________________________________________________________________\\nSee you there.\n\
             URL:https://example.zoom.us/j/123456789\nCATEGORIES:WORK\nCOLOR:turquoise\nPRIORITY:3\nGEO:59.4;24.7\nSEQUENCE:7\n\
             ATTACH:https://example.org/numbers.pdf\nCONFERENCE;VALUE=URI:https://example.zoom.us/j/123456789\nX-SECRET:kept at home\n\
             ORGANIZER:mailto:chief@example.net\nATTENDEE;PARTSTAT=ACCEPTED:mailto:zoe@example.net\nATTENDEE:mailto:Yan@example.net\n\
             BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Now\nTRIGGER:-PT10M\nEND:VALARM",
            at(6, 10),
            at(6, 11)
        ),
    )
}

/// Every event of the week has its copy, which shows what it may and nothing else.
pub async fn assert_copied(from: &Person, to: &Person) -> anyhow::Result<()> {
    let originals = from.agenda().await?;
    let copies = to.agenda().await?;
    for original in &originals {
        let title = original.summary();
        let copy = copies
            .iter()
            .find(|copy| copy.summary() == title)
            .unwrap_or_else(|| panic!("{title} was not copied"));
        assert_ne!(copy.uid(), original.uid(), "{title}: a copy has a UID of its own");
        let (here, there) =
            (bounds(original.event.get("DTSTART")), bounds(copy.event.get("DTSTART")));
        assert_eq!(here, there, "{title}: start");
        for (name, absent) in [("CLASS", "PUBLIC"), ("TRANSP", "OPAQUE"), ("STATUS", "CONFIRMED")] {
            let plain =
                |value: &str| if value.is_empty() { absent.to_owned() } else { value.to_owned() };
            assert_eq!(plain(copy.value(name)), plain(original.value(name)), "{title}: {name}");
        }
        assert_eq!(copy.value("RRULE"), original.value("RRULE"), "{title}");
        assert_eq!(
            copy.event.all("EXDATE").count(),
            original.event.all("EXDATE").count(),
            "{title}"
        );
        assert_eq!(
            copy.event.get("RECURRENCE-ID").is_some(),
            original.event.get("RECURRENCE-ID").is_some(),
            "{title}"
        );
        assert!(
            !copy.end().is_empty() && copy.event.get("DTEND").is_some(),
            "{title}: an end is always written"
        );
    }
    let text = |title: &str, name: &str| {
        copies
            .iter()
            .find(|copy| copy.summary() == title)
            .map(|copy| copy.text(name))
            .unwrap_or_default()
    };
    assert_eq!(text("Plain", "LOCATION"), "Room 4, second floor");
    assert_eq!(text("Review", "LOCATION"), "Room 2");
    assert_eq!(
        text("Review", "DESCRIPTION"),
        "Bring the numbers.\nSee you there.\n\n-- Attendees (synced by Calrelay) \
        --\nyan@example.net\nzoe@example.net"
    );
    for (name, object) in
        to.objects().await?.iter().filter(|(name, _)| name.starts_with("calrelay-"))
    {
        let object = ics::unfold(object).join("\n");
        for word in NEVER {
            assert!(!object.contains(word), "{name}: {word}");
        }
        let foreign = object
            .lines()
            .find(|line| line.starts_with("X-") && !line.starts_with("X-CALRELAY-ORIGIN"));
        assert_eq!(foreign, None, "{name}");
    }
    Ok(())
}

/// A private copy: the one word, the time, and that it is private.
pub fn assert_tells_nothing(object: &str) {
    let object = ics::unfold(object).join("\n");
    let excluded = NEVER.iter().chain(&[
        "DESCRIPTION",
        "LOCATION",
        "example.net",
        "Plain",
        "Review",
        "Doctor",
        "Stand-up",
        "Perhaps",
        "Room",
    ]);
    for word in excluded {
        assert!(!object.contains(word), "{word} is shown");
    }
    let read = ics::read(&object).expect("a copy can be read");
    for event in read.inside("VEVENT") {
        assert_eq!((event.value("SUMMARY"), event.value("CLASS")), (Some("Busy"), Some("PRIVATE")));
    }
}

/// The object with another value for a property of its first event, as a calendar program would
/// write it.
pub fn with(ics: &str, name: &str, value: &str) -> String {
    let mut done = false;
    let lines = ics::unfold(ics).into_iter().map(|line| {
        let inside = line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', ';']));
        if inside && !done {
            done = true;
            return format!("{name}:{value}\n");
        }
        line + "\n"
    });
    lines.collect()
}

fn bounds(start: Option<&ics::Property>) -> Option<((i64, i64), bool)> {
    start.and_then(ics::Property::when).map(|when| (when.bounds(), when.is_day()))
}
