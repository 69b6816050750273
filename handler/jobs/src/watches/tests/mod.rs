//! Secrets, times, and notifications; the scenarios test watches with a provider that sends
//! notifications.

mod account;
mod delivery;
mod instances;
mod keys;
mod lifecycle;
mod mailbox;
mod world;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::{AccountId, CalendarId};
use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use providers::{Notification, NotificationKind};
use records::watch::{WatchRecord, WatchStatus};
use secrecy::{ExposeSecret, SecretString};
use store::{Row, Store, Table};
use vault::{Envelope, Root};

use super::needed::new_id;
use super::*;
use crate::services::{Scope, Services};
use crate::test_services::{self, FixedClock, NoProvider};
use crate::{Clock, nudge};

const GOOGLE: ProviderKind = ProviderKind::Google;

fn offline() -> providers::Error {
    providers::Error::Unauthorized
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Storage that must not be accessed.
struct Locked;

#[async_trait]
impl Store for Locked {
    async fn get(&self, _: Table, _: &str, _: &str) -> store::Result<Option<Row>> {
        panic!("storage was asked")
    }
    async fn get_many(&self, _: Table, _: &str, _: &[String]) -> store::Result<Vec<Row>> {
        panic!("storage was asked")
    }
    async fn scan(
        &self,
        _: Table,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> store::Result<Vec<Row>> {
        panic!("storage was asked")
    }
    async fn commit(&self, _: Table, _: &str, _: &[store::Op]) -> store::Result<Vec<String>> {
        panic!("storage was asked")
    }
}

fn scope() -> (Scope, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let scope = Services {
        vault: Arc::new(Envelope::new(
            vault::LocalKey::open(dir.path()).unwrap(),
            Root::new(&[7; 32]),
        )),
        ..test_services::services(
            dir.path(),
            Arc::new(NoProvider(offline)),
            Arc::new(FixedClock(now())),
        )
    }
    .scope("local");
    (scope, dir)
}

fn row(state: WatchStatus, resource: Option<&str>, left: i64) -> WatchRecord {
    WatchRecord {
        id: new_id().unwrap(),
        calendar: Some(CalendarId::new("c1")),
        account: AccountId::new("a1"),
        generation: 1,
        calendar_address: "anna@example.org".into(),
        notification_url: "https://calendars.example.org/webhooks/google".into(),
        resource: resource.map(str::to_owned),
        requested: now(),
        expires: now() + SignedDuration::from_secs(left),
        state,
        confirmed: false,
        error: None,
        key: None,
        not_created: false,
        renew_now: false,
        renewal_asked: None,
        checked: None,
        last_nudge: None,
    }
}

async fn stored(scope: &Scope, row: WatchRecord) -> (String, SecretString) {
    let (token, key) = secret::sign(scope, GOOGLE, &row.id).await.unwrap();
    scope.directory().insert_watch(&WatchRecord { key: Some(key), ..row.clone() }).await.unwrap();
    (row.id, token)
}

async fn received(
    scope: &Scope,
    (channel, token): &(String, SecretString),
    resource: &str,
    greeting: bool,
) -> NoticeOutcome {
    receive(
        scope,
        GOOGLE,
        Notification {
            watch: channel,
            secret: token.expose_secret(),
            resource,
            kind: if greeting { NotificationKind::Started } else { NotificationKind::Changed },
        },
    )
    .await
    .unwrap()
}

/// The number of nudges in the queue, and the bodies of those that are visible.
async fn waiting(scope: &Scope) -> (u64, Vec<String>) {
    let seen = scope.queue.take(nudge::QUEUE, 32, Duration::from_secs(60)).await.unwrap();
    (
        scope.queue.len(nudge::QUEUE).await.unwrap(),
        seen.into_iter().map(|message| message.body).collect(),
    )
}

#[tokio::test]
async fn a_secret_is_valid_for_one_watch_of_one_owner() {
    let (scope, _dir) = scope();
    let (one, other) = (new_id().unwrap(), new_id().unwrap());
    let (token, key) = secret::sign(&scope, GOOGLE, &one).await.unwrap();
    let token = token.expose_secret();
    assert!(token.starts_with(&format!("h2.{key}.")) && token.is_ascii(), "{token}");
    let whose = async |channel: &str, token: &str| {
        secret::verify(&scope, GOOGLE, channel, token).await.unwrap()
    };
    assert_eq!(whose(&one, token).await.as_deref(), Some("local"));
    assert_eq!(whose(&other, token).await, None);
    assert_eq!(secret::verify(&scope, ProviderKind::Caldav, &one, token).await.unwrap(), None);
    let (_, mac) = token.rsplit_once('.').unwrap();
    let other_owner = token.replace(".local.", ".another.");
    let as_before = format!("h1.bG9jYWw.{mac}");
    let other_key = token.replacen(&key, "zzzz", 1);
    let none = [
        "",
        "h1",
        "h1..",
        "h1.bG9jYWw.",
        "h2",
        "h2....",
        &format!("h3{}", &token[2..]),
        &token[..token.len() - 1],
        &"x".repeat(9000),
    ];
    for forged in none.into_iter().chain([
        &*other_owner,
        &as_before,
        &other_key,
        &format!("{token}.{mac}"),
        &format!("{token}\u{e4}"),
    ]) {
        assert_eq!(whose(&one, forged).await, None, "{forged}");
    }
    let elsewhere = Services {
        vault: Arc::new(Envelope::new(
            vault::LocalKey::open(_dir.path()).unwrap(),
            Root::new(&[8; 32]),
        )),
        ..scope.services.clone()
    }
    .scope(&scope.owner);
    assert_eq!(
        secret::verify(&elsewhere, GOOGLE, &one, token).await.unwrap(),
        None,
        "another vault"
    );
}

#[tokio::test]
async fn ten_thousand_forgeries_cause_no_request_of_storage() {
    let (scope, _dir) = scope();
    // A process that has not read the valid keys yet.
    let locked =
        Services { store: Arc::new(Locked), in_process: Arc::default(), ..scope.services.clone() }
            .scope(&scope.owner);
    let mut good = (String::new(), String::new());
    for n in 0..10_000 {
        if n % 100 == 0 {
            let (token, key) = secret::sign(&scope, GOOGLE, &new_id().unwrap()).await.unwrap();
            good = (token.expose_secret().to_owned(), key);
        }
        let channel = new_id().unwrap();
        let token = if n % 3 == 0 {
            good.0.clone()
        } else {
            good.0.replacen(&good.1, &format!("{:04}", n % 10_000), 1)
        };
        assert_eq!(
            received(&locked, &(channel, token.into()), "r1", n % 2 == 0).await,
            NoticeOutcome::Dropped
        );
    }
    assert_eq!(
        received(&locked, &("pair:p1".into(), good.0.into()), "r1", false).await,
        NoticeOutcome::Dropped
    );
}

#[tokio::test]
async fn ten_thousand_notifications_lead_to_one_nudge_now_and_one_later() {
    let (scope, _dir) = scope();
    let channel = stored(&scope, row(WatchStatus::Open, Some("r1"), 86_400)).await;
    assert_eq!(received(&scope, &channel, "r1", false).await, NoticeOutcome::Nudged);
    assert_eq!(
        received(&scope, &channel, "r1", false).await,
        NoticeOutcome::Nudged,
        "after the pause"
    );
    // From here on no notification accesses storage.
    let locked = Services { store: Arc::new(Locked), ..scope.services.clone() }.scope(&scope.owner);
    for _ in 0..10_000 {
        assert_eq!(received(&locked, &channel, "r1", false).await, NoticeOutcome::Covered);
    }
    let (all, seen) = waiting(&scope).await;
    assert_eq!((all, seen), (2, vec![r#"{"calendarId":"c1","cause":"webhook"}"#.to_owned()]));
}

#[tokio::test]
async fn notifications_of_ended_or_other_watches_are_dropped() {
    let (scope, _dir) = scope();
    for row in [
        row(WatchStatus::Open, Some("r1"), 0),
        row(WatchStatus::Open, Some("r2"), 86_400),
        row(WatchStatus::Ending, Some("r1"), 86_400),
        row(WatchStatus::Refused, None, 86_400),
    ] {
        let what = format!("{row:?}");
        let channel = stored(&scope, row).await;
        assert_eq!(received(&scope, &channel, "r1", false).await, NoticeOutcome::Dropped, "{what}");
        assert_eq!(received(&scope, &channel, "r1", true).await, NoticeOutcome::Dropped, "{what}");
    }
    let unknown = new_id().unwrap();
    let (token, _) = secret::sign(&scope, GOOGLE, &unknown).await.unwrap();
    assert_eq!(received(&scope, &(unknown, token), "r1", false).await, NoticeOutcome::Dropped);
    assert_eq!(waiting(&scope).await.0, 0);
}

#[tokio::test]
async fn a_first_notification_before_the_answer_opens_the_watch() {
    let (scope, _dir) = scope();
    let channel = stored(&scope, row(WatchStatus::Requested, None, 86_400)).await;
    assert_eq!(received(&scope, &channel, "r1", true).await, NoticeOutcome::Confirmed);
    let row = &scope.directory().watch(&channel.0).await.unwrap().unwrap().0;
    assert_eq!(
        (row.state, row.resource.as_deref(), row.confirmed),
        (WatchStatus::Open, Some("r1"), true)
    );
    assert_eq!(waiting(&scope).await.0, 0, "it tells of no change");
    assert_eq!(
        received(&scope, &channel, "r9", false).await,
        NoticeOutcome::Dropped,
        "by now it is known what it tells of"
    );
    assert_eq!(received(&scope, &channel, "r1", false).await, NoticeOutcome::Nudged);
}

#[test]
fn watches_are_renewed_a_day_before_their_end_and_not_all_at_once() {
    let (mut dues, facts) = (Vec::new(), GOOGLE.watch_facts().unwrap());
    for _ in 0..200 {
        let id = new_id().unwrap();
        let due = |hours: i64| {
            renew::is_due(
                &WatchRecord { id: id.clone(), ..row(WatchStatus::Open, None, hours * 3600) },
                facts,
                now(),
            )
        };
        assert!(!due(27) && due(21), "{id}");
        dues.push((22..=27).find(|hours| !due(*hours)).unwrap());
    }
    assert!([23, 24, 25, 26].iter().all(|hours| dues.contains(hours)), "{dues:?}");
}

#[test]
fn ids_are_random_uuids() {
    let ids: std::collections::HashSet<String> = (0..1000).map(|_| new_id().unwrap()).collect();
    assert_eq!(ids.len(), 1000);
    assert!(
        ids.iter().all(|id| id.len() == 36 && &id[14..15] == "4" && "89ab".contains(&id[19..20]))
    );
}
