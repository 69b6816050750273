//! Against a Google that answers what no Google should: what was prepared, and the same again when nothing is left.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use engine::pair::Window;
use jiff::civil::date;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::http::Access;
use crate::{Error, Found};

/// Prepared answers, and what was asked.
#[derive(Default)]
struct Google {
    answers: Mutex<VecDeque<(u16, Value)>>,
    asked: Mutex<Vec<Uri>>,
}

async fn answer(State(google): State<Arc<Google>>, uri: Uri) -> (StatusCode, [(header::HeaderName, &'static str); 1], String) {
    google.asked.lock().unwrap().push(uri);
    let mut answers = google.answers.lock().unwrap();
    let (status, body) = answers.pop_front().unwrap_or((404, Value::Null));
    if status == 200 && answers.is_empty() {
        answers.push_back((status, body.clone()));
    }
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "application/json")], body.to_string())
}

struct Purse;

#[async_trait]
impl Tokens for Purse {
    async fn bearer(&self) -> Result<SecretString> {
        Ok("ya29.x".into())
    }

    fn refused(&self, _: &SecretString) {}
}

/// A Google with these answers, and a way to it.
async fn world(answers: &[Value]) -> (Arc<Google>, Client) {
    let google = Arc::new(Google::default());
    google.answers.lock().unwrap().extend(answers.iter().map(|body| (200, body.clone())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let router = Router::new().fallback(answer).with_state(google.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let http = Arc::new(Http::hurried(Access { allow_private: true }).unwrap());
    let client = Client::new(&http, &root, "anna@example.org", Arc::new(Purse)).unwrap();
    (google, client)
}

impl Google {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn window() -> Since<'static> {
    Since::Window(Window { start: date(2026, 1, 1), end: date(2027, 1, 1) })
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_left_at_once() {
    let circle = ["a", "b", "a"].map(|next| json!({ "items": [], "nextPageToken": next }));
    let (google, client) = world(&circle).await;
    assert!(matches!(client.survey("c", window(), None).await, Err(Error::BadAnswer(_))));
    assert_eq!(google.asked(), 3);
    let (google, client) = world(&circle).await;
    assert!(matches!(client.survey("c", Since::Cursor(&Cursor("t".into())), None).await, Err(Error::BadAnswer(_))));
    assert_eq!(google.asked(), 3);
    let (google, client) = world(&circle).await;
    assert!(matches!(client.calendars().await, Err(Error::BadAnswer(_))));
    assert_eq!(google.asked(), 3);
}

#[tokio::test]
async fn a_series_of_endless_pages_is_unreadable_and_spoils_nothing_else() {
    let master = json!({
        "id": "s", "etag": "\"1\"", "iCalUID": "s@example.org", "recurrence": ["RRULE:FREQ=DAILY"],
        "start": { "dateTime": "2026-03-10T10:00:00Z", "timeZone": "UTC" }, "end": { "dateTime": "2026-03-10T11:00:00Z", "timeZone": "UTC" },
    });
    let list = json!({ "items": [master], "nextSyncToken": "t" });
    let series = json!({ "items": [master], "nextPageToken": "again" });
    let (google, client) = world(&[list, series.clone()]).await;
    let found = client.survey("c", window(), None).await.unwrap();
    assert!(
        matches!(&found.listed[..], [engine::change::Listed::Present { etag: None, event: None, .. }]),
        "named, for whoever wants to read it"
    );
    assert!(google.asked() <= 6, "{}", google.asked());
    let (_, client) = world(&[master, series]).await;
    let found = client.fetch("c", &[EventId::new("s")]).await.unwrap();
    assert!(matches!(&found[0].found, Found::Unreadable { .. }));
}

#[tokio::test]
async fn a_calendar_with_a_list_but_no_end_of_it_has_no_cursor() {
    let (_, client) = world(&[json!({ "items": [] })]).await;
    assert!(matches!(client.survey("c", window(), None).await, Err(Error::BadAnswer(_))));
}
