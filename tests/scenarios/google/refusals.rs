//! What Google refuses, and for how long.

use super::*;
use simulators::faults::{Fault, On};
use std::time::{Duration, Instant};

fn refused(status: u16, reason: &'static str) -> Fault {
    Fault::Refused { status, reason }
}

#[tokio::test]
async fn a_token_that_is_over_is_renewed_once() {
    let desk = Desk::new().await;
    desk.anna.expire_access_tokens();
    let survey = desk.listed().await;
    desk.anna.expire_access_tokens();
    desk.create("x", &lunch()).await.unwrap();
    assert_eq!(told(&desk.since(&survey.cursor).await).len(), 1);
    desk.server.faults().times(2, On::kind(Kind::List), refused(401, "authError"));
    let error = desk
        .client
        .list_changes(desk.calendar.id(), Since::Cursor(&survey.cursor), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unauthorized), "twice in a row is no accident: {error:?}");
    desk.clean();
}

#[tokio::test]
async fn each_refusal_of_a_write_is_what_the_caller_can_do_about_it() {
    type Is = fn(&Error) -> bool;
    let table: [(u16, &'static str, Is); 9] = [
        (400, "timeRangeEmpty", |e| matches!(e, Error::Refused(_))),
        (403, "forbidden", |e| matches!(e, Error::Forbidden(_))),
        (403, "requiredAccessLevel", |e| matches!(e, Error::Forbidden(_))),
        (403, "forbiddenForNonOrganizer", |e| matches!(e, Error::HasGuests)),
        (403, "insufficientPermissions", |e| matches!(e, Error::Consent(_))),
        (403, "accessNotConfigured", |e| matches!(e, Error::Misconfigured(_))),
        (412, "conditionNotMet", |e| matches!(e, Error::ChangedMeanwhile)),
        (500, "backendError", |e| matches!(e, Error::Unreachable(_))),
        (404, "notFound", |e| matches!(e, Error::Gone)),
    ];
    let desk = Desk::new().await;
    let written = desk.create("x", &lunch()).await.unwrap();
    for (status, reason, is) in table {
        desk.server.faults().next(On::kind(Kind::Update), refused(status, reason));
        let error = desk.rewrite(&written, &lunch()).await.unwrap_err();
        assert!(is(&error), "{status} {reason}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("Lunch"));
    }
    desk.clean();
}

#[tokio::test]
async fn quotas_are_waited_for_as_long_as_they_last() {
    for (reason, least) in [("quotaExceeded", 3_600), ("dailyLimitExceeded", 60)] {
        let desk = Desk::new().await;
        desk.server.faults().next(On::any(), refused(403, reason));
        let window = Window { start: date(2026, 1, 1), end: date(2027, 1, 1) };
        let error = desk
            .client
            .list_changes(desk.calendar.id(), Since::Window(window), None)
            .await
            .unwrap_err();
        let Error::RateLimited { retry_after: Some(wait) } = error else { panic!("{error:?}") };
        assert!(
            wait >= Duration::from_secs(least) && wait <= Duration::from_secs(25 * 3600),
            "{reason}: {wait:?}"
        );
        assert_eq!(desk.server.counts().total(), 1);
    }
    let desk = Desk::new().await;
    desk.server.faults().times(3, On::kind(Kind::List), refused(403, "userRateLimitExceeded"));
    assert!(told(&desk.listed().await).is_empty(), "some seconds are waited out");
    desk.server.faults().times(5, On::kind(Kind::List), refused(429, "rateLimitExceeded"));
    assert!(told(&desk.listed().await).is_empty(), "with the other status too");
    desk.server.faults().times(6, On::kind(Kind::Insert), refused(403, "rateLimitExceeded"));
    assert!(
        matches!(
            desk.create("x", &lunch()).await,
            Err(Error::RateLimited { retry_after: Some(_) })
        ),
        "more are not"
    );
    assert!(desk.calendar.is_empty());
    desk.create("x", &lunch()).await.unwrap();
    desk.clean();
}

#[tokio::test]
async fn writes_to_one_calendar_take_turns() {
    let desk = Desk::in_earnest().await;
    // Longer than the time between the beginnings of two.
    desk.server.manners(|manners| manners.latency = Duration::from_millis(300));
    let begun = Instant::now();
    let drafts: Vec<String> = (0..6).map(|n| format!("copy-{n}")).collect();
    let draft = lunch();
    let all = futures::future::join_all(drafts.iter().map(|uid| desk.create(uid, &draft))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(desk.server.counts().peak_writes, 1);
    assert!(begun.elapsed() >= Duration::from_secs(1), "five a second");
    assert_eq!(desk.server.refused_by_quota(), 0);
    desk.clean();
}

#[tokio::test]
async fn passing_faults_lose_and_double_nothing() {
    for fault in Fault::PASSING {
        let desk = Desk::new().await;
        for n in 0..3 {
            let uid = format!("copy-{n}");
            desk.server.faults().next(On::writes(), *fault);
            let mut last = desk.create(&uid, &lunch()).await;
            for _ in 0..3 {
                if last.is_err() {
                    last = desk.create(&uid, &lunch()).await;
                }
            }
            assert!(matches!(last, Ok(_) | Err(Error::Exists)), "{fault:?}: {last:?}");
        }
        assert_eq!(desk.calendar.len(), 3, "{fault:?}");
        desk.clean();
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    let desk = Desk::new().await;
    desk.calendar.put("lunch", single("Lunch"));
    let window = Window { start: date(2026, 1, 1), end: date(2027, 1, 1) };
    desk.server.faults().next(On::kind(Kind::List), Fault::Truncated);
    assert!(
        desk.client.list_changes(desk.calendar.id(), Since::Window(window), None).await.is_err()
    );
    desk.server.faults().next(On::kind(Kind::List), Fault::NoEnd);
    let error = desk
        .client
        .list_changes(desk.calendar.id(), Since::Window(window), None)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::BadAnswer(_)),
        "a list without an end has not been read to its end"
    );
    desk.clean();
}
