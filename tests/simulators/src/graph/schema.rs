//! Microsoft's own description of calendars in Graph (`graph-schema.json`): what may be asked, sent
//! and answered according to it.
//!
//! A complaint names the member, never its content.

use std::fmt;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// The description, as it is in the file.
pub const SCHEMA: &str = include_str!("graph-schema.json");

/// Members of live answers that the metadata does not have (microsoft.md, "event resource").
const EXTRA: [&str; 3] = ["uid", "occurrenceId", "groupClassId"];

/// The description, read.
#[derive(Debug)]
pub(super) struct Schema(Value);

/// A call that the description has.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Such as `GET /me/events/{eventId}`.
    pub name: &'static str,
    /// The values in the place of `{…}`, in order.
    pub ids: Vec<String>,
}

/// Paths that lead to the same operation as another one.
const ALSO: [(&str, &str); 3] = [
    ("GET /me/calendars/{calendarId}/events/{eventId}", "GET /me/events/{eventId}"),
    ("GET /me/calendars/{calendarId}/events", "GET /me/events"),
    (
        "GET /me/calendars/{calendarId}/events/{eventId}/instances",
        "GET /me/events/{masterId}/instances",
    ),
];

impl Schema {
    pub fn get() -> &'static Self {
        static READ: LazyLock<Schema> = LazyLock::new(|| {
            Schema(serde_json::from_str(SCHEMA).expect("the file in this folder is JSON"))
        });
        &READ
    }

    /// The operation that a request is, by its path without `/v1.0`.
    pub fn route(&'static self, verb: &str, path: &str) -> Option<Operation> {
        let operations = self.0["operations"].as_object()?;
        let all = operations
            .keys()
            .map(|name| (name.as_str(), name.as_str()))
            .chain(ALSO.iter().map(|(path, name)| (*path, *name)));
        all.filter_map(|(pattern, name)| {
            let (method, pattern) = pattern.split_once(' ')?;
            let ids = (method == verb).then(|| fits(pattern, path)).flatten()?;
            Some(Operation { name, ids })
        })
        // A path of words is meant rather than an id of the same spelling.
        .min_by_key(|operation| operation.ids.len())
    }

    /// The names that an operation has under `list` (`query`, `prefer`, `required`).
    pub fn listed(&self, operation: &str, list: &str) -> impl Iterator<Item = &str> {
        let names = self.0["operations"][operation][list].as_array();
        names.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The values of an enumeration.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0["enums"][name].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// The part of the description about time zones.
    pub fn zones(&self) -> &Value {
        &self.0["timeZones"]
    }

    /// The properties of a type.
    #[cfg(test)]
    pub fn properties(&self, name: &str) -> Option<&Map<String, Value>> {
        self.named(name)?["properties"].as_object()
    }

    /// Whether a property, or a navigation, can be named in `$select`.
    pub fn has(&self, kind: &str, name: &str) -> bool {
        self.member(kind, name).is_some()
    }

    /// What is wrong with a body.
    pub fn check_sent(&self, kind: &str, body: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.check(kind, body, Place(None, kind), true, &mut wrong);
        wrong
    }

    /// Members of a body that only the service sets.
    pub fn read_only(&self, kind: &str, body: &Map<String, Value>) -> Vec<String> {
        let is = |name: &&String| {
            self.member(kind, name).is_some_and(|member| member["readOnly"] == true)
        };
        body.keys().filter(is).map(|name| format!("{kind}.{name} is read-only")).collect()
    }

    /// What is wrong with an answer.
    pub fn check_answer(&self, kind: &str, value: &Value) -> Vec<String> {
        let (mut wrong, place) = (Vec::new(), Place(None, kind));
        match value.get("value").and_then(Value::as_array) {
            Some(items) => {
                items.iter().for_each(|item| self.check(kind, item, place, false, &mut wrong));
            }
            None => self.check(kind, value, place, false, &mut wrong),
        }
        wrong
    }

    fn named(&self, name: &str) -> Option<&Value> {
        self.0["entities"].get(name).or_else(|| self.0["complex"].get(name))
    }

    fn member(&self, kind: &str, name: &str) -> Option<&Value> {
        let there = self.named(kind)?;
        there["properties"].get(name).or_else(|| there.get("navigation")?.get(name))
    }

    fn check(
        &self,
        kind: &str,
        value: &Value,
        place: Place<'_>,
        sent: bool,
        wrong: &mut Vec<String>,
    ) {
        let Some(inner) = kind.strip_prefix("Collection(").and_then(|k| k.strip_suffix(')')) else {
            return self.check_one(kind, value, place, sent, wrong);
        };
        match value {
            Value::Array(items) => {
                items.iter().for_each(|item| self.check(inner, item, place, sent, wrong));
            }
            _ => wrong.push(format!("{place}: not a collection")),
        }
    }

    fn check_one(
        &self,
        kind: &str,
        value: &Value,
        place: Place<'_>,
        sent: bool,
        wrong: &mut Vec<String>,
    ) {
        if let Some(primitive) = kind.strip_prefix("Edm.") {
            if !fits_primitive(primitive, value) {
                wrong.push(format!("{place}: not a {kind}"));
            }
            return;
        }
        if self.0["enums"].get(kind).is_some() {
            let known = |text: &str| self.values(kind).any(|known| known == text);
            if !value.as_str().is_some_and(known) {
                wrong.push(format!("{place}: no value of {kind}"));
            }
            return;
        }
        let Value::Object(members) = value else {
            wrong.push(format!("{place}: not a {kind}"));
            return;
        };
        if self.named(kind).is_none() {
            wrong.push(format!("{place}: there is no type {kind}"));
        }
        for (name, member) in members.iter().filter(|(name, _)| !name.contains('@')) {
            let place = Place(Some(&place), name);
            match self.member(kind, name) {
                Some(said) if member.is_null() => {
                    if said["nullable"] == false {
                        wrong.push(format!("{place}: null"));
                    }
                }
                Some(said) => {
                    let inner = said["type"].as_str().unwrap_or_default();
                    self.check(inner, member, place, sent, wrong);
                }
                None if !sent && EXTRA.contains(&name.as_str()) => {}
                None if self
                    .named(kind)
                    .is_some_and(|kind| kind["properties"] == Value::Object(Map::new())) => {}
                None => wrong.push(format!("{place} does not exist")),
            }
        }
    }
}

/// Where a value is. It is written out for a complaint alone: thousands of members have none.
#[derive(Clone, Copy)]
struct Place<'a>(Option<&'a Place<'a>>, &'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(above) => write!(f, "{above}.{}", self.1),
            None => f.write_str(self.1),
        }
    }
}

fn fits(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (pattern, path): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    if pattern.len() != path.len() {
        return None;
    }
    let mut ids = Vec::new();
    for (wanted, segment) in pattern.iter().zip(path) {
        if wanted.starts_with('{') {
            let id = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
            if id.is_empty() {
                return None;
            }
            ids.push(id.into_owned());
        } else if *wanted != segment {
            return None;
        }
    }
    Some(ids)
}

fn fits_primitive(kind: &str, value: &Value) -> bool {
    match kind {
        "String" | "Guid" => value.is_string(),
        "Boolean" => value.is_boolean(),
        "Int32" => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        "Double" => value.is_number(),
        "Date" => value
            .as_str()
            .is_some_and(|text| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()),
        "DateTimeOffset" => value.as_str().is_some_and(|text| {
            (text.ends_with('Z') || text.ends_with("+00:00"))
                && text.parse::<jiff::Timestamp>().is_ok()
        }),
        _ => false,
    }
}
