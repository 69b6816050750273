//! A calendar as a person sees it: titles and times, one line an event.

use std::fmt;

use crate::ics::{self, Component, Property};

/// One event, or one exception of a series, as its object contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of the object.
    pub name: String,
    /// The VEVENT.
    pub event: Component,
}

impl Entry {
    /// Its UID.
    pub fn uid(&self) -> &str {
        self.value("UID")
    }

    /// Its title.
    pub fn summary(&self) -> String {
        self.text("SUMMARY")
    }

    /// The value of a property, unchanged; empty where it is absent.
    pub fn value(&self, property: &str) -> &str {
        self.event.value(property).unwrap_or_default()
    }

    /// The text of a property; empty where it is absent.
    pub fn text(&self, property: &str) -> String {
        self.event.get(property).map(Property::text).unwrap_or_default()
    }

    /// The start as the object contains it: `20260310T100000Z`, `20260310T100000 Europe/Tallinn`,
    /// `20260310`.
    pub fn start(&self) -> String {
        self.time("DTSTART")
    }

    /// When it ends, likewise; its DURATION where it has no end.
    pub fn end(&self) -> String {
        self.time(if self.event.get("DTEND").is_some() { "DTEND" } else { "DURATION" })
    }

    /// The original start, if it is an exception of a series.
    pub fn original(&self) -> Option<String> {
        self.event.get("RECURRENCE-ID").map(|_| self.time("RECURRENCE-ID"))
    }

    fn time(&self, name: &str) -> String {
        let Some(property) = self.event.get(name) else { return String::new() };
        match property.parameter("TZID") {
            Some(zone) => format!("{} {zone}", property.value),
            None => property.value.clone(),
        }
    }
}

/// `20260310T100000Z - 20260310T110000Z  Title  @ Place  (FREQ=DAILY)  [PRIVATE]`
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}  {}", self.start(), self.end(), self.summary())?;
        if !self.value("LOCATION").is_empty() {
            write!(f, "  @ {}", self.text("LOCATION"))?;
        }
        if !self.value("RRULE").is_empty() {
            write!(f, "  ({})", self.value("RRULE"))?;
        }
        for gap in self.event.all("EXDATE") {
            write!(f, "  without {}", gap.value)?;
        }
        if let Some(original) = self.original() {
            write!(f, "  instead of {original}")?;
        }
        for name in ["CLASS", "TRANSP", "STATUS"] {
            let plain = ["", "PUBLIC", "OPAQUE", "CONFIRMED"];
            if !plain.contains(&self.value(name)) {
                write!(f, "  [{}]", self.value(name))?;
            }
        }
        Ok(())
    }
}

/// The events in these objects (name and text), by start, title and original start. What cannot be
/// read is left out.
pub fn entries(objects: impl IntoIterator<Item = (String, String)>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, text) in objects {
        let Ok(calendar) = ics::read(&text) else { continue };
        let events = calendar.components.into_iter().filter(|c| c.name == "VEVENT");
        entries.extend(events.map(|event| Entry { name: name.clone(), event }));
    }
    entries.sort_by_cached_key(|e| (e.start(), e.summary(), e.original(), e.name.clone()));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_a_person_would_see() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Tallinn:20260310T100000\nDURATION:PT1H\nSUMMARY:Q3\\, part 1\nRRULE:FREQ=DAILY\nCLASS:PRIVATE\nSTATUS:CONFIRMED\nEND:VEVENT\nEND:VCALENDAR";
        let agenda = entries([
            ("a.ics".to_owned(), text.to_owned()),
            ("b.ics".to_owned(), "broken".to_owned()),
        ]);
        let lines: Vec<String> = agenda.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["20260310T100000 Europe/Tallinn - PT1H  Q3, part 1  (FREQ=DAILY)  [PRIVATE]"]
        );
    }
}
