//! Against a Google that answers what no Google should: what was prepared, and the same again when
//! nothing is left.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use engine::pair::Window;
use jiff::civil::date;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::http::{AddressPolicy, Http};
use crate::{Error, Found, WatchScope};

/// Prepared answers, and what was asked.
#[derive(Default)]
struct PreparedGoogle {
    answers: Mutex<VecDeque<(u16, Value)>>,
    /// Address, body, and the version that the request was bound to.
    asked: Mutex<Vec<(Uri, Value, String)>>,
}

async fn answer(
    State(google): State<Arc<PreparedGoogle>>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, [(header::HeaderName, &'static str); 1], String) {
    let version = headers
        .get(header::IF_MATCH)
        .map(|etag| etag.to_str().unwrap().to_owned())
        .unwrap_or_default();
    google.asked.lock().unwrap().push((
        uri,
        serde_json::from_str(&body).unwrap_or_default(),
        version,
    ));
    let mut answers = google.answers.lock().unwrap();
    let (status, body) = answers.pop_front().unwrap_or((404, Value::Null));
    if status == 200 && answers.is_empty() {
        answers.push_back((status, body.clone()));
    }
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
}

struct Purse;

#[async_trait]
impl AccessTokens for Purse {
    async fn access_token(&self) -> Result<SecretString> {
        Ok("ya29.x".into())
    }

    fn invalidate(&self, _: &SecretString) {}
}

/// A Google with these answers, and a way to it.
async fn world(answers: &[Value]) -> (Arc<PreparedGoogle>, GoogleCalendar) {
    let answers = answers.iter().map(|body| (200, body.clone())).collect();
    through(Http::hurried(AddressPolicy { allow_private: true }).unwrap(), answers).await
}

async fn through(
    http: Http,
    answers: VecDeque<(u16, Value)>,
) -> (Arc<PreparedGoogle>, GoogleCalendar) {
    let google =
        Arc::new(PreparedGoogle { answers: Mutex::new(answers), ..PreparedGoogle::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let router = Router::new().fallback(answer).with_state(google.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client =
        GoogleCalendar::new(&Arc::new(http), &root, "anna@example.org", Arc::new(Purse)).unwrap();
    (google, client)
}

impl PreparedGoogle {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// An answer that was given is not given again.
fn once(answers: &[(u16, Value)]) -> VecDeque<(u16, Value)> {
    let mut answers: VecDeque<_> = answers.to_vec().into();
    answers.push_back((404, Value::Null));
    answers
}

fn window() -> Since<'static> {
    Since::Window(Window { start: date(2026, 1, 1), end: date(2027, 1, 1) })
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_are_left_at_once() {
    let circle = ["a", "b", "a"].map(|next| json!({ "items": [], "nextPageToken": next }));
    let (google, client) = world(&circle).await;
    assert!(matches!(client.list_changes("c", window(), None).await, Err(Error::BadAnswer(_))));
    assert_eq!(google.asked(), 3);
    let (google, client) = world(&circle).await;
    assert!(matches!(
        client.list_changes("c", Since::Cursor(&Cursor("t".into())), None).await,
        Err(Error::BadAnswer(_))
    ));
    assert_eq!(google.asked(), 3);
    let (google, client) = world(&circle).await;
    assert!(matches!(client.calendars().await, Err(Error::BadAnswer(_))));
    assert_eq!(google.asked(), 3);
}

#[tokio::test]
async fn an_event_is_found_by_its_uid_and_a_tombstone_is_not() {
    let item = |id: &str, more: Value| {
        let mut item = json!({ "id": id, "iCalUID": "u@example.org" });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let occurrence = item("s_1", json!({ "recurringEventId": "s" }));
    let gone = item("s_2", json!({ "recurringEventId": "s", "status": "cancelled" }));
    let tombstone = item("s", json!({ "status": "cancelled" }));
    let master = item("s", json!({ "recurrence": ["RRULE:FREQ=DAILY"] }));
    for (items, found) in [
        (json!([gone, occurrence, master]), Some("s")),
        (json!([tombstone, gone, occurrence]), Some("s_1")),
        (json!([tombstone, gone, { "id": 7 }, null]), None),
        (json!([]), None),
    ] {
        let (google, client) =
            world(&[json!({ "items": [], "nextPageToken": "b" }), json!({ "items": items })]).await;
        let id = client.find_uid("c", "u+1@example.org").await.unwrap();
        assert_eq!(id.as_ref().map(EventId::as_str), found, "{items}");
        let asked = google.asked.lock().unwrap()[0].0.query().unwrap().to_owned();
        assert!(
            asked.contains("iCalUID=u%2B1%40example.org") && asked.contains("showDeleted=false"),
            "{asked}"
        );
    }
    let (_, client) = world(&[json!({ "items": [], "nextPageToken": "again" })]).await;
    assert!(matches!(client.find_uid("c", "u").await, Err(Error::BadAnswer(_))));
    let (google, client) = world(&[]).await;
    assert!(matches!(client.find_uid("c", "u").await, Err(Error::CalendarMissing)));
    assert_eq!(client.find_uid("c", "").await.unwrap(), None);
    assert_eq!(google.asked(), 1);
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
    let found = client.list_changes("c", window(), None).await.unwrap();
    assert!(
        matches!(
            &found.listed[..],
            [engine::change::Listed::Present { etag: None, event: None, .. }]
        ),
        "the error names it"
    );
    assert!(google.asked() <= 6, "{}", google.asked());
    let (_, client) = world(&[master, series]).await;
    let found = client.fetch("c", &[EventId::new("s")]).await.unwrap();
    assert!(matches!(&found[0].found, Found::Unreadable { .. }));
}

#[tokio::test]
async fn a_calendar_with_a_list_but_no_end_of_it_has_no_cursor() {
    let (_, client) = world(&[json!({ "items": [] })]).await;
    assert!(matches!(client.list_changes("c", window(), None).await, Err(Error::BadAnswer(_))));
}

#[tokio::test]
async fn an_account_that_google_has_shut_out_for_an_hour_asks_nothing_within_it() {
    let refusal = json!({ "error": { "errors": [{ "reason": "quotaExceeded" }] } });
    let answers = [(403, refusal), (200, json!({ "items": [] }))];
    let (google, client) =
        through(Http::new(AddressPolicy { allow_private: true }).unwrap(), answers.into()).await;
    for _ in 0..3 {
        let Err(Error::RateLimited { retry_after: Some(wait) }) = client.calendars().await else {
            panic!("it was let through")
        };
        assert!((3_500..=3_600).contains(&wait.as_secs()), "{wait:?}");
    }
    assert_eq!(google.asked(), 1);
}

#[tokio::test]
async fn a_channel_is_asked_for_and_ended_in_googles_own_units() {
    let channel = json!({ "resourceId": "r", "expiration": "1770000000000" });
    let (google, client) = through(
        Http::hurried(AddressPolicy { allow_private: true }).unwrap(),
        once(&[(200, channel)]),
    )
    .await;
    let token = SecretString::from("h1.token");
    let request = WatchRequest {
        scope: WatchScope::Calendar("a#b@example.org"),
        id: "id-1",
        secret: &token,
        address: "https://x.example/hook",
        lifetime: std::time::Duration::from_secs(518_400),
    };
    let watch = client.create_watch(&request).await.unwrap();
    assert_eq!(
        watch,
        ActiveWatch { resource: "r".into(), expires: "2026-02-02T02:40:00Z".parse().unwrap() }
    );
    client.delete_watch("id-1", "r").await.expect("a channel that is gone has ended");
    let asked = google.asked.lock().unwrap().clone();
    assert_eq!(asked[0].0.path(), "/calendar/v3/calendars/a%23b@example.org/events/watch");
    let body = json!({
        "id": "id-1", "type": "web_hook", "address": "https://x.example/hook", "token": "h1.token", "params": { "ttl": "518400" },
    });
    assert_eq!(asked[0].1, body, "seconds, as a text");
    assert_eq!(
        (asked[1].0.path(), &asked[1].1),
        ("/calendar/v3/channels/stop", &json!({ "id": "id-1", "resourceId": "r" }))
    );
}

#[tokio::test]
async fn a_channel_without_a_readable_end_is_an_error() {
    for expiration in
        [json!("soon"), json!("99999999999999999999"), json!(null), json!(1_770_000_000_000_u64)]
    {
        let (_, client) = world(&[json!({ "resourceId": "r", "expiration": expiration })]).await;
        let request = WatchRequest {
            scope: WatchScope::Calendar("c"),
            id: "id-1",
            secret: &"t".into(),
            address: "https://x.example/",
            lifetime: std::time::Duration::from_secs(60),
        };
        let created = client.create_watch(&request).await;
        assert!(matches!(created, Err(Error::BadAnswer(_))), "{expiration}");
    }
}

#[tokio::test]
async fn calendars_are_offered_from_every_page_and_under_the_name_that_their_owner_sees() {
    let pages = [
        json!({ "items": [
            { "id": "anna@example.org", "summary": "anna@example.org", "summaryOverride": "Mine", "accessRole": "owner", "timeZone": "Europe/Tallinn" },
            { "id": "c_1@resource.calendar.google.com", "summary": "Room", "accessRole": "writer" },
            { "id": "en.x#holiday@group.v.calendar.google.com", "summary": "Holidays", "accessRole": "reader" },
            { "id": "gone@group.calendar.google.com", "deleted": true },
        ], "nextPageToken": "2" }),
        json!({ "items": [
            { "id": "c_2@group.calendar.google.com", "summary": "Team", "accessRole": "writer" },
            { "id": "ben@example.org", "summary": "Ben", "accessRole": "reader" },
            { "id": "nameless@example.org", "accessRole": "freeBusyReader" },
        ] }),
    ];
    let (google, client) = world(&pages).await;
    let found = client.calendars().await.unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|calendar| (&*calendar.address, &*calendar.name, calendar.writable))
        .collect();
    let expected = [
        ("anna@example.org", "Mine", true),
        ("c_2@group.calendar.google.com", "Team", true),
        ("ben@example.org", "Ben", false),
        ("nameless@example.org", "nameless@example.org", false),
    ];
    assert_eq!(seen, expected);
    assert_eq!(google.asked(), 2);
    assert!(google.asked.lock().unwrap()[1].0.query().unwrap().contains("pageToken=2"));
}

#[tokio::test]
async fn whose_a_grant_is_the_primary_calendar_says_on_whichever_page() {
    let pages = [
        json!({ "items": [{ "id": "c_1@group.calendar.google.com" }, { "id": "ben@example.org", "primary": false }], "nextPageToken": "2" }),
        json!({ "items": [{ "id": "Anna@Example.org", "primary": true }] }),
    ];
    let (google, client) = world(&pages).await;
    let root = client.api.addresses.batch().join("/").unwrap();
    let http = Arc::new(Http::hurried(AddressPolicy { allow_private: true }).unwrap());
    let owner = async || oauth::owner(&http, &root, &"ya29.x".into()).await;
    assert_eq!(owner().await.unwrap(), "anna@example.org");
    let asked: Vec<String> =
        google.asked.lock().unwrap().iter().map(|(uri, ..)| uri.to_string()).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|uri| uri.contains("showHidden=true")), "it may be hidden");
    assert!(asked[1].contains("pageToken=2"));
    for strange in [
        json!({ "items": [] }),
        json!({ "items": [{ "primary": true }] }),
        json!({ "items": [{ "id": "a b", "primary": true }] }),
    ] {
        google.answers.lock().unwrap().clear();
        google.answers.lock().unwrap().push_back((200, strange));
        assert!(matches!(owner().await, Err(Error::BadAnswer(_))));
    }
}

fn day() -> engine::event::Draft {
    let item =
        json!({ "id": "x", "start": { "date": "2026-03-10" }, "end": { "date": "2026-03-11" } });
    engine::event::Draft::from(
        &items::read(json!({ "items": [item] }).to_string().as_bytes()).unwrap(),
    )
}

#[tokio::test]
async fn what_is_written_anew_without_a_version_is_our_copy_and_nobody_elses() {
    let there = |mark: &str, guests: Value| {
        json!({
            "id": "c", "etag": "\"7\"", "start": { "date": "2026-03-10" }, "end": { "date": "2026-03-11" },
            "extendedProperties": { "private": { "calrelayOrigin": mark } }, "attendees": guests,
        })
    };
    let (draft, version) = (day(), Version { etag: None, sequence: 0 });
    let copy =
        NewCopy { uid: "u", marker: "h1.m", draft: &draft, now: jiff::Timestamp::UNIX_EPOCH };
    for strange in
        [there("h1.other", json!([])), there("h1.m", json!([{ "email": "ben@example.org" }]))]
    {
        let (google, client) = world(&[strange]).await;
        let written = client.rewrite("c", &EventId::new("c"), &version, &copy).await;
        assert!(matches!(written, Err(Error::ChangedMeanwhile)), "{written:?}");
        assert_eq!(google.asked(), 1, "it was only read");
    }
    let (google, client) = world(&[there("h1.m", json!([]))]).await;
    client.rewrite("c", &EventId::new("c"), &version, &copy).await.unwrap();
    assert_eq!(google.asked.lock().unwrap()[1].2, "\"7\"", "bound to what was read");
}

#[tokio::test]
async fn an_edit_is_bound_to_the_version_that_it_was_made_for() {
    let event = json!({ "id": "e", "etag": "\"7\"", "summary": "Old", "start": { "date": "2026-03-10" }, "end": { "date": "2026-03-11" } });
    let (google, client) = world(&[event]).await;
    let (mut draft, parts) = (
        day(),
        engine::event::Parts { fields: [engine::event::Field::Title].into(), ..Default::default() },
    );
    draft.content.title = "New".into();
    let edit =
        Edit { parts: &parts, draft: &draft, marker: None, now: jiff::Timestamp::UNIX_EPOCH };
    let version = Version { etag: Some("\"7\"".into()), sequence: 0 };
    client.edit("c", &EventId::new("e"), &version, &edit).await.unwrap();
    let asked = google.asked.lock().unwrap();
    assert_eq!((&asked[1].1, &*asked[1].2), (&json!({ "summary": "New" }), "\"7\""));
}

#[tokio::test]
async fn a_deleted_copy_is_brought_back_to_life_only_as_it_was_found() {
    let tombstone = json!({ "id": "c", "status": "cancelled", "etag": "\"7\"" });
    let copy = json!({ "id": "c", "etag": "\"8\"", "start": { "date": "2026-03-10" }, "end": { "date": "2026-03-11" } });
    let answers = once(&[(409, Value::Null), (200, tombstone), (200, copy)]);
    let (google, client) =
        through(Http::hurried(AddressPolicy { allow_private: true }).unwrap(), answers).await;
    let draft = day();
    let new = NewCopy { uid: "u", marker: "h1.m", draft: &draft, now: jiff::Timestamp::UNIX_EPOCH };
    let written = client.create("c", &new).await.unwrap();
    assert_eq!(written.etag.as_deref(), Some("\"8\""));
    let versions: Vec<String> =
        google.asked.lock().unwrap().iter().map(|(_, _, version)| version.clone()).collect();
    assert_eq!(
        versions,
        ["", "", "\"7\""],
        "an occurrence that another person restored meanwhile is kept"
    );
}
