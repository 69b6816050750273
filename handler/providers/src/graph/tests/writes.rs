//! Single events as they are written.

use std::sync::atomic::{AtomicUsize, Ordering};

use engine::event::{Field, Parts};
use serde_json::json;

use super::super::ids;
use super::stub::{Say, graph, no, not_found, ok, page};
use super::*;
use crate::{Edit, Error, Provider, Version};

const MARK: &str = "h2.k.map.first.mac";

fn day() -> Draft {
    Draft { content: content("Lunch", 2), series: None }
}

fn fresh(id: &str) -> Value {
    with(single(id, 2), &json!({ "subject": "Lunch", "createdDateTime": "2026-03-01T12:00:00Z" }))
}

fn version(etag: &str) -> Version {
    Version { etag: Some(etag.into()), sequence: 0 }
}

fn parts(fields: &[Field]) -> Parts {
    Parts { fields: fields.iter().copied().collect(), ..Parts::default() }
}

#[tokio::test]
async fn a_create_has_a_mark_a_transaction_and_no_guest() {
    let (stub, client) = graph(|_| Say(201, fresh("new"), vec![])).await;
    let draft = day();
    let written = client.create("c", &copy(&draft)).await.unwrap();
    assert_eq!((written.id.as_str(), written.etag.as_deref()), ("new", Some("W/\"new1\"")));
    assert_eq!(written.event.unwrap().marker.as_deref(), Some(MARK));
    let asked = stub.take();
    assert_eq!(asked.len(), 1);
    let body = &asked[0].body;
    assert_eq!(body["transactionId"], ids::transaction("calrelay-abc"));
    assert_eq!(body["singleValueExtendedProperties"][0], json!({ "id": MARKER, "value": MARK }));
    assert_eq!((&body["isReminderOn"], &body["responseRequested"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn a_refused_zone_costs_one_more_request_once() {
    let (stub, client) = graph(|asked| match asked.body["start"]["timeZone"].as_str() {
        Some("UTC") => Say(201, fresh("new"), vec![]),
        _ => no(400, "TimeZoneNotSupportedException"),
    })
    .await;
    let mut draft = day();
    let zone = Zone::Iana("Europe/Berlin".into());
    let moment = |hour| Moment { local: date(2026, 3, 2).at(hour, 0, 0, 0), zone: zone.clone() };
    draft.content.span = Span::Timed { start: moment(9), end: moment(10) };
    client.create("c", &copy(&draft)).await.unwrap();
    let names = |stub: &super::stub::Stub| {
        let asked = stub.take();
        asked.iter().map(|asked| asked.body["start"].clone()).collect::<Vec<_>>()
    };
    let first = names(&stub);
    assert_eq!(first.len(), 3, "its IANA name, its Windows name, UTC: {first:?}");
    assert_eq!(first[0]["timeZone"], "Europe/Berlin");
    assert_eq!(first[2]["timeZone"], "UTC");
    assert!(first[2]["dateTime"].as_str().unwrap().starts_with("2026-03-02T08:00:00"));
    client.create("c", &copy(&draft)).await.unwrap();
    assert_eq!(names(&stub).len(), 1, "remembered");
}

/// The answer to a second create: which of the three, and what there is.
async fn repeated(
    answer: impl Fn() -> Say + Send + Sync + 'static,
    event: Option<Value>,
    view: Vec<Value>,
) -> (Result<crate::Written, Error>, Option<EventId>) {
    let (_, client) = graph(move |asked| match (&*asked.method, &*asked.path) {
        ("POST", _) => answer(),
        (_, "/me/events") => {
            let filter = format!("singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value eq '{MARK}')");
            assert!(asked.query.contains(&filter), "{}", asked.query);
            let twin = marked(single("twin", 2), &MARK.to_uppercase());
            let found = event.clone().map(|event| marked(event, MARK));
            page(&[vec![twin], found.into_iter().collect()].concat())
        }
        (_, "/me/events/old") => event.clone().map_or_else(not_found, ok),
        (_, "/me/calendars/c/calendarView") => page(&view),
        _ => no(500, "unexpected"),
    })
    .await;
    let draft = day();
    let outcome = client.create("c", &copy(&draft)).await;
    (outcome, client.find_copy("c", &copy(&draft)).await.unwrap())
}

#[tokio::test]
async fn a_second_create_finds_the_first_event_whichever_way_it_is_answered() {
    let named = |status| {
        move || {
            Say(
                status,
                json!({ "error": { "code": "ErrorDuplicateTransactionId", "message": "secret", "@event.existingEventId": "old" } }),
                vec![],
            )
        }
    };
    let bare = |status| move || no(status, "ErrorDuplicateTransactionId");
    let old = || with(fresh("old"), &json!({ "createdDateTime": "2026-03-01T11:00:00.1234567Z" }));
    let same = move || Say(201, old(), vec![]);
    let changed = move || {
        let since = json!({ "lastModifiedDateTime": "2026-03-01T12:00:09Z" });
        Say(201, with(fresh("old"), &since), vec![])
    };
    type Answer = Box<dyn Fn() -> Say + Send + Sync>;
    let all = || -> Vec<Answer> {
        vec![
            Box::new(same),
            Box::new(changed),
            Box::new(named(400)),
            Box::new(named(409)),
            Box::new(bare(400)),
            Box::new(bare(409)),
        ]
    };
    for (n, answer) in all().into_iter().enumerate() {
        let (outcome, found) = repeated(answer, Some(old()), vec![old()]).await;
        assert!(matches!(outcome, Err(Error::Exists)), "{n}: {outcome:?}");
        assert_eq!(found, Some(EventId::new("old")), "{n}");
    }
    // It lies in Deleted Items: the name is used up.
    for (n, answer) in all().into_iter().enumerate() {
        let (outcome, found) = repeated(answer, Some(old()), vec![]).await;
        assert!(matches!(outcome, Err(Error::NameRefused(_))), "{n}: {outcome:?}");
        assert_eq!(found, None, "{n}");
    }
    for (n, answer) in all().into_iter().enumerate().skip(2) {
        let (outcome, _) = repeated(answer, None, vec![]).await;
        assert!(matches!(outcome, Err(Error::NameRefused(_))), "{n}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_pristine_copy_is_written_by_one_request_that_names_what_changed() {
    let (stub, client) = graph(|_| ok(single("e", 2))).await;
    let draft = day();
    let id = EventId::new("e");
    let fields = parts(&[Field::Title, Field::Busy]);
    client.rewrite_parts("c", &id, &version("W/\"7\""), &copy(&draft), &fields).await.unwrap();
    let asked = stub.take();
    assert_eq!((asked.len(), asked[0].header("if-match")), (1, "W/\"7\""));
    let names: Vec<&String> = asked[0].body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["showAs", "singleValueExtendedProperties", "subject"]);
}

#[tokio::test]
async fn a_copy_without_a_known_version_is_read_first_and_is_nobody_elses() {
    let guest = json!({ "attendees": [{ "type": "required", "emailAddress": { "address": "ben@example.org" } }] });
    let draft = day();
    for strange in [
        single("e", 2),
        marked(single("e", 2), "h2.k.other.first.mac"),
        with(marked(single("e", 2), MARK), &guest),
    ] {
        let (stub, client) = graph(move |_| ok(strange.clone())).await;
        let written =
            client.rewrite("c", &EventId::new("e"), &Version::default(), &copy(&draft)).await;
        assert!(matches!(written, Err(Error::ChangedMeanwhile)), "{written:?}");
        assert_eq!(stub.asked(), ["GET /me/events/e"]);
    }
    let (stub, client) = graph(|_| ok(marked(single("e", 2), MARK))).await;
    client.rewrite("c", &EventId::new("e"), &Version::default(), &copy(&draft)).await.unwrap();
    assert_eq!(stub.take()[1].header("if-match"), "W/\"e1\"");
}

#[tokio::test]
async fn a_stale_version_is_a_change_or_a_deletion() {
    for status in [412, 409] {
        for (view, is_gone) in [(vec![single("e", 2)], false), (vec![], true)] {
            let (_, client) = graph(move |asked| match (&*asked.method, &*asked.path) {
                ("PATCH", _) => no(status, "ErrorIrresolvableConflict"),
                (_, "/me/events/e") => ok(single("e", 2)),
                (_, "/me/calendars/c/calendarView") => page(&view),
                _ => no(500, "unexpected"),
            })
            .await;
            let draft = day();
            let error = client
                .rewrite("c", &EventId::new("e"), &version("W/\"7\""), &copy(&draft))
                .await
                .unwrap_err();
            assert_eq!(matches!(error, Error::Gone), is_gone, "{error:?}");
            assert_eq!(matches!(error, Error::ChangedMeanwhile), !is_gone, "{error:?}");
        }
    }
}

#[tokio::test]
async fn an_edit_names_what_differs_and_is_bound_to_its_version() {
    let (stub, client) = graph(|_| {
        ok(with(
            single("e", 2),
            &json!({ "subject": "Old", "location": { "displayName": "Room" } }),
        ))
    })
    .await;
    let draft = day();
    let edit = |parts| Edit { parts, draft: &draft, marker: None, now: copy(&draft).now };
    let fields = parts(&[Field::Title, Field::Time, Field::Description, Field::Busy]);
    client.edit("c", &EventId::new("e"), &version("W/\"e1\""), &edit(&fields)).await.unwrap();
    let asked = stub.take();
    assert_eq!(asked[1].body, json!({ "subject": "Lunch" }), "neither the place nor the text");
    assert_eq!(asked[1].header("if-match"), "W/\"e1\"");
    let stale = client.edit("c", &EventId::new("e"), &version("W/\"0\""), &edit(&fields)).await;
    assert!(matches!(stale, Err(Error::ChangedMeanwhile)));
    let nothing = parts(&[Field::Busy]);
    stub.take();
    client.edit("c", &EventId::new("e"), &Version::default(), &edit(&nothing)).await.unwrap();
    assert_eq!(stub.asked(), ["GET /me/events/e"]);
}

#[tokio::test]
async fn one_occurrence_of_a_foreign_series_is_edited_and_deleted_by_itself() {
    let (stub, client) = graph(|asked| match (&*asked.method, &*asked.path) {
        ("GET", "/me/events/m/instances") => page(&[occurrence("m", 2), occurrence("m", 3)]),
        ("PATCH", "/me/events/m-3") => {
            ok(with(occurrence("m", 3), &json!({ "type": "exception", "subject": "Lunch" })))
        }
        ("DELETE", "/me/events/m-3") => Say(204, Value::Null, vec![]),
        _ => no(500, "unexpected"),
    })
    .await;
    let draft = Draft { content: content("Lunch", 3), series: None };
    let fields = parts(&[Field::Title, Field::Time]);
    let edit = Edit { parts: &fields, draft: &draft, marker: None, now: copy(&draft).now };
    let id = instance("m", 3);
    let written = client.edit("c", &id, &version("W/\"m1\""), &edit).await.unwrap();
    assert_eq!(written.id, id);
    assert_eq!(stub.take()[1].body, json!({ "subject": "Lunch" }));
    client.delete("c", &id, Some("W/\"m1\"")).await.unwrap();
    assert_eq!(stub.asked(), ["GET /me/events/m/instances", "DELETE /me/events/m-3"]);
}

#[tokio::test]
async fn nothing_is_written_to_what_others_take_part_in() {
    let guest = json!({ "attendees": [{ "type": "required", "emailAddress": { "address": "ben@example.org" } }] });
    let (stub, client) = graph(move |_| ok(with(single("e", 2), &guest))).await;
    let draft = day();
    let fields = parts(&[Field::Title]);
    let edit = Edit { parts: &fields, draft: &draft, marker: None, now: copy(&draft).now };
    let id = EventId::new("e");
    assert!(matches!(
        client.edit("c", &id, &Version::default(), &edit).await,
        Err(Error::HasGuests)
    ));
    assert!(matches!(client.delete("c", &id, None).await, Err(Error::HasGuests)));
    assert!(stub.take().iter().all(|asked| asked.method == "GET"));
}

#[tokio::test]
async fn a_deletion_of_what_is_gone_is_a_success() {
    let delete = async |answer: Say, view: Vec<Value>| {
        let answer = std::sync::Mutex::new(Some(answer));
        let (stub, client) = graph(move |asked| match (&*asked.method, &*asked.path) {
            ("DELETE", _) => answer.lock().unwrap().take().unwrap(),
            (_, "/me/events/e") => ok(single("e", 2)),
            (_, "/me/calendars/c/calendarView") => page(&view),
            (_, "/me/calendars/c") => ok(json!({ "id": "c" })),
            _ => no(500, "unexpected"),
        })
        .await;
        let outcome = client.delete("c", &EventId::new("e"), Some("W/\"e1\"")).await;
        let asked = stub.take();
        assert_eq!(asked[1].header("if-match"), "W/\"e1\"");
        outcome
    };
    let there = || vec![single("e", 2)];
    assert!(delete(Say(204, Value::Null, vec![]), there()).await.is_ok());
    assert!(delete(not_found(), there()).await.is_ok());
    assert!(delete(no(403, "ErrorCannotDeleteObject"), vec![]).await.is_ok(), "the view lacks it");
    let kept = delete(no(403, "ErrorCannotDeleteObject"), there()).await;
    assert!(matches!(kept, Err(Error::Forbidden(_))), "{kept:?}");
    let stale = delete(no(412, "ErrorIrresolvableConflict"), there()).await;
    assert!(matches!(stale, Err(Error::ChangedMeanwhile)));
    assert!(matches!(
        delete(no(403, "ErrorAccessDenied"), there()).await,
        Err(Error::Forbidden(_))
    ));
}

#[tokio::test]
async fn a_throttled_write_is_not_repeated_where_it_may_have_been_made() {
    let count = AtomicUsize::new(0);
    let (stub, client) = graph(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Say(504, json!({}), vec![("retry-after", "3600".into())]),
        _ => Say(201, fresh("new"), vec![]),
    })
    .await;
    let draft = day();
    assert!(matches!(client.create("c", &copy(&draft)).await, Err(Error::RateLimited { .. })));
    assert_eq!(stub.take().len(), 1);
}
