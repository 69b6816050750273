//! The Event resource: what of it can be written, what is refused, how a PATCH is merged, and how
//! it is shown.

use serde_json::{Map, Value, json};

use super::reply::Refusal;
use super::series;
use super::times::{When, stored};

/// Fields that a client can write; what else it sends is read-only and passed over, as Google does.
const WRITABLE: &[&str] = &[
    "anyoneCanAddSelf",
    "attachments",
    "attendees",
    "attendeesOmitted",
    "birthdayProperties",
    "colorId",
    "conferenceData",
    "description",
    "end",
    "endTimeUnspecified",
    "extendedProperties",
    "focusTimeProperties",
    "guestsCanInviteOthers",
    "guestsCanModify",
    "guestsCanSeeOtherGuests",
    "location",
    "outOfOfficeProperties",
    "recurrence",
    "reminders",
    "sequence",
    "source",
    "start",
    "status",
    "summary",
    "transparency",
    "visibility",
    "workingLocationProperties",
];

/// What is left out when it is read.
fn is_default(name: &str, value: &Value) -> bool {
    match name {
        "transparency" => value == "opaque",
        "visibility" | "eventType" => value == "default",
        "guestsCanInviteOthers" | "guestsCanSeeOtherGuests" => value == true,
        "attendeesOmitted" | "anyoneCanAddSelf" | "guestsCanModify" | "endTimeUnspecified"
        | "privateCopy" | "locked" => value == false,
        "summary" | "description" | "location" => value == "",
        "attendees" | "recurrence" | "attachments" => value.as_array().is_some_and(Vec::is_empty),
        _ => value.is_null(),
    }
}

/// What can be written of what a client sends.
pub(super) fn writable(body: &Map<String, Value>) -> Map<String, Value> {
    body.iter()
        .filter(|(name, _)| WRITABLE.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Merges as PATCH does: objects field by field, null takes away, arrays and all else are replaced.
pub(super) fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {
                into.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            (_, Value::Object(patch)) => {
                let mut inner = Map::new();
                merge(&mut inner, patch);
                into.insert(name.clone(), Value::Object(inner));
            }
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Checks an event and brings it into the form in which it is kept.
pub(super) fn settle(event: &mut Map<String, Value>, calendar_zone: &str) -> Result<(), Refusal> {
    let start = When::read(event.get("start"), "start", calendar_zone)?;
    let end = When::read(event.get("end"), "end", calendar_zone)?;
    if start.is_day() != end.is_day() {
        return Err(Refusal::invalid(
            "Start and end times must either both be date or both be dateTime.",
        ));
    }
    let span = start.until(&end);
    if !span.is_positive() {
        return Err(Refusal::new(400, "timeRangeEmpty", "The specified time range is empty."));
    }
    let recurring =
        event.get("recurrence").and_then(Value::as_array).is_some_and(|lines| !lines.is_empty());
    if recurring {
        if event.contains_key("recurringEventId") {
            return Err(Refusal::invalid("An occurrence of a series cannot recur itself."));
        }
        for which in ["start", "end"] {
            if !start.is_day() && event[which].get("timeZone").and_then(Value::as_str).is_none() {
                return Err(Refusal::required(&format!(
                    "Missing time zone definition for {which} time."
                )));
            }
        }
    }
    event.insert("start".into(), start.write(zone_of(&start)));
    event.insert("end".into(), end.write(zone_of(&end)));
    if recurring {
        series::check(event)?;
    }
    one_of(event, "status", &["confirmed", "tentative", "cancelled"])?;
    one_of(event, "visibility", &["default", "public", "private", "confidential"])?;
    one_of(event, "transparency", &["opaque", "transparent"])?;
    attendees(event)?;
    properties(event)?;
    reminders(event)?;
    if event
        .get("source")
        .is_some_and(|source| !source["url"].as_str().is_some_and(|url| url.starts_with("http")))
    {
        return Err(Refusal::invalid("Invalid source URL."));
    }
    event.retain(|name, value| !value.is_null() && !is_default(name, value));
    if !event.contains_key("status") {
        event.insert("status".into(), json!("confirmed"));
    }
    Ok(())
}

fn zone_of(when: &When) -> &str {
    match when {
        When::Day(_) => "UTC",
        When::At { zone, .. } => zone,
    }
}

fn one_of(event: &Map<String, Value>, name: &str, values: &[&str]) -> Result<(), Refusal> {
    match event.get(name).and_then(Value::as_str) {
        Some(value) if !values.contains(&value) => {
            Err(Refusal::invalid(&format!("Invalid value for: {name}")))
        }
        _ => Ok(()),
    }
}

fn attendees(event: &mut Map<String, Value>) -> Result<(), Refusal> {
    for attendee in event.get_mut("attendees").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(attendee) = attendee.as_object_mut() else {
            return Err(Refusal::invalid("Invalid attendee."));
        };
        if !attendee.get("email").and_then(Value::as_str).is_some_and(|email| email.contains('@')) {
            return Err(Refusal::required("Missing attendee email."));
        }
        attendee.entry("responseStatus").or_insert_with(|| json!("needsAction"));
        one_of(attendee, "responseStatus", &["needsAction", "declined", "tentative", "accepted"])?;
        // These are Google's to say.
        attendee.retain(|name, value| {
            !matches!(name.as_str(), "self" | "organizer") && !value.is_null() && value != false
        });
    }
    Ok(())
}

/// Longer keys are dropped and longer values cut, without a word; too many or too much is refused.
fn properties(event: &mut Map<String, Value>) -> Result<(), Refusal> {
    let Some(Value::Object(kinds)) = event.get_mut("extendedProperties") else { return Ok(()) };
    for kind in ["private", "shared"] {
        let Some(Value::Object(properties)) = kinds.get_mut(kind) else { continue };
        properties.retain(|key, value| key.chars().count() <= 44 && !value.is_null());
        for value in properties.values_mut() {
            if let Value::String(text) = value {
                *text = text.chars().take(1024).collect();
            }
        }
        let size: usize = properties
            .iter()
            .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
            .sum();
        if properties.len() > 300 || size > 32 * 1024 {
            return Err(Refusal::invalid("The extended properties are too large."));
        }
    }
    kinds.retain(|_, properties| properties.as_object().is_some_and(|p| !p.is_empty()));
    if kinds.is_empty() {
        event.remove("extendedProperties");
    }
    Ok(())
}

fn reminders(event: &mut Map<String, Value>) -> Result<(), Refusal> {
    let reminders = event.entry("reminders").or_insert_with(|| json!({"useDefault": true}));
    let overrides = reminders["overrides"].as_array().map_or(0, Vec::len);
    if overrides > 5 || (overrides > 0 && reminders["useDefault"] == true) {
        return Err(Refusal::new(
            400,
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides.",
        ));
    }
    if overrides == 0
        && let Some(reminders) = reminders.as_object_mut()
    {
        reminders.remove("overrides");
    }
    Ok(())
}

/// A description without the part between two lines of the form `-::~:~::…::~:~::-`: Google takes
/// that for its own conference block, and throws away what is inside.
pub(super) fn without_conference_block(text: &str) -> String {
    let is_border =
        |line: &str| line.len() >= 20 && line.starts_with("-::~") && line.ends_with("~::-");
    let borders: Vec<usize> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| is_border(line.trim()))
        .map(|(n, _)| n)
        .collect();
    let [first, last, ..] = borders[..] else { return text.to_owned() };
    text.lines()
        .enumerate()
        .filter(|(n, _)| !(first..=last).contains(n))
        .map(|(_, line)| line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// An id that a client may choose: the alphabet of base32hex, 5 to 1024 long.
pub(super) fn is_client_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'a'..=b'v' | b'0'..=b'9'))
}

/// The occurrence of a series that starts then, before any exception.
pub(super) fn instance(master: &Map<String, Value>, original: &When) -> Map<String, Value> {
    let mut event = master.clone();
    event.remove("recurrence");
    let text = |name: &str| master.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if let (Some(start), Some(end)) = (stored(master, "start"), stored(master, "end")) {
        let end = original.plus(start.until(&end));
        event.insert("end".into(), end.write(zone_of(&end)));
    }
    event.insert("start".into(), original.write(zone_of(original)));
    event.insert("originalStartTime".into(), original.write(zone_of(original)));
    event.insert("recurringEventId".into(), json!(text("id")));
    event.insert("id".into(), json!(format!("{}_{}", text("id"), original.stamp())));
    event
}

/// What is left of a deleted event, or of a cancelled occurrence.
pub(super) fn tombstone(event: &Map<String, Value>) -> Map<String, Value> {
    let kept = ["kind", "etag", "id", "recurringEventId", "originalStartTime"];
    let mut bare: Map<String, Value> = event
        .iter()
        .filter(|(k, _)| kept.contains(&k.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    bare.insert("status".into(), json!("cancelled"));
    bare
}

pub(super) fn is_cancelled(event: &Map<String, Value>) -> bool {
    event.get("status").is_some_and(|status| status == "cancelled")
}

/// Whether the list has an attendee other than the owner of the calendar.
pub(super) fn guests<'a>(
    event: &'a Map<String, Value>,
    own: &'a [String],
) -> impl Iterator<Item = &'a str> {
    let all = event.get("attendees").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|guest| guest["email"].as_str())
        .filter(move |email| !own.iter().any(|mine| mine.eq_ignore_ascii_case(email)))
}
