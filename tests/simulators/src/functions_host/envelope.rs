//! How the host wraps a trigger's data.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::drain::Received;

/// The body of an invocation for a message.
pub fn message(binding: &str, function: &str, message: &Received) -> Value {
    let mut metadata = Map::new();
    metadata.insert("DequeueCount".into(), json!(message.dequeue_count.to_string()));
    metadata.insert("Id".into(), twice(&message.id));
    metadata.insert("PopReceipt".into(), twice(&message.receipt));
    for (name, time) in [
        ("InsertionTime", "2026-03-01T00:00:00+00:00"),
        ("ExpirationTime", "2026-03-08T00:00:00+00:00"),
        ("NextVisibleTime", "2026-03-01T00:10:00+00:00"),
    ] {
        metadata.insert(name.into(), twice(time));
    }
    metadata.insert(
        "sys".into(),
        json!({"MethodName": function, "UtcNow": "2026-03-01T00:00:00Z", "RandGuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}),
    );
    // The fields of a message that is an object are laid over all this, whatever their capitals.
    if let Ok(Value::Object(fields)) = serde_json::from_str(&message.text) {
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_array()) {
            metadata.retain(|known, _| !known.eq_ignore_ascii_case(&name));
            let value = if value.is_object() { value } else { Value::String(value.to_string()) };
            metadata.insert(name, value);
        }
    }
    json!({"Data": {binding: twice(&message.text)}, "Metadata": metadata})
}

/// The body of an invocation for a tick.
pub fn tick(binding: &str, function: &str, past_due: bool, now: Timestamp) -> Value {
    json!({
        "Data": {binding: {
            "Schedule": {"AdjustForDST": true},
            "ScheduleStatus": {"Last": now.to_string(), "Next": now.to_string(), "LastUpdated": now.to_string()},
            "IsPastDue": past_due,
        }},
        "Metadata": {"sys": {"MethodName": function, "UtcNow": now.to_string(), "RandGuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}},
    })
}

/// A string, encoded once more.
fn twice(text: &str) -> Value {
    Value::String(Value::String(text.to_owned()).to_string())
}
