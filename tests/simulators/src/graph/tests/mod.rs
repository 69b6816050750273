//! The server as a client sees it.

mod calendars;
mod consent;
mod delta;
mod limits;
mod people;
mod push;
mod schema;
mod series;
mod switches;
mod writing;

use serde_json::{Value, json};

use super::*;
use crate::client::{Answer, Client};

const MARK: &str = "String {6d1f8f0e-7c1b-4f0b-9d53-2f1f6a3c9e10} Name CalrelayOrigin";

const PREFER: &str =
    "outlook.timezone=\"UTC\", outlook.body-content-type=\"text\", IdType=\"ImmutableId\"";

/// Anna's Microsoft, and a client that speaks for her.
struct World {
    graph: Graph,
    anna: Account,
    work: Calendar,
    client: Client,
    token: String,
}

async fn world() -> World {
    let graph = Graph::start().await.unwrap();
    graph.clock().stand_at("2026-03-10T12:00:00Z".parse().unwrap());
    let anna = graph.account("anna@example.org");
    let work = anna.calendar("Work");
    let client = Client::new(&graph.url());
    let token = anna.access_token();
    World { graph, anna, work, client, token }
}

/// What the API said.
#[derive(Debug)]
struct Said {
    status: u16,
    body: Value,
}

impl Said {
    /// Status and code of a refusal.
    fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    fn items(&self) -> &Vec<Value> {
        self.body["value"].as_array().unwrap_or_else(|| panic!("no value: {self:?}"))
    }

    /// Titles of the items; an occurrence of delta by its start, what is removed by a minus.
    fn titles(&self) -> Vec<String> {
        let title = |item: &Value| {
            if item.get("@removed").is_some() {
                return "-".to_owned();
            }
            let start = item["start"]["dateTime"].as_str().unwrap();
            item["subject"].as_str().map_or_else(|| start[5..10].to_owned(), str::to_owned)
        };
        self.items().iter().map(title).collect()
    }

    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    fn id(&self) -> String {
        assert!(self.status < 300, "{self:?}");
        self.text("id").to_owned()
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
        if !headers.iter().any(|(name, _)| *name == "prefer") {
            all.push(("prefer", PREFER));
        }
        all.extend(headers);
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let path = if path.starts_with("http") { path.to_owned() } else { format!("/v1.0{path}") };
        self.client.send(method, &path, &all, body).await.unwrap()
    }

    async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Said {
        let answer = self.raw(method, path, headers, body).await;
        Said {
            status: answer.status,
            body: serde_json::from_slice(&answer.body).unwrap_or_default(),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Said {
        self.with(method, path, &[], body).await
    }

    async fn get(&self, path: &str) -> Said {
        self.ask("GET", path, None).await
    }

    /// A path within her calendar.
    fn within(&self, rest: &str) -> String {
        format!("/me/calendars/{}{rest}", encode(&self.work.id()))
    }

    async fn view(&self, from: &str, to: &str) -> Said {
        self.get(&self.within(&format!(
            "/calendarView?startDateTime={from}T00:00:00Z&endDateTime={to}T00:00:00Z&$top=100"
        )))
        .await
    }

    async fn create(&self, event: Value) -> Said {
        self.ask("POST", &self.within("/events"), Some(event)).await
    }

    async fn event(&self, id: &str) -> Said {
        self.get(&format!("/me/events/{}", encode(id))).await
    }

    async fn patch(&self, id: &str, change: Value) -> Said {
        self.ask("PATCH", &format!("/me/events/{}", encode(id)), Some(change)).await
    }

    async fn delete(&self, id: &str) -> Said {
        self.ask("DELETE", &format!("/me/events/{}", encode(id)), None).await
    }

    /// No request breaks Microsoft's description.
    #[track_caller]
    fn clean(&self) {
        assert_eq!(self.graph.violations(), Vec::<String>::new());
        assert_eq!(self.graph.mails(), 0);
    }
}

/// An event at ten in Berlin on that day of March, for an hour.
fn at_ten(day: u8, title: &str) -> Value {
    json!({
        "subject": title,
        "body": {"contentType": "text", "content": ""},
        "start": {"dateTime": format!("2026-03-{day:02}T10:00:00"), "timeZone": "Europe/Berlin"},
        "end": {"dateTime": format!("2026-03-{day:02}T11:00:00"), "timeZone": "Europe/Berlin"},
    })
}

/// A weekly series of it, on a day of the week.
fn weekly(day: u8, title: &str, on: &str) -> Value {
    let mut event = at_ten(day, title);
    event["recurrence"] = json!({
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": [on],
            "firstDayOfWeek": "monday"},
        "range": {"type": "noEnd", "startDate": format!("2026-03-{day:02}")},
    });
    event
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
