//! A person's edits, as text: what a calendar program would do to the object.

pub mod occurrence;

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

fn line(name: &str, time: &str, series: bool) -> String {
    match (time.len(), series) {
        (8, _) => format!("{name};VALUE=DATE:{time}"),
        (_, true) => format!("{name};TZID=Europe/Berlin:{time}"),
        _ => format!("{name}:{time}"),
    }
}

/// Half an hour or a day later. Times of the story never cross midnight or a month's end.
fn later(time: &str) -> String {
    if time.len() == 8 {
        let day: u32 = time[6..].parse().expect("a day");
        return format!("{}{:02}", &time[..6], day + 1);
    }
    let minute: u32 = time[11..13].parse().expect("a minute");
    format!("{}{:02}{}", &time[..11], minute + 20, &time[13..])
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

/// The DTSTART of the first event.
pub fn start(ics: &str) -> String {
    let events = ics.split("BEGIN:VEVENT").nth(1).unwrap_or_default();
    let found = events.lines().find(|line| line.starts_with("DTSTART")).unwrap_or_default();
    found.rsplit(':').next().unwrap_or_default().trim().to_owned()
}

/// The first event with a property replaced, added or taken out.
fn with(ics: &str, name: &str, new: Option<String>) -> String {
    let mut out = Vec::new();
    let (mut inside, mut done, mut nested) = (false, false, 0);
    for line in ics.lines() {
        let line = line.trim_end_matches('\r');
        let is =
            |text: &str| line.strip_prefix(text).is_some_and(|rest| rest.starts_with([':', ';']));
        if line == "BEGIN:VEVENT" && !done {
            inside = true;
        } else if inside && line.starts_with("BEGIN:") {
            nested += 1;
        } else if inside && nested > 0 && line.starts_with("END:") {
            nested -= 1;
        } else if inside && line == "END:VEVENT" {
            out.extend(new.clone());
            inside = false;
            done = true;
        } else if inside && nested == 0 && is(name) {
            continue;
        }
        out.push(line.to_owned());
    }
    out.join("\n") + "\n"
}

fn without_exceptions(ics: &str) -> String {
    let kept = occurrence::without(ics, |_| true);
    kept.lines().filter(|line| !line.starts_with("EXDATE")).collect::<Vec<_>>().join("\n") + "\n"
}
