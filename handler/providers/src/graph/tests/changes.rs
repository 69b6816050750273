use std::sync::atomic::{AtomicUsize, Ordering};

use engine::change::{Cursor, Listed};
use engine::event::EventId;
use serde_json::{Value, json};

use super::super::cursor::cursor;
use super::stub::{Received, Say, graph, no, not_found, ok, page};
use super::*;
use crate::{ChangeSet, Error, Provider, Since};

/// Each line: `+` with its content, `?` without its mark, `.` by its name alone, `-` removed; and
/// `*` for a series that is whole.
fn lines(changes: &ChangeSet) -> Vec<String> {
    let line = |line: &Listed| match line {
        Listed::Present { id, event, .. } => {
            let form = match (event, !changes.unmarked.contains(id)) {
                (None, _) => ".",
                (Some(_), true) => "+",
                (Some(_), false) => "?",
            };
            format!("{form}{id}")
        }
        Listed::Removed { id } => format!("-{id}"),
    };
    let series = changes.series.iter().map(|id| format!("*{id}"));
    changes.listed.iter().map(line).chain(series).collect()
}

fn round(asked: &Received, items: &[Value], token: &str) -> Say {
    let link = format!("{}/me/calendars/c/calendarView/delta?$deltatoken={token}", asked.root);
    ok(json!({ "value": items, "@odata.deltaLink": link }))
}

/// A first round that is empty, and so its cursor.
async fn begun(client: &super::super::GraphCalendar) -> Cursor {
    client.list_changes("c", Since::Window(WINDOW), None).await.unwrap().cursor
}

/// A Graph whose window is empty and whose next round has these entries.
async fn after_begin(
    entries: Vec<Value>,
    other: impl Fn(&Received) -> Say + Send + Sync + 'static,
) -> (super::stub::Stub, super::super::GraphCalendar, Cursor) {
    let (stub, client) = graph(move |asked| match &*asked.path {
        "/me/calendars/c/calendarView/delta" if asked.query.contains("deltatoken") => {
            round(asked, &entries, "2")
        }
        "/me/calendars/c/calendarView/delta" => round(asked, &[], "1"),
        "/me/calendars/c/calendarView" if asked.query.contains("$expand") => page(&[]),
        _ => other(asked),
    })
    .await;
    let cursor = begun(&client).await;
    stub.take();
    (stub, client, cursor)
}

#[tokio::test]
async fn a_changed_single_event_costs_one_page_and_comes_without_its_mark() {
    let (stub, client, cursor) = after_begin(vec![single("a", 3)], |_| no(500, "unexpected")).await;
    let changes = client.list_changes("c", Since::Cursor(&cursor), None).await.unwrap();
    assert_eq!(lines(&changes), ["?a"]);
    assert_eq!(stub.take().len(), 1);
    assert_ne!(changes.cursor, cursor);
}

#[tokio::test]
async fn what_is_said_last_counts_and_a_sparse_entry_only_names_an_event() {
    let sparse = json!({ "id": "b", "type": "singleInstance", "@odata.etag": "W/\"wrapped\"" });
    let entries = vec![
        single("a", 3),
        with(single("a", 3), &json!({ "subject": "last" })),
        sparse,
        json!({ "id": "" }),
        json!({}),
    ];
    let (_, client, cursor) = after_begin(entries, |_| no(500, "unexpected")).await;
    let changes = client.list_changes("c", Since::Cursor(&cursor), None).await.unwrap();
    assert_eq!(lines(&changes), ["?a", ".b"]);
    let Listed::Present { event: Some(event), .. } = &changes.listed[0] else { panic!() };
    assert_eq!(event.content.title, "last");
    assert!(
        matches!(&changes.listed[1], Listed::Present { etag: None, .. }),
        "the version of a sparse entry is not the event's"
    );
}

#[tokio::test]
async fn a_series_of_somebody_else_is_read_once_and_listed_by_its_occurrences() {
    let sparse = |day: i8| json!({ "id": format!("m-{day}"), "type": "occurrence", "seriesMasterId": "m", "@odata.etag": "W/\"wrapped\"" });
    let (stub, client, cursor) =
        after_begin((2..10).map(sparse).collect(), |asked| match &*asked.path {
            "/me/events/m" => ok(master("m")),
            "/me/events/m/instances" => page(&[occurrence("m", 2), occurrence("m", 3)]),
            _ => no(500, "unexpected"),
        })
        .await;
    let changes = client.list_changes("c", Since::Cursor(&cursor), None).await.unwrap();
    let expected =
        [format!("+{}", instance("m", 2)), format!("+{}", instance("m", 3)), "*m".to_owned()];
    assert_eq!(lines(&changes), expected);
    assert_eq!(stub.take().len(), 3, "a page, the master, its occurrences");
}

#[tokio::test]
async fn a_series_of_our_own_is_one_event() {
    let entry = json!({ "id": "m-4", "type": "exception", "seriesMasterId": "m" });
    let exception = with(occurrence("m", 4), &json!({ "type": "exception", "subject": "Other" }));
    let whole = with(
        marked(master("m"), "h2.k.map.first.mac"),
        &json!({ "exceptionOccurrences": [exception], "cancelledOccurrences": ["OID.m.2026-03-05"] }),
    );
    let (stub, client, cursor) = after_begin(vec![entry], move |asked| match &*asked.path {
        "/me/events/m" => ok(whole.clone()),
        _ => no(500, "unexpected"),
    })
    .await;
    let changes = client.list_changes("c", Since::Cursor(&cursor), None).await.unwrap();
    assert_eq!(lines(&changes), ["+m"]);
    let Listed::Present { event: Some(event), etag, .. } = &changes.listed[0] else { panic!() };
    assert_eq!(event.marker.as_deref(), Some("h2.k.map.first.mac"));
    let series = event.series.as_ref().unwrap();
    assert_eq!(series.exceptions.keys().copied().collect::<Vec<_>>(), [at(4), at(5)]);
    assert_eq!(series.exceptions[&at(5)], Exception::Cancelled);
    assert_eq!(etag.as_deref(), Some("W/\"m1\""));
    assert_eq!(stub.take().len(), 2);
}

#[tokio::test]
async fn what_is_removed_may_have_been_a_series() {
    let removed = |id: &str| json!({ "id": id, "@removed": { "reason": "deleted" } });
    let entries = ["gone", "left", "moved", "outside"].map(removed).to_vec();
    let (_, client, cursor) = after_begin(entries, |asked| match &*asked.path {
        "/me/events/gone" => not_found(),
        // Deleted, and goes on answering: no view shows an occurrence of it.
        "/me/events/left" => ok(master("left")),
        "/me/events/left/instances" => page(&[occurrence("left", 2)]),
        // A series that was only edited.
        "/me/events/moved" => ok(master("moved")),
        "/me/events/moved/instances" => page(&[occurrence("moved", 2)]),
        "/me/events/outside" => ok(single("outside", 20)),
        "/me/calendars/c/calendarView" => page(&[occurrence("moved", 2)]),
        _ => no(500, "unexpected"),
    })
    .await;
    let changes = client.list_changes("c", Since::Cursor(&cursor), None).await.unwrap();
    let expected = [
        "-gone".to_owned(),
        "-left".to_owned(),
        format!("+{}", instance("moved", 2)),
        "-outside".to_owned(),
        "*gone".to_owned(),
        "*left".to_owned(),
        "*moved".to_owned(),
    ];
    assert_eq!(lines(&changes), expected);
}

#[tokio::test]
async fn a_deleted_series_is_known_by_the_ids_of_its_occurrences() {
    let removed =
        |day: i8| json!({ "id": format!("m-{day}"), "@removed": { "reason": "deleted" } });
    let (stub, client) = graph(move |asked| match &*asked.path {
        "/me/calendars/c/calendarView/delta" if asked.query.contains("deltatoken") => {
            round(asked, &[removed(2), removed(3)], "2")
        }
        "/me/calendars/c/calendarView/delta" => round(asked, &[], "1"),
        "/me/calendars/c/calendarView" => page(&[occurrence("m", 2), occurrence("m", 3)]),
        "/me/events" => page(&[]),
        "/me/events/m" if !asked.query.contains("exceptionOccurrences") => ok(master("m")),
        _ => not_found(),
    })
    .await;
    let cursor = begun(&client).await;
    stub.take();
    let changes = client.list_changes("c", Since::Cursor(&cursor), None).await.unwrap();
    assert_eq!(lines(&changes), ["-m", "*m"]);
    assert_eq!(stub.take().len(), 2, "the series is read once");
}

#[tokio::test]
async fn an_endless_round_is_left_at_its_second_page_without_news() {
    let count = AtomicUsize::new(0);
    let (stub, client) = graph(move |asked| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let link = format!("{}/me/calendars/c/calendarView/delta?$skiptoken={n}", asked.root);
        ok(json!({ "value": [single("a", 3)], "@odata.nextLink": link }))
    })
    .await;
    let since = cursor(Some(&format!("{}x", root_of(&stub, &client).await)), WINDOW);
    assert!(matches!(
        client.list_changes("c", Since::Cursor(&since), None).await,
        Err(Error::CursorExpired)
    ));
    assert_eq!(stub.take().len(), 3);
}

/// The address of a round at this stub.
async fn root_of(stub: &super::stub::Stub, client: &super::super::GraphCalendar) -> String {
    let _ = client.read_plain("x").await;
    let asked = stub.take();
    format!("{}/me/calendars/c/calendarView/delta?$deltatoken=", asked[0].root)
}

#[tokio::test]
async fn a_window_is_listed_although_its_round_does_not_end() {
    let count = AtomicUsize::new(0);
    let (stub, client) = graph(move |asked| match &*asked.path {
        "/me/calendars/c/calendarView/delta" => {
            let n = count.fetch_add(1, Ordering::SeqCst);
            let link = format!("{}/me/calendars/c/calendarView/delta?$skiptoken={n}", asked.root);
            ok(json!({ "value": [single("a", 3)], "@odata.nextLink": link }))
        }
        _ => page(&[single("a", 3)]),
    })
    .await;
    let changes = client.list_changes("c", Since::Window(WINDOW), None).await.unwrap();
    assert_eq!(lines(&changes), ["+a"]);
    assert_eq!(stub.take().len(), 4, "three pages of the round, and the view");
    let next = client.list_changes("c", Since::Cursor(&changes.cursor), None).await;
    assert!(matches!(next, Err(Error::CursorExpired)), "there is no cursor");
    assert_eq!(stub.take().len(), 0);
}

#[tokio::test]
async fn a_lost_state_is_an_expired_cursor_and_a_lost_calendar_is_not() {
    for (status, code) in
        [(410, "SyncStateNotFound"), (400, "resyncRequired"), (400, "SyncStateInvalid")]
    {
        let (stub, client) = graph(move |asked| match asked.query.contains("deltatoken") {
            true => no(status, code),
            false => not_found(),
        })
        .await;
        let since = cursor(Some(&root_of(&stub, &client).await), WINDOW);
        let answer = client.list_changes("c", Since::Cursor(&since), None).await;
        assert!(matches!(answer, Err(Error::CursorExpired)), "{status} {code}");
    }
    let (stub, client) = graph(|asked| match &*asked.path {
        "/me/calendars" => page(&[]),
        _ => not_found(),
    })
    .await;
    let since = cursor(Some(&root_of(&stub, &client).await), WINDOW);
    let answer = client.list_changes("c", Since::Cursor(&since), None).await;
    assert!(matches!(answer, Err(Error::CalendarMissing)));
    let foreign = cursor(Some("https://example.org/v1.0/me?$deltatoken=1"), WINDOW);
    stub.take();
    let answer = client.list_changes("c", Since::Cursor(&foreign), None).await;
    assert!(matches!(answer, Err(Error::CursorExpired)));
    assert_eq!(stub.take().len(), 0, "the token is sent to no other server");
}

#[tokio::test]
async fn empty_pages_are_followed_and_a_round_without_an_end_has_no_cursor() {
    let count = AtomicUsize::new(0);
    let (_, client) = graph(move |asked| match &*asked.path {
        "/me/calendars/c/calendarView/delta" => match count.fetch_add(1, Ordering::SeqCst) {
            n @ 0..3 => {
                let link =
                    format!("{}/me/calendars/c/calendarView/delta?$skiptoken={n}", asked.root);
                ok(json!({ "value": [], "@odata.nextLink": link }))
            }
            3 => round(asked, &[], "1"),
            _ => ok(json!({ "value": [] })),
        },
        _ => page(&[]),
    })
    .await;
    let first = begun(&client).await;
    assert!(super::super::cursor::DeltaPosition::read(&first).is_some());
    let second = client.list_changes("c", Since::Cursor(&first), None).await;
    assert!(matches!(second, Err(Error::CursorExpired)), "neither link nor cursor");
}

#[tokio::test]
async fn a_window_is_a_day_wider_at_the_service_and_cut_here() {
    let day = |id: &str, from: &str, to: &str| {
        let midnight =
            |day: &str| json!({ "dateTime": format!("{day}T00:00:00.0000000"), "timeZone": "UTC" });
        with(
            single(id, 2),
            &json!({ "isAllDay": true, "start": midnight(from), "end": midnight(to) }),
        )
    };
    let (stub, client) = graph(move |asked| match &*asked.path {
        "/me/calendars/c/calendarView/delta" => round(asked, &[], "1"),
        _ => page(&[
            day("before", "2026-02-28", "2026-03-01"),
            day("first", "2026-02-28", "2026-03-02"),
            day("last", "2026-03-31", "2026-04-01"),
            day("after", "2026-04-01", "2026-04-02"),
            single("in", 2),
        ]),
    })
    .await;
    let changes = client.list_changes("c", Since::Window(WINDOW), None).await.unwrap();
    assert_eq!(lines(&changes), ["+first", "+in", "+last"]);
    let asked = stub.take();
    for request in &asked {
        assert!(
            request
                .query
                .contains("startDateTime=2026-02-28T00:00:00Z&endDateTime=2026-04-02T00:00:00Z"),
            "{}",
            request.query
        );
    }
    assert!(asked[0].path.ends_with("/delta"), "the round begins before the view");
    assert!(asked[1].query.contains("$top=1000"));
}

#[tokio::test]
async fn series_of_a_window_are_told_apart_and_foreign_ones_are_remembered() {
    for filter_works in [true, false] {
        let (stub, client) = graph(move |asked| match &*asked.path {
            "/me/calendars/c/calendarView/delta" => round(asked, &[], "1"),
            "/me/calendars/c/calendarView" => {
                page(&[occurrence("ours", 2), occurrence("ours", 3), occurrence("theirs", 2)])
            }
            "/me/events" if filter_works => {
                assert!(asked.query.contains("ep/value ne null"));
                page(&[marked(master("ours"), "h2.x"), marked(single("other", 2), "h2.y")])
            }
            "/me/events" => no(400, "ErrorInvalidUrlQueryFilter"),
            "/me/events/ours" => ok(marked(master("ours"), "h2.x")),
            "/me/events/theirs" => ok(master("theirs")),
            _ => no(500, "unexpected"),
        })
        .await;
        let expected = [".ours".to_owned(), format!("+{}", instance("theirs", 2))];
        for again in [false, true] {
            let changes = client.list_changes("c", Since::Window(WINDOW), None).await.unwrap();
            assert_eq!(lines(&changes), expected);
            assert!(
                matches!(&changes.listed[0], Listed::Present { etag: Some(etag), .. } if etag == "W/\"ours1\""),
                "the version of the series, not of an occurrence"
            );
            let asked = stub.asked();
            let masters = asked.iter().filter(|path| path.starts_with("GET /me/events/")).count();
            assert_eq!(masters, usize::from(!again) + usize::from(!filter_works), "{asked:?}");
        }
    }
}

#[tokio::test]
async fn a_series_whose_master_cannot_be_read_makes_no_events() {
    let (_, client) = graph(|asked| match &*asked.path {
        "/me/calendars/c/calendarView/delta" => round(asked, &[], "1"),
        "/me/calendars/c/calendarView" => page(&[occurrence("m", 2)]),
        "/me/events" => page(&[]),
        _ => no(403, "ErrorAccessDenied"),
    })
    .await;
    let changes = client.list_changes("c", Since::Window(WINDOW), None).await.unwrap();
    assert_eq!(lines(&changes), [".m"], "it could be a copy of ours");
}

#[tokio::test]
async fn everything_is_the_window_and_what_has_a_mark() {
    let (_, client) = graph(|asked| match &*asked.path {
        "/me/events" => page(&[
            single("near", 2),
            marked(single("far", 2), "h2.a"),
            marked(single("moved", 2), "h2.b"),
            marked(single("copy", 3), "h2.c"),
            marked(master("ours"), "h2.d"),
            master("theirs"),
        ]),
        "/me/calendars/c/calendarView" => {
            page(&[single("near", 2), marked(single("copy", 3), "h2.c"), occurrence("theirs", 2)])
        }
        "/me/events/far/calendar" | "/me/events/ours/calendar" => ok(json!({ "id": "c" })),
        "/me/events/moved/calendar" => ok(json!({ "id": "other" })),
        "/me/calendars" => page(&[]),
        _ => no(500, "unexpected"),
    })
    .await;
    client.list_changes("c", Since::Window(WINDOW), None).await.unwrap_err();
    let changes = client.list_changes("c", Since::Everything, None).await.unwrap();
    let expected = [
        "+copy".to_owned(),
        ".far".into(),
        "+near".into(),
        ".ours".into(),
        format!("+{}", instance("theirs", 2)),
    ];
    assert_eq!(lines(&changes), expected);
    assert!(super::super::cursor::DeltaPosition::read(&changes.cursor).is_none());
    let _ = EventId::new("x");
}
