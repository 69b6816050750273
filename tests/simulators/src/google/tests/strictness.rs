//! Requests that Google's own description does not allow are refused and recorded.

use super::*;

/// The last thing that was held against us; there is one more than before.
async fn violation(w: &World, verb: &str, path: &str, body: Option<Value>, status: u16) -> String {
    let before = w.server.violations().len();
    let said = w.ask(verb, path, body).await;
    assert_eq!(said.status, status, "{said:?}");
    let after = w.server.violations();
    assert_eq!(after.len(), before + 1, "{after:?}");
    after.last().unwrap().clone()
}

#[tokio::test]
async fn unknown_parameters_and_values() {
    let w = world().await;
    let events = w.events("");
    for (query, words) in [
        ("maxresults=5", "unknown query parameter maxresults"),
        ("access_token=x", "unknown query parameter access_token"),
        ("sendUpdates=none", "unknown query parameter sendUpdates"),
        ("maxResults=0", "query parameter maxResults has a value that it cannot have"),
        ("maxResults=many", "query parameter maxResults has a value that it cannot have"),
        ("singleEvents=True", "query parameter singleEvents has a value that it cannot have"),
        ("singleEvents=true&singleEvents=true", "query parameter singleEvents twice"),
        ("timeMin=2026-03-01T00:00:00", "query parameter timeMin has a value that it cannot have"),
        ("timeMin=2026-03-01T00:00Z", "query parameter timeMin has a value that it cannot have"),
        ("timeMin=2026-03-01", "query parameter timeMin has a value that it cannot have"),
        ("orderBy=title", "query parameter orderBy has a value that it cannot have"),
        (
            "eventTypes=default&eventTypes=other",
            "query parameter eventTypes has a value that it cannot have",
        ),
        ("oauth_token=x", "a token in an address"),
        ("fields=items(id,titel)", "fields names what the answer cannot have"),
        ("fields=items(id", "fields cannot be read"),
    ] {
        let found = violation(&w, "GET", &format!("{events}?{query}"), None, 400).await;
        assert_eq!(found, format!("events.list: {words}"));
    }
    let said = w.list("maxResults=10&quotaUser=opaque&prettyPrint=false&alt=json&fields=items/start,nextSyncToken").await;
    assert_eq!(said.status, 200, "{said:?}");
}

#[tokio::test]
async fn unknown_fields_and_wrong_types() {
    let w = world().await;
    let insert = w.events("?sendUpdates=none");
    for (field, value, words) in [
        ("title", json!("x"), "Event: unknown field title"),
        ("summary", json!(5), "Event.summary: not a string, or none of this format"),
        (
            "recurrence",
            json!("RRULE:FREQ=DAILY"),
            "Event.recurrence: not a array, or none of this format",
        ),
        (
            "start",
            json!({"dateTime": "2026-03-11 10:00"}),
            "Event.start.dateTime: not a string, or none of this format",
        ),
        (
            "start",
            json!({"dateTime": "2026-03-11T10:00+02:00"}),
            "Event.start.dateTime: not a string, or none of this format",
        ),
        (
            "start",
            json!({"date": "11.3.2026"}),
            "Event.start.date: not a string, or none of this format",
        ),
        ("start", json!({"zone": "UTC"}), "Event.start: unknown field zone"),
        ("sequence", json!("1"), "Event.sequence: not a integer, or none of this format"),
        (
            "extendedProperties",
            json!({"private": {"secret name": 5}}),
            "Event.extendedProperties.private.*: not a string, or none of this format",
        ),
        ("attendees", json!([{"mail": "x@y.example"}]), "Event.attendees[]: unknown field mail"),
        (
            "reminders",
            json!({"useDefault": "no"}),
            "Event.reminders.useDefault: not a boolean, or none of this format",
        ),
    ] {
        let mut event = at_ten(11, "Lunch");
        event[field] = value;
        assert_eq!(
            violation(&w, "POST", &insert, Some(event), 400).await,
            format!("events.insert: {words}")
        );
    }
    assert_eq!(w.work.len(), 0);
    let channel = json!({"id": "a", "type": "web_hook", "address": "https://x.example/", "params": {"ttl": 5}});
    let found = violation(&w, "POST", &w.events("/watch"), Some(channel), 400).await;
    assert_eq!(found, "events.watch: Channel.params.*: not a string, or none of this format");
}

#[tokio::test]
async fn fields_that_only_google_says() {
    let w = world().await;
    for (field, value) in [
        ("organizer", json!({"email": "ben@example.org"})),
        ("htmlLink", json!("https://example.org/")),
        ("created", json!(null)),
    ] {
        let mut event = at_ten(11, "Lunch");
        event[field] = value;
        let found = violation(&w, "POST", &w.events("?sendUpdates=none"), Some(event), 200).await;
        assert_eq!(found, format!("events.insert: Event.{field} is read-only"));
    }
    assert!(
        w.work.items().iter().all(|event| event["organizer"]["email"] == w.work.id()),
        "they are passed over"
    );
}

#[tokio::test]
async fn what_is_no_call_of_the_api() {
    let w = world().await;
    assert_eq!(
        violation(&w, "GET", "calendars/primary/event", None, 404).await,
        "GET of something that the API does not have"
    );
    assert_eq!(
        violation(&w, "PATCH", "users/me/calendarList", None, 404).await,
        "PATCH of something that the API does not have"
    );
    assert_eq!(
        violation(&w, "POST", &w.events("?sendUpdates=none"), None, 400).await,
        "events.insert: the body is no JSON object"
    );
    assert_eq!(
        violation(&w, "GET", &w.events(""), Some(json!({})), 400).await,
        "events.list: a body where there is none"
    );
    let text = w.events("/quickAdd?text=lunch");
    assert_eq!(violation(&w, "POST", &text, None, 501).await, "events.quickAdd is not simulated");
    let bearer = format!("Bearer {}", w.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    let path = format!("/calendar/v3/{}", w.events("?sendUpdates=none"));
    assert_eq!(
        w.client
            .send("POST", &path, &headers, at_ten(11, "Lunch").to_string())
            .await
            .unwrap()
            .status,
        400
    );
    assert_eq!(
        w.server.violations().last().unwrap(),
        "events.insert: the body is not said to be JSON"
    );
}

#[tokio::test]
async fn a_call_without_a_token_gets_nowhere() {
    let w = world().await;
    for headers in
        [vec![], vec![("authorization", "Bearer made-up")], vec![("authorization", "Basic x")]]
    {
        let answer = w
            .client
            .send("GET", &format!("/calendar/v3/{}", w.events("")), &headers, "")
            .await
            .unwrap();
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
        assert!(answer.text().contains("authError"));
    }
    w.anna.expire_access_tokens();
    assert_eq!(w.list("").await.refusal(), (401, "authError"));
    let w = World { token: w.anna.access_token_for(&[CALENDAR_LIST_READONLY]), ..w };
    assert_eq!(w.list("").await.refusal(), (403, "insufficientPermissions"));
    assert_eq!(w.ask("GET", "users/me/calendarList", None).await.status, 200);
    w.clean();
}
