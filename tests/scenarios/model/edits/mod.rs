//! A person's edits, as text: what a calendar program would do to the object.

mod lines;
pub mod occurrence;

pub use self::lines::start;

use self::lines::{later, line, with};
use super::expected::Aspect;

const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:DAYLIGHT\nDTSTART:19810329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nBEGIN:STANDARD\nDTSTART:19961027T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n";

/// A new event. Times are `YYYYMMDDTHHMMSSZ`, `YYYYMMDDTHHMMSS` (a weekly series in Berlin) or
/// `YYYYMMDD`.
pub fn event(uid: &str, time: &str, title: &str, location: &str, series: bool) -> String {
    let zone = if series { ZONE } else { "" };
    let rule = if series { "RRULE:FREQ=WEEKLY;COUNT=8\n" } else { "" };
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//person//EN\n{zone}BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260301T000000Z\n{}\n{}\n{rule}SUMMARY:{title}\nLOCATION:{location}\nEND:VEVENT\nEND:VCALENDAR\n",
        line("DTSTART", time, series),
        line("DTEND", &later(time), series),
    )
}

/// The object with another value for an aspect of its master.
pub fn edited(ics: &str, aspect: Aspect, value: &str, series: bool) -> String {
    match aspect {
        Aspect::Title => with(ics, "SUMMARY", Some(format!("SUMMARY:{value}"))),
        Aspect::Location => with(ics, "LOCATION", Some(format!("LOCATION:{value}"))),
        Aspect::Description => with(ics, "DESCRIPTION", Some(format!("DESCRIPTION:{value}"))),
        Aspect::Busy => with(ics, "TRANSP", Some(format!("TRANSP:{value}"))),
        Aspect::Time => {
            let ics = with(ics, "DTSTART", Some(line("DTSTART", value, series)));
            let ics = with(&ics, "DURATION", None);
            let ics = with(&ics, "DTEND", Some(line("DTEND", &later(value), series)));
            // Moving a series drops its exceptions and its end, as calendar programs do.
            if series {
                with(
                    &without_exceptions(&ics),
                    "RRULE",
                    Some("RRULE:FREQ=WEEKLY;COUNT=8".to_owned()),
                )
            } else {
                ics
            }
        }
        Aspect::Occurrence(number) => occurrence::cancelled(ics, number),
    }
}

/// What a client has made out of an object, with values of its own: a plain series or event,
/// without exceptions. The rest of a series that was cut keeps its rule; what is moved to another
/// day has a whole one.
pub fn renewed(
    ics: &str,
    time: &str,
    title: &str,
    location: &str,
    series: bool,
    is_rest: bool,
) -> String {
    let ics = match series {
        true if is_rest => until_the_evening(ics),
        true => with(ics, "RRULE", Some("RRULE:FREQ=WEEKLY;COUNT=8".to_owned())),
        false => ics.to_owned(),
    };
    let ics = with(&without_exceptions(&ics), "DTSTART", Some(line("DTSTART", time, series)));
    let ics =
        with(&with(&ics, "DURATION", None), "DTEND", Some(line("DTEND", &later(time), series)));
    with(
        &with(&ics, "SUMMARY", Some(format!("SUMMARY:{title}"))),
        "LOCATION",
        Some(format!("LOCATION:{location}")),
    )
}

/// A series whose last day counts as a whole, so that it does not end before an hour of that day at
/// which it begins now.
fn until_the_evening(ics: &str) -> String {
    let until = ics.split("UNTIL=").nth(1).and_then(|rest| rest.get(..8));
    match until {
        Some(day) => with(ics, "RRULE", Some(format!("RRULE:FREQ=WEEKLY;UNTIL={day}T205959Z"))),
        None => ics.to_owned(),
    }
}

fn without_exceptions(ics: &str) -> String {
    let kept = occurrence::without(ics, |_| true);
    kept.lines().filter(|line| !line.starts_with("EXDATE")).collect::<Vec<_>>().join("\n") + "\n"
}
