use std::time::Duration;

use super::*;
use crate::faults::{Fault, On};

#[tokio::test]
async fn requests_are_counted_by_their_kind() {
    let world = world().await;
    let id = world.create(at_ten(10, "A")).await.id();
    world.event(&id).await;
    world.patch(&id, json!({"subject": "B"})).await;
    world.view("2026-03-01", "2026-04-01").await;
    world.get(&world.within("/calendarView/delta?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z")).await;
    world.get("/me/events").await;
    world.get("/subscriptions").await;
    world.client.send("GET", "/common/discovery/v2.0/keys", &[], "").await.unwrap();
    world.delete(&id).await;
    let counts = world.graph.counts();
    for kind in [
        Kind::Insert,
        Kind::Get,
        Kind::Patch,
        Kind::View,
        Kind::Delta,
        Kind::Find,
        Kind::Subscriptions,
        Kind::Keys,
        Kind::Delete,
    ] {
        assert_eq!(counts.of(kind), 1, "{kind:?}");
    }
    assert_eq!((counts.total(), counts.writes()), (9, 3));
    world.clean();
}

#[tokio::test]
async fn faults_take_the_place_of_answers() {
    let world = world().await;
    let faults = world.graph.faults();
    faults.next(On::kind(Kind::Insert), Fault::DropAfter);
    let bearer = format!("Bearer {}", world.token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("prefer", PREFER),
        ("content-type", "application/json"),
    ];
    let path = format!("/v1.0{}", world.within("/events"));
    let lost = world.client.send("POST", &path, &headers, at_ten(10, "Lost").to_string()).await;
    assert!(lost.is_err(), "the answer is lost");
    assert_eq!(world.work.len(), 1, "and the work is done");
    faults.next(On::kind(Kind::Insert), Fault::DropBefore);
    assert!(world.client.send("POST", &path, &headers, at_ten(10, "A").to_string()).await.is_err());
    assert_eq!(world.work.len(), 1);
    faults.next(On::kind(Kind::View), Fault::EmptyListing);
    assert_eq!(world.view("2026-03-01", "2026-04-01").await.items().len(), 0);
    let throttled = Fault::Throttled { status: 429, retry_after: 7 };
    faults.next(On::kind(Kind::View), throttled);
    let answer = world.raw("GET", &world.within(""), &[], None).await;
    assert_eq!(answer.status, 200, "it is for another kind");
    assert_eq!(
        world.view("2026-03-01", "2026-04-01").await.refusal(),
        (429, "ApplicationThrottled")
    );
    let reason = Fault::Refused { status: 400, reason: "ErrorOccurrenceCrossingBoundary" };
    faults.next(On::kind(Kind::Patch), reason);
    let id = world.work.find("Lost").unwrap()["id"].as_str().unwrap().to_owned();
    let refused = world.patch(&id, json!({"subject": "No"})).await;
    assert_eq!(refused.refusal(), (400, "ErrorOccurrenceCrossingBoundary"));
    faults.next(On::kind(Kind::Delta), Fault::NoEnd);
    let delta = world.within(
        "/calendarView/delta?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z",
    );
    let page = world.get(&delta).await;
    assert_eq!((page.body.get("@odata.deltaLink"), page.items().len()), (None, 1));
    let page = world.get(&delta).await;
    faults.next(On::kind(Kind::Delta), Fault::LostToken);
    assert_eq!(world.get(&delta).await.status, 200, "a first round has no state to lose");
    let gone = world.get(page.text("@odata.deltaLink")).await;
    assert_eq!(gone.refusal(), (410, "SyncStateNotFound"));
    assert!(!faults.waiting());
    world.clean();
}

#[tokio::test]
async fn too_many_requests_in_ten_minutes_are_throttled() {
    let world = world().await;
    world.graph.manners(|manners| manners.requests_in_ten_minutes = 2);
    for _ in 0..2 {
        assert_eq!(world.get("/me/calendars").await.status, 200);
    }
    assert_eq!(world.get("/me/calendars").await.status, 429);
    assert_eq!(world.get("/subscriptions").await.status, 200, "no request to the mailbox");
    world.graph.clock().advance(jiff::SignedDuration::from_mins(10));
    assert_eq!(world.get("/me/calendars").await.status, 200);
    world.clean();
}

#[tokio::test]
async fn every_answer_takes_its_time() {
    let world = world().await;
    world.graph.manners(|manners| manners.latency = Duration::from_millis(80));
    let begin = std::time::Instant::now();
    world.get("/me/calendars").await;
    assert!(begin.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn another_client_writes_between_a_read_and_a_patch() {
    let world = world().await;
    let id = world.work.add(at_ten(10, "Lunch"));
    let etag = world.event(&id).await.text("@odata.etag").to_owned();
    let (work, there) = (world.work.clone(), id.clone());
    world.graph.before(Kind::Patch, move || {
        work.patch(&there, json!({"subject": "Theirs"}));
    });
    let path = format!("/me/events/{}", encode(&id));
    let change = Some(json!({"subject": "Ours"}));
    let refused = world.with("PATCH", &path, &[("if-match", &etag)], change).await;
    assert_eq!(refused.refusal(), (412, "ErrorIrresolvableConflict"));
    assert_eq!(world.work.get(&id).unwrap()["subject"], "Theirs");
    assert!(!world.graph.waits());
    world.clean();
}

#[tokio::test]
async fn what_is_written_may_be_saved_again() {
    let world = world().await;
    world.graph.manners(|manners| manners.saves_again = true);
    let made = world.create(at_ten(10, "Lunch")).await;
    let now = world.event(&made.id()).await;
    assert_ne!(now.text("@odata.etag"), made.text("@odata.etag"));
    assert_eq!(now.body["subject"], made.body["subject"]);
    world.clean();
}

#[tokio::test]
async fn what_a_request_has_to_prefer_is_held_against_it() {
    let world = world().await;
    let id = world.work.add(at_ten(10, "Lunch"));
    let event = format!("/me/events/{}", encode(&id));
    let delta = world.within(super::delta::RANGE);
    let (ids, zone, text) = (
        "IdType=\"ImmutableId\"",
        "outlook.timezone=\"UTC\"",
        "outlook.body-content-type=\"text\"",
    );
    let other_zone = "outlook.timezone=\"FLE Standard Time\"";
    for (path, prefer, words) in [
        (&event, [zone, text].join(", "), "no IdType"),
        (&event, [ids, text].join(", "), "UTC is not asked for"),
        (&event, [ids, text, other_zone].join(", "), "UTC is not asked for"),
        (&event, [ids, zone].join(", "), "text is not asked for"),
        (&delta, [ids, zone, text, "odata.maxpagesize=1001"].join(", "), "pages of more than 1000"),
    ] {
        let before = world.graph.violations().len();
        let said = world.with("GET", path, &[("prefer", &prefer)], None).await;
        assert_eq!(said.status, 200, "it is answered all the same");
        let wrong = world.graph.violations()[before..].to_vec();
        assert!(wrong.len() == 1 && wrong[0].ends_with(words), "{wrong:?}");
    }
    let calendars = world.with("GET", "/me/calendars", &[("prefer", ids)], None).await;
    assert_eq!((calendars.status, world.graph.violations().len()), (200, 5), "no events, no zone");
    let unknown = [("prefer", "IdType=\"ImmutableId\", outlook.timezone=\"Nowhere\"")];
    let refused = world.with("GET", &event, &unknown, None).await;
    assert_eq!(refused.refusal(), (400, "TimeZoneNotSupportedException"));
}
