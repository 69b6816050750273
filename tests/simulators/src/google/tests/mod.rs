//! The server as a client sees it.

mod batch;
mod calendar_list;
mod consent;
mod guests;
mod ical;
mod limits;
mod push;
mod reading;
mod series;
mod sharing;
mod strictness;
mod writing;

use serde_json::{Value, json};

use super::*;
use crate::client::{Answer, Client};

/// Anna's Google, and a client that speaks for her.
struct World {
    server: Server,
    anna: Account,
    work: Calendar,
    client: Client,
    token: String,
}

async fn world() -> World {
    let server = Server::start().await.unwrap();
    server.clock().stand_at("2026-03-10T12:00:00Z".parse().unwrap());
    let anna = server.account("anna@example.org");
    let work = anna.calendar("Work");
    let client = Client::new(&server.url());
    let token = anna.access_token();
    World { server, anna, work, client, token }
}

/// What the API said.
#[derive(Debug)]
struct Said {
    status: u16,
    body: Value,
}

impl Said {
    /// Status and reason of a refusal.
    fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["error"]["errors"][0]["reason"].as_str().unwrap_or_default())
    }

    /// Ids of the items; a cancelled one has a minus before it.
    fn ids(&self) -> Vec<String> {
        let id = |item: &Value| {
            let sign = if item["status"] == "cancelled" { "-" } else { "" };
            format!("{sign}{}", item["id"].as_str().unwrap())
        };
        self.body["items"]
            .as_array()
            .unwrap_or_else(|| panic!("no items: {self:?}"))
            .iter()
            .map(id)
            .collect()
    }

    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

impl World {
    async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.client.send(method, &format!("/calendar/v3/{path}"), &all, body).await.unwrap()
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Said {
        let answer = self.raw(method, path, &[], body).await;
        Said {
            status: answer.status,
            body: serde_json::from_slice(&answer.body).unwrap_or_default(),
        }
    }

    /// The path of events in her calendar.
    fn events(&self, rest: &str) -> String {
        format!("calendars/{}/events{rest}", self.work.id().replace('@', "%40"))
    }

    async fn get(&self, rest: &str) -> Said {
        self.ask("GET", &self.events(rest), None).await
    }

    async fn list(&self, query: &str) -> Said {
        self.get(&format!("?{query}")).await
    }

    async fn insert(&self, event: Value) -> Said {
        self.ask("POST", &self.events("?sendUpdates=none"), Some(event)).await
    }

    async fn patch(&self, id: &str, change: Value) -> Said {
        self.ask("PATCH", &self.events(&format!("/{id}?sendUpdates=none")), Some(change)).await
    }

    async fn delete(&self, id: &str) -> Said {
        self.ask("DELETE", &self.events(&format!("/{id}?sendUpdates=none")), None).await
    }

    /// No request breaks Google's description.
    fn clean(&self) {
        assert_eq!(self.server.violations(), Vec::<String>::new());
    }
}

/// An event at ten on that day of March, for an hour.
fn at_ten(day: u8, title: &str) -> Value {
    json!({
        "summary": title,
        "start": {"dateTime": format!("2026-03-{day:02}T10:00:00+02:00"), "timeZone": "Europe/Tallinn"},
        "end": {"dateTime": format!("2026-03-{day:02}T11:00:00+02:00"), "timeZone": "Europe/Tallinn"},
    })
}

/// A weekly series of it.
fn weekly(day: u8, title: &str, rule: &str) -> Value {
    let mut event = at_ten(day, title);
    event["recurrence"] = json!([format!("RRULE:FREQ=WEEKLY{rule}")]);
    event
}

fn encode(token: &str) -> String {
    url::form_urlencoded::byte_serialize(token.as_bytes()).collect()
}
