//! What a fault looks like where Graph or Entra is asked.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::entra::Wrong;
use super::manners::Manners;
use super::reply::{Refusal, Reply};
use crate::faults::Fault;
use crate::traffic::Kind;

/// The answer that takes the place of the server's, where the fault is an answer.
pub(super) fn answer(
    fault: Fault,
    kind: Kind,
    manners: &Manners,
    location: &str,
    now: Timestamp,
) -> Option<Reply> {
    let refusal = match fault {
        Fault::Status(status) | Fault::StatusAfter(status) => Refusal::of_status(status),
        Fault::Refused { status, reason } => Refusal::new(status, reason, "Refused on purpose."),
        Fault::Throttled { status, retry_after } => Refusal::throttled(status, retry_after),
        Fault::LostToken => super::delta::lost(manners, location),
        Fault::DropBefore
        | Fault::DropAfter
        | Fault::Truncated
        | Fault::Delay(_)
        | Fault::EmptyListing
        | Fault::NoEnd => return None,
    };
    if matches!(kind, Kind::Token | Kind::Consent | Kind::Keys) {
        let mut reply = Wrong::of(90_033, manners).reply(now);
        reply.status = refusal.status;
        if refusal.status < 500
            && let Fault::Refused { reason, .. } = fault
        {
            reply = Reply::json(refusal.status, json!({"error": reason}));
        }
        reply.headers.extend(refusal.headers);
        return Some(reply);
    }
    Some(refusal.reply(now, "fault", "fault"))
}

/// A listing as it comes out of a fault of its own: without its items, or without its end.
pub(super) fn spoilt(fault: Fault, reply: Reply) -> Reply {
    let Value::Object(mut body) = reply.value.clone() else { return reply };
    match fault {
        Fault::EmptyListing if body.contains_key("value") => {
            drop(body.insert("value".into(), json!([])));
        }
        Fault::NoEnd => {
            body.retain(|name, _| !matches!(name.as_str(), "@odata.nextLink" | "@odata.deltaLink"));
        }
        _ => return reply,
    }
    Reply::json(reply.status, Value::Object(body))
}
