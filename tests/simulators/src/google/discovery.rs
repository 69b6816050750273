//! Google's own description of its API (the discovery document), and what may be asked and answered
//! according to it.
//!
//! A complaint names the field, never its content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::times;

/// The document.
#[derive(Debug)]
pub(super) struct Discovery {
    methods: Vec<Method>,
    schemas: Map<String, Value>,
    /// Parameters of every method.
    common: Map<String, Value>,
}

/// One method of the API.
#[derive(Debug)]
pub(super) struct Method {
    /// Such as `events.list`.
    pub id: String,
    pub verb: String,
    /// Segments; those in braces are parameters.
    path: Vec<String>,
    parameters: Map<String, Value>,
    pub request: Option<String>,
    pub response: Option<String>,
    /// Any of these opens it.
    pub scopes: Vec<String>,
}

/// What comes before every path of the API.
pub(super) const BASE: &str = "/calendar/v3/";

impl Discovery {
    /// The document, fetched if need be.
    pub async fn get() -> anyhow::Result<&'static Self> {
        static DISCOVERY: OnceCell<Discovery> = OnceCell::const_new();
        DISCOVERY
            .get_or_try_init(|| async {
                let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
                let output = tokio::process::Command::new(tests.join("setup/discovery.sh"))
                    .stderr(Stdio::inherit())
                    .output()
                    .await?;
                ensure!(output.status.success(), "tests/setup/discovery.sh failed");
                let path = PathBuf::from(String::from_utf8(output.stdout)?.trim());
                Self::read(&serde_json::from_slice(&std::fs::read(path)?)?)
            })
            .await
    }

    fn read(document: &Value) -> anyhow::Result<Self> {
        let object = |name: &str| {
            document[name]
                .as_object()
                .cloned()
                .with_context(|| format!("the discovery document has no {name}"))
        };
        let mut methods = Vec::new();
        collect(document, &mut methods)?;
        ensure!(
            !methods.is_empty() && document["servicePath"] == "calendar/v3/",
            "this is not the discovery document of Calendar"
        );
        Ok(Self { methods, schemas: object("schemas")?, common: object("parameters")? })
    }

    /// The method that a request is, and the parameters in its path.
    pub fn route(&self, verb: &str, path: &str) -> Option<(&Method, BTreeMap<String, String>)> {
        let segments: Vec<&str> = path.strip_prefix(BASE)?.split('/').collect();
        self.methods
            .iter()
            .filter(|method| method.verb == verb)
            .find_map(|method| Some((method, method.fits(&segments)?)))
    }

    /// What is wrong with the query of a call.
    pub fn check_query(&self, method: &Method, query: &[(String, String)]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (n, (name, value)) in query.iter().enumerate() {
            let known = method
                .parameters
                .get(name)
                .filter(|p| p["location"] == "query")
                .or_else(|| self.common.get(name));
            let Some(parameter) = known else {
                wrong.push(format!("unknown query parameter {name}"));
                continue;
            };
            if parameter["repeated"] != true
                && query[..n].iter().any(|(earlier, _)| earlier == name)
            {
                wrong.push(format!("query parameter {name} twice"));
            }
            if name == "oauth_token" {
                wrong.push("a token in an address".to_owned());
            }
            if !fits_text(parameter, value) || (name == "quotaUser" && value.len() > 40) {
                wrong.push(format!("query parameter {name} has a value that it cannot have"));
            }
        }
        wrong
    }

    /// What is wrong with a body or an answer, by the schema of this name. In a body null is the
    /// absence of a value.
    pub fn check_body(&self, schema: &str, value: &Value, nulls: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        match self.schemas.get(schema) {
            Some(description) => self.check(description, value, schema, nulls, &mut wrong),
            None => wrong.push(format!("there is no schema {schema}")),
        }
        wrong
    }

    /// What a body contains although only Google sets it: it is ignored, so that a client that
    /// sends it notices.
    pub fn read_only(&self, method: &Method, body: &Map<String, Value>) -> Vec<String> {
        let Some(schema) = &method.request else { return Vec::new() };
        let properties =
            self.schemas.get(schema).and_then(|schema| schema["properties"].as_object());
        let importing = method.id == "events.import";
        let is = |name: &&String| {
            let words = properties
                .and_then(|properties| properties.get(*name)?["description"].as_str())
                .unwrap_or_default();
            words.contains("Read-only.")
                || (words.contains("Read-only, except when importing") && !importing)
        };
        body.keys().filter(is).map(|name| format!("{schema}.{name} is read-only")).collect()
    }

    /// Whether the response of this schema has a field at this path; a star is any name.
    pub fn has_field(&self, schema: &str, path: &[&str]) -> bool {
        fn at<'a>(schemas: &'a Map<String, Value>, mut schema: &'a Value) -> &'a Value {
            while let Some(inner) = schema["$ref"]
                .as_str()
                .and_then(|name| schemas.get(name))
                .or_else(|| schema.get("items"))
            {
                schema = inner;
            }
            schema
        }
        let Some(mut place) = self.schemas.get(schema) else { return false };
        for name in path {
            place = at(&self.schemas, place);
            match place["properties"].get(*name).or_else(|| place.get("additionalProperties")) {
                Some(inner) => place = inner,
                None => return *name == "*",
            }
        }
        true
    }

    fn check(
        &self,
        schema: &Value,
        value: &Value,
        place: &str,
        nulls: bool,
        wrong: &mut Vec<String>,
    ) {
        if let Some(name) = schema["$ref"].as_str() {
            match self.schemas.get(name) {
                Some(schema) => self.check(schema, value, place, nulls, wrong),
                None => wrong.push(format!("{place}: there is no schema {name}")),
            }
            return;
        }
        if value.is_null() && nulls {
            return;
        }
        match (schema["type"].as_str().unwrap_or("any"), value) {
            ("object", Value::Object(fields)) => {
                for (name, field) in fields {
                    match schema["properties"]
                        .get(name)
                        .or_else(|| schema.get("additionalProperties"))
                    {
                        // Any name may occur where any name is allowed, and then it is not quoted.
                        Some(inner) if schema["properties"].get(name).is_none() => {
                            self.check(inner, field, &format!("{place}.*"), nulls, wrong);
                        }
                        Some(inner) => {
                            self.check(inner, field, &format!("{place}.{name}"), nulls, wrong)
                        }
                        None => wrong.push(format!("{place}: unknown field {name}")),
                    }
                }
            }
            ("array", Value::Array(items)) => {
                items.iter().for_each(|item| {
                    self.check(&schema["items"], item, &format!("{place}[]"), nulls, wrong)
                });
            }
            ("string", Value::String(text)) if fits_text(schema, text) => {}
            ("boolean", Value::Bool(_)) | ("any", _) => {}
            ("integer", Value::Number(number))
                if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {}
            ("number", Value::Number(_)) => {}
            (kind, _) => wrong.push(format!("{place}: not a {kind}, or none of this format")),
        }
    }
}

impl Method {
    fn fits(&self, segments: &[&str]) -> Option<BTreeMap<String, String>> {
        if segments.len() != self.path.len() {
            return None;
        }
        let mut found = BTreeMap::new();
        for (pattern, segment) in self.path.iter().zip(segments) {
            match pattern.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                Some(name) => {
                    let value = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
                    if value.is_empty() {
                        return None;
                    }
                    found.insert(name.to_owned(), value.into_owned());
                }
                None if pattern != segment => return None,
                None => {}
            }
        }
        Some(found)
    }
}

fn collect(resource: &Value, methods: &mut Vec<Method>) -> anyhow::Result<()> {
    for inner in resource["resources"].as_object().into_iter().flat_map(Map::values) {
        for method in inner["methods"].as_object().into_iter().flat_map(Map::values) {
            let text = |name: &str| {
                method[name]
                    .as_str()
                    .map(str::to_owned)
                    .with_context(|| format!("a method has no {name}"))
            };
            let schema = |name: &str| method[name]["$ref"].as_str().map(str::to_owned);
            methods.push(Method {
                id: text("id")?.trim_start_matches("calendar.").to_owned(),
                verb: text("httpMethod")?,
                path: text("path")?.split('/').map(str::to_owned).collect(),
                parameters: method["parameters"].as_object().cloned().unwrap_or_default(),
                request: schema("request"),
                response: schema("response"),
                scopes: method["scopes"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|s| s.as_str().map(str::to_owned))
                    .collect(),
            });
        }
        collect(inner, methods)?;
    }
    Ok(())
}

/// Whether a text can be the value of a parameter or of a field of type string.
fn fits_text(description: &Value, text: &str) -> bool {
    let within = |n: i64| {
        let bound = |name: &str| description[name].as_str().and_then(|b| b.parse::<i64>().ok());
        bound("minimum").is_none_or(|least| n >= least)
            && bound("maximum").is_none_or(|most| n <= most)
    };
    let listed = description["enum"]
        .as_array()
        .is_none_or(|values| values.iter().any(|value| value == text));
    listed
        && match (
            description["type"].as_str().unwrap_or("string"),
            description["format"].as_str().unwrap_or_default(),
        ) {
            ("boolean", _) => matches!(text, "true" | "false"),
            ("integer", _) => text.parse::<i32>().is_ok_and(|n| within(i64::from(n))),
            (_, "int64") => text.parse::<i64>().is_ok(),
            // The time zone may be beside it: whether an offset is required is for the event's own
            // rules.
            (_, "date-time") if description["location"] != "query" => {
                times::has_form_of_date_time(text)
            }
            (_, "date-time") => times::instant(text).is_some(),
            (_, "date") => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
            _ => true,
        }
}
