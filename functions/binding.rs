//! `function.json`, read: what triggers a function.

use serde::Deserialize;

use crate::Function;
use crate::route::RouteTemplate;

/// A `function.json` that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{name}/function.json: {why}")]
pub struct Error {
    /// The function.
    pub name: &'static str,
    /// Why.
    pub why: String,
}

/// What triggers a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Requests.
    Http {
        /// Their paths.
        route: RouteTemplate,
        /// Their methods, in capitals.
        methods: Vec<String>,
        /// Who gets as far as us.
        access: AuthLevel,
    },
    /// The clock.
    Timer {
        /// Six fields, seconds first.
        schedule: String,
    },
    /// Messages.
    Queue {
        /// Of this queue.
        queue: String,
    },
}

/// Who gets as far as an HTTP function, under the Functions host (`authLevel`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AuthLevel {
    /// Everybody.
    Anonymous,
    /// Whoever shows a key of the function or of the app.
    Function,
}

/// The trigger, and the name under which the host hands over its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// The trigger.
    pub trigger: Trigger,
}

#[derive(Deserialize)]
struct FunctionJson {
    bindings: Vec<BindingEntry>,
}

/// One entry of `bindings`, as the Functions host names its fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BindingEntry {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    route: Option<String>,
    methods: Option<Vec<String>>,
    auth_level: Option<AuthLevel>,
    schedule: Option<String>,
    queue_name: Option<String>,
}

impl Function {
    /// Its trigger.
    ///
    /// # Errors
    /// Where its file does not say.
    pub fn binding(&self) -> Result<Binding, Error> {
        read(self.json).map_err(|why| Error { name: self.name, why })
    }
}

fn read(json: &str) -> Result<Binding, String> {
    let file: FunctionJson = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut triggers = file.bindings.into_iter().filter(|entry| entry.kind.ends_with("Trigger"));
    let (Some(entry), None) = (triggers.next(), triggers.next()) else {
        return Err("there must be one trigger".into());
    };
    let missing = |what: &str| format!("{what} is missing");
    let trigger = match entry.kind.as_str() {
        "httpTrigger" => Trigger::Http {
            route: RouteTemplate::parse(&entry.route.ok_or_else(|| missing("route"))?)?,
            methods: entry
                .methods
                .ok_or_else(|| missing("methods"))?
                .iter()
                .map(|method| method.to_uppercase())
                .collect(),
            // The host would take `function` for what is left out; it is to be said.
            access: entry.auth_level.ok_or_else(|| missing("authLevel"))?,
        },
        "timerTrigger" => {
            Trigger::Timer { schedule: entry.schedule.ok_or_else(|| missing("schedule"))? }
        }
        "queueTrigger" => {
            Trigger::Queue { queue: entry.queue_name.ok_or_else(|| missing("queueName"))? }
        }
        other => return Err(format!("the trigger {other} is not known")),
    };
    Ok(Binding { name: entry.name, trigger })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trigger_is_wanted() {
        for json in [
            r#"{"bindings": []}"#,
            r#"{"bindings": [{"type": "http", "name": "res", "direction": "out"}]}"#,
            r#"{"bindings": [{"type": "blobTrigger", "name": "blob", "direction": "in"}]}"#,
            r#"{"bindings": [{"type": "timerTrigger", "name": "t"}]}"#,
            r#"{"bindings": [{"type": "timerTrigger", "name": "t", "schedule": "0 * * * * *"}, {"type": "queueTrigger", "name": "q", "queueName": "q"}]}"#,
            r#"{"bindings": [{"type": "httpTrigger", "name": "r", "route": "x", "methods": ["get"]}]}"#,
            r#"{"bindings": [{"type": "httpTrigger", "name": "r", "route": "x", "methods": ["get"], "authLevel": "admin"}]}"#,
            "[]",
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn the_trigger_is_read_with_its_name() {
        let binding =
            read(r#"{"bindings": [{"type": "queueTrigger", "direction": "in", "name": "nudge", "queueName": "sync-calendar"}]}"#).unwrap();
        assert_eq!(
            binding,
            Binding {
                name: "nudge".into(),
                trigger: Trigger::Queue { queue: "sync-calendar".into() }
            }
        );
    }
}
