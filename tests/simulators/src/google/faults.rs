//! What a fault looks like where Google is asked.

use serde_json::{Value, json};

use super::reply::{Refusal, Reply};
use crate::faults::Fault;
use crate::traffic::Kind;

/// The answer that takes the place of the server's, where the fault is an answer.
pub(super) fn answer(fault: Fault, kind: Kind) -> Option<Reply> {
    let refusal = match fault {
        Fault::Status(status) | Fault::StatusAfter(status) => Refusal::of_status(status),
        Fault::Refused { status, reason } => Refusal::new(status, reason, "Refused on purpose."),
        Fault::Throttled { status, retry_after } => Refusal { retry_after: Some(retry_after), ..Refusal::of_status(status) },
        Fault::LostToken => Refusal::full_sync(),
        Fault::DropBefore | Fault::DropAfter | Fault::Truncated | Fault::Delay(_) | Fault::EmptyListing => return None,
    };
    if matches!(kind, Kind::Token | Kind::Revoke) && refusal.status < 500 {
        let error = if refusal.reason.is_empty() { "invalid_request" } else { &refusal.reason };
        return Some(Reply::json(refusal.status, &json!({"error": error})));
    }
    Some(refusal.reply())
}

/// A listing that has lost its items on the way, and is in order otherwise.
pub(super) fn emptied(reply: Reply) -> Reply {
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(mut body) if body["items"].is_array() => {
            body["items"] = json!([]);
            Reply::json(reply.status, &body)
        }
        _ => reply,
    }
}

/// The kind of a method of the API.
pub(super) fn kind(method: &str) -> Kind {
    match method {
        "calendarList.list" | "calendarList.get" => Kind::CalendarList,
        "events.list" => Kind::List,
        "events.get" => Kind::Get,
        "events.instances" => Kind::Instances,
        "events.insert" => Kind::Insert,
        "events.import" => Kind::Import,
        "events.update" => Kind::Update,
        "events.patch" => Kind::Patch,
        "events.delete" => Kind::Delete,
        "events.watch" => Kind::Watch,
        "channels.stop" => Kind::Stop,
        _ => Kind::Other,
    }
}
