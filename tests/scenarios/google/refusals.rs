//! What Google refuses, and for how long.

use std::time::{Duration, Instant};

use simulators::faults::{Fault, On};

use super::*;

fn refused(status: u16, reason: &'static str) -> Fault {
    Fault::Refused { status, reason }
}

#[tokio::test]
async fn a_token_that_is_over_is_renewed_once() {
    let env = ClientEnv::new().await;
    env.anna.expire_access_tokens();
    let changes = env.listed().await;
    env.anna.expire_access_tokens();
    env.create("x", &lunch()).await.unwrap();
    assert_eq!(listed_titles(&env.since(&changes.cursor).await).len(), 1);
    env.server.faults().times(2, On::kind(Kind::List), refused(401, "authError"));
    let error = env
        .client
        .list_changes(env.calendar.id(), Since::Cursor(&changes.cursor), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unauthorized), "twice in a row is no accident: {error:?}");
    env.clean();
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
    let env = ClientEnv::new().await;
    let written = env.create("x", &lunch()).await.unwrap();
    for (status, reason, is) in table {
        env.server.faults().next(On::kind(Kind::Update), refused(status, reason));
        let error = env.rewrite(&written, &lunch()).await.unwrap_err();
        assert!(is(&error), "{status} {reason}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("Lunch"));
    }
    env.clean();
}

#[tokio::test]
async fn quotas_are_waited_for_as_long_as_they_last() {
    for (reason, least) in [("quotaExceeded", 3_600), ("dailyLimitExceeded", 60)] {
        let env = ClientEnv::new().await;
        env.server.faults().next(On::any(), refused(403, reason));
        let window = Window { start: date(2026, 1, 1), end: date(2027, 1, 1) };
        let error = env
            .client
            .list_changes(env.calendar.id(), Since::Window(window), None)
            .await
            .unwrap_err();
        let Error::RateLimited { retry_after: Some(wait) } = error else { panic!("{error:?}") };
        assert!(
            wait >= Duration::from_secs(least) && wait <= Duration::from_secs(25 * 3600),
            "{reason}: {wait:?}"
        );
        assert_eq!(env.server.counts().total(), 1);
    }
    let env = ClientEnv::new().await;
    env.server.faults().times(3, On::kind(Kind::List), refused(403, "userRateLimitExceeded"));
    assert!(listed_titles(&env.listed().await).is_empty(), "some seconds are waited out");
    env.server.faults().times(5, On::kind(Kind::List), refused(429, "rateLimitExceeded"));
    assert!(listed_titles(&env.listed().await).is_empty(), "with the other status too");
    env.server.faults().times(6, On::kind(Kind::Insert), refused(403, "rateLimitExceeded"));
    assert!(
        matches!(env.create("x", &lunch()).await, Err(Error::RateLimited { retry_after: Some(_) })),
        "more are not"
    );
    assert!(env.calendar.is_empty());
    env.create("x", &lunch()).await.unwrap();
    env.clean();
}

#[tokio::test]
async fn writes_to_one_calendar_take_turns() {
    let env = ClientEnv::in_earnest().await;
    // Longer than the time between the beginnings of two.
    env.server.manners(|manners| manners.latency = Duration::from_millis(300));
    let begun = Instant::now();
    let drafts: Vec<String> = (0..6).map(|n| format!("copy-{n}")).collect();
    let draft = lunch();
    let all = futures::future::join_all(drafts.iter().map(|uid| env.create(uid, &draft))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(env.server.counts().peak_writes, 1);
    assert!(begun.elapsed() >= Duration::from_secs(1), "five a second");
    assert_eq!(env.server.refused_by_quota(), 0);
    env.clean();
}

#[tokio::test]
async fn passing_faults_lose_and_double_nothing() {
    for fault in Fault::PASSING {
        let env = ClientEnv::new().await;
        for n in 0..3 {
            let uid = format!("copy-{n}");
            env.server.faults().next(On::writes(), *fault);
            let mut last = env.create(&uid, &lunch()).await;
            for _ in 0..3 {
                if last.is_err() {
                    last = env.create(&uid, &lunch()).await;
                }
            }
            assert!(matches!(last, Ok(_) | Err(Error::Exists)), "{fault:?}: {last:?}");
        }
        assert_eq!(env.calendar.len(), 3, "{fault:?}");
        env.clean();
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    let env = ClientEnv::new().await;
    env.calendar.put("lunch", single("Lunch"));
    let window = Window { start: date(2026, 1, 1), end: date(2027, 1, 1) };
    env.server.faults().next(On::kind(Kind::List), Fault::Truncated);
    assert!(env.client.list_changes(env.calendar.id(), Since::Window(window), None).await.is_err());
    env.server.faults().next(On::kind(Kind::List), Fault::NoEnd);
    let error =
        env.client.list_changes(env.calendar.id(), Since::Window(window), None).await.unwrap_err();
    assert!(
        matches!(error, Error::BadAnswer(_)),
        "a list without an end has not been read to its end"
    );
    env.clean();
}
