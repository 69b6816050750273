use engine::change::Absence;
use serde_json::json;

use super::super::GraphCalendar;
use super::stub::{Stub, graph, no, not_found, ok, page};
use super::*;
use crate::{Error, Found, Provider};

async fn world(
    event: Option<Value>,
    view: Vec<Value>,
    place: Option<&'static str>,
) -> (Stub, GraphCalendar) {
    graph(move |asked| match &*asked.path {
        "/me/calendars/c" => ok(json!({ "id": "c", "canEdit": true })),
        "/me/calendars/c/calendarView" => page(&view),
        "/me/events/e" => event.clone().map_or_else(not_found, ok),
        "/me/events/e/calendar" => place.map_or_else(not_found, |place| ok(json!({ "id": place }))),
        _ => no(500, "unexpected"),
    })
    .await
}

#[tokio::test]
async fn an_event_is_gone_by_404_or_by_a_view_that_lacks_it() {
    let id = EventId::new("e");
    let absence = async |event, view, place| {
        let (_, client) = world(event, view, place).await;
        client.absence("c", &id).await.unwrap()
    };
    assert_eq!(absence(None, vec![], None).await, Some(Absence::NotFound));
    let event = || Some(single("e", 3));
    assert_eq!(absence(event(), vec![single("e", 3)], None).await, None);
    assert_eq!(
        absence(event(), vec![single("other", 3)], None).await,
        Some(Absence::NotFound),
        "it answers from Deleted Items"
    );
    assert_eq!(absence(event(), vec![], Some("c")).await, Some(Absence::NotFound));
    assert_eq!(absence(event(), vec![], Some("d")).await, Some(Absence::Elsewhere));
    let renamed = with(single("regular-id", 3), &json!({ "iCalUId": "uid-e" }));
    assert_eq!(absence(event(), vec![renamed], None).await, None, "its id has another form there");
}

#[tokio::test]
async fn the_view_is_of_the_times_of_the_event_a_day_wider() {
    let (stub, client) = world(Some(single("e", 3)), vec![single("e", 3)], None).await;
    client.absence("c", &EventId::new("e")).await.unwrap();
    let asked = stub.take();
    assert!(
        asked[1]
            .query
            .contains("startDateTime=2026-03-02T08:00:00Z&endDateTime=2026-03-04T09:00:00Z")
    );
}

#[tokio::test]
async fn nothing_is_gone_where_the_calendar_is() {
    let (_, client) = graph(|asked| match &*asked.path {
        "/me/calendars" => page(&[]),
        _ => not_found(),
    })
    .await;
    let id = EventId::new("e");
    assert!(matches!(client.absence("c", &id).await, Err(Error::CalendarMissing)));
    assert!(matches!(client.absence("c", &instance("e", 2)).await, Err(Error::CalendarMissing)));
    assert!(matches!(client.fetch("c", &[id]).await, Err(Error::CalendarMissing)));
    let (_, client) = graph(|_| no(500, "x")).await;
    assert!(client.absence("c", &EventId::new("e")).await.is_err());
}

#[tokio::test]
async fn a_series_is_gone_where_no_occurrence_of_it_is_shown() {
    let world = |view: Vec<Value>| {
        graph(move |asked| match &*asked.path {
            "/me/calendars/c/calendarView" => page(&view),
            "/me/events/m" => ok(master("m")),
            // It goes on answering, too.
            "/me/events/m/instances" => page(&[occurrence("m", 2)]),
            "/me/calendars" => page(&[]),
            _ => not_found(),
        })
    };
    let (_, client) = world(vec![occurrence("m", 2)]).await;
    assert_eq!(client.absence("c", &EventId::new("m")).await.unwrap(), None);
    let (_, client) = world(vec![single("other", 2)]).await;
    assert_eq!(client.absence("c", &EventId::new("m")).await.unwrap(), Some(Absence::NotFound));
}

#[tokio::test]
async fn an_occurrence_is_gone_where_its_series_has_none_or_the_calendar_shows_none() {
    let moved = || {
        with(
            occurrence("m", 4),
            &json!({
                "type": "exception", "id": "m-4", "start": { "dateTime": "2026-03-25T08:00:00", "timeZone": "UTC" },
                "end": { "dateTime": "2026-03-25T09:00:00", "timeZone": "UTC" },
            }),
        )
    };
    let world = |view: Vec<Value>| {
        let whole = with(
            master("m"),
            &json!({ "exceptionOccurrences": [moved()], "cancelledOccurrences": ["OID.m.2026-03-05"] }),
        );
        graph(move |asked| match &*asked.path {
            "/me/calendars/c" => ok(json!({ "id": "c" })),
            "/me/calendars/c/calendarView" => page(&view),
            "/me/events/m" => ok(whole.clone()),
            "/me/events/m/instances" => page(&[occurrence("m", 2), occurrence("m", 3)]),
            _ => no(500, "unexpected"),
        })
    };
    let shown = vec![occurrence("m", 2), moved()];
    for (day, expected) in
        [(2, None), (3, Some(Absence::NotFound)), (4, None), (5, Some(Absence::NotFound))]
    {
        let (_, client) = world(shown.clone()).await;
        assert_eq!(client.absence("c", &instance("m", day)).await.unwrap(), expected, "{day}");
    }
}

#[tokio::test]
async fn occurrences_of_a_series_are_fetched_together_and_moved_ones_found() {
    let moved = with(
        occurrence("m", 4),
        &json!({ "type": "exception", "subject": "Moved", "start": { "dateTime": "2026-05-25T08:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-05-25T09:00:00", "timeZone": "UTC" } }),
    );
    let whole = with(master("m"), &json!({ "exceptionOccurrences": [moved] }));
    let (stub, client) = graph(move |asked| match &*asked.path {
        "/me/events/m" => ok(whole.clone()),
        "/me/events/m/instances" => page(&[occurrence("m", 2), occurrence("m", 3)]),
        "/me/events/a" => ok(single("a", 2)),
        "/me/events/x" => ok(json!({ "id": "x", "@odata.etag": "W/\"1\"", "isCancelled": 7 })),
        "/me/events/o" => ok(marked(master("o"), "h2.x")),
        _ => not_found(),
    })
    .await;
    let ids = [
        instance("m", 2),
        EventId::new("a"),
        instance("m", 3),
        EventId::new("b"),
        instance("m", 2),
        EventId::new("x"),
        EventId::new("o"),
    ];
    let found = client.fetch("c", &ids).await.unwrap();
    assert_eq!(found.len(), 6, "each once");
    let of = |id: &EventId| &found.iter().find(|fetched| fetched.id == *id).unwrap().found;
    for id in &ids[..3] {
        assert!(matches!(of(id), Found::Event(event) if event.id == *id));
    }
    assert!(matches!(of(&ids[3]), Found::NotFound));
    assert!(matches!(of(&ids[5]), Found::Unreadable { etag: Some(_), .. }));
    assert!(matches!(of(&ids[6]), Found::Event(event) if event.series.is_some()));
    let asked = stub.asked();
    assert_eq!(asked.iter().filter(|path| path.contains("instances")).count(), 1, "{asked:?}");
    assert_eq!(asked.len(), 6, "{asked:?}");
    let found = client.fetch("c", &[instance("m", 4), instance("m", 5)]).await.unwrap();
    assert!(
        matches!(&found[0].found, Found::Event(event) if event.content.title == "Moved" && event.id == instance("m", 4))
    );
    assert!(matches!(found[1].found, Found::NotFound));
}

#[tokio::test]
async fn one_refused_event_does_not_spoil_the_others() {
    let (_, client) = graph(|asked| match &*asked.path {
        "/me/events/a" => no(403, "ErrorAccessDenied"),
        "/me/events/b" => ok(single("b", 2)),
        "/me/calendars/c" => ok(json!({ "id": "c", "canEdit": true })),
        _ => not_found(),
    })
    .await;
    let found = client.fetch("c", &[EventId::new("a"), EventId::new("b")]).await.unwrap();
    assert!(matches!(found[0].found, Found::Refused(_)));
    assert!(matches!(found[1].found, Found::Event(_)));
}

#[tokio::test]
async fn a_uid_is_searched_in_this_calendar_and_never_as_part_of_a_foreign_series() {
    let (_, client) = graph(|asked| match &*asked.path {
        "/me/events" => {
            assert!(asked.query.contains("$filter=iCalUId eq 'uid-e'"), "{}", asked.query);
            page(&[with(master("m"), &json!({ "iCalUId": "uid-e" })), single("e", 3)])
        }
        "/me/calendars/c/calendarView" => page(&[single("e", 3)]),
        _ => no(500, "unexpected"),
    })
    .await;
    assert_eq!(client.find_uid("c", "uid-e").await.unwrap(), Some(EventId::new("e")));
    assert_eq!(client.find_uid("c", "").await.unwrap(), None);
    let (_, client) = graph(|_| no(400, "ErrorInvalidUrlQueryFilter")).await;
    assert_eq!(client.find_uid("c", "u").await.unwrap(), None, "it cannot search");
    let (_, client) = graph(|_| no(403, "ErrorAccessDenied")).await;
    assert!(client.find_uid("c", "u").await.is_err());
}

#[tokio::test]
async fn an_occurrence_that_only_the_list_of_its_series_lacks_is_not_gone() {
    let world = |view: Vec<Value>| {
        graph(move |asked| match &*asked.path {
            "/me/calendars/c" => ok(json!({ "id": "c" })),
            "/me/calendars/c/calendarView" => page(&view),
            "/me/events/m" => ok(master("m")),
            "/me/events/m/instances" => page(&[]),
            _ => not_found(),
        })
    };
    let (_, client) = world(vec![occurrence("m", 3), occurrence("m", 2)]).await;
    assert_eq!(client.absence("c", &instance("m", 2)).await.unwrap(), None);
    let (_, client) = world(vec![occurrence("m", 3), occurrence("other", 2)]).await;
    let absence = client.absence("c", &instance("m", 2)).await.unwrap();
    assert_eq!(absence, Some(Absence::NotFound));
}
