//! Writes: `events.insert`, `import`, `update`, `patch`, `delete`, and their conditions.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::event::{is_cancelled, is_client_id, merge, settle, without_conference_block, writable};
use super::reply::{Refusal, Reply};
use super::state::{Records, Role};
use super::view::shown;
use super::{guests, series};

pub(super) fn insert(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let calendar = call.writable(records)?;
    let text = |name: &str| call.body.get(name).and_then(Value::as_str);
    let (id, uid) = (text("id"), text("iCalUID"));
    if id.is_some() && uid.is_some() {
        records.violation("events.insert: id and iCalUID together");
        return Err(Refusal::invalid("Only one of id and iCalUID may be given."));
    }
    let id = match id {
        Some(id) if !is_client_id(id) => {
            records.violation(
                "events.insert: an id of other letters than base32hex has, or too short or long",
            );
            return Err(Refusal::invalid("Invalid resource id value."));
        }
        Some(id) => id.to_owned(),
        None => records.word(26),
    };
    let there = &records.calendars[&calendar];
    // A deleted event keeps its id.
    if there.get(&id).is_some()
        || uid.is_some_and(|uid| with_uid(records, &calendar, uid).is_some())
    {
        return Err(Refusal::new(409, "duplicate", "The requested identifier already exists."));
    }
    let uid = uid.map_or_else(|| format!("{id}@google.com"), str::to_owned);
    create(records, call, &calendar, &id, &uid)
}

pub(super) fn import(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let calendar = call.writable(records)?;
    let Some(uid) = call.body.get("iCalUID").and_then(Value::as_str).map(str::to_owned) else {
        return Err(Refusal::required("Missing iCalUID."));
    };
    if call.body.contains_key("id") {
        records.violation("events.import: id and iCalUID together");
        return Err(Refusal::invalid("Only one of id and iCalUID may be given."));
    }
    let id = match with_uid(records, &calendar, &uid) {
        Some(_) if !call.manners.import_replaces => {
            return Err(Refusal::new(409, "duplicate", "The requested identifier already exists."));
        }
        Some(id) => id,
        None => format!("_{}", records.word(26)),
    };
    if let Some(there) = records.calendars.get_mut(&calendar) {
        there.private.insert(id.clone());
    }
    create(records, call, &calendar, &id, &uid)
}

/// The living event of this iCalUID that is no exception.
fn with_uid(records: &Records, calendar: &str, uid: &str) -> Option<String> {
    let mut events = records.calendars.get(calendar)?.events().map(|stored| &stored.event);
    let found = events.find(|e| {
        !is_cancelled(e)
            && !e.contains_key("recurringEventId")
            && e.get("iCalUID").is_some_and(|own| own == uid)
    });
    found?.get("id")?.as_str().map(str::to_owned)
}

fn create(
    records: &mut Records,
    call: &Call<'_>,
    calendar: &str,
    id: &str,
    uid: &str,
) -> Result<Reply, Refusal> {
    let body = &call.body;
    if body.get("eventType").is_some_and(|kind| kind != "default") {
        records.violation(format!("{}: an event of another type than default", call.method.id));
        return Err(Refusal::new(
            400,
            "eventTypeRestriction",
            "An event of this type cannot be created.",
        ));
    }
    let mut event = Map::new();
    merge(&mut event, &wanted(call));
    let there = &records.calendars[calendar];
    let organizer = match body
        .get("organizer")
        .filter(|_| call.method.id == "events.import")
        .and_then(|o| o["email"].as_str())
    {
        Some(email) if email != there.id => json!({"email": email}),
        _ => there.organizer(),
    };
    let creator = if there.id == call.account {
        json!({"email": call.account, "self": true})
    } else {
        json!({"email": call.account})
    };
    for (name, value) in [
        ("id", json!(id)),
        ("iCalUID", json!(uid)),
        ("organizer", organizer),
        ("creator", creator),
        ("htmlLink", json!(format!("https://www.google.com/calendar/event?eid={id}"))),
    ] {
        event.insert(name.into(), value);
    }
    if body.get("privateCopy") == Some(&json!(true)) {
        event.insert("privateCopy".into(), json!(true));
    }
    let before = there.get(id).filter(|event| !is_cancelled(event)).cloned();
    put(records, call, calendar, before.as_ref(), event)
}

fn trim(event: &mut Map<String, Value>) {
    for name in ["summary", "description", "location"] {
        if let Some(Value::String(text)) = event.get_mut(name) {
            *text = text.replace("\r\n", "\n").trim().to_owned();
        }
    }
}

/// Checks and stores an event, and sends its notifications.
fn put(
    records: &mut Records,
    call: &Call<'_>,
    calendar: &str,
    before: Option<&Map<String, Value>>,
    mut event: Map<String, Value>,
) -> Result<Reply, Refusal> {
    let there = &records.calendars[calendar];
    if call.manners.trims_texts {
        trim(&mut event);
    }
    settle(&mut event, &there.zone)?;
    there.mark(&mut event);
    let role = records.seen(&call.account, calendar).map_or(Role::Writer, |(_, role)| role);
    let event = records.keep(calendar, before, event, call.now, call.manners.discards_exceptions);
    guests::notify(records, calendar, before, Some(&event), call);
    Ok(Reply::json(200, shown(call, &records.calendars[calendar], role, &event)?))
}

pub(super) fn get(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let (calendar, role) = call.calendar(records)?;
    let event = calendar.found(call.at("eventId")).ok_or_else(Refusal::not_found)?;
    if call.header("if-none-match").is_some_and(|etag| event["etag"] == etag) {
        return Ok(Reply::status(304));
    }
    Ok(Reply::json(200, shown(call, calendar, role, &event)?))
}

/// What an update does not take away.
const KEPT: &[&str] = &[
    "id",
    "iCalUID",
    "created",
    "creator",
    "organizer",
    "htmlLink",
    "hangoutLink",
    "recurringEventId",
    "originalStartTime",
    "eventType",
    "privateCopy",
    "sequence",
    "updated",
];

/// Whether a field is passed over because the caller has not said that it knows about such things.
fn is_ignored(name: &str, call: &Call<'_>) -> bool {
    match name {
        "conferenceData" => call.param("conferenceDataVersion") != Some("1"),
        "attachments" => !call.flag("supportsAttachments"),
        _ => false,
    }
}

/// What a caller wants in an event, and nothing else.
fn wanted(call: &Call<'_>) -> Map<String, Value> {
    let mut wanted = writable(&call.body);
    wanted.retain(|name, _| !is_ignored(name, call));
    if let Some(Value::String(text)) = wanted.get_mut("description") {
        *text = without_conference_block(text);
    }
    wanted
}

/// `events.update` and `events.patch`.
pub(super) fn change(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let calendar = call.writable(records)?;
    let before =
        records.calendars[&calendar].found(call.at("eventId")).ok_or_else(Refusal::not_found)?;
    condition(call, &before)?;
    let body = &call.body;
    let status = body.get("status").and_then(Value::as_str);
    // A deleted event lives again when it is said to be confirmed.
    if is_cancelled(&before) && !matches!(status, Some("confirmed" | "tentative")) {
        return Err(Refusal::not_found());
    }
    for (name, usual) in [("eventType", "default"), ("id", call.at("eventId"))] {
        let is = before.get(name).and_then(Value::as_str).unwrap_or(usual);
        if body.get(name).and_then(Value::as_str).is_some_and(|said| said != is) {
            return Err(Refusal::invalid(&format!("{name} cannot be changed.")));
        }
    }
    if let (Some(said), Some(is)) = (
        body.get("sequence").and_then(Value::as_i64),
        before.get("sequence").and_then(Value::as_i64),
    ) && said < is
    {
        return Err(Refusal::invalid(
            "Invalid sequence value. The specified sequence number is below the current one.",
        ));
    }
    if status == Some("cancelled") {
        take_away(records, call, &calendar, &before);
        let gone = super::event::tombstone(&before);
        return Ok(Reply::json(200, Value::Object(gone)));
    }
    let mut event = before.clone();
    if call.method.id == "events.update" {
        event.retain(|name, _| KEPT.contains(&name.as_str()) || is_ignored(name, call));
    }
    merge(&mut event, &wanted(call));
    if !records.calendars[&calendar].organizes(&before) && touches_the_meeting(&before, &event) {
        return Err(Refusal::new(
            403,
            "forbiddenForNonOrganizer",
            "Shared properties can only be changed by the organizer of the event.",
        ));
    }
    if before.get("locked").is_some_and(|locked| locked == true)
        && MAIN.iter().any(|name| before.get(*name) != event.get(*name))
    {
        return Err(Refusal::new(403, "forbidden", "The event is locked."));
    }
    put(records, call, &calendar, Some(&before), event)
}

/// The fields of a locked event that cannot be changed.
const MAIN: &[&str] = &["summary", "description", "location", "start", "end", "recurrence"];

pub(super) fn delete(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let calendar = call.writable(records)?;
    let event =
        records.calendars[&calendar].found(call.at("eventId")).ok_or_else(Refusal::not_found)?;
    if is_cancelled(&event) {
        return Err(Refusal::new(410, "deleted", "Resource has been deleted"));
    }
    condition(call, &event)?;
    take_away(records, call, &calendar, &event);
    Ok(Reply::status(204))
}

fn take_away(records: &mut Records, call: &Call<'_>, calendar: &str, event: &Map<String, Value>) {
    let id = event["id"].as_str().unwrap_or_default();
    if let Some(there) = records.calendars.get_mut(calendar) {
        there.remove(id, call.now, call.manners.buries_exceptions);
    }
    guests::notify(records, calendar, Some(event), None, call);
}

fn condition(call: &Call<'_>, event: &Map<String, Value>) -> Result<(), Refusal> {
    match call.header("if-match") {
        Some(etag) if etag != "*" && event["etag"] != etag => Err(Refusal::of_status(412)),
        _ => Ok(()),
    }
}

/// Whether a change is one that only the organizer may make.
fn touches_the_meeting(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let shared = [
        "summary",
        "description",
        "location",
        "start",
        "end",
        "recurrence",
        "guestsCanModify",
        "guestsCanInviteOthers",
    ];
    let emails = |event: &Map<String, Value>| -> Vec<String> {
        let all = event.get("attendees").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|a| a["email"].as_str().map(str::to_owned)).collect()
    };
    shared.iter().any(|name| before.get(*name) != after.get(*name))
        || emails(before) != emails(after)
}

impl Records {
    /// Stores a new or changed event; a series whose start or rule has changed loses its
    /// exceptions. `discards`: also with any other change of its `recurrence`.
    pub fn keep(
        &mut self,
        calendar: &str,
        before: Option<&Map<String, Value>>,
        event: Map<String, Value>,
        now: jiff::Timestamp,
        discards: bool,
    ) -> Map<String, Value> {
        let Some(there) = self.calendars.get_mut(calendar) else { return event };
        if let Some(before) = before.filter(|before| series::is_series(before)) {
            let id = event["id"].as_str().unwrap_or_default();
            let moved = before.get("start") != event.get("start")
                || series::rules(before) != series::rules(&event);
            if moved || (discards && before.get("recurrence") != event.get("recurrence")) {
                there.discard_exceptions(id);
            } else {
                let astray = there.astray(&event);
                there.forget_all(&astray);
            }
        }
        there.store(event, now)
    }
}
