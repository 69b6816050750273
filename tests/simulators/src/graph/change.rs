//! What a client, or the person in Outlook, sends of an event: read, checked, and not yet applied.

use serde_json::{Map, Value, json};

use super::item::Times;
use super::manners::Manners;
use super::prefer::bad_zone;
use super::query::mark_id;
use super::render::place;
use super::reply::Refusal;
use super::zones::{self, Wall};

/// A body, read.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub fields: Map<String, Value>,
    pub start: Option<Wall>,
    pub end: Option<Wall>,
    pub all_day: Option<bool>,
    /// `Some(None)`: null was sent.
    pub recurrence: Option<Option<Value>>,
    /// By id as it is kept; no value takes the property away.
    pub marks: Vec<(String, String, Option<String>)>,
    pub transaction: Option<String>,
}

/// What only the person's own program may set.
const OWN: [&str; 7] = [
    "isCancelled",
    "isOrganizer",
    "organizer",
    "responseStatus",
    "onlineMeeting",
    "onlineMeetingUrl",
    "hasAttachments",
];

impl Sent {
    /// Reads a body whose names and types have been checked. `own`: the person's own program.
    pub fn read(body: &Map<String, Value>, own: bool, manners: &Manners) -> Result<Self, Refusal> {
        let mut sent = Self::default();
        for (name, value) in body.iter().filter(|(name, _)| !name.contains('@')) {
            sent.member(name, value, own, manners)?;
        }
        Ok(sent)
    }

    fn member(
        &mut self,
        name: &str,
        value: &Value,
        own: bool,
        manners: &Manners,
    ) -> Result<(), Refusal> {
        let mut keep = |name: &str, value: Value| drop(self.fields.insert(name.to_owned(), value));
        match name {
            "subject" => {
                let text = value.as_str().unwrap_or_default();
                if text.chars().count() > 255 && !manners.cuts_subjects {
                    return Err(Refusal::property("The length of 'subject' exceeds 255."));
                }
                keep(name, json!(text.chars().take(255).collect::<String>()));
            }
            "body" => {
                let kind = value["contentType"].as_str().unwrap_or("text");
                let content = value["content"].as_str().unwrap_or_default();
                keep(name, json!({"contentType": kind, "content": content}));
            }
            "start" => self.start = wall(value, own, manners)?,
            "end" => self.end = wall(value, own, manners)?,
            "isAllDay" => self.all_day = value.as_bool(),
            "recurrence" => self.recurrence = Some((!value.is_null()).then(|| value.clone())),
            "location" => {
                let place = place(value.as_object().unwrap_or(&Map::new()));
                let named = place["displayName"] != "";
                keep("locations", if named { json!([place]) } else { json!([]) });
                keep(name, place);
            }
            "locations" => {
                let all: Vec<Value> = value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_object)
                    .map(place)
                    .collect();
                let names: Vec<&str> =
                    all.iter().filter_map(|place| place["displayName"].as_str()).collect();
                let first = json!({"displayName": names.join("; ")});
                keep("location", place(first.as_object().unwrap_or(&Map::new())));
                keep(name, json!(all));
            }
            "attendees" => keep(name, attendees(value)?),
            "transactionId" => self.transaction = value.as_str().map(str::to_owned),
            "singleValueExtendedProperties" => {
                for one in value.as_array().into_iter().flatten() {
                    let id = one["id"].as_str().unwrap_or_default();
                    let kept = mark_id(id).ok_or_else(|| {
                        Refusal::new(
                            400,
                            "ErrorInvalidExtendedProperty",
                            "The extended property attribute combination is invalid.",
                        )
                    })?;
                    self.marks.push((
                        kept,
                        id.to_owned(),
                        one["value"].as_str().map(str::to_owned),
                    ));
                }
            }
            // Read-only: passed over.
            "calendar" | "exceptionOccurrences" | "instances" => {}
            name if OWN.contains(&name) && !own => {}
            _ if value.is_null() => {}
            _ => keep(name, value.clone()),
        }
        Ok(())
    }

    /// What a new event has besides what was sent.
    pub fn with_defaults(&mut self) {
        let free = if self.all_day == Some(true) { "free" } else { "busy" };
        let defaults = json!({
            "subject": "", "body": {"contentType": "html", "content": ""}, "showAs": free,
            "sensitivity": "normal", "importance": "normal", "isReminderOn": true,
            "reminderMinutesBeforeStart": 15, "responseRequested": true, "hideAttendees": false,
            "allowNewTimeProposals": true, "isOnlineMeeting": false, "isDraft": false,
            "onlineMeetingProvider": "unknown", "location": place(&Map::new()), "locations": [],
            "attendees": [], "categories": [], "isCancelled": false, "isOrganizer": true,
            "hasAttachments": false,
        });
        for (name, value) in defaults.as_object().into_iter().flatten() {
            self.fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    /// The times of these and of those that are not sent.
    pub fn times(&self, before: Option<&Times>) -> Result<Times, Refusal> {
        let one = |sent: &Option<Wall>, before: Option<&Wall>, name: &str| {
            sent.clone()
                .or_else(|| before.cloned())
                .ok_or_else(|| Refusal::invalid(&format!("Required property '{name}' is missing.")))
        };
        let mut times = Times {
            start: one(&self.start, before.map(|times| &times.start), "Start")?,
            end: one(&self.end, before.map(|times| &times.end), "End")?,
            all_day: self.all_day.or(before.map(|times| times.all_day)).unwrap_or(false),
        };
        if times.all_day {
            check_days(&times)?;
            // A day is kept in UTC, in whichever zone it was written.
            times.start.zone = "UTC".to_owned();
            times.end.zone = "UTC".to_owned();
        }
        if times.to() < times.from() {
            return Err(Refusal::property("The end of the event is before its start."));
        }
        Ok(times)
    }

    /// Whether it says anything about times.
    pub fn moves(&self) -> bool {
        self.start.is_some() || self.end.is_some() || self.all_day.is_some()
    }
}

fn check_days(times: &Times) -> Result<(), Refusal> {
    let words = |which: &str| {
        Refusal::invalid(&format!(
            "The Event.{which} property for an all-day event needs to be set to midnight."
        ))
    };
    let midnight = jiff::civil::Time::midnight();
    for (wall, which) in [(&times.start, "Start"), (&times.end, "End")] {
        if wall.at.time() != midnight {
            return Err(words(which));
        }
    }
    if !zones::same(&times.start.zone, &times.end.zone) {
        return Err(Refusal::invalid(
            "The Event.Start and Event.End of an all-day event need to be in the same time zone.",
        ));
    }
    if times.end.at.date() <= times.start.at.date() {
        return Err(Refusal::invalid(
            "The duration of an event marked as All day must be at least 24 hours.",
        ));
    }
    Ok(())
}

fn wall(value: &Value, own: bool, manners: &Manners) -> Result<Option<Wall>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    let zone = value["timeZone"].as_str().unwrap_or_default();
    let known = if own { !zone.is_empty() } else { zones::is_taken(zone, manners) };
    if !known {
        return Err(bad_zone(zone));
    }
    let text = value["dateTime"].as_str().unwrap_or_default();
    let at = zones::read(text).ok_or_else(|| {
        Refusal::body("Cannot convert the literal to a wall time without an offset.")
    })?;
    Ok(Some(Wall { at, zone: zone.to_owned() }))
}

fn attendees(value: &Value) -> Result<Value, Refusal> {
    let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if all.len() > 500 {
        return Err(Refusal::new(400, "ErrorTooManyRecipients", "More than 500 attendees."));
    }
    all.iter()
        .map(|one| {
            let address = one["emailAddress"]["address"].as_str().unwrap_or_default();
            if !address.contains('@') {
                let words = "The attendee's e-mail address is not valid.";
                return Err(Refusal::new(400, "ErrorInvalidRecipients", words));
            }
            let name = one["emailAddress"]["name"].as_str().unwrap_or(address);
            let status = match &one["status"] {
                Value::Null => json!({"response": "none", "time": "0001-01-01T00:00:00Z"}),
                status => status.clone(),
            };
            Ok(json!({
                "type": one["type"].as_str().unwrap_or("required"), "status": status,
                "emailAddress": {"name": name, "address": address},
            }))
        })
        .collect()
}
