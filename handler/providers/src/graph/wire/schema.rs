//! The names, types and values that Microsoft's metadata has (`schema.json`), for tests: all
//! that is written must be in it.

use serde_json::Value;

/// The file, read.
pub(in super::super) fn schema() -> Value {
    serde_json::from_str(include_str!("../schema.json")).unwrap()
}

/// What is wrong with a value that is written as this type; empty where nothing is.
pub(in super::super) fn violations(kind: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Checker { schema: schema(), found: &mut found }.check(kind, value, kind);
    found
}

/// Whether a type has a member of this name, read-only or not.
pub(in super::super) fn has_member(kind: &str, name: &str) -> bool {
    let schema = schema();
    member(&schema, kind, name).is_some()
}

fn member<'a>(schema: &'a Value, kind: &str, name: &str) -> Option<&'a Value> {
    let described = schema["entities"].get(kind).or_else(|| schema["complex"].get(kind))?;
    described["properties"].get(name).or_else(|| described["navigation"].get(name))
}

struct Checker<'a> {
    schema: Value,
    found: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, kind: &str, value: &Value, path: &str) {
        if let Some(inner) = kind.strip_prefix("Collection(").and_then(|k| k.strip_suffix(')')) {
            let Some(list) = value.as_array() else { return self.note(path, "is no list") };
            return list.iter().for_each(|value| self.check(inner, value, path));
        }
        if let Some(values) = self.schema["enums"].get(kind) {
            if !values.as_array().unwrap().contains(value) {
                self.note(path, "has a value that its type does not have");
            }
            return;
        }
        let text = value.as_str().unwrap_or_default();
        let fits = match kind {
            "Edm.String" => value.is_string(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Int32" => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            "Edm.Date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
            "Edm.DateTimeOffset" => text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            _ => return self.members(kind, value, path),
        };
        if !fits {
            self.note(path, "has another type");
        }
    }

    fn members(&mut self, kind: &str, value: &Value, path: &str) {
        let Some(object) = value.as_object() else { return self.note(path, "is no object") };
        for (name, value) in object {
            let path = format!("{path}.{name}");
            let Some(member) = member(&self.schema, kind, name).cloned() else {
                self.note(&path, "does not exist");
                continue;
            };
            if member["readOnly"] == true {
                self.note(&path, "is read-only");
            }
            if !value.is_null() {
                self.check(member["type"].as_str().unwrap(), value, &path);
            } else if member["nullable"] == false {
                self.note(&path, "is null");
            }
        }
    }

    fn note(&mut self, path: &str, what: &str) {
        self.found.push(format!("{path} {what}"));
    }
}
