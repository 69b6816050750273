//! How the host wraps a trigger's data.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::queue::Received;

/// The body of an invocation for a message.
pub fn message(binding: &str, function: &str, message: &Received, now: Timestamp) -> Value {
    let mut metadata = Map::new();
    metadata.insert("DequeueCount".into(), json!(message.dequeue_count.to_string()));
    metadata.insert("Id".into(), twice(&message.id));
    metadata.insert("PopReceipt".into(), twice(&message.receipt));
    let hour = Duration::from_secs(3600);
    for (name, time) in [
        ("InsertionTime", now - hour),
        ("ExpirationTime", now + 24 * hour),
        ("NextVisibleTime", now + hour / 6),
    ] {
        metadata.insert(name.into(), twice(&time.to_string()));
    }
    metadata.insert("sys".into(), system(function, now));
    // The fields of a message that is an object replace these fields, regardless of case.
    if let Ok(Value::Object(fields)) = serde_json::from_str(&message.text) {
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_array()) {
            metadata.retain(|known, _| !known.eq_ignore_ascii_case(&name));
            let value = if value.is_object() { value } else { Value::String(value.to_string()) };
            metadata.insert(name, value);
        }
    }
    json!({"Data": {binding: twice(&message.text)}, "Metadata": metadata})
}

/// What the host remembers of a timer: `Last`, `Next`, `LastUpdated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// When it struck last; `None` before the first time.
    pub last: Option<Timestamp>,
    /// When it is due.
    pub next: Timestamp,
}

/// The body of an invocation for a tick; without a status where the timer has no monitor.
pub fn tick(
    binding: &str,
    function: &str,
    past_due: bool,
    status: Option<Status>,
    now: Timestamp,
) -> Value {
    let status = status.map(|status| {
        let last =
            status.last.map_or_else(|| "0001-01-01T00:00:00".to_owned(), |last| last.to_string());
        json!({"Last": last, "Next": status.next.to_string(), "LastUpdated": last})
    });
    json!({
        "Data": {binding: {"Schedule": {"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": past_due}},
        "Metadata": {"sys": system(function, now)},
    })
}

fn system(function: &str, now: Timestamp) -> Value {
    json!({"MethodName": function, "UtcNow": now.to_string(), "RandGuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff"})
}

/// A string, encoded once more.
fn twice(text: &str) -> Value {
    Value::String(Value::String(text.to_owned()).to_string())
}
