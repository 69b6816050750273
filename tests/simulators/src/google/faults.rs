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
        Fault::Throttled { status, retry_after } => {
            Refusal { retry_after: Some(retry_after), ..Refusal::of_status(status) }
        }
        Fault::LostToken => Refusal::full_sync(),
        Fault::DropBefore
        | Fault::DropAfter
        | Fault::Truncated
        | Fault::Delay(_)
        | Fault::EmptyListing
        | Fault::NoEnd => return None,
    };
    if matches!(kind, Kind::Token | Kind::Revoke) && refusal.status < 500 {
        let error = if refusal.reason.is_empty() { "invalid_request" } else { &refusal.reason };
        return Some(Reply::json(refusal.status, json!({"error": error})));
    }
    Some(refusal.reply())
}

/// A listing as it comes out of a fault of its own: without its items, or without its end.
pub(super) fn spoilt(fault: Fault, reply: Reply) -> Reply {
    let Value::Object(mut body) = reply.value.clone() else { return reply };
    match fault {
        Fault::EmptyListing if body.contains_key("items") => {
            drop(body.insert("items".into(), json!([])))
        }
        Fault::NoEnd => {
            body.retain(|name, _| !matches!(name.as_str(), "nextPageToken" | "nextSyncToken"))
        }
        _ => return reply,
    }
    Reply::json(reply.status, Value::Object(body))
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
