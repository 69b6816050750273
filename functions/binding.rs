//! Reads `function.json`: what triggers a function.

use serde::Deserialize;

use crate::route::RouteTemplate;
use crate::{Error, Function};

/// The trigger of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// HTTP requests.
    Http {
        route: RouteTemplate,
        /// In capitals.
        methods: Vec<String>,
        access: AuthLevel,
    },
    /// A schedule.
    Timer {
        /// Six fields, seconds first.
        schedule: String,
    },
    /// Messages of a queue.
    Queue { queue: String },
}

/// Which requests the Functions host passes on to an HTTP function (`authLevel`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AuthLevel {
    /// All requests.
    Anonymous,
    /// Requests with a key of the function or of the app.
    Function,
}

/// The trigger, and the name under which the host passes its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub name: String,
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
    /// The trigger of this function.
    ///
    /// # Errors
    /// If the file cannot be used.
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
            // The host defaults to `function`; the file has to name the level.
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
