//! Series as they are written.

use std::collections::BTreeSet;
use std::sync::Mutex;

use engine::event::{Field, Parts};
use serde_json::json;

use super::super::GraphCalendar;
use super::stub::{Received, Say, Stub, graph, no, not_found, ok, page};
use super::*;
use crate::{Edit, Error, Provider, Version};

fn created(id: &str) -> Value {
    with(master(id), &json!({ "createdDateTime": "2026-03-01T12:00:00Z" }))
}

fn instances(id: &str) -> Vec<Value> {
    (2..12).map(|day| occurrence(id, day)).collect()
}

/// A series that can be written to: its occurrences share its version, which each write changes.
async fn series(
    shown: Vec<Value>,
    other: impl Fn(&Received) -> Option<Say> + Send + Sync + 'static,
) -> (Stub, GraphCalendar) {
    let version = Mutex::new(1);
    let gone = Mutex::new(BTreeSet::new());
    let count = Mutex::new(u64::MAX);
    graph(move |asked| {
        if let Some(say) = other(asked) {
            return say;
        }
        let mut version = version.lock().unwrap();
        let mut gone = gone.lock().unwrap();
        let mut count = count.lock().unwrap();
        let etag = |version: i32| json!({ "@odata.etag": format!("W/\"m{version}\"") });
        let is_current = |version: i32| {
            ["*".to_owned(), format!("W/\"m{version}\"")]
                .contains(&asked.header("if-match").to_owned())
        };
        match (&*asked.method, &*asked.path) {
            ("POST", _) => Say(201, with(created("m"), &etag(1)), vec![]),
            ("GET", "/me/events/m") => {
                ok(with(marked(master("m"), "h2.k.map.first.mac"), &etag(*version)))
            }
            ("GET", "/me/events/m/instances") => {
                let given = shown.iter().zip(0..*count).map(|(item, _)| item);
                let left = given.filter(|item| !gone.contains(item["id"].as_str().unwrap()));
                let left: Vec<Value> =
                    left.map(|item| with(item.clone(), &etag(*version))).collect();
                page(&left)
            }
            ("PATCH" | "DELETE", _) if !is_current(*version) => {
                no(412, "ErrorIrresolvableConflict")
            }
            ("PATCH", "/me/events/m") => {
                *version += 1;
                let range = &asked.body["recurrence"]["range"];
                *count = range["numberOfOccurrences"].as_u64().unwrap_or(*count);
                ok(with(with(master("m"), &asked.body), &etag(*version)))
            }
            ("PATCH", path) => {
                *version += 1;
                let id = path.rsplit('/').next().unwrap();
                let item = shown.iter().find(|item| item["id"] == id).unwrap().clone();
                let item = with(with(item, &asked.body), &json!({ "type": "exception" }));
                ok(with(item, &etag(*version)))
            }
            ("DELETE", path) => {
                *version += 1;
                gone.insert(path.rsplit('/').next().unwrap().to_owned());
                Say(204, Value::Null, vec![])
            }
            _ => not_found(),
        }
    })
    .await
}

#[tokio::test]
async fn a_new_series_is_compared_with_its_rule_and_gets_its_exceptions() {
    let (stub, client) = series(instances("m"), |_| None).await;
    let draft = daily(
        "m",
        &[
            (3, Exception::Cancelled),
            (4, changed("Other", 4)),
            (5, Exception::Cancelled),
            (6, changed("m", 6)),
        ],
    );
    let written = client.create("c", &copy(&draft)).await.unwrap();
    assert_eq!(
        stub.asked(),
        [
            "POST /me/calendars/c/events",
            "GET /me/events/m/instances",
            "DELETE /me/events/m-3",
            "DELETE /me/events/m-5",
            "PATCH /me/events/m-4",
        ],
        "an occurrence that shows what it should is not written"
    );
    let event = written.event.unwrap();
    let expected = daily(
        "m",
        &[(3, Exception::Cancelled), (4, changed("Other", 4)), (5, Exception::Cancelled)],
    );
    assert!(Draft::from(&*event) == expected, "what it shows now");
    assert_eq!((written.id.as_str(), written.etag), ("m", None), "no answer says its version");
}

#[tokio::test]
async fn a_series_that_microsoft_understands_otherwise_is_taken_back() {
    let shown = instances("m").into_iter().skip(1).collect();
    let (stub, client) = series(shown, |_| None).await;
    let refused = client.create("c", &copy(&daily("m", &[]))).await;
    assert!(
        matches!(refused, Err(Error::NotRepresentable(words)) if words.contains("occurrences"))
    );
    assert_eq!(
        stub.asked(),
        ["POST /me/calendars/c/events", "GET /me/events/m/instances", "DELETE /me/events/m"]
    );
}

#[tokio::test]
async fn a_rule_without_a_pattern_is_refused_without_a_request() {
    let (stub, client) = series(vec![], |_| None).await;
    let mut draft = daily("m", &[]);
    draft.series.as_mut().unwrap().rules = vec!["FREQ=HOURLY;COUNT=3".into()];
    assert!(matches!(client.create("c", &copy(&draft)).await, Err(Error::NotRepresentable(_))));
    assert_eq!(stub.take().len(), 0);
}

#[tokio::test]
async fn a_moved_series_gets_all_its_exceptions_again() {
    let (stub, client) = series(instances("m"), |_| None).await;
    let draft = daily(
        "m",
        &[
            (3, Exception::Cancelled),
            (4, changed("A", 4)),
            (5, changed("B", 5)),
            (6, Exception::Cancelled),
            (7, Exception::Cancelled),
            (8, changed("C", 8)),
            (9, changed("D", 9)),
            (10, changed("E", 10)),
        ],
    );
    let parts = Parts { fields: [Field::Time].into(), ..Parts::default() };
    let version = Version { etag: Some("W/\"m1\"".into()), sequence: 0 };
    let id = EventId::new("m");
    client.rewrite_parts("c", &id, &version, &copy(&draft), &parts).await.unwrap();
    let asked = stub.take();
    let count = |method: &str| asked.iter().filter(|asked| asked.method == method).count();
    assert_eq!((count("GET"), count("DELETE"), count("PATCH"), asked.len()), (1, 3, 6, 10));
    let names: Vec<&String> = asked[0].body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["end", "isAllDay", "recurrence", "singleValueExtendedProperties", "start"]);
    assert_eq!(asked[0].header("if-match"), "W/\"m1\"");
    assert!(asked[5].body.get("start").is_none(), "an occurrence that only has another title");
}

#[tokio::test]
async fn another_title_is_kept_from_the_occurrences_that_have_their_own() {
    let (stub, client) = series(instances("m"), |_| None).await;
    let draft = daily("New", &[(3, Exception::Cancelled), (4, changed("A", 4))]);
    let version = Version { etag: Some("W/\"m1\"".into()), sequence: 0 };
    let parts = Parts { fields: [Field::Title].into(), ..Parts::default() };
    let id = EventId::new("m");
    client.rewrite_parts("c", &id, &version, &copy(&draft), &parts).await.unwrap();
    let asked = stub.take();
    let briefs: Vec<String> = asked.iter().map(|asked| asked.brief()).collect();
    let occurrences = ["GET /me/events/m/instances", "PATCH /me/events/m-4"];
    assert_eq!(briefs, [&["PATCH /me/events/m"], &occurrences[..]].concat());
    let names: Vec<&String> = asked[0].body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["singleValueExtendedProperties", "subject"]);
    // One occurrence alone.
    let (stub, client) = series(instances("m"), |_| None).await;
    let parts = Parts { exceptions: [at(4)].into(), ..Parts::default() };
    client.rewrite_parts("c", &id, &version, &copy(&draft), &parts).await.unwrap();
    assert_eq!(
        stub.asked(),
        ["PATCH /me/events/m", "GET /me/events/m/instances", "PATCH /me/events/m-4"]
    );
}

#[tokio::test]
async fn an_occurrence_that_departs_and_should_not_is_brought_back() {
    let mut shown = instances("m");
    shown[2] = with(shown[2].clone(), &json!({ "type": "exception", "subject": "Old" }));
    let (stub, client) = series(shown, |_| None).await;
    let version = Version { etag: Some("W/\"m1\"".into()), sequence: 0 };
    let draft = daily("m", &[]);
    let written = client.rewrite("c", &EventId::new("m"), &version, &copy(&draft)).await.unwrap();
    let asked = stub.take();
    assert_eq!(asked[2].brief(), "PATCH /me/events/m-4");
    assert_eq!(asked[2].body, json!({ "subject": "m" }));
    assert!(Draft::from(&*written.event.unwrap()) == draft);
}

#[tokio::test]
async fn an_occurrence_cannot_pass_its_neighbour() {
    let (stub, client) = series(instances("m"), |asked| {
        (asked.is("PATCH /me/events/m-4") && asked.body.get("start").is_some())
            .then(|| no(400, "ErrorOccurrenceCrossingBoundary"))
    })
    .await;
    let draft =
        daily("m", &[(4, changed("m", 9)), (5, changed("B", 5)), (6, Exception::Cancelled)]);
    let refused = client.create("c", &copy(&draft)).await;
    assert!(matches!(refused, Err(Error::NotRepresentable(words)) if words.contains("pass")));
    let asked = stub.asked();
    assert_eq!(
        asked[2..5],
        ["DELETE /me/events/m-6", "PATCH /me/events/m-4", "PATCH /me/events/m-5"]
    );
    assert_eq!(asked.last().unwrap(), "DELETE /me/events/m", "nothing of it stays");
    // Of a copy that is there, everything else is written.
    let version = Version { etag: None, sequence: 0 };
    let refused = client.rewrite("c", &EventId::new("m"), &version, &copy(&draft)).await;
    assert!(matches!(refused, Err(Error::NotRepresentable(_))), "{refused:?}");
    assert!(stub.asked().iter().all(|asked| asked != "DELETE /me/events/m"));
}

#[tokio::test]
async fn a_deleted_occurrence_cannot_be_brought_back() {
    let mut shown = instances("m");
    shown.remove(2);
    let (_, client) = series(shown, |_| None).await;
    let version = Version { etag: Some("W/\"m1\"".into()), sequence: 0 };
    let parts = Parts { exceptions: [at(4)].into(), ..Parts::default() };
    let (id, draft) = (EventId::new("m"), daily("m", &[]));
    let refused = client.rewrite_parts("c", &id, &version, &copy(&draft), &parts).await;
    assert!(matches!(refused, Err(Error::NotRepresentable(_))), "{refused:?}");
}

#[tokio::test]
async fn an_edit_of_a_series_names_what_differs() {
    let (stub, client) = series(instances("m"), |_| None).await;
    let version = Version { etag: Some("W/\"m1\"".into()), sequence: 0 };
    let id = EventId::new("m");
    let edit = async |draft: &Draft, fields: &[Field], version: &Version| {
        let parts = Parts { fields: fields.iter().copied().collect(), ..Parts::default() };
        let edit = Edit { parts: &parts, draft, marker: None, now: copy(draft).now };
        client.edit("c", &id, version, &edit).await
    };
    // The same time and rule: nothing restores the occurrences.
    edit(&daily("m", &[]), &[Field::Time, Field::Title], &version).await.unwrap();
    let reads = ["GET /me/events/m", "GET /me/events/m/instances"];
    assert_eq!(stub.asked(), reads, "whether it follows its rule; no write");
    edit(&daily("New", &[]), &[Field::Time, Field::Title], &version).await.unwrap();
    let asked = stub.take();
    assert_eq!(asked[1].body, json!({ "subject": "New" }));
    // Another rule.
    let mut shorter = daily("m", &[(3, Exception::Cancelled)]);
    shorter.series.as_mut().unwrap().rules = vec!["FREQ=DAILY;COUNT=9".into()];
    let version = Version { etag: Some("W/\"m2\"".into()), sequence: 0 };
    edit(&shorter, &[Field::Time], &version).await.unwrap();
    let asked = stub.take();
    assert_eq!(asked[1].body["recurrence"]["range"]["numberOfOccurrences"], 9);
    // Wholly another version.
    let stale = edit(&shorter, &[Field::Time], &version).await;
    assert!(matches!(stale, Err(Error::ChangedMeanwhile)));
    // No series any more.
    let version = Version { etag: None, sequence: 0 };
    stub.take();
    let single = Draft { content: content("m", 2), series: None };
    edit(&single, &[Field::Time], &version).await.unwrap();
    assert_eq!(stub.take()[2].body["recurrence"], Value::Null);
}
