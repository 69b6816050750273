//! Duplicates of an object, and a series that is cut in two, as calendar clients make them. All
//! parts keep properties that the client does not know (`X-…`).

use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rrule::RRuleSet;

use crate::ics::{Property, When, property, unfold};

/// How the first part of a cut series ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With UNTIL, a second before the cut.
    Until,
    /// With COUNT.
    Count,
}

/// The object with another UID.
pub fn duplicated(ics: &str, uid: &str) -> String {
    let mut object = Object::read(ics);
    object.rename(uid);
    object.write()
}

/// A series cut before the occurrence whose start by the rule is `at`, in the form of DTSTART
/// (`20260505T100000`): the first part with the UID of the series, and the rest with another UID.
/// Each exception goes with its part. `None` if the object is no series, or there is no occurrence
/// before or after the cut.
pub fn cut(ics: &str, at: &str, ending: Ending, uid: &str) -> Option<[String; 2]> {
    let object = Object::read(ics);
    let master = object.events.iter().find(|event| find(event, "RECURRENCE-ID").is_none())?;
    let (start, rule) = (find(master, "DTSTART")?, find(master, "RRULE")?.value);
    let here = Property { value: at.to_owned(), ..start.clone() }.when()?;
    let before = occurrences_before(&start.when()?, &rule, &here)?;
    let bare: Vec<&str> = rule
        .split(';')
        .filter(|part| !part.starts_with("UNTIL=") && !part.starts_with("COUNT="))
        .collect();
    let end = match ending {
        Ending::Count => format!("COUNT={before}"),
        Ending::Until => format!("UNTIL={}", just_before(&here)?),
    };
    let first_rule = format!("RRULE:{};{end}", bare.join(";"));
    let rest_rule = match rule.split(';').find_map(|part| part.strip_prefix("COUNT=")) {
        Some(count) => format!(
            "RRULE:{};COUNT={}",
            bare.join(";"),
            count.parse::<usize>().ok()?.checked_sub(before).filter(|n| *n > 0)?
        ),
        None => format!("RRULE:{rule}"),
    };
    let lies_before =
        |property: &Property| property.when().is_some_and(|when| when.bounds().0 < here.bounds().0);
    let part = |first: bool| {
        let mut part = Object { frame: object.frame.clone(), events: Vec::new() };
        for event in &object.events {
            if let Some(original) = find(event, "RECURRENCE-ID") {
                part.events.extend((lies_before(&original) == first).then(|| event.clone()));
                continue;
            }
            let kept = event.iter().filter_map(|line| {
                let Some(read) = property(line).ok().filter(|_| !line.starts_with("BEGIN:")) else {
                    return Some(line.clone());
                };
                match read.name.as_str() {
                    "RRULE" => Some(if first { first_rule.clone() } else { rest_rule.clone() }),
                    "EXDATE" => gaps(&read, line, |gap| lies_before(gap) == first),
                    "DTSTART" if !first => Some(with_value(line, at)),
                    "DTEND" if !first => Some(with_value(line, &moved(&read, &start, &here)?)),
                    _ => Some(line.clone()),
                }
            });
            part.events.push(kept.collect());
        }
        if !first {
            part.rename(uid);
        }
        part.write()
    };
    Some([part(true), part(false)])
}

/// How many occurrences a rule has before a time; `None` if there is none.
fn occurrences_before(start: &When, rule: &str, at: &When) -> Option<usize> {
    let bare: Vec<&str> = rule
        .split(';')
        .filter(|part| !part.starts_with("UNTIL=") && !part.starts_with("COUNT="))
        .collect();
    let wall = |when: &When| when.civil().strftime("%Y%m%dT%H%M%SZ").to_string();
    // A rule is evaluated in local time. UTC takes its place here, so that no zone has to be known.
    let set: RRuleSet =
        format!("DTSTART:{}\nRRULE:{}", wall(start), bare.join(";")).parse().ok()?;
    let last = at.civil().to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    Some(
        set.into_iter().take_while(|occurrence| occurrence.timestamp() < last).take(10_000).count(),
    )
    .filter(|count| *count > 0)
}

/// The UNTIL of a series that ends before this time: in UTC, or a day (RFC 5545, section 3.3.10).
fn just_before(at: &When) -> Option<String> {
    let second = Span::new().seconds(1);
    let stamp =
        |at: DateTime, form: &str| Some(at.checked_sub(second).ok()?.strftime(form).to_string());
    match at {
        When::Day(day) => Some(day.yesterday().ok()?.strftime("%Y%m%d").to_string()),
        When::Utc(at) => stamp(*at, "%Y%m%dT%H%M%SZ"),
        When::Floating(at) => stamp(*at, "%Y%m%dT%H%M%S"),
        When::Zoned(at, zone) => {
            stamp(at.in_tz(zone).ok()?.with_time_zone(TimeZone::UTC).datetime(), "%Y%m%dT%H%M%SZ")
        }
    }
}

/// An end, moved by the distance of the start.
fn moved(end: &Property, start: &Property, to: &When) -> Option<String> {
    let (end, start) = (end.when()?, start.when()?);
    let far = start.civil().until((jiff::Unit::Second, to.civil())).ok()?;
    let moved = end.civil().checked_add(far).ok()?;
    let form = match end {
        When::Day(_) => "%Y%m%d",
        When::Utc(_) => "%Y%m%dT%H%M%SZ",
        When::Zoned(..) | When::Floating(_) => "%Y%m%dT%H%M%S",
    };
    Some(moved.strftime(form).to_string())
}

/// An EXDATE with some of its values; `None` if no value is left.
fn gaps(read: &Property, line: &str, stays: impl Fn(&Property) -> bool) -> Option<String> {
    let one = |value: &&str| stays(&Property { value: (*value).to_owned(), ..read.clone() });
    let kept: Vec<&str> = read.value.split(',').filter(one).collect();
    (!kept.is_empty()).then(|| with_value(line, &kept.join(",")))
}

/// A line with another value, for values without a colon.
fn with_value(line: &str, value: &str) -> String {
    format!("{}:{value}", line.rsplit_once(':').map_or(line, |(name, _)| name))
}

fn find(event: &[String], name: &str) -> Option<Property> {
    event.iter().filter_map(|line| property(line).ok()).find(|property| property.name == name)
}

/// The lines of an object: its events, and all else.
struct Object {
    frame: Vec<String>,
    events: Vec<Vec<String>>,
}

impl Object {
    fn read(ics: &str) -> Self {
        let (mut frame, mut events, mut inside) = (Vec::new(), Vec::<Vec<String>>::new(), false);
        for line in unfold(ics) {
            if line == "BEGIN:VEVENT" {
                inside = true;
                events.push(Vec::new());
            }
            let ends = line == "END:VEVENT";
            match events.last_mut().filter(|_| inside) {
                Some(event) => event.push(line),
                None => frame.push(line),
            }
            inside &= !ends;
        }
        Self { frame, events }
    }

    fn rename(&mut self, uid: &str) {
        for line in self
            .events
            .iter_mut()
            .flatten()
            .filter(|line| line.starts_with("UID:") || line.starts_with("UID;"))
        {
            *line = format!("UID:{uid}");
        }
    }

    fn write(&self) -> String {
        let (end, frame) =
            self.frame.split_last().map_or((None, &[][..]), |(end, frame)| (Some(end), frame));
        frame
            .iter()
            .chain(self.events.iter().flatten())
            .chain(end)
            .map(|line| folded(line))
            .collect()
    }
}

/// A line of at most 75 octets, with its fold (RFC 5545, section 3.1).
fn folded(line: &str) -> String {
    let (mut out, mut room) = (String::with_capacity(line.len() + 8), 75);
    for character in line.chars() {
        if character.len_utf8() > room {
            out.push_str("\r\n ");
            room = 74;
        }
        room -= character.len_utf8();
        out.push(character);
    }
    out + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ics::read;
    use crate::lint::check;

    fn series(rule: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//T//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19961027T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:calrelay-one\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260302T230000\r\nDTEND;TZID=Europe/Berlin:20260303T010000\r\nRRULE:{rule}\r\nEXDATE;TZID=Europe/Berlin:20260303T230000,20260306T230000\r\nX-CALRELAY-ORIGIN:{}\r\n {}\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:calrelay-one\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260306T220000Z\r\nDTSTART:20260307T220000Z\r\nDTEND:20260307T230000Z\r\nX-CALRELAY-ORIGIN:m\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "m".repeat(50),
            "n".repeat(50)
        )
    }

    #[test]
    fn a_duplicate_keeps_all_but_the_uid() {
        let copy = duplicated(&series("FREQ=DAILY;COUNT=9"), "another");
        let calendar = check(&copy).unwrap();
        assert!(calendar.inside("VEVENT").all(|event| event.value("UID") == Some("another")));
        assert_eq!(
            copy,
            series("FREQ=DAILY;COUNT=9").replace("UID:calrelay-one", "UID:another").replace(
                &format!("X-CALRELAY-ORIGIN:{}\r\n {}", "m".repeat(50), "n".repeat(50)),
                &format!(
                    "X-CALRELAY-ORIGIN:{}{}\r\n {}",
                    "m".repeat(50),
                    "n".repeat(7),
                    "n".repeat(43)
                ),
            )
        );
    }

    #[test]
    fn a_cut_loses_no_occurrence() {
        for (rule, ending, first_rule, rest_rule) in [
            ("FREQ=DAILY;COUNT=9", Ending::Count, "FREQ=DAILY;COUNT=3", "FREQ=DAILY;COUNT=6"),
            (
                "FREQ=DAILY;COUNT=9",
                Ending::Until,
                "FREQ=DAILY;UNTIL=20260305T215959Z",
                "FREQ=DAILY;COUNT=6",
            ),
            (
                "FREQ=DAILY;UNTIL=20260310T220000Z",
                Ending::Count,
                "FREQ=DAILY;COUNT=3",
                "FREQ=DAILY;UNTIL=20260310T220000Z",
            ),
        ] {
            let [first, rest] = cut(&series(rule), "20260305T230000", ending, "rest").unwrap();
            let (first, rest) = (check(&first).unwrap(), check(&rest).unwrap());
            let (one, two) = (
                &first.inside("VEVENT").next().unwrap().clone(),
                &rest.inside("VEVENT").next().unwrap().clone(),
            );
            assert_eq!(
                (one.value("RRULE"), two.value("RRULE")),
                (Some(first_rule), Some(rest_rule))
            );
            assert_eq!((one.value("UID"), two.value("UID")), (Some("calrelay-one"), Some("rest")));
            assert_eq!(
                (two.value("DTSTART"), two.value("DTEND")),
                (Some("20260305T230000"), Some("20260306T010000"))
            );
            assert_eq!(
                (one.value("EXDATE"), two.value("EXDATE")),
                (Some("20260303T230000"), Some("20260306T230000"))
            );
            assert_eq!(
                (first.inside("VEVENT").count(), rest.inside("VEVENT").count()),
                (1, 2),
                "the exception goes with its part"
            );
            assert_eq!(
                one.value("X-CALRELAY-ORIGIN"),
                two.value("X-CALRELAY-ORIGIN"),
                "the mark is in both"
            );
        }
    }

    #[test]
    fn all_day_series_are_cut_and_a_cut_needs_occurrences_before_it() {
        let days = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART;VALUE=DATE:20260302\nDTEND;VALUE=DATE:20260303\nRRULE:FREQ=WEEKLY\nEND:VEVENT\nEND:VCALENDAR\n";
        let [first, rest] = cut(days, "20260316", Ending::Until, "rest").unwrap();
        assert!(first.contains("RRULE:FREQ=WEEKLY;UNTIL=20260315\r\n"), "{first}");
        let rest = read(&rest).unwrap();
        let event = rest.inside("VEVENT").next().unwrap();
        assert_eq!(
            (event.value("DTSTART"), event.value("DTEND"), event.value("RRULE")),
            (Some("20260316"), Some("20260317"), Some("FREQ=WEEKLY"))
        );
        assert_eq!(cut(days, "20260302", Ending::Until, "rest"), None);
        assert_eq!(
            cut(&days.replace("RRULE:FREQ=WEEKLY\n", ""), "20260316", Ending::Until, "rest"),
            None
        );
    }
}
