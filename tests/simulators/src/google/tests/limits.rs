//! Quotas, faults, latency, and that the test's hands pass them all by.

use std::time::{Duration, Instant};

use super::*;
use crate::faults::{Fault, On};
use crate::traffic::Kind;

#[tokio::test]
async fn quotas_are_counted_by_the_clock_of_the_test() {
    let w = world().await;
    w.server.manners(|m| m.quotas = Quotas { user: 3, project: u32::MAX, calendar: 2 });
    for title in ["a", "b"] {
        assert_eq!(w.insert(at_ten(11, title)).await.status, 200);
    }
    assert_eq!(
        w.insert(at_ten(11, "c")).await.refusal(),
        (403, "rateLimitExceeded"),
        "too fast for one calendar"
    );
    assert_eq!(w.list("").await.refusal(), (403, "userRateLimitExceeded"));
    w.work.put("byhand", at_ten(11, "By hand"));
    w.server.clock().advance(jiff::SignedDuration::from_mins(1));
    assert_eq!(w.list("").await.ids().len(), 3);
    assert_eq!((w.server.refused_by_quota(), w.server.busiest_minute()), (2, 4));
    w.clean();
}

#[tokio::test]
async fn the_usual_quota_is_six_hundred_a_minute() {
    let w = world().await;
    for _ in 0..600 {
        assert_eq!(w.get("/never1").await.status, 404);
    }
    assert_eq!(w.get("/never1").await.refusal(), (403, "userRateLimitExceeded"));
}

#[tokio::test]
async fn faults_look_like_googles() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    let faults = w.server.faults();
    let token = encode(w.list("").await.text("nextSyncToken"));
    for (fault, status, reason) in [
        (Fault::Status(503), 503, "backendError"),
        (Fault::Status(401), 401, "authError"),
        (Fault::Throttled { status: 429, retry_after: 7 }, 429, "rateLimitExceeded"),
        (Fault::Refused { status: 403, reason: "quotaExceeded" }, 403, "quotaExceeded"),
        (Fault::Refused { status: 403, reason: "accessNotConfigured" }, 403, "accessNotConfigured"),
        (Fault::LostToken, 410, "fullSyncRequired"),
    ] {
        faults.next(On::kind(Kind::List), fault);
        assert_eq!(w.list(&format!("syncToken={token}")).await.refusal(), (status, reason));
    }
    faults.next(On::kind(Kind::List), Fault::LostToken);
    assert_eq!(w.list("").await.status, 200, "there is no token to be lost");
    faults.clear();
    faults.next(On::kind(Kind::List), Fault::EmptyListing);
    let empty = w.list("").await;
    assert_eq!((empty.ids(), empty.text("nextSyncToken").is_empty()), (vec![], false));
    faults.next(On::kind(Kind::List), Fault::NoEnd);
    let endless = w.list("").await;
    assert_eq!(
        (endless.ids().len(), endless.text("nextSyncToken"), endless.text("nextPageToken")),
        (1, "", "")
    );
    faults.next(On::writes(), Fault::StatusAfter(504));
    assert_eq!(w.insert(at_ten(12, "Made")).await.status, 504);
    assert!(w.work.find("Made").is_some());
    faults.next(On::writes(), Fault::Throttled { status: 503, retry_after: 3 });
    let answer = w.raw("DELETE", &w.events("/lunch1"), &[], None).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "3"));
    faults.next(On::kind(Kind::Token), Fault::Status(503));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        w.client.send("POST", "/token", &form, "grant_type=refresh_token").await.unwrap().status,
        503
    );
    for (fault, done) in
        [(Fault::DropBefore, false), (Fault::DropAfter, true), (Fault::Truncated, true)]
    {
        faults.next(On::kind(Kind::Insert), fault);
        let event = at_ten(12, &format!("{fault:?}"));
        let bearer = format!("Bearer {}", w.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let path = format!("/calendar/v3/{}", w.events("?sendUpdates=none"));
        assert!(w.client.send("POST", &path, &headers, event.to_string()).await.is_err());
        assert_eq!(w.work.find(&format!("{fault:?}")).is_some(), done);
    }
    assert!(!faults.waiting());
    w.clean();
}

#[tokio::test]
async fn every_answer_takes_its_time() {
    let w = world().await;
    w.server.manners(|m| m.latency = Duration::from_millis(30));
    let start = Instant::now();
    w.list("").await;
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn calls_are_counted_by_what_they_are() {
    let w = world().await;
    let made = w.insert(at_ten(11, "Lunch")).await;
    w.patch(made.text("id"), json!({"summary": "Tea"})).await;
    w.ask("PUT", &w.events(&format!("/{}", made.text("id"))), Some(at_ten(11, "Tea"))).await;
    w.list("").await;
    w.get(&format!("/{}", made.text("id"))).await;
    w.delete(made.text("id")).await;
    w.ask("GET", "users/me/calendarList", None).await;
    assert_eq!(
        w.server.counts().to_string(),
        "1 Get, 1 Delete, 1 CalendarList, 1 List, 1 Insert, 1 Update, 1 Patch (1 at once)"
    );
    assert_eq!((w.server.counts().writes(), w.server.counts().total()), (4, 7));
    w.server.reset_counts();
    assert_eq!(w.server.counts().total(), 0);
}

#[tokio::test]
async fn a_calendar_may_vanish_and_come_back() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    w.work.set_gone(true);
    assert_eq!(w.list("").await.refusal(), (404, "notFound"));
    assert_eq!(w.ask("GET", "users/me/calendarList", None).await.ids(), ["anna@example.org"]);
    w.work.set_gone(false);
    assert_eq!(w.list("").await.ids(), ["lunch1"]);
    let token = encode(w.list("").await.text("nextSyncToken"));
    w.work.touch_all();
    assert_eq!(w.list(&format!("syncToken={token}")).await.ids(), ["lunch1"]);
    w.clean();
}
