//! Lists, cursors and reads by id.

use simulators::faults::{Fault, On};
use simulators::google::{Role, Sort};

use super::*;

#[tokio::test]
async fn a_change_costs_one_request_and_brings_its_content() {
    let env = ClientEnv::new().await;
    env.calendar.put("lunch", single("Lunch"));
    let first = env.listed().await;
    assert_eq!(listed_titles(&first), names(&[("lunch", "Lunch")]));
    env.server.reset_counts();
    assert_eq!(listed_titles(&env.since(&first.cursor).await), names(&[]));
    env.calendar.patch("lunch", json!({ "summary": "Late lunch" }));
    env.calendar.put("tea", single("Tea"));
    let second = env.since(&first.cursor).await;
    assert_eq!(listed_titles(&second), names(&[("lunch", "Late lunch"), ("tea", "Tea")]));
    env.calendar.remove("tea");
    assert_eq!(listed_titles(&env.since(&second.cursor).await), names(&[("tea", "-")]));
    assert_eq!((env.asked(Kind::List), env.server.counts().total()), (3, 3));
    env.clean();
}

#[tokio::test]
async fn the_version_that_a_list_tells_is_that_of_the_event() {
    let env = ClientEnv::new().await;
    env.calendar.put("lunch", single("Lunch"));
    env.calendar.put("team", weekly());
    env.calendar.patch("team_20260317T080000Z", json!({ "summary": "Moved" }));
    for listed in env.listed().await.listed {
        let Listed::Present { id, etag, event: Some(event) } = listed else { panic!() };
        let read = env.event(&id).await;
        assert_eq!((etag, &event.etag), (read.etag.clone(), &read.etag));
        assert!(*event == *read, "the list and the read show the same");
    }
    env.clean();
}

#[tokio::test]
async fn pages_of_every_manner_are_read_to_their_end() {
    let env = ClientEnv::new().await;
    for n in 0..23 {
        env.calendar.put(&format!("event{n:02}"), single(&format!("Event {n}")));
    }
    for (empty_pages, repeats_items, reversed) in
        [(true, false, false), (false, true, false), (true, true, true)]
    {
        env.server.manners(|manners| {
            (manners.page_size, manners.empty_pages, manners.repeats_items, manners.reversed) =
                (5, empty_pages, repeats_items, reversed);
        });
        let changes = env.listed().await;
        assert_eq!(listed_titles(&changes).len(), 23);
        assert_eq!(changes.listed.len(), 23, "every id once");
    }
    env.clean();
}

#[tokio::test]
async fn a_window_is_a_window_and_what_is_no_event_is_left_out() {
    let env = ClientEnv::new().await;
    let on = |day: &str, kind: &str| json!({ "summary": kind, "eventType": kind, "start": { "date": day }, "end": { "date": day } });
    let next =
        |day: &str| day.parse::<jiff::civil::Date>().unwrap().tomorrow().unwrap().to_string();
    let put = |id: &str, day: &str, kind: &str| {
        let mut event = on(day, kind);
        event["end"]["date"] = json!(next(day));
        if kind == "workingLocation" {
            event["workingLocationProperties"] = json!({ "type": "homeOffice", "homeOffice": {} });
            event["visibility"] = json!("public");
            event["transparency"] = json!("transparent");
        }
        env.calendar.put(id, event)
    };
    put("before1", "2025-12-08", "default");
    put("inside1", "2025-12-10", "default");
    put("after1", "2027-03-11", "default");
    put("home1", "2026-03-11", "workingLocation");
    put("born1", "2026-03-12", "birthday");
    let changes = env.listed().await;
    assert_eq!(listed_titles(&changes), names(&[("inside1", "default")]));
    env.calendar.patch("home1", json!({ "summary": "Elsewhere" }));
    assert_eq!(listed_titles(&env.since(&changes.cursor).await), names(&[]));
    env.clean();
}

#[tokio::test]
async fn a_forgotten_cursor_says_so_on_whichever_page() {
    let env = ClientEnv::new().await;
    let cursor = env.listed().await.cursor;
    for n in 0..12 {
        env.calendar.put(&format!("event{n:02}"), single("Event"));
    }
    env.server.manners(|manners| (manners.page_size, manners.bare_gone) = (5, true));
    for page in 1..=3 {
        env.server.faults().after(page - 1, 1, On::kind(Kind::List), Fault::LostToken);
        let error = env
            .client
            .list_changes(env.calendar.id(), Since::Cursor(&cursor), None)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::CursorExpired), "page {page}: {error:?}");
    }
    env.calendar.forget_tokens();
    let error =
        env.client.list_changes(env.calendar.id(), Since::Cursor(&cursor), None).await.unwrap_err();
    assert!(matches!(error, Error::CursorExpired));
    assert_eq!(listed_titles(&env.listed().await).len(), 12, "and the whole list is there as ever");
    env.clean();
}

#[tokio::test]
async fn a_calendar_that_is_gone_is_told_from_an_event_that_is() {
    let env = ClientEnv::new().await;
    env.calendar.put("lunch", single("Lunch"));
    let cursor = env.listed().await.cursor;
    assert!(matches!(env.read(&id("nothing1")).await, Found::NotFound));
    assert!(!env.client.exists(env.calendar.id(), &id("nothing1")).await.unwrap());
    env.calendar.set_gone(true);
    let window = Window { start: date(2026, 1, 1), end: date(2027, 1, 1) };
    for since in [Since::Cursor(&cursor), Since::Window(window)] {
        assert!(matches!(
            env.client.list_changes(env.calendar.id(), since, None).await,
            Err(Error::CalendarMissing)
        ));
    }
    assert!(matches!(
        env.client.fetch(env.calendar.id(), &[id("lunch")]).await,
        Err(Error::CalendarMissing)
    ));
    assert!(matches!(
        env.client.exists(env.calendar.id(), &id("lunch")).await,
        Err(Error::CalendarMissing)
    ));
    assert!(matches!(env.create("x", &lunch()).await, Err(Error::CalendarMissing)));
    assert!(matches!(env.delete(&id("lunch"), None).await, Err(Error::CalendarMissing)));
    env.clean();
}

#[tokio::test]
async fn many_events_are_read_with_one_request() {
    let env = ClientEnv::new().await;
    let mut ids: Vec<EventId> = (0..50).map(|n| id(&format!("event{n:02}"))).collect();
    for id in &ids {
        env.calendar.put(id.as_str(), single(id.as_str()));
    }
    env.calendar.remove("event07");
    ids[9] = id("nothing1");
    env.server.reset_counts();
    let found = env.client.fetch(env.calendar.id(), &ids).await.unwrap();
    assert_eq!((env.asked(Kind::Batch), env.server.counts().total()), (1, 1));
    for (wanted, fetched) in ids.iter().zip(found) {
        assert_eq!(fetched.id, *wanted);
        match fetched.found {
            Found::Event(event) => assert_eq!(event.content.title, wanted.as_str()),
            Found::NotFound => assert!(["event07", "nothing1"].contains(&wanted.as_str())),
            found => panic!("{found:?}"),
        }
    }
    env.clean();
}

#[tokio::test]
async fn an_event_is_there_whatever_is_read_beside_it() {
    let env = ClientEnv::new().await;
    env.calendar.put("lunch", single("Lunch"));
    env.calendar.put("team", weekly());
    env.calendar.patch("team_20260317T080000Z", json!({ "summary": "Moved" }));
    env.calendar.put("tea", single("Tea"));
    env.calendar.remove("tea");
    let ids = ["lunch", "team", "team_20260317T080000Z", "tea"].map(id);
    let found = env.client.fetch(env.calendar.id(), &ids).await.unwrap();
    let seen = found.iter().map(|fetched| match &fetched.found {
        Found::Event(event) => (
            &*event.content.title,
            event.series.as_ref().map_or(0, |series| series.exceptions.len()),
        ),
        Found::NotFound => ("-", 0),
        found => panic!("{found:?}"),
    });
    // An occurrence is no event of its own.
    assert_eq!(seen.collect::<Vec<_>>(), [("Lunch", 0), ("Team", 1), ("-", 0), ("-", 0)]);
    env.clean();
}

#[tokio::test]
async fn what_a_batch_does_not_answer_is_asked_by_itself() {
    let env = ClientEnv::new().await;
    let ids: Vec<EventId> = (0..5).map(|n| id(&format!("event{n:02}"))).collect();
    for id in &ids {
        env.calendar.put(id.as_str(), single("Event"));
    }
    let at = |event: &str| On::kind(Kind::Get).at(event);
    env.server.faults().next(at("event01"), Fault::Status(500));
    env.server
        .faults()
        .next(at("event02"), Fault::Refused { status: 403, reason: "rateLimitExceeded" });
    env.server.faults().next(at("event03"), Fault::DropBefore);
    let found = env.client.fetch(env.calendar.id(), &ids).await.unwrap();
    assert!(found.iter().all(|fetched| matches!(fetched.found, Found::Event(_))));
    env.server.faults().next(On::kind(Kind::Batch), Fault::Status(400));
    let found = env.client.fetch(env.calendar.id(), &ids).await.unwrap();
    assert!(found.iter().all(|fetched| matches!(fetched.found, Found::Event(_))));
    env.clean();
}

/// A batch that brings no answer is asked one by one, and an event that brings none is refused by
/// itself.
#[tokio::test]
async fn an_event_without_an_answer_keeps_no_other_from_being_read() {
    let env = ClientEnv::new().await;
    let ids: Vec<EventId> = (0..5).map(|n| id(&format!("event{n:02}"))).collect();
    for id in &ids {
        env.calendar.put(id.as_str(), single("Event"));
    }
    env.server.faults().always(On::kind(Kind::Batch), Fault::DropBefore);
    env.server.faults().always(On::kind(Kind::Get).at("event03"), Fault::DropBefore);
    let found = env.client.fetch(env.calendar.id(), &ids).await.unwrap();
    let refused: Vec<&str> = found
        .iter()
        .filter(|fetched| matches!(fetched.found, Found::Refused(_)))
        .map(|f| f.id.as_str())
        .collect();
    assert_eq!(refused, ["event03"]);
    assert_eq!(found.iter().filter(|fetched| matches!(fetched.found, Found::Event(_))).count(), 4);
    env.clean();
}

#[tokio::test]
async fn details_that_are_not_shown_to_us_are_said_to_be_busy() {
    let env = ClientEnv::new().await;
    let bens = env.server.account("ben@example.org").primary();
    bens.put(
        "secret1",
        json!({ "summary": "Doctor", "visibility": "private", "start": { "date": "2026-03-11" }, "end": { "date": "2026-03-12" } }),
    );
    bens.put("open1", single("Open"));
    for (role, titles) in
        [(Role::FreeBusyReader, ["Busy", "Busy"]), (Role::Reader, ["Open", "Busy"])]
    {
        env.anna.sees(&bens, role);
        let window = Window { start: date(2026, 1, 1), end: date(2027, 1, 1) };
        let changes =
            env.client.list_changes(bens.id(), Since::Window(window), None).await.unwrap();
        assert_eq!(listed_titles(&changes), names(&[("open1", titles[0]), ("secret1", titles[1])]));
    }
    env.clean();
}

#[tokio::test]
async fn calendars_that_are_nobodys_are_not_offered() {
    let env = ClientEnv::new().await;
    let projects = env.anna.calendar("Projects");
    let ben = env.server.account("ben@example.org").primary();
    env.anna.sees(&ben, Role::Reader);
    env.anna.calendar_of("Room", Sort::Resource, Role::Writer);
    env.anna.calendar_of("Holidays", Sort::Holidays, Role::Reader);
    let import = env.anna.calendar_of("Football", Sort::Import, Role::Reader);
    let lost = env.anna.calendar("Lost");
    env.anna.loses(&lost);
    env.anna.renames(&projects, "My projects");
    let mut seen: Vec<_> = env
        .client
        .calendars()
        .await
        .unwrap()
        .into_iter()
        .map(|c| (c.address, c.name, c.writable, c.zone))
        .collect();
    seen.sort();
    let zone = Some("Europe/Tallinn".to_owned());
    let mut expected: Vec<_> = [
        ("anna@example.org", true),
        (projects.id(), true),
        ("ben@example.org", false),
        (import.id(), false),
    ]
    .into_iter()
    .map(|(id, writable)| (id.to_owned(), writable))
    .collect();
    expected.sort();
    assert_eq!(
        seen.iter().map(|(id, _, writable, _)| (id.clone(), *writable)).collect::<Vec<_>>(),
        expected
    );
    assert!(seen.iter().all(|(_, _, _, found)| *found == zone));
    assert!(seen.iter().any(|(id, name, ..)| id == projects.id() && name == "My projects"));
    env.clean();
}
