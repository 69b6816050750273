//! What a strict CalDAV server checks before it stores an object (RFC 4791, section 4.1 and
//! 5.3.2.1; RFC 5545).
//!
//! Real servers accept much of this; the simulator does not, so that the product's defects show
//! here and not on a user's phone.

use std::collections::HashSet;

use jiff::civil::DateTime;

use crate::ics::{self, Component, Property, When};

/// Why an object is refused: the precondition of RFC 4791 and a sentence that quotes no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The local name of the precondition, such as `valid-calendar-data`.
    pub precondition: &'static str,
    /// Why.
    pub why: String,
}

/// Checks an object as a strict server does, and gives it back as read.
///
/// # Errors
/// The first flaw found.
pub fn check(text: &str) -> Result<Component, Flaw> {
    let data = |why: String| Flaw { precondition: "valid-calendar-data", why };
    lines(text).map_err(data)?;
    let calendar = ics::read(text).map_err(data)?;
    envelope(&calendar).map_err(data)?;
    let zones: HashSet<&str> =
        calendar.inside("VTIMEZONE").filter_map(|z| z.value("TZID")).collect();
    for component in calendar.components.iter().filter(|c| c.name != "VTIMEZONE") {
        known_zones(component, &zones).map_err(data)?;
        if component.name == "VEVENT" {
            event(component).map_err(data)?;
        }
    }
    whole(&calendar).map_err(|why| Flaw { precondition: "valid-calendar-object-resource", why })?;
    if calendar.inside("VEVENT").next().is_none() {
        return Err(Flaw {
            precondition: "supported-calendar-component",
            why: "there is no VEVENT in it".into(),
        });
    }
    Ok(calendar)
}

/// Lines end in CRLF, hold at most 75 octets, and no control characters (RFC 5545, section 3.1).
fn lines(text: &str) -> Result<(), String> {
    let body = text.strip_suffix("\r\n").ok_or("the last line does not end in CRLF")?;
    for line in body.split("\r\n") {
        if line.contains(['\n', '\r']) {
            return Err("a line ends in something else than CRLF".into());
        }
        if line.len() > 75 {
            return Err("a line is longer than 75 octets".into());
        }
        if line.is_empty() {
            return Err("a line is empty".into());
        }
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err("a line holds a control character".into());
        }
    }
    Ok(())
}

fn envelope(calendar: &Component) -> Result<(), String> {
    if calendar.value("VERSION") != Some("2.0") {
        return Err("VERSION is not 2.0".into());
    }
    if calendar.value("PRODID").is_none_or(str::is_empty) {
        return Err("PRODID is missing".into());
    }
    if calendar.get("METHOD").is_some() {
        return Err("a stored object has no METHOD".into());
    }
    Ok(())
}

/// Every TZID has its VTIMEZONE (RFC 5545, section 3.2.19).
fn known_zones(component: &Component, zones: &HashSet<&str>) -> Result<(), String> {
    for property in &component.properties {
        if let Some(tzid) = property.parameter("TZID")
            && !zones.contains(tzid)
        {
            return Err(format!("{} names a zone without a VTIMEZONE", property.name));
        }
    }
    component.components.iter().try_for_each(|inner| known_zones(inner, zones))
}

const ONCE: &[&str] = &[
    "UID",
    "DTSTAMP",
    "DTSTART",
    "DTEND",
    "DURATION",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "STATUS",
    "CLASS",
    "TRANSP",
    "SEQUENCE",
    "CREATED",
    "LAST-MODIFIED",
    "RECURRENCE-ID",
    "RRULE",
    "ORGANIZER",
    "PRIORITY",
    "URL",
    "GEO",
];

fn event(event: &Component) -> Result<(), String> {
    for name in ONCE {
        if event.all(name).count() > 1 {
            return Err(format!("{name} is there twice"));
        }
    }
    for name in ["UID", "DTSTAMP", "DTSTART"] {
        if event.value(name).is_none_or(str::is_empty) {
            return Err(format!("{name} is missing"));
        }
    }
    for name in ["DTSTAMP", "CREATED", "LAST-MODIFIED"] {
        if event.get(name).is_some_and(|p| !matches!(p.when(), Some(When::Utc(_)))) {
            return Err(format!("{name} is not in UTC"));
        }
    }
    let start = time(event, "DTSTART")?.ok_or("DTSTART is missing")?;
    if event.get("DTEND").is_some() && event.get("DURATION").is_some() {
        return Err("DTEND and DURATION exclude each other".into());
    }
    if let Some(end) = time(event, "DTEND")? {
        if end.is_day() != start.is_day() {
            return Err("DTSTART and DTEND are of two kinds".into());
        }
        if end.bounds().1 < start.bounds().0 || (start.is_day() && end.civil() <= start.civil()) {
            return Err("it ends before it starts".into());
        }
    }
    for name in ["RECURRENCE-ID", "EXDATE"] {
        for property in event.all(name) {
            for value in property.value.split(',') {
                let one = Property { value: value.to_owned(), ..property.clone() };
                if one.when().is_none_or(|when| when.is_day() != start.is_day()) {
                    return Err(format!("{name} is not of the kind of DTSTART"));
                }
            }
        }
    }
    for rule in event.all("RRULE") {
        recurrence(&rule.value, &start)?;
    }
    words(event)
}

fn time(event: &Component, name: &str) -> Result<Option<When>, String> {
    let Some(property) = event.get(name) else { return Ok(None) };
    let when = property.when().ok_or_else(|| format!("{name} is no time"))?;
    let said_day = property.parameter("VALUE") == Some("DATE");
    if said_day != when.is_day() {
        return Err(format!("{name} is of another kind than its VALUE says"));
    }
    if property.parameter("TZID").is_some() && !matches!(when, When::Zoned(..)) {
        return Err(format!("{name} has a TZID that means nothing"));
    }
    Ok(Some(when))
}

/// RFC 5545, section 3.3.10.
fn recurrence(rule: &str, start: &When) -> Result<(), String> {
    let mut seen = HashSet::new();
    for part in rule.split(';') {
        let (key, value) = part.split_once('=').ok_or("a part of RRULE has no value")?;
        if !seen.insert(key) {
            return Err("a part of RRULE is there twice".into());
        }
        let fine = match key {
            "FREQ" => ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
                .contains(&value),
            "INTERVAL" | "COUNT" => value.parse::<u32>().is_ok_and(|n| n > 0),
            "UNTIL" => When::read_until(value).is_some_and(|until| same_kind(&until, start)),
            "BYSECOND" | "BYMINUTE" | "BYHOUR" | "BYDAY" | "BYMONTHDAY" | "BYYEARDAY"
            | "BYWEEKNO" | "BYMONTH" | "BYSETPOS" | "WKST" => !value.is_empty(),
            _ => false,
        };
        if !fine {
            return Err("a part of RRULE is not as RFC 5545 has it".into());
        }
    }
    if !seen.contains("FREQ") || (seen.contains("UNTIL") && seen.contains("COUNT")) {
        return Err("RRULE lacks FREQ, or has both UNTIL and COUNT".into());
    }
    Ok(())
}

/// UNTIL is a day for days, UTC for what has a zone, and floating for what floats.
fn same_kind(until: &When, start: &When) -> bool {
    match start {
        When::Day(_) => until.is_day(),
        When::Utc(_) | When::Zoned(..) => matches!(until, When::Utc(_)),
        When::Floating(_) => matches!(until, When::Floating(_)),
    }
}

impl When {
    fn read_until(value: &str) -> Option<Self> {
        Property { name: "UNTIL".into(), parameters: Vec::new(), value: value.to_owned() }.when()
    }
}

fn words(event: &Component) -> Result<(), String> {
    let allowed: &[(&str, &[&str])] = &[
        ("STATUS", &["TENTATIVE", "CONFIRMED", "CANCELLED"]),
        ("TRANSP", &["OPAQUE", "TRANSPARENT"]),
        ("CLASS", &["PUBLIC", "PRIVATE", "CONFIDENTIAL"]),
    ];
    for (name, words) in allowed {
        if event
            .value(name)
            .is_some_and(|value| !words.contains(&value) && !value.starts_with("X-"))
        {
            return Err(format!("{name} has an unknown value"));
        }
    }
    if event.value("SEQUENCE").is_some_and(|value| value.parse::<u32>().is_err()) {
        return Err("SEQUENCE is no number".into());
    }
    for name in ["SUMMARY", "DESCRIPTION", "LOCATION"] {
        let value = event.value(name).unwrap_or_default();
        let mut characters = value.chars();
        while let Some(c) = characters.next() {
            if c == '\\' && !matches!(characters.next(), Some('\\' | ';' | ',' | 'n' | 'N')) {
                return Err(format!("{name} has an unknown escape"));
            }
        }
    }
    Ok(())
}

/// One UID, one master at most, every override once (RFC 4791, section 4.1).
fn whole(calendar: &Component) -> Result<(), String> {
    let events: Vec<&Component> =
        calendar.components.iter().filter(|c| c.name != "VTIMEZONE").collect();
    if events.windows(2).any(|two| two[0].value("UID") != two[1].value("UID")) {
        return Err("it holds two UIDs".into());
    }
    if events.windows(2).any(|two| two[0].name != two[1].name) {
        return Err("it holds components of two kinds".into());
    }
    let mut originals: HashSet<Option<DateTime>> = HashSet::new();
    for event in events.iter().filter(|e| e.name == "VEVENT") {
        if !originals.insert(event.get("RECURRENCE-ID").and_then(Property::when).map(|w| w.civil()))
        {
            return Err("it holds two masters, or an occurrence twice".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
