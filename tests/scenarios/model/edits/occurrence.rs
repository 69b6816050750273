//! One occurrence of a weekly series, cancelled or changed by a person.

use super::lines::{later, line, start, with};

/// The start that the rule gives an occurrence, from that of its series.
pub fn at(series: &str, number: u8) -> Option<String> {
    let first =
        jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", series.trim_end_matches('Z')).ok()?;
    let day = first.checked_add(jiff::Span::new().weeks(i64::from(number))).ok()?;
    Some(day.strftime("%Y%m%dT%H%M%S").to_string())
}

/// Whether an occurrence takes place.
pub fn takes_place(ics: &str, number: u8) -> bool {
    let Some(day) = at(&start(ics), number) else { return false };
    let events = events(ics);
    let rule = events.iter().flatten().find(|line| is(line, "RRULE"));
    let until = rule.and_then(|line| line.split("UNTIL=").nth(1)).unwrap_or("9");
    let count =
        rule.and_then(|line| line.split("COUNT=").nth(1)?.parse::<u8>().ok()).unwrap_or(u8::MAX);
    let gone = ics.lines().any(|line| line.starts_with("EXDATE") && line.contains(&day));
    utc(&day).is_some_and(|day| *day <= *until) && number < count && !gone
}

/// The object with that occurrence as its last.
pub fn ended(ics: &str, number: u8) -> Option<String> {
    let last = at(&start(ics), number)?;
    let named = |line: &str| line.trim_end().rsplit(':').next().unwrap_or_default().to_owned();
    let rest = without(ics, |event| {
        event.iter().any(|line| is(line, "RECURRENCE-ID") && named(line) > last)
    });
    let kept: Vec<&str> =
        rest.lines().filter(|line| !(line.starts_with("EXDATE") && named(line) > last)).collect();
    Some(with(&kept.join("\n"), "RRULE", Some(format!("RRULE:FREQ=WEEKLY;UNTIL={}", utc(&last)?))))
}

/// A time in Berlin, in UTC.
fn utc(local: &str) -> Option<String> {
    let local = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", local).ok()?;
    let zoned = local.in_tz("Europe/Berlin").ok()?.with_time_zone(jiff::tz::TimeZone::UTC);
    Some(zoned.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The object without that occurrence.
pub fn cancelled(ics: &str, number: u8) -> String {
    let day = at(&start(ics), number).expect("a series' start");
    let rest = without(ics, |event| is_instead(event, &day));
    rest.replacen("END:VEVENT", &format!("EXDATE;TZID=Europe/Berlin:{day}\nEND:VEVENT"), 1)
}

/// The object with another start or title for that occurrence, and what it is then.
pub fn changed(
    ics: &str,
    number: u8,
    begin: Option<&str>,
    title: Option<&str>,
) -> Option<(String, String)> {
    let day = at(&start(ics), number)?;
    let events = events(ics);
    let before = events.iter().find(|event| is_instead(event, &day)).or(events.first())?;
    let value = |name: &str| {
        before.iter().find(|line| is(line, name)).and_then(|line| line.rsplit(':').next())
    };
    let own = value("RECURRENCE-ID").and(value("DTSTART")).unwrap_or(&day);
    let (begin, title) = (
        begin.unwrap_or(own).to_owned(),
        title.or(value("SUMMARY")).unwrap_or_default().to_owned(),
    );
    let gone =
        ["RRULE", "RDATE", "EXDATE", "DTSTART", "DTEND", "DURATION", "SUMMARY", "RECURRENCE-ID"];
    let (first, last) = (before.first()?, before.last()?);
    let kept =
        before[1..before.len() - 1].iter().filter(|line| !gone.iter().any(|name| is(line, name)));
    let new = [
        line("RECURRENCE-ID", &day, true),
        line("DTSTART", &begin, true),
        line("DTEND", &later(&begin), true),
        format!("SUMMARY:{title}"),
    ];
    let lines = [(*first).to_owned()]
        .into_iter()
        .chain(kept.map(|line| (*line).to_owned()))
        .chain(new)
        .chain([(*last).to_owned()]);
    let event = lines.collect::<Vec<_>>().join("\n");
    let rest = without(ics, |event| is_instead(event, &day));
    Some((
        rest.replacen("END:VCALENDAR", &format!("{event}\nEND:VCALENDAR"), 1),
        format!("{begin} {title}"),
    ))
}

/// The object without the changed occurrences of which this is true.
pub fn without(ics: &str, goes: impl Fn(&[&str]) -> bool) -> String {
    let (mut out, mut event): (Vec<&str>, Vec<&str>) = Default::default();
    for line in ics.lines().map(|line| line.trim_end_matches('\r')) {
        if line != "BEGIN:VEVENT" && event.is_empty() {
            out.push(line);
            continue;
        }
        event.push(line);
        if line == "END:VEVENT" {
            let is_changed = event.iter().any(|line| is(line, "RECURRENCE-ID"));
            if !(is_changed && goes(&event)) {
                out.append(&mut event);
            }
            event.clear();
        }
    }
    out.join("\n") + "\n"
}

/// The events of an object, the series first.
fn events(ics: &str) -> Vec<Vec<&str>> {
    let mut events: Vec<Vec<&str>> = Vec::new();
    let mut inside = false;
    for line in ics.lines().map(|line| line.trim_end_matches('\r')) {
        if line == "BEGIN:VEVENT" {
            inside = true;
            events.push(Vec::new());
        }
        if let Some(event) = events.last_mut().filter(|_| inside) {
            event.push(line);
        }
        inside &= line != "END:VEVENT";
    }
    events
}

fn is_instead(event: &[&str], day: &str) -> bool {
    event.iter().any(|line| is(line, "RECURRENCE-ID") && line.contains(day))
}

fn is(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', ';']))
}
