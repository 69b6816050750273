//! The invocations of the Functions host: how it wraps the data of a trigger.
//!
//! Strings arrive plain or encoded as JSON once more (`"\"text\""`), and numbers as numbers or as
//! strings: hosts and documentation differ, so both forms are accepted. The messages of this
//! program are JSON objects, so the forms cannot be confused.

use functions::trigger::{QueueMessage, Tick};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The body of an invocation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Invocation {
    data: Map<String, Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

impl Invocation {
    /// Reads the body.
    ///
    /// # Errors
    /// If it is not an invocation; the error quotes nothing of it.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body).map_err(|_| {
            format!("{} bytes that are not an object with Data and Metadata", body.len())
        })
    }

    /// The message under this name.
    ///
    /// # Errors
    /// If there is no such message.
    pub fn message(&self, name: &str) -> Result<QueueMessage, String> {
        let text = match self.data.get(name) {
            None | Some(Value::Null) => return Err(format!("Data has no {name}")),
            Some(Value::String(text)) => decode_string(text),
            Some(other) => other.to_string(),
        };
        let count =
            self.metadata.get("DequeueCount").map(decode_value).and_then(|value| match value {
                Value::Number(number) => number.as_u64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            });
        Ok(QueueMessage {
            text,
            dequeue_count: count.and_then(|count| count.try_into().ok()).unwrap_or(1),
        })
    }

    /// The tick under this name.
    pub fn tick(&self, name: &str) -> Tick {
        let timer = self.data.get(name).map(decode_value).unwrap_or_default();
        let past_due = timer.get("IsPastDue").or_else(|| timer.get("isPastDue")).map(decode_value);
        Tick {
            past_due: matches!(past_due, Some(Value::Bool(true)))
                || matches!(&past_due, Some(Value::String(text)) if text.eq_ignore_ascii_case("true")),
        }
    }
}

/// A string without its second encoding.
fn decode_string(text: &str) -> String {
    serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
}

/// A value without its second encoding.
fn decode_value(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Invocation {
        Invocation::read(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_message_is_read_from_every_wrapping() {
        let text = r#"{"calendarId":"c1","cause":"poll"}"#;
        let twice = serde_json::to_string(text).unwrap();
        for data in [json!(twice), json!(text), serde_json::from_str(text).unwrap()] {
            for count in [json!(3), json!("3"), json!("\"3\"")] {
                let invocation = read(
                    &json!({"Data": {"nudge": data}, "Metadata": {"DequeueCount": count, "sys": {"MethodName": "sync_calendar"}}}),
                );
                assert_eq!(
                    invocation.message("nudge").unwrap(),
                    QueueMessage { text: text.into(), dequeue_count: 3 }
                );
            }
        }
    }

    #[test]
    fn without_metadata_it_is_the_first_time() {
        let invocation = read(&json!({"Data": {"nudge": "x"}}));
        assert_eq!(
            invocation.message("nudge").unwrap(),
            QueueMessage { text: "x".into(), dequeue_count: 1 }
        );
        for count in [json!(-1), json!("many"), json!({}), json!(1e30)] {
            assert_eq!(
                read(&json!({"Data": {"nudge": "x"}, "Metadata": {"DequeueCount": count}}))
                    .message("nudge")
                    .unwrap()
                    .dequeue_count,
                1
            );
        }
    }

    #[test]
    fn a_tick_may_be_late() {
        let late =
            json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": null, "IsPastDue": true});
        for timer in [
            late.clone(),
            json!(late.to_string()),
            json!({"IsPastDue": "True"}),
            json!({"isPastDue": "true"}),
        ] {
            assert!(read(&json!({"Data": {"timer": timer}})).tick("timer").past_due, "{timer}");
        }
        for timer in [json!({"IsPastDue": false}), json!({}), json!(null), json!("x")] {
            assert!(!read(&json!({"Data": {"timer": timer}})).tick("timer").past_due, "{timer}");
        }
    }

    #[test]
    fn what_is_no_invocation_is_refused_without_being_quoted() {
        for body in
            ["", "secret", "[]", r#"{"data":{}}"#, r#"{"Data":"secret"}"#, r#"{"Metadata":{}}"#]
        {
            let why = Invocation::read(body.as_bytes()).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
        assert!(read(&json!({"Data": {"other": "secret"}})).message("nudge").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_message_of_ours_comes_through(name in "\\PC*", twice in proptest::bool::ANY) {
            let text = json!({"calendarId": name, "cause": "poll"}).to_string();
            let data = if twice { json!(serde_json::to_string(&text).unwrap()) } else { json!(text) };
            proptest::prop_assert_eq!(read(&json!({"Data": {"nudge": data}})).message("nudge").unwrap().text, text);
        }

        #[test]
        fn no_bytes_bring_it_down(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Ok(invocation) = Invocation::read(&body) {
                let _ = (invocation.message("nudge"), invocation.tick("timer"));
            }
        }
    }
}
