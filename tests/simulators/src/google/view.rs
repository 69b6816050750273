//! What an account sees of an event.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::collection::Collection;
use super::event::is_cancelled;
use super::reply::Refusal;
use super::state::Role;

/// The fields that a cancelled event always has, the last two for an occurrence.
const PROMISED: [&str; 4] = ["id", "status", "recurringEventId", "originalStartTime"];

/// An event as this call is answered with it.
pub(super) fn shown(
    call: &Call<'_>,
    calendar: &Collection,
    role: Role,
    event: &Map<String, Value>,
) -> Result<Value, Refusal> {
    let mut event = calendar.view(event, call.zone(calendar)?);
    if is_cancelled(&event) {
        event.retain(|name, _| !call.manners.bare_tombstones || PROMISED.contains(&name.as_str()));
    } else {
        if call.manners.confidential_is_private
            && event.get("visibility").is_some_and(|visibility| visibility == "confidential")
        {
            event.insert("visibility".into(), json!("private"));
        }
        hide(&mut event, role);
        cut_guests(&mut event, call.param("maxAttendees").and_then(|n| n.parse().ok()));
    }
    Ok(Value::Object(event))
}

/// A user with less access sees free and busy times only.
fn hide(event: &mut Map<String, Value>, role: Role) {
    let private =
        matches!(event.get("visibility").and_then(Value::as_str), Some("private" | "confidential"));
    if role == Role::FreeBusyReader || (role == Role::Reader && private) {
        let kept = [
            "kind",
            "etag",
            "id",
            "status",
            "start",
            "end",
            "recurrence",
            "recurringEventId",
            "originalStartTime",
            "iCalUID",
        ];
        event.retain(|name, _| kept.contains(&name.as_str()));
        event.insert("visibility".into(), json!("private"));
    }
}

/// Too many attendees: only the user's own entry is returned.
fn cut_guests(event: &mut Map<String, Value>, most: Option<usize>) {
    let (Some(most), Some(Value::Array(attendees))) = (most, event.get_mut("attendees")) else {
        return;
    };
    if attendees.len() > most {
        attendees.retain(|attendee| attendee["self"] == true);
        event.insert("attendeesOmitted".into(), json!(true));
    }
}
