//! The life of a watch of a whole account.

use engine::calendar::PairId;
use records::watch::WatchStatus;

use super::mailbox::deliver;
use super::world::World;
use super::*;
use crate::doctor::{self, AccountChecks};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn created(outcome: RenewOutcome) -> (usize, usize, usize, usize) {
    let RenewOutcome { created, renewed, stopped, failed, .. } = outcome;
    (created, renewed, stopped, failed)
}

#[tokio::test]
async fn one_watch_covers_all_paired_calendars_of_an_account() {
    let world = World::paired().await;
    let other_kind = renew(&world.scope, WatchKind::Calendar, true).await.unwrap();
    assert_eq!((other_kind, world.mailbox.log()), (RenewOutcome::default(), Vec::new()));
    assert_eq!(world.renew().await, RenewOutcome { needed: 1, created: 1, ..Default::default() });
    assert_eq!(world.mailbox.log(), ["create s1"]);
    let rows = world.rows().await;
    assert_eq!((rows.len(), rows[0].calendar.as_ref()), (1, None));
    assert_eq!(
        (rows[0].state, rows[0].resource.as_deref()),
        (WatchStatus::Open, Some("s1")),
        "the provider's id beside ours"
    );
    assert_eq!(world.nudges().await, ["a1 renewal", "z2 renewal"]);

    let states = states(&world.scope).await.unwrap();
    let shown: Vec<_> = states.iter().map(|state| (state.calendar.as_str(), state.open)).collect();
    assert_eq!(shown, [("a1", true), ("a2", true)]);

    assert_eq!(created(world.renew().await), (0, 0, 0, 0));
    assert!(
        !world.pass("p1").await
            && world.mailbox.log().is_empty()
            && world.nudges().await.is_empty()
    );
    // A late timer syncs the calendars of its own kind.
    renew(&world.scope, WatchKind::Calendar, true).await.unwrap();
    assert!(world.nudges().await.is_empty());
    renew(&world.scope, WatchKind::Account, true).await.unwrap();
    assert_eq!(world.nudges().await, ["a1 renewal", "z2 renewal"]);
}

#[tokio::test]
async fn a_watch_gets_a_later_end_a_day_before_its_end_and_nothing_else_happens() {
    let world = World::paired().await;
    world.renew().await;
    let before = world.rows().await;
    world.nudges().await;
    world.mailbox.log();
    world.mailbox.wait(HOUR * 21);
    assert_eq!(created(world.renew().await), (0, 0, 0, 0), "27 hours are left");
    assert_eq!(world.mailbox.log(), ["check s1"], "whether it exists");
    assert_eq!((created(world.renew().await), world.mailbox.log().len()), ((0, 0, 0, 0), 0));
    world.mailbox.wait(HOUR * 6);
    renew(&world.scope, WatchKind::Calendar, false).await.unwrap();
    assert!(world.mailbox.log().is_empty(), "by its own timer only");
    assert_eq!(created(world.renew().await), (0, 1, 0, 0));
    assert_eq!(world.mailbox.log(), ["renew s1"]);
    let after = world.rows().await;
    assert_eq!((after.len(), &after[0].id), (1, &before[0].id));
    assert_eq!(after[0].expires, world.mailbox.now() + HOUR * 48);
    assert_eq!(after[0].expires, world.mailbox.watches.lock().unwrap()["s1"].0);
    assert!(world.nudges().await.is_empty(), "nothing was missed");
    assert_eq!(created(world.renew().await), (0, 0, 0, 0), "once");
    // A week later it is still the same one.
    for _ in 0..168 {
        world.mailbox.wait(HOUR);
        world.renew().await;
    }
    let log = world.mailbox.log();
    let of = |what: &str| log.iter().filter(|it| *it == what).count();
    let (renewed, checked) = (of("renew s1"), of("check s1"));
    assert!((6..=8).contains(&renewed) && (6..=8).contains(&checked), "{log:?}");
    assert_eq!(renewed + checked, log.len(), "{log:?}");
}

#[tokio::test]
async fn a_watch_that_the_provider_does_not_know_is_created_anew_and_its_calendars_are_synced() {
    let world = World::paired().await;
    world.renew().await;
    world.nudges().await;
    world.mailbox.log();
    world.mailbox.watches.lock().unwrap().clear();
    world.mailbox.wait(HOUR * 27);
    assert_eq!(created(world.renew().await), (1, 0, 1, 0));
    let log = world.mailbox.log();
    assert_eq!(log[..2], ["renew s1", "create s2"], "{log:?}");
    let rows = world.rows().await;
    assert_eq!((rows.len(), rows[0].resource.as_deref()), (1, Some("s2")));
    assert_eq!(world.nudges().await, ["a1 renewal", "z2 renewal"]);
}

#[tokio::test]
async fn a_watch_that_is_removed_without_a_notification_is_found_between_two_renewals() {
    let world = World::paired().await;
    world.renew().await;
    world.nudges().await;
    world.mailbox.log();
    world.mailbox.watches.lock().unwrap().clear();
    world.mailbox.wait(HOUR * 9);
    assert_eq!((created(world.renew().await), world.mailbox.log().len()), ((0, 0, 0, 0), 0));
    world.mailbox.wait(HOUR * 5);
    // A provider that does not answer has not removed it.
    *world.mailbox.fails.lock().unwrap() = Some(providers::Error::NoAnswer("on purpose".into()));
    assert_eq!(created(world.renew().await), (0, 0, 0, 0));
    assert!(states(&world.scope).await.unwrap().iter().all(|state| state.open));
    assert_eq!(created(world.renew().await), (1, 0, 1, 0));
    assert_eq!(world.mailbox.log(), ["check s1", "check s1", "create s2"]);
    let rows = world.rows().await;
    assert_eq!((rows.len(), rows[0].resource.as_deref()), (1, Some("s2")));
    assert_eq!(world.nudges().await, ["a1 renewal", "z2 renewal"], "nothing is missed");
}

#[tokio::test]
async fn after_a_time_without_runs_every_watch_is_checked() {
    let world = World::paired().await;
    world.renew().await;
    world.mailbox.log();
    renew(&world.scope, WatchKind::Account, true).await.unwrap();
    assert_eq!(world.mailbox.log(), ["check s1"]);
    world.mailbox.watches.lock().unwrap().clear();
    let missed = renew(&world.scope, WatchKind::Account, true).await.unwrap();
    assert_eq!(created(missed), (1, 0, 1, 0));
    assert_eq!(world.mailbox.log(), ["check s1", "create s2"]);
}

/// `doctor` asks the provider, changes nothing, and says so once for the account.
#[tokio::test]
async fn a_watch_that_exists_by_its_record_alone_is_a_finding() {
    let world = World::paired().await;
    world.renew().await;
    world.mailbox.log();
    let push = async |how| {
        let findings = doctor::findings(&world.scope, how).await;
        let push = findings.into_iter().filter(|it| it.check.starts_with("push"));
        push.map(|it| (it.check, it.ok, it.message)).collect::<Vec<_>>()
    };
    let open = "Notifications of changes arrive for 2 of 2 paired calendars.";
    assert_eq!(push(AccountChecks::Live).await, [("push".into(), true, open.into())]);
    assert_eq!(world.mailbox.log(), ["check s1"]);
    world.mailbox.watches.lock().unwrap().clear();
    let rows = world.rows().await;
    let found = push(AccountChecks::Live).await;
    assert_eq!((found.len(), &*found[1].0, found[1].1), (2, "push:a", false), "{found:?}");
    assert!(found[0].2.contains("0 of 2") && found[1].2.contains("has removed the watch"));
    assert_eq!((world.mailbox.log(), world.rows().await), (vec!["check s1".to_owned()], rows));
    assert_eq!(push(AccountChecks::Stored).await.len(), 1, "without a request");
    assert!(world.mailbox.log().is_empty());
}

/// The process dies, or the provider fails, between the renewal and the creation.
#[tokio::test]
async fn an_unknown_watch_whose_successor_cannot_be_created_is_not_open() {
    let world = World::paired().await;
    world.renew().await;
    world.mailbox.watches.lock().unwrap().clear();
    world.mailbox.wait(HOUR * 27);
    world.nudges().await;
    let directory = world.scope.snapshot().await.unwrap();
    let needed = super::super::needed::needed(&directory);
    let row = world.rows().await.remove(0);
    super::super::renew_in_place::renew_in_place(
        &world.scope,
        &directory,
        needed.values().next().unwrap(),
        &row,
    )
    .await
    .unwrap();
    assert!(states(&world.scope).await.unwrap().iter().all(|state| !state.open));
    assert!(world.pass("p2").await, "the next pass creates it");
    assert_eq!(world.nudges().await, ["a1 renewal"], "and the other pair is synced too");
}

#[tokio::test]
async fn a_draft_needs_no_watch() {
    let world = World::of(&[("p1", "a1", "z1"), ("p2", "z2", "b2")]).await;
    let draft = |pair: &mut engine::pair::Pair| pair.draft = true;
    world.scope.directory().update("pair:p1", draft).await.unwrap().unwrap();
    assert_eq!(world.renew().await, RenewOutcome { needed: 1, created: 1, ..Default::default() });
    world.pass("p1").await;
    let accounts: Vec<String> =
        world.rows().await.iter().map(|row| row.account.to_string()).collect();
    assert_eq!(accounts, ["b"]);
    assert_eq!(states(&world.scope).await.unwrap().len(), 1, "and none is missing");
    assert_eq!(world.nudges().await, ["z2 renewal"]);
    crate::pairs::start_pair(&world.scope, &PairId::new("p1")).await.unwrap();
    assert_eq!(world.nudges().await, ["a1 renewal"]);
    assert!(world.pass("p1").await);
    assert_eq!(world.rows().await.len(), 2);
}

#[tokio::test]
async fn a_watch_that_cannot_be_renewed_for_now_lives_on() {
    let world = World::paired().await;
    world.renew().await;
    world.mailbox.log();
    world.mailbox.wait(HOUR * 27);
    let failure = providers::Error::Unreachable("on purpose".into());
    *world.mailbox.fails.lock().unwrap() = Some(failure);
    assert_eq!(created(world.renew().await), (0, 0, 0, 1));
    assert_eq!(world.mailbox.log(), ["renew s1"], "no other one is created beside it");
    let states = states(&world.scope).await.unwrap();
    assert!(states.iter().all(|state| state.open && state.error.is_some()));
    assert_eq!(created(world.renew().await), (0, 1, 0, 0));
    assert_eq!(world.rows().await[0].error, None);
}

#[tokio::test]
async fn a_watch_with_an_earlier_key_is_replaced_when_it_is_due() {
    let world = World::paired().await;
    world.renew().await;
    world.mailbox.log();
    let key = crate::watches::keys::rotate(&world.scope, false).await.unwrap();
    assert_eq!(created(world.renew().await), (0, 0, 0, 0));
    world.mailbox.wait(HOUR * 27);
    assert_eq!(created(world.renew().await), (1, 0, 1, 0));
    assert_eq!(world.mailbox.log(), ["create s2", "delete s1"]);
    assert_eq!(world.rows().await[0].key.as_deref(), Some(&*key));
}

#[tokio::test]
async fn a_notification_before_the_answer_finds_the_record_by_our_id() {
    let world = World::paired().await;
    *world.mailbox.notifies.lock().unwrap() = Some(world.scope.services.clone());
    assert!(world.pass("p1").await);
    let rows = world.rows().await;
    assert_eq!(
        (rows.len(), rows[0].state, rows[0].confirmed, rows[0].resource.as_deref()),
        (1, WatchStatus::Open, true, Some("s1"))
    );
    let nudges = world.nudges().await;
    assert!(nudges.contains(&"a1 webhook".to_owned()), "{nudges:?}");
    assert!(nudges.contains(&"a2 webhook".to_owned()), "{nudges:?}");
}

#[tokio::test]
async fn a_watch_whose_creation_was_not_answered_is_learnt_from_its_first_notification() {
    let world = World::paired().await;
    world.mailbox.loses.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(created(world.renew().await), (0, 0, 0, 1));
    assert_eq!(world.rows().await[0].state, WatchStatus::Requested);
    let change = world.mailbox.change("s1");
    assert_eq!(deliver(&world.scope, &[change]).await.nudged, 1);
    let row = world.rows().await.remove(0);
    assert_eq!((row.state, row.resource.as_deref()), (WatchStatus::Open, Some("s1")));
    assert_eq!(created(world.renew().await), (0, 0, 0, 0));
    assert_eq!(world.mailbox.log(), ["create s1"]);
}

#[tokio::test]
async fn a_renewal_that_the_provider_asks_for_happens_once_in_ten_minutes() {
    let world = World::paired().await;
    world.renew().await;
    world.nudges().await;
    world.mailbox.log();
    let asks = async || {
        deliver(&world.scope, &[world.mailbox.lifecycle("s1", "reauthorizationRequired")]).await
    };
    assert_eq!(asks().await.nudged, 1);
    assert_eq!(world.nudges().await, ["a1 renewal", "a2 renewal"]);
    assert!(!world.pass("p1").await, "no watch is created");
    assert_eq!(world.mailbox.log(), ["renew s1"]);
    assert!(!world.rows().await[0].renew_now);
    for _ in 0..9 {
        world.mailbox.wait(SignedDuration::from_mins(1));
        asks().await;
        world.pass("p1").await;
    }
    assert!(world.mailbox.log().is_empty());
    world.mailbox.wait(SignedDuration::from_mins(1));
    asks().await;
    world.pass("p2").await;
    assert_eq!(world.mailbox.log(), ["renew s1"]);
}

#[tokio::test]
async fn a_removed_watch_is_made_again_and_every_calendar_of_the_account_is_synced() {
    let world = World::paired().await;
    world.renew().await;
    world.nudges().await;
    world.mailbox.log();
    let (removed, change) =
        (world.mailbox.lifecycle("s1", "subscriptionRemoved"), world.mailbox.change("s1"));
    world.mailbox.watches.lock().unwrap().clear();
    assert_eq!(deliver(&world.scope, &[change.clone(), removed.clone()]).await.nudged, 1);
    assert_eq!(world.nudges().await, ["a1 renewal", "a2 renewal"]);
    assert_eq!(deliver(&world.scope, std::slice::from_ref(&change)).await.dropped, 1);
    assert!(world.pass("p1").await);
    assert_eq!(world.mailbox.log(), ["create s2"], "there is nothing to delete");
    assert_eq!(world.rows().await.len(), 1);
    assert_eq!(deliver(&world.scope, &[removed]).await.dropped, 1, "it is over");
    assert_eq!(deliver(&world.scope, &[world.mailbox.change("s2")]).await.nudged, 1);
}

/// The nudges of a removed watch fail: the provider repeats the notification.
#[tokio::test]
async fn a_removed_watch_is_told_of_again_until_a_nudge_is_stored() {
    let world = World::paired().await;
    world.renew().await;
    world.nudges().await;
    let removed = [world.mailbox.lifecycle("s1", "subscriptionRemoved")];
    world.queue.refuse("", 1);
    assert!(super::mailbox::try_to_deliver(&world.scope, &removed).await.is_err());
    assert_eq!(deliver(&world.scope, &removed).await.nudged, 1);
    // It comes after the pause of the nudge that failed.
    world.mailbox.wait(SignedDuration::from_mins(1));
    assert_eq!(world.nudges().await, ["a1 renewal", "a2 renewal"]);
}

#[tokio::test]
async fn lost_and_unknown_notifications_are_limited_like_changes() {
    let world = World::paired().await;
    world.renew().await;
    world.nudges().await;
    let missed = [world.mailbox.lifecycle("s1", "missed"), world.mailbox.lifecycle("s1", "moon")];
    assert_eq!(deliver(&world.scope, &missed).await.nudged, 1);
    assert_eq!(world.nudges().await, ["a1 renewal", "a2 renewal"]);
    assert_eq!(deliver(&world.scope, &missed).await.nudged, 1, "after the pause");
    for _ in 0..100 {
        assert_eq!(deliver(&world.scope, &missed).await.covered, 1);
    }
    assert_eq!(world.scope.queue.len(nudge::QUEUE).await.unwrap(), 2);
}

#[tokio::test]
async fn the_watch_ends_with_the_last_pair_that_needs_it() {
    let world = World::paired().await;
    world.renew().await;
    world.mailbox.log();
    crate::pairs::pause_pair(&world.scope, &PairId::new("p1")).await.unwrap();
    assert!(world.mailbox.log().is_empty(), "the other pair needs it");
    assert_eq!(deliver(&world.scope, &[world.mailbox.change("s1")]).await.nudged, 1);
    world.nudges().await;
    crate::pairs::pause_pair(&world.scope, &PairId::new("p2")).await.unwrap();
    assert_eq!((world.mailbox.log(), world.rows().await), (vec!["delete s1".to_owned()], vec![]));
    crate::pairs::resume_pair(&world.scope, &PairId::new("p2")).await.unwrap();
    assert_eq!(world.nudges().await, ["a2 renewal"]);
    assert!(world.pass("p2").await);
    assert_eq!(world.mailbox.log(), ["create s2"]);
}

#[tokio::test]
async fn the_watch_ends_with_its_account() {
    let world = World::paired().await;
    world.renew().await;
    world.mailbox.log();
    crate::remove_account(&world.scope, &AccountId::new("a")).await.unwrap();
    assert_eq!((world.mailbox.log(), world.rows().await), (vec!["delete s1".to_owned()], vec![]));
    assert!(world.mailbox.watches.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_missing_watch_is_one_finding_for_all_calendars_of_the_account() {
    let world = World::paired().await;
    *world.mailbox.fails.lock().unwrap() = Some(providers::Error::Misconfigured("a proxy".into()));
    assert_eq!(created(world.renew().await), (0, 0, 0, 1));
    let states = states(&world.scope).await.unwrap();
    assert_eq!(states.len(), 2);
    assert!(states.iter().all(|it| !it.open && it.of_account == Some(AccountId::new("a"))));
    let findings = doctor::findings(&world.scope, AccountChecks::Stored).await;
    let push: Vec<_> = findings.iter().filter(|it| it.check.starts_with("push")).collect();
    let checks: Vec<_> = push.iter().map(|it| (&*it.check, it.ok)).collect();
    assert_eq!(checks, [("push", true), ("push:a", false)]);
    assert_eq!(push[0].message, "Notifications of changes arrive for 0 of 2 paired calendars.");
}
